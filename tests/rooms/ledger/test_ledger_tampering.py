"""Whoever edits the book by hand is found out: every column of every row, rows that vanish, rows that were never
posted."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import get_args
from uuid import UUID

import asyncpg
import pytest

from regulars import ledger, tenancy
from regulars.kit.db import Database, Tx
from regulars.kit.ids import new_id
from regulars.ledger import Posted, store
from regulars.ledger.hashing import chain_hash, wire_hash_of
from regulars.ledger.model import STEPS, Act, Lot
from regulars.schedule import Due
from tests import make
from tests.rooms.ledger.tables import START


@pytest.fixture
async def book(db: Database) -> AsyncIterator[tuple[Tx, tenancy.Workspace]]:
    """Customers with some history in both wallets, every act among it, in a transaction that is rolled back in the
    end."""
    shop = await make.a_workspace(db, START)
    async with db.transaction() as tx:
        grace = {"book": {"give_back_grace_days": 7}}
        shop = await tenancy.change_workspace(tx, shop.id, {"settings": grace}, START)
    people = await make.some_customers(db, shop, START, *(f"customer-{name}" for name in "abcd"))
    async with db.pool.acquire() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await connection.execute("SET TRANSACTION READ WRITE")
        tx = Tx(connection)
        await _history(tx, shop, *(person.id for person in people.values()))
        acts = {row["act"] for row in await tx.fetch("SELECT act FROM ledger_txn WHERE workspace_id = $1", shop.id)}
        assert acts == set(get_args(Act))
        assert await ledger.verify(tx, shop.id) is None
        yield tx, shop
        await transaction.rollback()


async def _history(tx: Tx, shop: tenancy.Workspace, a: UUID, b: UUID, c: UUID, d: UUID) -> None:
    soon, later = START + timedelta(days=30), START + timedelta(days=60)
    for batch in (
        [make.credit(a, 100, START, key="k1", title="Hello", reference=f"order:{new_id()}", trigger_id=new_id())],
        [make.credit(a, 50, START, expires_at=soon, wire_hash="given"), make.credit(b, 70, START)],
        [make.debit(a, 20, START, description="Mug", actor="key:x"), make.credit(a, 900, START, kind="credits")],
        [make.debit(a, 20, START), make.debit(b, 70, START), make.debit(a, 40, START)],
        [make.debit(a, 20, START)],
        [make.credit(a, 30, START, activates_at=soon), make.credit(a, 9, START, activates_at=soon, expires_at=later)],
        [make.credit(c, 60, START, expires_at=soon), make.debit(c, 25, START), make.credit(a, 5, START, type="adjust")],
        [
            make.credit(d, 60, START, activates_at=later),
            make.credit(d, 40, START),
            make.credit(c, 8, START, kind="credits"),
        ],
    ):
        outcomes = await ledger.post(tx, shop, batch, START)
        assert all(isinstance(outcome, ledger.Posted) for outcome in outcomes)
    holds = [ledger.Hold(customer_id=a, amount=n, occurred_at=START, held_until=soon) for n in (10, 11, 12)]
    one, two, _ = [
        outcome.txn.id for outcome in await ledger.hold(tx, shop, holds, START) if isinstance(outcome, Posted)
    ]
    await ledger.capture(tx, shop, [ledger.Ending(hold_id=one, amount=7, occurred_at=START)], START)
    await ledger.void(tx, shop, [ledger.Ending(hold_id=two, occurred_at=START)], START)
    [spent] = await ledger.txns_of(tx, shop.id, c, operation="dr")
    [earned] = await ledger.txns_of(tx, shop.id, b, operation="cr")
    await ledger.claw_back(tx, shop, [ledger.Reversal(txn_id=earned.id, target=5, occurred_at=START)], START)
    dues = [Due(ledger.SETTLE, f"{id}:coins", soon) for id in (a, c)]
    await ledger.settle(tx, shop, dues, soon)
    await ledger.give_back(tx, shop, [ledger.Reversal(txn_id=spent.id, target=9, occurred_at=soon)], soon)
    [last] = await ledger.hold(
        tx, shop, [ledger.Hold(customer_id=a, amount=3, occurred_at=soon, held_until=later)], soon
    )
    assert isinstance(last, Posted)
    assert await ledger.merge(tx, shop, [ledger.Merge(d, c)], soon) == [None]


# For each column another value that the table's own checks let pass.
CHANGES = {
    "ledger_txn": {
        "workspace_id": "gen_random_uuid()",
        "id": "gen_random_uuid()",
        "customer_id": "gen_random_uuid()",
        "kind": "CASE kind WHEN 'coins' THEN 'credits' ELSE 'coins' END",
        "seq": "seq + 100",
        "act": "CASE act WHEN 'merge' THEN 'claw_back' ELSE 'merge' END",
        "type": "'import'",
        "operation": "CASE operation WHEN 'cr' THEN 'dr' ELSE 'cr' END",
        "amount": "amount + 1",
        "closing_balance": "closing_balance + 1",
        "credited": "credited + 1",
        "debited": "debited + 1",
        "title": "title || '!'",
        "description": "description || '!'",
        "status": "CASE status WHEN 'pending' THEN 'success' ELSE 'pending' END",
        "reference": "'order:2'",
        "trigger_id": "gen_random_uuid()",
        "trigger_version": "COALESCE(trigger_version, 0) + 1",
        "source_txn_id": "id",
        "target": "COALESCE(target, 0) + 1",
        "actor": "'staff:me'",
        "key": "'other'",
        "wire_hash": "'0123456789012345678901234567890123456789'",
        "hash_version": "hash_version + 1",
        "hash": "sha256(hash)",
        "held_until": "COALESCE(held_until, recorded_at) + interval '1 day'",
        "occurred_at": "occurred_at + interval '1 microsecond'",
        "recorded_at": "recorded_at + interval '1 microsecond'",
    },
    "ledger_transfer": {
        "workspace_id": "gen_random_uuid()",
        "txn_id": "gen_random_uuid()",
        "n": "n + 100",
        "from_account": "CASE from_account WHEN 'issued' THEN 'adjusted' ELSE 'issued' END",
        "to_account": "CASE to_account WHEN 'expired' THEN 'redeemed' ELSE 'expired' END",
        "amount": "amount + 1",
        "lot_id": "gen_random_uuid()",
        "extends_to": "COALESCE(extends_to, now()) + interval '1 day'",
    },
    "ledger_lot": {
        "workspace_id": "gen_random_uuid()",
        "id": "gen_random_uuid()",
        "customer_id": "gen_random_uuid()",
        "kind": "CASE kind WHEN 'coins' THEN 'credits' ELSE 'coins' END",
        "amount": "amount + 1",
        "activates_at": "activates_at - interval '1 day'",
        "expires_at": "COALESCE(expires_at, activates_at) + interval '1 year'",
        "earned_at": "earned_at - interval '1 day'",
        "pending": "CASE pending WHEN 0 THEN 1 ELSE pending - 1 END",
        "available": "CASE available WHEN 0 THEN 1 ELSE available - 1 END",
        "held": "CASE held WHEN 0 THEN 1 ELSE held - 1 END",
        "extended_to": "COALESCE(extended_to, now()) + interval '1 day'",
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
        "due_at": "COALESCE(due_at, now()) + interval '1 day'",
        "active_at": "COALESCE(active_at, now()) + interval '1 day'",
        "merged_into": "customer_id",
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
        assert await tx.count(f"{sql} RETURNING true", *arguments), "nothing was changed"
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
             moves AS (DELETE FROM ledger_transfer WHERE workspace_id = $1 AND txn_id IN (SELECT id FROM gone)),
             lots AS (DELETE FROM ledger_lot WHERE workspace_id = $1 AND id IN (SELECT id FROM gone))
             UPDATE ledger_wallet SET available = 0, credited = 0, txn_count = 0, active_at = NULL
              WHERE workspace_id = $1 AND kind = 'credits'"""
    found = await _audited_after(tx, workspace, sql, workspace.id)
    assert isinstance(found, ledger.Break)
    assert found.check == "head"


FORGERIES = {
    "a transfer of no txn": """INSERT INTO ledger_transfer (workspace_id, txn_id, n, from_account, to_account, amount)
        VALUES ($1, gen_random_uuid(), 0, 'issued', 'debt', 5)""",
    "one transfer more": """INSERT INTO ledger_transfer (workspace_id, txn_id, n, from_account, to_account, amount,
    lot_id)
        SELECT $1, id, 9, 'issued', 'available', 5, id FROM ledger_txn WHERE workspace_id = $1 AND act = 'earn' LIMIT
        1""",
    "a lot of no txn": """INSERT INTO ledger_lot
        SELECT $1, gen_random_uuid(), customer_id, kind, 5, now(), NULL, now(), 0, 5, 0, NULL
          FROM ledger_wallet WHERE workspace_id = $1 LIMIT 1""",
    "an empty lot of no txn": """INSERT INTO ledger_lot
        SELECT $1, gen_random_uuid(), customer_id, kind, 5, now(), NULL, now(), 0, 0, 0, NULL
          FROM ledger_wallet WHERE workspace_id = $1 LIMIT 1""",
    "a lot of nobody": """INSERT INTO ledger_lot
        VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'coins', 5, now(), NULL, now(), 0, 5, 0, NULL)""",
    "a wallet with money and no txns": """INSERT INTO ledger_wallet (workspace_id, customer_id, kind, available)
        VALUES ($1, gen_random_uuid(), 'coins', 5)""",
    "a txn of nobody": """INSERT INTO ledger_txn
        SELECT $1, gen_random_uuid(), gen_random_uuid(), kind, 1, act, type, operation, amount, closing_balance,
        credited, debited, title,
               description, status, reference, trigger_id, trigger_version, source_txn_id, target, actor, NULL,
               wire_hash, hash_version, hash, held_until, occurred_at, recorded_at
          FROM ledger_txn WHERE workspace_id = $1 LIMIT 1""",
    "a txn at the end of a wallet": """INSERT INTO ledger_txn
        SELECT $1, gen_random_uuid(), customer_id, kind, 99, act, type, operation, amount, closing_balance, credited,
        debited, title,
               description, status, reference, trigger_id, trigger_version, source_txn_id, target, actor, NULL,
               wire_hash, hash_version, hash, held_until, occurred_at, recorded_at
          FROM ledger_txn WHERE workspace_id = $1 LIMIT 1""",
    "a reversal of a txn that never was": """UPDATE ledger_txn SET source_txn_id = gen_random_uuid()
         WHERE workspace_id = $1 AND act = 'claw_back'""",
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


async def test_two_debits_that_swapped_what_they_took_are_found(book: tuple[Tx, tenancy.Workspace]) -> None:
    """The same amount from two lots of one wallet: no sum of a txn, a lot or a wallet changes."""
    tx, workspace = book
    sql = """WITH took AS (SELECT m.txn_id, m.lot_id, row_number() OVER (PARTITION BY m.lot_id ORDER BY t.seq) AS place
                             FROM ledger_transfer m
                             JOIN ledger_txn t ON t.workspace_id = $1 AND t.id = m.txn_id AND t.amount = 20
                            WHERE m.workspace_id = $1 AND m.amount = 20)
             UPDATE ledger_transfer m SET lot_id = other.lot_id
               FROM took mine, took other
              WHERE m.workspace_id = $1 AND m.txn_id = mine.txn_id AND mine.place = 1 AND other.place = 1
                AND mine.lot_id <> other.lot_id"""
    found = await _audited_after(tx, workspace, sql, workspace.id)
    assert isinstance(found, ledger.Break)
    assert found.check == "chain"


async def test_a_book_that_was_hashed_anew_is_held_to_what_acts_may_do(book: tuple[Tx, tenancy.Workspace]) -> None:
    """Whoever can write can hash too: then it is what the txns did that gives them away."""
    tx, workspace = book
    row = await tx.fetchrow(
        "SELECT id, customer_id FROM ledger_txn WHERE workspace_id = $1 AND act = 'spend' LIMIT 1", workspace.id
    )
    assert row is not None
    for sql, check in {
        "UPDATE ledger_transfer SET to_account = 'expired' WHERE txn_id = $1": "transfer",
        "UPDATE ledger_transfer SET amount = amount + 1 WHERE txn_id = $1 AND n = 0": "amount",
        "UPDATE ledger_txn SET amount = amount + 1 WHERE id = $1": "amount",
        "UPDATE ledger_txn SET closing_balance = closing_balance + 1 WHERE id = $1": "totals",
        "UPDATE ledger_txn SET recorded_at = recorded_at + interval '9 years' WHERE id = $1": "out_of_time",
    }.items():
        await tx.execute("SAVEPOINT anew")
        await tx.execute(sql, row["id"])
        await _hashed_anew(tx, workspace.id, row["customer_id"])
        found = await ledger.verify(tx, workspace.id)
        assert found is not None
        assert found.check == check, sql
        await tx.execute("ROLLBACK TO SAVEPOINT anew")


async def _hashed_anew(tx: Tx, workspace_id: UUID, customer_id: UUID) -> None:
    txns = await store.txns_of_wallet(
        tx, workspace_id, customer_id, "coins", None, None, None, 99, 0, oldest_first=True
    )
    steps = await store.followers(tx, workspace_id, [txn.id for txn in txns], list(STEPS))
    head = b""
    for txn in sorted((*txns, *steps), key=lambda txn: txn.seq):
        moves = (await store.transfers_of(tx, workspace_id, [txn.id]))[txn.id]
        lot = await tx.one(Lot, store.sql.lots_by_id, workspace_id, [txn.id])
        head, named = chain_hash(head, txn, moves, lot), txn.wire_hash != wire_hash_of(txn.hash)
        wire_hash = txn.wire_hash if named else wire_hash_of(head)
        await tx.execute("UPDATE ledger_txn SET hash = $2, wire_hash = $3 WHERE id = $1", txn.id, head, wire_hash)
    await tx.execute(
        "UPDATE ledger_wallet SET head_hash = $2 WHERE customer_id = $1 AND kind = 'coins'", customer_id, head
    )


async def test_the_break_is_named_in_words(book: tuple[Tx, tenancy.Workspace]) -> None:
    tx, workspace = book
    row = await tx.fetchrow("SELECT customer_id FROM ledger_wallet WHERE workspace_id = $1 AND debt > 0", workspace.id)
    assert row is not None
    found = await _audited_after(
        tx, workspace, "UPDATE ledger_wallet SET debt = 4 WHERE workspace_id = $1 AND debt > 0", workspace.id
    )
    assert found == ledger.Break(
        "wallet_apart_from_transfers",
        f"the coins wallet of customer {row['customer_id']} says available 0, pending 0, held 0, debt 4; its transfers "
        "say 0, 0, 0, 5",
    )


async def test_another_shop_is_not_touched(book: tuple[Tx, tenancy.Workspace], workspace: tenancy.Workspace) -> None:
    tx, broken = book
    await tx.execute("DELETE FROM ledger_transfer WHERE workspace_id = $1", broken.id)
    assert await ledger.verify(tx, broken.id) is not None
    assert await ledger.verify(tx, workspace.id) is None
