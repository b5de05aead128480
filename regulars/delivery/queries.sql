-- part: shares
unnest(ARRAY['first', 'retry', 'profile', 'replay']) AS s (share)

-- part: kept
(SELECT first_id FROM tenancy_kept WHERE workspace_id = $1 AND kind = 'deliveries')

-- part: shown
id, lane_id, event_id, rule_id, source, prefix || topic AS event_name, topic, test, state, attempts_made, reason, due_at, created_at, finished_at

-- part: newest
*, row_number() OVER (ORDER BY id DESC) AS place FROM delivery_delivery
      WHERE $15 = 'newest' AND $9::uuid[] IS NULL AND workspace_id = $1 AND id < $2 AND id >= GREATEST($14, {kept})

-- part: failed
workspace_id = $1 AND lane_id = $2 AND state = 'failed' AND NOT test AND finished_at >= COALESCE($3::timestamptz, '-infinity') AND id >= {kept}

-- part: of_them
id = ANY ($2::uuid[]) AND id >= ($2::uuid[])[1] AND id <= ($2::uuid[]) [cardinality($2::uuid[])]

-- part: locked
-- In the order of their ids. Not row by row, as LATERAL has them found: of a partitioned table, PostgreSQL 18.4 dies of that
-- when one that it waits for was changed meanwhile.
SELECT id FROM delivery_delivery
 WHERE workspace_id = $1 AND lane_id = $2 AND id = ANY ($3::uuid[]) AND id >= ($3::uuid[])[1] AND id <= ($3::uuid[]) [cardinality($3::uuid[])]
 ORDER BY id FOR UPDATE

-- name: open_lane
-- awake from the start: something may have been queued before the lane was there
INSERT INTO delivery_lane (workspace_id, id, tool, rate_per_minute, wake_at, tokens_at, created_at)
VALUES ($1, $2, $3, $4, $5, $5, $5)
ON CONFLICT (workspace_id, id) DO UPDATE SET rate_per_minute = EXCLUDED.rate_per_minute

-- name: set_rate
UPDATE delivery_lane SET rate_per_minute = $3 WHERE workspace_id = $1 AND id = $2 RETURNING id

-- name: pause_lane
UPDATE delivery_lane SET paused = true, paused_reason = $3 WHERE workspace_id = $1 AND id = $2 RETURNING id

-- name: resume_lane
-- the lane is looked at again at once, whatever waits in it
UPDATE delivery_lane
   SET paused = false, paused_reason = '', held_up = '', wake_at = $3, tokens_at = LEAST(tokens_at, $3), pace = 1, failures = 0
 WHERE workspace_id = $1 AND id = $2 RETURNING id

-- name: awake_lanes
-- every workspace: the lane loop's round; those that have waited longest come first. A lease of the worker that asks ($3)
-- is one that it lost hold of; $5 are the locks of those who died
SELECT l.workspace_id, l.id
  FROM delivery_lane l
 WHERE l.wake_at <= $1 AND NOT l.paused
   AND (l.leased_until IS NULL OR l.leased_until <= $1 OR l.leased_by = $3 OR l.leased_lock = ANY ($5::bigint[]))
   AND l.id <> ALL ($4::uuid[])
 ORDER BY l.wake_at, l.id
 LIMIT $2

-- name: next_wake
-- every workspace: when the next lane wants to be looked at
SELECT min(GREATEST(wake_at, leased_until)) FROM delivery_lane WHERE wake_at IS NOT NULL AND NOT paused

-- name: holders
-- every workspace: whose life has to be asked after before their lanes can be taken up
SELECT DISTINCT leased_lock FROM delivery_lane
 WHERE wake_at IS NOT NULL AND NOT paused AND leased_until > $1 AND leased_lock IS NOT NULL

-- name: lease_lane
-- of a lane that nobody put down it is not known what was used of its rate
UPDATE delivery_lane
   SET leased_by = $3, leased_until = $5, leased_lock = $6, held_up = '',
       tokens = CASE WHEN leased_by IS NULL THEN tokens ELSE '{}' END,
       tokens_at = CASE WHEN leased_by IS NULL THEN tokens_at ELSE GREATEST(tokens_at, $4) END
 WHERE workspace_id = $1 AND id = $2 AND wake_at <= $4 AND NOT paused
   AND (leased_until IS NULL OR leased_until <= $4 OR leased_by = $3 OR leased_lock = ANY ($7::bigint[]))
RETURNING workspace_id, id, tool, rate_per_minute, paused, paused_reason, wake_at, leased_by, leased_until, tokens,
          tokens_at, pace, failures

-- name: renew_lease
UPDATE delivery_lane SET leased_until = $4, leased_lock = $5
 WHERE workspace_id = $1 AND id = $2 AND leased_by = $3 AND NOT paused
RETURNING rate_per_minute

-- name: held_lane
-- still this worker's, and still to be sent from; asked with every page
SELECT rate_per_minute FROM delivery_lane
 WHERE workspace_id = $1 AND id = $2 AND leased_by = $3 AND leased_until > $4 AND NOT paused

-- name: lock_lane
SELECT leased_by FROM delivery_lane WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: release_lane
-- a statement of its own after lock_lane: it sees what was queued until the lock was had
UPDATE delivery_lane
   SET leased_by = NULL, leased_until = NULL, leased_lock = NULL, tokens = $4, tokens_at = $5, pace = $7, failures = $8,
       wake_at = (SELECT GREATEST($6::timestamptz, min(q.due_at))
                    FROM {shares}
                   CROSS JOIN LATERAL (
                         SELECT due_at FROM delivery_delivery
                          WHERE workspace_id = $1 AND lane_id = $2 AND share = s.share AND state = 'queued'
                          ORDER BY due_at LIMIT 1) AS q
                  HAVING count(*) > 0)
 WHERE workspace_id = $1 AND id = $2 AND leased_by = $3

-- name: hold_up
UPDATE delivery_lane SET held_up = $3 WHERE workspace_id = $1 AND id = $2

-- name: wake_lanes
-- in the order of their ids: two that queue into the same lanes must not wait for each other
UPDATE delivery_lane SET wake_at = LEAST(wake_at, $3)
 WHERE workspace_id = $1
   AND id IN (SELECT id FROM delivery_lane WHERE workspace_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR UPDATE)

-- name: insert_deliveries
-- $5 to $8 are the addressees, and number says which of them a delivery is for; $10 is empty where nothing is mapped
INSERT INTO delivery_delivery (workspace_id, id, lane_id, event_id, rule_id, prefix, topic, state, due_at, created_at,
                               mapped)
SELECT $1, u.id, ($5::uuid[])[u.number], u.event_id, ($6::uuid[])[u.number], ($7::text[])[u.number],
       ($8::text[])[u.number], 'queued', $9, $9, u.mapped
  FROM unnest($2::uuid[], $3::uuid[], $4::int[], $10::text[]) AS u (id, event_id, number, mapped)
ON CONFLICT (workspace_id, id) DO NOTHING
RETURNING true

-- name: insert_profiles
-- One that was told is told anew: what waited has given way to it. The ids rise, and so do locks.
INSERT INTO delivery_delivery AS d (workspace_id, id, lane_id, event_id, rule_id, topic, source, state, due_at, created_at,
                                    share)
SELECT $1, u.id, ($6::uuid[])[u.shape], u.event_id, u.rule_id, ($7::text[])[u.shape], 'profile', 'queued', $8, $8, 'profile'
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::integer[]) AS u (id, event_id, rule_id, shape)
ON CONFLICT (workspace_id, id) DO UPDATE
   SET state = 'queued', tries = 0, reason = '', due_at = EXCLUDED.due_at, finished_at = NULL WHERE d.state <> 'queued'

-- name: insert_messages
INSERT INTO delivery_delivery (workspace_id, id, lane_id, event_id, rule_id, topic, source, state, due_at, created_at)
SELECT $1, u.id, ($5::uuid[])[u.shape], u.id, ($4::uuid[])[u.shape], ($6::text[])[u.shape], 'message', 'queued',
       ($7::timestamptz[])[u.shape], $8
  FROM unnest($2::uuid[], $3::integer[]) AS u (id, shape)

-- name: waiting
SELECT COALESCE(max(w.many), 0)
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
        SELECT count(*) AS many FROM (
               SELECT 1 FROM delivery_delivery
                WHERE workspace_id = $1 AND lane_id = n.id AND state = 'queued' AND due_at <= $3 ORDER BY share, due_at LIMIT $4) AS q) AS w

-- name: hasten
WITH hastened AS (
    UPDATE delivery_delivery SET due_at = $3 WHERE workspace_id = $1 AND {of_them} AND state = 'queued' AND due_at > $3 AND in_hand_since IS NULL
    RETURNING lane_id
)
SELECT DISTINCT lane_id FROM hastened

-- name: lay_over_profiles
-- What waits there of the same customers would say nothing that the newer one does not.
UPDATE delivery_delivery SET state = 'skipped', reason = $5, finished_at = $6
 WHERE workspace_id = $1 AND id = ANY (ARRAY(
        SELECT d.id FROM unnest($2::uuid[], $3::uuid[]) AS u (lane_id, customer_id)
          JOIN delivery_delivery d
            ON d.workspace_id = $1 AND d.lane_id = u.lane_id AND d.rule_id = u.customer_id
         WHERE d.state = 'queued' AND d.source = 'profile' AND d.id <> ALL ($4::uuid[]) ORDER BY d.id FOR UPDATE OF d))

-- name: insert_said
INSERT INTO delivery_delivery (workspace_id, id, lane_id, event_id, rule_id, topic, source, sample, state, due_at, created_at)
SELECT $1, u.id, $4, u.id, $4, $5, 'message', u.said, 'queued', $6, $6 FROM unnest($2::uuid[], $3::text[]) AS u (id, said)

-- name: insert_test
INSERT INTO delivery_delivery (workspace_id, id, lane_id, event_id, rule_id, prefix, topic, test, sample, source, state,
                               due_at, created_at, in_hand_since, mapped)
VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8, $9, 'queued', $10, $11, CASE WHEN $9 = 'message' THEN $11::timestamptz END,
        $12)

-- name: take_in_hand
-- Written down before anything is sent, so that who takes the lane up after a crash knows what may have gone out.
UPDATE delivery_delivery SET in_hand_since = $3 WHERE workspace_id = $1 AND {of_them}

-- name: put_back
UPDATE delivery_delivery SET in_hand_since = NULL WHERE workspace_id = $1 AND {of_them} AND state = 'queued'

-- name: left_in_hand
UPDATE delivery_delivery SET state = 'uncertain', reason = $3, finished_at = $4, in_hand_since = NULL
 WHERE workspace_id = $1 AND lane_id = $2 AND in_hand_since IS NOT NULL AND state = 'queued' AND due_at <= $4
RETURNING id

-- name: set_aside
-- What is not sent now: never (no time in $5), or later. $6: the customer whose next ones wait for it.
UPDATE delivery_delivery AS d
   SET (state, reason, due_at, finished_at, ahead_of) = (
       SELECT CASE WHEN u.at IS NULL THEN 'skipped' ELSE 'queued' END, COALESCE(u.reason, d.reason), COALESCE(u.at, d.due_at),
              CASE WHEN u.at IS NULL THEN $3::timestamptz END, u.ahead_of
         FROM unnest($2::uuid[], $4::text[], $5::timestamptz[], $6::uuid[]) AS u (id, reason, at, ahead_of) WHERE u.id = d.id)
 WHERE workspace_id = $1 AND {of_them} AND state = 'queued'

-- name: due
-- A page of the lane's queue: of each share so many after a place. Bodies are looked up one by one, for the page only: LIMIT 1 keeps the
-- planner from reading all events instead, whatever its statistics say, and with the topic every index that begins with
-- the workspace and ends with the id finds it at once.
SELECT p.id, p.event_id, p.prefix || p.topic AS event_name, p.topic, p.test, p.attempts_made, p.tries, p.due_at,
       COALESCE(e.occurred_at, p.created_at) AS occurred_at, COALESCE(p.sample, e.body, '') AS body, e.customer_id, p.source, p.share,
       p.mapped, e.traceparent
  FROM unnest($4::text[], $5::timestamptz[], $6::uuid[], $7::integer[]) AS s (share, after_at, after_id, most)
 CROSS JOIN LATERAL (
       SELECT id, event_id, prefix, topic, test, attempts_made, tries, due_at, created_at, sample, source, share, mapped
          FROM delivery_delivery
         WHERE workspace_id = $1 AND lane_id = $2 AND share = s.share AND state = 'queued' AND due_at <= $3
           AND (due_at, id) > (s.after_at, s.after_id) AND in_hand_since IS NULL
         ORDER BY due_at, id LIMIT s.most) p
  LEFT JOIN LATERAL (SELECT occurred_at, body, customer_id, traceparent FROM events_log
                      WHERE workspace_id = $1 AND id = p.event_id AND topic = p.topic LIMIT 1) e ON true
 ORDER BY p.due_at, p.id

-- name: ahead
-- Of each of these customers the first that waits to be tried again, where the next ones wait for it.
SELECT DISTINCT ON (ahead_of) ahead_of, id, due_at FROM delivery_delivery
 WHERE workspace_id = $1 AND lane_id = $2 AND ahead_of = ANY ($3::uuid[]) AND state = 'queued'
 ORDER BY ahead_of, id

-- name: lock_deliveries
{locked}

-- name: record
-- Every attempt that was made is kept and numbered, even one that comes too late to change the delivery's state. What
-- attempts have in common (a shape) is sent once. The ids rise: deliveries are
-- locked in that order, no partition outside of them is opened, and what belongs to one is found by its place among them
-- (width_bucket); of a join the planner's statistics would say how it is made.
WITH delivery AS (
    UPDATE delivery_delivery AS d
       SET (attempts_made, state, tries, reason, due_at, finished_at, in_hand_since, share) = (
           SELECT d.attempts_made + 1, CASE WHEN s.moves THEN ($9::text[])[s.shape] ELSE d.state END,
                  d.tries + CASE WHEN d.state = 'queued' AND ($10::text[])[s.shape] <> 'paused' THEN 1 ELSE 0 END,
                  CASE WHEN s.moves THEN ($11::text[])[s.shape] ELSE d.reason END,
                  COALESCE(CASE WHEN s.moves THEN ($12::timestamptz[])[s.shape] END, d.due_at),
                  CASE WHEN NOT s.moves THEN d.finished_at WHEN ($9::text[])[s.shape] <> 'queued' THEN $18::timestamptz END,
                  NULL::timestamptz,
                  CASE WHEN d.share = 'first' AND ($10::text[])[s.shape] = 'retry' THEN 'retry' ELSE d.share END
             FROM (SELECT ($4::int[])[width_bucket(d.id, $3::uuid[])] AS shape, d.state IN ('queued', 'uncertain') AS moves
                   OFFSET 0) AS s)
     WHERE workspace_id = $1
       AND id = ANY (ARRAY({locked}))
       AND id >= ($3::uuid[])[1] AND id <= ($3::uuid[]) [cardinality($3::uuid[])]
    RETURNING d.id, d.attempts_made
), tally AS (
    INSERT INTO delivery_tally AS t (workspace_id, lane_id, slot, delivered, retried, failed, duration_ms, counts)
    VALUES ($1, $2, $19, $20, $21, $22, $23, $24)
    ON CONFLICT (workspace_id, lane_id, slot) DO UPDATE
       SET delivered = t.delivered + EXCLUDED.delivered, retried = t.retried + EXCLUDED.retried,
           failed = t.failed + EXCLUDED.failed, duration_ms = t.duration_ms + EXCLUDED.duration_ms,
           counts = ARRAY[
               COALESCE(t.counts[1], 0) + EXCLUDED.counts[1], COALESCE(t.counts[2], 0) + EXCLUDED.counts[2],
               COALESCE(t.counts[3], 0) + EXCLUDED.counts[3], COALESCE(t.counts[4], 0) + EXCLUDED.counts[4],
               COALESCE(t.counts[5], 0) + EXCLUDED.counts[5], COALESCE(t.counts[6], 0) + EXCLUDED.counts[6],
               COALESCE(t.counts[7], 0) + EXCLUDED.counts[7], COALESCE(t.counts[8], 0) + EXCLUDED.counts[8],
               COALESCE(t.counts[9], 0) + EXCLUDED.counts[9], COALESCE(t.counts[10], 0) + EXCLUDED.counts[10],
               COALESCE(t.counts[11], 0) + EXCLUDED.counts[11], COALESCE(t.counts[12], 0) + EXCLUDED.counts[12],
               COALESCE(t.counts[13], 0) + EXCLUDED.counts[13], COALESCE(t.counts[14], 0) + EXCLUDED.counts[14],
               COALESCE(t.counts[15], 0) + EXCLUDED.counts[15], COALESCE(t.counts[16], 0) + EXCLUDED.counts[16],
               COALESCE(t.counts[17], 0) + EXCLUDED.counts[17]]
)
INSERT INTO delivery_attempt (workspace_id, delivery_id, number, started_at, duration_ms, method, url, request_headers,
                              request_body, status, answer_headers, answer_body, outcome, reason, next_at)
SELECT $1, u.id, f.numbers[width_bucket(u.id, f.ids)], u.started_at, u.duration_ms, ($13::text[])[u.shape],
       ($14::text[])[u.shape], u.request_headers, u.request_body, ($15::smallint[])[u.shape], ($16::text[])[u.shape],
       ($17::text[])[u.shape], ($10::text[])[u.shape], ($11::text[])[u.shape], ($12::timestamptz[])[u.shape]
  FROM (SELECT array_agg(id ORDER BY id) AS ids, array_agg(attempts_made ORDER BY id) AS numbers FROM delivery) AS f
 CROSS JOIN unnest($3::uuid[], $4::int[], $5::timestamptz[], $6::int[], $7::text[], $8::text[])
           AS u (id, shape, started_at, duration_ms, request_headers, request_body)
 WHERE f.ids[width_bucket(u.id, f.ids)] = u.id

-- name: note_error
UPDATE delivery_lane SET last_error = $3, last_error_at = $4 WHERE workspace_id = $1 AND id = $2

-- name: replay
-- locked in the order of their ids, as recording does
UPDATE delivery_delivery
   SET state = 'queued', tries = 0, due_at = $3, finished_at = NULL, reason = '', share = 'replay'
 WHERE workspace_id = $1 AND id >= ($2::uuid[])[1] AND id <= ($2::uuid[]) [cardinality($2::uuid[])] AND id = ANY (ARRAY(
       SELECT id FROM delivery_delivery WHERE workspace_id = $1 AND {of_them} AND (state <> 'queued' OR due_at > $3)
        ORDER BY id FOR UPDATE))
RETURNING id

-- name: failed_since
SELECT count(*) FROM (SELECT 1 FROM delivery_delivery WHERE {failed} LIMIT $4) f

-- name: give_way
UPDATE delivery_delivery SET share = 'replay' WHERE workspace_id = $1 AND {of_them} AND state = 'queued' AND created_at = $3

-- name: replay_failed
-- the oldest first, locked in the order of their ids as recording does
UPDATE delivery_delivery
   SET state = 'queued', tries = 0, due_at = $5, finished_at = NULL, reason = '', share = 'replay'
 WHERE workspace_id = $1 AND id = ANY (ARRAY(SELECT id FROM delivery_delivery WHERE {failed} ORDER BY id LIMIT $4 FOR UPDATE))
RETURNING id

-- name: deliveries
SELECT {shown} FROM delivery_delivery WHERE workspace_id = $1 AND {of_them} AND id >= {kept}

-- name: attempts
SELECT delivery_id, number, started_at, duration_ms, method, url, request_headers, request_body, status, answer_headers,
       answer_body, outcome, reason, next_at
  FROM delivery_attempt WHERE workspace_id = $1 AND delivery_id = $2 ORDER BY number

-- name: deliveries_of_events
-- an event's deliveries are the range of ids that begin as its own
SELECT d.{shown}
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS u (event_id, first_id, last_id)
  JOIN delivery_delivery d ON d.workspace_id = $1 AND d.id BETWEEN u.first_id AND u.last_id AND d.event_id = u.event_id
 WHERE d.id >= {kept} ORDER BY d.id DESC

-- name: of_customer
-- Events and messages: the ids of both say when.
(SELECT id FROM events_log WHERE workspace_id = $1 AND customer_id = $2 AND ($3::uuid IS NULL OR id < $3)
  ORDER BY id DESC LIMIT $4)
UNION ALL
(SELECT id FROM messages_came WHERE workspace_id = $1 AND customer_id = $2 AND ($3::uuid IS NULL OR id < $3)
  ORDER BY id DESC LIMIT $4)
ORDER BY id DESC LIMIT $4

-- name: search
-- Looks at $8 rows, as they are sorted ($15), and tells by the last of them where it stopped looking. Each source of rows
-- has its own index, and is not read at all when its first condition says so; next tries are looked up lane by lane, of
-- which a shop has few. Sorted otherwise than by the newest, $16 is where the page before ended. $9 names events ($10, $11: the first and last id
-- that their deliveries can have). $6 is a text as a pattern, $12 the same for bodies: to look for it byte by byte takes
-- half as long as ILIKE, which is what such a search does nearly all of its time. SELECT true ... LIMIT 1 is EXISTS that
-- the planner cannot turn into reading the attempts of all deliveries once.
WITH looked_at AS MATERIALIZED (
    (SELECT {newest} AND COALESCE($4, '') NOT IN ('failed', 'queued') ORDER BY id DESC LIMIT $8)
    UNION ALL (SELECT {newest} AND $4 = 'failed' AND state = 'failed' ORDER BY id DESC LIMIT $8)
    UNION ALL (SELECT {newest} AND $4 = 'queued' AND state = 'queued' ORDER BY id DESC LIMIT $8)
    UNION ALL (SELECT d.*, row_number() OVER (ORDER BY d.id DESC)
       FROM unnest($9::uuid[], $10::uuid[], $11::uuid[]) AS u (event_id, first_id, last_id)
       JOIN delivery_delivery d ON d.workspace_id = $1 AND d.id BETWEEN u.first_id AND u.last_id AND d.event_id = u.event_id
      WHERE $15 = 'newest' AND d.id < $2 AND d.id >= GREATEST($14, {kept})
      ORDER BY d.id DESC LIMIT $8)
    UNION ALL (SELECT d.*, row_number() OVER (ORDER BY d.due_at, d.id)
       FROM delivery_lane l
      CROSS JOIN {shares}
      CROSS JOIN LATERAL (
            SELECT * FROM delivery_delivery
             WHERE workspace_id = $1 AND lane_id = l.id AND share = s.share AND state = 'queued' AND id < $2 AND id >= GREATEST($14, {kept})
               AND (due_at, id) > (COALESCE((SELECT due_at FROM delivery_delivery WHERE workspace_id = $1 AND id = $16), '-infinity'),
                                   COALESCE($16, '00000000-0000-0000-0000-000000000000'))
             ORDER BY due_at, id LIMIT $8) AS d
      WHERE $15 = 'next_try' AND l.workspace_id = $1 AND ($3::uuid IS NULL OR l.id = $3)
      ORDER BY d.due_at, d.id LIMIT $8)
    UNION ALL (SELECT *, row_number() OVER (ORDER BY attempts_made DESC, id DESC) FROM delivery_delivery
      WHERE $15 = 'attempts' AND workspace_id = $1 AND attempts_made > 1 AND id < $2 AND id >= GREATEST($14, {kept})
        AND (attempts_made, id) < (COALESCE((SELECT attempts_made FROM delivery_delivery WHERE workspace_id = $1 AND id = $16), 32767),
                                   COALESCE($16, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      ORDER BY attempts_made DESC, id DESC LIMIT $8)
), found AS (
    SELECT l.* FROM looked_at l
     WHERE ($3::uuid IS NULL OR l.lane_id = $3)
       AND ($4::text IS NULL OR l.state = $4)
       AND ($5::text IS NULL OR l.topic = $5)
       AND ($17::text IS NULL OR l.source = $17)
       AND ($13::timestamptz IS NULL OR l.finished_at >= $13)
       AND ($6::text IS NULL
            OR l.prefix || l.topic ILIKE $6 OR l.reason ILIKE $6
            OR (SELECT true FROM delivery_attempt a
                 WHERE a.workspace_id = $1 AND a.delivery_id = l.id
                   AND (strpos(lower(a.request_body COLLATE "C"), $12) > 0
                        OR strpos(lower(a.answer_body COLLATE "C"), $12) > 0
                        OR strpos(lower(a.url COLLATE "C"), $12) > 0 OR a.reason ILIKE $6)
                 LIMIT 1))
     ORDER BY l.place LIMIT $7
)
SELECT f.{shown}, s.rows_seen, s.last_id
  FROM (SELECT (SELECT count(*) FROM looked_at) AS rows_seen,
               (SELECT id FROM looked_at ORDER BY place DESC LIMIT 1) AS last_id) s
  LEFT JOIN found f ON true
 ORDER BY f.place

-- name: forget_deliveries
-- Those of these events, and the tests with them or with what was made up of a customer's own data.
WITH theirs AS (
    SELECT d.id FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS u (event_id, first_id, last_id)
      JOIN delivery_delivery d ON d.workspace_id = $1 AND d.id BETWEEN u.first_id AND u.last_id AND d.event_id = u.event_id
     UNION SELECT d.id FROM delivery_delivery d
            WHERE d.workspace_id = $1 AND d.test
              AND (d.event_id = ANY($2::uuid[]) OR d.sample::json->>'lead_id' = ANY($5::text[]))
), attempts AS (
    UPDATE delivery_attempt a
       SET request_headers = '{}', request_body = '', answer_headers = '', answer_body = '', reason = $6
      FROM theirs WHERE a.workspace_id = $1 AND a.delivery_id = theirs.id
)
UPDATE delivery_delivery d
   SET sample = CASE WHEN sample IS NULL THEN NULL ELSE '{}' END, mapped = CASE WHEN mapped IS NULL THEN NULL ELSE '{}' END,
       reason = CASE WHEN state = 'delivered' THEN '' ELSE $6 END, finished_at = COALESCE(finished_at, $7),
       state = CASE WHEN state = 'queued' THEN 'failed' ELSE state END
  FROM theirs WHERE d.workspace_id = $1 AND d.id = theirs.id
