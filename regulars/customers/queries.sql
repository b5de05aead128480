-- part: customer
id, customer_id, name, email, mobile, phone, country, gender, dob, referral_code, referred_by_code, accept_email,
accept_mobile, tier, spent, orders_count, last_order_at, created_at, updated_at, merged_into, erased_at, tags, properties

-- part: found
CROSS JOIN LATERAL (
        SELECT * FROM customers_customer WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS found
 ORDER BY n.id
    ON CONFLICT (workspace_id, id) DO UPDATE

-- name: by_ids
-- LATERAL, so that rows are found one by one by their key whatever the statistics say.
SELECT c.{customer} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM customers_customer WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS c

-- name: by_customer_ids
SELECT c.{customer} FROM unnest($2::text[]) AS n (customer_id)
 CROSS JOIN LATERAL (SELECT * FROM customers_customer WHERE workspace_id = $1 AND customer_id = n.customer_id OFFSET 0) AS c

-- name: by_referral_code
SELECT {customer} FROM customers_customer WHERE workspace_id = $1 AND referral_code = $2

-- name: by_email
SELECT {customer} FROM customers_customer WHERE workspace_id = $1 AND lower(email) = lower($2) AND email <> ''
 ORDER BY created_at, id LIMIT 1

-- name: by_emails
-- as `by_email`, one by one
SELECT c.{customer}, n.email AS asked FROM unnest($2::text[]) AS n (email)
 CROSS JOIN LATERAL (SELECT * FROM customers_customer WHERE workspace_id = $1 AND lower(email) = lower(n.email) AND email <> ''
                      ORDER BY created_at, id LIMIT 1) AS c

-- name: by_mobile
SELECT {customer} FROM customers_customer
 WHERE workspace_id = $1 AND regexp_replace(mobile, '[^0-9]+', '', 'g') = $2 AND mobile <> ''
 ORDER BY created_at, id LIMIT 1

-- name: by_phone
SELECT {customer} FROM customers_customer WHERE workspace_id = $1 AND phone = $2 AND phone <> ''
 ORDER BY created_at, id LIMIT 1

-- name: by_phones
-- as `by_phone`, one by one
SELECT c.{customer}, n.phone AS asked FROM unnest($2::text[]) AS n (phone)
 CROSS JOIN LATERAL (SELECT * FROM customers_customer WHERE workspace_id = $1 AND phone = n.phone AND phone <> ''
                      ORDER BY created_at, id LIMIT 1) AS c

-- name: born_on
SELECT {customer} FROM customers_customer
 WHERE workspace_id = $1 AND dob IS NOT NULL AND dob < $3
   AND extract(month FROM dob) * 100 + extract(day FROM dob) = ANY($2::numeric[]) AND id > $4
 ORDER BY id LIMIT $5

-- name: created_within
SELECT c.{customer} FROM unnest($2::timestamptz[], $3::timestamptz[]) AS n (starts_at, ends_at)
 CROSS JOIN LATERAL (
        SELECT * FROM customers_customer
         WHERE workspace_id = $1 AND created_at >= n.starts_at AND created_at < n.ends_at AND id > $4
           AND merged_into IS NULL AND erased_at IS NULL
         ORDER BY id LIMIT $5) AS c
 ORDER BY c.id LIMIT $5

-- name: taken_referral_codes
SELECT c.referral_code
  FROM unnest($2::text[]) AS n (code)
 CROSS JOIN LATERAL (
        SELECT * FROM customers_customer WHERE workspace_id = $1 AND referral_code = n.code OFFSET 0) AS c

-- name: insert_customers
-- Ordered by customer_id, so that two calls that create the same customers wait for each other in one order.
INSERT INTO customers_customer (workspace_id, id, customer_id, name, email, email_folded, mobile, phone, country, gender, dob,
                                referral_code, created_at, updated_at)
SELECT $1, n.id, n.customer_id, n.name, n.email, n.email_folded, n.mobile, n.phone, n.country, n.gender, n.dob,
       n.referral_code, $10, $10
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::date[],
              $11::text[], $12::text[], $13::text[])
       AS n (id, customer_id, name, email, mobile, country, gender, dob, referral_code, phone, email_folded)
 ORDER BY n.customer_id
    ON CONFLICT (workspace_id, customer_id) DO NOTHING
RETURNING {customer}

-- name: lock
SELECT c.{customer} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM customers_customer WHERE workspace_id = $1 AND id = n.id OFFSET 0 FOR UPDATE) AS c

-- name: refer
UPDATE customers_customer SET referred_by_code = $3, updated_at = $4
 WHERE workspace_id = $1 AND id = $2 AND referred_by_code = ''
RETURNING {customer}

-- name: shops_of_code
-- every workspace: a referral link says a code alone; the index of codes begins with the code, wherever it is
SELECT workspace_id FROM customers_customer WHERE referral_code = $1 AND erased_at IS NULL LIMIT $2

-- name: by_referral_codes
SELECT {customer} FROM customers_customer WHERE workspace_id = $1 AND referral_code = ANY($2::text[])

-- name: update
-- By way of a conflict, in the order of their ids, as count_spending.
INSERT INTO customers_customer AS c (workspace_id, id, customer_id, referral_code, created_at, updated_at, name, email, mobile,
                                     phone, country, gender, dob, accept_email, accept_mobile, tags, properties,
                                     email_folded, asked)
SELECT $1, found.id, found.customer_id, found.referral_code, found.created_at, n.updated_at, n.name, n.email, n.mobile,
       n.phone, n.country, n.gender, n.dob, n.accept_email, n.accept_mobile, n.own -> 'tags', n.own -> 'properties',
       n.email_folded, n.own -> 'asked'
  FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::date[], $11::boolean[], $12::boolean[], $13::text[], $14::jsonb[])
       AS n (id, updated_at, name, email, mobile, phone, country, gender, dob, accept_email, accept_mobile, email_folded, own)
 {found}
   SET name = excluded.name, email = excluded.email, mobile = excluded.mobile, phone = excluded.phone,
       country = excluded.country, gender = excluded.gender, dob = excluded.dob, accept_email = excluded.accept_email,
       accept_mobile = excluded.accept_mobile, tags = excluded.tags, properties = excluded.properties,
       email_folded = excluded.email_folded, asked = excluded.asked, updated_at = excluded.updated_at

-- name: count_spending
-- Rows are locked in the order of their ids, so that two imports of the same customers can't deadlock. Each of them
-- exists and is changed by way of a conflict, because that always goes by the key; an UPDATE joined with the batch
-- might be planned as reading the whole workspace, and is, while the table is new and has no statistics.
INSERT INTO customers_customer AS c (workspace_id, id, customer_id, referral_code, spent, orders_count, last_order_at,
                                     created_at, updated_at)
SELECT $1, found.id, found.customer_id, found.referral_code, n.spent, n.orders_count, n.placed_at, found.created_at,
       found.updated_at
  FROM unnest($2::uuid[], $3::jsonb[], $4::integer[], $5::timestamptz[]) AS n (id, spent, orders_count, placed_at)
 {found}
   SET spent = (SELECT COALESCE(jsonb_object_agg(total.key, total.value), '{}')
                  FROM (SELECT each.key, sum(each.value::bigint) AS value
                          FROM (SELECT * FROM jsonb_each_text(c.spent)
                                UNION ALL SELECT * FROM jsonb_each_text(excluded.spent)) AS each
                         GROUP BY each.key) AS total),
       orders_count = c.orders_count + excluded.orders_count,
       last_order_at = GREATEST(c.last_order_at, excluded.last_order_at)
RETURNING c.{customer}

-- name: set_tiers
-- By way of a conflict, in the order of their ids, as count_spending.
INSERT INTO customers_customer AS c (workspace_id, id, customer_id, tier, referral_code, created_at, updated_at)
SELECT $1, found.id, found.customer_id, n.tier, found.referral_code, found.created_at, $4
  FROM unnest($2::uuid[], $3::text[]) AS n (id, tier)
 {found} SET tier = excluded.tier, updated_at = excluded.updated_at
RETURNING c.{customer}

-- name: newest
SELECT {customer} FROM customers_customer WHERE workspace_id = $1 AND id < $2 AND id >= $3 AND merged_into IS NULL
 ORDER BY id DESC LIMIT $4

-- name: oldest
SELECT {customer} FROM customers_customer WHERE workspace_id = $1 AND id > $2 AND merged_into IS NULL
 ORDER BY id LIMIT $3

-- name: by_name
-- Those without a name at the end. $2 to $4 are where the page before ended.
SELECT {customer} FROM customers_customer
 WHERE workspace_id = $1 AND (name = '', lower(name), id) > ($2::boolean, lower($3::text), $4::uuid)
   AND merged_into IS NULL
 ORDER BY name = '', lower(name), id LIMIT $5

-- name: insert_words
INSERT INTO customers_words (workspace_id, customer_id, words)
SELECT $1, n.customer_id, array_to_tsvector(string_to_array(n.words, E'\n'))
  FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, words)

-- name: update_words
INSERT INTO customers_words (workspace_id, customer_id, words)
SELECT $1, n.customer_id, array_to_tsvector(string_to_array(n.words, E'\n'))
  FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, words) ORDER BY n.customer_id
    ON CONFLICT (workspace_id, customer_id) DO UPDATE SET words = excluded.words

-- name: search
-- Ordered by the id's text, which sorts as the id does: by the id itself, the planner would rather walk through all of a
-- shop's customers from the newest on than look a rare word up.
SELECT c.{customer} FROM (SELECT w.customer_id FROM customers_words w
         WHERE w.workspace_id = $1 AND w.words @@ $2::text::tsquery AND w.customer_id < $3 AND w.customer_id >= $4
         ORDER BY w.customer_id::text DESC LIMIT $5) AS found
 CROSS JOIN LATERAL (SELECT * FROM customers_customer WHERE workspace_id = $1 AND id = found.customer_id OFFSET 0) AS c
 ORDER BY c.id DESC

-- name: count
SELECT count(*) FROM customers_customer WHERE workspace_id = $1 AND merged_into IS NULL

-- name: absorb
-- What the other one has and this one has not is taken over; their totals add up.
UPDATE customers_customer
   SET name = $3, email = $4, mobile = $5, phone = $6, country = $7, gender = $8, dob = $9, referred_by_code = $10,
       spent = $11, orders_count = $12, last_order_at = $13, updated_at = $14, email_folded = $15,
       tags = $16, properties = $17, asked = $18
 WHERE workspace_id = $1 AND id = $2

-- name: point_to
-- Whoever was merged into this one before points on, too.
UPDATE customers_customer
   SET merged_into = $3, name = '', email = '', email_folded = '', mobile = '', phone = '', gender = '', dob = NULL, spent = '{}',
       tags = '[]', properties = '{}', asked = '{}', orders_count = 0, last_order_at = NULL, updated_at = $4
 WHERE workspace_id = $1 AND (id = $2 OR merged_into = $2)

-- name: ids_of
-- The customer's, and those of whoever was merged into them.
SELECT id, customer_id FROM customers_customer WHERE workspace_id = $1 AND (id = $2 OR merged_into = $2) ORDER BY id

-- name: forget
UPDATE customers_customer c
   SET customer_id = 'erased-' || c.id, name = '', email = '', email_folded = '', mobile = '', phone = '', country = '',
       gender = '', dob = NULL, referral_code = f.code, referred_by_code = '', accept_email = false, accept_mobile = false,
       tags = '[]', properties = '{}', asked = '{}', updated_at = $4, erased_at = $4
  FROM unnest($2::uuid[], $3::text[]) AS f (id, code)
 WHERE c.workspace_id = $1 AND c.id = f.id

-- name: drop_words
DELETE FROM customers_words WHERE workspace_id = $1 AND customer_id = ANY($2::uuid[])
