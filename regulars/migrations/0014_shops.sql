-- Where a workspace sells: what is connected, and each hook that came from there, as it came and with what came of it.

CREATE TABLE shops_source (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    hook_id      uuid NOT NULL,                 -- ends the address that its hooks are sent to; drawn at random
    platform     text NOT NULL,                 -- 'shopify', 'woocommerce', 'website': the name in the manifest
    slug         text NOT NULL,                 -- the source of its orders, and how the ids of its customers begin
    name         text NOT NULL,
    settings     jsonb NOT NULL,                -- the manifest's open fields
    secrets      bytea NOT NULL,                -- the manifest's secret fields, encrypted
    wrong_count  bigint NOT NULL DEFAULT 0,     -- calls that were turned away, counted now and then
    wrong_at     timestamptz,
    wrong_why    text NOT NULL DEFAULT '',      -- in words
    asks_at      timestamptz,                   -- when its own API is asked next for what changed; null: never
    asked_until  timestamptz,                   -- what changed until then is known
    asked_said   text NOT NULL DEFAULT '',      -- what came of it last, in words
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    archived_at  timestamptz,                   -- kept without its secrets, so that its hooks can still name it
    PRIMARY KEY (workspace_id, id)
);
-- A hook names nothing but itself, so it is looked for in all workspaces.
CREATE INDEX shops_source_hook ON shops_source (hook_id) WHERE archived_at IS NULL;
CREATE INDEX shops_source_asks ON shops_source (asks_at) WHERE asks_at IS NOT NULL;

CREATE TABLE shops_hook (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    source_id    uuid NOT NULL,
    topic        text NOT NULL,
    reference    text NOT NULL DEFAULT '',      -- the platform's own id of the hook, the same when it comes again
    body         bytea NOT NULL,                -- as it came, to the byte; emptied when the person it tells of is erased
    received_at  timestamptz NOT NULL,
    state        text NOT NULL CHECK (state IN ('pending', 'done', 'ignored', 'waiting', 'open', 'failed')),
    subject      text NOT NULL DEFAULT '',      -- what it is about: 'order 5012'
    version      timestamptz,                   -- when that was last changed at its source
    outcome      text NOT NULL DEFAULT '',      -- what came of it, in words
    order_id     uuid,
    customer_id  uuid,
    handled_at   timestamptz,
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX shops_hook_by_source ON shops_hook (workspace_id, source_id, id);
CREATE INDEX shops_hook_reference ON shops_hook (workspace_id, source_id, reference, id) WHERE reference <> '';
CREATE INDEX shops_hook_subject ON shops_hook (workspace_id, source_id, subject, version) WHERE subject <> '';
CREATE INDEX shops_hook_customer ON shops_hook (workspace_id, customer_id) WHERE customer_id IS NOT NULL;
-- Those that somebody may want to look at: what waits, what a person has to do, what failed.
CREATE INDEX shops_hook_unsettled ON shops_hook (workspace_id, state, id)
    WHERE state IN ('pending', 'waiting', 'open', 'failed');

-- Published: hooks that are still to be handled. What waits for something else is done with once the shop keeps it no more.
CREATE VIEW shops_waiting AS SELECT workspace_id, id FROM shops_hook WHERE state = 'pending';

CREATE TYPE shops_hook_row_1 AS (id uuid, source_id uuid, topic text, reference text, body bytea, state text, outcome text);
