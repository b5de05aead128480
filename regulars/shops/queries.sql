-- part: source
id, workspace_id, hook_id, platform, slug, name, settings, secrets, wrong_count, wrong_at, wrong_why, asks_at,
asked_until, asked_said, created_at, updated_at

-- part: hook
id, source_id, topic, reference, received_at, state, subject, version, outcome, order_id, customer_id, handled_at

-- part: kept
(SELECT first_id FROM tenancy_kept WHERE workspace_id = $1 AND kind = 'hooks')

-- part: fitting
ends AS (SELECT count(*) AS seen, (array_agg(id ORDER BY id))[1] AS last_id FROM looked)
SELECT h.{hook}, ends.seen, ends.last_id
  FROM ends
  LEFT JOIN LATERAL (
       SELECT {hook} FROM looked
        WHERE ($4::uuid IS NULL OR source_id = $4) AND ($5::text IS NULL OR state = $5)
          AND ($6::text IS NULL OR topic = $6) ORDER BY id DESC LIMIT $7) AS h ON true
 ORDER BY h.id DESC

-- name: insert_source
INSERT INTO shops_source (workspace_id, id, hook_id, platform, slug, name, settings, secrets, asks_at, asked_until,
                          created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10)

-- name: sources
SELECT {source} FROM shops_source WHERE workspace_id = $1 AND archived_at IS NULL ORDER BY created_at, id

-- name: source
SELECT {source} FROM shops_source WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL

-- name: makes_discounts
SELECT id FROM shops_source
 WHERE workspace_id = $1 AND platform = ANY ($2::text[]) AND archived_at IS NULL AND settings ->> 'coupons' = 'yes'
 ORDER BY created_at, id LIMIT 1

-- name: lock_source
-- what is laid over stored settings must not lose what somebody else laid over them meanwhile
SELECT {source} FROM shops_source WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL
   FOR UPDATE

-- name: sources_by_ids
-- those that were removed too
SELECT {source} FROM shops_source WHERE workspace_id = $1 AND id = ANY ($2::uuid[])

-- name: source_of_hook
-- every workspace: a hook's address names nothing but itself
SELECT {source} FROM shops_source WHERE hook_id = $1 AND archived_at IS NULL

-- name: slugs
-- those of sources that were removed too: their orders are still known by them
SELECT slug, archived_at IS NULL AS connected FROM shops_source WHERE workspace_id = $1

-- name: change_source
UPDATE shops_source SET name = $3, settings = $4, secrets = $5, asks_at = $6, updated_at = $7
 WHERE workspace_id = $1 AND id = $2

-- name: archive_source
UPDATE shops_source SET archived_at = $3, updated_at = $3, secrets = '', asks_at = NULL
 WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL RETURNING id

-- name: note_wrong
UPDATE shops_source SET wrong_count = wrong_count + $3, wrong_at = $4, wrong_why = $5
 WHERE workspace_id = $1 AND id = $2

-- name: heard_at
SELECT s.id, h.received_at
  FROM unnest($2::uuid[]) AS s (id)
 CROSS JOIN LATERAL (SELECT received_at FROM shops_hook WHERE workspace_id = $1 AND source_id = s.id
                      ORDER BY id DESC LIMIT 1) AS h

-- name: insert_hooks
INSERT INTO shops_hook (workspace_id, id, source_id, topic, reference, body, received_at, state, outcome, handled_at)
SELECT $1, n.id, n.source_id, n.topic, n.reference, n.body, $3, n.state, n.outcome,
       CASE WHEN n.state <> 'pending' THEN $3::timestamptz END
  FROM unnest($2::shops_hook_row_1[]) AS n

-- name: take_hooks
-- Whoever has a hook in hand has its row. The ids rise: no partition outside of them is opened.
SELECT id, source_id, topic, reference, body, received_at
  FROM shops_hook
 WHERE workspace_id = $1 AND id = ANY ($2::uuid[]) AND state IN ('pending', 'waiting')
   AND id >= ($2::uuid[])[1] AND id <= ($2::uuid[]) [cardinality($2::uuid[])]
 ORDER BY id FOR UPDATE

-- name: came_before
SELECT n.id
  FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS n (id, source_id, reference)
 CROSS JOIN LATERAL (SELECT 1 FROM shops_hook WHERE workspace_id = $1 AND source_id = n.source_id
                        AND reference = n.reference AND reference <> '' AND id < n.id LIMIT 1) AS earlier

-- name: empty_again
-- What they say stands with the first of them, and is forgotten with it.
UPDATE shops_hook SET body = '' WHERE workspace_id = $1 AND id = ANY ($2::uuid[])

-- name: newest_versions
-- Of each subject the newest version that was acted on.
SELECT n.id, h.version
  FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS n (id, source_id, subject)
 CROSS JOIN LATERAL (SELECT version FROM shops_hook WHERE workspace_id = $1 AND source_id = n.source_id
                        AND subject = n.subject AND subject <> '' AND state = 'done' AND version IS NOT NULL
                      ORDER BY version DESC LIMIT 1) AS h

-- name: settle_hooks
-- The ids rise, as for take_hooks.
INSERT INTO shops_hook AS h (workspace_id, id, source_id, topic, body, received_at, state, subject, version, outcome,
                             order_id, customer_id, handled_at)
SELECT $1, n.id, found.source_id, found.topic, '', found.received_at, n.state, n.subject, n.version, n.outcome,
       n.order_id, n.customer_id, $9
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::uuid[], $8::uuid[])
       AS n (id, state, subject, version, outcome, order_id, customer_id)
 CROSS JOIN LATERAL (
        SELECT source_id, topic, received_at FROM shops_hook WHERE workspace_id = $1 AND id = n.id
           AND id >= ($2::uuid[])[1] AND id <= ($2::uuid[]) [cardinality($2::uuid[])] OFFSET 0) AS found
 ORDER BY n.id
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET state = excluded.state, subject = excluded.subject, version = excluded.version, outcome = excluded.outcome,
       order_id = excluded.order_id, customer_id = excluded.customer_id, handled_at = excluded.handled_at

-- name: wake_waiting
-- What waits for one of these, of which there is one now.
UPDATE shops_hook SET state = 'pending', handled_at = NULL
 WHERE workspace_id = $1 AND source_id = ANY ($2::uuid[]) AND subject = ANY ($3::text[]) AND subject <> ''
   AND state = 'waiting'
RETURNING id, topic

-- name: hooks
-- looks at so many, and says where it ended
WITH looked AS MATERIALIZED (
       SELECT {hook} FROM shops_hook WHERE workspace_id = $1 AND id < $2
          AND id >= GREATEST($3, {kept})
        ORDER BY id DESC LIMIT $8), {fitting}

-- name: hooks_of_source
-- as `hooks`
WITH looked AS MATERIALIZED (
       SELECT {hook} FROM shops_hook WHERE workspace_id = $1 AND id < $2 AND id >= GREATEST($3, {kept}) AND source_id = $4
        ORDER BY id DESC LIMIT $8), {fitting}

-- name: hooks_in_state
-- as `hooks`
WITH looked AS MATERIALIZED (
       SELECT {hook} FROM shops_hook WHERE workspace_id = $1 AND id < $2 AND id >= GREATEST($3, {kept}) AND state = $5
          AND state IN ('pending', 'waiting', 'open', 'failed')
        ORDER BY id DESC LIMIT $8), {fitting}

-- name: hook
SELECT {hook} FROM shops_hook WHERE workspace_id = $1 AND id = $2
   AND id >= {kept}

-- name: body
SELECT body FROM shops_hook WHERE workspace_id = $1 AND id = $2

-- name: topics
-- What the newest hooks were about, for a list to choose from.
SELECT DISTINCT topic FROM (SELECT topic FROM shops_hook WHERE workspace_id = $1 AND id >= $2
                             ORDER BY id DESC LIMIT $3) AS newest ORDER BY topic

-- name: again
-- In the order of their ids, so that two don't wait in a circle.
UPDATE shops_hook SET state = 'pending', handled_at = NULL
 WHERE workspace_id = $1 AND id = ANY (ARRAY(
       SELECT id FROM shops_hook WHERE workspace_id = $1 AND id = ANY ($2::uuid[])
          AND id >= {kept}
        ORDER BY id FOR UPDATE))
RETURNING id, topic

-- name: failed
SELECT id FROM shops_hook
 WHERE workspace_id = $1 AND state = 'failed' AND source_id = $2
   AND id >= GREATEST($3, {kept})
 ORDER BY id LIMIT $4

-- name: count_failed
SELECT count(*) FROM (SELECT 1 FROM shops_hook WHERE workspace_id = $1 AND state = 'failed' AND source_id = $2
                         AND id >= GREATEST($3, {kept})
                       LIMIT $4) AS failed

-- name: close
UPDATE shops_hook SET state = 'done', outcome = $3, handled_at = $4
 WHERE workspace_id = $1 AND id = $2 AND state IN ('open', 'waiting', 'failed') RETURNING id

-- name: set_asks_at
UPDATE shops_source SET asks_at = $3 WHERE workspace_id = $1 AND id = $2

-- name: first_ask
-- every workspace: one loop asks for all of them
SELECT min(asks_at) FROM shops_source WHERE asks_at IS NOT NULL

-- name: due_asks
-- every workspace: one loop asks for all of them
SELECT workspace_id, id FROM shops_source WHERE asks_at <= $1 ORDER BY asks_at, id LIMIT $2

-- name: claim_ask
-- Of two who would claim it, the second finds that it is due no more.
UPDATE shops_source SET asks_at = $4 WHERE workspace_id = $1 AND id = $2 AND asks_at <= $3 RETURNING {source}

-- name: asked
UPDATE shops_source SET asked_until = $3 WHERE workspace_id = $1 AND id = $2

-- name: told
-- Unless it is to be asked no more.
UPDATE shops_source SET asked_said = $3, asks_at = CASE WHEN asks_at IS NOT NULL THEN $4::timestamptz END
 WHERE workspace_id = $1 AND id = $2

-- name: told_of
SELECT n.subject, n.version
  FROM unnest($3::text[], $4::timestamptz[]) AS n (subject, version)
 CROSS JOIN LATERAL (SELECT 1 FROM shops_hook WHERE workspace_id = $1 AND source_id = $2 AND subject = n.subject
                        AND subject <> '' AND version = n.version LIMIT 1) AS known

-- name: unowned
-- Those of nobody who is known, among so many; how far that went is the last of them.
SELECT id, CASE WHEN customer_id IS NULL THEN body ELSE '' END AS body,
       CASE WHEN customer_id IS NULL THEN outcome ELSE '' END AS outcome
  FROM shops_hook WHERE workspace_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4

-- name: empty_hooks
UPDATE shops_hook SET body = '', outcome = $3, subject = '' WHERE workspace_id = $1 AND id = ANY ($2::uuid[])

-- name: forget_hooks
UPDATE shops_hook SET body = '', outcome = 'The customer was erased.', subject = ''
 WHERE workspace_id = $1 AND customer_id = ANY($2::uuid[])
