-- What two shops agreed on: a row in each of them, of one id. One has an offer, the other sells it to its own customers.

CREATE TABLE rewards_partnership (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    side         text NOT NULL CHECK (side IN ('gives', 'sells')),
    partner_id   uuid NOT NULL,                 -- the other workspace
    partner      text NOT NULL,                 -- what it is called
    offer_id     uuid NOT NULL,                 -- of the shop that gives
    offer        text NOT NULL,                 -- what it takes off, in words
    stand_in     uuid,                          -- the offer that stands for it in the shop that sells, once it may
    coins        bigint NOT NULL,               -- what that shop takes for it, of its own; 0: it is only given
    currency     text NOT NULL,                 -- of both
    status       text NOT NULL CHECK (status IN ('asked', 'accepted', 'refused', 'ended')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX rewards_partnership_sole ON rewards_partnership (workspace_id, side, partner_id, offer_id)
    WHERE status IN ('asked', 'accepted');
CREATE UNIQUE INDEX rewards_partnership_stand_in ON rewards_partnership (workspace_id, stand_in)
    WHERE side = 'sells';
