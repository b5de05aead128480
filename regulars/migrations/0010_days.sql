-- What was written down on each day of a shop, counted once, when the day is over: it does not change any more. A day is
-- known by its beginning and its end, so that days of another time zone are other days.

CREATE TABLE days_day (
    workspace_id uuid NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    customers    bigint NOT NULL,               -- created
    orders       bigint NOT NULL,
    events       bigint NOT NULL,
    coins_given  bigint NOT NULL,
    coins_spent  bigint NOT NULL,               -- or taken
    deliveries   bigint NOT NULL,               -- that arrived
    PRIMARY KEY (workspace_id, starts_at, ends_at)
);
