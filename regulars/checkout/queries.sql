-- name: connection
SELECT workspace_id, hook_id, secrets, previous_until, rules, created_at, updated_at
  FROM checkout_connection WHERE workspace_id = $1

-- name: lock_connection
SELECT workspace_id, hook_id, secrets, previous_until, rules, created_at, updated_at
  FROM checkout_connection WHERE workspace_id = $1 FOR UPDATE

-- name: by_hook
-- every workspace: the address names nothing but itself
SELECT workspace_id, hook_id, secrets, previous_until, rules, created_at, updated_at
  FROM checkout_connection WHERE hook_id = $1

-- name: insert_connection
-- Answers nothing where there is one.
INSERT INTO checkout_connection (workspace_id, hook_id, secrets, rules, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT (workspace_id) DO NOTHING RETURNING workspace_id

-- name: update_connection
UPDATE checkout_connection SET secrets = $2, previous_until = $3, rules = $4, updated_at = $5 WHERE workspace_id = $1

-- name: delete_connection
DELETE FROM checkout_connection WHERE workspace_id = $1 RETURNING workspace_id

-- name: open_payment
-- Whoever comes second waits here for the first, and then is answered nothing.
INSERT INTO checkout_payment (workspace_id, reference, customer_id, wallet_type, cart_minor, coins, coins_minor,
                              credits, credits_minor, state, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, $6, $7, $7)
    ON CONFLICT (workspace_id, reference) DO NOTHING RETURNING reference

-- name: lock_payments
-- LATERAL: each found by its key, in the order in which they are given.
SELECT p.reference, p.customer_id, p.wallet_type, p.cart_minor, p.coins, p.coins_minor, p.credits, p.credits_minor,
       p.coins_txn_id, p.credits_txn_id, p.state, p.order_id, p.created_at, p.updated_at
  FROM unnest($2::text[]) AS n (reference)
 CROSS JOIN LATERAL (
        SELECT * FROM checkout_payment WHERE workspace_id = $1 AND reference = n.reference FOR UPDATE) AS p

-- name: set_payments
UPDATE checkout_payment p
   SET coins = n.coins, coins_minor = n.coins_minor, credits = n.credits, credits_minor = n.credits_minor,
       coins_txn_id = n.coins_txn_id, credits_txn_id = n.credits_txn_id, state = n.state,
       order_id = n.order_id, updated_at = $9
  FROM (SELECT place.ctid, u.*
          FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[], $8::uuid[],
                      $10::text[], $11::uuid[])
               AS u (reference, coins, coins_minor, credits, credits_minor, coins_txn_id, credits_txn_id, state, order_id)
         CROSS JOIN LATERAL (SELECT ctid FROM checkout_payment
                              WHERE workspace_id = $1 AND reference = u.reference OFFSET 0) AS place) AS n
 WHERE p.workspace_id = $1 AND p.ctid = n.ctid
