-- part: event
id, topic, customer_id, cause_id, depth, body, occurred_at, recorded_at, traceparent

-- part: kept
id >= (SELECT first_id FROM tenancy_kept WHERE workspace_id = $1 AND kind = 'events')

-- name: insert_events
INSERT INTO events_event (workspace_id, id, topic, customer_id, cause_id, depth, body, occurred_at, recorded_at,
                          order_id, folded, traceparent)
SELECT $1, e.id, e.topic, e.customer_id, e.cause_id, e.depth, e.body, e.occurred_at, $3, e.order_id, e.folded::jsonb,
       e.traceparent
FROM unnest($2::events_event_row_2[]) AS e;

-- name: insert_pending
INSERT INTO events_pending (workspace_id, reader, event_id, topic)
SELECT r.workspace_id, r.reader, p.event_id, p.topic
FROM events_reader AS r
JOIN unnest($2::uuid[], $3::text[]) AS p (event_id, topic) ON p.topic = r.topic
WHERE r.workspace_id = $1;

-- name: get
SELECT {event} FROM events_event WHERE workspace_id = $1 AND id = $2 AND {kept};

-- name: recent
SELECT {event} FROM events_event WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND {kept}
ORDER BY id DESC LIMIT $3;

-- name: recent_of_topic
SELECT {event} FROM events_event WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND topic = $5 AND {kept}
ORDER BY id DESC LIMIT $3;

-- name: recent_of_customer
SELECT {event} FROM events_event WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND customer_id = $5 AND {kept}
ORDER BY id DESC LIMIT $3;

-- name: recent_of_customer_and_topic
-- OFFSET 0 keeps the planner on the customer's own events: walking all events of the topic until one is the customer's
-- looks as cheap to it and reads the whole log when there is none.
SELECT {event} FROM (
    SELECT {event} FROM events_event
    WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND customer_id = $5
      AND {kept}
    ORDER BY id DESC
    OFFSET 0
) AS of_customer
WHERE topic = $6
ORDER BY id DESC LIMIT $3;

-- name: of_orders
SELECT e.{event} FROM unnest($2::uuid[]) AS n (order_id)
CROSS JOIN LATERAL (
    SELECT * FROM events_event
    WHERE workspace_id = $1 AND order_id = n.order_id
      AND {kept}
    ORDER BY id DESC
    LIMIT $3
) AS e;

-- name: right_after
-- Of a customer, what was logged soon after each id was made and names what it is about. OFFSET 0: no more bodies are
-- looked through than that.
SELECT DISTINCT ON (e.id) e.{event} FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS n (id, end_id, about)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT * FROM events_event
        WHERE workspace_id = $1 AND customer_id = $2 AND id > n.id AND id < n.end_id
          AND {kept}
        ORDER BY id
        LIMIT $6
        OFFSET 0
    ) AS soon
    WHERE strpos(soon.body, n.about) > 0
    LIMIT $7
) AS e;

-- name: behind
WITH RECURSIVE led AS (
    SELECT {event}, 1 AS steps FROM events_event WHERE workspace_id = $1 AND id = $2 AND {kept}
    UNION ALL
    SELECT e.{event}, led.steps + 1 AS steps FROM led CROSS JOIN LATERAL (
        SELECT {event} FROM events_event WHERE workspace_id = $1 AND id = led.cause_id AND {kept} OFFSET 0
    ) AS e WHERE led.steps <= $3
)
SELECT {event} FROM led ORDER BY steps;

-- name: caused
-- What an event led to is about its customer and younger. OFFSET 0: no more of them are looked through than that.
SELECT {event} FROM (
    SELECT {event} FROM events_event
    WHERE workspace_id = $1 AND customer_id = $2 AND id > $3 AND {kept}
    ORDER BY id LIMIT $4 OFFSET 0
) AS younger
WHERE cause_id IS NOT NULL ORDER BY id LIMIT $5;

-- name: by_ids
-- Each found by its key; with the topic any index that begins with the workspace and ends with the id finds it at once.
-- The ids rise, and no partition outside of them is opened.
SELECT e.{event} FROM unnest($2::uuid[], $3::text[]) AS n (id, topic)
CROSS JOIN LATERAL (
    SELECT * FROM events_event
    WHERE workspace_id = $1 AND topic = n.topic AND id = n.id
      AND id >= ($2::uuid[])[1] AND id <= ($2::uuid[]) [cardinality($2::uuid[])]
    OFFSET 0
) AS e;

-- name: counts_by_topic
SELECT wanted.topic, counted.events
FROM unnest($2::text[]) AS wanted (topic)
CROSS JOIN LATERAL (
    SELECT count(*) AS events
    FROM (
        SELECT FROM events_event
        WHERE workspace_id = $1 AND topic = wanted.topic AND id >= $3
        LIMIT $4
    ) AS matching
) AS counted;

-- name: counts_by_span
SELECT counted.events
FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS span (first_id, end_id, place)
CROSS JOIN LATERAL (
    SELECT count(*) AS events FROM (
        SELECT FROM events_event WHERE workspace_id = $1 AND id >= span.first_id AND id < span.end_id LIMIT $4
    ) AS matching
) AS counted
ORDER BY span.place;

-- name: counts_of_topic_by_span
SELECT counted.events
FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS span (first_id, end_id, place)
CROSS JOIN LATERAL (
    SELECT count(*) AS events FROM (
        SELECT FROM events_event
        WHERE workspace_id = $1 AND topic = $5 AND id >= span.first_id AND id < span.end_id LIMIT $4
    ) AS matching
) AS counted
ORDER BY span.place;

-- name: claim_pending
-- ARRAY(...) runs once and locks no more than $3 rows; as an IN (...) it could be run anew for each row. It also tells
-- the planner that few rows are meant, so that they are found by the key whatever the statistics say of a backlog. Of a
-- limit that it does not know it thinks so too: in a new database it would sort all of a shop's for a thousand.
WITH claimed AS (
    DELETE FROM events_pending
    WHERE workspace_id = $1 AND reader = $2 AND event_id = ANY (ARRAY(
        SELECT event_id FROM events_pending
        WHERE workspace_id = $1 AND reader = $2
        ORDER BY event_id
        LIMIT (SELECT $3::integer)
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING event_id, topic
)
SELECT event_id, topic FROM claimed ORDER BY event_id;

-- name: bodies
-- as by_ids
SELECT e.id, e.body, e.recorded_at
FROM unnest($2::uuid[], $3::text[]) AS n (id, topic)
CROSS JOIN LATERAL (
    SELECT id, body, recorded_at FROM events_event
    WHERE workspace_id = $1 AND topic = n.topic AND id = n.id
      AND id >= ($2::uuid[])[1] AND id <= ($2::uuid[]) [cardinality($2::uuid[])]
    OFFSET 0
) AS e;

-- name: traceparents
-- as by_ids
SELECT e.traceparent
FROM unnest($2::uuid[], $3::text[]) AS n (id, topic)
CROSS JOIN LATERAL (
    SELECT traceparent FROM events_event
    WHERE workspace_id = $1 AND topic = n.topic AND id = n.id
      AND id >= ($2::uuid[])[1] AND id <= ($2::uuid[]) [cardinality($2::uuid[])]
    OFFSET 0
) AS e
WHERE e.traceparent IS NOT NULL;

-- name: drop_pending
WITH dropped AS (
    DELETE FROM events_pending
    WHERE workspace_id = $1 AND reader = $2 AND event_id = ANY (ARRAY(
        SELECT event_id FROM events_pending
        WHERE workspace_id = $1 AND reader = $2
        ORDER BY event_id
        LIMIT (SELECT $3::integer)
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING event_id
)
SELECT count(*) FROM dropped;

-- name: oldest_pending
SELECT event_id FROM events_pending WHERE workspace_id = $1 AND reader = $2 ORDER BY event_id LIMIT 1;

-- name: oldest_waiting
-- every workspace: whether the readers keep up; one index entry for each of them in each, asked of each reader
SELECT $1 AS reader, min(p.event_id::text)::uuid AS event_id
FROM tenancy_shop AS w
CROSS JOIN LATERAL (
    SELECT event_id FROM events_pending WHERE workspace_id = w.workspace_id AND reader = $1 ORDER BY event_id LIMIT 1
) AS p
HAVING count(*) > 0;

-- name: still_pending
SELECT event_id FROM events_pending WHERE workspace_id = $1 AND reader = $2 AND event_id = ANY ($3::uuid[]);

-- name: insert_switching
INSERT INTO events_switching (workspace_id, at, events_on) VALUES ($1, $2, $3)
    ON CONFLICT (workspace_id, at) DO UPDATE SET events_on = $3;

-- name: switchings
SELECT at, events_on FROM events_switching WHERE workspace_id = $1 ORDER BY at;

-- name: workspaces_with_pending
-- every workspace: a worker asks it to learn where there is work. Whose the first are; of those that lie behind a backlog,
-- it is asked of each shop
SELECT count(*) AS seen, array_agg(DISTINCT workspace_id) FILTER (WHERE reader = $1) AS workspaces
  FROM (SELECT workspace_id, reader FROM events_pending LIMIT $2) AS f;

-- name: workspaces_with_pending_of
-- every workspace: one index entry for each of them
SELECT w.workspace_id
  FROM tenancy_shop AS w
 CROSS JOIN LATERAL (
        SELECT event_id FROM events_pending WHERE workspace_id = w.workspace_id AND reader = $1 LIMIT 1) AS f;

-- name: count
SELECT count(*) FROM events_event WHERE workspace_id = $1

-- name: move_customer
UPDATE events_event SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2;

-- name: forget_bodies
-- Each property stays in its place; those that say who it was are empty.
UPDATE events_event
SET folded = folded - $3::text[] - ARRAY['title', 'description'], body = (
    SELECT json_object_agg(p.key, CASE WHEN p.key = ANY ($3::text[])
        OR (topic IN ('review_create', 'review_update') AND p.key IN ('title', 'description')) THEN '""' ELSE p.value END)
    FROM json_each(body::json) AS p
)::text
WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[])
RETURNING id;

-- name: forget_beside
-- What events about others say of the two of a referral.
UPDATE events_event
SET body = (
    SELECT json_object_agg(p.key, CASE
        WHEN p.key ~ '^referred_to_(name|eid|mid)$' AND body::json ->> 'referred_to_lead_id' = ANY ($3::text[])
          OR p.key ~ '^(referred_by_(name|eid|mid)|claim_link)$' AND body::json ->> 'referred_by_lead_id' = ANY ($3::text[])
        THEN '""' ELSE p.value END)
    FROM json_each(body::json) AS p
)::text
WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[]) AND topic = ANY ($4::text[])
  AND (body::json ->> 'referred_to_lead_id' = ANY ($3::text[]) OR body::json ->> 'referred_by_lead_id' = ANY ($3::text[]))
RETURNING id;

-- name: forget_pending
DELETE FROM events_pending WHERE workspace_id = $1 AND event_id = ANY ($2::uuid[]);
