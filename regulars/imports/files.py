"""The files themselves: kept in the database in pieces, so that any server can look at them and take them in, and not
for ever; and without somebody who was erased."""

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import BinaryIO, cast
from uuid import UUID

from regulars import limits, people, schedule
from regulars.kit import Database, NotFound, Queries, Reading, Tx
from regulars.kit.traces import Traces
from regulars.schedule import Due
from regulars.tenancy import Workspace

_sql = Queries(__file__)

EXPIRY = "imports.expiry"


class FileGone(NotFound, code="file_gone"):
    """The file was handed over too long ago, or too many after it."""


async def keep(tx: Tx, workspace_id: UUID, run_id: UUID, file: BinaryIO, now: datetime) -> int:
    """How many bytes it has; never more of them in memory than a piece."""
    file.seek(0)
    for number, part in enumerate(_parts(file)):
        await tx.execute(_sql.insert_part, workspace_id, run_id, number, part)
    await schedule.put(tx, workspace_id, [Due(EXPIRY, str(run_id), now + timedelta(seconds=limits.IMPORT_KEPT_S))])
    return file.tell()


async def opened(db: Database, workspace_id: UUID, run_id: UUID, bytes_max: int = limits.UPLOAD_BYTES_MAX) -> BinaryIO:
    """A copy on this machine's disk, or of its beginning, at least `bytes_max` bytes if it has so many; gone when it is
    closed. Raises FileGone."""
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed by the one who reads it
    pieces = -(-bytes_max // limits.IMPORT_PART_BYTES)
    try:
        async with db.snapshot() as tx:
            async for part in tx.rows(_sql.parts, workspace_id, run_id, pieces, prefetch=1):
                copy.write(part["bytes"])
        if not copy.tell():
            raise FileGone("This file is not kept any more. Hand it over again.")
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy


async def drop(tx: Tx, workspace_id: UUID, run_id: UUID) -> None:
    await tx.execute(_sql.drop_parts, workspace_id, [run_id])
    await schedule.drop(tx, workspace_id, EXPIRY, [str(run_id)])


async def expire(tx: Tx, shop: Workspace, due: Sequence[Due], _: datetime) -> None:
    """Forget files that nobody took in within limits.IMPORT_KEPT_S."""
    await tx.execute(_sql.drop_parts, shop.id, [UUID(one.key) for one in due])


def _parts(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(limits.IMPORT_PART_BYTES):
        yield part


async def forget(tx: Tx, workspace_id: UUID, traces: Traces, after: UUID, before: UUID, now: datetime) -> UUID | None:
    """A file in which they stand is dropped, and has to be handed over again without them; a report loses the lines
    that name them. What is being taken in just now is waited for: the id to go on from, None at the end."""
    rows = await tx.fetch(_sql.reports, workspace_id, after, before, limits.TRACED_RUNS_MAX)
    for row in rows:
        if row["state"] == "running" and (now - row["seen_at"]).total_seconds() <= limits.IMPORT_LOST_S:
            return after
        after = row["id"]
        encoding = (row["encoding"] or {}).get("name", "utf-8")
        if await traces.in_file(_kept(tx, workspace_id, after), encoding):
            await drop(tx, workspace_id, after)
        said = [row["filename"], row["progress"]]
        if (kept := traces.emptied(said)) != said:
            await tx.execute(_sql.reword, workspace_id, after, *kept)
    return after if len(rows) == limits.TRACED_RUNS_MAX else None


async def _kept(tx: Reading, workspace_id: UUID, run_id: UUID) -> AsyncIterator[bytes]:
    async for row in tx.rows(_sql.parts, workspace_id, run_id, None, prefetch=1):
        yield row["bytes"]


people.also(files=forget)
