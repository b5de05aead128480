-- What is due later: one row each, whatever it is. The key says which one of its kind.

CREATE TABLE schedule_due (
    workspace_id uuid NOT NULL,
    kind         text NOT NULL,                 -- whose handler is run: 'imports.expiry'
    key          text NOT NULL,
    due_at       timestamptz NOT NULL,
    payload      jsonb NOT NULL,
    aside_id     uuid,                          -- of its being set aside, since its handler fails; null: it is not
    aside_at     timestamptz,
    reason       text NOT NULL DEFAULT '',      -- why it was, in words
    PRIMARY KEY (workspace_id, kind, key)
) WITH (
    -- Every row is deleted in the end: the loop should not wade through what is left of them.
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 5000
);
-- A shop's own that are due, oldest first, however many others have.
CREATE INDEX schedule_due_of_shop ON schedule_due (workspace_id, kind, due_at) WHERE aside_id IS NULL;
-- The look of the loop: of each kind the first.
CREATE INDEX schedule_due_first ON schedule_due (kind, due_at) INCLUDE (workspace_id) WHERE aside_id IS NULL;
CREATE INDEX schedule_due_aside ON schedule_due (workspace_id, aside_id) WHERE aside_id IS NOT NULL;
