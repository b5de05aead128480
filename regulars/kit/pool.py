"""Connections to PostgreSQL, as every process has them: how they are set up, and given back as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import msgspec

from regulars import limits

if TYPE_CHECKING:
    from regulars.kit.db import Connection


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="text",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=lambda text: msgspec.json.decode(text),
    )


async def _leave_as_it_is(_: Connection) -> None:
    """Nobody changes a connection's settings or takes session locks on one of the pool, so giving it back costs no call
    to the server. A transaction that is still open the driver rolls back by itself."""


_SERVER_SETTINGS = {
    "statement_timeout": f"{limits.DB_STATEMENT_TIMEOUT_S * 1_000:.0f}",
    "application_name": "regulars",
    "timezone": "UTC",
    # What is not in a transaction of `Database.transaction` only reads.
    "default_transaction_read_only": "on",
    # Every statement of a page, a call or a loop is written for an index. While a table is empty the planner finds that
    # reading all of it costs nothing, and keeps that plan for the connection's life; reports see `snapshot`.
    "enable_seqscan": "off",
    "random_page_cost": "1.1",
}


async def opened(url: str, connections_max: int) -> asyncpg.Pool[asyncpg.Record]:
    pool = await asyncpg.create_pool(
        url,
        min_size=0,  # while the server is away nobody tries to reach it but those who need it
        max_size=connections_max,
        init=_prepare,
        reset=_leave_as_it_is,
        server_settings=_SERVER_SETTINGS,
    )
    try:
        async with pool.acquire():
            return pool
    except BaseException:
        pool.terminate()
        raise
