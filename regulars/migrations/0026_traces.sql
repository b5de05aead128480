-- The request that made an event, as its trace names it, so that what tools answer stands in the same trace.

ALTER TABLE events_event ADD traceparent text;

CREATE TYPE events_event_row_2 AS (
    id uuid, topic text, customer_id uuid, cause_id uuid, depth smallint, body text, occurred_at timestamptz,
    order_id uuid, folded text, traceparent text
);

CREATE OR REPLACE VIEW events_log AS
    SELECT workspace_id, id, topic, customer_id, cause_id, depth, body, occurred_at, recorded_at, traceparent FROM events_event;
