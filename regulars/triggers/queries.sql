-- part: firing
id, trigger_id, trigger_version, customer_id, state, reason, explanation, reference, txn_id, operation, amount,
fired_at, value, threshold, activities, counted, occurred_at, due_at, earned_on

-- part: trigger
id, version, kind, name, source, active, open, allow_override, show_in_widget, rule, content, created_at, updated_at

-- part: counter
trigger_id, subject_id, stretch, activities, amount, granted, coins, last_at

-- part: fact
outside_id, id, name, customer_id, properties, occurred_at

-- part: kept
id >= (SELECT first_id FROM tenancy_kept WHERE workspace_id = $1 AND kind = 'firings')

-- name: by_ids
SELECT {trigger} FROM triggers_trigger WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: all
SELECT {trigger} FROM triggers_trigger WHERE workspace_id = $1 ORDER BY created_at, id

-- name: reacting
SELECT {trigger} FROM triggers_trigger WHERE workspace_id = $1 AND active AND source <> 'api' ORDER BY created_at, id

-- name: count
SELECT count(*) FROM triggers_trigger WHERE workspace_id = $1

-- name: lock
SELECT {trigger} FROM triggers_trigger WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: save
INSERT INTO triggers_trigger (workspace_id, {trigger})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET version = $3, name = $5, active = $7, open = $8, allow_override = $9, show_in_widget = $10, rule = $11,
       content = $12, updated_at = $14

-- name: insert_version
INSERT INTO triggers_version (workspace_id, trigger_id, version, rule, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6)

-- name: versions
SELECT version, rule, actor, created_at
  FROM triggers_version WHERE workspace_id = $1 AND trigger_id = $2 ORDER BY version DESC

-- name: counters
-- By their places among those that are asked for, from 1 on: they need not be sent back to be known.
SELECT n.place, c.activities, c.amount::text, c.granted, c.coins, c.last_at
  FROM unnest($2::uuid[], $3::uuid[], $4::text[]) WITH ORDINALITY AS n (trigger_id, subject_id, stretch, place)
 CROSS JOIN LATERAL (
        SELECT * FROM triggers_counter
         WHERE workspace_id = $1 AND trigger_id = n.trigger_id AND subject_id = n.subject_id AND stretch = n.stretch
        OFFSET 0) AS c

-- name: lock_counters
-- Whoever writes a row has it until the transaction ends, whether the row was there before or not.
INSERT INTO triggers_counter AS c (workspace_id, trigger_id, subject_id, stretch, granted, coins)
SELECT $1, n.trigger_id, n.subject_id, n.stretch, n.granted, n.coins
  FROM unnest($2::triggers_counter_row_1[]) AS n
 ORDER BY n.trigger_id, n.subject_id, n.stretch COLLATE "C"
    ON CONFLICT (workspace_id, trigger_id, subject_id, stretch) DO UPDATE
   SET granted = c.granted + EXCLUDED.granted, coins = c.coins + EXCLUDED.coins
RETURNING c.{counter}

-- name: add_to_counters
INSERT INTO triggers_counter AS c (workspace_id, {counter})
SELECT $1, n.trigger_id, n.subject_id, n.stretch, n.activities, n.amount::numeric, n.granted, n.coins, n.last_at
  FROM unnest($2::triggers_counter_row_1[]) AS n
    ON CONFLICT (workspace_id, trigger_id, subject_id, stretch) DO UPDATE
   SET activities = c.activities + EXCLUDED.activities, amount = c.amount + EXCLUDED.amount,
       granted = c.granted + EXCLUDED.granted, coins = c.coins + EXCLUDED.coins,
       last_at = GREATEST(c.last_at, EXCLUDED.last_at)

-- name: count_back
-- What was counted before, and of which firings may be gone, stays counted.
INSERT INTO triggers_counter AS c (workspace_id, {counter})
SELECT $1, $2, f.subject_id, f.stretch, f.activities, f.amount, f.granted, f.coins, f.last_at
  FROM (SELECT CASE WHEN $3 THEN $2 ELSE customer_id END AS subject_id,
               CASE WHEN $4 = '' THEN '' ELSE to_char(occurred_at AT TIME ZONE $5, $4) END AS stretch,
               sum(GREATEST(activities, 0)) AS activities, sum(GREATEST(counted, 0)) AS amount,
               count(*) FILTER (WHERE state IN ('granted', 'waiting')) AS granted,
               COALESCE(sum(amount) FILTER (WHERE state IN ('granted', 'waiting')), 0) AS coins,
               max(occurred_at) FILTER (WHERE state IN ('granted', 'waiting')) AS last_at
          FROM triggers_firing WHERE workspace_id = $1 AND trigger_id = $2
         GROUP BY 1, 2) AS f
    ON CONFLICT (workspace_id, trigger_id, subject_id, stretch) DO UPDATE
   SET activities = GREATEST(c.activities, EXCLUDED.activities), amount = GREATEST(c.amount, EXCLUDED.amount),
       granted = GREATEST(c.granted, EXCLUDED.granted), coins = GREATEST(c.coins, EXCLUDED.coins),
       last_at = GREATEST(c.last_at, EXCLUDED.last_at)

-- name: counted_back
-- One counter, as count_back makes it. $2 is the trigger, $3 the customer, or the trigger again for its budget.
SELECT COALESCE(sum(activities), 0)::bigint, COALESCE(sum(counted), 0)::bigint,
       count(*) FILTER (WHERE state IN ('granted', 'waiting')),
       COALESCE(sum(amount) FILTER (WHERE state IN ('granted', 'waiting')), 0)::bigint,
       max(occurred_at) FILTER (WHERE state IN ('granted', 'waiting'))
  FROM triggers_firing
 WHERE workspace_id = $1 AND trigger_id = $2 AND ($3 = $2 OR customer_id = $3)
   AND ($5 = '' OR to_char(occurred_at AT TIME ZONE $6, $5) = $4)

-- name: last_about
-- A grant is the last word, whatever the clocks of two machines say of what came after it.
SELECT n.trigger_id, n.reference, CASE WHEN f.state = 'reversed' AND f.txn_id IS NULL THEN 'reversed' ELSE f.reason END
  FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS n (customer_id, trigger_id, reference)
 CROSS JOIN LATERAL (
        SELECT state, reason, txn_id FROM triggers_firing
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND trigger_id = n.trigger_id
           AND reference = n.reference
         ORDER BY state IN ('granted', 'waiting') OR txn_id IS NOT NULL DESC, fired_at DESC, id DESC LIMIT 1) AS f

-- name: rules
SELECT v.trigger_id, v.version, v.rule FROM unnest($2::uuid[], $3::integer[]) AS n (trigger_id, version)
 CROSS JOIN LATERAL (SELECT * FROM triggers_version
                      WHERE workspace_id = $1 AND trigger_id = n.trigger_id AND version = n.version OFFSET 0) AS v

-- name: settle_firings
UPDATE triggers_firing f
   SET state = n.state, reason = n.reason, explanation = n.explanation, txn_id = n.txn_id, amount = n.amount,
       activities = n.activities, counted = n.counted
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bigint[], $8::bigint[], $9::bigint[])
       AS n (id, state, reason, explanation, txn_id, amount, activities, counted)
 WHERE f.workspace_id = $1 AND f.id = n.id

-- name: insert_facts
-- Ordered by their ids, so that two calls with the same ones wait for each other in one order.
INSERT INTO triggers_fact (workspace_id, {fact}, recorded_at)
SELECT $1, n.{fact}, $8 FROM unnest($2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::jsonb[], $7::timestamptz[])
       AS n ({fact})
 ORDER BY n.outside_id COLLATE "C"
    ON CONFLICT (workspace_id, outside_id) DO NOTHING
RETURNING outside_id

-- name: facts
SELECT f.{fact} FROM unnest($2::text[]) AS n (outside_id)
 CROSS JOIN LATERAL (
        SELECT * FROM triggers_fact WHERE workspace_id = $1 AND outside_id = n.outside_id OFFSET 0) AS f

-- name: facts_by_id
SELECT f.{fact} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM triggers_fact WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS f

-- name: newest_fact
SELECT id FROM triggers_fact WHERE workspace_id = $1 AND customer_id = $2 AND name = $3
 ORDER BY recorded_at DESC, id DESC LIMIT 1

-- name: firings_about
SELECT f.{firing} FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, reference)
 CROSS JOIN LATERAL (SELECT * FROM triggers_firing
                      WHERE workspace_id = $1 AND customer_id = n.customer_id AND reference = n.reference
                      OFFSET 0) AS f
 ORDER BY f.fired_at, f.id

-- name: insert_firings
INSERT INTO triggers_firing (workspace_id, {firing})
SELECT $1, f.* FROM unnest($2::triggers_firing_row_1[]) AS f

-- name: firings
SELECT {firing} FROM triggers_firing
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND {kept}
   AND ($5::text IS NULL OR state = $5)
 ORDER BY id DESC LIMIT $3

-- name: refusals
-- They have an index of their own, as those of a trigger below: nobody reads through all grants for a few of them.
SELECT {firing} FROM triggers_firing
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND {kept}
   AND state = 'refused'
 ORDER BY id DESC LIMIT $3

-- name: firings_of_trigger
SELECT {firing} FROM triggers_firing
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND {kept}
   AND trigger_id = $5 AND ($6::text IS NULL OR state = $6)
 ORDER BY trigger_id DESC, id DESC LIMIT $3

-- name: refusals_of_trigger
SELECT {firing} FROM triggers_firing
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND {kept}
   AND trigger_id = $5 AND state = 'refused'
 ORDER BY trigger_id DESC, id DESC LIMIT $3

-- name: firings_of_customer
SELECT {firing} FROM triggers_firing
 WHERE workspace_id = $1 AND customer_id = $5 AND ($6::text IS NULL OR state = $6) AND id < $2 AND id >= $4
   AND ($7::uuid IS NULL OR trigger_id = $7) AND ($8::text = '' OR reference = $8)
   AND {kept}
 ORDER BY fired_at DESC, id DESC LIMIT $3

-- name: firings_of_references
SELECT f.{firing} FROM unnest($3::text[]) AS n (reference)
 CROSS JOIN LATERAL (
        SELECT * FROM triggers_firing
         WHERE workspace_id = $1 AND customer_id = $2 AND reference = n.reference
           AND {kept}
         ORDER BY fired_at DESC, id DESC LIMIT $4) AS f
 ORDER BY f.fired_at DESC, f.id DESC

-- name: firing
SELECT {firing} FROM triggers_firing
 WHERE workspace_id = $1 AND id = $2
   AND {kept}

-- name: asked_about
SELECT DISTINCT reference FROM triggers_firing
 WHERE workspace_id = $1 AND customer_id = $2 AND reference = ANY($3::text[])

-- name: tally
SELECT state, count(*) AS firings FROM triggers_firing WHERE workspace_id = $1 GROUP BY state

-- name: move_firings
UPDATE triggers_firing SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2

-- name: move_counters
-- Each is added to the other's; what both had no more than once, both had twice.
WITH theirs AS (
    DELETE FROM triggers_counter WHERE workspace_id = $1 AND subject_id = $2
    RETURNING trigger_id, stretch, activities, amount, granted, coins, last_at
)
INSERT INTO triggers_counter AS c (workspace_id, {counter})
SELECT $1, trigger_id, $3, stretch, activities, amount, granted, coins, last_at FROM theirs
 ORDER BY trigger_id, stretch COLLATE "C"
    ON CONFLICT (workspace_id, trigger_id, subject_id, stretch) DO UPDATE
   SET activities = c.activities + EXCLUDED.activities, amount = c.amount + EXCLUDED.amount,
       granted = c.granted + EXCLUDED.granted, coins = c.coins + EXCLUDED.coins,
       last_at = GREATEST(c.last_at, EXCLUDED.last_at)

-- name: move_facts
UPDATE triggers_fact SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2

-- name: forget_facts
UPDATE triggers_fact SET properties = '{}' WHERE workspace_id = $1 AND customer_id = ANY($2::uuid[])

-- name: forget_firings
-- What was found of the customer, where conditions asked.
UPDATE triggers_firing SET value = '', explanation = $3
 WHERE workspace_id = $1 AND customer_id = ANY($2::uuid[]) AND reason = $4

-- name: segments_of
SELECT customer_id, array_agg(segment_id::text) AS segments FROM segments_membership
 WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[]) GROUP BY customer_id
