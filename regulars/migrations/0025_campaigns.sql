-- Messages to many at once: who gets one, and what came of it.

CREATE TABLE campaigns_campaign (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    channel      text NOT NULL CHECK (channel IN ('email', 'sms', 'whatsapp')),
    state        text NOT NULL CHECK (state IN ('draft', 'scheduled', 'building', 'sending', 'paused', 'finished',
                                                'cancelled')),
    state_reason text NOT NULL DEFAULT '',
    goes_on_as   text NOT NULL DEFAULT '',      -- of a paused one
    terms        jsonb NOT NULL,                -- campaigns.Terms: to whom, what, when
    built_to     uuid,                          -- so far its recipients were looked for
    recipients   bigint NOT NULL DEFAULT 0,
    pace         double precision NOT NULL DEFAULT 0, -- messages a second, lately
    pace_done    bigint NOT NULL DEFAULT 0,
    pace_at      timestamptz NOT NULL,
    launched_at  timestamptz,
    began_at     timestamptz,
    finished_at  timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE campaigns_recipient (
    workspace_id uuid NOT NULL,
    campaign_id  uuid NOT NULL,
    customer_id  uuid NOT NULL,
    variant      smallint NOT NULL,
    due_at       timestamptz NOT NULL,
    message_id   uuid,                          -- null: not reserved yet
    PRIMARY KEY (workspace_id, campaign_id, customer_id)
);
CREATE INDEX campaigns_recipient_open ON campaigns_recipient (workspace_id, campaign_id, due_at, customer_id)
    WHERE message_id IS NULL;

-- How many were sent, skipped (with why), opened and so on in an hour, so that nobody counts messages.
CREATE TABLE campaigns_tally (
    workspace_id uuid NOT NULL,
    campaign_id  uuid NOT NULL,
    template_id  uuid NOT NULL,
    what         text NOT NULL,
    code         text NOT NULL DEFAULT '',
    slot         timestamptz NOT NULL,
    many         bigint NOT NULL,
    PRIMARY KEY (workspace_id, campaign_id, template_id, what, code, slot)
);

CREATE INDEX messages_message_under_way ON messages_message (workspace_id, source_id) WHERE state = 'queued';

-- What a report needs of messages, and of orders that count; and whose messages are, for their deliveries to be found.
CREATE VIEW messages_came AS
    SELECT workspace_id, id, template_id, state, reason, reason_code, sent_at, opened_at, clicked_at, customer_id
      FROM messages_message;

CREATE VIEW orders_placed AS
    SELECT workspace_id, customer_id, placed_at, currency_code, amount_minor FROM orders_order
     WHERE status <> 'cancelled' AND financial_status NOT IN ('refunded', 'voided');
