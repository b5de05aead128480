"""Whoever edits the book by hand is found out: every column of every row, rows that vanish, rows that were never
posted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from regulars import ledger, tenancy
from regulars.kit.db import Database, Tx
from regulars.kit.ids import new_id
from tests import make
from tests.rooms.ledger.tables import START, owe


@pytest.fixture
async def book(db: Database) -> AsyncIterator[tuple[Tx, tenancy.Workspace]]:
    """Two customers with some history in both wallets, in a transaction that is rolled back in the end."""
    shop = await make.a_workspace(db, START)
    people = await make.some_customers(db, shop, START, "customer-a", "customer-b")
    a, b = (person.id for person in people.values())
    soon = START + timedelta(days=30)
    async with db.pool.acquire() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await connection.execute("SET TRANSACTION READ WRITE")
        tx = Tx(connection)
        for batch in (
            [make.credit(a, 100, START, key="k1", title="Hello", reference=f"order:{new_id()}", trigger_id=new_id())],
            [make.credit(a, 50, START, expires_at=soon, wire_hash="given"), make.credit(b, 70, START)],
            [make.debit(a, 20, START, description="Mug", actor="key:x"), make.credit(a, 900, START, kind="credits")],
            [make.debit(a, 20, START), make.debit(b, 70, START), make.debit(a, 40, START)],
            [make.debit(a, 20, START)],
        ):
            outcomes = await ledger.post(tx, shop, batch, START)
            assert all(isinstance(outcome, ledger.Posted) for outcome in outcomes)
        await owe(tx, shop.id, b, "coins", 5, START)
        assert await ledger.verify(tx, shop.id) is None
        yield tx, shop
        await transaction.rollback()


# For each column another value that the table's own checks let pass.
CHANGES = {
    "ledger_txn": {
        "workspace_id": "gen_random_uuid()",
        "id": "gen_random_uuid()",
        "customer_id": "gen_random_uuid()",
        "kind": "CASE kind WHEN 'coins' THEN 'credits' ELSE 'coins' END",
        "seq": "seq + 100",
        "type": "'import'",
        "operation": "CASE operation WHEN 'cr' THEN 'dr' ELSE 'cr' END",
        "amount": "amount + 1",
        "closing_balance": "closing_balance + 1",
        "credited": "credited + 1",
        "debited": "debited + 1",
        "title": "title || '!'",
        "description": "description || '!'",
        "status": "'pending'",
        "reference": "'order:2'",
        "trigger_id": "gen_random_uuid()",
        "trigger_version": "COALESCE(trigger_version, 0) + 1",
        "reverses_txn_id": "id",
        "actor": "'staff:me'",
        "key": "'other'",
        "wire_hash": "'0123456789012345678901234567890123456789'",
        "hash": "sha256(hash)",
        "occurred_at": "occurred_at + interval '1 microsecond'",
        "recorded_at": "recorded_at + interval '1 microsecond'",
    },
    "ledger_posting": {
        "workspace_id": "gen_random_uuid()",
        "txn_id": "gen_random_uuid()",
        "account": "'programme.expired'",
        "amount": "amount + 1",
    },
    "ledger_lot": {
        "workspace_id": "gen_random_uuid()",
        "id": "gen_random_uuid()",
        "customer_id": "gen_random_uuid()",
        "kind": "CASE kind WHEN 'coins' THEN 'credits' ELSE 'coins' END",
        "txn_id": "gen_random_uuid()",
        "amount": "amount + 1",
        "remaining": "CASE remaining WHEN 0 THEN 1 ELSE remaining - 1 END",
        "activates_at": "activates_at - interval '1 day'",
        "expires_at": "COALESCE(expires_at, activates_at) + interval '1 year'",
        "earned_at": "earned_at - interval '1 day'",
    },
    "ledger_consumption": {
        "workspace_id": "gen_random_uuid()",
        "txn_id": "gen_random_uuid()",
        "lot_id": "gen_random_uuid()",
        "amount": "amount + 1",
    },
    "ledger_wallet": {
        "workspace_id": "gen_random_uuid()",
        "customer_id": "gen_random_uuid()",
        "kind": "CASE kind WHEN 'coins' THEN 'credits' ELSE 'coins' END",
        "available": "available + 1",
        "pending": "pending + 1",
        "held": "held + 1",
        "debt": "debt + 1",
        "credited": "credited + 1",
        "debited": "debited + 1",
        "txn_count": "txn_count + 1",
        "head_hash": "sha256(head_hash)",
        "expires_at": "COALESCE(expires_at, now()) + interval '1 day'",
    },
}


async def _rows(tx: Tx, table: str, workspace: tenancy.Workspace) -> list[str]:
    rows = await tx.fetch(f"SELECT ctid::text FROM {table} WHERE workspace_id = $1", workspace.id)
    assert rows
    return [row["ctid"] for row in rows]


async def _audited_after(
    tx: Tx, workspace: tenancy.Workspace, sql: str, *arguments: object
) -> ledger.Break | str | None:
    """What the audit says after that statement, which is then undone; or that the table itself forbids it."""
    await tx.execute("SAVEPOINT change")
    try:
        status = await tx.execute(sql, *arguments)
        assert not status.endswith(" 0"), "nothing was changed"
        return await ledger.verify(tx, workspace.id)
    except asyncpg.UniqueViolationError:
        return "forbidden"
    finally:
        await tx.execute("ROLLBACK TO SAVEPOINT change")


async def test_every_column_is_in_this_test(book: tuple[Tx, tenancy.Workspace]) -> None:
    tx, _ = book
    for table, changes in CHANGES.items():
        rows = await tx.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = $1", table)
        assert {row["column_name"] for row in rows} == set(changes)


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, changes in CHANGES.items() for column in changes]
)
async def test_a_changed_value_is_found(book: tuple[Tx, tenancy.Workspace], table: str, column: str) -> None:
    tx, workspace = book
    said = {
        ctid: await _audited_after(
            tx, workspace, f"UPDATE {table} SET {column} = {CHANGES[table][column]} WHERE ctid = $1::text::tid", ctid
        )
        for ctid in await _rows(tx, table, workspace)
    }
    assert None not in said.values()
    assert any(isinstance(one, ledger.Break) for one in said.values())


@pytest.mark.parametrize("table", CHANGES)
async def test_a_row_that_vanished_is_found(book: tuple[Tx, tenancy.Workspace], table: str) -> None:
    tx, workspace = book
    for ctid in await _rows(tx, table, workspace):
        sql = f"DELETE FROM {table} WHERE ctid = $1::text::tid"
        assert isinstance(await _audited_after(tx, workspace, sql, ctid), ledger.Break)


async def test_a_txn_that_vanished_with_all_it_wrote_is_found(book: tuple[Tx, tenancy.Workspace]) -> None:
    """The newest of a wallet, so that no later one points to it."""
    tx, workspace = book
    sql = """WITH gone AS (DELETE FROM ledger_txn t WHERE workspace_id = $1 AND kind = 'credits' RETURNING id),
             postings AS (DELETE FROM ledger_posting WHERE workspace_id = $1 AND txn_id IN (SELECT id FROM gone)),
             lots AS (DELETE FROM ledger_lot WHERE workspace_id = $1 AND txn_id IN (SELECT id FROM gone))
             UPDATE ledger_wallet SET available = 0, credited = 0, txn_count = 0
              WHERE workspace_id = $1 AND kind = 'credits'"""
    found = await _audited_after(tx, workspace, sql, workspace.id)
    assert isinstance(found, ledger.Break)
    assert found.check == "head"


FORGERIES = {
    "a posting of no txn": """INSERT INTO ledger_posting (workspace_id, txn_id, account, amount)
        VALUES ($1, gen_random_uuid(), 'customer.available', 5)""",
    "a posting of nothing": """INSERT INTO ledger_posting (workspace_id, txn_id, account, amount)
        SELECT $1, id, 'customer.held', 0 FROM ledger_txn WHERE workspace_id = $1 LIMIT 1""",
    "a lot of no txn": """INSERT INTO ledger_lot
        SELECT $1, gen_random_uuid(), customer_id, kind, gen_random_uuid(), 5, 5, now(), NULL, now()
          FROM ledger_wallet WHERE workspace_id = $1 LIMIT 1""",
    "a lot of nobody": """INSERT INTO ledger_lot
        VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'coins', gen_random_uuid(), 5, 5, now(), NULL, now())""",
    "a second lot of a txn": """INSERT INTO ledger_lot
        SELECT $1, gen_random_uuid(), customer_id, kind, txn_id, 5, 5, now(), NULL, now()
          FROM ledger_lot WHERE workspace_id = $1 LIMIT 1""",
    "a consumption of nothing": """INSERT INTO ledger_consumption
        VALUES ($1, gen_random_uuid(), gen_random_uuid(), 5)""",
    "a consumption by another txn": """INSERT INTO ledger_consumption
        SELECT $1, t.id, c.lot_id, c.amount FROM ledger_consumption c, ledger_txn t
         WHERE c.workspace_id = $1 AND t.workspace_id = $1 AND t.operation = 'cr' LIMIT 1""",
    "a wallet with money and no txns": """INSERT INTO ledger_wallet (workspace_id, customer_id, kind, available)
        VALUES ($1, gen_random_uuid(), 'coins', 5)""",
    "a txn of nobody": """INSERT INTO ledger_txn
        SELECT $1, gen_random_uuid(), gen_random_uuid(), kind, 1, type, operation, amount, closing_balance, credited,
               debited, title, description, status, reference, trigger_id, trigger_version, NULL, actor, NULL,
               wire_hash, hash, occurred_at, recorded_at
          FROM ledger_txn WHERE workspace_id = $1 LIMIT 1""",
    "a txn at the end of a wallet": """INSERT INTO ledger_txn
        SELECT $1, gen_random_uuid(), customer_id, kind, 99, type, operation, amount, closing_balance, credited,
               debited, title, description, status, reference, trigger_id, trigger_version, NULL, actor, NULL,
               wire_hash, hash, occurred_at, recorded_at
          FROM ledger_txn WHERE workspace_id = $1 LIMIT 1""",
    "a reversal of a txn that never was": """UPDATE ledger_txn SET reverses_txn_id = gen_random_uuid()
         WHERE workspace_id = $1 AND seq = 1""",
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_row_is_found(book: tuple[Tx, tenancy.Workspace], forgery: str) -> None:
    tx, workspace = book
    assert isinstance(await _audited_after(tx, workspace, FORGERIES[forgery], workspace.id), ledger.Break)


async def test_two_txns_that_changed_places_are_found(book: tuple[Tx, tenancy.Workspace]) -> None:
    """Both took 20 from the same wallet, so that every sum stays as it was."""
    tx, workspace = book
    swap = """WITH pair AS (SELECT id, seq FROM ledger_txn
                             WHERE workspace_id = $1 AND operation = 'dr' AND amount = 20),
                   moved AS (UPDATE ledger_txn t SET seq = t.seq + 1000 FROM pair WHERE t.workspace_id = $1
                                AND t.id = pair.id RETURNING t.id, pair.seq)
              SELECT id, seq FROM moved ORDER BY seq"""
    first, second, _ = await tx.fetch(swap, workspace.id)
    for row, seq in ((first, second["seq"]), (second, first["seq"])):
        await tx.execute(
            "UPDATE ledger_txn SET seq = $3 WHERE workspace_id = $1 AND id = $2", workspace.id, row["id"], seq
        )
    assert isinstance(await ledger.verify(tx, workspace.id), ledger.Break)


async def test_two_debits_that_swapped_what_they_ate_are_found(book: tuple[Tx, tenancy.Workspace]) -> None:
    """The same amount from two lots of one wallet: no sum of a txn, a lot or a wallet changes."""
    tx, workspace = book
    sql = """WITH eaten AS (SELECT c.txn_id, c.lot_id, row_number() OVER (PARTITION BY c.lot_id ORDER BY t.seq) AS n
                              FROM ledger_consumption c
                              JOIN ledger_txn t ON t.workspace_id = $1 AND t.id = c.txn_id AND t.amount = 20
                             WHERE c.workspace_id = $1 AND c.amount = 20)
             UPDATE ledger_consumption c SET lot_id = other.lot_id
               FROM eaten mine, eaten other
              WHERE c.workspace_id = $1 AND c.txn_id = mine.txn_id AND mine.n = 1 AND other.n = 1
                AND mine.lot_id <> other.lot_id"""
    found = await _audited_after(tx, workspace, sql, workspace.id)
    assert isinstance(found, ledger.Break)
    assert found.check == "chain"


async def test_the_break_is_named_in_words(book: tuple[Tx, tenancy.Workspace]) -> None:
    tx, workspace = book
    row = await tx.fetchrow("SELECT customer_id FROM ledger_wallet WHERE workspace_id = $1 AND debt > 0", workspace.id)
    assert row is not None
    found = await _audited_after(
        tx, workspace, "UPDATE ledger_wallet SET debt = 4 WHERE workspace_id = $1 AND debt > 0", workspace.id
    )
    assert found == ledger.Break(
        "wallet_apart_from_postings",
        f"the coins wallet of customer {row['customer_id']} says available 0, pending 0, held 0, debt 4; its postings "
        "say 0, 0, 0, 5",
    )


async def test_another_shop_is_not_touched(book: tuple[Tx, tenancy.Workspace], workspace: tenancy.Workspace) -> None:
    tx, broken = book
    await tx.execute("DELETE FROM ledger_posting WHERE workspace_id = $1", broken.id)
    assert await ledger.verify(tx, broken.id) is not None
    assert await ledger.verify(tx, workspace.id) is None
