-- Rules that reward. A trigger's row is its newest version; every version is kept.

CREATE TABLE triggers_trigger (
    workspace_id   uuid NOT NULL,
    id             uuid NOT NULL,
    version        integer NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('wallet', 'offer', 'email', 'event', 'webhook')),
    name           text NOT NULL,
    source         text NOT NULL CHECK (source IN ('api', 'order', 'review', 'referral', 'customer_created', 'birthday', 'anniversary', 'fact')), -- what fires it
    active         boolean NOT NULL,
    open           boolean NOT NULL,
    allow_override boolean NOT NULL,
    show_in_widget boolean NOT NULL,
    rule           jsonb NOT NULL,              -- triggers.rule.Rule
    content        jsonb NOT NULL,              -- triggers.model.Content
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX triggers_reacting ON triggers_trigger (workspace_id, created_at, id) WHERE active AND source <> 'api';

CREATE TABLE triggers_version (
    workspace_id uuid NOT NULL,
    trigger_id   uuid NOT NULL,
    version      integer NOT NULL,
    rule         jsonb NOT NULL,
    actor        text NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, trigger_id, version)
);

-- Each time a trigger was fired for a customer, with what came of it: the wire's activity.
CREATE TABLE triggers_firing (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,
    trigger_id      uuid NOT NULL,
    trigger_version integer NOT NULL,
    customer_id     uuid NOT NULL,
    state           text NOT NULL CHECK (state IN ('waiting', 'granted', 'refused', 'reversed')),
    reason          text NOT NULL DEFAULT '',   -- a stable code, when refused
    explanation     text NOT NULL DEFAULT '',   -- the same in words
    reference       text NOT NULL DEFAULT '',   -- 'order:<id>', or what else it is about
    txn_id          uuid,
    operation       text NOT NULL DEFAULT '',
    amount          bigint NOT NULL DEFAULT 0,
    fired_at        timestamptz NOT NULL,
    value           text NOT NULL DEFAULT '',   -- what the guard that refused it found, as JSON
    threshold       text NOT NULL DEFAULT '',   -- and what it asks for
    activities      bigint NOT NULL DEFAULT 0,  -- what it added to activities that are counted, below zero: and no longer does,
    counted         bigint NOT NULL DEFAULT 0,  -- and summed, in thousandths
    occurred_at     timestamptz NOT NULL,       -- when that happened which it is about
    due_at          timestamptz,                -- when what waits is given
    earned_on       bigint NOT NULL DEFAULT 0,  -- what of an order it was given for, in minor units
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX triggers_firing_by_trigger ON triggers_firing (workspace_id, trigger_id, id);
CREATE INDEX triggers_refusal ON triggers_firing (workspace_id, id) WHERE state = 'refused';
CREATE INDEX triggers_refusal_by_trigger ON triggers_firing (workspace_id, trigger_id, id) WHERE state = 'refused';
CREATE INDEX triggers_firing_waiting ON triggers_firing (workspace_id, id) WHERE state = 'waiting';
-- The last one: of indexes that seem equal, as all do in a month that has just begun, the planner takes the newest.
CREATE INDEX triggers_firing_by_customer ON triggers_firing (workspace_id, customer_id, trigger_id, fired_at);

CREATE VIEW triggers_waiting AS SELECT workspace_id, id FROM triggers_firing WHERE state = 'waiting';

CREATE TYPE triggers_firing_row_1 AS (
    id uuid, trigger_id uuid, trigger_version integer, customer_id uuid, state text, reason text, explanation text,
    reference text, txn_id uuid, operation text, amount bigint, fired_at timestamptz, value text, threshold text,
    activities bigint, counted bigint, occurred_at timestamptz, due_at timestamptz,
    earned_on bigint
);

-- What was given so far, for limits, marks and budgets. Firings may be dropped when they are old; these are not.
CREATE TABLE triggers_counter (
    workspace_id uuid NOT NULL,
    trigger_id   uuid NOT NULL,
    subject_id   uuid NOT NULL,                 -- the customer; of a budget the trigger again
    stretch      text NOT NULL COLLATE "C",     -- of the shop's calendar: '2026-03-14', '2026-W11', '2026-03'; '' is ever
    activities   bigint NOT NULL DEFAULT 0,
    amount       numeric NOT NULL DEFAULT 0,    -- in thousandths
    granted      bigint NOT NULL DEFAULT 0,
    coins        bigint NOT NULL DEFAULT 0,
    last_at      timestamptz,
    PRIMARY KEY (workspace_id, trigger_id, subject_id, stretch)
) WITH (fillfactor = 80);
CREATE INDEX triggers_counter_of ON triggers_counter (workspace_id, subject_id);
-- Its amount is text: a numeric costs the driver twice as much.
CREATE TYPE triggers_counter_row_1 AS (
    trigger_id uuid, subject_id uuid, stretch text, activities bigint, amount text, granted bigint, coins bigint,
    last_at timestamptz
);

-- What a shop reported under a name of its own, known by its id for ever.
CREATE TABLE triggers_fact (
    workspace_id uuid NOT NULL,
    outside_id   text NOT NULL,                 -- the shop's id for it; its own where the shop gave none
    id           uuid NOT NULL,
    name         text NOT NULL,
    customer_id  uuid NOT NULL,
    properties   jsonb NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, outside_id)
);
CREATE INDEX triggers_fact_by_customer ON triggers_fact (workspace_id, customer_id);
-- The last one, as of the firings.
CREATE UNIQUE INDEX triggers_fact_by_id ON triggers_fact (workspace_id, id);
