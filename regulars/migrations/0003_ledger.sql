-- The book: double entry, lots, and a cached balance per wallet. Rows of txn, posting and consumption are insert-only;
-- lot.remaining and the wallet are caches of them, changed in the same transaction under the wallet's lock.

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
    expires_at   timestamptz,                   -- when the first of its lots expires; null: none does
    PRIMARY KEY (workspace_id, customer_id, kind)
) WITH (fillfactor = 70);

CREATE TABLE ledger_txn (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,
    customer_id     uuid NOT NULL,
    kind            text NOT NULL,
    seq             bigint NOT NULL,            -- the wallet's n-th txn, from 1
    type            text NOT NULL CHECK (type IN ('reward', 'redeem', 'adjust', 'expire', 'revert', 'referral', 'import')),
    operation       text NOT NULL CHECK (operation IN ('cr', 'dr')),
    amount          bigint NOT NULL CHECK (amount > 0),
    closing_balance bigint NOT NULL,
    credited        bigint NOT NULL,
    debited         bigint NOT NULL,
    title           text NOT NULL,
    description     text NOT NULL,
    status          text NOT NULL DEFAULT 'success',
    reference       text NOT NULL,              -- what it is about: 'order:<id>', 'firing:<id>', ''
    trigger_id      uuid,
    trigger_version integer,
    reverses_txn_id uuid,
    actor           text NOT NULL,
    key             text,                       -- natural idempotency key, or null
    wire_hash       text NOT NULL,              -- 40 hex digits, or what the caller gave
    hash            bytea NOT NULL,             -- SHA-256 over this txn and the wallet's previous hash
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX ledger_txn_by_wallet ON ledger_txn (workspace_id, customer_id, kind, seq);
CREATE UNIQUE INDEX ledger_txn_by_key ON ledger_txn (workspace_id, key) WHERE key IS NOT NULL;

CREATE TABLE ledger_posting (
    workspace_id uuid NOT NULL,
    txn_id       uuid NOT NULL,
    account      text NOT NULL CHECK (account IN (
        'customer.available', 'customer.pending', 'customer.held', 'customer.debt',
        'programme.issued', 'programme.redeemed', 'programme.expired', 'programme.clawed_back', 'programme.adjusted')),
    amount       bigint NOT NULL,               -- a credit of the account is positive; a txn's postings sum to zero
    PRIMARY KEY (workspace_id, txn_id, account)
);

CREATE TABLE ledger_lot (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    customer_id  uuid NOT NULL,
    kind         text NOT NULL,
    txn_id       uuid NOT NULL,
    amount       bigint NOT NULL CHECK (amount > 0),
    remaining    bigint NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    activates_at timestamptz NOT NULL,
    expires_at   timestamptz,                   -- null: never; sorts last
    earned_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 80);
-- First to expire, first spent.
CREATE INDEX ledger_lot_open ON ledger_lot (workspace_id, customer_id, kind, expires_at, earned_at, id) WHERE remaining > 0;

CREATE TABLE ledger_consumption (
    workspace_id uuid NOT NULL,
    txn_id       uuid NOT NULL,
    lot_id       uuid NOT NULL,
    amount       bigint NOT NULL CHECK (amount > 0),
    PRIMARY KEY (workspace_id, txn_id, lot_id)
);
CREATE INDEX ledger_consumption_by_lot ON ledger_consumption (workspace_id, lot_id);

-- A batch travels as arrays of rows: one parameter per table, the workspace named beside it.
CREATE TYPE ledger_txn_row AS (
    id uuid, customer_id uuid, kind text, seq bigint, type text, operation text, amount bigint, closing_balance bigint,
    credited bigint, debited bigint, title text, description text, status text, reference text, trigger_id uuid,
    trigger_version integer, reverses_txn_id uuid, actor text, key text, wire_hash text, hash bytea,
    occurred_at timestamptz, recorded_at timestamptz
);
CREATE TYPE ledger_posting_row AS (txn_id uuid, account text, amount bigint);
CREATE TYPE ledger_lot_row AS (
    id uuid, customer_id uuid, kind text, txn_id uuid, amount bigint, remaining bigint, activates_at timestamptz,
    expires_at timestamptz, earned_at timestamptz
);
CREATE TYPE ledger_consumption_row AS (txn_id uuid, lot_id uuid, amount bigint);
CREATE TYPE ledger_wallet_row AS (
    customer_id uuid, kind text, available bigint, pending bigint, held bigint, debt bigint, credited bigint,
    debited bigint, txn_count bigint, head_hash bytea, expires_at timestamptz
);
