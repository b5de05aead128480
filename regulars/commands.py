"""The commands that work on a shop from the command line; `cli.py` lists them."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from regulars import ledger, limits, tenancy
from regulars.activity.csv_orders import Format, OrderFile
from regulars.demo import connect, feed, prepare
from regulars.demo import run as run_demo
from regulars.imports import Progress as Imported
from regulars.imports import import_orders
from regulars.kit import tables
from regulars.kit.clock import SystemClock
from regulars.kit.db import Database
from regulars.kit.errors import NotFound, invalid
from regulars.kit.settings import Settings
from regulars.tenancy import Workspace
from regulars.up import database
from regulars.wiring import App

Say = Callable[[str], None]


_FIRST_KEYS: dict[str, dict[str, Any]] = {
    "write_key": {"access": "WRITE", "areas": msgspec.structs.replace(tenancy.EVERY_AREA, staff="NONE")},
    "read_key": {"access": "READ"},
    "admin_key": {"access": "WRITE", "areas": tenancy.EVERY_AREA},
}
"""All but the last can't make an owner, nor another key."""


async def create_workspace(settings: Settings, name: str, *, email: str, as_json: bool, say: Say) -> None:
    """A shop and three keys for it; with `email`, somebody who may sign in, their password drawn and printed once."""
    now = SystemClock().now()
    async with database(settings) as url:
        db = await Database.connect(url, connections_max=1)
        try:
            async with db.transaction() as tx:
                shop = await tenancy.create_workspace(tx, name, now=now)
                made = {"workspace_id": str(shop.id)}
                for name, rights in _FIRST_KEYS.items():
                    called = f"First {name.replace('_', ' ')}"
                    issued = await tenancy.issue_key(tx, shop.id, called, **rights, made_by="cli", now=now)
                    made[name] = issued.key
                if email:
                    password = tenancy.draw_password()
                    await tenancy.add_staff(tx, shop.id, email, password, now=now)
                    made |= {"email": email, "password": password}
                await tenancy.audit(tx, shop.id, "cli", "workspace.create", str(shop.id), now=now)
        finally:
            await db.close()
    if as_json:
        say(msgspec.json.encode(made).decode())
        return
    for label, value in made.items():
        say(f"{label.replace('_', ' '):14} {value}")
    say("The keys and the password are shown this once.")


async def import_csv(settings: Settings, file: Path, format: Format, *, workspace: str, say: Say) -> None:
    """Raises Invalid when the file is no CSV of orders, OSError when it can't be read."""
    async with database(settings) as url:
        db = await Database.connect(url, connections_max=2)
        try:
            shop = await _shop(db, workspace)
            with _opened(file) as stream, _bar("orders", _size(stream)) as (bar, task):
                found = tables.find_encoding(stream)
                orders = OrderFile(stream, found, format, currency_code=shop.currency_code, zone=shop.zone)
                done, rate = Imported(), _Rate()
                async for done in import_orders(db, SystemClock(), shop.id, orders.rows(), actor="cli"):
                    bar.update(task, completed=stream.tell(), said=rate.said(done))
        finally:
            await db.close()
    if orders.encoding not in ("utf-8", format.encoding):
        say(f"Read as {tables.ENCODINGS[orders.encoding]}; --encoding chooses another.")
    _report(done, say)


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


def _size(stream: BinaryIO) -> int:
    """In bytes."""
    return os.fstat(stream.fileno()).st_size


def _report(done: Imported, say: Say) -> None:
    say(
        f"{done.rows:,} rows: {done.created:,} orders created, {done.updated:,} updated, {done.unchanged:,} unchanged, "
        f"{done.unusable_count:,} not usable; {done.rewards:,} rewarded with {done.coins:,} coins, "
        f"{done.refused:,} earned nothing"
    )
    for row in done.unusable:
        say(f"line {row.line}: {row.reason}")
    if done.unusable_count > len(done.unusable):
        say(f"and {done.unusable_count - len(done.unusable):,} more rows that can't be used")


async def audit(settings: Settings, *, say: Say) -> bool:
    """Whether the books of all shops hold."""
    sound = True
    async with database(settings) as url:
        db = await Database.connect(url, connections_max=1)
        try:
            async with db.snapshot() as tx:
                for shop in await tenancy.list_workspaces(tx):
                    found = await ledger.verify(tx, shop.id)
                    say(
                        f"{shop.name} ({shop.id}): {'ok' if found is None else f'BROKEN, {found.check}: {found.where}'}"
                    )
                    sound = sound and found is None
        finally:
            await db.close()
    return sound


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
def _bar(noun: str, total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on standard error, so that standard output holds only the result."""
    columns = (
        TextColumn(f"{noun}:"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
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
            try:
                return await tenancy.get_workspace(tx, UUID(workspace))
            except ValueError:
                raise invalid("--workspace", "the id of a workspace") from None
        shops = await tenancy.list_workspaces(tx)
    if len(shops) == 1:
        return shops[0]
    if not shops:
        raise NotFound("There is no shop yet: `regulars workspace create NAME` makes one.")
    raise invalid("--workspace", "the id of one of: " + ", ".join(f"{shop.id} ({shop.name})" for shop in shops))
