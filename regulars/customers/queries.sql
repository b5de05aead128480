-- name: by_ids
SELECT id, customer_id, name, email, mobile, country, gender, dob, referral_code, referred_by_code, accept_email,
       accept_mobile, tier, spent_minor, orders_count, last_order_at, created_at, updated_at
  FROM customers_customer WHERE workspace_id = $1 AND id = ANY($2::uuid[])

-- name: by_customer_ids
SELECT id, customer_id, name, email, mobile, country, gender, dob, referral_code, referred_by_code, accept_email,
       accept_mobile, tier, spent_minor, orders_count, last_order_at, created_at, updated_at
  FROM customers_customer WHERE workspace_id = $1 AND customer_id = ANY($2::text[])

-- name: by_referral_code
SELECT id, customer_id, name, email, mobile, country, gender, dob, referral_code, referred_by_code, accept_email,
       accept_mobile, tier, spent_minor, orders_count, last_order_at, created_at, updated_at
  FROM customers_customer WHERE workspace_id = $1 AND referral_code = $2

-- name: by_email
SELECT id, customer_id, name, email, mobile, country, gender, dob, referral_code, referred_by_code, accept_email,
       accept_mobile, tier, spent_minor, orders_count, last_order_at, created_at, updated_at
  FROM customers_customer WHERE workspace_id = $1 AND lower(email) = lower($2) AND email <> ''
 ORDER BY created_at, id LIMIT 1

-- name: by_mobile
SELECT id, customer_id, name, email, mobile, country, gender, dob, referral_code, referred_by_code, accept_email,
       accept_mobile, tier, spent_minor, orders_count, last_order_at, created_at, updated_at
  FROM customers_customer WHERE workspace_id = $1 AND mobile = $2 AND mobile <> ''
 ORDER BY created_at, id LIMIT 1

-- name: taken_referral_codes
SELECT referral_code FROM customers_customer WHERE workspace_id = $1 AND referral_code = ANY($2::text[])

-- name: insert_customers
-- Ordered by customer_id, so that two calls that create the same customers wait for each other in one order.
INSERT INTO customers_customer (workspace_id, id, customer_id, name, email, mobile, country, gender, dob, referral_code,
                                created_at, updated_at)
SELECT $1, n.id, n.customer_id, n.name, n.email, n.mobile, n.country, n.gender, n.dob, n.referral_code, $10, $10
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::date[],
              $11::text[])
       AS n (id, customer_id, name, email, mobile, country, gender, dob, referral_code)
 ORDER BY n.customer_id
    ON CONFLICT (workspace_id, customer_id) DO NOTHING
RETURNING id, customer_id, name, email, mobile, country, gender, dob, referral_code, referred_by_code, accept_email,
          accept_mobile, tier, spent_minor, orders_count, last_order_at, created_at, updated_at

-- name: lock
SELECT id, customer_id, name, email, mobile, country, gender, dob, referral_code, referred_by_code, accept_email,
       accept_mobile, tier, spent_minor, orders_count, last_order_at, created_at, updated_at
  FROM customers_customer WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: update
UPDATE customers_customer
   SET name = $3, email = $4, mobile = $5, country = $6, gender = $7, dob = $8, accept_email = $9, accept_mobile = $10,
       updated_at = $11
 WHERE workspace_id = $1 AND id = $2

-- name: count_spending
-- Rows are locked in the order of their ids before they are changed: two imports of the same customers can't deadlock.
WITH change AS (
    SELECT u.id, u.amount_minor, u.orders_count, u.placed_at
      FROM unnest($2::uuid[], $3::bigint[], $4::integer[], $5::timestamptz[])
           AS u (id, amount_minor, orders_count, placed_at)
), locked AS (
    SELECT c.id FROM customers_customer c
     WHERE c.workspace_id = $1 AND c.id IN (SELECT id FROM change) ORDER BY c.id FOR UPDATE
)
UPDATE customers_customer c
   SET spent_minor = c.spent_minor + change.amount_minor, orders_count = c.orders_count + change.orders_count,
       last_order_at = GREATEST(c.last_order_at, change.placed_at)
  FROM change JOIN locked USING (id)
 WHERE c.workspace_id = $1 AND c.id = change.id
RETURNING c.id, c.customer_id, c.name, c.email, c.mobile, c.country, c.gender, c.dob, c.referral_code,
          c.referred_by_code, c.accept_email, c.accept_mobile, c.tier, c.spent_minor, c.orders_count, c.last_order_at,
          c.created_at, c.updated_at

-- name: newest
SELECT id, customer_id, name, email, mobile, country, gender, dob, referral_code, referred_by_code, accept_email,
       accept_mobile, tier, spent_minor, orders_count, last_order_at, created_at, updated_at
  FROM customers_customer WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3

-- name: search
-- Each branch walks one index of prefixes and is cut on its own, so that no search reads the whole table.
SELECT c.id, c.customer_id, c.name, c.email, c.mobile, c.country, c.gender, c.dob, c.referral_code, c.referred_by_code,
       c.accept_email, c.accept_mobile, c.tier, c.spent_minor, c.orders_count, c.last_order_at, c.created_at,
       c.updated_at
  FROM (
    (SELECT id FROM customers_customer WHERE workspace_id = $1 AND lower(email) LIKE $2 AND email <> '' LIMIT $4)
    UNION (SELECT id FROM customers_customer WHERE workspace_id = $1 AND lower(name) LIKE $2 LIMIT $4)
    UNION (SELECT id FROM customers_customer WHERE workspace_id = $1 AND lower(customer_id) LIKE $2 LIMIT $4)
    UNION (SELECT id FROM customers_customer WHERE workspace_id = $1 AND mobile LIKE $2 AND mobile <> '' LIMIT $4)
    UNION (SELECT id FROM customers_customer WHERE workspace_id = $1 AND referral_code = $3)
  ) AS found
  JOIN customers_customer c ON c.workspace_id = $1 AND c.id = found.id
 ORDER BY c.id DESC LIMIT $4

