"""What may change where somebody stands: what happened, and the time that passed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars import events, limits, schedule
from regulars.kit import Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.tiers import store
from regulars.tiers.placing import put_in_place
from regulars.tiers.store import sql

LOOK = "tiers.look"


async def follow(tx: Tx, workspace: Workspace, now: datetime) -> int:
    """Read a batch of the log, by the name of this room: whoever something happened to is judged anew. How many events
    were read."""
    pending = await events.claim_pending(tx, workspace.id, "tiers", limits.TIERS_JUDGED_MAX)
    about = await events.by_ids(tx, workspace.id, [(one.id, one.topic) for one in pending])
    await put_in_place(tx, workspace, {event.customer_id for event in about.values()}, now)
    await _look_again(tx, workspace, now)
    return len(pending)


async def begin(tx: Tx, workspace: Workspace, now: datetime) -> None:
    """Have those looked at whose term ends, from now on."""
    await schedule.put(tx, workspace.id, [Due(LOOK, "", now, {})])


async def look(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: whoever's time has come is judged anew, a page at a time."""
    rows = await tx.fetch(sql.to_look_at, workspace.id, now, limits.TIERS_JUDGED_MAX)
    await put_in_place(tx, workspace, [row["customer_id"] for row in rows], now)
    await _look_again(tx, workspace, now)


async def move(tx: Tx, workspace: Workspace, from_id: UUID, into_id: UUID, now: datetime) -> None:
    """Two customers are one: where the first stood is nobody's, and where the second stands is judged anew, by all that
    both did."""
    await tx.execute(sql.drop_standing, workspace.id, from_id)
    if (await store.newest(tx, workspace.id)).version:
        await tx.execute(sql.look_at_soon, workspace.id, into_id, now)
        await begin(tx, workspace, now)


async def _look_again(tx: Tx, workspace: Workspace, now: datetime) -> None:
    at = await tx.fetchval(sql.next_look, workspace.id)
    if at is not None:
        await schedule.put(tx, workspace.id, [Due(LOOK, "", max(at, now), {})])
