-- What coins buy: offers in versions, codes that a shop brings along, and coupons.

CREATE TABLE rewards_offer (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,
    version         integer NOT NULL,
    name            text NOT NULL,
    active          boolean NOT NULL,
    show_in_widget  boolean NOT NULL,
    place           integer NOT NULL,             -- where it stands in the widget, 1 first
    terms           jsonb NOT NULL,               -- rewards.model.Terms, as of this version
    issued          bigint NOT NULL DEFAULT 0,    -- coupons out, counted where there is a stock
    taken_off_minor bigint NOT NULL DEFAULT 0,    -- what its coupons took off, counted where there is a budget
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    public          boolean NOT NULL DEFAULT false,  -- other shops may ask for it
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE rewards_version (
    workspace_id uuid NOT NULL,
    offer_id     uuid NOT NULL,
    version      integer NOT NULL,
    terms        jsonb NOT NULL,
    actor        text NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, offer_id, version)
);

-- Codes of a shop's own list that nobody has yet; one that is given leaves with its coupon.
CREATE TABLE rewards_code (
    workspace_id uuid NOT NULL,
    code_key     text NOT NULL COLLATE "C",       -- the code in capitals, by which it is known
    offer_id     uuid NOT NULL,
    n            bigint NOT NULL,                 -- codes go out in the order in which they came
    code         text NOT NULL,
    PRIMARY KEY (workspace_id, code_key)
);
CREATE UNIQUE INDEX rewards_code_next ON rewards_code (workspace_id, offer_id, n);

CREATE TABLE rewards_coupon (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,
    offer_id        uuid NOT NULL,
    offer_version   integer NOT NULL,
    customer_id     uuid NOT NULL,
    type            text NOT NULL CHECK (type IN ('manual_redeem', 'reward', 'referral', 'tier', 'import')),
    status          text NOT NULL CHECK (status IN ('issued', 'redeemed', 'expired', 'cancelled')),
    code            text NOT NULL,
    code_key        text NOT NULL COLLATE "C",    -- the code in capitals
    shared          boolean NOT NULL,             -- others have the same code: whose it is, is told by the customer
    steps           integer NOT NULL,             -- of an offer with a dynamic price
    coins           bigint NOT NULL,              -- what was paid for it
    txn_id          uuid,                         -- the debit
    firing_id       uuid,                         -- the trigger's firing that gave it
    key             text,                         -- names the fact it was issued for, for ever
    reference       text NOT NULL DEFAULT '',     -- what it was redeemed for, as the shop calls it
    order_id        uuid,                         -- the same, once the order came in
    taken_off_minor bigint,                       -- what it took off there, if that is known
    expires_at      timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    source_id       uuid,                         -- the platform where it is a discount too; null: nowhere
    discount        text NOT NULL DEFAULT '' CHECK (discount IN ('', 'making', 'remaking', 'made', 'removing', 'gone',
                                                                 'failed')),
    discount_said   text NOT NULL DEFAULT '',     -- what that platform said last against it
    redeemed_at     timestamptz,                  -- when it was written down that it is used; null: it is not
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX rewards_coupon_code ON rewards_coupon (workspace_id, code_key) WHERE NOT shared;
CREATE UNIQUE INDEX rewards_coupon_key ON rewards_coupon (workspace_id, key) WHERE key IS NOT NULL;
CREATE INDEX rewards_coupon_shared ON rewards_coupon (workspace_id, code_key, customer_id) WHERE shared;
CREATE INDEX rewards_coupon_of_code ON rewards_coupon (workspace_id, code_key, id) WHERE shared;
CREATE INDEX rewards_coupon_order ON rewards_coupon (workspace_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX rewards_coupon_of_offer ON rewards_coupon (workspace_id, offer_id, id);
CREATE INDEX rewards_coupon_unused ON rewards_coupon (workspace_id, created_at) WHERE status = 'issued';
CREATE INDEX rewards_coupon_redeemed ON rewards_coupon (workspace_id, redeemed_at) WHERE redeemed_at IS NOT NULL;
CREATE INDEX rewards_coupon_of_status ON rewards_coupon (workspace_id, status, id);
CREATE INDEX rewards_coupon_of_customer ON rewards_coupon (workspace_id, customer_id, offer_id, id);

CREATE TYPE rewards_coupon_row_1 AS (
    id uuid, offer_id uuid, offer_version integer, customer_id uuid, type text, status text, code text, code_key text,
    shared boolean, steps integer, coins bigint, txn_id uuid, firing_id uuid, key text, reference text, order_id uuid,
    taken_off_minor bigint, expires_at timestamptz, created_at timestamptz, updated_at timestamptz, source_id uuid,
    discount text, discount_said text
);
