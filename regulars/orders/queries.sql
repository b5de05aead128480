-- part: order_row
id, source, reference_id, name, customer_id, currency_code, amount_minor, discount_minor, tax_minor, items_count,
status, financial_status, delivery_status, detail, coins_rewarded, coins_spent, placed_at, source_version,
ahead_version, ahead_seen_at, created_at, updated_at, more

-- part: inserted
id, source, reference_id, name, customer_id, currency_code, amount_minor, discount_minor, tax_minor, items_count,
status, financial_status, delivery_status, detail, coins_rewarded, placed_at, source_version, ahead_version,
ahead_seen_at, more

-- name: insert_orders
-- Ordered by the order's name, so that two reports of the same orders wait for each other in one order.
INSERT INTO orders_order (workspace_id, {inserted}, created_at, updated_at)
SELECT $1, o.*, $22, $22
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[],
              $10::bigint[], $11::integer[], $12::text[], $13::text[], $14::text[], $15::jsonb[], $16::bigint[],
              $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::jsonb[])
       AS o ({inserted})
 ORDER BY o.source, o.reference_id
    ON CONFLICT (workspace_id, source, reference_id) DO NOTHING
RETURNING id

-- name: lock_orders
-- Each found by its key, in the order in which they are to be locked.
SELECT o.{order_row}
  FROM (SELECT n.source, n.reference_id FROM unnest($2::text[], $3::text[]) AS n (source, reference_id)
         ORDER BY n.source COLLATE "C", n.reference_id COLLATE "C") AS n
 CROSS JOIN LATERAL (SELECT * FROM orders_order
                      WHERE workspace_id = $1 AND source = n.source AND reference_id = n.reference_id
                        FOR UPDATE) AS o

-- name: orders_named
SELECT o.{order_row} FROM unnest($2::text[], $3::text[]) AS n (source, reference_id)
 CROSS JOIN LATERAL (SELECT * FROM orders_order
                      WHERE workspace_id = $1 AND source = n.source AND reference_id = n.reference_id OFFSET 0) AS o

-- name: next_orders
SELECT {order_row} FROM orders_order
 WHERE workspace_id = $1 AND (placed_at, id) > ($2::timestamptz, $3::uuid)
 ORDER BY placed_at, id LIMIT $4

-- name: reward_orders
UPDATE orders_order o SET coins_rewarded = o.coins_rewarded + r.coins
  FROM unnest($2::uuid[], $3::bigint[]) AS r (id, coins)
 WHERE o.workspace_id = $1 AND o.id = r.id

-- name: spend_on_orders
UPDATE orders_order o SET coins_spent = r.coins
  FROM unnest($2::uuid[], $3::bigint[]) AS r (id, coins)
 WHERE o.workspace_id = $1 AND o.id = r.id

-- name: update_orders
UPDATE orders_order o
   SET name = u.name, currency_code = u.currency_code, amount_minor = u.amount_minor,
       discount_minor = u.discount_minor, tax_minor = u.tax_minor, items_count = u.items_count, status = u.status,
       financial_status = u.financial_status, delivery_status = u.delivery_status, detail = u.detail,
       coins_rewarded = u.coins_rewarded, placed_at = u.placed_at, source_version = u.source_version,
       ahead_version = u.ahead_version, ahead_seen_at = u.ahead_seen_at, more = u.more, updated_at = $19
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::integer[], $9::text[],
              $10::text[], $11::text[], $12::jsonb[], $13::bigint[], $14::timestamptz[], $15::timestamptz[],
              $16::timestamptz[], $17::timestamptz[], $18::jsonb[])
       AS u (id, name, currency_code, amount_minor, discount_minor, tax_minor, items_count, status, financial_status,
             delivery_status, detail, coins_rewarded, placed_at, source_version, ahead_version, ahead_seen_at, more)
 WHERE o.workspace_id = $1 AND o.id = u.id

-- name: confirm_orders
UPDATE orders_order o
   SET source_version = u.source_version, ahead_version = u.ahead_version, ahead_seen_at = u.ahead_seen_at,
       more = u.more
  FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[])
       AS u (id, source_version, ahead_version, ahead_seen_at, more)
 WHERE o.workspace_id = $1 AND o.id = u.id

-- name: orders_by_ids
-- LATERAL: each found by its key. Before version 17 an index may be read for the whole shop instead, and most of it dropped.
SELECT o.{order_row} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM orders_order WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS o

-- name: orders_of_customer
SELECT {order_row}
  FROM orders_order WHERE workspace_id = $1 AND customer_id = $2 ORDER BY placed_at DESC, id DESC LIMIT $3

-- name: orders_holding
-- Of each customer the newest order that stands and holds the product, or the one that is named, among their newest.
SELECT n.place, o.{order_row}
  FROM unnest($2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY AS n (customer_id, product_id, called, place)
 CROSS JOIN LATERAL (
        SELECT * FROM (SELECT * FROM orders_order WHERE workspace_id = $1 AND customer_id = n.customer_id
                        ORDER BY placed_at DESC LIMIT $5) AS newest
         WHERE CASE WHEN n.called <> '' THEN n.called IN (reference_id, name, id::text)
                    ELSE status <> 'cancelled' AND financial_status NOT IN ('refunded', 'voided')
                         AND more -> 'lines' @> jsonb_build_array(jsonb_build_object('product_id', n.product_id)) END
         LIMIT 1) AS o

-- name: search_orders
-- Looks at $8 orders beyond $2, as they are sorted ($9), and tells by the last of them where it stopped looking. Each order
-- of theirs has its own index, and is not read at all when its first condition says so.
WITH looked_at AS MATERIALIZED (
    (SELECT id, source, financial_status, placed_at, row_number() OVER (ORDER BY placed_at DESC, id DESC) AS place
       FROM orders_order
      WHERE $9 = 'newest' AND workspace_id = $1 AND placed_at >= $3 AND placed_at < $4
        AND (placed_at, id) < (COALESCE((SELECT placed_at FROM orders_order WHERE workspace_id = $1 AND id = $2), 'infinity'),
                               COALESCE($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      ORDER BY placed_at DESC, id DESC LIMIT $8)
    UNION ALL
    (SELECT id, source, financial_status, placed_at, row_number() OVER (ORDER BY placed_at, id)
       FROM orders_order
      WHERE $9 = 'oldest' AND workspace_id = $1 AND placed_at >= $3 AND placed_at < $4
        AND (placed_at, id) > (COALESCE((SELECT placed_at FROM orders_order WHERE workspace_id = $1 AND id = $2), '-infinity'),
                               COALESCE($2, '00000000-0000-0000-0000-000000000000'))
      ORDER BY placed_at, id LIMIT $8)
    UNION ALL
    (SELECT id, source, financial_status, placed_at, row_number() OVER (ORDER BY amount_minor DESC, id DESC)
       FROM orders_order
      WHERE $9 = 'largest' AND workspace_id = $1
        AND (amount_minor, id) < (COALESCE((SELECT amount_minor FROM orders_order WHERE workspace_id = $1 AND id = $2),
                                           9223372036854775807), COALESCE($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      ORDER BY amount_minor DESC, id DESC LIMIT $8)
    UNION ALL
    (SELECT id, source, financial_status, placed_at, row_number() OVER (ORDER BY amount_minor, id)
       FROM orders_order
      WHERE $9 = 'smallest' AND workspace_id = $1
        AND (amount_minor, id) > (COALESCE((SELECT amount_minor FROM orders_order WHERE workspace_id = $1 AND id = $2), -1),
                                  COALESCE($2, '00000000-0000-0000-0000-000000000000'))
      ORDER BY amount_minor, id LIMIT $8)
), found AS (
    SELECT id, place FROM looked_at
     WHERE ($5::text IS NULL OR source = $5) AND ($6::text IS NULL OR financial_status = $6)
       AND placed_at >= $3 AND placed_at < $4
     ORDER BY place LIMIT $7
)
SELECT s.rows_seen, s.last_id, o.{order_row}
  FROM (SELECT (SELECT count(*) FROM looked_at) AS rows_seen,
               (SELECT id FROM looked_at ORDER BY place DESC LIMIT 1) AS last_id) AS s
  LEFT JOIN found AS f ON true
  LEFT JOIN LATERAL (SELECT * FROM orders_order WHERE workspace_id = $1 AND id = f.id OFFSET 0) AS o ON true
 ORDER BY f.place

-- name: orders_by_reference
-- People know an order by its name, which shops often write with a # before it.
SELECT o.{order_row} FROM (
    (SELECT id FROM orders_order
      WHERE workspace_id = $1 AND source = ANY($2::text[]) AND reference_id = $3 LIMIT $4)
    UNION (SELECT id FROM orders_order
            WHERE workspace_id = $1 AND name = ANY(ARRAY[$3, '#' || $3]) AND name <> '' ORDER BY name, id DESC LIMIT $4)
  ) AS found
 CROSS JOIN LATERAL (SELECT * FROM orders_order WHERE workspace_id = $1 AND id = found.id OFFSET 0) AS o
 ORDER BY o.id DESC LIMIT $4

-- name: sources
-- A skip scan over the index: one step per source, however many orders there are.
WITH RECURSIVE s AS (
    (SELECT source FROM orders_order WHERE workspace_id = $1 ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT o.source FROM orders_order o WHERE o.workspace_id = $1 AND o.source > s.source
             ORDER BY o.source LIMIT 1)
      FROM s WHERE s.source IS NOT NULL
)
SELECT source FROM s WHERE source IS NOT NULL

-- name: earlier
SELECT n.id, e.earlier FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS n (id, customer_id, placed_at)
 CROSS JOIN LATERAL (
        SELECT count(*) AS earlier FROM (
                SELECT FROM orders_order
                 WHERE workspace_id = $1 AND customer_id = n.customer_id AND placed_at <= n.placed_at
                   AND (placed_at, id) < (n.placed_at, n.id)
                   AND status <> 'cancelled' AND financial_status NOT IN ('voided', 'refunded')
                 LIMIT $5) AS found) AS e

-- name: shipped_alike
-- Of each customer ($3) the newest $5 orders: whether one goes to the place ($4).
SELECT n.id FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS n (id, customer_id, place)
 WHERE EXISTS (
       SELECT FROM (SELECT detail ->> 'shipped_to' AS place FROM orders_order
                     WHERE workspace_id = $1 AND customer_id = n.customer_id ORDER BY placed_at DESC LIMIT $5) AS e
        WHERE e.place = n.place)

-- name: buyers_by_span
-- Each customer counts once in a stretch; their orders before are looked for by their own index.
SELECT count(DISTINCT o.customer_id) AS buyers, count(DISTINCT o.customer_id) FILTER (WHERE o.again) AS again
  FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS span (first_id, end_id, place)
  LEFT JOIN LATERAL (
        SELECT few.customer_id, EXISTS (
               SELECT FROM orders_order e
                WHERE e.workspace_id = $1 AND e.customer_id = few.customer_id AND e.placed_at <= few.placed_at
                  AND (e.placed_at, e.id) < (few.placed_at, few.id)
                  AND e.status <> 'cancelled' AND e.financial_status NOT IN ('voided', 'refunded')) AS again
          FROM (SELECT id, customer_id, placed_at FROM orders_order
                 WHERE workspace_id = $1 AND id >= span.first_id AND id < span.end_id
                   AND status <> 'cancelled' AND financial_status NOT IN ('voided', 'refunded') LIMIT $4) AS few
        ) AS o ON true
 GROUP BY span.place ORDER BY span.place

-- name: count
SELECT count(*) FROM orders_order WHERE workspace_id = $1

-- name: move_orders
UPDATE orders_order SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2

-- name: forget_orders
-- What people wrote and what leads back to them; what was bought and paid stays.
UPDATE orders_order
   SET detail = detail - $3::text[], more = CASE WHEN more ? 'note' THEN more || '{"note": ""}' ELSE more END
 WHERE workspace_id = $1 AND customer_id = ANY($2::uuid[])
