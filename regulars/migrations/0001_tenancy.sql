-- Workspaces (one per shop), their API keys and staff.

CREATE TABLE tenancy_workspace (
    workspace_id    uuid PRIMARY KEY,
    chosen_id       text,                       -- what the shop calls it in place of that UUID
    name            text NOT NULL,
    uri             text NOT NULL DEFAULT '',
    time_zone       text NOT NULL DEFAULT 'UTC',
    currency_code   text NOT NULL DEFAULT 'usd',
    currency_symbol text NOT NULL DEFAULT '$',
    coin_name       text NOT NULL DEFAULT 'coins',
    events_on       boolean NOT NULL DEFAULT false,
    settings        jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    -- Storefront secrets are derived, one for each version; alive are those from the oldest to the newest: one or two.
    storefront_version integer NOT NULL DEFAULT 1,
    storefront_oldest  integer NOT NULL DEFAULT 1
);
-- No two have the same: whoever makes one looks first, and they take turns. No key could be over several nodes.
CREATE INDEX tenancy_workspace_chosen ON tenancy_workspace (chosen_id) WHERE chosen_id IS NOT NULL;

-- Published: all there are.
CREATE VIEW tenancy_shop AS SELECT workspace_id FROM tenancy_workspace;

CREATE TABLE tenancy_api_key (
    workspace_id uuid NOT NULL REFERENCES tenancy_workspace,
    id           uuid NOT NULL,
    name         text NOT NULL,
    access       text NOT NULL CHECK (access IN ('NONE', 'READ', 'WRITE')), -- to the merchant API
    purpose      text NOT NULL CHECK (purpose IN ('SERVER', 'STOREFRONT')),
    areas        jsonb NOT NULL DEFAULT '{}',   -- tenancy.model.Areas: to the management API
    hint         text NOT NULL,                 -- the first characters, to tell keys apart
    hash         bytea NOT NULL,                -- SHA-256 of the key; the key itself is never stored
    made_by      text NOT NULL,                 -- 'staff:<email>', 'key:<name>', 'cli'
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,                   -- to the minute
    revoked_at   timestamptz,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, hash)
);

CREATE TABLE tenancy_staff (
    workspace_id  uuid NOT NULL REFERENCES tenancy_workspace,
    id            uuid NOT NULL,
    email         text NOT NULL,
    name          text NOT NULL,
    role          text NOT NULL CHECK (role IN ('owner', 'editor', 'reader')),
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (email, workspace_id)
);

CREATE TABLE tenancy_session (
    workspace_id uuid NOT NULL,
    token_hash   bytea NOT NULL,
    staff_id     uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, token_hash),
    FOREIGN KEY (workspace_id, staff_id) REFERENCES tenancy_staff ON DELETE CASCADE
);

-- Who changed what in the dashboard or through the management API.
CREATE TABLE tenancy_audit (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    actor        text NOT NULL,                 -- 'staff:<email>', 'key:<name>', 'cli'
    act          text NOT NULL,                 -- 'trigger.update'
    target       text NOT NULL,
    detail       jsonb NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

-- The calls that carried an Idempotency-Key, kept for ever: none of them happens twice.
CREATE TABLE once_call (
    workspace_id uuid NOT NULL,
    key          text NOT NULL,
    fingerprint  bytea NOT NULL,                -- a keyed hash of route and body
    status       smallint NOT NULL,             -- the HTTP status that was answered
    answer_id    uuid NOT NULL,                 -- when it was answered, too: ids hold the time
    PRIMARY KEY (workspace_id, key)
);

CREATE TYPE once_call_row_1 AS (key text, fingerprint bytea, status smallint, answer_id uuid);

-- What they were answered, kept as long as the shop says. Partitioned by months: see kit/partitions.py.
CREATE TABLE once_answer (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    body         text NOT NULL,
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);

-- Published: from which id on a shop's rows of each kind are shown and answered, as it chose in its settings.
CREATE VIEW tenancy_kept AS
    SELECT w.workspace_id, k.kind,
           (lpad(to_hex((extract(epoch FROM now() - make_interval(months =>
               COALESCE((w.settings->'retention'->>(k.kind || '_months'))::integer, k.months)
           )) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid AS first_id
      FROM tenancy_workspace w
     CROSS JOIN (VALUES ('events', 13), ('deliveries', 6), ('firings', 13), ('answers', 3), ('hooks', 6)) AS k (kind, months);
