-- part: sender
id, workspace_id, hook_id, tool, channel, name, settings, secrets, state, state_reason, created_at, updated_at

-- name: insert_sender
INSERT INTO channels_sender (workspace_id, id, hook_id, tool, channel, name, settings, secrets, state, created_at,
                             updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'new', $9, $9)

-- name: sender
SELECT {sender} FROM channels_sender WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL

-- name: lock_sender
SELECT {sender} FROM channels_sender WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL FOR UPDATE

-- name: senders
SELECT {sender} FROM channels_sender WHERE workspace_id = $1 AND archived_at IS NULL ORDER BY created_at, id

-- name: sender_of_hook
-- every workspace: the address at which a provider reports names nothing but itself
SELECT {sender} FROM channels_sender WHERE hook_id = $1 AND archived_at IS NULL

-- name: change_sender
-- A code that was mailed to another address proves nothing of this one.
UPDATE channels_sender
   SET name = $3, settings = $4, secrets = $5, updated_at = $6,
       code_until = CASE WHEN settings -> 'sender_email' IS NOT DISTINCT FROM $4::jsonb -> 'sender_email' THEN code_until END
 WHERE workspace_id = $1 AND id = $2

-- name: set_state
UPDATE channels_sender SET state = $3, state_reason = $4 WHERE workspace_id = $1 AND id = $2

-- name: set_code
UPDATE channels_sender SET code_hash = $3, code_until = $4, code_tries = 0 WHERE workspace_id = $1 AND id = $2

-- name: try_code
-- A try counts whether it is right or not.
UPDATE channels_sender SET code_tries = code_tries + 1
 WHERE workspace_id = $1 AND id = $2 AND code_until > $3 AND code_tries < $4
RETURNING code_hash

-- name: verified
UPDATE channels_sender
   SET settings = settings || jsonb_build_object('verified_email', settings -> 'sender_email'), code_until = NULL
 WHERE workspace_id = $1 AND id = $2

-- name: archive
UPDATE channels_sender SET archived_at = $3, updated_at = $3, secrets = ''
 WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL RETURNING id
