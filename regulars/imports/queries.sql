-- name: end_lost
-- the server that ran it is gone
UPDATE imports_run SET state = 'stopped' WHERE workspace_id = $1 AND kind <> 'backtest' AND state = 'running' AND seen_at < $2

-- name: insert
INSERT INTO imports_run (workspace_id, id, kind, filename, actor, state, encoding, format, size_total, progress, started_at,
                         seen_at)
VALUES ($1, $2, $3, $4, $5, 'uploaded', $6, $7, $8, $9, $10, $10)

-- name: insert_part
INSERT INTO imports_part (workspace_id, run_id, number, bytes) VALUES ($1, $2, $3, $4)

-- name: parts
SELECT bytes FROM imports_part WHERE workspace_id = $1 AND run_id = $2 ORDER BY number LIMIT $3

-- name: drop_parts
DELETE FROM imports_part WHERE workspace_id = $1 AND run_id = ANY ($2::uuid[])

-- name: reports
SELECT id, filename, encoding, state, progress, seen_at
  FROM imports_run WHERE workspace_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4

-- name: reword
UPDATE imports_run SET filename = $3, progress = $4 WHERE workspace_id = $1 AND id = $2

-- name: drop_uploaded
-- all that were looked at and not taken in, but for the newest
WITH old AS (
    SELECT id FROM imports_run WHERE workspace_id = $1 AND state = 'uploaded' ORDER BY id DESC OFFSET $2
), parts AS (
    DELETE FROM imports_part WHERE workspace_id = $1 AND run_id = ANY (ARRAY(SELECT id FROM old))
)
DELETE FROM imports_run WHERE workspace_id = $1 AND id = ANY (ARRAY(SELECT id FROM old))

-- name: choose
UPDATE imports_run SET format = $3, replaces = $4, seen_at = $5
 WHERE workspace_id = $1 AND id = $2 AND state IN ('uploaded', 'stopped') RETURNING id

-- name: begin
UPDATE imports_run r
   SET state = 'running', format = $3, replaces = $4, size_done = 0, progress = $5, started_at = $6, seen_at = $6
 WHERE r.workspace_id = $1 AND r.id = $2 AND r.state IN ('uploaded', 'stopped')
   AND NOT EXISTS (SELECT 1 FROM imports_run other WHERE other.workspace_id = $1 AND other.state = 'running'
                      AND other.kind <> 'backtest')
RETURNING id

-- name: note
UPDATE imports_run SET size_done = $3, progress = $4, seen_at = $5
 WHERE workspace_id = $1 AND id = $2 AND state = 'running' RETURNING id

-- name: end
UPDATE imports_run SET state = $3, seen_at = $4 WHERE workspace_id = $1 AND id = $2 AND state = 'running'

-- name: run
SELECT id, kind, filename, actor, state, encoding, format, replaces, size_total, size_done, progress, started_at, seen_at
  FROM imports_run WHERE workspace_id = $1 AND id = $2 AND trigger_id IS NULL

-- name: newest
SELECT id, kind, filename, actor, state, encoding, format, replaces, size_total, size_done, progress, started_at, seen_at
  FROM imports_run WHERE workspace_id = $1 AND trigger_id IS NULL AND ($3::text IS NULL OR kind = $3) ORDER BY id DESC LIMIT $2

-- name: insert_application
INSERT INTO imports_run (workspace_id, id, kind, trigger_id, actor, state, size_total, progress, started_at, seen_at)
VALUES ($1, $2, 'application', $3, $4, 'running', $5, $6, $7, $7)
    ON CONFLICT (workspace_id) WHERE state = 'running' AND kind <> 'backtest' DO NOTHING RETURNING id

-- name: application
SELECT id, trigger_id, actor, state, size_total, size_done, progress, started_at, seen_at
  FROM imports_run WHERE workspace_id = $1 AND id = $2 AND kind = 'application'

-- name: applications
SELECT id, trigger_id, actor, state, size_total, size_done, progress, started_at, seen_at
  FROM imports_run WHERE workspace_id = $1 AND trigger_id = $2 AND kind = 'application' ORDER BY id DESC LIMIT $3

-- name: count_backtests
SELECT count(*), count(*) FILTER (WHERE state IN ('waiting', 'running'))
  FROM imports_run WHERE workspace_id = $1 AND kind = 'backtest'

-- name: insert_backtest
INSERT INTO imports_run (workspace_id, id, kind, trigger_id, actor, state, terms, size_total, progress, started_at,
                         seen_at)
VALUES ($1, $2, 'backtest', $3, $4, 'waiting', $5, $6, $7, $8, $8)

-- name: backtest
SELECT id, trigger_id, actor, state, terms, size_total, size_done, progress, started_at, seen_at
  FROM imports_run WHERE workspace_id = $1 AND id = $2 AND kind = 'backtest'

-- name: backtests
SELECT id, trigger_id, actor, state, terms, size_total, size_done, progress, started_at, seen_at
  FROM imports_run WHERE workspace_id = $1 AND trigger_id = $2 AND kind = 'backtest' ORDER BY id DESC LIMIT $3

-- name: due_backtest
-- every workspace: one loop does them for all, also those of which the worker has not been heard since $1
SELECT workspace_id, id FROM imports_run
 WHERE kind = 'backtest' AND state IN ('waiting', 'running') AND (state = 'waiting' OR seen_at < $1)
 ORDER BY id LIMIT 1

-- name: take_backtest
UPDATE imports_run SET state = 'running', size_done = 0, started_at = $4, seen_at = $4
 WHERE workspace_id = $1 AND id = $2 AND kind = 'backtest' AND (state = 'waiting' OR (state = 'running' AND seen_at < $3))
RETURNING id, trigger_id, actor, state, terms, size_total, size_done, progress, started_at, seen_at

-- name: cancel_backtest
UPDATE imports_run SET state = 'cancelled', seen_at = $3
 WHERE workspace_id = $1 AND id = $2 AND kind = 'backtest' AND state IN ('waiting', 'running') RETURNING id

-- name: forget_backtest
DELETE FROM imports_run WHERE workspace_id = $1 AND id = $2 AND kind = 'backtest' RETURNING id
