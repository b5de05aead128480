-- part: rule
r.id, r.topic, r.integration_id, r.prefix, r.condition, r.active, r.created_at, r.updated_at, r.deleted_at,
       COALESCE(i.tool, '') AS tool, COALESCE(i.name, '') AS integration_name, COALESCE(r.mapping, '[]') AS mapping,
       r.sample_percent, r.schedule

-- name: insert_rule
INSERT INTO dispatch_rule (workspace_id, id, topic, integration_id, prefix, condition, active, mapping, sample_percent,
                           schedule, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)

-- name: update_rule
UPDATE dispatch_rule SET integration_id = $3, prefix = $4, condition = $5, active = $6, mapping = $7,
       sample_percent = $8, schedule = $9, updated_at = $10
 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL

-- name: delete_rule
UPDATE dispatch_rule SET deleted_at = $3, updated_at = $3
 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id

-- name: rule
SELECT {rule},
       (SELECT count(*) FROM (SELECT FROM dispatch_aside a WHERE a.workspace_id = $1 AND a.rule_id = r.id LIMIT $3) AS w)
           AS waiting,
       COALESCE((SELECT reason FROM dispatch_aside a WHERE a.workspace_id = $1 AND a.rule_id = r.id
                  ORDER BY a.event_id LIMIT 1), '') AS waiting_why
  FROM dispatch_rule r
  LEFT JOIN integrations_summary i ON i.workspace_id = $1 AND i.id = r.integration_id
 WHERE r.workspace_id = $1 AND r.id = $2

-- name: rules
SELECT {rule},
       (SELECT count(*) FROM (SELECT FROM dispatch_aside a WHERE a.workspace_id = $1 AND a.rule_id = r.id LIMIT $2) AS w)
           AS waiting,
       COALESCE((SELECT reason FROM dispatch_aside a WHERE a.workspace_id = $1 AND a.rule_id = r.id
                  ORDER BY a.event_id LIMIT 1), '') AS waiting_why
  FROM dispatch_rule r
  LEFT JOIN integrations_summary i ON i.workspace_id = $1 AND i.id = r.integration_id
 WHERE r.workspace_id = $1 AND r.deleted_at IS NULL
 ORDER BY r.created_at, r.id

-- name: keep_version
INSERT INTO dispatch_rule_version (workspace_id, rule_id, since, condition, active, sample_percent, schedule)
SELECT $1, id, updated_at, condition, active, sample_percent, schedule
  FROM dispatch_rule WHERE workspace_id = $1 AND id = $2
    ON CONFLICT (workspace_id, rule_id, since) DO UPDATE
       SET condition = excluded.condition, active = excluded.active, sample_percent = excluded.sample_percent,
           schedule = excluded.schedule

-- name: versions_of_topics
SELECT v.rule_id, v.since, v.condition, v.active, v.sample_percent, v.schedule
  FROM dispatch_rule r
 CROSS JOIN LATERAL (
        SELECT * FROM dispatch_rule_version WHERE workspace_id = $1 AND rule_id = r.id OFFSET 0) AS v
 WHERE r.workspace_id = $1 AND r.topic = ANY ($2::text[])
 ORDER BY v.rule_id, v.since

-- name: rules_ever_of_topics
SELECT {rule}
  FROM dispatch_rule r
  LEFT JOIN integrations_summary i ON i.workspace_id = $1 AND i.id = r.integration_id
 WHERE r.workspace_id = $1 AND r.topic = ANY ($2::text[])
 ORDER BY r.created_at, r.id

-- name: count_rules
SELECT count(*) FROM dispatch_rule WHERE workspace_id = $1 AND deleted_at IS NULL

-- name: rules_of_topics
SELECT id, topic, integration_id, prefix, condition, mapping, sample_percent, schedule
  FROM dispatch_rule
 WHERE workspace_id = $1 AND topic = ANY ($2::text[]) AND active AND deleted_at IS NULL
 ORDER BY created_at, id

-- name: events_between
-- Of what live rules were asked about, and what deliveries are kept for: events are kept no shorter.
SELECT e.id, e.topic FROM unnest($2::text[]) AS t (topic)
 CROSS JOIN LATERAL (
       SELECT id, topic FROM events_log
        WHERE workspace_id = $1 AND topic = t.topic AND id > $3 AND id < $4 AND depth <= $6
          AND id >= (SELECT first_id FROM tenancy_kept WHERE workspace_id = $1 AND kind = 'deliveries')
        ORDER BY id LIMIT $5) AS e
 ORDER BY e.id LIMIT $5

-- name: integration
SELECT tool, name FROM integrations_summary WHERE workspace_id = $1 AND id = $2 AND archived_at IS NULL

-- name: set_aside
-- An event may wait for a rule already, when a fan-out that was cut off is repeated.
INSERT INTO dispatch_aside (workspace_id, rule_id, event_id, topic, reason, set_aside_at)
SELECT $1, n.rule_id, n.event_id, n.topic, n.reason, $6
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) AS n (rule_id, event_id, topic, reason)
ON CONFLICT (workspace_id, rule_id, event_id) DO NOTHING

-- name: waits
SELECT EXISTS (SELECT FROM dispatch_aside WHERE workspace_id = $1)

-- name: rules_waited_for
-- One index entry for each rule that something waits for.
SELECT r.id, r.topic, r.integration_id, r.prefix, r.condition, r.mapping, r.sample_percent, r.schedule,
       r.active AND r.deleted_at IS NULL AS active
  FROM dispatch_rule r
 WHERE r.workspace_id = $1
   AND EXISTS (SELECT FROM dispatch_aside a WHERE a.workspace_id = $1 AND a.rule_id = r.id)

-- name: aside_of
SELECT rule_id, event_id, reason FROM dispatch_aside
 WHERE workspace_id = $1 AND rule_id = ANY ($2::uuid[]) AND event_id = ANY ($3::uuid[])

-- name: take_aside
DELETE FROM dispatch_aside
 WHERE workspace_id = $1 AND (rule_id, event_id) IN (
        SELECT rule_id, event_id FROM dispatch_aside WHERE workspace_id = $1 AND rule_id = ANY ($2::uuid[])
         ORDER BY event_id, rule_id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING rule_id, event_id, topic

-- name: segments_of
SELECT customer_id::text AS id, array_agg(segment_id::text) AS segments FROM segments_membership
WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[]) GROUP BY customer_id

-- name: live_segments
-- Of each customer the live segments that they are in.
SELECT n.id, ARRAY(
       SELECT s.name FROM segments_membership AS m
         JOIN segments_called AS s ON s.workspace_id = $1 AND s.id = m.segment_id AND s.kind = 'live'
        WHERE m.workspace_id = $1 AND m.customer_id = n.id ORDER BY s.name) AS names
  FROM unnest($2::uuid[]) AS n (id)

-- name: profiled
-- Where profiles are kept up to date, by what changes them.
SELECT DISTINCT id, tool, topic FROM integrations_profiled
 WHERE workspace_id = $1 AND ($2::text[] IS NULL OR topic = ANY ($2::text[]))

-- name: newest_of_each
SELECT DISTINCT ON (e.customer_id) e.customer_id, e.id, u.topic
  FROM unnest($2::uuid[], $3::text[]) AS u (id, topic)
 CROSS JOIN LATERAL (
        SELECT id, customer_id FROM events_log WHERE workspace_id = $1 AND id = u.id AND topic = u.topic LIMIT 1) AS e
 ORDER BY e.customer_id, e.id DESC
