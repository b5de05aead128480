-- name: end_lost
-- the server that ran it is gone, and its file with it
UPDATE imports_run SET state = 'stopped' WHERE workspace_id = $1 AND state = 'running' AND seen_at < $2

-- name: insert
INSERT INTO imports_run (workspace_id, id, filename, actor, state, bytes_total, progress, started_at, seen_at)
VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $7)
    ON CONFLICT (workspace_id) WHERE state = 'running' DO NOTHING RETURNING id

-- name: note
UPDATE imports_run SET bytes_read = $3, progress = $4, seen_at = $5
 WHERE workspace_id = $1 AND id = $2 AND state = 'running' RETURNING id

-- name: end
UPDATE imports_run SET state = $3, seen_at = $4 WHERE workspace_id = $1 AND id = $2 AND state = 'running'

-- name: run
SELECT id, filename, actor, state, bytes_total, bytes_read, progress, started_at, seen_at
  FROM imports_run WHERE workspace_id = $1 AND id = $2

-- name: newest
SELECT id, filename, actor, state, bytes_total, bytes_read, progress, started_at, seen_at
  FROM imports_run WHERE workspace_id = $1 ORDER BY id DESC LIMIT $2
