-- What is done by itself for whom something happens to: automations, their versions, and who passes through.

CREATE TABLE automations_automation (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    state        text NOT NULL CHECK (state IN ('draft', 'running', 'paused')),
    version      integer NOT NULL DEFAULT 0,    -- the newest that was published
    launched     integer NOT NULL DEFAULT 0,    -- the one that whoever enters goes by
    revision     integer NOT NULL DEFAULT 1,    -- of the draft
    draft        jsonb NOT NULL,
    notice       text NOT NULL DEFAULT '',      -- why it came to rest
    noticed_at   timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    removed_at   timestamptz,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE automations_version (
    workspace_id  uuid NOT NULL,
    automation_id uuid NOT NULL,
    version       integer NOT NULL,
    definition    jsonb NOT NULL,
    actor         text NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, automation_id, version)
);

-- The newest drafts, for undoing.
CREATE TABLE automations_draft (
    workspace_id  uuid NOT NULL,
    automation_id uuid NOT NULL,
    revision      integer NOT NULL,
    definition    jsonb NOT NULL,
    actor         text NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, automation_id, revision)
);

-- What is in the log that starts, moves on or ends somebody's run.
CREATE TABLE automations_mention (
    workspace_id  uuid NOT NULL,
    topic         text NOT NULL,
    automation_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, topic, automation_id)
);

CREATE TABLE automations_run (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,
    automation_id uuid NOT NULL,
    version       integer NOT NULL,
    customer_id   uuid NOT NULL,
    cause_id      uuid,                         -- the event that started it
    cause_topic   text NOT NULL DEFAULT '',
    depth         integer NOT NULL DEFAULT 0,   -- how many causes stand behind that
    at_step       text NOT NULL,
    arrived_at    timestamptz NOT NULL,         -- there
    state         text NOT NULL CHECK (state IN ('active', 'waiting', 'done', 'left', 'goal', 'stopped')),
    reason        text NOT NULL DEFAULT '',     -- why it ended, or what holds it up
    entered_at    timestamptz NOT NULL,
    wakes_at      timestamptz,
    waits_for     text NOT NULL DEFAULT '',     -- the topic of an event
    held          boolean NOT NULL DEFAULT false, -- the automation is paused
    ended_at      timestamptz,
    PRIMARY KEY (workspace_id, id)
);
-- Nobody is in one twice at once.
CREATE UNIQUE INDEX automations_run_inside ON automations_run (workspace_id, customer_id, automation_id)
    WHERE state IN ('active', 'waiting');
CREATE INDEX automations_run_of_customer ON automations_run (workspace_id, customer_id, automation_id, entered_at);
CREATE INDEX automations_run_wakes ON automations_run (workspace_id, wakes_at) WHERE wakes_at IS NOT NULL AND NOT held;
CREATE INDEX automations_run_of ON automations_run (workspace_id, automation_id, id);
CREATE INDEX automations_run_at ON automations_run (workspace_id, automation_id, at_step, id)
    WHERE state IN ('active', 'waiting');
CREATE INDEX automations_run_held_up ON automations_run (workspace_id, automation_id, reason)
    WHERE state = 'waiting' AND reason <> '';

-- Each step that a run has behind it. Of a message it is the message's id, too.
CREATE TABLE automations_passage (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,
    run_id        uuid NOT NULL,
    automation_id uuid NOT NULL,
    version       integer NOT NULL,
    step_id       text NOT NULL,
    outcome       text NOT NULL,
    reason        text NOT NULL DEFAULT '',
    at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);                     -- by months: see kit/partitions.py
CREATE INDEX automations_passage_of_step ON automations_passage (workspace_id, automation_id, step_id, id);

-- How many came to a step, wait there now, and what became of them; of no step, to the automation as a whole.
CREATE TABLE automations_count (
    workspace_id  uuid NOT NULL,
    automation_id uuid NOT NULL,
    version       integer NOT NULL,
    step_id       text NOT NULL,
    outcome       text NOT NULL,
    reason        text NOT NULL DEFAULT '',
    people        bigint NOT NULL,
    PRIMARY KEY (workspace_id, automation_id, version, step_id, outcome, reason)
);

-- What people go by, for those who ask whether it names something.
CREATE VIEW automations_said AS
    SELECT a.workspace_id, a.name, v.definition::text AS definition
      FROM automations_automation a
      JOIN automations_version v ON v.workspace_id = a.workspace_id AND v.automation_id = a.id AND v.version = a.launched
     WHERE a.removed_at IS NULL;

CREATE OR REPLACE VIEW events_reader AS
    SELECT workspace_id, 'dispatch' AS reader, topic FROM dispatch_reading
     UNION ALL
    SELECT l.workspace_id, 'tiers', t.topic
      FROM tiers_ladder l
     CROSS JOIN unnest(ARRAY['order_create', 'order_update', 'walletreward_create', 'wallettrasaction_update',
                             'referrernotify_create']) AS t (topic)
     WHERE l.version = 1
     UNION ALL
    SELECT m.workspace_id, 'engagement', m.topic
      FROM (SELECT workspace_id, topic FROM segments_topic
             UNION SELECT workspace_id, topic FROM automations_mention) m;
