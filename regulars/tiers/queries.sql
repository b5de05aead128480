-- name: ladder
SELECT version, ladder, actor, created_at FROM tiers_ladder WHERE workspace_id = $1 ORDER BY version DESC LIMIT $2

-- name: insert_ladder
INSERT INTO tiers_ladder (workspace_id, version, ladder, actor, created_at) VALUES ($1, $2, $3, $4, $5)

-- name: lock_standings
-- LATERAL: each found by its key, in the order in which they are given.
SELECT s.customer_id, s.tier, s.since, s.until, s.warned, s.placed_until, s.placed_reason, s.look_at
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM tiers_standing WHERE workspace_id = $1 AND customer_id = n.id FOR UPDATE) AS s

-- name: standings
SELECT s.customer_id, s.tier, s.since, s.until, s.warned, s.placed_until, s.placed_reason, s.look_at
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM tiers_standing WHERE workspace_id = $1 AND customer_id = n.id OFFSET 0) AS s

-- name: save_standings
INSERT INTO tiers_standing AS s (workspace_id, customer_id, tier, since, until, warned, placed_until, placed_reason, look_at)
SELECT $1, n.*
  FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::boolean[], $7::timestamptz[], $8::text[],
              $9::timestamptz[]) AS n
 ORDER BY 2
    ON CONFLICT (workspace_id, customer_id) DO UPDATE
   SET tier = excluded.tier, since = excluded.since, until = excluded.until, warned = excluded.warned,
       placed_until = excluded.placed_until, placed_reason = excluded.placed_reason, look_at = excluded.look_at

-- name: insert_moves
INSERT INTO tiers_move (workspace_id, id, customer_id, from_tier, to_tier, direction, reason, actor, ladder_version,
                        moved_at)
SELECT $1, n.*
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::integer[],
              $10::timestamptz[]) AS n

-- name: forget_moves
-- Why somebody was placed by hand is what people wrote.
UPDATE tiers_move SET reason = '' WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[])

-- name: forget_standings
UPDATE tiers_standing SET placed_reason = '' WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[])

-- name: moves_of
SELECT id, customer_id, from_tier, to_tier, direction, reason, actor, ladder_version, moved_at
  FROM tiers_move WHERE workspace_id = $1 AND customer_id = $2 ORDER BY id DESC LIMIT $3

-- name: to_look_at
SELECT customer_id FROM tiers_standing WHERE workspace_id = $1 AND look_at <= $2 ORDER BY look_at LIMIT $3

-- name: next_look
SELECT look_at FROM tiers_standing WHERE workspace_id = $1 AND look_at < 'infinity' ORDER BY look_at LIMIT 1

-- name: spent
-- What each has spent in the shop's currency since a time, net and gross, and how many orders count.
SELECT n.id, o.kept, o.gross, o.orders
  FROM unnest($2::uuid[], $3::timestamptz[]) AS n (id, since)
 CROSS JOIN LATERAL (
        SELECT COALESCE(sum(kept_minor), 0)::bigint AS kept,
               COALESCE(sum(amount_minor) FILTER (WHERE NOT void), 0)::bigint AS gross,
               count(*) FILTER (WHERE kept_minor > 0) AS orders
          FROM orders_kept
         WHERE workspace_id = $1 AND customer_id = n.id AND placed_at >= n.since AND currency_code = $4) AS o

-- name: earned
SELECT n.id, e.earned
  FROM unnest($2::uuid[], $3::timestamptz[]) AS n (id, since)
 CROSS JOIN LATERAL (
        SELECT COALESCE(sum(amount), 0)::bigint AS earned
          FROM ledger_earned WHERE workspace_id = $1 AND customer_id = n.id AND occurred_at >= n.since) AS e

-- name: referred
-- How many friends of each have completed a referral since a time.
SELECT n.id, r.friends
  FROM unnest($2::uuid[], $3::timestamptz[]) AS n (id, since)
 CROSS JOIN LATERAL (
        SELECT count(*) AS friends
          FROM referrals_completed WHERE workspace_id = $1 AND referrer_id = n.id AND completed_at >= n.since) AS r

-- name: counts
SELECT tier, count(*) AS customers FROM tiers_standing WHERE workspace_id = $1 AND tier <> '' GROUP BY tier

-- name: members
SELECT customer_id, tier, since, until, warned, placed_until, placed_reason, look_at
  FROM tiers_standing WHERE workspace_id = $1 AND tier = $2 AND customer_id < $3 ORDER BY customer_id DESC LIMIT $4

-- name: drop_standing
DELETE FROM tiers_standing WHERE workspace_id = $1 AND customer_id = $2

-- name: look_at_soon
INSERT INTO tiers_standing AS s (workspace_id, customer_id, tier, since, look_at) VALUES ($1, $2, '', $3, $3)
    ON CONFLICT (workspace_id, customer_id) DO UPDATE SET look_at = excluded.look_at
