-- The ladder of a shop's tiers, and where each customer stands on it.

CREATE TABLE tiers_ladder (
    workspace_id uuid NOT NULL,
    version      integer NOT NULL,                -- the highest one holds
    ladder       jsonb NOT NULL,                  -- tiers.model.Ladder
    actor        text NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, version)
);

CREATE TABLE tiers_standing (
    workspace_id  uuid NOT NULL,
    customer_id   uuid NOT NULL,
    tier          text NOT NULL,                  -- its key; '' is none
    since         timestamptz NOT NULL,
    until         timestamptz,                    -- when the term ends; null: it has none
    warned        boolean NOT NULL DEFAULT false, -- told that it ends
    placed_until  timestamptz,                    -- placed by hand: not below this tier until then
    placed_reason text NOT NULL DEFAULT '',
    look_at       timestamptz,                    -- when it may change by itself
    PRIMARY KEY (workspace_id, customer_id)
);
CREATE INDEX tiers_standing_look ON tiers_standing (workspace_id, look_at) WHERE look_at IS NOT NULL;
CREATE INDEX tiers_standing_of_tier ON tiers_standing (workspace_id, tier, customer_id);

CREATE TABLE tiers_move (
    workspace_id   uuid NOT NULL,
    id             uuid NOT NULL,
    customer_id    uuid NOT NULL,
    from_tier      text NOT NULL,
    to_tier        text NOT NULL,
    direction      text NOT NULL CHECK (direction IN ('up', 'down')),
    reason         text NOT NULL,                 -- in words
    actor          text NOT NULL,
    ladder_version integer NOT NULL,
    moved_at       timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX tiers_move_of_customer ON tiers_move (workspace_id, customer_id, id);

-- What is left of each order's money: nothing of one that is void.
CREATE VIEW orders_kept AS
    SELECT workspace_id, id, customer_id, placed_at, currency_code, amount_minor,
           CASE WHEN status = 'cancelled' OR financial_status IN ('refunded', 'voided') THEN 0
                ELSE greatest(0, amount_minor - COALESCE((
                     SELECT sum((refund ->> 'amount_minor')::bigint)
                       FROM jsonb_array_elements(CASE jsonb_typeof(more -> 'refunds')
                                                 WHEN 'array' THEN more -> 'refunds' END) AS refund), 0))
                END AS kept_minor,
           status = 'cancelled' OR financial_status = 'voided' AS void
      FROM orders_order;

-- What each customer earned, and what of it was taken back.
CREATE VIEW ledger_earned AS
    SELECT workspace_id, customer_id, occurred_at, CASE act WHEN 'earn' THEN amount ELSE -amount END AS amount
      FROM ledger_txn WHERE kind = 'coins' AND act IN ('earn', 'claw_back');

CREATE OR REPLACE VIEW events_reader AS
    SELECT workspace_id, 'dispatch' AS reader, topic FROM dispatch_reading
     UNION ALL
    SELECT l.workspace_id, 'tiers', t.topic
      FROM tiers_ladder l
     CROSS JOIN unnest(ARRAY['order_create', 'order_update', 'walletreward_create', 'wallettrasaction_update',
                             'referrernotify_create']) AS t (topic)
     WHERE l.version = 1;
