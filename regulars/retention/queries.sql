-- name: floors
-- every workspace: what the longest of all choices keeps. A month is dropped for all shops
SELECT kind, min(first_id::text)::uuid AS first_id FROM tenancy_kept GROUP BY kind

-- name: events_wait
-- every workspace: a month is dropped for all shops
SELECT EXISTS (SELECT FROM events_waiting WHERE event_id >= $1 AND event_id < $2)
    OR EXISTS (SELECT FROM dispatch_waiting WHERE event_id >= $1 AND event_id < $2)
    OR EXISTS (SELECT FROM delivery_log WHERE id >= $1 AND id < $2 AND state = 'queued')

-- name: deliveries_wait
-- every workspace: a month is dropped for all shops
SELECT EXISTS (SELECT FROM delivery_log WHERE id >= $1 AND id < $2 AND state = 'queued')

-- name: firings_wait
-- every workspace: a month is dropped for all shops
SELECT EXISTS (SELECT FROM triggers_waiting WHERE id >= $1 AND id < $2)

-- name: hooks_wait
-- every workspace: a month is dropped for all shops
SELECT EXISTS (SELECT FROM shops_waiting WHERE id >= $1 AND id < $2)
