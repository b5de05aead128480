-- name: by_ids
SELECT id, version, kind, name, source, active, open, allow_override, show_in_widget, rule, content, created_at,
       updated_at
  FROM triggers_trigger WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: all
SELECT id, version, kind, name, source, active, open, allow_override, show_in_widget, rule, content, created_at,
       updated_at
  FROM triggers_trigger WHERE workspace_id = $1 ORDER BY created_at, id

-- name: reacting
SELECT id, version, kind, name, source, active, open, allow_override, show_in_widget, rule, content, created_at,
       updated_at
  FROM triggers_trigger WHERE workspace_id = $1 AND active AND source <> 'api' ORDER BY created_at, id

-- name: count
SELECT count(*) FROM triggers_trigger WHERE workspace_id = $1

-- name: lock
SELECT id, version, kind, name, source, active, open, allow_override, show_in_widget, rule, content, created_at,
       updated_at
  FROM triggers_trigger WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: save
INSERT INTO triggers_trigger (workspace_id, id, version, kind, name, source, active, open, allow_override,
                              show_in_widget, rule, content, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET version = $3, name = $5, active = $7, open = $8, allow_override = $9, show_in_widget = $10, rule = $11,
       content = $12, updated_at = $14

-- name: insert_version
INSERT INTO triggers_version (workspace_id, trigger_id, version, rule, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6)

-- name: versions
SELECT version, rule, actor, created_at
  FROM triggers_version WHERE workspace_id = $1 AND trigger_id = $2 ORDER BY version DESC

-- name: granted_since
SELECT n.customer_id, n.trigger_id, f.today, f.this_month, f.ever
  FROM unnest($2::uuid[], $3::uuid[]) AS n (customer_id, trigger_id)
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE fired_at >= $4) AS today, count(*) FILTER (WHERE fired_at >= $5) AS this_month,
               count(*) AS ever FROM triggers_firing
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND trigger_id = n.trigger_id
           AND fired_at >= CASE WHEN $6 THEN '-infinity'::timestamptz ELSE $5 END
           AND state = 'granted') AS f

-- name: last_about
-- A grant is the last word, whatever the clocks of two machines say of what came after it.
SELECT n.trigger_id, n.reference, f.reason
  FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS n (customer_id, trigger_id, reference)
 CROSS JOIN LATERAL (
        SELECT reason FROM triggers_firing
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND trigger_id = n.trigger_id
           AND reference = n.reference
         ORDER BY state = 'granted' DESC, fired_at DESC, id DESC LIMIT 1) AS f

-- name: insert_firings
INSERT INTO triggers_firing (workspace_id, id, trigger_id, trigger_version, customer_id, state, reason, explanation,
                             reference, txn_id, operation, amount, fired_at)
SELECT $1, f.* FROM unnest($2::triggers_firing_row[]) AS f

-- name: firings
SELECT id, trigger_id, trigger_version, customer_id, state, reason, explanation, reference, txn_id, operation, amount,
       fired_at
  FROM triggers_firing
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND ($5::text IS NULL OR state = $5)
 ORDER BY id DESC LIMIT $3

-- name: refusals
-- They have an index of their own, as those of a trigger below: nobody reads through all grants for a few of them.
SELECT id, trigger_id, trigger_version, customer_id, state, reason, explanation, reference, txn_id, operation, amount,
       fired_at
  FROM triggers_firing
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND state = 'refused'
 ORDER BY id DESC LIMIT $3

-- name: firings_of_trigger
SELECT id, trigger_id, trigger_version, customer_id, state, reason, explanation, reference, txn_id, operation, amount,
       fired_at
  FROM triggers_firing
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND trigger_id = $5 AND ($6::text IS NULL OR state = $6)
 ORDER BY trigger_id DESC, id DESC LIMIT $3

-- name: refusals_of_trigger
SELECT id, trigger_id, trigger_version, customer_id, state, reason, explanation, reference, txn_id, operation, amount,
       fired_at
  FROM triggers_firing
 WHERE workspace_id = $1 AND id < $2 AND id >= $4 AND trigger_id = $5 AND state = 'refused'
 ORDER BY trigger_id DESC, id DESC LIMIT $3

-- name: firings_of_customer
SELECT id, trigger_id, trigger_version, customer_id, state, reason, explanation, reference, txn_id, operation, amount,
       fired_at
  FROM triggers_firing
 WHERE workspace_id = $1 AND customer_id = $5 AND ($6::text IS NULL OR state = $6) AND id < $2 AND id >= $4
 ORDER BY fired_at DESC, id DESC LIMIT $3

-- name: firings_of_reference
SELECT id, trigger_id, trigger_version, customer_id, state, reason, explanation, reference, txn_id, operation, amount,
       fired_at
  FROM triggers_firing WHERE workspace_id = $1 AND customer_id = $2 AND reference = $3 ORDER BY fired_at DESC, id DESC

-- name: asked_about
SELECT DISTINCT reference FROM triggers_firing
 WHERE workspace_id = $1 AND customer_id = $2 AND reference = ANY($3::text[])

-- name: tally
SELECT state, count(*) AS firings FROM triggers_firing WHERE workspace_id = $1 GROUP BY state
