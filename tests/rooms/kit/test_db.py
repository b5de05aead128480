"""Writes that nobody waits to hear of travel together, and a transaction still reads what it wrote."""

import asyncio
import itertools
import os
import signal
import types
from collections.abc import AsyncIterator, Coroutine, Generator
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from regulars import limits, tenancy
from regulars.kit import Overtaken
from regulars.kit.clock import HandClock
from regulars.kit.db import Connection, Database, Reading, Tx
from tests import make

INSERT = """-- A comment, as statements have them.
INSERT INTO scratch (workspace_id, key, status, answer, created_at)
SELECT $1, n.key, $3, '', $4 FROM unnest($2::text[]) AS n (key)"""
RENAME = "UPDATE scratch SET answer = $3 WHERE workspace_id = $1 AND key = $2"
COPY = """INSERT INTO scratch (workspace_id, key, status, answer, created_at)
SELECT $1, 'copy of ' || key, status, answer, created_at FROM scratch WHERE workspace_id = $1 AND key = $2"""
READ = "SELECT key, status, answer FROM scratch WHERE workspace_id = $1 ORDER BY key"


@pytest.fixture(autouse=True)
async def scratch(db: Database) -> AsyncIterator[None]:
    """A table that no room has a say in, gone before others list the tables."""
    async with db.transaction() as tx:
        await tx.execute(
            "CREATE TABLE IF NOT EXISTS scratch (workspace_id uuid, key text, status smallint, answer text,"
            " created_at timestamptz, PRIMARY KEY (workspace_id, key))"
        )
    yield
    async with db.transaction() as tx:
        await tx.execute("DROP TABLE scratch")


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


async def rows(tx: Reading, workspace: tenancy.Workspace) -> list[tuple[str, int, str]]:
    return [tuple(row) for row in await tx.fetch(READ, workspace.id)]


async def test_writes_are_sent_together_before_the_next_read(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async with db.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION READ WRITE")
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


async def test_writes_that_were_started_are_there_for_whoever_asks_next_and_their_fault_undoes_all(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async def transact(*keys: str, gives_up: bool = False) -> None:
        async with db.transaction() as tx:
            for key in keys:
                tx.write(INSERT, workspace.id, [key], 200, clock.now())
                await tx.start()
            if gives_up:
                raise LookupError
            assert [key for key, *_ in await rows(tx, workspace)] == list(keys)

    with pytest.raises(asyncpg.UniqueViolationError):
        await transact("a", "b", "b")
    for _ in range(20):
        with pytest.raises(LookupError):
            await transact("a", "b", gives_up=True)
    await transact("a", "b")


async def test_what_is_done_at_last_sees_all_that_was_written_and_its_fault_undoes_it(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async def transact(*, spent: bool) -> None:
        async with db.transaction() as tx:

            async def look() -> None:
                assert await rows(tx, workspace) == [("a", 200, ""), ("b", 200, "")]
                if spent:
                    raise Overtaken

            tx.at_last.append(look)
            tx.write(INSERT, workspace.id, ["a"], 200, clock.now())
            tx.write(INSERT, workspace.id, ["b"], 200, clock.now())

    with pytest.raises(Overtaken):
        await transact(spent=True)
    await transact(spent=False)


async def test_a_key_that_another_wrote_is_raced_whatever_the_number_of_the_error(db: Database) -> None:
    """From another node of a cluster such an error comes as one of the server's own."""
    words = 'duplicate key value violates unique constraint "a_pkey_102008"'
    said = f"DO $$ BEGIN RAISE '{words}' USING ERRCODE = 'XX000'; END $$"
    for statement, kind in ((said, Overtaken), (said.replace("duplicate key", "lost"), asyncpg.InternalServerError)):
        with pytest.raises(kind):
            async with db.transaction() as tx:
                await tx.execute(statement)


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


async def test_queued_writes_that_look_at_each_others_rows_happen_one_after_the_other(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async with db.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION READ WRITE")
        heard = Heard(connection)
        tx = Tx(cast(Connection, heard))
        tx.write(INSERT, workspace.id, ["a"], 200, clock.now())
        tx.write(RENAME, workspace.id, "a", "first")
        tx.write(RENAME.replace("answer = $3", "answer = answer || $3"), workspace.id, "a", ", second")
        tx.write(COPY, workspace.id, "a")
        tx.write(INSERT, workspace.id, ["b"], 200, clock.now())
        assert heard.statements == []
        await tx.send()
        assert len(heard.statements) == 4, "rows that are only added go with the write before them"
        tx.write(RENAME, workspace.id, "b", "new")
        await tx.send()
        assert len(heard.statements) == 5, "what was sent is no longer waited for"
        assert await rows(tx, workspace) == [
            ("a", 200, "first, second"),
            ("b", 200, "new"),
            ("copy of a", 200, "first, second"),
        ]


@pytest.mark.parametrize("opened", ["reading", "snapshot"])
async def test_what_is_opened_for_reads_can_not_write(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, opened: str
) -> None:
    async def write() -> None:
        async with getattr(db, opened)() as tx:
            assert not isinstance(tx, Tx)
            await tx.fetch(INSERT + " RETURNING key", workspace.id, ["a"], 200, clock.now())

    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await write()
    async with db.transaction() as tx:
        tx.write(INSERT, workspace.id, ["b"], 200, clock.now())
    async with db.reading() as tx:
        assert await rows(tx, workspace) == [("b", 200, "")]


@types.coroutine
def cut_off(work: Coroutine[Any, Any, None], moment: int, *, waiting: bool) -> Generator[Any, None, bool]:
    """Cancel it in its `moment`th wait, or right when that ends; whether it waited so often."""
    steps, cut = work.__await__(), None
    for waits in itertools.count():
        try:
            waited_for = next(steps) if cut is None else steps.throw(cut)
        except StopIteration:
            return False
        except asyncio.CancelledError:
            return True
        cut = None
        if waits == moment and waiting:
            cast(asyncio.Task[Any], asyncio.current_task()).cancel()
        try:
            yield waited_for
        except asyncio.CancelledError as told:
            cut = told
        if waits == moment and not waiting:
            cut = asyncio.CancelledError()
    raise AssertionError


@pytest.mark.parametrize("waiting", [True, False], ids=["waiting", "answered"])
async def test_a_read_that_is_cut_off_at_any_point_leaves_a_connection_that_writes(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, waiting: bool
) -> None:
    async def read(moment: int) -> None:
        async with db.reading() as tx:
            await tx.fetch(f"{READ} LIMIT {moment} -- {waiting}", workspace.id)  # which has to be prepared

    for moment in itertools.count():
        if not await asyncio.create_task(cast(Any, cut_off(read(moment), moment, waiting=waiting))):
            break
        async with db.transaction() as tx:
            tx.write(INSERT, workspace.id, [str(moment)], 200, clock.now())
    assert moment > 1


async def inserted(db: Database, workspace: tenancy.Workspace, clock: HandClock, key: str) -> int:
    """By which backend, in a transaction whose commit begins the next one."""
    async with db.transaction(more_soon=True) as tx:
        tx.write(INSERT, workspace.id, [key], 200, clock.now())
        found: int = await tx.fetchval("SELECT pg_backend_pid()")
        return found


async def state_of(db: Database, backend: int) -> str:
    async with db.reading() as tx:
        found: str = await tx.fetchval("SELECT state FROM pg_stat_activity WHERE pid = $1", backend)
        return found


async def test_a_commit_can_begin_the_next_transaction(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DB_BEGUN_S", 60.0)
    first = await inserted(db, workspace, clock, "a")
    assert await state_of(db, first) == "idle in transaction"
    assert await inserted(db, workspace, clock, "b") == first
    with pytest.raises(asyncpg.UniqueViolationError):
        await inserted(db, workspace, clock, "a")
    assert await inserted(db, workspace, clock, "c") > 0
    async with db.reading() as tx:
        assert [key for key, _, _ in await rows(tx, workspace)] == ["a", "b", "c"]


async def test_a_transaction_that_was_begun_for_nobody_ends(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    backend = await inserted(db, workspace, clock, "a")
    async with asyncio.timeout(10):
        while await state_of(db, backend) == "idle in transaction":  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(limits.DB_BEGUN_S)


async def test_what_is_remembered_is_forgotten_when_it_changes(
    db: Database, database_url: str, workspace: tenancy.Workspace
) -> None:
    """At once in the process that changes it, and as soon as it is heard of in others."""
    other = await Database.connect(database_url)
    forgotten: dict[str, list[UUID]] = {"here": [], "there": []}
    heard = asyncio.Event()
    db.remembering(forgotten["here"].append)
    other.remembering(lambda workspace_id: (forgotten["there"].append(workspace_id), heard.set()))  # type: ignore[arg-type]
    listening = asyncio.create_task(other.listen())
    async with asyncio.timeout(10):
        while not heard.is_set():
            async with db.transaction() as tx:
                tx.say_changed(workspace.id)
                assert workspace.id not in forgotten["here"]
            assert forgotten["here"].pop() == workspace.id
            await asyncio.sleep(0.01)
    assert set(forgotten["there"]) == {workspace.id}
    with pytest.raises(RuntimeError):
        await failing_change(db, workspace)
    assert forgotten["here"] == []
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await other.close()


async def failing_change(db: Database, workspace: tenancy.Workspace) -> None:
    async with db.transaction() as tx:
        tx.say_changed(workspace.id)
        raise RuntimeError


async def test_a_server_that_says_nothing_more_holds_nobody(
    db: Database, workspace: tenancy.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DB_TRANSACTION_S", "DB_RELEASE_S"):
        monkeypatch.setattr(limits, name, 0.3)
    backends: list[int] = []

    async def hang() -> None:
        async with db.transaction() as tx:
            backends.append(await tx.fetchval("SELECT pg_backend_pid()"))
            os.kill(backends[0], signal.SIGSTOP)
            await tx.fetch(READ, workspace.id)

    try:
        async with asyncio.timeout(10):
            with pytest.raises(TimeoutError):
                await hang()
            async with db.transaction() as tx:
                assert await rows(tx, workspace) == []
    finally:
        os.kill(backends[0], signal.SIGCONT)
