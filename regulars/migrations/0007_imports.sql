-- Files of orders that were handed to a server, which takes them in beside its requests.

CREATE TABLE imports_run (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    filename     text NOT NULL,
    actor        text NOT NULL,
    state        text NOT NULL CHECK (state IN ('running', 'done', 'stopped')),
    bytes_total  bigint NOT NULL,
    bytes_read   bigint NOT NULL DEFAULT 0,
    progress     jsonb NOT NULL,                -- imports.Progress: what was done so far
    started_at   timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,          -- when the server that runs it last said so
    PRIMARY KEY (workspace_id, id)
);
-- A shop takes in one file at a time.
CREATE UNIQUE INDEX imports_run_running ON imports_run (workspace_id) WHERE state = 'running';
