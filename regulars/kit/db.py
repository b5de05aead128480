"""The one way to PostgreSQL: a pool, transactions, and JSON columns as Python values.

Rooms are handed a `Tx`, or a `Reading` where they only read, and never commit. Nothing here waits on a network other
than the database's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from regulars import limits
from regulars.kit.errors import NotFound, Overtaken
from regulars.kit.pool import opened
from regulars.kit.queries import is_select, tables_of, together

if TYPE_CHECKING:
    Pooled = PoolConnectionProxy[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | Pooled
else:  # the driver's classes are generic only in its type stubs
    Pooled, Connection = PoolConnectionProxy, asyncpg.Connection

Record = asyncpg.Record

RACED = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, Overtaken)
"""Another transaction was first: rolled back and run again, this one will find what the other wrote."""

REJECTED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""A value that no column takes: the transaction is rolled back, and would be each time it is run."""

IN_USE = asyncpg.LockNotAvailableError
"""Others hold what a statement with a short lock_timeout needs; nothing was changed."""

UNREACHABLE = (
    ConnectionError,
    FileNotFoundError,  # the socket of a server on this machine
    TimeoutError,
    asyncpg.InterfaceError,  # a connection that was closed under us
    asyncpg.InternalClientError,  # the same, noticed by the driver between two statements
    asyncpg.OperatorInterventionError,  # it is shutting down, or starting up
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # no room: for one more connection, in its memory, on its disk
)
"""The server is away, or went away: what was committed last may be in or not."""

FULL = asyncpg.DiskFullError
"""Its disk has no room left: nothing was changed, and nothing will be before somebody makes room."""

TOOK_TOO_LONG = (TimeoutError, asyncpg.QueryCanceledError)
"""The limit of a statement or of a transaction passed. A server that has gone without a word looks the same."""

_CHANGES = "workspace_changed"

T = TypeVar("T")


async def again_when_raced(transact: Callable[[], Awaitable[T]]) -> T:
    """Run a whole transaction, up to limits.RACES_MAX times. Raises RACED when others were first each time."""
    for _ in range(limits.RACES_MAX - 1):
        with suppress(*RACED):
            return await transact()
    return await transact()


class Reading:
    """A connection for reads, as rooms are given it. The server refuses statements that write."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, statement: str, *arguments: Any) -> list[Record]:
        await self._before(statement)
        return await self._connection.fetch(statement, *arguments)

    async def fetchrow(self, statement: str, *arguments: Any) -> Record | None:
        await self._before(statement)
        return await self._connection.fetchrow(statement, *arguments)

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        """The first column of the first row, None when there is none."""
        await self._before(statement)
        return await self._connection.fetchval(statement, *arguments)

    async def all(self, kind: Callable[..., T], statement: str, *arguments: Any) -> list[T]:
        """The rows, each a thing of that kind, made of its columns in their order: `tx.all(Lot, sql.lots, ...)`."""
        return [kind(*row) for row in await self.fetch(statement, *arguments)]

    async def one(self, kind: Callable[..., T], statement: str, *arguments: Any) -> T | None:
        """The first of them."""
        row = await self.fetchrow(statement, *arguments)
        return None if row is None else kind(*row)

    async def the(self, missing: str, kind: Callable[..., T], statement: str, *arguments: Any) -> T:
        """The first of them. Raises NotFound, in these words, where there is none."""
        found = await self.one(kind, statement, *arguments)
        if found is None:
            raise NotFound(missing)
        return found

    async def rows(self, statement: str, *arguments: Any, prefetch: int) -> AsyncIterator[Record]:
        """The rows one by one, `prefetch` of them in memory at a time. Needs a transaction or a snapshot."""
        await self._before(statement)
        async for row in self._connection.cursor(statement, *arguments, prefetch=prefetch):
            yield row

    async def _before(self, statement: str) -> None:
        """What has to be done before the statement is."""


class Tx(Reading):
    """A transaction, as rooms are given it: for those that write. What only reads asks for a `Reading`.

    `write` is for what nobody waits to hear of: it is sent together with the writes after it, as one statement, at the
    latest before the next statement that answers and before the commit. So a transaction reads what it wrote, and a
    batch is written in one call to the server however many rooms have a part in it. `start` is for those who have more
    to work out meanwhile.

    `wrote`: whether any row may have been, queued ones too. An act that finds all as it is to be leaves it False.
    `at_last` is done when all is written, right before the commit: what holds a lock that others wait for.
    """

    __slots__ = ("_queued", "_statement", "_under_way", "_written", "at_last", "changed", "wrote")

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._queued: list[tuple[tuple[UUID, int], str, tuple[Any, ...]]] = []
        self._written: set[str] = set()
        self._under_way: asyncio.Task[None] | None = None
        self._statement = 0
        self.at_last: list[Callable[[], Awaitable[None]]] = []
        self.changed: set[UUID] = set()
        self.wrote = False

    def say_changed(self, workspace_id: UUID) -> None:
        """What a process may remember of the workspace (settings, keys, triggers) holds no longer. Each is told as this
        commits: see `Database.remembering`."""
        self.changed.add(workspace_id)

    def write(self, statement: str, workspace_id: UUID, *arguments: Any) -> None:
        """An INSERT, UPDATE or DELETE that answers nothing and has no WITH of its own, whose `$1` is the workspace.

        Its errors come from whatever sends it. Writes that are sent as one statement don't see each other's rows, so
        one that looks at a table which a queued one writes waits for that in a statement of its own.
        """
        table, looks_at = tables_of(statement)
        if not self._written.isdisjoint(looks_at):
            self._statement += 1
            self._written.clear()
        self._written.add(table)
        self.wrote = True
        self._queued.append(((workspace_id, self._statement), statement, arguments))

    async def start(self) -> None:
        """Have what is queued written while the caller goes on. Its errors come from the next call to the server."""
        await self.written()
        self._under_way = asyncio.create_task(self._send())
        await asyncio.sleep(0)

    async def send(self) -> None:
        """Have everything written that is queued."""
        await self.written()
        await self._send()

    async def written(self, *, stopped: bool = False) -> None:
        """Until nothing is being written any more."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None and stopped:
            under_way.cancel()
            await asyncio.gather(under_way, return_exceptions=True)
        elif under_way is not None:
            await under_way

    async def _send(self) -> None:
        queued, self._queued = self._queued, []
        self._written.clear()
        for (workspace_id, _), writes in groupby(queued, key=lambda write: write[0]):
            parts = [(text, arguments) for _, text, arguments in writes]
            statement = together(*((text, len(arguments)) for text, arguments in parts))
            await self._connection.execute(statement, workspace_id, *(a for _, arguments in parts for a in arguments))

    async def execute(self, statement: str, *arguments: Any) -> None:
        if self._queued or self._under_way:
            await self.send()
        did = await self._connection.execute(statement, *arguments)
        self.wrote |= not (is_select(statement) or did.endswith(" 0"))

    async def count(self, statement: str, *arguments: Any) -> int:
        """How many rows it wrote, by its RETURNING: where tables are spread over nodes, what the server says that it
        did (`INSERT 0 3`) may be of a part of it."""
        wrote, many = self.wrote, len(await self.fetch(statement, *arguments))
        self.wrote = wrote or many > 0
        return many

    async def _before(self, statement: str) -> None:
        if self._queued or self._under_way:
            await self.send()
        self.wrote |= not is_select(statement)


def lives(connection: Pooled) -> bool:
    """One that ends by itself is taken from whoever has it, and can't be asked any more."""
    with suppress(asyncpg.InterfaceError):
        return not connection.is_closed()
    return False


_WHOLE = ("enable_seqscan = on", "statement_timeout = 0", "idle_in_transaction_session_timeout = 0")


class Database:
    """A pool of connections to one database."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.pool = pool
        self._begun: dict[Pooled, asyncio.TimerHandle] = {}
        self._releasing: set[asyncio.Task[None]] = set()
        self._forget: list[Callable[[UUID], None]] = []

    @classmethod
    async def connect(cls, url: str, *, connections_max: int = limits.DB_CONNECTIONS_MAX) -> Database:
        """Waits for a server that is starting or recovering, up to limits.DB_RECOVERY_S. Raises OSError or
        asyncpg.PostgresError when the server is not there or refuses."""
        for _ in range(int(limits.DB_RECOVERY_S / limits.DB_RECOVERY_POLL_S)):
            with suppress(asyncpg.CannotConnectNowError):
                return cls(await opened(url, connections_max))
            await asyncio.sleep(limits.DB_RECOVERY_POLL_S)
        return cls(await opened(url, connections_max))

    async def close(self) -> None:
        for connection in list(self._begun):
            self._release_begun(connection)
        await asyncio.gather(*self._releasing, return_exceptions=True)
        await self.pool.close()

    @asynccontextmanager
    async def transaction(self, *, more_soon: bool = False) -> AsyncIterator[Tx]:
        """One transaction, READ COMMITTED; committed when the block ends, rolled back when it raises.

        With `more_soon` the commit begins the next transaction too, which saves a call to the server when there is one
        within limits.DB_BEGUN_S. Raises TimeoutError after limits.DB_TRANSACTION_S: the server stops a statement that
        takes too long by itself, but one that has gone without a word answers nothing at all.
        """
        async with asyncio.timeout(limits.DB_TRANSACTION_S):
            connection = await self._begin()
            tx = Tx(connection)
            try:
                yield tx
                await tx.send()
                for act in tx.at_last:
                    await act()
                for workspace_id in tx.changed:
                    await connection.execute("SELECT pg_notify($1, $2)", _CHANGES, str(workspace_id))
                await connection.execute("COMMIT AND CHAIN" if more_soon else "COMMIT")
            except BaseException as error:
                try:
                    await tx.written(stopped=True)
                finally:
                    await self._roll_back(connection)
                if isinstance(error, asyncpg.InternalServerError) and str(error).startswith("duplicate key"):
                    raise Overtaken from error  # at another node, which is told by its words alone
                raise
            if more_soon:
                release = asyncio.get_running_loop().call_later(limits.DB_BEGUN_S, self._release_begun, connection)
                self._begun[connection] = release
            else:
                await self._release(connection)
        for workspace_id in tx.changed:
            self._tell(workspace_id)

    @asynccontextmanager
    async def snapshot(self, *, whole: bool = True) -> AsyncIterator[Reading]:
        """A read-only transaction that sees the database as of one instant, for as long as it lasts; if `whole`, tables
        may be read as a whole, however long that takes."""
        async with (
            asyncio.timeout(None if whole else limits.DB_TRANSACTION_S),
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            if whole:
                for setting in _WHOLE:
                    await connection.execute(f"SET LOCAL {setting}")
            yield Reading(connection)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """A connection for reads: each statement sees what was committed when it began."""
        async with asyncio.timeout(limits.DB_TRANSACTION_S):
            connection: Pooled = await self.pool.acquire()
            try:
                yield Reading(connection)
            except asyncio.CancelledError:
                # Between preparing and running a statement a transaction is open that the driver does not know of.
                await self._roll_back(connection)
                raise
            finally:
                await self._release(connection)

    def remembering(self, forget: Callable[[UUID], None]) -> None:
        """Have `forget` called with each workspace that `Tx.say_changed` was said of: at once for transactions of this
        process, and for those of others while `listen` runs."""
        self._forget.append(forget)

    async def listen(self) -> None:
        """Hear of changes that other processes commit; until cancelled. What is said while the server is away is not
        heard."""
        while True:
            with suppress(*UNREACHABLE):
                await self._listen()
            await asyncio.sleep(limits.DB_LISTEN_AGAIN_S)

    async def _begin(self) -> Pooled:
        while self._begun:
            begun, release = self._begun.popitem()
            release.cancel()
            if lives(begun):
                return begun
            await self._release(begun)
        connection: Pooled = await self.pool.acquire()
        try:
            await connection.execute("BEGIN READ WRITE")
        except BaseException:
            await self._release(connection)
            raise
        return connection

    async def _roll_back(self, connection: Pooled) -> None:
        # In the middle of a cancelled call the driver refuses; then it rolls back when the connection is given back.
        with suppress(asyncpg.InterfaceError, *UNREACHABLE):
            async with asyncio.timeout(limits.DB_RELEASE_S):
                await connection.execute("ROLLBACK")
        await self._release(connection)

    async def _release(self, connection: Pooled) -> None:
        """One whose server has gone without a word is ended, and another opened for whoever comes next."""
        with suppress(*UNREACHABLE):
            await self.pool.release(connection, timeout=limits.DB_RELEASE_S)

    def _release_begun(self, connection: Pooled) -> None:
        self._begun.pop(connection).cancel()
        task = asyncio.create_task(self._roll_back(connection))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    def _tell(self, workspace_id: UUID) -> None:
        for forget in self._forget:
            forget(workspace_id)

    async def _listen(self) -> None:
        async with self.pool.acquire() as connection:

            def told(_connection: object, _process: int, _channel: str, workspace_id: object) -> None:
                self._tell(UUID(str(workspace_id)))

            def ended(_: object) -> None:
                gone.set()

            gone = asyncio.Event()
            connection.add_termination_listener(ended)
            await connection.add_listener(_CHANGES, told)
            try:
                await gone.wait()
            finally:
                if lives(connection):
                    connection.remove_termination_listener(ended)
                    await connection.remove_listener(_CHANGES, told)
