-- part: workspace
workspace_id AS id, name, uri, time_zone, currency_code, currency_symbol, coin_name, events_on, settings,
       created_at, updated_at, storefront_version, storefront_oldest, chosen_id

-- name: insert_workspace
INSERT INTO tenancy_workspace (workspace_id, name, uri, time_zone, currency_code, currency_symbol, coin_name, events_on,
                               settings, chosen_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, false, '{}', $9, $8, $8)

-- name: take_turns
-- every workspace: whoever makes one that chose its id
SELECT pg_advisory_xact_lock($1)

-- name: workspace_by_chosen_id
-- every workspace: a caller who names a shop by its chosen id doesn't know the other one
SELECT workspace_id FROM tenancy_workspace WHERE chosen_id = $1

-- name: workspace
SELECT {workspace}
  FROM tenancy_workspace WHERE workspace_id = $1

-- name: lock_workspace
SELECT {workspace}
  FROM tenancy_workspace WHERE workspace_id = $1 FOR NO KEY UPDATE

-- name: workspaces
-- every workspace: the operator's list, the background loops' rounds; or some of those that it has
SELECT {workspace}
  FROM tenancy_workspace WHERE $1::uuid[] IS NULL OR workspace_id = ANY ($1) ORDER BY created_at, workspace_id

-- name: update_workspace
UPDATE tenancy_workspace
   SET name = $2, uri = $3, time_zone = $4, currency_code = $5, currency_symbol = $6, coin_name = $7, events_on = $8,
       settings = $9, updated_at = $10
 WHERE workspace_id = $1

-- name: set_storefront_versions
UPDATE tenancy_workspace SET storefront_version = $2, storefront_oldest = $3, updated_at = $4 WHERE workspace_id = $1

-- name: insert_key
INSERT INTO tenancy_api_key (workspace_id, id, name, access, purpose, areas, hint, hash, made_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: key_by_hash
SELECT id, workspace_id, name, access, purpose, areas, hint, made_by, created_at, last_used_at, revoked_at
  FROM tenancy_api_key WHERE workspace_id = $1 AND hash = $2 AND revoked_at IS NULL

-- name: keys
SELECT id, workspace_id, name, access, purpose, areas, hint, made_by, created_at, last_used_at, revoked_at
  FROM tenancy_api_key WHERE workspace_id = $1 ORDER BY created_at, id

-- name: note_use
UPDATE tenancy_api_key SET last_used_at = $3 WHERE workspace_id = $1 AND id = $2

-- name: revoke_key
UPDATE tenancy_api_key SET revoked_at = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id

-- name: insert_staff
INSERT INTO tenancy_staff (workspace_id, id, email, name, role, password_hash, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (email, workspace_id) DO NOTHING RETURNING id

-- name: staff
SELECT id, workspace_id, email, name, role FROM tenancy_staff WHERE workspace_id = $1 ORDER BY created_at, id

-- name: member
SELECT id, workspace_id, email, name, role FROM tenancy_staff WHERE workspace_id = $1 AND id = $2

-- name: lock_owners
-- in the order of their ids: two that lock them must not wait for each other
SELECT id FROM tenancy_staff WHERE workspace_id = $1 AND role = 'owner' ORDER BY id FOR UPDATE

-- name: known
SELECT id, workspace_id, email, name, role, password_hash FROM tenancy_staff WHERE workspace_id = $1 AND id = $2

-- name: set_password
UPDATE tenancy_staff SET password_hash = $3 WHERE workspace_id = $1 AND id = $2

-- name: set_role
UPDATE tenancy_staff SET role = $3 WHERE workspace_id = $1 AND id = $2

-- name: delete_staff
-- their sessions go with them
DELETE FROM tenancy_staff WHERE workspace_id = $1 AND id = $2

-- name: staff_by_email
-- every workspace: somebody who signs in gives an e-mail address, not a workspace
SELECT id, workspace_id, email, name, role, password_hash FROM tenancy_staff WHERE email = $1 ORDER BY created_at

-- name: insert_session
-- locks the person, so that a new password, set at this moment, ends this session too or keeps it from being opened
INSERT INTO tenancy_session (workspace_id, token_hash, staff_id, created_at, expires_at)
SELECT $1, $2, id, $4, $5 FROM tenancy_staff WHERE workspace_id = $1 AND id = $3 AND password_hash = $6 FOR SHARE
RETURNING staff_id

-- name: session
SELECT p.id, p.workspace_id, p.email, p.name, p.role
  FROM tenancy_session s JOIN tenancy_staff p ON p.workspace_id = s.workspace_id AND p.id = s.staff_id
 WHERE s.workspace_id = $1 AND s.token_hash = $2 AND s.expires_at > $3

-- name: delete_sessions
DELETE FROM tenancy_session WHERE workspace_id = $1 AND staff_id = $2

-- name: delete_session
DELETE FROM tenancy_session WHERE workspace_id = $1 AND token_hash = $2

-- name: insert_audit
INSERT INTO tenancy_audit (workspace_id, id, actor, act, target, detail, created_at)
SELECT $1, n.id, n.actor, n.act, n.target, n.detail, $7
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[]) AS n (id, actor, act, target, detail)

-- name: was_done
SELECT EXISTS (SELECT 1 FROM (SELECT act FROM tenancy_audit WHERE workspace_id = $1 ORDER BY id LIMIT $3) AS first
                WHERE act = $2)

-- name: audit_log
SELECT id, actor, act, target, detail, created_at
  FROM tenancy_audit WHERE workspace_id = $1 AND id < $2 AND id >= $3
 ORDER BY id DESC LIMIT $4

-- name: forget_audit
UPDATE tenancy_audit SET target = $3, detail = '{}'
 WHERE workspace_id = $1 AND (starts_with(act, 'customer.') OR starts_with(act, 'tiers.')) AND target = ANY($2::text[])
