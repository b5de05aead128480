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
    archived_at  timestamptz,                   -- kept without its secrets, so that its deliveries can still name it
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE dispatch_rule (
    workspace_id   uuid NOT NULL,
    id             uuid NOT NULL,
    topic          text NOT NULL,
    integration_id uuid NOT NULL,
    prefix         text NOT NULL DEFAULT '',
    condition      jsonb,                       -- a tree of conditions, or null: every event
    mapping        jsonb,                       -- what is made of its properties, or null: nothing
    sample_percent smallint NOT NULL DEFAULT 100, -- of the customers
    schedule       jsonb,                       -- when it sends, or null: always
    active         boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    deleted_at     timestamptz,                 -- kept, so that a delivery can still name its rule
    PRIMARY KEY (workspace_id, id)
);
-- What a rule asked for, and whether it was on, from each change on: so that an event can say why it was not sent.
CREATE TABLE dispatch_rule_version (
    workspace_id uuid NOT NULL,
    rule_id      uuid NOT NULL,
    since        timestamptz NOT NULL,
    condition    jsonb,
    active       boolean NOT NULL,
    sample_percent smallint NOT NULL DEFAULT 100,
    schedule     jsonb,
    PRIMARY KEY (workspace_id, rule_id, since)
);
CREATE INDEX dispatch_rule_by_topic ON dispatch_rule (workspace_id, topic) WHERE deleted_at IS NULL;

-- Published: where profiles are kept up to date, and what happens to customers that changes them.
CREATE VIEW integrations_profiled AS
    SELECT i.workspace_id, i.id, i.tool, t.topic
      FROM integrations_integration i
     CROSS JOIN unnest(ARRAY['lead_create', 'lead_update', 'walletreward_create', 'wallettrasaction_update',
                             'viptier_create', 'segment_enter', 'segment_leave']) AS t (topic)
     WHERE i.settings->>'profiles' = 'yes' AND i.state <> 'new' AND i.archived_at IS NULL;

-- What dispatch is to be told of: what rules send, and what changes a profile.
CREATE VIEW dispatch_reading AS
    SELECT r.workspace_id, r.topic
      FROM (SELECT workspace_id, topic FROM dispatch_rule WHERE active AND deleted_at IS NULL
             UNION SELECT workspace_id, topic FROM integrations_profiled) AS r
      JOIN tenancy_workspace w ON w.workspace_id = r.workspace_id
     WHERE w.events_on;

-- Who reads what of the log of a workspace. What nobody asks for need not wait for them.
CREATE VIEW events_reader AS
    SELECT workspace_id, 'dispatch' AS reader, topic FROM dispatch_reading;

-- Events that wait for a rule, since this program could not read the one or the other: tried again now and then.
CREATE TABLE dispatch_aside (
    workspace_id uuid NOT NULL,
    rule_id      uuid NOT NULL,
    event_id     uuid NOT NULL,
    topic        text NOT NULL,
    reason       text NOT NULL,                 -- in words, for the shop
    set_aside_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, rule_id, event_id)
);

CREATE VIEW dispatch_waiting AS SELECT workspace_id, event_id FROM dispatch_aside;

-- One lane per integration or sender. A worker leases the lane, so its deliveries need no claim of their own.
CREATE TABLE delivery_lane (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,              -- the integration's id, or the sender's
    tool            text NOT NULL,
    rate_per_minute integer NOT NULL CHECK (rate_per_minute > 0),
    paused          boolean NOT NULL DEFAULT false,
    paused_reason   text NOT NULL DEFAULT '',   -- in words, for the shop
    wake_at         timestamptz,                -- when there is something to send; null: nothing is queued
    leased_by       uuid,
    leased_until    timestamptz,
    leased_lock     bigint,                     -- the advisory lock that its holder has while it lives; null: none
    tokens          double precision[] NOT NULL DEFAULT '{}', -- what is left of each of its rates, as of tokens_at
    tokens_at       timestamptz NOT NULL,       -- in the future while the tool has asked for silence, or needs a rest
    pace            double precision NOT NULL DEFAULT 1, -- the share of its rates that the tool takes, as of tokens_at
    failures        integer NOT NULL DEFAULT 0, -- calls in a row that were not answered, or with the tool's own fault
    last_error      text NOT NULL DEFAULT '',   -- of its newest attempt that did not deliver
    last_error_at   timestamptz,
    held_up         text NOT NULL DEFAULT '',   -- why this program can't send from it, in words; '': it can
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 50);
CREATE INDEX delivery_lane_awake ON delivery_lane (workspace_id, id) WHERE wake_at IS NOT NULL;

-- A delivery's id is made from its event's and its rule's (delivery.delivery_ids): its first ten bytes are the event's, the
-- rest stands for both. So the primary key alone keeps an event from being sent twice by one rule, finds the deliveries of
-- an event as a range, and sorts by time; each index more would cost a tenth of the deliveries per second.
CREATE TABLE delivery_delivery (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,                -- the one stable id of all attempts
    lane_id       uuid NOT NULL,
    event_id      uuid NOT NULL,                -- of a message: the id of both, once more
    rule_id       uuid NOT NULL,                -- of a message: what it is sent by, a campaign or the like; of a profile: whose
    prefix        text NOT NULL DEFAULT '',     -- prefix and topic are the event's name as the tool sees it
    topic         text NOT NULL,                -- of a message: its channel
    source        text NOT NULL DEFAULT 'event' CHECK (source IN ('event', 'message', 'profile')),
    test          boolean NOT NULL DEFAULT false,
    sample        text,                         -- the body of a test that no event of the log stands behind
    mapped        text,                         -- what the rule made of the body, or null: nothing
    state         text NOT NULL CHECK (state IN ('queued', 'delivered', 'failed', 'skipped', 'uncertain')),
    attempts_made smallint NOT NULL DEFAULT 0,
    tries         smallint NOT NULL DEFAULT 0,  -- attempts since it was queued or replayed last
    reason        text NOT NULL DEFAULT '',     -- why it is not delivered, in words
    due_at        timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    in_hand_since timestamptz,                  -- a message that may be on its way: nobody sends it once more unasked
    share         text NOT NULL DEFAULT 'first' CHECK (share IN ('first', 'retry', 'profile', 'replay')),
    ahead_of      uuid,                         -- the customer whose later ones wait until this one is tried again
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX delivery_in_hand ON delivery_delivery (workspace_id, lane_id) WHERE in_hand_since IS NOT NULL;
CREATE INDEX delivery_due ON delivery_delivery (workspace_id, lane_id, share, due_at, id) WHERE state = 'queued';
CREATE INDEX delivery_ahead ON delivery_delivery (workspace_id, lane_id, ahead_of, id)
 WHERE state = 'queued' AND ahead_of IS NOT NULL;
CREATE INDEX delivery_profiles ON delivery_delivery (workspace_id, lane_id, rule_id)
 WHERE state = 'queued' AND source = 'profile';
CREATE INDEX delivery_tests ON delivery_delivery (workspace_id, id) WHERE test;
CREATE INDEX delivery_failed ON delivery_delivery (workspace_id, lane_id, finished_at) WHERE state = 'failed';
CREATE INDEX delivery_failed_newest ON delivery_delivery (workspace_id, id) WHERE state = 'failed';
-- What arrives at the first try, as nearly all does, never enters it.
CREATE INDEX delivery_tried_often ON delivery_delivery (workspace_id, attempts_made, id) WHERE attempts_made > 1;

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
    outcome         text NOT NULL CHECK (outcome IN ('delivered', 'retry', 'gave_up', 'paused', 'uncertain')),
    reason          text NOT NULL DEFAULT '',
    next_at         timestamptz,                -- when it is tried again
    PRIMARY KEY (workspace_id, delivery_id, number)
) PARTITION BY RANGE (delivery_id);

-- What became of a lane's attempts, in slots of five minutes, counted as they are recorded.
CREATE TABLE delivery_tally (
    workspace_id uuid NOT NULL,
    lane_id      uuid NOT NULL,
    slot         timestamptz NOT NULL,
    delivered    bigint NOT NULL,
    retried      bigint NOT NULL,
    failed       bigint NOT NULL,
    duration_ms  bigint NOT NULL,               -- of all of them together
    counts       integer[] NOT NULL DEFAULT '{}', -- by how long they took, then by what kept them from arriving
    PRIMARY KEY (workspace_id, lane_id, slot)
) WITH (fillfactor = 50);

-- Published: what other rooms may read of the queue.
CREATE VIEW delivery_log AS
    SELECT workspace_id, id, lane_id, event_id, rule_id, prefix, topic, test, state, attempts_made, reason, due_at,
           created_at, finished_at
      FROM delivery_delivery;

-- Published: what dispatch may know of an integration.
CREATE VIEW integrations_summary AS
    SELECT workspace_id, id, tool, name, state, archived_at FROM integrations_integration;
