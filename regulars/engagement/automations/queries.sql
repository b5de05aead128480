-- part: automation
id, name, state, version, launched, revision, draft, notice, noticed_at, created_at, updated_at

-- part: run
id, customer_id, cause_id, automation_id, version, cause_topic, depth, at_step, arrived_at, entered_at, state, reason,
wakes_at, waits_for, held, ended_at

-- part: passage
id, run_id, automation_id, version, step_id, outcome, reason, at

-- part: inside
state IN ('active', 'waiting')

-- name: take_turn
-- Of a shop one transaction at a time says who is where: each sees what the one before it said.
SELECT pg_advisory_xact_lock(hashtextextended('automations ' || $1::uuid, 0))

-- name: automations
SELECT {automation} FROM automations_automation WHERE workspace_id = $1 AND removed_at IS NULL ORDER BY created_at, id

-- name: automation
SELECT {automation} FROM automations_automation WHERE workspace_id = $1 AND id = $2 AND removed_at IS NULL

-- name: running
SELECT id, launched FROM automations_automation
 WHERE workspace_id = $1 AND id = ANY ($2::uuid[]) AND state = 'running' AND removed_at IS NULL

-- name: insert_automation
INSERT INTO automations_automation (workspace_id, id, name, state, draft, created_at, updated_at)
VALUES ($1, $2, $3, 'draft', $4, $5, $5)

-- name: save_automation
UPDATE automations_automation
   SET name = $3, state = $4, version = $5, launched = $6, revision = $7, draft = $8, notice = $9, noticed_at = $10, updated_at = $11
 WHERE workspace_id = $1 AND id = $2

-- name: remove_automation
UPDATE automations_automation SET removed_at = $3, updated_at = $3 WHERE workspace_id = $1 AND id = $2

-- name: notice
UPDATE automations_automation SET notice = $3, noticed_at = $4 WHERE workspace_id = $1 AND id = ANY ($2::uuid[])

-- name: insert_version
INSERT INTO automations_version (workspace_id, automation_id, version, definition, actor, created_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: versions
SELECT version, definition, actor, created_at FROM automations_version
 WHERE workspace_id = $1 AND automation_id = $2 AND version < $3 ORDER BY version DESC LIMIT $4

-- name: definitions
SELECT v.automation_id, v.version, v.definition::text AS definition
  FROM unnest($2::uuid[], $3::integer[]) AS n (automation_id, version)
 CROSS JOIN LATERAL (
        SELECT * FROM automations_version
         WHERE workspace_id = $1 AND automation_id = n.automation_id AND version = n.version OFFSET 0) AS v

-- name: insert_draft
INSERT INTO automations_draft (workspace_id, automation_id, revision, definition, actor, at) VALUES ($1, $2, $3, $4, $5, $6)

-- name: prune_drafts
DELETE FROM automations_draft WHERE workspace_id = $1 AND automation_id = $2 AND revision <= $3

-- name: newest_drafts
SELECT revision, definition FROM automations_draft WHERE workspace_id = $1 AND automation_id = $2 ORDER BY revision DESC LIMIT 2

-- name: drop_draft
DELETE FROM automations_draft WHERE workspace_id = $1 AND automation_id = $2 AND revision = $3

-- name: renumber_draft
UPDATE automations_draft SET revision = $4 WHERE workspace_id = $1 AND automation_id = $2 AND revision = $3

-- name: delete_mentions
DELETE FROM automations_mention WHERE workspace_id = $1 AND automation_id = $2

-- name: insert_mentions
INSERT INTO automations_mention (workspace_id, topic, automation_id)
SELECT $1, n.topic, $2 FROM unnest($3::text[]) AS n (topic)

-- name: mentions
SELECT topic, automation_id FROM automations_mention WHERE workspace_id = $1 AND topic = ANY ($2::text[])

-- name: versions_inside
-- Few versions, however many people: each is found by a step on in the index.
SELECT DISTINCT version FROM automations_run WHERE workspace_id = $1 AND automation_id = $2 AND {inside}

-- name: hold
UPDATE automations_run SET held = $3
 WHERE workspace_id = $1 AND id = ANY (ARRAY(
       SELECT id FROM automations_run WHERE workspace_id = $1 AND automation_id = $2 AND {inside} AND held <> $3))

-- name: stop_all
UPDATE automations_run
   SET state = 'stopped', reason = $3, wakes_at = NULL, waits_for = '', ended_at = $4
 WHERE workspace_id = $1 AND id = ANY (ARRAY(
       SELECT id FROM automations_run WHERE workspace_id = $1 AND automation_id = $2 AND {inside}))

-- name: move_all
-- Those whose step the new version has go by it, and wait as long as that says: from when they came.
UPDATE automations_run AS r
   SET version = $3, wakes_at = CASE WHEN r.state = 'active' THEN r.wakes_at ELSE COALESCE(r.arrived_at + n.wait, $6) END
  FROM unnest($4::text[], $5::interval[]) AS n (step_id, wait)
 WHERE r.workspace_id = $1 AND r.automation_id = $2 AND r.at_step = n.step_id AND r.state IN ('active', 'waiting')

-- name: forget_waiting
DELETE FROM automations_count WHERE workspace_id = $1 AND automation_id = $2 AND outcome = 'waiting'

-- name: count_waiting
INSERT INTO automations_count (workspace_id, automation_id, version, step_id, outcome, people)
SELECT $1, $2, version, at_step, 'waiting', count(*) FROM automations_run
 WHERE workspace_id = $1 AND automation_id = $2 AND state = 'waiting' GROUP BY version, at_step

-- name: count
INSERT INTO automations_count AS c (workspace_id, automation_id, version, step_id, outcome, reason, people)
SELECT $1, n.* FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[]) AS n
    ON CONFLICT (workspace_id, automation_id, version, step_id, outcome, reason) DO UPDATE
   SET people = c.people + excluded.people

-- name: counts
SELECT step_id, COALESCE(sum(people) FILTER (WHERE outcome = 'entered'), 0)::bigint AS entered,
       COALESCE(sum(people) FILTER (WHERE outcome = 'waiting'), 0)::bigint AS waiting,
       COALESCE(jsonb_agg(jsonb_build_object('outcome', outcome, 'reason', reason, 'people', people) ORDER BY outcome, reason)
                FILTER (WHERE outcome NOT IN ('entered', 'waiting')), '[]') AS outcomes
  FROM (SELECT step_id, outcome, reason, sum(people)::bigint AS people FROM automations_count
         WHERE workspace_id = $1 AND automation_id = $2 AND ($3::integer IS NULL OR version = $3)
         GROUP BY step_id, outcome, reason HAVING sum(people) <> 0) AS c
 GROUP BY step_id ORDER BY step_id

-- name: inside
-- Whoever entered and is not out again.
SELECT c.automation_id, sum(CASE WHEN c.outcome = 'entered' THEN c.people ELSE -c.people END)::bigint AS people
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
        SELECT * FROM automations_count WHERE workspace_id = $1 AND automation_id = n.id AND step_id = '' OFFSET 0) AS c
 GROUP BY c.automation_id

-- name: overview
SELECT {automation}, c.inside, c.sent, c.goal
  FROM automations_automation AS a
 CROSS JOIN LATERAL (
        SELECT COALESCE(sum(CASE WHEN outcome = 'entered' THEN people ELSE -people END) FILTER (WHERE step_id = ''), 0)::bigint AS inside,
               COALESCE(sum(people) FILTER (WHERE step_id <> '' AND outcome = 'sent'), 0)::bigint AS sent,
               COALESCE(sum(people) FILTER (WHERE step_id = '' AND outcome = 'goal'), 0)::bigint AS goal
          FROM automations_count WHERE workspace_id = $1 AND automation_id = a.id) AS c
 WHERE workspace_id = $1 AND removed_at IS NULL ORDER BY created_at, id

-- name: inside_of
-- Those of these customers who are in one of these automations; nobody else moves them meanwhile.
SELECT {run} FROM automations_run
 WHERE workspace_id = $1 AND id = ANY (ARRAY(
       SELECT r.id FROM unnest($2::uuid[]) AS n (id)
        CROSS JOIN LATERAL (
              SELECT id, automation_id, state FROM automations_run
               WHERE workspace_id = $1 AND customer_id = n.id OFFSET 0) AS r
        WHERE r.automation_id = ANY ($3::uuid[]) AND r.state IN ('active', 'waiting')))
 ORDER BY id FOR UPDATE

-- name: last_of
-- When each of these customers entered each of these automations last, and whether they are in it.
SELECT n.automation_id, n.customer_id, r.entered_at, r.state
  FROM unnest($2::uuid[], $3::uuid[]) AS n (automation_id, customer_id)
 CROSS JOIN LATERAL (
        SELECT entered_at, state FROM automations_run
         WHERE workspace_id = $1 AND customer_id = n.customer_id AND automation_id = n.automation_id
         ORDER BY entered_at DESC LIMIT 1) AS r

-- name: due_runs
SELECT {run} FROM automations_run
 WHERE workspace_id = $1 AND id = ANY (ARRAY(
       SELECT id FROM automations_run
        WHERE workspace_id = $1 AND wakes_at IS NOT NULL AND NOT held AND wakes_at <= $2 ORDER BY wakes_at LIMIT (SELECT $3::integer)))
 ORDER BY id FOR UPDATE

-- name: next_wake
SELECT wakes_at FROM automations_run WHERE workspace_id = $1 AND wakes_at > '-infinity' AND NOT held ORDER BY wakes_at LIMIT 1

-- part: insert_runs
-- What runs have in common (a shape) is sent once.
INSERT INTO automations_run (workspace_id, id, automation_id, version, customer_id, cause_id, cause_topic, depth, at_step,
       arrived_at, state, reason, entered_at, wakes_at, waits_for, held, ended_at)
SELECT $1, n.id, ($6::uuid[])[n.shape], ($7::integer[])[n.shape], n.customer_id, n.cause_id, ($8::text[])[n.shape],
       ($9::integer[])[n.shape], ($10::text[])[n.shape], ($11::timestamptz[])[n.shape], ($13::text[])[n.shape],
       ($14::text[])[n.shape], ($12::timestamptz[])[n.shape], ($15::timestamptz[])[n.shape], ($16::text[])[n.shape],
       ($17::boolean[])[n.shape], ($18::timestamptz[])[n.shape]
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::integer[]) AS n (id, customer_id, cause_id, shape)

-- name: enter_runs
{insert_runs}

-- name: save_runs
{insert_runs}
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET at_step = excluded.at_step, arrived_at = excluded.arrived_at, state = excluded.state, reason = excluded.reason,
       wakes_at = excluded.wakes_at, waits_for = excluded.waits_for, ended_at = excluded.ended_at

-- name: insert_passages
INSERT INTO automations_passage (workspace_id, {passage})
SELECT $1, n.id, n.run_id, ($5::uuid[])[n.shape], ($6::integer[])[n.shape], ($7::text[])[n.shape], ($8::text[])[n.shape],
       ($9::text[])[n.shape], $10
  FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS n (id, run_id, shape)

-- name: settle
-- What became of messages; of each what it was before, too.
UPDATE automations_passage AS p SET outcome = o.outcome, reason = o.reason
  FROM (SELECT l.id, l.outcome AS was, l.reason AS was_reason, n.outcome, n.reason
          FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (id, outcome, reason)
          JOIN (SELECT id, outcome, reason FROM automations_passage
                 WHERE workspace_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE) AS l ON l.id = n.id) AS o
 WHERE p.workspace_id = $1 AND p.id = ANY($2::uuid[]) AND p.id = o.id
RETURNING p.automation_id, p.version, p.step_id, o.was, o.was_reason, p.outcome, p.reason

-- name: runs_of_messages
SELECT p.id AS message_id, r.{run}, a.paused
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT id, run_id FROM automations_passage WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS p
 CROSS JOIN LATERAL (SELECT * FROM automations_run WHERE workspace_id = $1 AND id = p.run_id OFFSET 0) AS r
 CROSS JOIN LATERAL (SELECT state = 'paused' AND removed_at IS NULL AS paused FROM automations_automation
                      WHERE workspace_id = $1 AND id = r.automation_id OFFSET 0) AS a

-- name: end_runs
-- Of those who are inside; what they were before, too.
UPDATE automations_run AS r SET state = $3, reason = $4, wakes_at = NULL, waits_for = '', ended_at = $5
  FROM (SELECT l.id, l.state FROM unnest($2::uuid[]) AS n (id)
         CROSS JOIN LATERAL (
               SELECT id, state FROM automations_run WHERE workspace_id = $1 AND id = n.id AND {inside} FOR UPDATE) AS l) AS o
 WHERE r.workspace_id = $1 AND r.id = o.id
RETURNING r.automation_id, r.version, r.at_step, o.state AS was

-- name: runs
SELECT {run} FROM automations_run
 WHERE workspace_id = $1 AND automation_id = $2 AND id < $3 AND ($5::text IS NULL OR state = $5) ORDER BY id DESC LIMIT $4

-- name: runs_at
SELECT {run} FROM automations_run
 WHERE workspace_id = $1 AND automation_id = $2 AND id < $3 AND at_step = $5 AND {inside} ORDER BY id DESC LIMIT $4

-- name: runs_of_customer
SELECT a.name, r.version, r.at_step, r.state, r.entered_at, r.ended_at FROM automations_run AS r
  JOIN automations_automation AS a ON a.workspace_id = $1 AND a.id = r.automation_id
 WHERE r.workspace_id = $1 AND r.customer_id = $2 ORDER BY r.entered_at DESC LIMIT $3

-- name: runs_of_causes
SELECT {run} FROM automations_run
 WHERE workspace_id = $1 AND customer_id = $2 AND cause_id = ANY ($3::uuid[]) ORDER BY id LIMIT $4

-- name: passed
-- Who came through a step, with what became of it; as long as deliveries are kept.
SELECT p.{passage}, r.customer_id FROM automations_passage AS p
 CROSS JOIN LATERAL (SELECT customer_id FROM automations_run WHERE workspace_id = $1 AND id = p.run_id OFFSET 0) AS r
 WHERE p.workspace_id = $1 AND p.automation_id = $2 AND p.step_id = $5 AND p.id < $3
   AND p.id >= (SELECT first_id FROM tenancy_kept WHERE workspace_id = $1 AND kind = 'deliveries')
   AND ($6::text IS NULL OR p.outcome = $6) ORDER BY p.id DESC LIMIT $4

-- name: held_up
-- Counted up to $3 of each automation.
SELECT n.id AS automation_id, f.reason, count(*) AS people
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
        SELECT reason FROM automations_run
         WHERE workspace_id = $1 AND automation_id = n.id AND state = 'waiting' AND reason <> '' LIMIT $3) AS f
 GROUP BY n.id, f.reason ORDER BY n.id, f.reason

-- name: twice_inside
-- Where both are inside.
SELECT o.id FROM (SELECT * FROM automations_run WHERE workspace_id = $1 AND customer_id = $2 OFFSET 0) AS o
 CROSS JOIN LATERAL (
        SELECT state FROM automations_run
         WHERE workspace_id = $1 AND customer_id = $3 AND automation_id = o.automation_id OFFSET 0) AS i
 WHERE o.state IN ('active', 'waiting') AND i.state IN ('active', 'waiting')

-- name: move
UPDATE automations_run SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2

-- name: ids_inside
SELECT r.id FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
        SELECT id, state FROM automations_run WHERE workspace_id = $1 AND customer_id = n.id OFFSET 0) AS r
 WHERE r.state IN ('active', 'waiting')
