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
    coupons_used bigint NOT NULL DEFAULT 0,
    coupon_revenue_minor bigint NOT NULL DEFAULT 0, -- what is left of the orders they were used for, in the shop's currency
    buyers       bigint NOT NULL DEFAULT 0,     -- customers who ordered
    buyers_again bigint NOT NULL DEFAULT 0,     -- those of them who had ordered before
    PRIMARY KEY (workspace_id, starts_at, ends_at)
);

-- What of each wallet came in and went out on such a day, where anything did.
CREATE TABLE days_coins (
    workspace_id uuid NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    kind         text NOT NULL,                 -- 'coins', 'credits'
    earned       bigint NOT NULL,
    adjusted     bigint NOT NULL,               -- by hand, what was taken is below zero
    given_back   bigint NOT NULL,
    spent        bigint NOT NULL,
    expired      bigint NOT NULL,
    clawed_back  bigint NOT NULL,               -- of what the customers had
    owed         bigint NOT NULL,               -- clawed back of what they had no more
    debts_paid   bigint NOT NULL,
    PRIMARY KEY (workspace_id, starts_at, ends_at, kind)
);

-- What customers had when a day was counted last, by the month in which it was earned and in which it expires.
CREATE TABLE days_standing (
    workspace_id uuid NOT NULL,
    kind         text NOT NULL,
    earned_in    date NOT NULL,
    expires_in   date NOT NULL,                 -- 'infinity': never, by itself
    amount       bigint NOT NULL,
    lots         bigint NOT NULL,
    counted_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, kind, earned_in, expires_in)
);
