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

-- name: versions
SELECT version, content, actor, created_at FROM messages_version
 WHERE workspace_id = $1 AND template_id = $2 ORDER BY version DESC LIMIT $3

-- name: version
SELECT content FROM messages_version WHERE workspace_id = $1 AND template_id = $2 AND version = $3

-- name: consents
SELECT c.customer_id, c.channel, c.state, c.source, c.at, c.email_hash
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM messages_consent WHERE workspace_id = $1 AND customer_id = n.id OFFSET 0) AS c

-- name: set_consents
INSERT INTO messages_consent (workspace_id, customer_id, channel, state, source, at, email_hash)
SELECT $1, $2, n.channel, n.state, $5, $6, $7 FROM unnest($3::text[], $4::text[]) AS n (channel, state) ORDER BY n.channel
    ON CONFLICT (workspace_id, customer_id, channel) DO UPDATE
   SET state = excluded.state, source = excluded.source, at = excluded.at, email_hash = excluded.email_hash

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
                              source_id, cause_id, address, state, created_at, too_late_at)
SELECT $1, n.id, n.customer_id, ($6::text[])[n.shape], ($7::uuid[])[n.shape], ($8::uuid[])[n.shape], ($9::integer[])[n.shape],
       ($10::text[])[n.shape], ($11::uuid[])[n.shape], n.cause_id, ($12::text[])[n.shape], 'queued', $14,
       ($13::timestamptz[])[n.shape]
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::integer[]) AS n (id, customer_id, cause_id, shape)

-- name: to_prepare
-- Each with its template's event, and how many its customer was sent since $3.
SELECT m.{message}, t.topic,
       (SELECT count(*) FROM messages_message o
         WHERE o.workspace_id = $1 AND o.customer_id = m.customer_id AND o.sent_at > $3 AND o.id <> m.id
           AND o.source_kind NOT IN ('test', 'opt_in')) AS had
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM messages_message WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS m
  LEFT JOIN LATERAL (
        SELECT topic FROM messages_template WHERE workspace_id = $1 AND id = m.template_id OFFSET 0) AS t ON true

-- name: contents
SELECT n.id, n.version, v.content FROM unnest($2::uuid[], $3::integer[]) AS n (id, version)
 CROSS JOIN LATERAL (
        SELECT content FROM messages_version
         WHERE workspace_id = $1 AND template_id = n.id AND version = n.version OFFSET 0) AS v

-- name: prepared
-- What is ready is taken for sent from now on, so that a cap holds however many are under way.
UPDATE messages_message m
   SET said = COALESCE(n.said, m.said), reason_code = n.code, sent_at = CASE WHEN n.code = '' THEN $5::timestamptz END
  FROM unnest($2::uuid[], $3::jsonb[], $4::text[]) AS n (id, said, code)
 WHERE m.workspace_id = $1 AND m.id = ANY($2::uuid[]) AND m.id = n.id

-- name: settle
UPDATE messages_message m
   SET state = n.state, reason = n.reason,
       sent_at = CASE WHEN n.state = ANY('{sent,uncertain}') THEN $5::timestamptz END
  FROM (SELECT n.id, n.state, n.reason, o.state AS was
          FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (id, state, reason)
         CROSS JOIN LATERAL (
               SELECT state FROM messages_message WHERE workspace_id = $1 AND id = n.id FOR UPDATE) AS o) AS n
 WHERE m.workspace_id = $1 AND m.id = ANY($2::uuid[]) AND m.id = n.id
RETURNING m.{message}, n.was

-- name: under_way
SELECT id FROM messages_message WHERE workspace_id = $1 AND source_id = $2 AND state = 'queued' LIMIT $3

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

-- name: messages_of_causes
SELECT {message} FROM (
       SELECT {message} FROM messages_message WHERE workspace_id = $1 AND customer_id = $2 AND id > $3
        ORDER BY id LIMIT $5 OFFSET 0) AS younger
 WHERE cause_id = ANY ($4::uuid[]) ORDER BY id LIMIT $6

-- name: messages_by_ids
SELECT {message} FROM messages_message WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: count_hit
-- Of a click ($4), or an opening. What says that it is a program ($5), or comes sooner than anybody reads ($6 seconds), is
-- one; so is who follows several links at once ($7 seconds): then the first of them counts no more either.
UPDATE messages_message m
   SET opens = m.opens + CASE WHEN $4 OR h.program THEN 0 ELSE 1 END,
       clicks = m.clicks + CASE WHEN NOT $4 THEN 0 WHEN h.program THEN -h.back ELSE 1 END,
       scans = m.scans + CASE WHEN h.program THEN 1 + h.back ELSE 0 END,
       opened_at = CASE WHEN h.program THEN m.opened_at ELSE COALESCE(m.opened_at, $3) END,
       clicked_at = CASE WHEN NOT $4 OR (h.program AND m.clicks > h.back) THEN m.clicked_at
                         WHEN NOT h.program THEN COALESCE(m.clicked_at, $3) END,
       hit_at = CASE WHEN $4 THEN $3 ELSE m.hit_at END,
       hit_counted = CASE WHEN $4 THEN NOT h.program ELSE m.hit_counted END
  FROM (SELECT $5::boolean OR COALESCE($3::timestamptz < o.sent_at + make_interval(secs => $6), true)
               OR ($4::boolean AND b.burst) AS program,
               CASE WHEN $4 AND b.burst AND o.hit_counted THEN 1 ELSE 0 END AS back,
               o.opened_at IS NOT NULL AS opened, o.clicked_at IS NOT NULL AS clicked
          FROM messages_message o
         CROSS JOIN LATERAL (SELECT COALESCE(o.hit_at > $3::timestamptz - make_interval(secs => $7), false) AS burst) AS b
         WHERE o.workspace_id = $1 AND o.id = $2 FOR UPDATE OF o) AS h
 WHERE m.workspace_id = $1 AND m.id = $2
RETURNING m.source_kind, m.source_id, m.template_id, (m.opened_at IS NOT NULL)::integer - h.opened::integer AS opened,
          (m.clicked_at IS NOT NULL)::integer - h.clicked::integer AS clicked

-- name: move_messages
UPDATE messages_message SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2

-- name: move_consents
-- Whoever said no stays so; otherwise what the other one said stays.
INSERT INTO messages_consent AS c (workspace_id, customer_id, channel, state, source, at, email_hash)
SELECT $1, $3, channel, state, source, at, email_hash FROM messages_consent WHERE workspace_id = $1 AND customer_id = $2
    ON CONFLICT (workspace_id, customer_id, channel) DO UPDATE
   SET state = excluded.state, source = excluded.source, at = excluded.at, email_hash = excluded.email_hash
 WHERE excluded.state = 'no'

-- name: forget_consents
DELETE FROM messages_consent WHERE workspace_id = $1 AND customer_id = ANY($2::uuid[])

-- name: forget_messages
-- What waits is not sent. Found one by one by their keys, as those below.
UPDATE messages_message
   SET said = '{}', address = '', state = CASE WHEN state = 'queued' THEN 'skipped' ELSE state END,
       reason = CASE WHEN state = 'queued' THEN $3::text WHEN reason = '' THEN '' ELSE $3::text END
 WHERE workspace_id = $1 AND id = ANY(ARRAY(
       SELECT m.id FROM unnest($2::uuid[]) AS n (id)
        CROSS JOIN LATERAL (SELECT id FROM messages_message WHERE workspace_id = $1 AND customer_id = n.id OFFSET 0) AS m))
RETURNING id

-- name: forget_addresses
UPDATE messages_suppression SET address = ''
 WHERE workspace_id = $1 AND id = ANY(ARRAY(
       SELECT s.id FROM unnest($2::text[], $3::text[]) AS n (channel, hash)
        CROSS JOIN LATERAL (
               SELECT id FROM messages_suppression
                WHERE workspace_id = $1 AND channel = n.channel AND hash = n.hash OFFSET 0) AS s))
