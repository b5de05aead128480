"""Those who carry facts away read here, each by its name, and lose none that commits late.

    appended, pending --claimed--> read        and, while it wants nothing:    pending --dropped--> only logged

A row for each reader that the workspace has is pending from the commit of its fact on, however late that comes, so
there is no place in the log that a reader could have passed already. It is deleted in the transaction that stores what
the reader made of it: if that fails, the event is pending again. No reader sees the rows of another.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from regulars import limits
from regulars.events.model import Pending
from regulars.kit import Queries, Reading, Tx, made_at
from regulars.kit.queries import for_each

_sql = Queries(__file__)

Reader = Literal["dispatch", "tiers", "engagement"]
"""Who reads the log. Which of them a workspace has stands in the view `events_reader`."""


async def claim_pending(tx: Tx, workspace_id: UUID, reader: Reader, limit: int) -> list[Pending]:
    """Take up to `limit` events that are pending for the reader, oldest id first. The caller stores what becomes of
    them in this transaction.

    Events that another transaction is claiming are passed over, so any number of readers can work side by side.
    """
    return await tx.all(Pending, _sql.claim_pending, workspace_id, reader, limit)


async def bodies(tx: Reading, workspace_id: UUID, pending: Sequence[Pending]) -> dict[UUID, tuple[str, datetime]]:
    """What those events say, and since when they are logged, by their ids: for a reader that has to look into them."""
    rising = sorted(pending, key=lambda event: event.id)
    ids, topics = [event.id for event in rising], [event.topic for event in rising]
    return {id: (body, at) for id, body, at in await tx.fetch(_sql.bodies, workspace_id, ids, topics)}


async def traceparents(tx: Reading, workspace_id: UUID, pending: Sequence[Pending]) -> list[str]:
    """Of the requests that made those events, as far as they were traced."""
    rising = sorted(pending, key=lambda event: event.id)
    ids, topics = [event.id for event in rising], [event.topic for event in rising]
    return await tx.all(str, _sql.traceparents, workspace_id, ids, topics)


async def still_pending(tx: Reading, workspace_id: UUID, reader: Reader, event_ids: Sequence[UUID]) -> set[UUID]:
    """Those that it is yet to read."""
    rows = await tx.fetch(_sql.still_pending, workspace_id, reader, event_ids)
    return {row["event_id"] for row in rows}


async def drop_pending(tx: Tx, workspace_id: UUID, reader: Reader, limit: int | None = None) -> int:
    """Let up to `limit` events (None: all) stay in the log without being read by that one; how many they were.

    For a workspace whose events are off: what was appended while they were being switched off is pending for dispatch
    still. Drop it while they are, and once more in the transaction that turns them on, so that nothing from before is
    sent afterwards.
    """
    dropped: int = await tx.fetchval(_sql.drop_pending, workspace_id, reader, limit)
    return dropped


async def late_since(tx: Reading, workspace_id: UUID, reader: Reader, now: datetime) -> datetime | None:
    """When the oldest event was recorded that has waited to be carried away for longer than it should; None when none
    has."""
    oldest: UUID | None = await tx.fetchval(_sql.oldest_pending, workspace_id, reader)
    late = oldest is not None and now - made_at(oldest) > timedelta(seconds=limits.EVENTS_LATE_S)
    return made_at(oldest) if oldest is not None and late else None


async def oldest_waiting(tx: Reading) -> dict[str, datetime]:
    """By reader, when the oldest event was recorded that waits for it anywhere; without readers that none waits for."""
    readers = list(get_args(Reader))
    rows = await tx.fetch(for_each(_sql.oldest_waiting, len(readers)), readers)
    return {row["reader"]: made_at(row["event_id"]) for row in rows}


async def workspaces_with_pending(tx: Reading, reader: Reader) -> list[UUID]:
    """Where there is something for the reader to claim or drop."""
    first = await tx.fetchrow(_sql.workspaces_with_pending, reader, limits.EVENTS_LOOKED_AT_MAX)
    assert first is not None
    if first["seen"] < limits.EVENTS_LOOKED_AT_MAX:
        return list(first["workspaces"] or ())
    return [row["workspace_id"] for row in await tx.fetch(_sql.workspaces_with_pending_of, reader)]
