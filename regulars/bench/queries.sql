-- What is checked after a measurement, read as it is stored.

-- name: count_granted
SELECT count(*) FROM triggers_firing WHERE workspace_id = $1 AND state = 'granted'

-- name: count_txns
SELECT count(*) FROM ledger_txn WHERE workspace_id = $1

-- name: count_events
SELECT count(*) FROM events_log WHERE workspace_id = $1 AND topic = $2

-- name: count_attempts
SELECT count(*) FROM delivery_attempt WHERE workspace_id = $1

-- name: events_of_deliveries
SELECT d.id, d.event_id, e.recorded_at, d.state
  FROM delivery_log d
  JOIN events_log e ON e.workspace_id = d.workspace_id AND e.id = d.event_id
 WHERE d.workspace_id = $1 AND e.recorded_at >= $2
