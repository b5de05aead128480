-- name: lock_wallets
-- Locked in one order, so that two batches with the same wallets never wait for each other in a circle.
SELECT w.customer_id, w.kind, w.available, w.pending, w.held, w.debt, w.credited, w.debited, w.txn_count, w.head_hash
  FROM ledger_wallet w
 WHERE w.workspace_id = $1 AND (w.customer_id, w.kind) IN (SELECT * FROM unnest($2::uuid[], $3::text[]))
 ORDER BY w.customer_id, w.kind
   FOR UPDATE

-- name: open_wallets
-- A wallet opened meanwhile by another call must come back locked too: DO NOTHING would not return it.
INSERT INTO ledger_wallet AS w (workspace_id, customer_id, kind)
SELECT $1, n.customer_id, n.kind FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
 ORDER BY n.customer_id, n.kind
    ON CONFLICT (workspace_id, customer_id, kind) DO UPDATE SET txn_count = w.txn_count
RETURNING w.customer_id, w.kind, w.available, w.pending, w.held, w.debt, w.credited, w.debited, w.txn_count, w.head_hash

-- name: open_lots
SELECT l.id, l.customer_id, l.kind, l.txn_id, l.amount, l.remaining, l.activates_at, l.expires_at, l.earned_at
  FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
  JOIN ledger_lot l ON l.workspace_id = $1 AND l.customer_id = n.customer_id AND l.kind = n.kind AND l.remaining > 0
 ORDER BY l.expires_at, l.earned_at, l.id

-- name: txns_by_key
SELECT id, customer_id, kind, seq, type, operation, amount, closing_balance, credited, debited, title, description,
       status, reference, trigger_id, trigger_version, reverses_txn_id, actor, key, wire_hash, hash, occurred_at,
       recorded_at
  FROM ledger_txn WHERE workspace_id = $1 AND key = ANY($2::text[])

-- name: write
-- A whole batch in one statement: the book's rows, then the caches of them.
WITH txn AS (
    INSERT INTO ledger_txn (workspace_id, id, customer_id, kind, seq, type, operation, amount, closing_balance, credited,
                            debited, title, description, status, reference, trigger_id, trigger_version,
                            reverses_txn_id, actor, key, wire_hash, hash, occurred_at, recorded_at)
    SELECT $1, t.* FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[],
                               $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[],
                               $15::text[], $16::uuid[], $17::integer[], $18::uuid[], $19::text[], $20::text[],
                               $21::text[], $22::bytea[], $23::timestamptz[], $24::timestamptz[]) AS t
), posting AS (
    INSERT INTO ledger_posting (workspace_id, txn_id, account, amount)
    SELECT $1, p.* FROM unnest($25::uuid[], $26::text[], $27::bigint[]) AS p
), lot AS (
    INSERT INTO ledger_lot (workspace_id, id, customer_id, kind, txn_id, amount, remaining, activates_at, expires_at,
                            earned_at)
    SELECT $1, l.* FROM unnest($28::uuid[], $29::uuid[], $30::text[], $31::uuid[], $32::bigint[], $33::bigint[],
                               $34::timestamptz[], $35::timestamptz[], $36::timestamptz[]) AS l
), spent AS (
    UPDATE ledger_lot l SET remaining = s.remaining
      FROM unnest($37::uuid[], $38::bigint[]) AS s (id, remaining)
     WHERE l.workspace_id = $1 AND l.id = s.id
), consumption AS (
    INSERT INTO ledger_consumption (workspace_id, txn_id, lot_id, amount)
    SELECT $1, c.* FROM unnest($39::uuid[], $40::uuid[], $41::bigint[]) AS c
)
UPDATE ledger_wallet w
   SET available = b.available, pending = b.pending, held = b.held, debt = b.debt, credited = b.credited,
       debited = b.debited, txn_count = b.txn_count, head_hash = b.head_hash
  FROM unnest($42::uuid[], $43::text[], $44::bigint[], $45::bigint[], $46::bigint[], $47::bigint[], $48::bigint[],
              $49::bigint[], $50::bigint[], $51::bytea[])
       AS b (customer_id, kind, available, pending, held, debt, credited, debited, txn_count, head_hash)
 WHERE w.workspace_id = $1 AND w.customer_id = b.customer_id AND w.kind = b.kind

-- name: balances
-- What has expired by $3 is left out by the read itself; the expiry job only writes down what is true already.
SELECT w.customer_id, w.kind,
       w.available - COALESCE((SELECT sum(l.remaining) FROM ledger_lot l
                                WHERE l.workspace_id = $1 AND l.customer_id = w.customer_id AND l.kind = w.kind
                                  AND l.remaining > 0 AND l.expires_at <= $3 AND l.activates_at <= $3), 0)::bigint
           AS available,
       w.pending, w.held, w.debt, w.credited, w.debited
  FROM ledger_wallet w WHERE w.workspace_id = $1 AND w.customer_id = ANY($2::uuid[])

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

-- name: unbalanced_txn
SELECT t.id, COALESCE(sum(p.amount), 0)::bigint AS total, count(p.*) AS postings
  FROM ledger_txn t LEFT JOIN ledger_posting p ON p.workspace_id = $1 AND p.txn_id = t.id
 WHERE t.workspace_id = $1
 GROUP BY t.id HAVING count(p.*) = 0 OR sum(p.amount) <> 0 LIMIT 1

-- name: wallet_apart_from_postings
SELECT w.customer_id, w.kind, w.available, w.pending, w.held, w.debt, s.available AS posted_available,
       s.pending AS posted_pending, s.held AS posted_held, s.debt AS posted_debt
  FROM ledger_wallet w
  LEFT JOIN LATERAL (
        SELECT COALESCE(sum(p.amount) FILTER (WHERE p.account = 'customer.available'), 0)::bigint AS available,
               COALESCE(sum(p.amount) FILTER (WHERE p.account = 'customer.pending'), 0)::bigint AS pending,
               COALESCE(sum(p.amount) FILTER (WHERE p.account = 'customer.held'), 0)::bigint AS held,
               COALESCE(-sum(p.amount) FILTER (WHERE p.account = 'customer.debt'), 0)::bigint AS debt
          FROM ledger_txn t JOIN ledger_posting p ON p.workspace_id = $1 AND p.txn_id = t.id
         WHERE t.workspace_id = $1 AND t.customer_id = w.customer_id AND t.kind = w.kind) s ON true
 WHERE w.workspace_id = $1
   AND (w.available, w.pending, w.held, w.debt) IS DISTINCT FROM (s.available, s.pending, s.held, s.debt)
 LIMIT 1

-- name: wallet_apart_from_lots
SELECT w.customer_id, w.kind, w.available + w.pending + w.held AS balance, l.remaining
  FROM ledger_wallet w
  LEFT JOIN LATERAL (
        SELECT COALESCE(sum(l.remaining), 0)::bigint AS remaining FROM ledger_lot l
         WHERE l.workspace_id = $1 AND l.customer_id = w.customer_id AND l.kind = w.kind AND l.remaining > 0) l ON true
 WHERE w.workspace_id = $1 AND w.available + w.pending + w.held <> l.remaining
 LIMIT 1

-- name: lot_apart_from_consumption
SELECT l.id, l.amount - l.remaining AS spent, COALESCE(c.amount, 0) AS consumed
  FROM ledger_lot l
  LEFT JOIN (SELECT lot_id, sum(amount)::bigint AS amount FROM ledger_consumption WHERE workspace_id = $1
              GROUP BY lot_id) c ON c.lot_id = l.id
 WHERE l.workspace_id = $1 AND l.amount - l.remaining <> COALESCE(c.amount, 0)
 LIMIT 1

-- name: consumption_out_of_time
SELECT c.lot_id, c.txn_id
  FROM ledger_consumption c
  JOIN ledger_lot l ON l.workspace_id = $1 AND l.id = c.lot_id
  JOIN ledger_txn t ON t.workspace_id = $1 AND t.id = c.txn_id
 WHERE c.workspace_id = $1 AND t.type <> 'expire' AND (t.recorded_at < l.activates_at OR t.recorded_at >= l.expires_at)
 LIMIT 1

-- name: txn_reversed_beyond
SELECT t.id, t.amount, r.amount AS reversed
  FROM (SELECT reverses_txn_id, sum(amount)::bigint AS amount FROM ledger_txn
         WHERE workspace_id = $1 AND reverses_txn_id IS NOT NULL GROUP BY reverses_txn_id) r
  LEFT JOIN ledger_txn t ON t.workspace_id = $1 AND t.id = r.reverses_txn_id
 WHERE t.id IS NULL OR r.amount > t.amount
 LIMIT 1

-- name: chain
SELECT t.id, t.customer_id, t.kind, t.seq, t.type, t.operation, t.amount, t.closing_balance, t.credited, t.debited,
       t.title, t.description, t.status, t.reference, t.trigger_id, t.trigger_version, t.reverses_txn_id, t.actor,
       t.key, t.wire_hash, t.hash, t.occurred_at, t.recorded_at, p.accounts, p.amounts
  FROM ledger_txn t
  LEFT JOIN LATERAL (
        SELECT array_agg(p.account) AS accounts, array_agg(p.amount) AS amounts
          FROM ledger_posting p WHERE p.workspace_id = $1 AND p.txn_id = t.id) p ON true
 WHERE t.workspace_id = $1 ORDER BY t.customer_id, t.kind, t.seq

-- name: heads
SELECT customer_id, kind, txn_count, credited, debited, head_hash FROM ledger_wallet WHERE workspace_id = $1

-- name: liability
SELECT COALESCE(sum(available + pending + held), 0)::bigint AS outstanding, COALESCE(sum(credited), 0)::bigint AS credited,
       COALESCE(sum(debited), 0)::bigint AS debited
  FROM ledger_wallet WHERE workspace_id = $1 AND kind = $2
