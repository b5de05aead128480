-- part: template
id, name, channel, topic, version, content, created_at, updated_at

-- part: message
id, customer_id, channel, sender_id, template_id, template_version, source_kind, source_id, cause_id, address, state, reason,
reason_code, created_at, too_late_at, sent_at, said, opens, clicks, scans, opened_at, clicked_at, hit_at, hit_counted

-- name: templates
SELECT {template} FROM messages_template WHERE workspace_id = $1 AND removed_at IS NULL ORDER BY id DESC

-- name: templates_by_id
SELECT {template} FROM messages_template WHERE workspace_id = $1 AND id = ANY($2::uuid[]) AND removed_at IS NULL

-- name: lock_template
SELECT FROM messages_template WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: save_template
INSERT INTO messages_template (workspace_id, {template})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET name = excluded.name, topic = excluded.topic, version = excluded.version, content = excluded.content,
       updated_at = excluded.updated_at

-- name: insert_version
INSERT INTO messages_version (workspace_id, template_id, version, content, actor, created_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: remove_template
UPDATE messages_template SET removed_at = $3 WHERE workspace_id = $1 AND id = $2 AND removed_at IS NULL RETURNING name

-- name: version
SELECT content FROM messages_version WHERE workspace_id = $1 AND template_id = $2 AND version = $3

-- name: consents
SELECT c.customer_id, c.channel, c.state, c.source, c.at
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM messages_consent WHERE workspace_id = $1 AND customer_id = n.id OFFSET 0) AS c

-- name: set_consents
INSERT INTO messages_consent (workspace_id, customer_id, channel, state, source, at)
SELECT $1, $2, n.channel, n.state, $5, $6 FROM unnest($3::text[], $4::text[]) AS n (channel, state) ORDER BY n.channel
    ON CONFLICT (workspace_id, customer_id, channel) DO UPDATE
   SET state = excluded.state, source = excluded.source, at = excluded.at

-- name: suppress
-- The first reason stays.
INSERT INTO messages_suppression (workspace_id, id, channel, hash, address, reason, at)
SELECT $1, n.*, $7 FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS n (id, channel, hash, address, reason) ORDER BY n.channel, n.hash
    ON CONFLICT (workspace_id, channel, hash) DO NOTHING

-- name: suppressed
SELECT n.channel, n.hash, s.reason
  FROM unnest($2::text[], $3::text[]) AS n (channel, hash)
 CROSS JOIN LATERAL (
        SELECT reason FROM messages_suppression WHERE workspace_id = $1 AND channel = n.channel AND hash = n.hash OFFSET 0) AS s

-- name: suppressions
SELECT id, channel, address, reason, at FROM messages_suppression
 WHERE workspace_id = $1 AND id < $2 AND ($4::text IS NULL OR channel = $4) ORDER BY id DESC LIMIT $3

-- name: suppressions_of_address
SELECT s.id, s.channel, s.address, s.reason, s.at
  FROM unnest($2::text[], $3::text[]) AS n (channel, hash)
 CROSS JOIN LATERAL (
        SELECT * FROM messages_suppression WHERE workspace_id = $1 AND channel = n.channel AND hash = n.hash OFFSET 0) AS s

-- name: unsuppress
DELETE FROM messages_suppression WHERE workspace_id = $1 AND id = $2 RETURNING id

-- name: insert_messages
INSERT INTO messages_message (workspace_id, id, customer_id, channel, sender_id, template_id, template_version, source_kind,
                              source_id, cause_id, address, too_late_at, state, created_at)
SELECT $1, n.*, 'queued', $13
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::integer[], $8::text[], $9::uuid[],
              $10::uuid[], $11::text[], $12::timestamptz[]) AS n
    ON CONFLICT (workspace_id, id) DO NOTHING
RETURNING id

-- name: to_prepare
-- Each with its template's text and event, and how many its customer was sent since $3.
SELECT m.{message}, v.content, t.topic,
       (SELECT count(*) FROM messages_message o
         WHERE o.workspace_id = $1 AND o.customer_id = m.customer_id AND o.sent_at > $3 AND o.id <> m.id
           AND o.source_kind NOT IN ('test', 'opt_in')) AS had
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM messages_message WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS m
  LEFT JOIN LATERAL (
        SELECT content FROM messages_version
         WHERE workspace_id = $1 AND template_id = m.template_id AND version = m.template_version OFFSET 0) AS v ON true
  LEFT JOIN LATERAL (
        SELECT topic FROM messages_template WHERE workspace_id = $1 AND id = m.template_id OFFSET 0) AS t ON true

-- name: prepared
-- What is ready is taken for sent from now on, so that a cap holds however many are under way.
UPDATE messages_message m
   SET (said, reason_code, sent_at) = (
       SELECT COALESCE(n.said, m.said), n.code, CASE WHEN n.code = '' THEN $5::timestamptz END
         FROM unnest($2::uuid[], $3::jsonb[], $4::text[]) AS n (id, said, code) WHERE n.id = m.id)
 WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: settle
UPDATE messages_message m
   SET (state, reason, sent_at) = (
       SELECT n.state, n.reason, CASE WHEN n.state = ANY('{sent,uncertain}') THEN $5::timestamptz END
         FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (id, state, reason) WHERE n.id = m.id)
 WHERE workspace_id = $1 AND id = ANY($2::uuid[])
RETURNING {message}

-- name: messages
SELECT {message} FROM messages_message
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND ($5::text IS NULL OR channel = $5)
 ORDER BY id DESC LIMIT $3

-- name: messages_of_state
SELECT {message} FROM messages_message
 WHERE workspace_id = $1 AND state = $6 AND id < $2 AND id >= $4 AND ($5::text IS NULL OR channel = $5)
 ORDER BY id DESC LIMIT $3

-- name: messages_of_customer
SELECT {message} FROM messages_message
 WHERE workspace_id = $1 AND customer_id = $7 AND id < $2 AND id >= $4 AND ($5::text IS NULL OR channel = $5)
   AND ($6::text IS NULL OR state = $6)
 ORDER BY id DESC LIMIT $3

-- name: message
SELECT {message} FROM messages_message WHERE workspace_id = $1 AND id = $2

-- name: lock_message
SELECT {message} FROM messages_message WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: save_hit
UPDATE messages_message
   SET opens = $3, clicks = $4, scans = $5, opened_at = $6, clicked_at = $7, hit_at = $8, hit_counted = $9
 WHERE workspace_id = $1 AND id = $2

-- name: move_messages
UPDATE messages_message SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2

-- name: move_consents
-- Whoever said no stays so; otherwise what the other one said stays.
INSERT INTO messages_consent AS c (workspace_id, customer_id, channel, state, source, at)
SELECT $1, $3, channel, state, source, at FROM messages_consent WHERE workspace_id = $1 AND customer_id = $2
    ON CONFLICT (workspace_id, customer_id, channel) DO UPDATE
   SET state = excluded.state, source = excluded.source, at = excluded.at
 WHERE excluded.state = 'no'

-- name: forget_consents
DELETE FROM messages_consent WHERE workspace_id = $1 AND customer_id = ANY($2::uuid[])

-- name: forget_messages
-- What waits is not sent.
UPDATE messages_message
   SET said = '{}', address = '', state = CASE WHEN state = 'queued' THEN 'skipped' ELSE state END,
       reason = CASE WHEN state = 'queued' THEN $3::text WHEN reason = '' THEN '' ELSE $3::text END
 WHERE workspace_id = $1 AND customer_id = ANY($2::uuid[])
RETURNING id

-- name: forget_addresses
UPDATE messages_suppression SET address = ''
 WHERE workspace_id = $1 AND channel = ANY('{email,sms,whatsapp}') AND hash = ANY($2::text[])
