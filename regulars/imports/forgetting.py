"""Files that were handed over, and what is said of those that were taken in, without somebody who was erased."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from regulars import limits, people
from regulars.imports import files
from regulars.kit import Queries, Reading, Tx
from regulars.kit.traces import Traces

_sql = Queries(__file__)


async def forget(tx: Tx, workspace_id: UUID, traces: Traces, after: UUID, before: UUID, now: datetime) -> UUID | None:
    """A file in which they stand is dropped, and has to be handed over again without them; a report loses the lines
    that name them. What is being taken in just now is waited for: the id to go on from, None at the end."""
    rows = await tx.fetch(_sql.reports, workspace_id, after, before, limits.TRACED_RUNS_MAX)
    for row in rows:
        if row["state"] == "running" and (now - row["seen_at"]).total_seconds() <= limits.IMPORT_LOST_S:
            return after
        after = row["id"]
        encoding = (row["encoding"] or {}).get("name", "utf-8")
        if await traces.in_file(_parts(tx, workspace_id, after), encoding):
            await files.drop(tx, workspace_id, after)
        said = [row["filename"], row["progress"]]
        if (kept := traces.emptied(said)) != said:
            await tx.execute(_sql.reword, workspace_id, after, *kept)
    return after if len(rows) == limits.TRACED_RUNS_MAX else None


async def _parts(tx: Reading, workspace_id: UUID, run_id: UUID) -> AsyncIterator[bytes]:
    async for row in tx.rows(_sql.parts, workspace_id, run_id, None, prefetch=1):
        yield row["bytes"]


people.also(files=forget)
