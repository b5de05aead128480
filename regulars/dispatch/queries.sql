-- name: insert_rule
INSERT INTO dispatch_rule (workspace_id, id, topic, integration_id, prefix, condition, active, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)

-- name: update_rule
UPDATE dispatch_rule SET integration_id = $3, prefix = $4, condition = $5, active = $6, updated_at = $7
 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL

-- name: delete_rule
UPDATE dispatch_rule SET deleted_at = $3, updated_at = $3
 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id

-- name: rule
SELECT r.id, r.topic, r.integration_id, r.prefix, r.condition, r.active, r.created_at, r.updated_at, r.deleted_at,
       COALESCE(i.tool, '') AS tool, COALESCE(i.name, '') AS integration_name
  FROM dispatch_rule r
  LEFT JOIN integrations_summary i ON i.workspace_id = $1 AND i.id = r.integration_id
 WHERE r.workspace_id = $1 AND r.id = $2

-- name: rules
SELECT r.id, r.topic, r.integration_id, r.prefix, r.condition, r.active, r.created_at, r.updated_at, r.deleted_at,
       COALESCE(i.tool, '') AS tool, COALESCE(i.name, '') AS integration_name
  FROM dispatch_rule r
  LEFT JOIN integrations_summary i ON i.workspace_id = $1 AND i.id = r.integration_id
 WHERE r.workspace_id = $1 AND r.deleted_at IS NULL
 ORDER BY r.created_at, r.id

-- name: count_rules
SELECT count(*) FROM dispatch_rule WHERE workspace_id = $1 AND deleted_at IS NULL

-- name: rules_of_topics
SELECT id, topic, integration_id, prefix, condition
  FROM dispatch_rule
 WHERE workspace_id = $1 AND topic = ANY ($2::text[]) AND active AND deleted_at IS NULL
 ORDER BY created_at, id

-- name: integration
SELECT id FROM integrations_summary WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL
