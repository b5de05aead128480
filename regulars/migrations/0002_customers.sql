-- Who: the shop's customers, and the orders that were reported about them.

CREATE TABLE customers_customer (
    workspace_id     uuid NOT NULL,
    id               uuid NOT NULL,             -- the wire's lead_id
    customer_id      text NOT NULL,             -- the customer's id on the shop's platform
    name             text NOT NULL DEFAULT '',
    email            text NOT NULL DEFAULT '',
    email_folded     text NOT NULL DEFAULT '',  -- as conditions compare it
    mobile           text NOT NULL DEFAULT '',  -- as it was typed
    phone            text NOT NULL DEFAULT '',  -- the same number as E.164, if it is one
    country          text NOT NULL DEFAULT '',
    gender           text NOT NULL DEFAULT '',
    dob              date,
    referral_code    text NOT NULL,
    referred_by_code text NOT NULL DEFAULT '',
    accept_email     boolean NOT NULL DEFAULT true,
    accept_mobile    boolean NOT NULL DEFAULT true,
    tier             text NOT NULL DEFAULT '',
    spent            jsonb NOT NULL DEFAULT '{}', -- the total of their orders, in minor units, for each currency
    orders_count     integer NOT NULL DEFAULT 0,
    last_order_at    timestamptz,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    merged_into      uuid,                      -- who answers to this id and this customer_id since
    erased_at        timestamptz,               -- since then nothing here says who it was
    tags             jsonb NOT NULL DEFAULT '[]',
    properties       jsonb NOT NULL DEFAULT '{}', -- those that the shop has declared, by their names
    asked            jsonb NOT NULL DEFAULT '{}', -- both, as conditions compare them: see customers/own.py
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, customer_id),
    UNIQUE (referral_code, workspace_id)        -- the code first: a referral link says no more
) WITH (fillfactor = 80);
CREATE INDEX customers_by_name ON customers_customer (workspace_id, (name = ''), lower(name), id);
CREATE INDEX customers_merged ON customers_customer (workspace_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX customers_by_email ON customers_customer (workspace_id, lower(email)) WHERE email <> '';
CREATE INDEX customers_by_phone ON customers_customer (workspace_id, phone) WHERE phone <> '';
CREATE INDEX customers_by_birthday ON customers_customer
    (workspace_id, (extract(month FROM dob) * 100 + extract(day FROM dob)), id) WHERE dob IS NOT NULL;
CREATE INDEX customers_by_creation ON customers_customer (workspace_id, created_at, id);
CREATE INDEX customers_by_mobile
    ON customers_customer (workspace_id, regexp_replace(mobile, '[^0-9]+', '', 'g')) WHERE mobile <> '';

-- What customers are found by. A table of its own, since customers change with each of their orders and words do not.
CREATE TABLE customers_words (
    workspace_id     uuid NOT NULL,
    customer_id      uuid NOT NULL,
    words            tsvector NOT NULL,         -- each behind a mark of its workspace
    PRIMARY KEY (workspace_id, customer_id)
);
CREATE INDEX customers_by_words ON customers_words USING gin (words) WITH (gin_pending_list_limit = 256);

CREATE TABLE orders_order (
    workspace_id     uuid NOT NULL,
    id               uuid NOT NULL,
    source           text NOT NULL,
    reference_id     text NOT NULL,             -- the order's id at its source
    name             text NOT NULL DEFAULT '',
    customer_id      uuid NOT NULL,
    currency_code    text NOT NULL,
    amount_minor     bigint NOT NULL,
    discount_minor   bigint NOT NULL DEFAULT 0,
    tax_minor        bigint NOT NULL DEFAULT 0,
    items_count      integer NOT NULL DEFAULT 0,
    status           text NOT NULL DEFAULT 'pending',
    financial_status text NOT NULL DEFAULT 'paid',
    delivery_status  text NOT NULL DEFAULT 'pending',
    detail           jsonb NOT NULL DEFAULT '{}', -- payment_source, utm_*, cart token, redirect link
    coins_rewarded   bigint NOT NULL DEFAULT 0,
    coins_spent      bigint NOT NULL DEFAULT 0,
    placed_at        timestamptz NOT NULL,
    source_version   timestamptz NOT NULL,      -- an older report than this one is ignored
    ahead_version    timestamptz,               -- a version that lay ahead of our clock, and
    ahead_seen_at    timestamptz,               -- what it counts as, however often it is said
    more             jsonb NOT NULL DEFAULT '{}', -- lines, refunds and whatever else not every report says
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, source, reference_id)
) WITH (fillfactor = 90);
CREATE INDEX orders_order_by_placed ON orders_order (workspace_id, placed_at, id);
CREATE INDEX orders_order_by_amount ON orders_order (workspace_id, amount_minor, id);
CREATE INDEX orders_order_by_customer ON orders_order (workspace_id, customer_id, placed_at);
CREATE INDEX orders_order_by_name ON orders_order (workspace_id, name, id) WHERE name <> '';
