-- The log of facts, and the rows by which readers of the log lose nothing that commits late: a pending row is written with
-- its event for each reader that the workspace has, and deleted in the transaction that stores what the reader made of it.

CREATE TABLE events_event (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    topic        text NOT NULL,
    customer_id  uuid NOT NULL,
    cause_id     uuid,                          -- the event that led to this one
    depth        smallint NOT NULL DEFAULT 0,   -- how many causes stand behind it
    body         text NOT NULL,                 -- rendered once, as text: a retry is byte-identical
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    order_id     uuid,                          -- the order that it is about, if one is
    folded       jsonb,                         -- what conditions ask of the body and is not ASCII, as it is compared
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);                     -- by months: see kit/partitions.py
CREATE INDEX events_event_by_customer ON events_event (workspace_id, customer_id, id);
CREATE INDEX events_event_by_deed ON events_event (workspace_id, customer_id, topic, occurred_at);
CREATE INDEX events_event_by_order ON events_event (workspace_id, order_id, id) WHERE order_id IS NOT NULL;
CREATE INDEX events_event_by_topic ON events_event (workspace_id, topic, id);

CREATE TABLE events_pending (
    workspace_id uuid NOT NULL,
    reader       text NOT NULL,                 -- who is to read it
    event_id     uuid NOT NULL,
    topic        text NOT NULL,                 -- the event's: with it, any index that ends with the id finds it
    PRIMARY KEY (workspace_id, reader, event_id)
) WITH (
    -- Every row is deleted soon: the readers should not wade through what is left of them.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000
);

CREATE VIEW events_waiting AS SELECT workspace_id, event_id FROM events_pending;

-- Each turn of the shop's switch, so that an event can say why nobody was told.
CREATE TABLE events_switching (
    workspace_id uuid NOT NULL,
    at           timestamptz NOT NULL,
    events_on    boolean NOT NULL,
    PRIMARY KEY (workspace_id, at)
);

CREATE VIEW events_log AS
    SELECT workspace_id, id, topic, customer_id, cause_id, depth, body, occurred_at, recorded_at FROM events_event;

CREATE TYPE events_event_row_1 AS (
    id uuid, topic text, customer_id uuid, cause_id uuid, depth smallint, body text, occurred_at timestamptz,
    order_id uuid, folded text
);
