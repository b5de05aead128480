-- name: put
INSERT INTO schedule_due (workspace_id, kind, key, due_at, payload)
SELECT $1, n.kind, n.key, n.due_at, n.payload
  FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::jsonb[]) AS n (kind, key, due_at, payload)
ON CONFLICT (workspace_id, kind, key)
DO UPDATE SET due_at = EXCLUDED.due_at, payload = EXCLUDED.payload, aside_id = NULL, aside_at = NULL, reason = ''

-- name: drop
DELETE FROM schedule_due
 WHERE workspace_id = $1 AND kind = $2 AND key = ANY (ARRAY(
        SELECT key FROM schedule_due WHERE workspace_id = $1 AND kind = $2 AND key = ANY ($3::text[])
         ORDER BY key FOR UPDATE))

-- name: first_due
-- every workspace: the loop's look, several times a second; it reads one index entry, and is asked of each kind
SELECT kind, due_at FROM schedule_due WHERE kind = $1 AND aside_id IS NULL ORDER BY due_at LIMIT 1

-- name: shops_due
-- every workspace: whose the first are, asked of each kind
SELECT $1 AS kind, count(*) AS seen, array_agg(DISTINCT f.workspace_id) AS workspaces
  FROM (SELECT workspace_id FROM schedule_due WHERE kind = $1 AND aside_id IS NULL AND due_at <= $2
         ORDER BY due_at LIMIT $3) AS f

-- name: shops_due_of
-- every workspace: one index entry for each of them, asked of each kind
SELECT w.workspace_id, $1 AS kind
  FROM tenancy_shop AS w
 CROSS JOIN LATERAL (
        SELECT key FROM schedule_due
         WHERE workspace_id = w.workspace_id AND kind = $1 AND aside_id IS NULL AND due_at <= $2 LIMIT 1) AS f

-- name: find
SELECT kind, key, due_at, payload FROM schedule_due WHERE workspace_id = $1 AND kind = $2 AND key = $3

-- name: due_now
SELECT kind, key, due_at, payload FROM schedule_due
 WHERE workspace_id = $1 AND kind = $2 AND aside_id IS NULL AND due_at <= $3
 ORDER BY due_at LIMIT (SELECT $4::integer)

-- name: take
-- ARRAY(...) runs once, locks no more than $4 rows, and tells the planner that few are meant.
DELETE FROM schedule_due
 WHERE workspace_id = $1 AND kind = $2 AND key = ANY (ARRAY(
        SELECT key FROM schedule_due
         WHERE workspace_id = $1 AND kind = $2 AND aside_id IS NULL AND due_at <= $3
         ORDER BY due_at LIMIT (SELECT $4::integer) FOR UPDATE SKIP LOCKED))
RETURNING kind, key, due_at, payload

-- name: take_one
DELETE FROM schedule_due
 WHERE workspace_id = $1 AND kind = $2 AND key = ANY (ARRAY(
        SELECT key FROM schedule_due
         WHERE workspace_id = $1 AND kind = $2 AND key = $4 AND aside_id IS NULL AND due_at <= $3
           FOR UPDATE SKIP LOCKED))
RETURNING kind, key, due_at, payload

-- name: lease
-- They stay, and are due again when whoever has them in hand died.
UPDATE schedule_due SET due_at = $5
 WHERE workspace_id = $1 AND kind = $2 AND key = ANY (ARRAY(
        SELECT key FROM schedule_due
         WHERE workspace_id = $1 AND kind = $2 AND aside_id IS NULL AND due_at <= $3
         ORDER BY due_at LIMIT (SELECT $4::integer) FOR UPDATE SKIP LOCKED))
RETURNING kind, key, due_at, payload

-- name: set_aside
-- What was put under its key meanwhile is another, and was not tried yet.
UPDATE schedule_due SET aside_id = $5, aside_at = $6, reason = $7
 WHERE workspace_id = $1 AND kind = $2 AND key = $3 AND due_at = $4 AND aside_id IS NULL

-- name: try_again
UPDATE schedule_due SET aside_id = NULL, aside_at = NULL, reason = ''
 WHERE workspace_id = $1 AND aside_id > '00000000-0000-0000-0000-000000000000' AND ($2::text IS NULL OR kind = $2)
RETURNING key

-- name: aside
SELECT aside_id AS id, kind, key, due_at, payload, aside_at, reason FROM schedule_due
 WHERE workspace_id = $1 AND aside_id < $2 AND ($3::text IS NULL OR kind = $3)
 ORDER BY aside_id DESC LIMIT $4

-- name: kinds_aside
SELECT kind, count(*) AS rows FROM (
        SELECT kind FROM schedule_due
         WHERE workspace_id = $1 AND aside_id > '00000000-0000-0000-0000-000000000000' ORDER BY aside_id LIMIT $2) AS found
 GROUP BY kind ORDER BY kind
