-- What is checked after a measurement, read as it is stored.

-- name: count_granted
SELECT count(*) FROM triggers_firing WHERE workspace_id = $1 AND state = 'granted'

-- name: count_txns
SELECT count(*) FROM ledger_txn WHERE workspace_id = $1

-- name: count_events
SELECT count(*) FROM events_log WHERE workspace_id = $1 AND topic = $2

-- name: count_attempts
SELECT count(*) FROM delivery_attempt WHERE workspace_id = $1

-- name: log_deliveries
-- each that is there so many times more, in its time
INSERT INTO delivery_delivery (workspace_id, id, lane_id, event_id, rule_id, topic, created_at, attempts_made, state, tries,
                               due_at, finished_at)
SELECT $1, concat(left(d.id::text, 15), substr(h, 1, 3), '-8', substr(h, 4, 3), '-', substr(h, 7, 12))::uuid, d.lane_id,
       d.event_id, d.rule_id, d.topic, d.created_at, d.attempts_made, d.state, d.tries, d.due_at, d.finished_at
  FROM delivery_delivery d CROSS JOIN generate_series(1, $2::int) AS n (n) CROSS JOIN LATERAL md5(concat(d.id, n)) AS h
 WHERE d.workspace_id = $1

-- name: log_attempts
INSERT INTO delivery_attempt (workspace_id, delivery_id, number, started_at, duration_ms, method, url, request_headers,
                              request_body, status, answer_headers, answer_body, outcome, reason)
SELECT $1, concat(left(d.delivery_id::text, 15), substr(h, 1, 3), '-8', substr(h, 4, 3), '-', substr(h, 7, 12))::uuid,
       d.number, d.started_at, d.duration_ms, d.method, d.url, d.request_headers, d.request_body, d.status,
       d.answer_headers, d.answer_body, d.outcome, d.reason
  FROM delivery_attempt d CROSS JOIN generate_series(1, $2::int) AS n (n)
 CROSS JOIN LATERAL md5(concat(d.delivery_id, n)) AS h
 WHERE d.workspace_id = $1

-- name: deliveries
-- with their events asked for apart: of rows this new the planner knows too little to join them well
SELECT id, event_id, state FROM delivery_log WHERE workspace_id = $1

-- name: recorded
SELECT id, recorded_at FROM events_log WHERE workspace_id = $1 AND topic = $2 AND recorded_at >= $3

-- name: count_all_txns
-- every workspace: the audit reads all books
SELECT count(*) FROM ledger_txn

-- name: available
SELECT sum(available)::bigint FROM ledger_wallet WHERE workspace_id = $1

-- name: count_expiries
SELECT count(*) FROM ledger_txn WHERE workspace_id = $1 AND act = 'expire'

-- name: customers
SELECT id FROM customers_customer WHERE workspace_id = $1

-- name: holds
-- those that have not ended
SELECT id FROM ledger_txn h
 WHERE workspace_id = $1 AND act = 'hold'
   AND NOT EXISTS (SELECT FROM ledger_txn e WHERE e.workspace_id = $1 AND e.source_txn_id = h.id)

-- name: hooks_left
SELECT count(*) FROM shops_hook WHERE workspace_id = $1 AND state = 'pending'

-- name: hooks
SELECT state, count(*) AS hooks FROM shops_hook WHERE workspace_id = $1 GROUP BY state

-- name: fill_customers
INSERT INTO customers_customer (workspace_id, id, customer_id, name, email, email_folded, country, referral_code,
                                created_at, updated_at)
SELECT $1, (lpad(to_hex(n), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
       'bench-' || lpad(n::text, greatest(5, length(n::text)), '0'), 'Customer ' || n, n || '@shop.example', n || '@shop.example', 'ind',
       'BENCH' || n, $3, $3
  FROM generate_series(0, $2::integer - 1) AS n
 CROSS JOIN LATERAL md5(concat($1::uuid, n)) AS h

-- name: fill_txns
-- The next txn of each wallet, its transfer and its lot, hashed as ledger/hashing.py does.
WITH made AS MATERIALIZED (
    SELECT c.id AS customer_id, t.id, p.hash AS before, $3::bigint * (1 + c.n % $7::integer) AS coins
      FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM customers_customer WHERE workspace_id = $1) AS c
     CROSS JOIN LATERAL md5(c.id::text || $2::bigint) AS h
     CROSS JOIN LATERAL (
            SELECT (lpad(to_hex($2::bigint * $6::bigint + c.n), 12, '0') || '7' || substr(h, 1, 3) || '8'
                    || substr(h, 4, 15))::uuid AS id) AS t
      LEFT JOIN LATERAL (SELECT hash FROM ledger_txn WHERE workspace_id = $1 AND customer_id = c.id AND kind = 'coins'
                            AND seq = $2::bigint - 1 OFFSET 0) AS p ON true
), hashed AS MATERIALIZED (
    SELECT customer_id, id, coins, sha256(COALESCE(before, '') || convert_to(concat(
               '[[1,"', id, '","', customer_id, '","coins",', $2::bigint, ',"earn","reward","cr",', coins, ',',
               $2::bigint * coins, ',', $2::bigint * coins, ',0,"Review","","success","",null,null,null,null,"",null,null,"', $4::text, '","', $4::text,
               '"],"",[[0,"issued","available",', coins, ',"', id, '",null]],["', id, '","coins",', coins, ',"', $4::text, '",',
               COALESCE('"' || $5::text || '"', 'null'), ',"', $4::text, '"]]'), 'UTF8')) AS hash
      FROM made
), txns AS (
    INSERT INTO ledger_txn (workspace_id, id, customer_id, kind, seq, act, type, operation, amount, closing_balance,
                            credited, debited, title, description, status, reference, actor, wire_hash, hash_version,
                            hash, occurred_at, recorded_at)
    SELECT $1, id, customer_id, 'coins', $2::bigint, 'earn', 'reward', 'cr', coins, $2::bigint * coins,
           $2::bigint * coins, 0, 'Review', '', 'success', '', '', left(encode(hash, 'hex'), 40), 1, hash,
           $4::text::timestamptz, $4::text::timestamptz
      FROM hashed ORDER BY id
), moves AS (
    INSERT INTO ledger_transfer (workspace_id, txn_id, n, from_account, to_account, amount, lot_id)
    SELECT $1, id, 0, 'issued', 'available', coins, id FROM hashed ORDER BY id
)
INSERT INTO ledger_lot (workspace_id, id, customer_id, kind, amount, activates_at, expires_at, earned_at, pending,
                        available, held)
SELECT $1, id, customer_id, 'coins', coins, $4::text::timestamptz, $5::text::timestamptz, $4::text::timestamptz, 0,
       coins, 0
  FROM hashed ORDER BY id

-- name: fill_wallets
INSERT INTO ledger_wallet (workspace_id, customer_id, kind, available, credited, txn_count, head_hash, due_at, active_at)
SELECT $1, customer_id, kind, closing_balance, credited, seq, hash, $3, recorded_at
  FROM ledger_txn WHERE workspace_id = $1 AND seq = $2 ORDER BY customer_id

-- name: fill_schedule
INSERT INTO schedule_due (workspace_id, kind, key, due_at, payload)
SELECT $1, $2, customer_id || ':' || kind, $3, '{}' FROM ledger_wallet WHERE workspace_id = $1

-- name: lie_unused
-- Every twentieth, all the day long, one after the other as a day writes them.
UPDATE ledger_txn
   SET recorded_at = $2::timestamptz + interval '1 day' * (n.place - 1) / n.all
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS all FROM ledger_txn
         WHERE workspace_id = $1 AND amount % 200 = 10 ORDER BY id) AS n
 WHERE ledger_txn.workspace_id = $1 AND ledger_txn.id = n.id

-- name: unused
SELECT t.id, t.customer_id, t.kind, t.seq, t.act, t.type, t.operation, t.amount, t.closing_balance, t.credited, t.debited,
       t.title, t.description, t.status, t.reference, t.trigger_id, t.trigger_version, t.source_txn_id, t.target, t.actor,
       t.key, t.wire_hash, t.hash_version, t.hash, t.held_until, t.occurred_at, t.recorded_at
  FROM ledger_txn AS t
  JOIN ledger_wallet AS w ON w.workspace_id = $1 AND w.customer_id = t.customer_id AND w.kind = t.kind AND w.txn_count = t.seq
 WHERE t.workspace_id = $1 AND t.kind = 'coins' AND t.recorded_at >= $2 AND t.recorded_at < $3 AND w.available > 0

-- name: fill_events
-- So many of each customer within a year, in no customer's order.
INSERT INTO events_event (workspace_id, id, topic, customer_id, body, occurred_at, recorded_at)
SELECT $1, ($3::text || lpad(to_hex(g * 100000000 + c.n), 12, '0'))::uuid,
       (ARRAY['order_create', 'order_create', 'walletreward_create', 'order_create', 'review_create'])[1 + g % 5], c.id,
       concat('{"fiat_amount":', (c.n + g * 31) % 97, ',"status":"completed","currency_code":"inr","note":"', repeat('x', 200), '"}'),
       $4::timestamptz - interval '1 hour' * ((c.n + g * 13) * 7919 % 8760), $4
  FROM generate_series(0, $2::bigint - 1) AS g
 CROSS JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM customers_customer WHERE workspace_id = $1) AS c
 ORDER BY g, c.n

-- name: empty_found
DELETE FROM bench_found WHERE workspace_id = $1

-- name: find_by_hand
-- What `nested.json` asks, as a person wrote it.
INSERT INTO bench_found (workspace_id, segment_id, customer_id, entered_at)
SELECT c.workspace_id, c.id, c.id, now()
  FROM customers_customer AS c
  JOIN (SELECT customer_id FROM events_event
         WHERE workspace_id = $1 AND topic = 'order_create' AND (body::json ->> 'fiat_amount')::float8 >= 20
           AND occurred_at >= date_trunc('day', now() AT TIME ZONE $2::text) AT TIME ZONE $2::text - interval '180 days'
         GROUP BY 1 HAVING count(*) >= 3) AS o ON o.customer_id = c.id
  LEFT JOIN (SELECT customer_id FROM events_event WHERE workspace_id = $1 AND topic = 'order_create'
              GROUP BY 1 HAVING sum((body::json ->> 'fiat_amount')::numeric) > 400) AS s ON s.customer_id = c.id
 WHERE c.workspace_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL
   AND (c.email_folded LIKE '1%' OR s.customer_id IS NOT NULL)
   AND NOT EXISTS (SELECT FROM events_event AS r
                    WHERE r.workspace_id = $1 AND r.customer_id = c.id AND r.topic = 'review_create'
                      AND r.occurred_at >= date_trunc('day', now() AT TIME ZONE $2::text) AT TIME ZONE $2::text - interval '30 days')

-- name: count_found
SELECT count(*) FROM bench_found WHERE workspace_id = $1

-- name: flush
-- every workspace: what the server counted of this connection can be seen once it is idle
SELECT pg_stat_force_next_flush()

-- name: active_ms
-- every workspace: how long statements have taken in this database, $1 or not
SELECT active_time FROM pg_stat_database WHERE datname = current_database() AND $1::uuid IS NOT NULL

-- name: call_found
UPDATE segments_segment SET found = version WHERE workspace_id = $1

-- name: count_unfound
SELECT count(*) FROM segments_segment WHERE workspace_id = $1 AND id = $2 AND found < $3

-- name: enter
INSERT INTO segments_member (workspace_id, segment_id, customer_id, entered_at, looks_again_at)
SELECT $1, $2, id, $3, $3 FROM customers_customer WHERE workspace_id = $1
    ON CONFLICT (workspace_id, customer_id, segment_id) DO UPDATE
   SET entered_at = excluded.entered_at, looks_again_at = excluded.looks_again_at

-- name: count_to_look_at
SELECT count(*) FROM segments_member WHERE workspace_id = $1 AND segment_id = $2 AND looks_again_at = $3

-- name: last_left
SELECT max(recorded_at) FROM events_log WHERE workspace_id = $1 AND topic = 'segment_leave'

-- name: count_unread
SELECT count(*) FROM events_pending WHERE workspace_id = $1 AND reader = 'engagement'

-- name: count_reserved
SELECT count(*) FROM messages_message WHERE workspace_id = $1 AND source_kind = 'automation'
