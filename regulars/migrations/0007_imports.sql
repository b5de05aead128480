-- What a server does with many rows beside its requests: takes in those of a file, which is kept while it is looked at;
-- applies a trigger to the orders that are in. What a worker does: tries a trigger on these.

CREATE TABLE imports_run (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('orders', 'customers', 'coins', 'reviews', 'application', 'backtest')),
    trigger_id   uuid,                          -- of an application or a back-test
    filename     text NOT NULL DEFAULT '',
    actor        text NOT NULL,                 -- who handed it over
    state        text NOT NULL CHECK (state IN ('uploaded', 'waiting', 'running', 'done', 'stopped', 'failed',
                                                'cancelled')),
    terms        jsonb,                         -- of a back-test: imports.Terms: what is tried
    encoding     jsonb,                         -- of a file: kit.tables.Encoding: as it was found
    format       jsonb,                         -- of a file: kit.csv_file.Format: as it was chosen
    replaces     boolean NOT NULL DEFAULT false, -- whether it wins over what is kept and newer
    size_total   bigint NOT NULL,               -- of the file in bytes, or how many orders
    size_done    bigint NOT NULL DEFAULT 0,
    progress     jsonb NOT NULL,                -- imports.Progress: what was done so far
    started_at   timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,          -- when a server last had it in hand
    PRIMARY KEY (workspace_id, id)
);
-- A shop does one at a time of those that write.
CREATE UNIQUE INDEX imports_run_running ON imports_run (workspace_id) WHERE state = 'running' AND kind <> 'backtest';
CREATE INDEX imports_run_due ON imports_run (id) WHERE kind = 'backtest' AND state IN ('waiting', 'running');
CREATE INDEX imports_run_of_trigger ON imports_run (workspace_id, trigger_id, id) WHERE trigger_id IS NOT NULL;
CREATE INDEX imports_run_uploaded ON imports_run (workspace_id, id) WHERE state = 'uploaded';

-- The files themselves, in pieces, so that whichever server is asked can read them. Gone when they are taken in, or
-- after a day.
CREATE TABLE imports_part (
    workspace_id uuid NOT NULL,
    run_id       uuid NOT NULL,
    number       integer NOT NULL,
    bytes        bytea NOT NULL,
    PRIMARY KEY (workspace_id, run_id, number)
);
