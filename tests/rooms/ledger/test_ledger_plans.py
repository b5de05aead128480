"""Whatever PostgreSQL knows of the tables, batches go by keys: no statement of a batch reads a workspace or a table as
a whole. On a new database, which has no statistics yet, joins with a batch were once planned that way, and posting took
four times as long."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest

from regulars import customers, ledger, tenancy
from regulars.customers import Customer, NewCustomer, Spending
from regulars.kit.db import Connection, Database, Tx
from tests import make
from tests.conftest import fresh_database
from tests.rooms.ledger.tables import START

PEOPLE = 1_500


class Planned:
    """A connection that also asks how each statement is planned, for these very values and for any."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.plans: list[tuple[str, str]] = []

    async def _ask(self, sql: str, arguments: tuple[object, ...]) -> None:
        plan = await self._connection.fetch(f"EXPLAIN {sql}", *arguments)
        self.plans.append((sql, "\n".join(row[0] for row in plan)))
        await self._connection.execute(f"SET LOCAL plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}")
        plan = await self._connection.fetch(f"EXPLAIN EXECUTE asked ({', '.join(['NULL'] * len(arguments))})")
        self.plans.append((sql, "\n".join(row[0] for row in plan)))
        await self._connection.execute("DEALLOCATE asked; SET LOCAL plan_cache_mode = auto")

    async def fetch(self, sql: str, *arguments: object) -> Any:
        await self._ask(sql, arguments)
        return await self._connection.fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: object) -> Any:
        await self._ask(sql, arguments)
        return await self._connection.fetchrow(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> Any:
        await self._ask(sql, arguments)
        return await self._connection.execute(sql, *arguments)


@pytest.fixture
async def shop(server_url: str) -> AsyncIterator[tuple[Database, tenancy.Workspace, list[Customer]]]:
    """A database of its own that nobody analyses behind our back."""
    db = await Database.connect(await fresh_database(server_url))
    async with db.transaction() as tx:
        sql = "SELECT relname FROM pg_class WHERE relname ~ '^(ledger|customers|events)_' AND relkind = 'r'"
        for row in await tx.fetch(sql):
            await tx.execute(f"ALTER TABLE {row['relname']} SET (autovacuum_enabled = false)")
    workspace = await make.a_workspace(db, START)
    people: list[Customer] = []
    for first in range(0, PEOPLE, 500):
        wanted = [
            NewCustomer(f"customer-{n}", f"Name {n}", f"u{n}@example.com", f"91{n:08d}", "ind")
            for n in range(first, first + 500)
        ]
        async with db.transaction() as tx:
            answers = await customers.ensure(tx, workspace, wanted, START)
            people += [answer.customer for answer in answers.values() if isinstance(answer, customers.Ensured)]
            entries = [
                make.credit(person.id, 10, START, key=f"{person.id}", expires_at=START + timedelta(days=9))
                for person in people[first:]
            ]
            await ledger.post(tx, workspace, entries, START)
    yield db, workspace, people
    await db.close()


@pytest.mark.parametrize("analysed", [False, True], ids=["new", "analysed"])
async def test_batches_go_by_keys(shop: tuple[Database, tenancy.Workspace, list[Customer]], analysed: bool) -> None:
    db, workspace, people = shop
    async with db.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION READ WRITE")
        if analysed:
            await connection.execute("ANALYZE")
        planned = Planned(connection)
        spy = Tx(cast(Connection, planned))
        for size in (1, 200):
            some = [person.id for person in people[:: PEOPLE // size][:size]]
            entries = [make.credit(id, 1, START, key=f"{size}-{id}") for id in some]
            entries += [make.debit(id, 2, START, kind=kind) for id in some for kind in ("coins", "credits")]
            await ledger.post(spy, workspace, entries, START)
            await ledger.balances(spy, workspace.id, some, START)
            await ledger.txns_of(spy, workspace.id, some[0], before_seq=2)
            await customers.by_ids(spy, workspace.id, some)
            await customers.ensure(spy, workspace, [NewCustomer(f"customer-{size + n}") for n in range(size)], START)
            await customers.count_spending(spy, workspace.id, [Spending(id, "usd", 5, 1, START) for id in some])
        for text in ("name 12", "u7@", "9100000001", "customer-11", "nobody", "name 7", "asha@example.com"):
            await customers.search(spy, workspace.id, text)
        await customers.search(spy, workspace.id, before_id=people[100].id)
        await customers.find(spy, workspace.id, email="U7@example.com")
        await customers.find(spy, workspace.id, mobile="9100000007")
        await customers.find(spy, workspace.id, referral_code="x")
    assert len(planned.plans) > 60
    wrong = [f"{sql}\n{plan}" for sql, plan in planned.plans if _reads_too_much(plan)]
    assert not wrong, "\n\n".join(wrong)


def _reads_too_much(plan: str) -> bool:
    # Without statistics a shop's index entries may be met with those of a word: no row is read for it.
    plan = re.sub(r"Bitmap Index Scan on customers_words_pkey.*\n.*", "", plan) if "BitmapAnd" in plan else plan
    by_workspace_alone = re.search(r"Index Cond: \(workspace_id = [^ ()]+\)$", plan, re.MULTILINE)
    return "Seq Scan" in plan or by_workspace_alone is not None
