-- A batch writes its wallets where it locked them, and need not find them again.
DROP TYPE ledger_wallet_row;
CREATE TYPE ledger_wallet_row AS (
    available bigint, pending bigint, held bigint, debt bigint, credited bigint, debited bigint, txn_count bigint,
    head_hash bytea, expires_at timestamptz, place tid
);

-- Open lots are read wallet by wallet, and put in the order in which they are spent in memory.
DROP INDEX ledger_lot_open;
CREATE INDEX ledger_lot_open ON ledger_lot (workspace_id, customer_id, kind) WHERE remaining > 0;
