-- What is checked after a measurement, read as it is stored.

-- name: count_granted
SELECT count(*) FROM triggers_firing WHERE workspace_id = $1 AND state = 'granted'

-- name: count_txns
SELECT count(*) FROM ledger_txn WHERE workspace_id = $1

-- name: count_events
SELECT count(*) FROM events_log WHERE workspace_id = $1 AND topic = $2

-- name: count_attempts
SELECT count(*) FROM delivery_attempt WHERE workspace_id = $1

-- name: deliveries
-- with their events asked for apart: of rows this new the planner knows too little to join them well
SELECT id, event_id, state FROM delivery_log WHERE workspace_id = $1

-- name: recorded
SELECT id, recorded_at FROM events_log WHERE workspace_id = $1 AND topic = $2 AND recorded_at >= $3
