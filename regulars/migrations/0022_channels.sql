-- From where messages are sent.

CREATE TABLE channels_sender (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,                 -- also the id of its lane
    hook_id      uuid NOT NULL,                 -- ends the addresses at which its provider reports; drawn at random
    tool         text NOT NULL,                 -- 'smtp', 'twilio', 'whatsapp': the name in the manifest
    channel      text NOT NULL CHECK (channel IN ('email', 'sms', 'whatsapp')),
    name         text NOT NULL,
    settings     jsonb NOT NULL,                -- the manifest's open fields, and the address at which a code was read
    secrets      bytea NOT NULL,                -- the manifest's secret fields, encrypted
    state        text NOT NULL CHECK (state IN ('new', 'ready', 'paused')),
    state_reason text NOT NULL DEFAULT '',
    code_hash    bytea,                         -- of the code that was mailed to its address last
    code_until   timestamptz,
    code_tries   smallint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    archived_at  timestamptz,                   -- kept without its secrets, so that what was sent can still name it
    PRIMARY KEY (workspace_id, id)
);
-- A report names nothing but itself, so it is looked for in all workspaces.
CREATE INDEX channels_sender_hook ON channels_sender (hook_id) WHERE archived_at IS NULL;
