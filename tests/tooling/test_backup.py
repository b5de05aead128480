"""What a server keeps is written into one file while it is in use, and comes back whole or not at all."""

import asyncio
import re
import shutil
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from regulars import backup, commands, embedded, integrations, migrations
from regulars.backup import BackupError
from regulars.kit import Database, SecretBox, new_id
from regulars.kit.clock import SystemClock
from regulars.kit.settings import Settings
from tests import make
from tests.conftest import fresh_database
from tests.stories.test_cli import run

KEY, OTHER_KEY = "the key that everything was sealed with", "a key that nobody has sealed anything with"


@pytest.fixture
def directory() -> Iterator[Path]:
    with TemporaryDirectory(prefix="regulars-test-") as name:
        Path(name).chmod(0o755)  # a root's server runs as another account and has to get through
        yield Path(name)


def of(url: str, directory: Path, key: str = KEY) -> Settings:
    return Settings(DATABASE_URL=url, data_dir=directory, secret_key=key)  # type: ignore[arg-type, call-arg]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Database]:
    db = await Database.connect(url, connections_max=6)
    try:
        yield db
    finally:
        await db.close()


async def backed_up_while_others_write(url: str, directory: Path) -> tuple[Path, int, int]:
    """The file, and how many were given coins before it was begun and before it was done."""
    given, over, said = 0, asyncio.Event(), list[str]()
    async with connected(url) as db:
        now = SystemClock().now()
        shop = await make.a_workspace(db, now)
        names = [f"Asha{number}" for number in range(4)]
        customers = await make.some_customers(db, shop, now, *names)
        async with db.transaction() as tx:
            await integrations.add(
                tx,
                shop.id,
                SecretBox(KEY),
                tool="webhook",
                name="Receiver",
                given={"url": "https://tool.example", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
                now=now,
            )

        async def give(name: str) -> None:
            nonlocal given
            while not over.is_set():
                await make.posted(db, shop, [make.credit(customers[name].id, 5, now)], now)
                given += 1

        givers = [asyncio.create_task(give(name)) for name in names]
        async with asyncio.timeout(60):
            while given < 20:
                assert not any(giver.done() for giver in givers)
                await asyncio.sleep(0)
        before = given
        await commands.back_up(of(url, directory), directory, say=said.append)
        after = given
        over.set()
        await asyncio.gather(*givers)
    (file,) = directory.glob("regulars-*.zip")
    assert str(file) in said[0]
    assert "REGULARS_SECRET_KEY" in said[1]
    assert [path for path in directory.iterdir() if path.name.startswith("regulars-")] == [file]
    assert file.stat().st_mode & 0o077 == 0
    return file, before, after


async def test_all_is_back_as_it_was_at_one_instant_or_nothing_is(
    server_url: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await fresh_database(server_url)
    file, before, after = await backed_up_while_others_write(url, directory)
    await back_in_the_wheels_server(file, directory / "home", before, after)

    empty = await embedded.ensure_database(server_url, f"test_{new_id().hex}")
    try:
        await damaged_files_bring_nothing(file, of(empty, directory))
        with pytest.raises(BackupError, match="nothing to back up"):
            await commands.back_up(of(empty, directory), directory, say=print)
        with pytest.raises(BackupError, match="is there already"):
            await commands.back_up(of(url, directory), file, say=print)
        with pytest.raises(BackupError, match=r"not empty \(public"):
            await commands.restore(of(url, directory), file, say=print)

        # Of an older version, and with another key: all of it comes, and what has to be done is said.
        shutil.copytree(migrations.FOLDER, directory / "migrations")
        (directory / "migrations/0999_later.sql").write_text("CREATE TABLE later (workspace_id uuid PRIMARY KEY);\n")
        monkeypatch.setattr(migrations, "FOLDER", directory / "migrations")
        said: list[str] = []
        assert await commands.restore(of(empty, directory, OTHER_KEY), file, say=said.append) is False
        assert "1 of 1 secrets" in said[1]
        assert "REGULARS_SECRET_KEY" in said[1]
        assert said[2].endswith(": ok")
        async with connected(empty) as db, db.reading() as tx:
            assert await tx.fetch("SELECT FROM later") == []
            of_secrets = "SELECT table_name FROM information_schema.columns WHERE column_name = 'secrets'"
            tables = {row["table_name"] for row in await tx.fetch(of_secrets)}
            assert tables == set(re.findall(r"FROM (\w+)", backup.SECRETS))
    finally:
        await embedded.drop_database(server_url, empty.rpartition("/")[2].partition("?")[0])


async def back_in_the_wheels_server(file: Path, home: Path, before: int, after: int) -> None:
    """By the command, on a machine that has nothing yet."""
    settings = {"REGULARS_DATA_DIR": str(home), "REGULARS_SECRET_KEY": KEY}
    back = await asyncio.to_thread(run, "restore", str(file), **settings)
    assert back.returncode == 0, back.stdout + back.stderr
    assert re.search("^Each row is back as it was: [0-9,]+ rows of [0-9]+ tables, as of", back.stdout)
    assert re.search("Book Shop .*: ok\n$", back.stdout)
    with embedded.running(home / "postgres") as url:
        ours = url.replace("postgres@/postgres?", "regulars@/regulars?")
        async with connected(ours) as db, db.snapshot() as tx:
            assert before <= await tx.fetchval("SELECT count(*) FROM ledger_txn") <= after
            assert await tx.fetchval("SELECT count(*) FROM integrations_integration") == 1


async def damaged_files_bring_nothing(file: Path, settings: Settings) -> None:
    with zipfile.ZipFile(file) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    manifest: dict[str, Any] = msgspec.json.decode(whole["manifest.json"])
    flipped = bytearray(file.read_bytes())
    flipped[len(flipped) // 3] ^= 255
    strange = manifest | {"migrations": manifest["migrations"] | {"0001_tenancy.sql": "other", "0900_more.sql": "new"}}
    refused: dict[str, bytes | dict[str, bytes]] = {
        "no whole backup": bytes(flipped),
        "no whole backup: File is not a zip file": file.read_bytes()[:-100],
        "no whole backup: .*no item named 'manifest.json'": {"database.sql": whole["database.sql"]},
        "0001_tenancy.sql, 0900_more.sql differ": whole | {"manifest.json": msgspec.json.encode(strange)},
        "psql ended with 3: .*no_such": whole | {"database.sql": whole["database.sql"] + b"TABLE no_such;\n"},
    }
    for why, content in refused.items():
        other = file.with_name("other.zip")
        if isinstance(content, bytes):
            other.write_bytes(content)
        else:
            with zipfile.ZipFile(other, "w") as archive:
                for name, one in content.items():
                    archive.writestr(name, one)
        with pytest.raises(BackupError, match=why):
            await commands.restore(settings, other, say=print)
        assert await migrations.applied(settings.shared_database_url()) == {}
