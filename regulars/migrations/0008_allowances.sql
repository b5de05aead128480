-- What a key may still call, and an e-mail address still guess: shared by all processes, and full again after a crash.

CREATE UNLOGGED TABLE kit_allowance (
    workspace_id uuid NOT NULL,                 -- all zeros for what is of no workspace
    name         text NOT NULL,
    left_over    double precision NOT NULL,
    granted      integer NOT NULL,              -- by the newest draw
    drawn_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, name)
) WITH (fillfactor = 50);
CREATE INDEX kit_allowance_by_time ON kit_allowance (workspace_id, drawn_at);

-- When each loop of the workers last came to a good end of a round.
CREATE UNLOGGED TABLE kit_loop (
    workspace_id uuid NOT NULL,                 -- all zeros: loops are of no workspace
    name         text NOT NULL,
    turned_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, name)
) WITH (fillfactor = 50);
