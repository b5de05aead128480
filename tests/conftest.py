"""Fixtures: a real PostgreSQL (the server that `DATABASE_URL` named when the run began, or the embedded one), one
freshly migrated database per run, and a new workspace for each test, so that tests never meet each other's rows."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from regulars import embedded, migrations, tenancy
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.ids import new_id

# What the tests start finds only the databases that they give it. Their own workers, which come later, read it here.
GIVEN = os.environ.setdefault("TEST_DATABASE_URL", os.environ.pop("DATABASE_URL", ""))

LONGEST = ("test_crash", "test_bench", "test_import", "test_management_tenants", "test_strangers", "test_every_page")

_made: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no worker is left with it alone at the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server's maintenance database. On one that was given, no database of the tests is left behind."""
    if GIVEN:
        yield GIVEN
        asyncio.run(_drop(GIVEN, _made))
        return
    # Not pytest's own temporary folder: for root that is closed to the account which runs the server.
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as directory, embedded.running(Path(directory)) as url:
        yield url


async def fresh_database(server_url: str) -> str:
    """The URL of a new, migrated database on the server."""
    name = f"test_{new_id().hex}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    _made.append(name)
    base, _, tail = server_url.rpartition("/")
    _, mark, query = tail.partition("?")
    url = f"{base}/{name}{mark}{query}"
    await migrations.migrate(url)
    return url


async def _drop(server_url: str, names: list[str]) -> None:
    connection = await asyncpg.connect(server_url)
    for name in names:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture(scope="session")
def database_url(server_url: str) -> str:
    return asyncio.run(fresh_database(server_url))


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.connect(database_url)
    yield database
    await database.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC))


@pytest.fixture
async def workspace(db: Database, clock: HandClock) -> tenancy.Workspace:
    async with db.transaction() as tx:
        return await tenancy.create_workspace(tx, "Corner Shop", now=clock.now())
