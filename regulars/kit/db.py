"""The one way to PostgreSQL: a pool, transactions, and JSON columns as Python values.

Only doors and loops open transactions; rooms are handed a `Tx` and never commit. Nothing here waits on a network
other than the database's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from regulars import limits

if TYPE_CHECKING:
    Tx = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:  # the driver's classes are generic only in its type stubs
    Tx = asyncpg.Connection

Record = asyncpg.Record

RACED = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)
"""Another transaction was first: rolled back and run again, this one will find what the other wrote."""

REJECTED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""A value that no column takes: the transaction is rolled back, and would be each time it is run."""

UNREACHABLE = (
    ConnectionError,
    FileNotFoundError,  # the socket of a server on this machine
    TimeoutError,
    asyncpg.InterfaceError,  # a connection that was closed under us
    asyncpg.InternalClientError,  # the same, noticed by the driver between two statements
    asyncpg.OperatorInterventionError,  # it is shutting down, or starting up
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
)
"""The server is away, or went away: what was committed last may be in or not."""

T = TypeVar("T")


async def again_when_raced(transact: Callable[[], Awaitable[T]]) -> T:
    """Run a whole transaction, up to limits.RACES_MAX times. Raises RACED when others were first each time."""
    for _ in range(limits.RACES_MAX - 1):
        with suppress(*RACED):
            return await transact()
    return await transact()


async def _prepare(connection: Tx) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="text",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=lambda text: msgspec.json.decode(text),
    )


async def _give_back(connection: Tx) -> None:
    """Nobody changes a connection's settings or takes session locks on one of the pool, so giving it back costs no call
    to the server, unless a call was cancelled in the middle of its transaction."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


_SERVER_SETTINGS = {
    "application_name": "regulars",
    "timezone": "UTC",
    # Every statement of a page, a call or a loop is written for an index. While a table is empty the planner finds that
    # reading all of it costs nothing, and keeps that plan for the connection's life; reports see `snapshot`.
    "enable_seqscan": "off",
    "random_page_cost": "1.1",
}


async def _pool(url: str, connections_max: int) -> Any:
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=connections_max,
        init=_prepare,
        reset=_give_back,
        command_timeout=limits.DB_STATEMENT_TIMEOUT_S,
        server_settings=_SERVER_SETTINGS,
    )


class Database:
    """A pool of connections to one database."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.pool = pool

    @classmethod
    async def connect(cls, url: str, *, connections_max: int = limits.DB_CONNECTIONS_MAX) -> Database:
        """Waits for a server that is starting or recovering, up to limits.DB_RECOVERY_S. Raises OSError or
        asyncpg.PostgresError when the server is not there or refuses."""
        for _ in range(int(limits.DB_RECOVERY_S / limits.DB_RECOVERY_POLL_S)):
            with suppress(asyncpg.CannotConnectNowError):
                return cls(await _pool(url, connections_max))
            await asyncio.sleep(limits.DB_RECOVERY_POLL_S)
        return cls(await _pool(url, connections_max))

    async def close(self) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One transaction, READ COMMITTED; committed when the block ends, rolled back when it raises."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Tx]:
        """A read-only transaction that sees the database as of one instant, for as long as it lasts."""
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute("SET LOCAL enable_seqscan = on")
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A connection for reads: each statement sees what was committed when it began."""
        async with self.pool.acquire() as connection:
            yield connection
