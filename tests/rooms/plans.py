"""How PostgreSQL would run what a room asks: one mechanism for the tests of every room's plans."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from regulars.kit.db import Connection, Database, Tx
from tests.conftest import fresh_database


class Planned:
    """A connection that also asks how each statement is planned, for these very values and for any."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.plans: list[tuple[str, str]] = []

    async def _ask(self, sql: str, arguments: tuple[object, ...]) -> None:
        plan = await self._connection.fetch(f"EXPLAIN {sql}", *arguments)
        self.plans.append((sql, "\n".join(row[0] for row in plan)))
        if any("Citus" in row[0] for row in plan):
            return  # a cluster plans for these values alone: they say which node is asked
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

    async def fetchval(self, sql: str, *arguments: object) -> Any:
        await self._ask(sql, arguments)
        return await self._connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> Any:
        await self._ask(sql, arguments)
        return await self._connection.execute(sql, *arguments)


async def unanalysed(server_url: str) -> Database:
    """A database of its own that nobody analyses behind our back."""
    db = await Database.connect(await fresh_database(server_url))
    async with db.transaction() as tx:
        for row in await tx.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ):
            await tx.execute(f"ALTER TABLE {row['relname']} SET (autovacuum_enabled = false)")
    return db


@asynccontextmanager
async def planning(db: Database, *, analysed: bool, at_least: int) -> AsyncIterator[Tx]:
    """A transaction whose statements must all go by keys, and be so many that something was looked at. It is undone, so
    that the same can be tried on tables of which nothing is known and then on those that were analysed."""
    async with db.pool.acquire() as connection:
        whole = connection.transaction()
        await whole.start()
        try:
            await connection.execute("SET TRANSACTION READ WRITE")
            if analysed:
                await connection.execute("ANALYZE")
            planned = Planned(connection)
            yield Tx(cast(Connection, planned))
        finally:
            await whole.rollback()
    wrong = [f"{sql}\n{plan}" for sql, plan in planned.plans if _reads_too_much(plan)]
    assert not wrong, "\n\n".join(wrong)
    assert len(planned.plans) >= at_least


_FEW = (
    r"tenancy_workspace|triggers_(trigger|reacting)|dispatch_\w+|delivery_lane|integrations_\w+|events_switching"
    r"|rewards_offer|rewards_partnership|tiers_ladder|days_standing|segments_(mention|segment|topic)"
    r"|automations_(automation|mention|version|draft)|campaigns_campaign|messages_template|channels_sender"
)
"""Of these a shop has few, by limits or because people make them, or is one itself: they are read as a whole."""


def _reads_too_much(plan: str) -> bool:
    plan = re.sub(rf"Scan[^\n]* on ({_FEW})[^\n]*\n[^\n]*", "", plan)
    # Without statistics a shop's index entries may be met with those of a word: no row is read for it.
    plan = re.sub(r"Bitmap Index Scan on customers_words_pkey.*\n.*", "", plan) if "BitmapAnd" in plan else plan
    by_workspace_alone = re.search(r"Index Cond: \(workspace_id = [^ ()]+\)$", plan, re.MULTILINE)
    others_too = re.search(r"Index Cond: [^\n]*topic = [^\n]*\n *Filter: [^\n]*customer_id = (?!ANY)", plan)
    everybodys = re.search(r"using events_event_\w*customer_id\w* [^\n]*\n *Index Cond: (?![^\n]*customer_id)", plan)
    return "Seq Scan" in plan or bool(by_workspace_alone or others_too or everybodys)
