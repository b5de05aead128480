-- part: coupon
id, offer_id, offer_version, customer_id, type, status, code, code_key, shared, steps, coins, txn_id, firing_id, key,
reference, order_id, taken_off_minor, expires_at, created_at, updated_at, source_id, discount, discount_said

-- part: offer
id, version, name, active, show_in_widget, place, terms, issued, taken_off_minor, created_at, updated_at, public

-- part: agreed
id, side, partner_id, partner, offer_id, offer, stand_in, coins, currency, status, created_at, updated_at

-- name: offers
SELECT {offer} FROM rewards_offer WHERE workspace_id = $1 ORDER BY place, created_at, id

-- name: offers_by_id
SELECT {offer} FROM rewards_offer WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: lock_offers
-- LATERAL: each found by its key, in the order in which they are given.
SELECT o.{offer} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM rewards_offer WHERE workspace_id = $1 AND id = n.id FOR UPDATE) AS o

-- name: count_offers
SELECT count(*) FROM rewards_offer WHERE workspace_id = $1

-- name: save_offer
INSERT INTO rewards_offer (workspace_id, {offer})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET version = $3, name = $4, active = $5, show_in_widget = $6, place = $7, terms = $8, issued = $9,
       taken_off_minor = $10, updated_at = $12, public = $13

-- name: put_in_order
UPDATE rewards_offer o SET place = n.place
  FROM unnest($2::uuid[]) WITH ORDINALITY AS n (id, place)
 WHERE o.workspace_id = $1 AND o.id = n.id

-- name: insert_version
INSERT INTO rewards_version (workspace_id, offer_id, version, terms, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6)

-- name: versions
SELECT version, terms, actor, created_at
  FROM rewards_version WHERE workspace_id = $1 AND offer_id = $2 ORDER BY version DESC

-- name: terms
SELECT v.offer_id, v.version, v.terms
  FROM unnest($2::uuid[], $3::integer[]) AS n (offer_id, version)
 CROSS JOIN LATERAL (SELECT * FROM rewards_version
                      WHERE workspace_id = $1 AND offer_id = n.offer_id AND version = n.version OFFSET 0) AS v

-- name: counted
-- What an offer's coupons come to, for a stock or a budget that is new.
SELECT count(*) FILTER (WHERE status <> 'cancelled') AS issued, coalesce(sum(taken_off_minor), 0)::bigint AS taken_off
  FROM rewards_coupon WHERE workspace_id = $1 AND offer_id = $2

-- name: add_to_offers
UPDATE rewards_offer o SET issued = o.issued + n.issued, taken_off_minor = o.taken_off_minor + n.taken_off
  FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS n (id, issued, taken_off)
 WHERE o.workspace_id = $1 AND o.id = n.id

-- name: had
-- How many coupons of an offer a customer has had, in all and since a time.
SELECT n.offer_id, n.customer_id, c.ever, c.lately
  FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS n (offer_id, customer_id, since)
 CROSS JOIN LATERAL (
        SELECT count(*) AS ever, count(*) FILTER (WHERE created_at >= n.since) AS lately
          FROM rewards_coupon
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND offer_id = n.offer_id AND status <> 'cancelled'
       ) AS c

-- name: inside
-- Of these segments what each is called, and who of these customers is in it.
SELECT s.id, s.name, ARRAY(
       SELECT n.id FROM unnest($3::uuid[]) AS n (id)
        WHERE EXISTS (SELECT FROM segments_membership AS m
                       WHERE m.workspace_id = $1 AND m.customer_id = n.id AND m.segment_id = s.id)) AS members
  FROM segments_called AS s WHERE s.workspace_id = $1 AND s.id = ANY ($2::uuid[])

-- name: issued_for
SELECT c.{coupon} FROM unnest($2::text[]) AS n (key)
 CROSS JOIN LATERAL (SELECT * FROM rewards_coupon WHERE workspace_id = $1 AND key = n.key OFFSET 0) AS c

-- name: insert_coupons
INSERT INTO rewards_coupon (workspace_id, {coupon})
SELECT $1, n.{coupon} FROM unnest($2::rewards_coupon_row_1[]) AS n

-- name: set_coupons
UPDATE rewards_coupon c
   SET status = n.status, reference = n.reference, order_id = n.order_id, taken_off_minor = n.taken_off,
       discount = n.discount, discount_said = n.discount_said, updated_at = $9,
       redeemed_at = CASE n.status WHEN 'redeemed' THEN COALESCE(c.redeemed_at, $9) END
  FROM (SELECT place.ctid, u.*
          FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::text[], $8::text[])
               AS u (id, status, reference, order_id, taken_off, discount, discount_said)
         CROSS JOIN LATERAL (SELECT ctid FROM rewards_coupon WHERE workspace_id = $1 AND id = u.id OFFSET 0) AS place
       ) AS n
 WHERE c.workspace_id = $1 AND c.ctid = n.ctid

-- name: lock_coupons
SELECT c.{coupon} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM rewards_coupon WHERE workspace_id = $1 AND id = n.id FOR UPDATE) AS c

-- name: coupons_by_id
SELECT {coupon} FROM rewards_coupon WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: by_codes
-- Of a code that many have only the customer's own, those that can be used first.
SELECT n.place, c.{coupon}
  FROM unnest($2::text[], $3::uuid[], $4::text[]) WITH ORDINALITY AS n (code_key, customer_id, reference, place)
 CROSS JOIN LATERAL (
        SELECT * FROM rewards_coupon WHERE workspace_id = $1 AND code_key = n.code_key AND NOT shared
         UNION ALL
        (SELECT * FROM rewards_coupon
          WHERE workspace_id = $1 AND code_key = n.code_key AND customer_id = n.customer_id AND shared
          ORDER BY status <> 'issued', reference <> n.reference, id LIMIT 1)) AS c

-- name: of_orders
-- The coupons that orders name by their codes, and those that were redeemed for them before.
SELECT n.order_id AS about, c.id
  FROM unnest($2::uuid[], $3::text[], $4::uuid[]) AS n (order_id, code_key, customer_id)
 CROSS JOIN LATERAL (
        (SELECT id FROM rewards_coupon WHERE workspace_id = $1 AND code_key = n.code_key AND NOT shared)
        UNION ALL
        (SELECT id FROM rewards_coupon
          WHERE workspace_id = $1 AND code_key = n.code_key AND shared AND customer_id = n.customer_id
            AND (status = 'issued' OR order_id = n.order_id)
          ORDER BY order_id IS DISTINCT FROM n.order_id, id LIMIT 1)) AS c
 UNION
SELECT c.order_id, c.id FROM rewards_coupon c WHERE c.workspace_id = $1 AND c.order_id = ANY($5::uuid[])

-- name: coupons_of_order
SELECT {coupon} FROM rewards_coupon WHERE workspace_id = $1 AND order_id = $2 ORDER BY id

-- name: coupons
SELECT {coupon} FROM rewards_coupon WHERE workspace_id = $1 AND id < $2 AND id >= $4 ORDER BY id DESC LIMIT $3

-- name: coupons_of_offer
SELECT {coupon} FROM rewards_coupon
 WHERE workspace_id = $1 AND offer_id = $5 AND id < $2 AND id >= $4 AND ($6::text IS NULL OR status = $6)
 ORDER BY id DESC LIMIT $3

-- name: coupons_of_code
SELECT c.{coupon}
  FROM (SELECT id FROM rewards_coupon WHERE workspace_id = $1 AND code_key = $5 AND NOT shared
         UNION ALL
        SELECT id FROM (
               SELECT id FROM rewards_coupon
                WHERE workspace_id = $1 AND code_key = $5 AND shared AND id < $2 AND id >= $4
                  AND ($6::text IS NULL OR status = $6) AND ($7::uuid IS NULL OR offer_id = $7)
                  AND ($8::uuid IS NULL OR customer_id = $8)
                ORDER BY id DESC LIMIT $3) AS many) AS found
 CROSS JOIN LATERAL (SELECT * FROM rewards_coupon WHERE workspace_id = $1 AND id = found.id OFFSET 0) AS c
 WHERE c.id < $2 AND c.id >= $4 AND ($6::text IS NULL OR c.status = $6) AND ($7::uuid IS NULL OR c.offer_id = $7)
   AND ($8::uuid IS NULL OR c.customer_id = $8)
 ORDER BY c.id DESC LIMIT $3

-- name: coupons_of_customer
SELECT {coupon} FROM rewards_coupon
 WHERE workspace_id = $1 AND customer_id = $5 AND id < $2 AND id >= $4 AND ($6::text IS NULL OR status = $6)
   AND ($7::uuid IS NULL OR offer_id = $7)
 ORDER BY id DESC LIMIT $3

-- name: coupons_of_status
SELECT {coupon}
  FROM rewards_coupon WHERE workspace_id = $1 AND status = $5 AND id < $2 AND id >= $4 ORDER BY id DESC LIMIT $3

-- name: by_status
SELECT status, count(*) AS coupons, coalesce(sum(taken_off_minor), 0)::bigint AS taken_off
  FROM rewards_coupon WHERE workspace_id = $1 AND offer_id = $2 GROUP BY status

-- name: used_by_span
-- What an order brought is counted once, however many coupons were used for it.
SELECT COALESCE(sum(used.coupons), 0)::bigint AS coupons, COALESCE(sum(o.kept_minor), 0)::bigint AS revenue_minor
  FROM unnest($2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS span (starts_at, ends_at, place)
  LEFT JOIN LATERAL (
        SELECT order_id, count(*) AS coupons
          FROM (SELECT order_id FROM rewards_coupon
                 WHERE workspace_id = $1 AND redeemed_at >= span.starts_at AND redeemed_at < span.ends_at LIMIT $5) AS few
         GROUP BY order_id) AS used ON true
  LEFT JOIN LATERAL (SELECT kept_minor FROM orders_kept
                      WHERE workspace_id = $1 AND id = used.order_id AND currency_code = $4 OFFSET 0) AS o ON true
 GROUP BY span.place ORDER BY span.place

-- name: take_codes
-- Whoever takes codes at the same time takes others; these are deleted where they were locked.
DELETE FROM rewards_code
 WHERE workspace_id = $1 AND offer_id = $2 AND ctid = ANY (ARRAY(
       SELECT ctid FROM rewards_code WHERE workspace_id = $1 AND offer_id = $2 ORDER BY n LIMIT $3
          FOR UPDATE SKIP LOCKED))
RETURNING code

-- name: insert_codes
-- Answers those that were not there before, neither among the codes nor as a coupon's.
INSERT INTO rewards_code (workspace_id, code_key, offer_id, n, code)
SELECT $1, n.code_key, $2, $5 + n.place, n.code
  FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS n (code_key, code, place)
 WHERE NOT EXISTS (SELECT FROM rewards_coupon c WHERE c.workspace_id = $1 AND c.code_key = n.code_key AND NOT c.shared)
    ON CONFLICT (workspace_id, code_key) DO NOTHING
RETURNING code_key

-- name: next_code
SELECT coalesce(max(n), 0) FROM rewards_code WHERE workspace_id = $1 AND offer_id = $2

-- name: taken_codes
-- Of these codes those that somebody has, or had.
SELECT n.code_key
  FROM unnest($2::text[]) AS n (code_key)
 CROSS JOIN LATERAL (
        SELECT FROM rewards_coupon WHERE workspace_id = $1 AND code_key = n.code_key AND NOT shared
         UNION ALL
        SELECT FROM rewards_code WHERE workspace_id = $1 AND code_key = n.code_key
         LIMIT 1) AS taken

-- name: codes_left
SELECT n.offer_id, k.codes
  FROM unnest($2::uuid[]) AS n (offer_id)
 CROSS JOIN LATERAL (SELECT count(*) AS codes FROM rewards_code WHERE workspace_id = $1 AND offer_id = n.offer_id) AS k

-- name: empty_lists
-- Of these offers those whose list has no code left.
SELECT n.id::text
  FROM unnest($2::uuid[]) AS n (id)
 WHERE NOT EXISTS (SELECT FROM rewards_code WHERE workspace_id = $1 AND offer_id = n.id)

-- name: move_customer
UPDATE rewards_coupon SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2

-- name: numbered_page
SELECT {coupon} FROM rewards_coupon
 WHERE workspace_id = $1 AND customer_id = $2 AND ($3::uuid IS NULL OR offer_id = $3)
   AND starts_with(code_key, 'pair:') = $4
 ORDER BY CASE WHEN $5::boolean THEN id END, id DESC LIMIT $6 OFFSET $7

-- name: count_of_customer
SELECT count(*) FROM rewards_coupon
 WHERE workspace_id = $1 AND customer_id = $2 AND ($3::uuid IS NULL OR offer_id = $3)
   AND starts_with(code_key, 'pair:') = $4

-- name: exchanged
-- What coupons of an offer that are paired with those of another shop come to, by their ids.
SELECT c.given, c.used, c.taken_off_minor, c.coins_taken
  FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS n (offer_id, pairs, place)
 CROSS JOIN LATERAL (
        SELECT count(*) AS given, count(*) FILTER (WHERE status = 'redeemed') AS used,
               COALESCE(sum(taken_off_minor), 0)::bigint AS taken_off_minor,
               COALESCE(sum(coins), 0)::bigint AS coins_taken
          FROM rewards_coupon
         WHERE workspace_id = $1 AND offer_id = n.offer_id AND id >= $4 AND id < $5
           AND (starts_with(key, n.pairs) OR starts_with(code_key, n.pairs)) AND status <> 'cancelled') AS c
 ORDER BY n.place

-- name: unused
-- By their time, as wallets that nobody touched are.
SELECT DISTINCT ON (c.created_at, c.id) c.{coupon} FROM unnest($2::timestamptz[], $3::timestamptz[]) AS n (since, until)
 CROSS JOIN (
        SELECT COALESCE(max(created_at), '-infinity') AS at FROM rewards_coupon WHERE workspace_id = $1 AND id = $4) AS before
 CROSS JOIN LATERAL (
        SELECT * FROM rewards_coupon
         WHERE workspace_id = $1 AND status = 'issued' AND created_at >= GREATEST(n.since, before.at)
           AND created_at < n.until AND (created_at, id) > (before.at, $4) AND (expires_at IS NULL OR expires_at > $6)
         ORDER BY created_at, id LIMIT $5) AS c
 ORDER BY c.created_at, c.id LIMIT $5

-- name: one_of_each
-- The coupon that is named, or else the newest that can be used. Ordered by the id's text, which sorts as the id does: by
-- the id itself, the planner would rather walk through all of a shop's coupons.
SELECT c.{coupon} FROM unnest($2::uuid[], $3::uuid[]) AS n (customer_id, id)
 CROSS JOIN LATERAL (
        SELECT * FROM rewards_coupon
         WHERE workspace_id = $1 AND customer_id = n.customer_id
           AND CASE WHEN n.id IS NULL THEN status = 'issued' AND (expires_at IS NULL OR expires_at > $4) ELSE id = n.id END
         ORDER BY id::text DESC LIMIT 1) AS c

-- name: insert_partnership
INSERT INTO rewards_partnership (workspace_id, {agreed})
SELECT $1, $2::uuid, $3, $4::uuid, $5, $6::uuid, $7, $8::uuid, $9::bigint, $10, $11, $12::timestamptz, $13::timestamptz
 WHERE (SELECT count(*) FROM rewards_partnership WHERE workspace_id = $1) < $14
    ON CONFLICT DO NOTHING
RETURNING id

-- name: lock_partnership
SELECT id FROM rewards_partnership WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: set_partnership
UPDATE rewards_partnership SET status = $3, stand_in = $4, updated_at = $5 WHERE workspace_id = $1 AND id = $2

-- name: partnership
SELECT {agreed} FROM rewards_partnership WHERE workspace_id = $1 AND id = $2

-- name: of_stand_in
SELECT {agreed} FROM rewards_partnership WHERE workspace_id = $1 AND stand_in = $2 AND side = 'sells'

-- name: partnerships
SELECT {agreed} FROM rewards_partnership WHERE workspace_id = $1 ORDER BY id DESC
