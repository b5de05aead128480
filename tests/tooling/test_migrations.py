"""How the schema is changed under traffic, and that the version before goes on working while it is."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from regulars import limits, migrations
from regulars.kit.db import Database
from regulars.ledger import Posted
from tests import make
from tests.conftest import fresh_database
from tests.tooling import writers

INDEX = """-- Found by their cause, too.
CREATE INDEX CONCURRENTLY {name}
    ON {table} (workspace_id, {column})
 WHERE {column} IS NOT NULL;
"""


class Undo(Exception):
    """Ends a transaction that was only for trying."""


async def wrong_after(db: Database, change: str) -> dict[str, str]:
    found: dict[str, str] = {}
    with suppress(Undo):
        async with db.transaction() as tx:
            await tx.execute(change)
            found = await writers.wrong_in(tx, writers.recorded())
            raise Undo
    return found


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """Over connections of its own, which may forget what they have prepared."""
    database = await Database.connect(database_url)
    yield database
    await database.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations, in a folder of the test's own."""
    shutil.copytree(migrations.FOLDER, tmp_path / "migrations")
    monkeypatch.setattr(migrations, "FOLDER", tmp_path / "migrations")
    return tmp_path / "migrations"


@pytest.mark.parametrize(
    ("table", "column"), [("tenancy_audit", "detail"), ("events_event", "cause_id")], ids=["plain", "by months"]
)
async def test_an_index_is_made_while_others_write_and_whatever_was_left_of_it(
    server_url: str, folder: Path, table: str, column: str
) -> None:
    url = await fresh_database(server_url)
    db = await Database.connect(url)
    shop = await make.a_workspace(db, datetime.now(UTC))
    name = f"{table}_by_it"
    parts = (
        f"SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = '{table}'::regclass"
    )
    async with db.transaction() as tx:
        names = [row["relname"] for row in await tx.fetch(parts)]
        # What is left when it is cut off: an index that is not valid.
        left, on = (f"{names[0]}_by_it", names[0]) if names else (name, table)
        await tx.execute(f"CREATE INDEX {left} ON {on} (workspace_id, {column})")
    (folder / "0999_index.sql").write_text(INDEX.format(name=name, table=table, column=column))
    write = f"UPDATE {table} SET workspace_id = workspace_id WHERE workspace_id = $1"
    async with db.transaction() as tx:
        await tx.execute(write, shop.id)
        both = [asyncio.create_task(migrations.migrate(url)) for _ in range(2)]
        await make.until_waiting(db)
        async with db.transaction() as other:
            await other.execute(write, shop.id)
    assert sorted(await asyncio.gather(*both)) == [[], ["0999_index.sql"]]
    async with db.reading() as tx:
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::text::regclass"
        assert await tx.fetchval(valid, name) is True
        made = await tx.fetchval("SELECT pg_get_indexdef($1::text::regclass)", left)
        assert "WHERE" in made, "what was left is not taken for it"
    await db.close()


LATER = {
    "0997_more.sql": "ALTER TABLE orders_order ADD later text NOT NULL DEFAULT '';\n"
    "ALTER TABLE ledger_txn ADD later text NOT NULL DEFAULT '';\n"
    "ALTER TABLE events_event ADD later text NOT NULL DEFAULT '';\n",
    "0998_index.sql": INDEX.format(name="events_event_by_it", table="events_event", column="cause_id"),
    "0999_table.sql": "CREATE TABLE later (workspace_id uuid PRIMARY KEY);\n",
}


async def test_shops_go_on_while_a_version_comes_and_it_gives_way_to_whoever_takes_long(
    server_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await fresh_database(server_url)
    for name, sql in LATER.items():
        (folder / name).write_text(sql)
    before, over, given = await migrations.applied(url), asyncio.Event(), list[UUID]()
    db, now = await Database.connect(url), datetime.now(UTC)
    shop = await make.a_workspace(db, now)
    asha = await make.a_customer(db, shop, now)
    async with db.transaction() as tx:
        await make.heard(tx, shop.id, now, "walletreward_create")

    async def give() -> None:
        while not over.is_set():
            outcomes = await make.posted(db, shop, [make.credit(asha.id, 5, now)] * 3, now)
            given.extend(one.txn.id for one in outcomes if isinstance(one, Posted))

    async def others_gave(more: int) -> None:
        wanted = len(given) + more
        async with asyncio.timeout(60):
            while len(given) < wanted:
                assert not any(giver.done() for giver in givers)
                await asyncio.sleep(0.01)

    givers = [asyncio.create_task(give()) for _ in range(4)]
    async with db.snapshot() as report:
        await report.fetch("SELECT FROM orders_order LIMIT 1")
        with monkeypatch.context() as patch:
            patch.setattr(limits, "MIGRATION_ATTEMPTS_MAX", 3)
            with pytest.raises(migrations.MigrationError, match="gave way and changed nothing"):
                await migrations.migrate(url)
        assert await migrations.applied(url) == before
        coming = asyncio.create_task(migrations.migrate(url))
        await others_gave(30)
    assert await coming == list(LATER)
    await others_gave(30)
    over.set()
    await asyncio.gather(*givers)
    async with db.reading() as tx:
        kept = await tx.fetch("SELECT id FROM ledger_txn WHERE later = ''")
        events = await tx.fetchval(
            "SELECT count(*) FROM events_event WHERE later = '' AND topic = 'walletreward_create'"
        )
    assert {row["id"] for row in kept} == set(given)
    assert events == len(given) == len(kept)
    assert await make.audited(db, shop.id) is None
    await db.close()


async def test_what_the_version_before_wrote_and_read_by_still_works(db: Database) -> None:
    """An old process goes on while a new one migrates the database under it."""
    wrong = await wrong_after(db, "SELECT 1")
    assert wrong == {}, "the version before can't go on working"


async def test_a_change_that_it_could_not_live_with_is_found(db: Database) -> None:
    changes = {
        "ALTER TABLE tenancy_audit ADD more text NOT NULL DEFAULT ''": "tenancy_audit.more",
        "ALTER TABLE tenancy_audit ALTER more DROP DEFAULT": "tenancy_audit.more",
        "ALTER TABLE orders_order RENAME name TO title": "orders orders_by_ids",
        "ALTER TYPE once_call_row_1 ADD ATTRIBUTE more text": "once_call_row_1",
        "ALTER TABLE events_switching DROP CONSTRAINT events_switching_pkey": "events insert_switching",
        "DROP VIEW dispatch_waiting": "retention events_wait",
    }
    found = await wrong_after(db, "; ".join(changes))
    assert found.keys() >= set(changes.values())
    assert len(found) < len(writers.recorded()["statements"]) / 2
