-- What is said to customers, to whom it may be said, and what was.

CREATE TABLE messages_template (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    channel      text NOT NULL CHECK (channel IN ('email', 'sms', 'whatsapp')),
    topic        text NOT NULL DEFAULT '',        -- the event it is written for, '' for none
    version      integer NOT NULL,
    content      jsonb NOT NULL,                  -- of the newest version
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    removed_at   timestamptz,                     -- what was sent of it still names it
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE messages_version (
    workspace_id uuid NOT NULL,
    template_id  uuid NOT NULL,
    version      integer NOT NULL,
    content      jsonb NOT NULL,
    actor        text NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, template_id, version)
);

-- What somebody said themselves, or somebody for them. Without a row, what the shop knows of the customer holds.
CREATE TABLE messages_consent (
    workspace_id uuid NOT NULL,
    customer_id  uuid NOT NULL,
    channel      text NOT NULL CHECK (channel IN ('email', 'sms', 'whatsapp')),
    state        text NOT NULL CHECK (state IN ('yes', 'no', 'asked')),
    source       text NOT NULL,                   -- who said so, or where
    at           timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, customer_id, channel)
);

-- Addresses that nothing is sent to, whoever has them; known by a hash, so that one stays so when its owner is erased.
CREATE TABLE messages_suppression (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    channel      text NOT NULL CHECK (channel IN ('email', 'sms', 'whatsapp')),
    hash         text NOT NULL COLLATE "C",       -- as events_rendering makes them: of the folded address
    address      text NOT NULL DEFAULT '',        -- '' once its owner was erased
    reason       text NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX messages_suppression_of_address ON messages_suppression (workspace_id, channel, hash);

CREATE TABLE messages_message (
    workspace_id     uuid NOT NULL,
    id               uuid NOT NULL,               -- its delivery's, too
    customer_id      uuid NOT NULL,
    channel          text NOT NULL CHECK (channel IN ('email', 'sms', 'whatsapp')),
    sender_id        uuid NOT NULL,
    template_id      uuid,                        -- without one, the question whether an address is theirs
    template_version integer NOT NULL DEFAULT 0,
    source_kind      text NOT NULL,
    source_id        uuid,
    cause_id         uuid,                        -- the event that it is about
    address          text NOT NULL DEFAULT '',    -- where a test goes, '' for the customer's own
    state            text NOT NULL CHECK (state IN ('queued', 'sent', 'skipped', 'failed', 'uncertain')),
    reason           text NOT NULL DEFAULT '',    -- why it was not sent, in words
    reason_code      text NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL,
    too_late_at      timestamptz,                 -- what was not sent by then is not sent
    sent_at          timestamptz,
    said             jsonb NOT NULL DEFAULT '{}', -- what its variables stood for when it was sent
    opens            integer NOT NULL DEFAULT 0,  -- by people
    clicks           integer NOT NULL DEFAULT 0,
    scans            integer NOT NULL DEFAULT 0,  -- by what looks into mail for people
    opened_at        timestamptz,                 -- first
    clicked_at       timestamptz,
    hit_at           timestamptz,                 -- last, by whomever
    hit_counted      boolean NOT NULL DEFAULT false, -- whether that was taken for a person's click
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX messages_message_of_customer ON messages_message (workspace_id, customer_id, id);
CREATE INDEX messages_message_of_state ON messages_message (workspace_id, state, id);
CREATE INDEX messages_message_sent ON messages_message (workspace_id, customer_id, sent_at) WHERE sent_at IS NOT NULL;
