-- The book: a txn moves coins by transfers, each from one account to another. Rows of txn and transfer are insert-only; lots
-- and wallets are caches of them, changed in the same transaction under the wallet's lock.

CREATE TABLE ledger_wallet (
    workspace_id uuid NOT NULL,
    customer_id  uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('coins', 'credits')),
    available    bigint NOT NULL DEFAULT 0 CHECK (available >= 0),
    pending      bigint NOT NULL DEFAULT 0 CHECK (pending >= 0),
    held         bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    debt         bigint NOT NULL DEFAULT 0 CHECK (debt >= 0),
    credited     bigint NOT NULL DEFAULT 0,     -- consolidated_cr on the wire
    debited      bigint NOT NULL DEFAULT 0,     -- consolidated_dr on the wire
    txn_count    bigint NOT NULL DEFAULT 0,
    head_hash    bytea NOT NULL DEFAULT '',     -- hash of the wallet's newest txn
    due_at       timestamptz,                   -- when a lot of it next activates or expires, or a hold's time is over
    active_at    timestamptz,                   -- when it last moved, as expiry by inactivity counts
    merged_into  uuid,                          -- the customer to whom all of it went
    PRIMARY KEY (workspace_id, customer_id, kind)
) WITH (fillfactor = 70);
CREATE INDEX ledger_wallet_owing ON ledger_wallet (workspace_id, kind) WHERE debt > 0;

CREATE TABLE ledger_txn (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,
    customer_id     uuid NOT NULL,
    kind            text NOT NULL,
    seq             bigint NOT NULL,            -- the wallet's n-th txn, from 1
    act             text NOT NULL CHECK (act IN (
        'earn', 'spend', 'adjust', 'hold', 'capture', 'void', 'activate', 'expire', 'claw_back', 'give_back', 'merge')),
    type            text NOT NULL CHECK (type IN ('reward', 'redeem', 'adjust', 'expire', 'revert', 'referral', 'import')),
    operation       text NOT NULL CHECK (operation IN ('cr', 'dr')),
    amount          bigint NOT NULL CHECK (amount > 0 OR amount = 0 AND act IN ('claw_back', 'give_back', 'merge')),
    closing_balance bigint NOT NULL,
    credited        bigint NOT NULL,
    debited         bigint NOT NULL,
    title           text NOT NULL,
    description     text NOT NULL,
    status          text NOT NULL CHECK (status IN ('pending', 'success', 'cancelled')),
    reference       text NOT NULL,              -- what it is about: 'order:<id>', 'firing:<id>', ''
    trigger_id      uuid,
    trigger_version integer,
    source_txn_id   uuid,                       -- the txn that this one goes on with, or takes back
    target          bigint,                     -- how much of its source is taken or given back by now, or forgiven
    actor           text NOT NULL,
    key             text,                       -- natural idempotency key, or null
    wire_hash       text NOT NULL,              -- 40 hex digits, or what the caller gave
    hash_version    smallint NOT NULL,          -- which fields the hash covers, and how: ledger/hashing.py
    hash            bytea NOT NULL,             -- SHA-256 over this txn and the wallet's previous hash
    held_until      timestamptz,                -- a hold's time limit
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX ledger_txn_by_wallet ON ledger_txn (workspace_id, customer_id, kind, seq);
CREATE UNIQUE INDEX ledger_txn_by_key ON ledger_txn (workspace_id, key) WHERE key IS NOT NULL;
CREATE INDEX ledger_txn_by_source ON ledger_txn (workspace_id, source_txn_id) WHERE source_txn_id IS NOT NULL;
CREATE INDEX ledger_txn_holds ON ledger_txn (workspace_id, customer_id, kind) WHERE act = 'hold';
-- What was written within a stretch of time: rows lie in that order, so ranges of pages tell, at hardly any cost.
CREATE INDEX ledger_txn_recorded ON ledger_txn USING brin (recorded_at);
CREATE INDEX ledger_txn_of_order ON ledger_txn (workspace_id, reference) WHERE starts_with(reference, 'order:');

CREATE TABLE ledger_transfer (
    workspace_id uuid NOT NULL,
    txn_id       uuid NOT NULL,
    n            smallint NOT NULL,             -- its place in the txn, from 0
    from_account text NOT NULL CHECK (from_account IN (
        'pending', 'available', 'held', 'debt', 'issued', 'redeemed', 'expired', 'clawed_back', 'adjusted')),
    to_account   text NOT NULL CHECK (to_account IN (
        'pending', 'available', 'held', 'debt', 'issued', 'redeemed', 'expired', 'clawed_back', 'adjusted')),
    amount       bigint NOT NULL CHECK (amount > 0),
    lot_id       uuid,                          -- null: what pays a debt, or becomes one
    extends_to   timestamptz,                   -- the lot's expiry from now on, where it gets days of grace
    PRIMARY KEY (workspace_id, txn_id, n)
);
-- Where each coin of a lot went.
CREATE INDEX ledger_transfer_by_lot ON ledger_transfer (workspace_id, lot_id)
    WHERE from_account NOT IN ('issued', 'adjusted');

-- What one credit brought, under the id of its txn.
CREATE TABLE ledger_lot (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    customer_id  uuid NOT NULL,                 -- whose it is now: a merge moves it
    kind         text NOT NULL,
    amount       bigint NOT NULL CHECK (amount > 0),
    activates_at timestamptz NOT NULL,
    expires_at   timestamptz,                   -- null: never; sorts last
    earned_at    timestamptz NOT NULL,
    pending      bigint NOT NULL CHECK (pending BETWEEN 0 AND amount),
    available    bigint NOT NULL CHECK (available BETWEEN 0 AND amount),
    held         bigint NOT NULL CHECK (held BETWEEN 0 AND amount),
    extended_to  timestamptz,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 80);
-- Open lots are read wallet by wallet, and put in the order in which they are spent in memory.
CREATE INDEX ledger_lot_open ON ledger_lot (workspace_id, customer_id, kind) WHERE pending + available + held > 0;
-- What expires when. Lots that never do are not in it.
CREATE INDEX ledger_lot_ends ON ledger_lot (workspace_id, COALESCE(extended_to, expires_at))
    WHERE available > 0 AND COALESCE(extended_to, expires_at) IS NOT NULL;

-- A batch travels as arrays of rows: one parameter per table, the workspace named beside it.
CREATE TYPE ledger_txn_row_1 AS (
    id uuid, customer_id uuid, kind text, seq bigint, act text, type text, operation text, amount bigint,
    closing_balance bigint, credited bigint, debited bigint, title text, description text, status text, reference text,
    trigger_id uuid, trigger_version integer, source_txn_id uuid, target bigint, actor text, key text, wire_hash text,
    hash_version smallint, hash bytea, held_until timestamptz, occurred_at timestamptz, recorded_at timestamptz
);
CREATE TYPE ledger_transfer_row_1 AS (
    txn_id uuid, n smallint, from_account text, to_account text, amount bigint, lot_id uuid, extends_to timestamptz
);
CREATE TYPE ledger_book_row_1 AS (
    n smallint, from_account text, to_account text, amount bigint, lot_id uuid, extends_to timestamptz, lot_amount bigint,
    activates_at timestamptz, expires_at timestamptz, earned_at timestamptz, kind text
);
CREATE TYPE ledger_lot_row_1 AS (
    id uuid, customer_id uuid, kind text, amount bigint, activates_at timestamptz, expires_at timestamptz,
    earned_at timestamptz, pending bigint, available bigint, held bigint, extended_to timestamptz
);
CREATE TYPE ledger_wallet_row_1 AS (
    customer_id uuid, kind text, available bigint, pending bigint, held bigint, debt bigint, credited bigint,
    debited bigint, txn_count bigint, head_hash bytea, due_at timestamptz, active_at timestamptz, merged_into uuid
);
