-- A batch writes its wallets where it locked them, and need not find them again.

DROP TYPE ledger_wallet_row;
CREATE TYPE ledger_wallet_row AS (
    available bigint, pending bigint, held bigint, debt bigint, credited bigint, debited bigint, txn_count bigint,
    head_hash bytea, place tid
);
