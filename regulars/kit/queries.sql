-- name: recall
SELECT key, fingerprint, status, answer FROM once_answer WHERE workspace_id = $1 AND key = ANY($2::text[])

-- name: remember
INSERT INTO once_answer (workspace_id, key, fingerprint, status, answer, created_at)
SELECT $1, a.key, a.fingerprint, a.status, a.answer, $3 FROM unnest($2::once_answer_row[]) AS a ORDER BY a.key

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
