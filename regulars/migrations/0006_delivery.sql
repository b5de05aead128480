-- Who is told: integrations, the rules that send events to them, and each delivery with all its attempts.

CREATE TABLE integrations_integration (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,                 -- also the id of its lane
    tool         text NOT NULL,                 -- 'omnisend', 'webhook': the name in the manifest
    name         text NOT NULL,
    settings     jsonb NOT NULL,                -- the manifest's open fields
    secrets      bytea NOT NULL,                -- the manifest's secret fields, encrypted
    state        text NOT NULL CHECK (state IN ('new', 'ready', 'paused')),
    state_reason text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE dispatch_rule (
    workspace_id   uuid NOT NULL,
    id             uuid NOT NULL,
    topic          text NOT NULL,
    integration_id uuid NOT NULL,
    prefix         text NOT NULL DEFAULT '',
    condition      jsonb,                       -- a tree of conditions, or null: every event
    active         boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    deleted_at     timestamptz,                 -- kept, so that a delivery can still name its rule
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX dispatch_rule_by_topic ON dispatch_rule (workspace_id, topic) WHERE deleted_at IS NULL;

-- One lane per integration. A worker leases the lane, so its deliveries need no claim of their own.
CREATE TABLE delivery_lane (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,              -- the integration's id
    tool            text NOT NULL,
    rate_per_minute integer NOT NULL,
    paused          boolean NOT NULL DEFAULT false,
    leased_by       uuid,
    leased_until    timestamptz,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE delivery_delivery (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,                -- the one stable id of all attempts
    lane_id       uuid NOT NULL,
    event_id      uuid NOT NULL,
    rule_id       uuid NOT NULL,                -- a test event has an id of its own here
    event_name    text NOT NULL,                -- prefix and topic, as the tool sees it
    test          boolean NOT NULL DEFAULT false,
    state         text NOT NULL CHECK (state IN ('queued', 'delivered', 'failed')),
    attempts_made smallint NOT NULL DEFAULT 0,
    reason        text NOT NULL DEFAULT '',     -- why it is not delivered, in words
    due_at        timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, event_id, rule_id)
) WITH (fillfactor = 80);
CREATE INDEX delivery_due ON delivery_delivery (workspace_id, lane_id, due_at, id) WHERE state = 'queued';
CREATE INDEX delivery_failed ON delivery_delivery (workspace_id, id) WHERE state = 'failed';

CREATE TABLE delivery_attempt (
    workspace_id    uuid NOT NULL,
    delivery_id     uuid NOT NULL,
    number          smallint NOT NULL,          -- from 1, over all replays
    started_at      timestamptz NOT NULL,
    duration_ms     integer NOT NULL,
    method          text NOT NULL,
    url             text NOT NULL,
    request_headers text NOT NULL,              -- JSON; secrets are shown as dots
    request_body    text NOT NULL,
    status          smallint,                   -- null: no answer
    answer_headers  text NOT NULL DEFAULT '',
    answer_body     text NOT NULL DEFAULT '',   -- cut, NUL bytes shown as U+FFFD
    outcome         text NOT NULL CHECK (outcome IN ('delivered', 'retry', 'gave_up', 'paused')),
    reason          text NOT NULL DEFAULT '',
    next_at         timestamptz,                -- when it is tried again
    PRIMARY KEY (workspace_id, delivery_id, number)
);
