"""A file that is handed over: kept, looked at as often as one likes, and taken in with its progress written down after
every batch."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Literal, Self
from uuid import UUID

import msgspec

from regulars import limits, tenancy
from regulars.imports import files
from regulars.imports.kinds import KINDS, Kind, correcting_of, opened_as
from regulars.imports.previewing import Preview, preview
from regulars.imports.progress import Progress
from regulars.imports.taking import import_rows
from regulars.kit import Clock, Conflict, NotFound, Queries, again_when_raced, invalid, new_id, tables
from regulars.kit.csv_file import Format
from regulars.kit.db import Database, Reading, Record
from regulars.kit.tables import Encoding
from regulars.kit.workloop import guarded
from regulars.orders import Correcting
from regulars.tenancy import Workspace
from regulars.wiring import App

_sql = Queries(__file__)

State = Literal["uploaded", "waiting", "running", "done", "stopped", "failed", "cancelled"]
Steps = AsyncIterator[tuple[int, Progress]]
"""After each batch how much of the whole size is done, and the progress."""


class Work(msgspec.Struct, frozen=True):
    """Work with many orders, and how far it is. Its size is in bytes of a file, or in orders."""

    id: UUID
    actor: str
    state: State
    size_total: int
    size_done: int
    progress: Progress
    started_at: datetime
    seen_at: datetime

    @property
    def part(self) -> float:
        """How much of it is done, from 0 to 1."""
        return min(1.0, self.size_done / self.size_total) if self.size_total else 1.0

    @property
    def rows_per_s(self) -> float:
        return self.progress.rows / max((self.seen_at - self.started_at).total_seconds(), 0.001)

    @property
    def left_s(self) -> float | None:
        """How long it takes yet, if it goes on as it went; None before anything is known."""
        took_s = (self.seen_at - self.started_at).total_seconds()
        return took_s / self.part * (1 - self.part) if self.part and took_s else None

    def at(self, now: datetime) -> Self:
        """As it must be taken now: what runs and has not been heard of for IMPORT_LOST_S does not run any more."""
        lost = self.state == "running" and (now - self.seen_at).total_seconds() > limits.IMPORT_LOST_S
        return msgspec.structs.replace(self, state="stopped") if lost else self


class Run(Work, frozen=True):
    """One file and how far it is."""

    kind: Kind
    filename: str
    encoding: Encoding
    format: Format
    replaces: bool


async def upload(
    app: App,
    shop: Workspace,
    file: BinaryIO,
    *,
    filename: str,
    actor: str,
    kind: Kind = "orders",
    format: Format | None = None,
) -> UUID:
    """Keep the file, and return the id of its run, which does not begin by itself. Raises Invalid when it is no text at
    all, or larger than a file may be."""
    format = format or Format()
    encoding = await asyncio.to_thread(_first_look, kind, file, format, shop)
    run_id, now, nothing = new_id(), app.clock.now(), msgspec.to_builtins(Progress())
    async with app.db.transaction() as tx:
        size = await files.keep(tx, shop.id, run_id, file, now)
        shown = filename[: limits.NAME_CHARS_MAX].replace("\0", "")
        found = msgspec.to_builtins(encoding)
        new = (kind, shown, actor, found, msgspec.to_builtins(format), size, nothing, now)
        await tx.execute(_sql.insert, shop.id, run_id, *new)
        await tx.execute(_sql.drop_uploaded, shop.id, limits.IMPORTS_LOOKED_AT_MAX)
    return run_id


def _first_look(kind: Kind, file: BinaryIO, format: Format, shop: Workspace) -> Encoding:
    if file.seek(0, 2) > limits.UPLOAD_BYTES_MAX:
        raise invalid("file", f"a file of at most {limits.UPLOAD_BYTES_MAX:,} bytes")
    found = tables.find_encoding(file)
    opened_as(kind, file, found, format, shop, "")
    return found


async def look(app: App, shop: Workspace, run_id: UUID) -> tuple[Run, Preview | None]:
    """The run, and what would come of it as its format stands if it can be begun: of its first
    limits.IMPORT_SAMPLE_ROWS rows. Raises NotFound, and FileGone."""
    now = app.clock.now()
    async with app.db.reading() as tx:
        run = await get_run(tx, shop.id, run_id, now)
    if run.state != "uploaded":
        return run, None
    return run, await _previewed(app, shop, run)


async def choose(
    app: App, shop: Workspace, run_id: UUID, format: Format, *, replaces: bool
) -> tuple[Run, Preview | None]:
    """Have the file read in this format, and look. Raises as `look`; Invalid when the format is wrong in itself, and
    nothing is chosen then."""
    now = app.clock.now()
    async with app.db.reading() as tx:
        run = await get_run(tx, shop.id, run_id, now)
    run = msgspec.structs.replace(run, format=format, replaces=replaces)
    shown = await _previewed(app, shop, run)
    async with app.db.transaction() as tx:
        chosen = (msgspec.to_builtins(format), replaces, now)
        if await tx.fetchval(_sql.choose, shop.id, run_id, *chosen) is None:
            raise Conflict("This file is taken in already.")
    return run, shown


async def _previewed(app: App, shop: Workspace, run: Run) -> Preview:
    file = await files.opened(app.db, shop.id, run.id, limits.IMPORT_SAMPLE_BYTES)
    whole = run.size_total <= limits.IMPORT_SAMPLE_BYTES
    try:
        how: dict[str, Any] = {"kind": run.kind, "name": run.filename, "replace": run.replaces}
        return await preview(app.db, shop, file, run.encoding, run.format, app.clock.now(), whole=whole, **how)
    finally:
        file.close()


async def begin(app: App, shop: Workspace, run_id: UUID, *, actor: str) -> None:
    """Begin to take the file in beside the requests of this process, as it was chosen.

    Raises NotFound and FileGone; Invalid when something has to be chosen first; Conflict while the shop takes another
    one in, and when this one is taken in already. Nothing runs then.
    """
    async with app.db.reading() as tx:
        run = await get_run(tx, shop.id, run_id, app.clock.now())
    if run.state not in ("uploaded", "stopped"):
        raise Conflict("This file is taken in already.")
    file = await files.opened(app.db, shop.id, run_id)
    try:
        rows, correcting = await asyncio.to_thread(_rows, file, run, shop)

        async def transact() -> UUID | None:
            now, nothing = app.clock.now(), msgspec.to_builtins(Progress())
            async with app.db.transaction() as tx:
                await tx.execute(_sql.end_lost, shop.id, now - timedelta(seconds=limits.IMPORT_LOST_S))
                chosen = (msgspec.to_builtins(run.format), run.replaces)
                begun: UUID | None = await tx.fetchval(_sql.begin, shop.id, run_id, *chosen, nothing, now)
                if begun is not None:
                    await tenancy.audit(tx, shop.id, actor, f"{run.kind}.import", run.filename, now=now)
                return begun

        if await again_when_raced(transact) is None:
            raise Conflict(
                "Another file is being imported, or a trigger applied. Wait until that is done, then try again."
            )
    except BaseException:
        file.close()
        raise
    steps = _of_file(app, shop.id, file, rows, actor, correcting, run.kind)
    await app.beside(carry_out(app.db, app.clock, shop.id, run_id, steps))


def _rows(file: BinaryIO, run: Run, shop: Workspace) -> tuple[Iterator[Any], Correcting]:
    table = opened_as(run.kind, file, run.encoding, run.format, shop, run.filename)
    return table.rows(), correcting_of(table, run.replaces)


async def get_run(tx: Reading, workspace_id: UUID, run_id: UUID, now: datetime) -> Run:
    """Raises NotFound."""
    row = await tx.fetchrow(_sql.run, workspace_id, run_id)
    if row is None:
        raise NotFound("This import does not exist.")
    return _run(row).at(now)


async def newest_runs(
    tx: Reading, workspace_id: UUID, now: datetime, limit: int, *, kind: Kind | None = None
) -> list[Run]:
    return [_run(row).at(now) for row in await tx.fetch(_sql.newest, workspace_id, limit, kind)]


async def carry_out(
    db: Database,
    clock: Clock,
    workspace_id: UUID,
    run_id: UUID,
    steps: Steps,
    *,
    broken: State = "stopped",
    cut: State = "stopped",
) -> None:
    """Write down after each step how far it is; what it is when a step breaks, and when the process ends."""
    state = cut

    async def all_of_it() -> None:
        nonlocal state
        async for size_done, done in steps:
            note = (size_done, msgspec.to_builtins(done), clock.now())
            async with db.transaction() as tx:
                if await tx.fetchval(_sql.note, workspace_id, run_id, *note) is None:
                    return  # it was taken for lost, and another may have begun
        state = "done"

    try:
        if not await guarded("import", all_of_it(), workspace_id=str(workspace_id), run_id=str(run_id)):
            state = broken
    finally:
        await _end(db, workspace_id, run_id, state, clock.now())


async def _of_file(
    app: App, workspace_id: UUID, file: BinaryIO, rows: Iterator[Any], actor: str, correcting: Correcting, kind: Kind
) -> Steps:
    with file:
        how: dict[str, Any] = {"kind": KINDS[kind], "actor": actor, "correcting": correcting}
        taking = import_rows(app.db, app.clock, workspace_id, rows, **how)
        async for done in taking:
            yield file.tell(), done


async def _end(db: Database, workspace_id: UUID, run_id: UUID, state: State, now: datetime) -> None:
    """What is done needs its file no more; what was stopped can be begun again."""
    async with db.transaction() as tx:
        await tx.execute(_sql.end, workspace_id, run_id, state, now)
        if state == "done":
            await files.drop(tx, workspace_id, run_id)


def _run(row: Record) -> Run:
    return msgspec.convert(dict(row), Run)
