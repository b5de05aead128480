"""All that a server keeps, in one file, as of one instant; and back, into an empty database.

A backup is a zip archive. `database.sql` in it is what PostgreSQL's own pg_dump says, so that `unzip -p FILE
database.sql | psql` brings it back where nothing of ours is left. `manifest.json` holds what a restore is held against:
which schema it is, and of each table how many rows it had and a sum of their hashes, of the same instant.

A restore is one transaction, looked through before it is begun and compared when it is done. The secrets of outside
tools are in a backup as they are in the database, sealed; the key that opens them is not.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec

from regulars import embedded, migrations
from regulars.kit import Database, Reading, SecretBox, Unreadable, nodes

_DUMP, _MANIFEST = "database.sql", "manifest.json"


class BackupError(Exception):
    """A sentence that says what is in the way."""


class Content(msgspec.Struct, frozen=True):
    """What a table holds, whatever the order of its rows."""

    rows: int
    hash: str


class Manifest(msgspec.Struct, frozen=True):
    made_at: datetime
    migrations: dict[str, str]
    tables: dict[str, Content]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


async def back_up(url: str, place: Path, now: datetime) -> tuple[Path, Manifest]:
    """Into a new file, of this name or in this folder. Raises BackupError, MigrationError, OSError."""
    await _on_one_server(url)
    applied = await migrations.applied(url)
    if not applied:
        raise BackupError("this database is empty: there is nothing to back up")
    file = place / f"regulars-{now:%Y%m%dT%H%M%SZ}.zip" if place.is_dir() else place
    if file.exists():
        raise BackupError(f"{file} is there already; it was left as it is")
    handle, unfinished = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            # Quick, since it is read from a server that has other things to do.
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                made = Manifest(now, applied, await _write(url, archive))
                archive.writestr(_MANIFEST, msgspec.json.encode(made))
            os.fsync(handle)
        Path(unfinished).rename(file)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    return file, made


async def restore(url: str, file: Path) -> Manifest:
    """All of it or nothing, and the schema as it was then. Raises BackupError, MigrationError, OSError."""
    try:
        with zipfile.ZipFile(file) as archive:
            if broken := archive.testzip():
                raise zipfile.BadZipFile(f"its {broken} is damaged")
            made = msgspec.json.decode(archive.read(_MANIFEST), type=Manifest)
            if other := migrations.differing(made.migrations):
                raise BackupError(
                    f"{file} was made by another version of Regulars ({', '.join(other)} differ): restore it with that"
                )
            await migrations.applied(url)  # it can be reached
            await _on_one_server(url)
            db = await Database.connect(url, connections_max=1)
            try:
                async with db.snapshot() as tx:
                    if there := await tx.fetchval(_TABLES):
                        raise BackupError(
                            f"this database is not empty ({there}): a backup comes back into an empty one"
                        )
                await asyncio.to_thread(_load, url, archive)
                async with db.snapshot() as tx:
                    found = await _contents(tx)
            finally:
                await db.close()
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, msgspec.MsgspecError) as error:
        raise BackupError(f"{file} is no whole backup: {error}") from error
    if wrong := sorted(name for name in found.keys() | made.tables.keys() if found.get(name) != made.tables.get(name)):
        raise BackupError(f"what came back is not what was backed up, in {', '.join(wrong)}: don't go on with it")
    return made


async def _on_one_server(url: str) -> None:
    if await nodes.told(url):
        raise BackupError(
            "this database is spread over a cluster: back up each of its nodes with PostgreSQL's own tools"
        )


async def unreadable(tx: Reading, box: SecretBox) -> tuple[int, int]:
    """How many secrets of outside tools this key does not open, and of how many."""
    rows = await tx.fetch(SECRETS)
    wrong = 0
    for row in rows:
        try:
            box.open(row["secrets"], workspace_id=row["workspace_id"], thing_id=row["thing_id"])
        except Unreadable:
            wrong += 1
    return wrong, len(rows)


async def _write(url: str, archive: zipfile.ZipFile) -> dict[str, Content]:
    db = await Database.connect(url, connections_max=1)
    try:
        async with db.snapshot() as tx:
            # What changes tables, such as a migration or a month that is dropped, waits from here on, so that pg_dump
            # finds the tables that the snapshot knows.
            await tx.fetch(f"LOCK TABLE {', '.join(await _tables(tx))} IN ACCESS SHARE MODE")
            snapshot = await tx.fetchval("SELECT pg_export_snapshot()")
            await asyncio.to_thread(_dump, url, snapshot, archive)
            return await _contents(tx)
    finally:
        await db.close()


async def _contents(tx: Reading) -> dict[str, Content]:
    """Of each table, whoever made it."""
    await tx.fetch(_SAY_VALUES_ALIKE)
    return {name: (await tx.all(Content, _CONTENT.format(name)))[0] for name in await _tables(tx)}


async def _tables(tx: Reading) -> list[str]:
    return [row["name"] for row in await tx.fetch(_TABLES)]


def _dump(url: str, snapshot: str, archive: zipfile.ZipFile) -> None:
    options = ["--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
    with (
        _program("pg_dump", url, *options, stdout=subprocess.PIPE) as said,
        archive.open(_DUMP, "w", force_zip64=True) as entry,
    ):
        # Servers before version 17 do not know this setting, and it only says what holds anyhow.
        entry.writelines(line for line in islice(said.stdout or (), 30) if line != b"SET transaction_timeout = 0;\n")
        _copy(said.stdout, entry)


def _load(url: str, archive: zipfile.ZipFile) -> None:
    options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL}
    with _program("psql", url, *options, **pipes) as asked, archive.open(_DUMP) as entry:
        _copy(entry, asked.stdin)


def _copy(source: IO[bytes] | None, to: IO[bytes] | None) -> None:
    assert source is not None
    assert to is not None
    shutil.copyfileobj(source, to, 1 << 20)


@contextmanager
def _program(name: str, url: str, *options: str, **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """One of PostgreSQL's own, at work on that database for the time of the block. Raises BackupError with its words
    where it fails; fails the block, it is killed, so that it takes no half for the whole."""
    command, environment = embedded.program(name, url)
    with tempfile.TemporaryFile() as words:
        with (
            suppress(BrokenPipeError),
            subprocess.Popen([*command, *options], stderr=words, env=environment, **pipes) as process,
        ):
            try:
                yield process
            except BrokenPipeError:
                pass  # it has ended, and says why
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            words.seek(0)
            raise BackupError(
                f"{name} ended with {process.returncode}: {words.read().decode(errors='replace').strip()}"
            )


# Whatever the server's defaults are, the same value is the same text here and there.
_SAY_VALUES_ALIKE = """
SELECT set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true),
       set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true)
"""
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1
"""
# The hash that partitions by hash are made with, which therefore stays the same from version to version.
_CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(its::text, 0)::numeric), 0)::text FROM {} its"
SECRETS = """
SELECT workspace_id, id AS thing_id, secrets FROM integrations_integration WHERE secrets <> ''
UNION ALL SELECT workspace_id, id, secrets FROM shops_source WHERE secrets <> ''
UNION ALL SELECT workspace_id, hook_id, secrets FROM checkout_connection
UNION ALL SELECT workspace_id, id, secrets FROM channels_sender WHERE secrets <> ''
"""
