"""Send again by hand, after what kept it from arriving was mended: one delivery, or all that failed at one tool.

Locks: the lane, then its deliveries by their ids, as recording does."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars import limits
from regulars.delivery.model import Delivery
from regulars.delivery.store import MISSING, sql
from regulars.kit import Conflict, Reading, Tx


async def replay(tx: Tx, workspace_id: UUID, delivery_id: UUID, now: datetime) -> None:
    """Queue it again, due at once, with a fresh row of tries; its attempts stay and their numbers go on.

    One that was delivered may be sent again too, under the same id; one that waits for its next try is tried at once.
    Raises NotFound, and Conflict when it is waiting to be sent at this moment.
    """
    known = await tx.the(MISSING, Delivery, sql.delivery, workspace_id, delivery_id)
    await tx.execute(sql.wake_lanes, workspace_id, [known.lane_id], now)
    if await tx.fetchval(sql.replay, workspace_id, delivery_id, now) is None:
        raise Conflict("This delivery is queued and due already.", code="delivery_queued")


async def replay_failed(tx: Tx, workspace_id: UUID, lane_id: UUID, since: datetime | None, now: datetime) -> int:
    """Queue again all of a lane that failed for good since then (ever, when None), but tests; due at once, so that they
    go out as fast as the lane's rate allows, oldest first. Returns how many: DELIVERIES_REPLAYED_MAX at a time."""
    if not await count_failed(tx, workspace_id, lane_id, since):
        return 0
    await tx.execute(sql.wake_lanes, workspace_id, [lane_id], now)
    return await tx.count(sql.replay_failed, workspace_id, lane_id, since, limits.DELIVERIES_REPLAYED_MAX, now)


async def count_failed(tx: Reading, workspace_id: UUID, lane_id: UUID, since: datetime | None) -> int:
    """How many `replay_failed` would take up if it took all; counting stops at DELIVERY_COUNT_MAX."""
    return int(await tx.fetchval(sql.failed_since, workspace_id, lane_id, since, limits.DELIVERY_COUNT_MAX))


async def give_way(tx: Tx, workspace_id: UUID, ids: Sequence[UUID], now: datetime) -> None:
    """Those of these that were queued now stand before nothing that happens later, as what is replayed."""
    await tx.execute(sql.give_way, workspace_id, sorted(ids), now)
