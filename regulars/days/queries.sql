-- name: kept
SELECT starts_at, ends_at, customers, orders, events, coins_given, coins_spent, deliveries
  FROM days_day WHERE workspace_id = $1 AND starts_at >= $2 AND starts_at < $3 ORDER BY starts_at

-- name: keep
INSERT INTO days_day (workspace_id, starts_at, ends_at, customers, orders, events, coins_given, coins_spent, deliveries)
SELECT $1, starts_at, ends_at, customers, orders, events, coins_given, coins_spent, deliveries
  FROM unnest($2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
              $9::bigint[]) AS day (starts_at, ends_at, customers, orders, events, coins_given, coins_spent, deliveries)
ON CONFLICT (workspace_id, starts_at, ends_at) DO NOTHING
