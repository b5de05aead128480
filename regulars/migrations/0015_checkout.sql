-- The shop's checkout: how it is connected, and what each of its orders took of its customer's wallets.

CREATE TABLE checkout_connection (
    workspace_id   uuid PRIMARY KEY,
    hook_id        uuid NOT NULL,                 -- ends the address that the checkout calls; drawn at random
    secrets        bytea NOT NULL,                -- `secret`, and for a while `previous`, encrypted
    previous_until timestamptz,                   -- until then calls may be signed with `previous`
    rules          jsonb NOT NULL,                -- checkout.Rules
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX checkout_connection_hook ON checkout_connection (hook_id);

CREATE TABLE checkout_payment (
    workspace_id   uuid NOT NULL,
    reference      text NOT NULL,                 -- reference_order_id: what the checkout calls the order
    customer_id    uuid,                          -- null: given back before it was taken
    wallet_type    text NOT NULL CHECK (wallet_type IN ('coins', 'credits', 'coins_and_credits')),
    cart_minor     bigint NOT NULL,
    coins          bigint NOT NULL,
    coins_minor    bigint NOT NULL,               -- what they took off
    credits        bigint NOT NULL,               -- in hundredths, as the wallet has them
    credits_minor  bigint NOT NULL,
    coins_txn_id   uuid,
    credits_txn_id uuid,
    state          text NOT NULL CHECK (state IN ('held', 'taken', 'returned', 'reverted')),
    order_id       uuid,                          -- its order, once that came in
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, reference)
);
