-- part: day
starts_at, ends_at, customers, orders, events, coins_given, coins_spent, deliveries, coupons_used, coupon_revenue_minor,
buyers, buyers_again

-- name: kept
SELECT {day}
  FROM days_day WHERE workspace_id = $1 AND starts_at >= $2 AND starts_at < $3 ORDER BY starts_at

-- name: keep
INSERT INTO days_day (workspace_id, {day})
SELECT $1, {day}
  FROM unnest($2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
              $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]) AS day ({day})
ON CONFLICT (workspace_id, starts_at, ends_at) DO NOTHING

-- name: kept_coins
SELECT starts_at, ends_at, kind, earned, adjusted, given_back, spent, expired, clawed_back, owed, debts_paid
  FROM days_coins WHERE workspace_id = $1 AND starts_at >= $2 AND starts_at < $3

-- name: keep_coins
INSERT INTO days_coins (workspace_id, starts_at, ends_at, kind, earned, adjusted, given_back, spent, expired, clawed_back,
                        owed, debts_paid)
SELECT $1, starts_at, ends_at, kind, earned, adjusted, given_back, spent, expired, clawed_back, owed, debts_paid
  FROM unnest($2::timestamptz[], $3::timestamptz[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
              $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
       AS day (starts_at, ends_at, kind, earned, adjusted, given_back, spent, expired, clawed_back, owed, debts_paid)
ON CONFLICT (workspace_id, starts_at, ends_at, kind) DO NOTHING

-- name: standing
SELECT kind, earned_in, expires_in, amount, lots, counted_at FROM days_standing WHERE workspace_id = $1

-- name: drop_standing
DELETE FROM days_standing WHERE workspace_id = $1

-- name: keep_standing
INSERT INTO days_standing (workspace_id, kind, earned_in, expires_in, amount, lots, counted_at)
SELECT $1, kind, earned_in, expires_in, amount, lots, $7
  FROM unnest($2::text[], $3::date[], $4::date[], $5::bigint[], $6::bigint[])
       AS part (kind, earned_in, expires_in, amount, lots)
