-- part: referral
id, referrer_id, friend_id, mode, state, review, name, email, mobile, email_key, phone, address, device, verdicts, reason,
actor, order_id, friend_coupon_id, coupon_id, txn_id, round, reminded, reminded_at, claimed_at, qualified_at, due_at,
completed_at, created_at, updated_at, version

-- name: save
INSERT INTO referrals_referral AS r (workspace_id, {referral})
SELECT $1, n.*
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::jsonb[], $16::text[],
              $17::text[], $18::uuid[], $19::uuid[], $20::uuid[], $21::uuid[], $22::integer[], $23::integer[],
              $24::timestamptz[], $25::timestamptz[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[],
              $29::timestamptz[], $30::timestamptz[], $31::integer[]) AS n
 ORDER BY 2
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET referrer_id = excluded.referrer_id, friend_id = excluded.friend_id, mode = excluded.mode, state =
       excluded.state, review = excluded.review, name = excluded.name, email = excluded.email, mobile =
       excluded.mobile, email_key = excluded.email_key, phone = excluded.phone, address = excluded.address, device =
       excluded.device, verdicts = excluded.verdicts, reason = excluded.reason, actor = excluded.actor, order_id =
       excluded.order_id, friend_coupon_id = excluded.friend_coupon_id, coupon_id = excluded.coupon_id, txn_id =
       excluded.txn_id, round = excluded.round, reminded = excluded.reminded, reminded_at = excluded.reminded_at,
       claimed_at = excluded.claimed_at, qualified_at = excluded.qualified_at, due_at = excluded.due_at, completed_at =
       excluded.completed_at, updated_at = excluded.updated_at, version = excluded.version

-- name: lock
-- LATERAL: each found by its key, in the order in which they are given.
SELECT r.{referral}
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM referrals_referral WHERE workspace_id = $1 AND id = n.id FOR UPDATE) AS r

-- name: by_ids
SELECT {referral}
  FROM referrals_referral WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: of_friends
-- Whoever is known as a friend: as the customer, by the address or by the number.
SELECT n.about, r.id
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) AS n (about, customer_id, email_key, phone)
 CROSS JOIN LATERAL (
        SELECT id FROM referrals_referral WHERE workspace_id = $1 AND friend_id = n.customer_id
         UNION
        SELECT id FROM referrals_referral WHERE workspace_id = $1 AND email_key <> '' AND email_key = n.email_key
         UNION
        SELECT id FROM referrals_referral WHERE workspace_id = $1 AND phone <> '' AND phone = n.phone) AS r

-- name: of_orders
SELECT id FROM referrals_referral WHERE workspace_id = $1 AND order_id = ANY($2::uuid[])

-- name: signs
-- What else came from where these came from, and by whose code; counted up to a limit.
SELECT n.id, a.seen AS address, d.seen AS device, v.seen AS velocity
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) AS n (id, referrer_id, address, device)
 CROSS JOIN LATERAL (SELECT count(*) AS seen FROM (
        SELECT FROM referrals_referral
         WHERE workspace_id = $1 AND address <> '' AND address = n.address AND claimed_at > $6 AND id <> n.id LIMIT $8)
        AS s) AS a
 CROSS JOIN LATERAL (SELECT count(*) AS seen FROM (
        SELECT FROM referrals_referral
         WHERE workspace_id = $1 AND device <> '' AND device = n.device AND id <> n.id LIMIT $8) AS s) AS d
 CROSS JOIN LATERAL (SELECT count(*) AS seen FROM (
        SELECT FROM referrals_referral
         WHERE workspace_id = $1 AND referrer_id = n.referrer_id AND created_at > $7 AND id <> n.id LIMIT $8) AS s) AS v

-- name: rings
-- From each referrer up to who referred them, and on, until it comes back to the friend: a friend is referred once, so
-- there is one way.
WITH RECURSIVE up AS (
    SELECT n.id AS start, n.friend_id AS friend, n.referrer_id AS at, 1 AS steps, ARRAY[n.id] AS ids
      FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS n (id, referrer_id, friend_id)
     UNION ALL
    SELECT up.start, up.friend, r.referrer_id, up.steps + 1, up.ids || r.id
      FROM up
     CROSS JOIN LATERAL (
            SELECT id, referrer_id FROM referrals_referral
             WHERE workspace_id = $1 AND friend_id = up.at AND state NOT IN ('invited', 'rejected')
            OFFSET 0) AS r
     WHERE up.at <> up.friend AND up.steps < $5
)
SELECT start, ids FROM up WHERE at = friend

-- name: rewarded
-- How many friends of each earn, or have earned, a reward since a time.
SELECT n.id, k.friends
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
        SELECT count(*) AS friends FROM referrals_referral
         WHERE workspace_id = $1 AND referrer_id = n.id AND state IN ('pending', 'completed') AND qualified_at >= $3) AS k

-- name: count_since
SELECT count(*) FROM (
       SELECT FROM referrals_referral WHERE workspace_id = $1 AND referrer_id = $2 AND created_at > $3 LIMIT $4) AS s

-- part: narrowed
AND id < $2 AND id >= $4 AND ($5::text IS NULL OR state = $5) AND ($6::text IS NULL OR review = $6)

-- name: page
SELECT {referral} FROM referrals_referral WHERE workspace_id = $1 {narrowed} ORDER BY id DESC LIMIT $3

-- name: page_of_state
SELECT {referral} FROM referrals_referral
 WHERE workspace_id = $1 AND state = $7 {narrowed} ORDER BY id DESC LIMIT $3

-- name: page_of_review
SELECT {referral} FROM referrals_referral
 WHERE workspace_id = $1 AND review <> '' AND review = $7 {narrowed} ORDER BY id DESC LIMIT $3

-- name: page_of_referrer
SELECT {referral} FROM referrals_referral
 WHERE workspace_id = $1 AND referrer_id = $7 {narrowed} ORDER BY id DESC LIMIT $3

-- name: page_of_friend
SELECT {referral} FROM referrals_referral
 WHERE workspace_id = $1 AND friend_id = $7 {narrowed} ORDER BY id DESC LIMIT $3

-- name: numbered_page
SELECT {referral}
  FROM referrals_referral WHERE workspace_id = $1 AND referrer_id = $2
 ORDER BY CASE WHEN $3::boolean THEN id END, id DESC LIMIT $4 OFFSET $5

-- name: count_of_referrer
SELECT count(*) FROM referrals_referral WHERE workspace_id = $1 AND referrer_id = $2

-- name: by_state
SELECT state, review, count(*) AS referrals FROM referrals_referral WHERE workspace_id = $1 GROUP BY state, review

-- name: move_referrer
UPDATE referrals_referral SET referrer_id = $3 WHERE workspace_id = $1 AND referrer_id = $2

-- name: move_friend
-- Of two that both brought along the one customer the other's own stays.
UPDATE referrals_referral r
   SET friend_id = CASE WHEN EXISTS (SELECT FROM referrals_referral o WHERE o.workspace_id = $1 AND o.friend_id = $3)
                        THEN NULL ELSE $3::uuid END
 WHERE r.workspace_id = $1 AND r.friend_id = $2

-- name: end_own
UPDATE referrals_referral
   SET state = 'rejected', reason = $3, friend_id = NULL
 WHERE workspace_id = $1 AND friend_id = $2 AND referrer_id = $2
   AND state IN ('invited', 'claimed', 'qualified', 'pending')

-- name: others
SELECT o.id FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
        SELECT referrer_id AS id FROM referrals_referral WHERE workspace_id = $1 AND friend_id = n.id
         UNION ALL
        SELECT friend_id FROM referrals_referral WHERE workspace_id = $1 AND referrer_id = n.id OFFSET 0) AS o

-- name: forget
UPDATE referrals_referral r
   SET name = '', email = '', mobile = '', email_key = '', phone = '', address = '', device = '',
       reason = ''
  FROM (SELECT place.ctid
          FROM unnest($2::uuid[]) AS u (id)
         CROSS JOIN LATERAL (SELECT ctid FROM referrals_referral WHERE workspace_id = $1 AND friend_id = u.id OFFSET 0)
               AS place) AS n
 WHERE r.workspace_id = $1 AND r.ctid = n.ctid
