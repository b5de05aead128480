"""The commands that work on a shop from the command line; `cli.py` lists them."""

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
from rich import progress
from rich.console import Console

from regulars import backup, imports, ledger, limits, tenancy
from regulars.demo import connect, feed, prepare
from regulars.demo import run as run_demo
from regulars.imports import Progress as Imported
from regulars.imports import import_rows
from regulars.kit import Database, NotFound, SecretBox, invalid, tables
from regulars.kit.csv_file import Format
from regulars.kit.db import UNREACHABLE
from regulars.kit.settings import Settings
from regulars.tenancy import Workspace
from regulars.tenancy.model import Role
from regulars.up import database
from regulars.wiring import App, open_shop

Say = Callable[[str], None]


_FIRST_KEYS: dict[str, dict[str, Any]] = {
    "write_key": {"access": "WRITE", "areas": msgspec.structs.replace(tenancy.EVERY_AREA, staff="NONE")},
    "read_key": {"access": "READ"},
    "admin_key": {"access": "WRITE", "areas": tenancy.EVERY_AREA},
}
"""All but the last can't make an owner, nor another key."""


async def create_workspace(settings: Settings, name: str, *, id: str, email: str, as_json: bool, say: Say) -> None:
    """A shop and three keys for it; with `email`, somebody who may sign in, their password drawn and printed once."""
    now, drawn = settings.clock().now(), tenancy.draw_password()
    password = await tenancy.hashed(drawn)
    async with _database(settings) as db, db.transaction() as tx:
        shop = await open_shop(tx, name, now=now, chosen_id=id or None)
        made = {"workspace_id": shop.shown_id}
        for name, rights in _FIRST_KEYS.items():
            called = f"First {name.replace('_', ' ')}"
            issued = await tenancy.issue_key(tx, shop.id, called, **rights, made_by="cli", now=now)
            made[name] = issued.key
        if email:
            await tenancy.add_staff(tx, shop.id, email, password, now=now)
            made |= {"email": email, "password": drawn}
        await tenancy.audit(tx, shop.id, "cli", "workspace.create", str(shop.id), now=now)
    if as_json:
        say(msgspec.json.encode(made).decode())
        return
    for label, value in made.items():
        say(f"{label.replace('_', ' '):14} {value}")
    say("The keys and the password are shown this once.")
    if email:
        say(f"The first page after signing in goes through what a new shop needs: {settings.address()}")
    else:
        say(f"Nobody signs in yet: regulars staff add you@shop.example --workspace {shop.shown_id}")


async def list_staff(settings: Settings, *, workspace: str, say: Say) -> None:
    async with _database(settings) as db:
        one = [await _shop(db, workspace)] if workspace else None
        async with db.reading() as tx:
            for shop in one or await tenancy.list_workspaces(tx):
                for person in await tenancy.list_staff(tx, shop.id):
                    say(f"{person.email}  {person.role}  {shop.name} ({shop.shown_id})")


async def add_staff(settings: Settings, email: str, *, name: str, role: Role, workspace: str, say: Say) -> None:
    """Raises Invalid naming the field, Conflict when they are on the staff already."""
    drawn = tenancy.draw_password()
    password = await tenancy.hashed(drawn)
    async with _database(settings) as db:
        shop, now = await _shop(db, workspace), settings.clock().now()
        async with db.transaction() as tx:
            person = await tenancy.add_staff(tx, shop.id, email, password, now=now, name=name, role=role)
            await tenancy.audit(tx, shop.id, "cli", "staff.create", person.email, now=now, detail={"role": role})
    say(f"{person.email} signs in to {shop.name} with the password {drawn}")


async def set_password(settings: Settings, email: str, *, workspace: str, say: Say) -> None:
    """Raises NotFound, Invalid."""
    from regulars.dashboard import attempts  # with every page, which no other command needs

    drawn = tenancy.draw_password()
    password = await tenancy.hashed(drawn)
    async with _database(settings) as db:
        async with db.reading() as read:
            people = [known.person for known in await tenancy.known_by_email(read, email)]
        if workspace:
            shop = await _shop(db, workspace)
            people = [person for person in people if person.workspace_id == shop.id]
        if not people:
            raise NotFound(f"Nobody signs in as {email}: `regulars staff list` says who does.")
        if len(people) > 1:
            raise invalid("--workspace", "the id of one of: " + ", ".join(str(one.workspace_id) for one in people))
        async with db.transaction() as tx:
            person = await tenancy.change_password(tx, people[0].workspace_id, people[0].id, password)
            await attempts.forget(tx, person.email)
            now = settings.clock().now()
            await tenancy.audit(tx, person.workspace_id, "cli", "staff.new_password", person.email, now=now)
    say(f"{person.email} signs in with the password {drawn} from now on; their other sessions have ended.")


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    async with database(settings) as url:
        db = await Database.connect(url, connections_max=2)
        try:
            yield db
        finally:
            await db.close()


async def import_csv(
    settings: Settings,
    file: Path,
    format: Format,
    *,
    kind: imports.Kind,
    workspace: str,
    preview: bool,
    replace: bool,
    say: Say,
) -> None:
    """Raises Invalid when the file is no CSV of such things, OSError when it can't be read."""
    async with _database(settings) as db:
        shop, clock = await _shop(db, workspace), settings.clock()
        with _opened(file) as stream:
            found = tables.find_encoding(stream)
            if preview:
                now = clock.now()
                how: dict[str, Any] = {"kind": kind, "name": file.name, "replace": replace}
                _tell(kind, await imports.preview(db, shop, stream, found, format, now, whole=True, **how), say)
                return
            table = imports.opened_as(kind, stream, found, format, shop, file.name)
            rows, how = table.rows(), {"kind": imports.KINDS[kind], "correcting": imports.correcting_of(table, replace)}
            with _bar(kind, os.fstat(stream.fileno()).st_size) as (bar, task):
                done, rate = Imported(), _Rate()
                async for done in import_rows(db, clock, shop.id, rows, actor="cli", **how):
                    bar.update(task, completed=stream.tell(), said=rate.said(done))
    if table.encoding not in ("utf-8", format.encoding):
        say(f"Read as {tables.ENCODINGS[table.encoding]}; --encoding chooses another.")
    _report(kind, done, say)


def _tell(kind: imports.Kind, given: imports.Preview, say: Say) -> None:
    """What a file would give, nothing of which has happened."""
    letters, parted = tables.ENCODINGS[given.encodings[0]], tables.SEPARATORS[given.separator]
    say(f"Letters: {letters}. Columns are parted by a {parted}. Times that don't say theirs are of {given.zone}.")
    for column in given.columns:
        say(f"{column.name} is {column.field or 'not read'}: {', '.join(column.cells)}")
    for words in given.problems.values():
        say(f"file: {words}")
    for field, count in given.asks.items():
        say(f"{count:,} rows wait for a choice: --{field}")
    for row in given.first:
        if not row.reason:
            say(f"line {row.line}: " + ", ".join(f"{name} {value}" for name, value in row.values.items() if value))
    say(f"Worked out from {'all' if given.whole else 'the first'} {given.progress.rows:,} rows; nothing was imported.")
    _report(kind, given.progress, say)
    if kind in ("coins", "reviews"):
        return
    welcome = f", who get {given.welcome_coins:,} coins for being new" if given.welcome_coins else ""
    say(f"{given.new_customers:,} new customers{welcome}")
    if kind == "orders" and not given.triggers_asked:
        say("No trigger rewards orders, so they would earn nothing.")
    for why, count in given.reasons.items():
        say(f"{count:,} would earn nothing: {why}")


def mapped(pairs: Sequence[str]) -> dict[str, str]:
    """`amount=Total` as the format's columns. Raises Invalid."""
    parts = [pair.partition("=") for pair in pairs]
    if any(not equals for _, equals, _ in parts):
        raise invalid("--map", "a field and the file's column, such as amount=Total")
    return {field.strip(): column.strip() for field, _, column in parts}


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file is read twice: once to see what it is. What comes through a pipe is kept until it is taken in."""
    with path.open("rb") as stream:
        if stream.seekable():
            yield stream
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy)
            yield cast(BinaryIO, copy)


def _report(kind: imports.Kind, done: Imported, say: Say) -> None:
    what = "credits" if kind == "coins" else kind
    came = f"{done.created:,} {what} created, {done.updated:,} updated, {done.unchanged:,} unchanged"
    gave = f"; {done.rewards:,} rewarded with {done.coins:,} coins, {done.refused:,} earned nothing"
    gave = {"orders": gave, "coins": f"; {done.coins:,} coins"}.get(kind, "")
    say(f"{done.rows:,} rows: {came}, {done.unusable_count:,} not usable{gave}")
    for words, why in done.reasons.items():
        say(f"earned nothing, {why.orders:,}: {words}")
    for row in done.unusable:
        say(f"line {row.line}: {row.reason}")
    if done.unusable_count > len(done.unusable):
        say(f"and {done.unusable_count - len(done.unusable):,} more rows that can't be used")
    for row in done.details:
        say(f"line {row.line}: the order was taken, a detail of its customer was left out: {row.reason}")
    if done.differing_count:
        say(f"{done.differing_count:,} say otherwise than what is kept and newer; --replace has the file win")
    for row in done.differing:
        say(f"line {row.line}: {row.reason}")


async def audit(settings: Settings, *, say: Say) -> bool:
    """Whether the books of all shops hold, each as of one instant. One that can't be read keeps no other unread."""
    sound = True
    async with _database(settings) as db:
        async with db.reading() as tx:
            shops = await tenancy.list_workspaces(tx)
        for shop in shops:
            try:
                async with db.snapshot() as tx:
                    found = await ledger.verify(tx, shop.id)
                verdict = "ok" if found is None else f"BROKEN, {found.check}: {found.where}"
            except UNREACHABLE:
                raise
            except Exception as fault:  # noqa: BLE001 - whatever keeps a book from being read is its verdict
                verdict = f"UNREADABLE, {type(fault).__name__}: {fault}"
            say(f"{shop.name} ({shop.shown_id}): {verdict}")
            sound = sound and verdict == "ok"
    return sound


async def back_up(settings: Settings, place: Path, *, say: Say) -> None:
    """Raises BackupError, MigrationError, OSError."""
    async with database(settings, as_it_is=True) as url:
        file, made = await backup.back_up(url, place, settings.clock().now())
    say(f"{file}, {-(-file.stat().st_size // 1_000):,} kB: {_kept(made)}")
    say(f"Secrets of outside tools are sealed in it. Keep what opens them too, elsewhere: {_key(settings)}")


async def restore(settings: Settings, file: Path, *, say: Say) -> bool:
    """Whether the books hold and the secrets can be read. Raises BackupError, MigrationError, OSError."""
    async with database(settings, as_it_is=True) as url:
        say(f"Each row is back as it was: {_kept(await backup.restore(url, file))}")
    async with _database(settings) as db, db.snapshot() as tx:
        wrong, secrets = await backup.unreadable(tx, SecretBox(settings.secret()))
    if wrong:
        say(
            f"{wrong} of {secrets} secrets of outside tools were sealed with another key than {_key(settings)}. Set "
            "that one before anything is started, or enter them again in the dashboard."
        )
    return await audit(settings, say=say) and not wrong


def _kept(made: backup.Manifest) -> str:
    return f"{made.rows:,} rows of {len(made.tables):,} tables, as of {made.made_at:%Y-%m-%d %H:%M:%S} UTC"


def _key(settings: Settings) -> str:
    return f"the file {settings.data_dir / 'secret_key'}" if settings.secret_key is None else "REGULARS_SECRET_KEY"


async def demo(settings: Settings, *, as_json: bool, say: Say) -> bool:
    """Whether every event was delivered and the book holds."""
    rate = _Rate()
    with _bar("purchases", limits.DEMO_PURCHASES) as (bar, task):
        found = await run_demo(
            settings,
            say=lambda line: bar.console.print(line, markup=False),
            watch=lambda done: bar.update(task, completed=done.rows, said=rate.said(done)),
        )
    if as_json:
        say(msgspec.json.encode(found).decode())
    else:
        for name, value in found.items():
            say(f"{name:14} {value}")
    return bool(found["audit"] == "ok") and not any(tool["failed"] for tool in found["deliveries"].values())


async def demo_feed(settings: Settings, *, say: Say) -> None:
    """What `regulars up --demo` runs beside its server: connect the demo's tools and take its purchases in."""
    app = await App.open(settings)
    try:
        shop, _ = await prepare(settings, settings.shared_database_url(), app.clock.now())
        await connect(app, shop.id)
        async for done in feed(app, shop.id):
            say(f"{done.rows:,} of {limits.DEMO_PURCHASES:,} purchases are in: {done.coins:,} coins")
    finally:
        await app.close()


@contextmanager
def _bar(noun: str, total: int | None) -> Iterator[tuple[progress.Progress, progress.TaskID]]:
    """A progress bar on standard error, so that standard output holds only the result."""
    columns = (
        progress.TextColumn(f"{noun}:"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TextColumn("{task.fields[said]}"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left:"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        yield bar, bar.add_task(noun, total=total, said="")


class _Rate:
    """Rows a second since the first batch."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def said(self, done: Imported) -> str:
        return f"{done.rows:,} rows, {done.rows / max(time.monotonic() - self._began, 0.001):,.0f}/s"


async def _shop(db: Database, workspace: str) -> Workspace:
    """The shop with this id, or the only one there is. Raises NotFound, Invalid."""
    async with db.reading() as tx:
        if workspace:
            id = await tenancy.workspace_id_of(tx, workspace)
            if id is None:
                raise invalid("--workspace", "the id of a workspace")
            return await tenancy.get_workspace(tx, id)
        shops = await tenancy.list_workspaces(tx)
    if len(shops) == 1:
        return shops[0]
    if not shops:
        raise NotFound("There is no shop yet: `regulars workspace create NAME` makes one.")
    raise invalid("--workspace", "the id of one of: " + ", ".join(f"{shop.shown_id} ({shop.name})" for shop in shops))
