-- Friends whom customers brought along.

CREATE TABLE referrals_referral (
    workspace_id     uuid NOT NULL,
    id               uuid NOT NULL,
    referrer_id      uuid NOT NULL,
    friend_id        uuid,                        -- the friend as a customer; null: merged into somebody else's friend
    mode             text NOT NULL CHECK (mode IN ('link', 'email', 'mobile', 'coupon')),
    state            text NOT NULL CHECK (state IN ('invited', 'claimed', 'qualified', 'pending', 'completed', 'rejected',
                                                    'reversed')),
    review           text NOT NULL CHECK (review IN ('', 'waiting', 'approved', 'rejected')),
    name             text NOT NULL,
    email            text NOT NULL,
    mobile           text NOT NULL,
    email_key        text NOT NULL COLLATE "C",   -- the address without case, dots and tags
    phone            text NOT NULL COLLATE "C",   -- the number as E.164
    address          text NOT NULL COLLATE "C",   -- hashes of where the claim came from, and of its browser
    device           text NOT NULL COLLATE "C",
    verdicts         jsonb NOT NULL,              -- what was seen that is suspicious: sign -> words
    reason           text NOT NULL,               -- why it was rejected or reversed, in words
    actor            text NOT NULL,               -- who decided that by hand
    order_id         uuid,
    friend_coupon_id uuid,
    coupon_id        uuid,                        -- the referrer's reward, one or the other
    txn_id           uuid,
    round            integer NOT NULL,            -- how often the referrer's reward was to be given anew
    reminded         integer NOT NULL,
    reminded_at      timestamptz,
    claimed_at       timestamptz,
    qualified_at     timestamptz,
    due_at           timestamptz,                 -- when the order can't be given back any more
    completed_at     timestamptz,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    version          integer NOT NULL,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX referrals_by_friend ON referrals_referral (workspace_id, friend_id) WHERE friend_id IS NOT NULL;
CREATE UNIQUE INDEX referrals_by_email ON referrals_referral (workspace_id, email_key) WHERE email_key <> '';
CREATE UNIQUE INDEX referrals_by_phone ON referrals_referral (workspace_id, phone) WHERE phone <> '';
CREATE INDEX referrals_by_order ON referrals_referral (workspace_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX referrals_by_referrer ON referrals_referral (workspace_id, referrer_id, id);
CREATE INDEX referrals_by_day ON referrals_referral (workspace_id, referrer_id, created_at);
CREATE INDEX referrals_by_state ON referrals_referral (workspace_id, state, id);
CREATE INDEX referrals_by_review ON referrals_referral (workspace_id, review, id) WHERE review <> '';
CREATE INDEX referrals_by_address ON referrals_referral (workspace_id, address, claimed_at) WHERE address <> '';
CREATE INDEX referrals_by_device ON referrals_referral (workspace_id, device) WHERE device <> '';

-- Who has brought how many, and when.
CREATE VIEW referrals_completed AS
    SELECT workspace_id, referrer_id, completed_at FROM referrals_referral WHERE state = 'completed';
