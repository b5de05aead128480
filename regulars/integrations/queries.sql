-- name: insert_integration
INSERT INTO integrations_integration (workspace_id, id, tool, name, settings, secrets, state, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, 'new', $7, $7)

-- name: count_integrations
SELECT count(*) FROM integrations_integration WHERE workspace_id = $1 AND archived_at IS NULL

-- name: integration
SELECT id, workspace_id, tool, name, settings, secrets, state, state_reason, created_at, updated_at
  FROM integrations_integration WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL

-- name: lock_integration
-- what is laid over stored settings must not lose what somebody else laid over them meanwhile
SELECT id, workspace_id, tool, name, settings, secrets, state, state_reason, created_at, updated_at
  FROM integrations_integration WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL
   FOR UPDATE

-- name: integrations
SELECT id, workspace_id, tool, name, settings, secrets, state, state_reason, created_at, updated_at
  FROM integrations_integration WHERE workspace_id = $1 AND archived_at IS NULL ORDER BY created_at, id

-- name: change_integration
UPDATE integrations_integration SET name = $3, settings = $4, secrets = $5, updated_at = $6
 WHERE workspace_id = $1 AND id = $2

-- name: set_state
-- Nothing is written where it is so already.
UPDATE integrations_integration SET state = $3, state_reason = $4
 WHERE workspace_id = $1 AND id = $2 AND (state, state_reason) IS DISTINCT FROM ($3, $4)
RETURNING name

-- name: archive
UPDATE integrations_integration SET archived_at = $3, updated_at = $3, secrets = ''
 WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL RETURNING id
