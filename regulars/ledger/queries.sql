-- part: txn
id, customer_id, kind, seq, act, type, operation, amount, closing_balance, credited, debited, title, description,
status, reference, trigger_id, trigger_version, source_txn_id, target, actor, key, wire_hash, hash_version, hash,
held_until, occurred_at, recorded_at

-- part: lot
id, customer_id, kind, amount, activates_at, expires_at, earned_at, pending, available, held, extended_to

-- part: transfer
txn_id, n, from_account, to_account, amount, lot_id, extends_to

-- part: wallet
customer_id, kind, available, pending, held, debt, credited, debited, txn_count, head_hash, due_at, active_at,
merged_into

-- part: of_wallet
workspace_id = $1 AND customer_id = $2 AND kind = $3 AND act NOT IN ('capture', 'void', 'activate') AND amount > 0
   AND ($4::text IS NULL OR operation = $4) AND ($5::text IS NULL OR wire_hash = $5)

-- name: lock_wallets
-- All of them or none, in the order in which they are given. A call that still has wallets to open must hold no other
-- meanwhile: opening can wait for whoever is opening the same, and two calls could wait for each other.
-- LATERAL here and below: rows are found one by one by their key. A join could be planned as reading the whole workspace,
-- and is, while the tables are new and have no statistics.
SELECT w.{wallet} FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
 CROSS JOIN LATERAL (
        SELECT * FROM ledger_wallet
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
RETURNING {wallet}

-- name: wallets_of
SELECT w.{wallet} FROM unnest($2::uuid[]) AS n (customer_id)
 CROSS JOIN LATERAL (
        SELECT * FROM ledger_wallet WHERE workspace_id = $1 AND customer_id = n.customer_id OFFSET 0) AS w

-- name: wallets_after
SELECT {wallet}
  FROM ledger_wallet WHERE workspace_id = $1 AND (customer_id, kind) > ($2, $3) ORDER BY customer_id, kind LIMIT $4

-- name: open_lots
SELECT l.{lot} FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
 CROSS JOIN LATERAL (
        SELECT * FROM ledger_lot
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND kind = n.kind AND pending + available + held > 0
        OFFSET 0) AS l

-- name: lots_by_id
SELECT l.{lot} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM ledger_lot WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS l

-- name: open_holds
-- With what each of them took of which lot.
SELECT t.customer_id, t.kind, t.held_until, m.{transfer} FROM unnest($2::uuid[], $3::text[]) AS n (customer_id, kind)
 CROSS JOIN LATERAL (
        SELECT * FROM ledger_txn h
         WHERE h.workspace_id = $1 AND h.customer_id = n.customer_id AND h.kind = n.kind AND h.act = 'hold'
           AND NOT EXISTS (SELECT FROM ledger_txn e WHERE e.workspace_id = $1 AND e.source_txn_id = h.id
                              AND e.act IN ('capture', 'void') OFFSET 0) OFFSET 0) AS t
 CROSS JOIN LATERAL (
        SELECT * FROM ledger_transfer WHERE workspace_id = $1 AND txn_id = t.id ORDER BY n OFFSET 0) AS m

-- name: txns_by_key
SELECT t.{txn} FROM unnest($2::text[]) AS n (key)
 CROSS JOIN LATERAL (SELECT * FROM ledger_txn WHERE workspace_id = $1 AND key = n.key OFFSET 0) AS t

-- name: txns_by_id
SELECT t.{txn} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM ledger_txn WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS t

-- name: said_by_id
SELECT t.id, t.kind, t.type, t.operation, t.amount, t.title, t.description, t.reference, t.wire_hash, t.recorded_at
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM ledger_txn WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS t

-- name: followers
-- What goes on with these txns, or takes them back, oldest first.
SELECT t.{txn} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM ledger_txn
                      WHERE workspace_id = $1 AND source_txn_id = n.id AND act = ANY ($3::text[]) OFFSET 0) AS t
 ORDER BY t.recorded_at, t.id

-- name: txns_of_orders
SELECT t.{txn} FROM unnest($2::text[]) AS n (reference)
 CROSS JOIN LATERAL (SELECT * FROM ledger_txn WHERE workspace_id = $1 AND reference = n.reference
                        AND starts_with(reference, 'order:') OFFSET 0) AS t
 ORDER BY t.id

-- name: transfers_of
SELECT t.{transfer} FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM ledger_transfer WHERE workspace_id = $1 AND txn_id = n.id ORDER BY n OFFSET 0) AS t

-- name: moves_of_lot
-- By the index of lots, not by the order it is asked for.
SELECT m.{transfer} FROM (SELECT * FROM ledger_transfer
         WHERE workspace_id = $1 AND lot_id = $2 AND from_account NOT IN ('issued', 'adjusted') OFFSET 0) AS m
 ORDER BY m.txn_id, m.n LIMIT $3

-- name: insert_txns
INSERT INTO ledger_txn (workspace_id, {txn})
SELECT $1, t.* FROM unnest($2::ledger_txn_row_1[]) AS t

-- name: insert_transfers
INSERT INTO ledger_transfer (workspace_id, {transfer})
SELECT $1, t.* FROM unnest($2::ledger_transfer_row_1[]) AS t

-- name: put_lots
-- New ones, and others as they are now: each is found by its key and changed by it, under the lock of its wallet.
INSERT INTO ledger_lot (workspace_id, {lot})
SELECT $1, l.* FROM unnest($2::ledger_lot_row_1[]) AS l
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET customer_id = EXCLUDED.customer_id, pending = EXCLUDED.pending, available = EXCLUDED.available,
       held = EXCLUDED.held, extended_to = EXCLUDED.extended_to

-- name: update_wallets
-- They are there, and locked: each is found by its key and changed by it.
INSERT INTO ledger_wallet (workspace_id, {wallet})
SELECT $1, w.* FROM unnest($2::ledger_wallet_row_1[]) AS w
    ON CONFLICT (workspace_id, customer_id, kind) DO UPDATE
   SET available = EXCLUDED.available, pending = EXCLUDED.pending, held = EXCLUDED.held, debt = EXCLUDED.debt,
       credited = EXCLUDED.credited, debited = EXCLUDED.debited, txn_count = EXCLUDED.txn_count,
       head_hash = EXCLUDED.head_hash, due_at = EXCLUDED.due_at, active_at = EXCLUDED.active_at,
       merged_into = EXCLUDED.merged_into

-- name: changes
-- What later txns say of these: their status, how much of a hold was captured, how much was taken or given back; and of
-- credits whether something of their lots expired.
SELECT n.id, f.act, f.status, f.amount, f.recorded_at
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM ledger_txn WHERE workspace_id = $1 AND source_txn_id = n.id OFFSET 0) AS f
 UNION ALL
SELECT n.id, 'expire', 'success', g.amount, x.recorded_at
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM ledger_transfer WHERE workspace_id = $1 AND lot_id = n.id AND to_account = 'expired'
                        AND from_account NOT IN ('issued', 'adjusted') OFFSET 0) AS g
 CROSS JOIN LATERAL (SELECT * FROM ledger_txn WHERE workspace_id = $1 AND id = g.txn_id OFFSET 0) AS x
 ORDER BY recorded_at

-- name: txns_of_wallet
SELECT {txn} FROM ledger_txn
 WHERE {of_wallet} AND ($6::bigint IS NULL OR seq < $6)
 ORDER BY seq DESC LIMIT $7 OFFSET $8

-- name: txns_of_wallet_from_oldest
SELECT {txn} FROM ledger_txn
 WHERE {of_wallet} AND ($6::bigint IS NULL OR seq > $6)
 ORDER BY seq LIMIT $7 OFFSET $8

-- name: count_txns
SELECT count(*) FROM ledger_txn WHERE {of_wallet}

-- name: book
-- Wallet by wallet, each txn with what it moved and the lot it brought; a wallet without txns comes once, with nulls.
SELECT w.{wallet}, t.id AS txn_id, t.customer_id AS txn_customer_id, t.kind AS txn_kind, t.seq, t.act, t.type, t.operation, t.amount, t.closing_balance, t.credited,
       t.debited, t.title, t.description, t.status, t.reference, t.trigger_id, t.trigger_version, t.source_txn_id,
       t.target, t.actor, t.key, t.wire_hash, t.hash_version, t.hash, t.held_until, t.occurred_at, t.recorded_at,
       ARRAY(SELECT ROW (m.n, m.from_account, m.to_account, m.amount, m.lot_id, m.extends_to, l.amount, l.activates_at,
                         l.expires_at, l.earned_at, l.kind)::ledger_book_row_1
               FROM ledger_transfer m
               LEFT JOIN LATERAL (SELECT * FROM ledger_lot
                                   WHERE workspace_id = $1 AND id = m.lot_id OFFSET 0) AS l ON true
              WHERE m.workspace_id = $1 AND m.txn_id = t.id ORDER BY m.n) AS moves
  FROM ledger_wallet w
  LEFT JOIN ledger_txn t ON t.workspace_id = $1 AND t.customer_id = w.customer_id AND t.kind = w.kind
 WHERE w.workspace_id = $1 ORDER BY w.customer_id, w.kind, t.seq

-- name: lots
SELECT {lot} FROM ledger_lot WHERE workspace_id = $1 ORDER BY customer_id, kind, id

-- name: txn_without_wallet
SELECT t.id, t.customer_id, t.kind FROM ledger_txn t
 WHERE t.workspace_id = $1 AND NOT EXISTS (
        SELECT FROM ledger_wallet w WHERE w.workspace_id = $1 AND w.customer_id = t.customer_id AND w.kind = t.kind)
 LIMIT 1

-- name: transfer_without_txn
SELECT m.txn_id, m.amount, m.from_account, m.to_account FROM ledger_transfer m
 WHERE m.workspace_id = $1
   AND NOT EXISTS (SELECT FROM ledger_txn t WHERE t.workspace_id = $1 AND t.id = m.txn_id)
 LIMIT 1

-- name: transfer_without_lot
SELECT m.txn_id, m.amount, m.lot_id FROM ledger_transfer m
 WHERE m.workspace_id = $1 AND m.lot_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM ledger_lot l WHERE l.workspace_id = $1 AND l.id = m.lot_id)
 LIMIT 1

-- name: lot_without_txn
SELECT l.id FROM ledger_lot l
 WHERE l.workspace_id = $1
   AND NOT EXISTS (SELECT FROM ledger_transfer m WHERE m.workspace_id = $1 AND m.txn_id = l.id AND m.lot_id = l.id
                      AND m.from_account IN ('issued', 'adjusted', 'clawed_back', 'redeemed') AND m.amount = l.amount)
 LIMIT 1

-- name: txn_reversed_beyond
-- What a credit brought is taken, what a debit took is given; a reversal of the same kind as its source undoes another.
SELECT s.source_txn_id AS id, t.amount, abs(s.amount) AS reversed
  FROM (SELECT source_txn_id, sum(CASE operation WHEN 'cr' THEN amount ELSE -amount END) AS amount, max(target) AS target
          FROM ledger_txn
         WHERE workspace_id = $1 AND source_txn_id IS NOT NULL AND act IN ('claw_back', 'give_back')
         GROUP BY source_txn_id) s
  LEFT JOIN ledger_txn t ON t.workspace_id = $1 AND t.id = s.source_txn_id
 WHERE t.id IS NULL OR s.target > t.amount
    OR s.amount * CASE t.operation WHEN 'cr' THEN -1 ELSE 1 END NOT BETWEEN 0 AND s.target
 LIMIT 1

-- name: step_apart
-- Steps go on with a txn that waits for them; a hold ends once.
SELECT s.id, s.act, s.source_txn_id
  FROM (SELECT source_txn_id, min(id::text) AS id, min(act) AS act, count(*) AS ends FROM ledger_txn
         WHERE workspace_id = $1 AND source_txn_id IS NOT NULL AND act IN ('capture', 'void', 'activate')
         GROUP BY source_txn_id) s
  LEFT JOIN ledger_txn t ON t.workspace_id = $1 AND t.id = s.source_txn_id
 WHERE t.id IS NULL OR t.status <> 'pending' OR (s.act = 'activate') <> (t.operation = 'cr') OR s.ends > 1
 LIMIT 1

-- name: liability
SELECT COALESCE(sum(available + pending + held), 0)::bigint AS outstanding, COALESCE(sum(credited), 0)::bigint AS credited,
       COALESCE(sum(debited), 0)::bigint AS debited
  FROM ledger_wallet WHERE workspace_id = $1 AND kind = $2

-- name: flow
-- A hold counts when it is captured, and what one customer's wallet brings into another's is no flow.
SELECT COALESCE(summed.credited, 0)::bigint AS credited, COALESCE(summed.debited, 0)::bigint AS debited
  FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS span (first_id, end_id, place)
 CROSS JOIN LATERAL (
    SELECT sum(amount) FILTER (WHERE operation = 'cr') AS credited, sum(amount) FILTER (WHERE operation = 'dr') AS debited
      FROM (SELECT amount, operation FROM ledger_txn
             WHERE workspace_id = $1 AND id >= span.first_id AND id < span.end_id AND kind = $4
               AND act NOT IN ('hold', 'void', 'activate', 'merge')
             LIMIT $5) AS matching
 ) AS summed
 ORDER BY span.place

-- name: expiring
WITH whose AS (
    SELECT DISTINCT customer_id FROM ledger_lot
     WHERE workspace_id = $1 AND kind = 'coins' AND available > 0
       AND COALESCE(extended_to, expires_at) > $2 AND COALESCE(extended_to, expires_at) <= $3 AND customer_id > $4
     ORDER BY customer_id LIMIT $5
)
SELECT l.customer_id, COALESCE(l.extended_to, l.expires_at) AS ends_at, sum(l.available)::bigint AS amount
  FROM whose
 CROSS JOIN LATERAL (
        SELECT * FROM ledger_lot
         WHERE workspace_id = $1 AND customer_id = whose.customer_id AND kind = 'coins' AND available > 0
           AND pending + available + held > 0 OFFSET 0) AS l
 WHERE COALESCE(l.extended_to, l.expires_at) > $2 AND COALESCE(l.extended_to, l.expires_at) <= $3
 GROUP BY l.customer_id, COALESCE(l.extended_to, l.expires_at)
 ORDER BY l.customer_id, ends_at

-- name: idle_wallets
SELECT customer_id, available, active_at FROM ledger_wallet
 WHERE workspace_id = $1 AND kind = 'coins' AND available > 0 AND active_at >= $2 AND active_at < $3
   AND customer_id > $4
 ORDER BY customer_id LIMIT $5

-- name: moved_at
SELECT recorded_at FROM ledger_txn WHERE workspace_id = $1 AND id = $2

-- name: moved_until
-- Where the next so many end, by their times, after this one. Only keys are put in order: what they are is read by
-- `untouched`, between two places, where no limit keeps the planner from sharing it among processes.
SELECT recorded_at, id FROM ledger_txn
 WHERE workspace_id = $1 AND kind = 'coins' AND recorded_at >= $2 AND (recorded_at, id) > ($2, $3) AND recorded_at < $4
 ORDER BY recorded_at, id OFFSET $5 LIMIT 1

-- name: untouched
SELECT t.{txn} FROM ledger_txn AS t
  JOIN ledger_wallet AS w ON w.workspace_id = $1 AND w.customer_id = t.customer_id AND w.kind = t.kind AND w.txn_count = t.seq
 WHERE t.workspace_id = $1 AND t.kind = 'coins' AND t.recorded_at >= $2 AND (t.recorded_at, t.id) > ($2, $3)
   AND t.recorded_at <= $4 AND (t.recorded_at, t.id) <= ($4, $5) AND w.available > 0
 ORDER BY t.recorded_at, t.id

-- name: turnover
-- What crosses the line between what customers have and all else. A merge only crosses it where it pays a debt.
SELECT span.place - 1 AS place, txn.kind,
       sum(m.amount) FILTER (WHERE m.from_account = 'issued') AS earned,
       sum(CASE WHEN m.from_account = 'adjusted' THEN m.amount ELSE -m.amount END)
           FILTER (WHERE 'adjusted' IN (m.from_account, m.to_account) AND txn.act <> 'merge') AS adjusted,
       sum(m.amount) FILTER (WHERE m.from_account IN ('redeemed', 'clawed_back')) AS given_back,
       sum(m.amount) FILTER (WHERE m.to_account = 'redeemed' AND m.from_account <> 'debt') AS spent,
       sum(m.amount) FILTER (WHERE m.to_account = 'expired') AS expired,
       sum(m.amount) FILTER (WHERE m.to_account = 'clawed_back' AND m.from_account <> 'debt') AS clawed_back,
       sum(m.amount) FILTER (WHERE m.to_account IN ('clawed_back', 'redeemed') AND m.from_account = 'debt') AS owed,
       sum(m.amount) FILTER (WHERE m.to_account = 'debt') AS debts_paid
  FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS span (first_id, end_id, place)
 CROSS JOIN LATERAL (
        SELECT id, kind, act FROM ledger_txn
         WHERE workspace_id = $1 AND id >= span.first_id AND id < span.end_id LIMIT $4) AS txn
 CROSS JOIN LATERAL (
        SELECT from_account, to_account, amount FROM ledger_transfer
         WHERE workspace_id = $1 AND txn_id = txn.id OFFSET 0) AS m
 GROUP BY span.place, txn.kind

-- name: standing
-- Every open lot is read.
SELECT kind, date_trunc('month', earned_at AT TIME ZONE $3)::date AS earned_in,
       COALESCE(date_trunc('month', ends_at AT TIME ZONE $3)::date, 'infinity') AS expires_in,
       sum(CASE WHEN ends_at <= $2 THEN held ELSE pending + available + held END)::bigint AS amount, count(*) AS lots
  FROM (SELECT kind, earned_at, COALESCE(extended_to, expires_at) AS ends_at, pending, available, held
          FROM ledger_lot WHERE workspace_id = $1 AND pending + available + held > 0) AS lot
 GROUP BY 1, 2, 3

-- name: debts
SELECT COALESCE(sum(debt), 0)::bigint FROM ledger_wallet WHERE workspace_id = $1 AND kind = $2 AND debt > 0
