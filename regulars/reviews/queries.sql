-- part: post
id, type, customer_id, order_id, product_source, product_id, product_name, product_link, name, rating, title, text,
status, reason, verified, featured, reply, replied_at, origin, origin_id, coins, pictures, created_at, updated_at

-- name: insert
-- What is there already, under any of its names, is left as it is.
INSERT INTO reviews_post (workspace_id, {post})
SELECT $1, n.*
  FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::text[], $11::smallint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::boolean[],
              $17::boolean[], $18::text[], $19::timestamptz[], $20::text[], $21::text[], $22::bigint[], $23::smallint[],
              $24::timestamptz[], $25::timestamptz[]) AS n
 ORDER BY 4, 7, 6
    ON CONFLICT DO NOTHING
RETURNING id

-- name: brought_in
SELECT n.id, c.named
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::uuid[])
       AS n (id, origin, origin_id, customer_id, product_id, product_source, order_id)
 CROSS JOIN LATERAL (
        SELECT true AS named FROM reviews_post
         WHERE workspace_id = $1 AND origin = n.origin AND origin_id = n.origin_id AND origin_id <> ''
         UNION ALL
        SELECT false FROM reviews_post
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND product_id = n.product_id
           AND product_source = n.product_source AND type = 'review' AND sole
           AND COALESCE(order_id, '00000000-0000-0000-0000-000000000000')
             = COALESCE(n.order_id, '00000000-0000-0000-0000-000000000000')
         ORDER BY named DESC LIMIT 1) AS c

-- name: lock
SELECT {post}
  FROM reviews_post WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: by_ids
SELECT {post}
  FROM reviews_post WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: update
UPDATE reviews_post
   SET status = $3, reason = $4, featured = $5, reply = $6, replied_at = $7, coins = $8, pictures = $9, updated_at = $10
 WHERE workspace_id = $1 AND id = $2

-- name: set_coins
UPDATE reviews_post p
   SET coins = (SELECT n.coins FROM unnest($2::uuid[], $3::bigint[]) AS n (id, coins) WHERE n.id = p.id)
 WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: add_to_sums
INSERT INTO reviews_sum AS s (workspace_id, product_source, product_id, rating, verified, featured, count)
SELECT $1, n.*
  FROM unnest($2::text[], $3::text[], $4::smallint[], $5::boolean[], $6::boolean[], $7::bigint[]) AS n
    ON CONFLICT (workspace_id, product_source, product_id, rating, verified, featured) DO UPDATE
   SET count = s.count + excluded.count

-- name: posts
SELECT {post}
  FROM reviews_post
 WHERE workspace_id = $1 AND type = $2 AND id < $3 AND id >= $5 AND ($6::smallint IS NULL OR rating = $6)
   AND ($7::boolean IS NULL OR featured = $7) AND ($8::boolean IS NULL OR verified = $8)
   AND ($9::boolean IS NULL OR (pictures > 0) = $9)
 ORDER BY id DESC LIMIT $4

-- name: posts_of_status
SELECT {post}
  FROM reviews_post
 WHERE workspace_id = $1 AND type = $2 AND status = $10 AND id < $3 AND id >= $5
   AND ($6::smallint IS NULL OR rating = $6) AND ($7::boolean IS NULL OR featured = $7)
   AND ($8::boolean IS NULL OR verified = $8) AND ($9::boolean IS NULL OR (pictures > 0) = $9)
 ORDER BY id DESC LIMIT $4

-- name: posts_of_product
SELECT {post}
  FROM reviews_post
 WHERE workspace_id = $1 AND product_id = $10 AND ($11::text IS NULL OR product_source = $11) AND type = $2 AND id < $3
   AND id >= $5 AND ($6::smallint IS NULL OR rating = $6) AND ($7::boolean IS NULL OR featured = $7)
   AND ($8::boolean IS NULL OR verified = $8) AND ($9::boolean IS NULL OR (pictures > 0) = $9)
   AND ($12::text IS NULL OR status = $12)
 ORDER BY id DESC LIMIT $4

-- name: posts_of_customer
SELECT {post}
  FROM reviews_post
 WHERE workspace_id = $1 AND customer_id = $10 AND type = $2 AND id < $3 AND id >= $5
   AND ($6::smallint IS NULL OR rating = $6) AND ($7::boolean IS NULL OR featured = $7)
   AND ($8::boolean IS NULL OR verified = $8) AND ($9::boolean IS NULL OR (pictures > 0) = $9)
   AND ($11::text IS NULL OR status = $11) AND ($12::text IS NULL OR product_id = $12)
 ORDER BY id DESC LIMIT $4

-- name: posts_of_order
SELECT {post}
  FROM reviews_post WHERE workspace_id = $1 AND order_id = $2 ORDER BY id

-- name: reviewed
-- Of these products of these customers' orders those that they have reviewed.
SELECT n.order_id, p.product_id
  FROM unnest($2::uuid[], $3::uuid[]) AS n (order_id, customer_id)
 CROSS JOIN LATERAL (
        SELECT product_id FROM reviews_post
         WHERE workspace_id = $1 AND type = 'review' AND order_id = n.order_id AND customer_id = n.customer_id
        OFFSET 0) AS p

-- name: shown
-- As the merchant API and product pages list them.
SELECT {post}
  FROM reviews_post
 WHERE workspace_id = $1 AND type = $2 AND status IN ('approved', 'answered') AND ($3::smallint IS NULL OR rating = $3)
   AND ($4::boolean IS NULL OR featured = $4) AND ($5::boolean IS NULL OR verified = $5)
   AND ($6::boolean IS NULL OR (pictures > 0) = $6)
 ORDER BY CASE WHEN $7::text = 'oldest' THEN id END, CASE WHEN $7 = 'highest' THEN -rating WHEN $7 = 'lowest' THEN rating
          END, id DESC LIMIT $8 OFFSET $9

-- name: shown_of_product
SELECT {post}
  FROM reviews_post
 WHERE workspace_id = $1 AND type = $2 AND status IN ('approved', 'answered') AND product_id = $10
   AND ($11::text IS NULL OR product_source = $11) AND ($3::smallint IS NULL OR rating = $3)
   AND ($4::boolean IS NULL OR featured = $4) AND ($5::boolean IS NULL OR verified = $5)
   AND ($6::boolean IS NULL OR (pictures > 0) = $6)
 ORDER BY CASE WHEN $7::text = 'oldest' THEN id END, CASE WHEN $7 = 'highest' THEN -rating WHEN $7 = 'lowest' THEN rating
          END, id DESC LIMIT $8 OFFSET $9

-- name: sums
SELECT product_source, product_id, rating, verified, featured, count
  FROM reviews_sum
 WHERE workspace_id = $1 AND product_id = $2 AND ($3::text IS NULL OR product_source = $3) AND count > 0

-- name: move_posts
UPDATE reviews_post p
   SET customer_id = $3,
       sole = sole AND NOT EXISTS (
              SELECT FROM reviews_post o
               WHERE o.workspace_id = $1 AND o.customer_id = $3 AND o.product_id = p.product_id AND o.type = 'review'
                 AND o.product_source = p.product_source AND o.order_id IS NOT DISTINCT FROM p.order_id AND o.sole)
 WHERE p.workspace_id = $1 AND p.customer_id = $2

-- name: of_customers
SELECT p.{post}
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM reviews_post WHERE workspace_id = $1 AND customer_id = n.id OFFSET 0) AS p

-- name: delete
DELETE FROM reviews_post WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: delete_pictures
DELETE FROM reviews_picture WHERE workspace_id = $1 AND post_id = ANY($2::uuid[])

-- name: insert_picture
INSERT INTO reviews_picture (workspace_id, id, post_id, place, created_at, large, medium, small)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: pictures
SELECT p.id, p.post_id, p.place
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
        SELECT id, post_id, place FROM reviews_picture WHERE workspace_id = $1 AND post_id = n.id OFFSET 0) AS p
 ORDER BY p.place, p.id

-- name: picture
-- What was rejected is shown to nobody.
SELECT CASE $3 WHEN 'large' THEN c.large WHEN 'medium' THEN c.medium WHEN 'small' THEN c.small END
  FROM reviews_picture c
  JOIN reviews_post p ON p.workspace_id = c.workspace_id AND p.id = c.post_id
 WHERE c.workspace_id = $1 AND c.id = $2 AND p.status <> 'rejected'

-- name: asks
SELECT n.id, a.token, a.asked, a.outcome
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
        SELECT token, asked, outcome FROM reviews_ask WHERE workspace_id = $1 AND order_id = n.id OFFSET 0) AS a

-- name: insert_asks
INSERT INTO reviews_ask (workspace_id, order_id, token, updated_at)
SELECT $1, n.*, $4 FROM unnest($2::uuid[], $3::text[]) AS n
    ON CONFLICT (workspace_id, order_id) DO NOTHING
RETURNING order_id

-- name: save_asks
INSERT INTO reviews_ask (workspace_id, order_id, token, asked, outcome, updated_at)
SELECT $1, n.*, $6 FROM unnest($2::uuid[], $3::text[], $4::smallint[], $5::text[]) AS n
    ON CONFLICT (workspace_id, order_id) DO UPDATE
   SET asked = excluded.asked, outcome = excluded.outcome, updated_at = excluded.updated_at
