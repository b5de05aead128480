"""A file that is handed over: kept while it is taken in, its progress written down after every batch."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO, Literal, cast
from uuid import UUID

import msgspec

from regulars import limits
from regulars.activity import csv_orders
from regulars.activity.csv_orders import Row
from regulars.imports.taking import Progress, import_orders
from regulars.kit import tables
from regulars.kit.db import Database, Reading, Record
from regulars.kit.errors import Conflict, NotFound
from regulars.kit.ids import new_id
from regulars.kit.queries import Queries
from regulars.kit.workloop import guarded
from regulars.tenancy import Workspace
from regulars.wiring import App

_sql = Queries(__file__)

State = Literal["running", "done", "stopped"]


class Run(msgspec.Struct, frozen=True):
    """One file and how far it is."""

    id: UUID
    filename: str
    actor: str
    state: State
    bytes_total: int
    bytes_read: int
    progress: Progress
    started_at: datetime
    seen_at: datetime

    @property
    def part(self) -> float:
        """How much of the file is read, from 0 to 1."""
        return min(1.0, self.bytes_read / self.bytes_total) if self.bytes_total else 1.0

    @property
    def rows_per_s(self) -> float:
        return self.progress.rows / max((self.seen_at - self.started_at).total_seconds(), 0.001)

    @property
    def left_s(self) -> float | None:
        """How long it takes yet, if it goes on as it went; None before anything is known."""
        took_s = (self.seen_at - self.started_at).total_seconds()
        return took_s / self.part * (1 - self.part) if self.part and took_s else None

    def at(self, now: datetime) -> Run:
        """As it must be taken now: what runs and has not been heard of for IMPORT_LOST_S does not run any more."""
        lost = self.state == "running" and (now - self.seen_at).total_seconds() > limits.IMPORT_LOST_S
        return msgspec.structs.replace(self, state="stopped") if lost else self


async def begin(app: App, shop: Workspace, file: BinaryIO, *, filename: str, source: str, actor: str) -> UUID:
    """Copy the file, begin to take it in beside the requests of this process, and return the id of its run.

    Raises Invalid when it is no CSV of orders, Conflict while the shop takes another one in; nothing runs then.
    """
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed by the one who reads it to its end
    try:
        bytes_total = await asyncio.to_thread(_copied, file, copy)
        rows = await asyncio.to_thread(_begun, copy, shop, source)
        run_id, now = new_id(), app.clock.now()
        async with app.db.transaction() as tx:
            await tx.execute(_sql.end_lost, shop.id, now - timedelta(seconds=limits.IMPORT_LOST_S))
            nothing = msgspec.to_builtins(Progress())
            begun = await tx.fetchval(_sql.insert, shop.id, run_id, filename, actor, bytes_total, nothing, now)
        if begun is None:
            raise Conflict("Another file is being imported. Wait until it is done, then import this one.")
    except BaseException:
        copy.close()
        raise
    app.beside(_take_in(app, shop.id, run_id, copy, rows, actor))
    return run_id


async def get_run(tx: Reading, workspace_id: UUID, run_id: UUID, now: datetime) -> Run:
    """Raises NotFound."""
    row = await tx.fetchrow(_sql.run, workspace_id, run_id)
    if row is None:
        raise NotFound("This import does not exist.")
    return _run(row).at(now)


async def newest_runs(tx: Reading, workspace_id: UUID, now: datetime, limit: int) -> list[Run]:
    return [_run(row).at(now) for row in await tx.fetch(_sql.newest, workspace_id, limit)]


async def _take_in(app: App, workspace_id: UUID, run_id: UUID, file: BinaryIO, rows: Iterator[Row], actor: str) -> None:
    state: State = "stopped"

    async def all_of_it() -> None:
        nonlocal state
        async for done in import_orders(app.db, app.clock, workspace_id, rows, actor=actor):
            note = (file.tell(), msgspec.to_builtins(done), app.clock.now())
            async with app.db.transaction() as tx:
                if await tx.fetchval(_sql.note, workspace_id, run_id, *note) is None:
                    return  # it was taken for lost, and another may have begun
        state = "done"

    try:
        await guarded("import", all_of_it(), workspace_id=str(workspace_id), run_id=str(run_id))
    finally:
        file.close()
        await _end(app.db, workspace_id, run_id, state, app.clock.now())


async def _end(db: Database, workspace_id: UUID, run_id: UUID, state: State, now: datetime) -> None:
    async with db.transaction() as tx:
        await tx.execute(_sql.end, workspace_id, run_id, state, now)


def _copied(file: BinaryIO, copy: BinaryIO) -> int:
    """In bytes; the copy stands at its beginning."""
    file.seek(0)
    shutil.copyfileobj(file, copy)
    size = copy.tell()
    copy.seek(0)
    return size


def _begun(file: BinaryIO, shop: Workspace, source: str) -> Iterator[Row]:
    found, format = tables.find_encoding(file), csv_orders.Format(source=source)
    return csv_orders.OrderFile(file, found, format, currency_code=shop.currency_code, zone=shop.zone).rows()


def _run(row: Record) -> Run:
    return msgspec.convert(dict(row), Run)
