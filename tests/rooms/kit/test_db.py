"""Writes that nobody waits to hear of travel together, and a transaction still reads what it wrote."""

from __future__ import annotations

from typing import Any, cast

import asyncpg
import pytest

from regulars import tenancy
from regulars.kit.clock import HandClock
from regulars.kit.db import Connection, Database, Tx
from tests import make

INSERT = """-- A comment, as statements have them.
INSERT INTO once_answer (workspace_id, key, fingerprint, status, answer, created_at)
SELECT $1, n.key, '', $3, '', $4 FROM unnest($2::text[]) AS n (key)"""
RENAME = "UPDATE once_answer SET answer = $3 WHERE workspace_id = $1 AND key = $2"
READ = "SELECT key, status, answer FROM once_answer WHERE workspace_id = $1 ORDER BY key"


class Heard:
    """A connection that notes what is sent over it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.statements: list[str] = []

    async def execute(self, statement: str, *arguments: Any) -> str:
        self.statements.append(statement)
        return await self._connection.execute(statement, *arguments)

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        self.statements.append(statement)
        return await self._connection.fetch(statement, *arguments)


async def rows(tx: Tx, workspace: tenancy.Workspace) -> list[tuple[str, int, str]]:
    return [tuple(row) for row in await tx.fetch(READ, workspace.id)]


async def test_writes_are_sent_together_before_the_next_read(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async with db.pool.acquire() as connection, connection.transaction():
        heard = Heard(connection)
        tx = Tx(cast(Connection, heard))
        tx.write(INSERT, workspace.id, ["a", "b"], 200, clock.now())
        tx.write(INSERT, workspace.id, ["c"], 422, clock.now())
        tx.write(INSERT, workspace.id, ["d"], 200, clock.now())
        assert heard.statements == []
        assert await rows(tx, workspace) == [("a", 200, ""), ("b", 200, ""), ("c", 422, ""), ("d", 200, "")]
        assert len(heard.statements) == 2
        tx.write(RENAME, workspace.id, "c", "see")
        assert await rows(tx, workspace) == [("a", 200, ""), ("b", 200, ""), ("c", 422, "see"), ("d", 200, "")]
        assert heard.statements[2:] == [RENAME, READ]


async def test_writes_of_two_shops_are_each_their_own(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    other = await make.a_workspace(db, clock.now())
    async with db.transaction() as tx:
        tx.write(INSERT, workspace.id, ["a"], 200, clock.now())
        tx.write(INSERT, other.id, ["a", "b"], 422, clock.now())
    async with db.reading() as tx:
        assert await rows(tx, workspace) == [("a", 200, "")]
        assert await rows(tx, other) == [("a", 422, ""), ("b", 422, "")]


async def test_a_write_that_fails_undoes_the_transaction(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async def transact() -> None:
        async with db.transaction() as tx:
            tx.write(INSERT, workspace.id, ["a"], 200, clock.now())
            tx.write(INSERT, workspace.id, ["b", "a"], 200, clock.now())

    with pytest.raises(asyncpg.UniqueViolationError):
        await transact()
    async with db.reading() as tx:
        assert await rows(tx, workspace) == []


async def test_what_was_not_sent_when_the_block_failed_is_not_written(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async def transact() -> None:
        async with db.transaction() as tx:
            tx.write(INSERT, workspace.id, ["a"], 200, clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await transact()
    async with db.reading() as tx:
        assert await rows(tx, workspace) == []
        tx.write(INSERT, workspace.id, ["b"], 200, clock.now())
    async with db.reading() as tx:
        assert await rows(tx, workspace) == [("b", 200, "")]
