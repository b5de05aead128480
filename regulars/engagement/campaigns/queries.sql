-- part: campaign
id, name, channel, state, state_reason, goes_on_as, terms, built_to, recipients, pace, launched_at, began_at, finished_at,
created_at, updated_at

-- name: campaigns
SELECT {campaign} FROM campaigns_campaign WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3

-- name: campaign
SELECT {campaign} FROM campaigns_campaign WHERE workspace_id = $1 AND id = $2

-- name: lock_campaign
SELECT {campaign} FROM campaigns_campaign WHERE workspace_id = $1 AND id = $2 FOR UPDATE

-- name: states
SELECT c.id, c.state, c.terms ->> 'trigger_id' AS trigger_id
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT id, state, terms FROM campaigns_campaign WHERE workspace_id = $1 AND id = n.id OFFSET 0) AS c

-- name: save_campaign
INSERT INTO campaigns_campaign (workspace_id, {campaign}, pace_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $15)
    ON CONFLICT (workspace_id, id) DO UPDATE
   SET name = excluded.name, channel = excluded.channel, state = excluded.state, state_reason = excluded.state_reason,
       goes_on_as = excluded.goes_on_as, terms = excluded.terms, built_to = excluded.built_to,
       recipients = excluded.recipients, launched_at = excluded.launched_at, began_at = excluded.began_at,
       finished_at = excluded.finished_at, updated_at = excluded.updated_at

-- name: delete_campaign
DELETE FROM campaigns_campaign WHERE workspace_id = $1 AND id = $2

-- name: build
-- So many of those whom it is to, after the last one that was looked at ($4): of a segment, or of everybody, where its
-- first condition says which; without those of another. Whoever is in two variants' draw is in the same one each time.
WITH looked_at AS MATERIALIZED (
    (SELECT m.customer_id AS id FROM segments_membership AS m
      WHERE $2::uuid IS NOT NULL AND m.workspace_id = $1 AND m.segment_id = $2 AND m.customer_id > $4
      ORDER BY m.customer_id LIMIT $5)
    UNION ALL
    (SELECT c.id FROM customers_living AS c
      WHERE $2::uuid IS NULL AND c.workspace_id = $1 AND c.id > $4 ORDER BY c.id LIMIT $5)
), put AS (
    INSERT INTO campaigns_recipient (workspace_id, campaign_id, customer_id, variant, due_at)
    SELECT $1, $6, l.id, CASE WHEN (uuid_hash_extended(l.id, $7) & 65535) % 100 < $8 THEN 0 ELSE 1 END,
           CASE WHEN c.country IS NULL THEN $9
                ELSE COALESCE((SELECT z.due_at FROM unnest($10::text[], $11::timestamptz[]) AS z (country, due_at)
                                WHERE z.country = c.country), $9) END
      FROM looked_at AS l
      LEFT JOIN LATERAL (
            SELECT country FROM customers_living
             WHERE cardinality($10::text[]) > 0 AND workspace_id = $1 AND id = l.id OFFSET 0) AS c ON true
     WHERE $3::uuid IS NULL OR NOT EXISTS (
           SELECT FROM segments_membership AS x WHERE x.workspace_id = $1 AND x.customer_id = l.id AND x.segment_id = $3)
        ON CONFLICT (workspace_id, campaign_id, customer_id) DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM put) AS put, (SELECT count(*) FROM looked_at) AS seen,
       (SELECT id FROM looked_at ORDER BY id DESC LIMIT 1) AS last_id

-- name: count_to
SELECT (SELECT count(*) FROM segments_membership AS m
         WHERE $2::uuid IS NOT NULL AND m.workspace_id = $1 AND m.segment_id = $2
           AND ($3::uuid IS NULL OR NOT EXISTS (
                SELECT FROM segments_membership AS x
                 WHERE x.workspace_id = $1 AND x.customer_id = m.customer_id AND x.segment_id = $3)))
     + (SELECT count(*) FROM customers_living AS c
         WHERE $2::uuid IS NULL AND c.workspace_id = $1
           AND ($3::uuid IS NULL OR NOT EXISTS (
                SELECT FROM segments_membership AS x
                 WHERE x.workspace_id = $1 AND x.customer_id = c.id AND x.segment_id = $3)))

-- name: next_recipients
SELECT customer_id, variant, due_at FROM campaigns_recipient
 WHERE workspace_id = $1 AND campaign_id = $2 AND message_id IS NULL AND due_at <= $3
 ORDER BY due_at, customer_id LIMIT $4 FOR UPDATE

-- name: next_due
SELECT due_at FROM campaigns_recipient
 WHERE workspace_id = $1 AND campaign_id = $2 AND message_id IS NULL ORDER BY due_at, customer_id LIMIT 1

-- name: last_due
SELECT due_at FROM campaigns_recipient
 WHERE workspace_id = $1 AND campaign_id = $2 AND message_id IS NULL ORDER BY due_at DESC, customer_id DESC LIMIT 1

-- name: reserve
-- They are there: found one by one by their keys.
INSERT INTO campaigns_recipient (workspace_id, campaign_id, customer_id, variant, due_at, message_id)
SELECT $1, $2, n.* FROM unnest($3::uuid[], $4::smallint[], $5::timestamptz[], $6::uuid[]) AS n
    ON CONFLICT (workspace_id, campaign_id, customer_id) DO UPDATE SET message_id = excluded.message_id

-- name: keep_pace
UPDATE campaigns_campaign AS c
   SET pace = GREATEST(0, n.done - c.pace_done) / extract(epoch FROM $3::timestamptz - c.pace_at),
       pace_done = n.done, pace_at = $3
  FROM (SELECT COALESCE(sum(many), 0)::bigint AS done FROM campaigns_tally
         WHERE workspace_id = $1 AND campaign_id = $2 AND what = ANY ('{sent,skipped,failed,uncertain}')) AS n
 WHERE c.workspace_id = $1 AND c.id = $2 AND c.pace_at <= $3::timestamptz - make_interval(secs => $4)

-- name: count
INSERT INTO campaigns_tally AS t (workspace_id, campaign_id, template_id, what, code, slot, many)
SELECT $1, n.* FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[])
    AS n (campaign_id, template_id, what, code, slot, many) ORDER BY 2, 3, 4, 5, 6
    ON CONFLICT (workspace_id, campaign_id, template_id, what, code, slot) DO UPDATE SET many = t.many + excluded.many

-- name: tallies
SELECT t.campaign_id, t.template_id, t.what, t.code, sum(t.many)::bigint AS many
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT * FROM campaigns_tally WHERE workspace_id = $1 AND campaign_id = n.id OFFSET 0) AS t
 GROUP BY t.campaign_id, t.template_id, t.what, t.code

-- name: by_slot
SELECT slot, what, sum(many)::bigint AS many FROM campaigns_tally
 WHERE workspace_id = $1 AND campaign_id = $2 AND what = ANY ('{sent,opened,clicked,orders}')
 GROUP BY what, slot ORDER BY slot

-- name: drop_followed
DELETE FROM campaigns_tally WHERE workspace_id = $1 AND campaign_id = $2 AND what = ANY ('{orders,worth_minor}')

-- name: followed
-- Orders after a message that was sent, within so many days of it ($5), found from the orders: there are fewer of them.
WITH found AS MATERIALIZED (
    SELECT m.template_id, date_trunc('hour', o.placed_at) AS slot, o.amount_minor
      FROM orders_placed AS o
     CROSS JOIN LATERAL (
           SELECT message_id FROM campaigns_recipient
            WHERE workspace_id = $1 AND campaign_id = $2 AND customer_id = o.customer_id AND message_id IS NOT NULL
           OFFSET 0) AS r
     CROSS JOIN LATERAL (
           SELECT template_id, sent_at FROM messages_came
            WHERE workspace_id = $1 AND id = r.message_id AND state = 'sent' OFFSET 0) AS m
     WHERE o.workspace_id = $1 AND o.placed_at >= $3 AND o.placed_at < $4 AND o.currency_code = $6
       AND o.placed_at >= m.sent_at AND o.placed_at < m.sent_at + make_interval(days => $5)
)
INSERT INTO campaigns_tally (workspace_id, campaign_id, template_id, what, code, slot, many)
SELECT $1, $2, template_id, 'orders', '', slot, count(*) FROM found GROUP BY template_id, slot
 UNION ALL
SELECT $1, $2, template_id, 'worth_minor', '', slot, sum(amount_minor)::bigint FROM found GROUP BY template_id, slot

-- name: recipients
-- So many are looked at ($4), and of those with a state ($5) so many shown ($7). Whoever has no message is $6.
WITH looked_at AS MATERIALIZED (
    SELECT customer_id, variant, message_id, due_at FROM campaigns_recipient
     WHERE workspace_id = $1 AND campaign_id = $2 AND customer_id < $3 ORDER BY customer_id DESC LIMIT $4
), found AS (
    SELECT l.customer_id, l.variant, l.message_id, l.due_at, COALESCE(m.state, $6) AS state,
           COALESCE(m.reason, '') AS reason, COALESCE(m.reason_code, '') AS reason_code, m.sent_at, m.opened_at,
           m.clicked_at
      FROM looked_at AS l
      LEFT JOIN LATERAL (
            SELECT state, reason, reason_code, sent_at, opened_at, clicked_at FROM messages_came
             WHERE workspace_id = $1 AND id = l.message_id OFFSET 0) AS m ON true
     WHERE $5::text IS NULL OR ($5 = 'opened' AND m.opened_at IS NOT NULL)
        OR ($5 = 'clicked' AND m.clicked_at IS NOT NULL) OR COALESCE(m.state, $6) = $5
     ORDER BY l.customer_id DESC LIMIT $7
)
SELECT f.customer_id, f.variant, f.message_id, f.due_at, f.state, f.reason, f.reason_code, f.sent_at, f.opened_at,
       f.clicked_at, s.seen, s.last_id
  FROM (SELECT (SELECT count(*) FROM looked_at) AS seen,
               (SELECT customer_id FROM looked_at ORDER BY customer_id LIMIT 1) AS last_id) AS s
  LEFT JOIN found AS f ON true
 ORDER BY f.customer_id DESC

-- part: going_on
SELECT id FROM campaigns_campaign WHERE workspace_id = $1 AND state = ANY ('{building,sending,paused}')

-- name: move
-- Of campaigns that are under way: whoever was both is one, and has one message.
WITH gone AS (
    DELETE FROM campaigns_recipient
     WHERE workspace_id = $1 AND customer_id = $2 AND campaign_id = ANY (ARRAY({going_on}))
    RETURNING campaign_id, variant, due_at, message_id
)
INSERT INTO campaigns_recipient AS r (workspace_id, campaign_id, customer_id, variant, due_at, message_id)
SELECT $1, campaign_id, $3, variant, due_at, message_id FROM gone
    ON CONFLICT (workspace_id, campaign_id, customer_id) DO UPDATE
   SET message_id = COALESCE(r.message_id, excluded.message_id)

-- name: forget
DELETE FROM campaigns_recipient
 WHERE workspace_id = $1 AND customer_id = ANY ($2::uuid[]) AND message_id IS NULL
   AND campaign_id = ANY (ARRAY({going_on}))
