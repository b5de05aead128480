-- name: recall
-- The answer is null when it is older than the shop keeps answers.
SELECT c.key, c.fingerprint, c.status, a.body, c.answer_id
  FROM once_call c
  LEFT JOIN LATERAL (
       SELECT body FROM once_answer
        WHERE workspace_id = $1 AND id = c.answer_id
          AND id >= (SELECT first_id FROM tenancy_kept WHERE workspace_id = $1 AND kind = 'answers')
       OFFSET 0) AS a ON true
 WHERE c.workspace_id = $1 AND c.key = ANY($2::text[])

-- name: remember_calls
INSERT INTO once_call (workspace_id, key, fingerprint, status, answer_id)
SELECT $1, c.key, c.fingerprint, c.status, c.answer_id FROM unnest($2::once_call_row_1[]) AS c ORDER BY c.key

-- name: remember_answers
INSERT INTO once_answer (workspace_id, id, body)
SELECT $1, a.id, a.body FROM unnest($2::uuid[], $3::text[]) AS a (id, body)

-- name: answers
SELECT id, body FROM once_answer WHERE workspace_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4

-- name: drop_answers
DELETE FROM once_answer WHERE workspace_id = $1 AND id = ANY ($2::uuid[])

-- name: take_turns
-- every workspace: whoever makes partitions
SELECT pg_advisory_xact_lock($1)

-- name: partitions
-- every workspace: what the tables are made of, by the server's own tables. Names end with the month
SELECT parent.relname AS table, part.relname AS name, obj_description(part.oid, 'pg_class') AS notice
  FROM pg_inherits i
  JOIN pg_class parent ON parent.oid = i.inhparent
  JOIN pg_class part ON part.oid = i.inhrelid
 WHERE parent.relkind = 'p' AND part.relkind = 'r' AND parent.relname = ANY ($1::text[])
   AND parent.relnamespace = current_schema()::regnamespace
 ORDER BY part.relname

-- name: locks_had
-- every workspace: advisory locks are had by processes, whatever they work at. A plain statement over the server's own
-- table, so that it is answered where the locks are
SELECT n.key FROM unnest($1::bigint[]) AS n (key)
 WHERE EXISTS (SELECT FROM pg_locks l
                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND (l.classid::bigint << 32 | l.objid::bigint) = n.key)

-- name: draw_allowance
WITH known AS (
    SELECT left_over, drawn_at FROM kit_allowance WHERE workspace_id = $1 AND name = $2 FOR UPDATE
), filled AS (
    SELECT least($4::integer, left_over + $5::float8 * greatest(0, extract(epoch FROM $3 - drawn_at))) AS tokens
      FROM known
), drawn AS (
    SELECT tokens, least($6::integer, floor(tokens + 1e-6))::integer AS granted FROM filled
)
UPDATE kit_allowance AS a
   SET left_over = least($4::integer, tokens - drawn.granted), granted = drawn.granted,
       drawn_at = greatest(a.drawn_at, $3)
  FROM drawn WHERE a.workspace_id = $1 AND a.name = $2
RETURNING a.granted, a.left_over

-- name: open_allowance
INSERT INTO kit_allowance (workspace_id, name, left_over, granted, drawn_at) VALUES ($1, $2, $4, 0, $3)
    ON CONFLICT (workspace_id, name) DO NOTHING

-- name: forget_allowances
DELETE FROM kit_allowance WHERE workspace_id = $1 AND starts_with(name, $2)

-- name: drop_allowances
DELETE FROM kit_allowance WHERE workspace_id = $1 AND drawn_at < $2

-- name: loops_turned
-- In the order of their names: two workers that say so at once must not wait for each other.
INSERT INTO kit_loop (workspace_id, name, turned_at) SELECT $1, n.name, $3 FROM unnest($2::text[]) AS n (name) ORDER BY n.name
    ON CONFLICT (workspace_id, name) DO UPDATE SET turned_at = excluded.turned_at

-- name: forget_loops
DELETE FROM kit_loop WHERE workspace_id = $1 AND name <> ALL ($2::text[])

-- name: loops
SELECT name, turned_at FROM kit_loop WHERE workspace_id = $1 ORDER BY name
