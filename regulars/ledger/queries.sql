-- name: lock_wallets
-- All of them or none, in the order in which they are given. A call that still has wallets to open must hold no other
-- meanwhile: opening can wait for whoever is opening the same, and two calls could wait for each other.
-- LATERAL here and below: rows are found one by one by their key. A join could be planned as reading the whole workspace,
-- and is, while the tables are new and have no statistics.
SELECT w.customer_id, w.kind, w.available, w.pending, w.held, w.debt, w.credited, w.debited, w.txn_count, w.head_hash,
       w.expires_at, w.place
  FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
 CROSS JOIN LATERAL (
        SELECT *, ctid AS place FROM ledger_wallet
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND kind = n.kind FOR UPDATE) AS w
 WHERE cardinality($2::uuid[]) = (
        SELECT count(*) FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
         CROSS JOIN LATERAL (
                SELECT FROM ledger_wallet
                 WHERE workspace_id = $1 AND customer_id = n.customer_id AND kind = n.kind OFFSET 0) AS opened)

-- name: open_wallets
-- Those that this call opened, in the same order; one that another call opened meanwhile is left for lock_wallets.
INSERT INTO ledger_wallet (workspace_id, customer_id, kind)
SELECT $1, n.customer_id, n.kind FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
 ORDER BY n.customer_id, n.kind
    ON CONFLICT (workspace_id, customer_id, kind) DO NOTHING
RETURNING customer_id, kind, available, pending, held, debt, credited, debited, txn_count, head_hash, expires_at, ctid

-- name: open_lots
SELECT l.id, l.customer_id, l.kind, l.txn_id, l.amount, l.remaining, l.activates_at, l.expires_at, l.earned_at
  FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
 CROSS JOIN LATERAL (
        SELECT * FROM ledger_lot
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND kind = n.kind AND remaining > 0 OFFSET 0) AS l

-- name: txns_by_key
SELECT t.id, t.customer_id, t.kind, t.seq, t.type, t.operation, t.amount, t.closing_balance, t.credited, t.debited,
       t.title, t.description, t.status, t.reference, t.trigger_id, t.trigger_version, t.reverses_txn_id, t.actor,
       t.key, t.wire_hash, t.hash, t.occurred_at, t.recorded_at
  FROM unnest($2::text[]) AS n (key)
 CROSS JOIN LATERAL (SELECT * FROM ledger_txn WHERE workspace_id = $1 AND key = n.key OFFSET 0) AS t

-- name: insert_txns
INSERT INTO ledger_txn (workspace_id, id, customer_id, kind, seq, type, operation, amount, closing_balance, credited,
                        debited, title, description, status, reference, trigger_id, trigger_version,
                        reverses_txn_id, actor, key, wire_hash, hash, occurred_at, recorded_at)
SELECT $1, t.* FROM unnest($2::ledger_txn_row[]) AS t

-- name: insert_postings
INSERT INTO ledger_posting (workspace_id, txn_id, account, amount)
SELECT $1, p.* FROM unnest($2::ledger_posting_row[]) AS p

-- name: insert_lots
INSERT INTO ledger_lot (workspace_id, id, customer_id, kind, txn_id, amount, remaining, activates_at, expires_at,
                        earned_at)
SELECT $1, l.* FROM unnest($2::ledger_lot_row[]) AS l

-- name: spend_lots
-- The rows exist and are locked, as their wallets are; each is found by its key first, because a plain join with the
-- batch might be planned to read them all.
UPDATE ledger_lot l SET remaining = s.remaining
  FROM (SELECT place.ctid, u.remaining FROM unnest($2::uuid[], $3::bigint[]) AS u (id, remaining)
         CROSS JOIN LATERAL (SELECT ctid FROM ledger_lot WHERE workspace_id = $1 AND id = u.id OFFSET 0) AS place) AS s
 WHERE l.workspace_id = $1 AND l.ctid = s.ctid

-- name: insert_consumptions
INSERT INTO ledger_consumption (workspace_id, txn_id, lot_id, amount)
SELECT $1, c.* FROM unnest($2::ledger_consumption_row[]) AS c

-- name: update_wallets
-- Each lies where it was locked.
UPDATE ledger_wallet w
   SET available = b.available, pending = b.pending, held = b.held, debt = b.debt, credited = b.credited,
       debited = b.debited, txn_count = b.txn_count, head_hash = b.head_hash, expires_at = b.expires_at
  FROM (SELECT there.ctid, u.available, u.pending, u.held, u.debt, u.credited, u.debited, u.txn_count, u.head_hash,
               u.expires_at
          FROM unnest($2::ledger_wallet_row[]) AS u
         CROSS JOIN LATERAL (SELECT ctid FROM ledger_wallet
                              WHERE workspace_id = $1 AND ctid = u.place OFFSET 0) AS there) AS b
 WHERE w.workspace_id = $1 AND w.ctid = b.ctid

-- name: balances
-- What has expired by $3 is left out by the read itself; writing it down, as the next entry does, only says what is true
-- already. Lots are read of those wallets alone in which something may have expired.
SELECT w.customer_id, w.kind,
       w.available - CASE WHEN w.expires_at <= $3 THEN
           COALESCE((SELECT sum(l.remaining) FROM ledger_lot l
                      WHERE l.workspace_id = $1 AND l.customer_id = w.customer_id AND l.kind = w.kind
                        AND l.remaining > 0 AND l.expires_at <= $3 AND l.activates_at <= $3), 0) ELSE 0 END::bigint
           AS available,
       w.pending, w.held, w.debt, w.credited, w.debited
  FROM unnest($2::uuid[]) AS n (customer_id)
 CROSS JOIN LATERAL (
        SELECT * FROM ledger_wallet WHERE workspace_id = $1 AND customer_id = n.customer_id OFFSET 0) AS w

-- name: txn
SELECT id, customer_id, kind, seq, type, operation, amount, closing_balance, credited, debited, title, description,
       status, reference, trigger_id, trigger_version, reverses_txn_id, actor, key, wire_hash, hash, occurred_at,
       recorded_at
  FROM ledger_txn WHERE workspace_id = $1 AND id = $2

-- name: txns_of_wallet
SELECT id, customer_id, kind, seq, type, operation, amount, closing_balance, credited, debited, title, description,
       status, reference, trigger_id, trigger_version, reverses_txn_id, actor, key, wire_hash, hash, occurred_at,
       recorded_at
  FROM ledger_txn
 WHERE workspace_id = $1 AND customer_id = $2 AND kind = $3
   AND ($4::text IS NULL OR operation = $4) AND ($5::text IS NULL OR wire_hash = $5)
   AND ($6::bigint IS NULL OR seq < $6)
 ORDER BY seq DESC LIMIT $7 OFFSET $8

-- name: txns_of_wallet_from_oldest
SELECT id, customer_id, kind, seq, type, operation, amount, closing_balance, credited, debited, title, description,
       status, reference, trigger_id, trigger_version, reverses_txn_id, actor, key, wire_hash, hash, occurred_at,
       recorded_at
  FROM ledger_txn
 WHERE workspace_id = $1 AND customer_id = $2 AND kind = $3
   AND ($4::text IS NULL OR operation = $4) AND ($5::text IS NULL OR wire_hash = $5)
   AND ($6::bigint IS NULL OR seq > $6)
 ORDER BY seq LIMIT $7 OFFSET $8

-- name: count_txns
SELECT count(*) FROM ledger_txn
 WHERE workspace_id = $1 AND customer_id = $2 AND kind = $3
   AND ($4::text IS NULL OR operation = $4) AND ($5::text IS NULL OR wire_hash = $5)

-- name: book
-- Wallet by wallet, each txn with what it wrote; a wallet without txns comes once, with nulls.
SELECT w.customer_id, w.kind, w.available, w.pending, w.held, w.debt, w.credited, w.debited, w.txn_count, w.head_hash,
       w.expires_at, t.id, t.customer_id AS txn_customer_id, t.kind AS txn_kind, t.seq, t.type, t.operation, t.amount,
       t.closing_balance, t.credited, t.debited,
       t.title, t.description, t.status, t.reference, t.trigger_id, t.trigger_version, t.reverses_txn_id, t.actor,
       t.key, t.wire_hash, t.hash, t.occurred_at, t.recorded_at,
       ARRAY(SELECT p.account FROM ledger_posting p WHERE p.workspace_id = $1 AND p.txn_id = t.id ORDER BY p.account),
       ARRAY(SELECT p.amount FROM ledger_posting p WHERE p.workspace_id = $1 AND p.txn_id = t.id ORDER BY p.account),
       ARRAY(SELECT c.lot_id FROM ledger_consumption c WHERE c.workspace_id = $1 AND c.txn_id = t.id ORDER BY c.lot_id),
       ARRAY(SELECT c.amount FROM ledger_consumption c WHERE c.workspace_id = $1 AND c.txn_id = t.id ORDER BY c.lot_id)
  FROM ledger_wallet w
  LEFT JOIN ledger_txn t ON t.workspace_id = $1 AND t.customer_id = w.customer_id AND t.kind = w.kind
 WHERE w.workspace_id = $1 ORDER BY w.customer_id, w.kind, t.seq

-- name: lots
SELECT id, customer_id, kind, txn_id, amount, remaining, activates_at, expires_at, earned_at
  FROM ledger_lot WHERE workspace_id = $1 ORDER BY customer_id, kind, id

-- name: txn_without_wallet
SELECT t.id, t.customer_id, t.kind FROM ledger_txn t
 WHERE t.workspace_id = $1 AND NOT EXISTS (
        SELECT FROM ledger_wallet w WHERE w.workspace_id = $1 AND w.customer_id = t.customer_id AND w.kind = t.kind)
 LIMIT 1

-- name: posting_without_txn
SELECT p.txn_id, p.account, p.amount FROM ledger_posting p
 WHERE p.workspace_id = $1
   AND NOT EXISTS (SELECT FROM ledger_txn t WHERE t.workspace_id = $1 AND t.id = p.txn_id)
 LIMIT 1

-- name: consumption_without_txn
SELECT c.txn_id, c.lot_id, c.amount FROM ledger_consumption c
 WHERE c.workspace_id = $1
   AND NOT EXISTS (SELECT FROM ledger_txn t WHERE t.workspace_id = $1 AND t.id = c.txn_id)
 LIMIT 1

-- name: txn_reversed_beyond
SELECT r.reverses_txn_id AS id, t.amount, r.amount AS reversed
  FROM (SELECT reverses_txn_id, sum(amount) AS amount FROM ledger_txn
         WHERE workspace_id = $1 AND reverses_txn_id IS NOT NULL GROUP BY reverses_txn_id) r
  LEFT JOIN ledger_txn t ON t.workspace_id = $1 AND t.id = r.reverses_txn_id
 WHERE t.id IS NULL OR r.amount > t.amount
 LIMIT 1

-- name: liability
SELECT COALESCE(sum(available + pending + held), 0)::bigint AS outstanding, COALESCE(sum(credited), 0)::bigint AS credited,
       COALESCE(sum(debited), 0)::bigint AS debited
  FROM ledger_wallet WHERE workspace_id = $1 AND kind = $2

-- name: flow
SELECT COALESCE(summed.credited, 0)::bigint AS credited, COALESCE(summed.debited, 0)::bigint AS debited
  FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS span (first_id, end_id, place)
 CROSS JOIN LATERAL (
    SELECT sum(amount) FILTER (WHERE operation = 'cr') AS credited, sum(amount) FILTER (WHERE operation = 'dr') AS debited
      FROM (SELECT amount, operation FROM ledger_txn
             WHERE workspace_id = $1 AND id >= span.first_id AND id < span.end_id AND kind = $4
             LIMIT $5) AS matching
 ) AS summed
 ORDER BY span.place
