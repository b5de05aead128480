"""Fixtures: a real PostgreSQL (the server that `DATABASE_URL` named when the run began, or the embedded one), one
freshly migrated database per run, and a new workspace for each test, so that tests never meet each other's rows.

What every test would pay for anew is paid for once by each worker: a database is a copy of the first that was
migrated, and tests share an event loop and connections, whose backends know the statements already."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from regulars import embedded, migrations, tenancy
from regulars.kit import nodes
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.ids import new_id
from tests import shards

# What the tests start finds only the databases that they give it. Their own workers, which come later, read it here.
GIVEN = os.environ.setdefault("TEST_DATABASE_URL", os.environ.pop("DATABASE_URL", ""))

LONGEST = ("test_every_page", "test_crash", "test_bench", "test_import", "test_management_tenants", "test_strangers")

# Where Python was told to keep no bytecode, each process that the tests start would compile all of the product.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_made: list[str] = []
_migrated: dict[str, str] = {}
"""By server, the database that others are copied from. Nobody else connects to it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no worker is left with it alone at the end; before it, in one go, what
    shares a browser."""
    items.sort(key=lambda item: (item.path.parent.name != "browser", item.path.stem not in LONGEST))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server's maintenance database. On one that was given, no database of the tests is left behind."""
    if GIVEN:
        if asyncio.run(nodes.told(GIVEN)):
            shards.watch()
        yield GIVEN
        try:
            strays = asyncio.run(shards.strays(GIVEN))
        finally:
            for name in _made:
                asyncio.run(embedded.drop_database(GIVEN, name))
        assert strays == {}, "what is asked of one shop touched more than one shard"
        return
    # Not pytest's own temporary folder: for root that is closed to the account which runs the server.
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as directory:
        server = embedded.Server(Path(directory))
        server.start()
        # Nothing of it outlives the run, so nothing waits for the disk. Those that tests kill keep what they promise.
        asyncio.run(_execute(server.url(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))
        try:
            yield server.url()
        finally:
            if server.pid:
                os.kill(server.pid, signal.SIGQUIT)
            server.stop()


async def fresh_database(server_url: str) -> str:
    """The URL of a new, migrated database on the server."""
    if server_url not in _migrated and not shards.watching:
        _migrated[server_url] = f"test_{new_id().hex}"
        await _created(server_url, _migrated[server_url])
        await migrations.migrate(_url_of(server_url, _migrated[server_url]))
    name = f"test_{new_id().hex}"
    if shards.watching:  # a copy would be of one node
        await _created(server_url, name)
        await migrations.migrate(_url_of(server_url, name))
        await shards.told_by(_url_of(server_url, name))
    else:
        await _created(server_url, name, f' TEMPLATE "{_migrated[server_url]}"')
    return _url_of(server_url, name)


async def _created(server_url: str, name: str, how: str = "") -> None:
    _made.append(name)
    if how:
        await _execute(server_url, f'CREATE DATABASE "{name}"{how}')
    else:
        await embedded.ensure_database(server_url, name)


def _url_of(server_url: str, name: str) -> str:
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write("".join(f"{line}\n" for line in shards.said))


@pytest.fixture(scope="session")
def database_url(server_url: str) -> str:
    return asyncio.run(fresh_database(server_url))


class Lent:
    """Connections that stay open for the tests to come."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    async def close(self) -> None:
        pass


@pytest_asyncio.fixture(scope="session")
async def pool(database_url: str) -> AsyncIterator[Any]:
    database = await Database.connect(database_url)
    yield Lent(database.pool)
    await database.close()


@pytest.fixture
async def db(pool: Any) -> AsyncIterator[Database]:
    database = Database(pool)
    yield database
    await database.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC))


@pytest.fixture
async def workspace(db: Database, clock: HandClock) -> tenancy.Workspace:
    async with db.transaction() as tx:
        return await tenancy.create_workspace(tx, "Corner Shop", now=clock.now())
