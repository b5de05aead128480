-- Who belongs together: by what they are and what they have done.

CREATE TABLE segments_segment (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('static', 'live')),
    condition    jsonb,                         -- null: everybody
    version      integer NOT NULL,              -- of the condition
    found        integer NOT NULL DEFAULT 0,    -- the version whose members these are
    found_at     timestamptz,
    members      bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX segments_segment_by_name ON segments_segment (workspace_id, lower(name));

-- Who is in, and who is to be looked at again though nothing happens to them.
CREATE TABLE segments_member (
    workspace_id   uuid NOT NULL,
    segment_id     uuid NOT NULL,
    customer_id    uuid NOT NULL,
    entered_at     timestamptz,                 -- null: not in
    looks_again_at timestamptz,                 -- when time alone may change that
    PRIMARY KEY (workspace_id, customer_id, segment_id)
);
CREATE INDEX segments_member_of ON segments_member (workspace_id, segment_id, customer_id);
CREATE INDEX segments_member_look ON segments_member (workspace_id, looks_again_at) WHERE looks_again_at IS NOT NULL;

-- What is in the log because of which a live segment's members may be others.
CREATE TABLE segments_mention (
    workspace_id uuid NOT NULL,
    topic        text NOT NULL,
    segment_id   uuid NOT NULL,
    PRIMARY KEY (workspace_id, topic, segment_id)
);

-- The same without the segments, which may be many: it is asked with each event.
CREATE TABLE segments_topic (
    workspace_id uuid NOT NULL,
    topic        text NOT NULL,
    PRIMARY KEY (workspace_id, topic)
);

CREATE VIEW segments_membership AS
    SELECT workspace_id, segment_id, customer_id FROM segments_member WHERE entered_at IS NOT NULL;

CREATE VIEW segments_called AS SELECT workspace_id, id, name, kind FROM segments_segment;

-- What conditions are asked of: who counts as a customer, and what each can spend.
CREATE VIEW customers_living AS
    SELECT workspace_id, id, country, tier, email_folded, mobile, gender, dob, created_at, orders_count, spent, last_order_at,
           referred_by_code, accept_email, accept_mobile, asked
      FROM customers_customer WHERE merged_into IS NULL AND erased_at IS NULL;

CREATE VIEW ledger_coins AS
    SELECT workspace_id, customer_id, available FROM ledger_wallet WHERE kind = 'coins';

CREATE VIEW events_deeds AS
    SELECT workspace_id, customer_id, topic, occurred_at, body, folded FROM events_event;

CREATE OR REPLACE VIEW events_reader AS
    SELECT workspace_id, 'dispatch' AS reader, topic FROM dispatch_reading
     UNION ALL
    SELECT l.workspace_id, 'tiers', t.topic
      FROM tiers_ladder l
     CROSS JOIN unnest(ARRAY['order_create', 'order_update', 'walletreward_create', 'wallettrasaction_update',
                             'referrernotify_create']) AS t (topic)
     WHERE l.version = 1
     UNION ALL
    SELECT workspace_id, 'engagement', topic FROM segments_topic;
