-- part: segment
id, name, kind, condition::text, version, found, found_at, members, created_at, updated_at

-- name: take_turn
-- Of a shop one transaction at a time says who is in which segment: each sees what the one before it said.
SELECT pg_advisory_xact_lock(hashtextextended('segments ' || $1::uuid, 0))

-- name: segments
SELECT {segment} FROM segments_segment WHERE workspace_id = $1 ORDER BY created_at, id

-- name: segment
SELECT {segment} FROM segments_segment WHERE workspace_id = $1 AND id = $2

-- name: insert_segment
INSERT INTO segments_segment (workspace_id, id, name, kind, condition, version, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, 1, $6, $6)

-- name: update_segment
UPDATE segments_segment SET name = $3, condition = $4, version = $5, updated_at = $6 WHERE workspace_id = $1 AND id = $2

-- name: delete_segment
DELETE FROM segments_segment WHERE workspace_id = $1 AND id = $2

-- name: automations_asking
SELECT name FROM automations_said WHERE workspace_id = $1 AND strpos(definition, $2) > 0 ORDER BY name

-- name: delete_members
DELETE FROM segments_member WHERE workspace_id = $1 AND segment_id = $2

-- name: delete_mentions
DELETE FROM segments_mention WHERE workspace_id = $1 AND segment_id = $2

-- name: insert_mentions
INSERT INTO segments_mention (workspace_id, topic, segment_id) SELECT $1, n.topic, $2 FROM unnest($3::text[]) AS n (topic)

-- name: gather_topics
WITH gone AS (
    DELETE FROM segments_topic AS t
     WHERE t.workspace_id = $1
       AND NOT EXISTS (SELECT FROM segments_mention AS m WHERE m.workspace_id = $1 AND m.topic = t.topic))
INSERT INTO segments_topic (workspace_id, topic) SELECT DISTINCT workspace_id, topic FROM segments_mention WHERE workspace_id = $1
ON CONFLICT DO NOTHING

-- name: mentions
SELECT topic, segment_id FROM segments_mention WHERE workspace_id = $1 AND topic = ANY ($2::text[])

-- name: found
UPDATE segments_segment AS s
SET found = s.version, found_at = $3, members = (
    SELECT count(*) FROM segments_member AS m
    WHERE m.workspace_id = $1 AND m.segment_id = $2 AND m.entered_at IS NOT NULL
)
WHERE s.workspace_id = $1 AND s.id = $2

-- name: plan_freely
-- every workspace: a search over all customers of one reads tables as a whole, and takes what time it takes
SELECT set_config('enable_seqscan', 'on', true), set_config('statement_timeout', $1, true), set_config('work_mem', '64MB', true)

-- name: sort
-- every workspace: whether a statement of this transaction may put in order what no index has in order
SELECT set_config('enable_sort', $1, true)

-- name: states
-- LATERAL: each found by the key.
SELECT m.segment_id, m.customer_id, m.entered_at, m.looks_again_at
FROM unnest($2::uuid[]) AS n (id)
CROSS JOIN LATERAL (SELECT * FROM segments_member WHERE workspace_id = $1 AND customer_id = n.id OFFSET 0) AS m

-- name: save_states
INSERT INTO segments_member (workspace_id, segment_id, customer_id, entered_at, looks_again_at)
SELECT $1, n.* FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[]) AS n
ON CONFLICT (workspace_id, customer_id, segment_id) DO UPDATE
SET entered_at = excluded.entered_at, looks_again_at = excluded.looks_again_at

-- name: drop_states
-- Rows that say nothing.
DELETE FROM segments_member
WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[]) AND entered_at IS NULL AND looks_again_at IS NULL

-- name: count_members
UPDATE segments_segment AS s SET members = s.members + n.more
FROM unnest($2::uuid[], $3::integer[]) AS n (id, more)
WHERE s.workspace_id = $1 AND s.id = n.id

-- name: to_look_at
SELECT segment_id, customer_id FROM segments_member
WHERE workspace_id = $1 AND looks_again_at <= $2 ORDER BY looks_again_at LIMIT $3

-- name: next_look
SELECT looks_again_at FROM segments_member WHERE workspace_id = $1 AND looks_again_at > '-infinity'
ORDER BY looks_again_at LIMIT 1

-- name: members
SELECT customer_id, entered_at FROM segments_member
WHERE workspace_id = $1 AND segment_id = $2 AND customer_id < $3 AND entered_at IS NOT NULL
ORDER BY customer_id DESC LIMIT $4

-- name: of_customer
SELECT segment_id, entered_at FROM segments_member WHERE workspace_id = $1 AND customer_id = $2 AND entered_at IS NOT NULL

-- name: forget
DELETE FROM segments_member WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[]) RETURNING segment_id, entered_at

-- name: count_customers
SELECT count(*) FROM customers_living WHERE workspace_id = $1
