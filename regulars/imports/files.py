"""The files themselves: kept in the database in pieces, so that any server can look at them and take them in, and not
for ever."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO, cast
from uuid import UUID

from regulars import limits
from regulars.kit.db import Database, Tx
from regulars.kit.errors import NotFound
from regulars.kit.queries import Queries

_sql = Queries(__file__)


class FileGone(NotFound):
    """The file was handed over too long ago, or too many after it."""

    code = "file_gone"


async def keep(tx: Tx, workspace_id: UUID, run_id: UUID, file: BinaryIO, now: datetime) -> int:
    """How many bytes it has; never more of them in memory than a piece."""
    file.seek(0)
    for number, part in enumerate(_parts(file)):
        await tx.execute(_sql.insert_part, workspace_id, run_id, number, now, part)
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
    await tx.execute(_sql.drop_parts, workspace_id, run_id)


async def expire(db: Database, now: datetime) -> None:
    """Forget the files of all shops that nobody took in within limits.IMPORT_KEPT_S."""
    async with db.transaction() as tx:
        await tx.execute(_sql.expire, now - timedelta(seconds=limits.IMPORT_KEPT_S))


def _parts(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(limits.IMPORT_PART_BYTES):
        yield part
