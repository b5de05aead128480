-- part: oldest
unnest(ARRAY['first', 'retry', 'profile', 'replay']) AS s (share)
         CROSS JOIN LATERAL (
               SELECT due_at FROM delivery_delivery
                WHERE workspace_id = l.workspace_id AND lane_id = l.id AND share = s.share AND state = 'queued'
                ORDER BY due_at LIMIT 1) AS q

-- name: health
SELECT l.id AS lane_id, l.tool, l.rate_per_minute, l.paused, l.paused_reason,
       (SELECT count(*) FROM (SELECT 1 FROM delivery_delivery d
                               WHERE d.workspace_id = $1 AND d.lane_id = l.id AND d.state = 'queued'
                               ORDER BY d.share, d.due_at LIMIT $3) q) AS queued,
       (SELECT min(q.due_at)
          FROM unnest(ARRAY['first', 'retry', 'profile', 'replay']) AS s (share)
         CROSS JOIN LATERAL (
               SELECT due_at FROM delivery_delivery
                WHERE workspace_id = $1 AND lane_id = l.id AND share = s.share AND state = 'queued'
                ORDER BY due_at LIMIT 1) AS q) AS oldest_due_at,
       (SELECT count(*) FROM (SELECT 1 FROM delivery_delivery d
                               WHERE d.workspace_id = $1 AND d.lane_id = l.id AND d.state = 'failed' AND NOT d.test
                               ORDER BY d.finished_at LIMIT $3) f) AS failed,
       COALESCE(t.delivered, 0)::bigint AS delivered_last_hour, COALESCE(t.retried, 0)::bigint AS retried_last_hour,
       COALESCE(t.failed, 0)::bigint AS failed_last_hour,
       (t.duration_ms / NULLIF(t.delivered + t.retried + t.failed, 0))::float8 AS mean_ms_last_hour,
       l.last_error, l.last_error_at, l.held_up, l.failures AS failures_in_a_row,
       CASE WHEN l.tokens_at > $4 AND NOT l.paused THEN l.tokens_at END AS rests_until,
       CASE WHEN p.pace < 1 THEN CEIL(l.rate_per_minute * p.pace)::int END AS slowed_to_per_minute
  FROM delivery_lane l
 CROSS JOIN LATERAL (
       SELECT l.pace * 1.02 ^ LEAST(GREATEST(EXTRACT(epoch FROM $4 - l.tokens_at), 0), 600)::float8 AS pace) AS p
  LEFT JOIN LATERAL (SELECT sum(delivered) AS delivered, sum(retried) AS retried, sum(failed) AS failed,
                            sum(duration_ms) AS duration_ms
                       FROM delivery_tally WHERE workspace_id = $1 AND lane_id = l.id AND slot > $2) t ON true
 WHERE l.workspace_id = $1
 ORDER BY l.created_at, l.id

-- name: keeping_up
-- every workspace: how all lanes of a tool keep up, but for shops whose events are off ($1): one index entry for each that
-- has something to send, and the slot of its tally that was full last
SELECT l.tool, count(*) FILTER (WHERE l.held_up <> '') AS held_up, min(d.due_at) AS oldest_due_at,
       COALESCE(sum(t.delivered), 0)::bigint AS delivered, COALESCE(sum(t.retried), 0)::bigint AS retried,
       COALESCE(sum(t.failed), 0)::bigint AS failed
  FROM delivery_lane l
  LEFT JOIN LATERAL (
       SELECT min(q.due_at) AS due_at FROM {oldest}
        WHERE l.wake_at IS NOT NULL AND NOT l.paused AND l.workspace_id <> ALL ($1::uuid[])) AS d ON true
  LEFT JOIN delivery_tally t ON t.workspace_id = l.workspace_id AND t.lane_id = l.id AND t.slot = $2
 GROUP BY l.tool

-- name: delivered_by_span
SELECT COALESCE(sum(counted.delivered), 0)::bigint AS delivered
  FROM unnest($2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS span (starts_at, ends_at, place)
  LEFT JOIN delivery_lane l ON l.workspace_id = $1
  LEFT JOIN LATERAL (SELECT sum(delivered) AS delivered FROM delivery_tally
                      WHERE workspace_id = $1 AND lane_id = l.id AND slot >= span.starts_at AND slot < span.ends_at
       ) AS counted ON true
 GROUP BY span.place ORDER BY span.place

-- name: totals
SELECT lane_id, sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed
  FROM delivery_tally WHERE workspace_id = $1 GROUP BY lane_id

-- name: slots
SELECT slot, delivered, retried + failed AS not_delivered, counts FROM delivery_tally
 WHERE workspace_id = $1 AND lane_id = $2 AND slot >= $3 ORDER BY slot

-- name: last_tries
SELECT a.delivery_id, a.status, a.url FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
       SELECT delivery_id, status, url FROM delivery_attempt WHERE workspace_id = $1 AND delivery_id = n.id
        ORDER BY number DESC LIMIT 1) AS a
