"""Send again by hand, after what kept it from arriving was mended: some deliveries, or all that failed at one tool.

Locks: the lanes by their ids, then the deliveries by theirs, as recording does."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from regulars import limits
from regulars.delivery.model import Delivery
from regulars.delivery.store import MISSING, sql
from regulars.kit import Conflict, Reading, Tx, invalid


class NotReplayed(msgspec.Struct, frozen=True):
    """A delivery that was chosen and is not sent again; `words` say why."""

    id: UUID
    code: Literal["not_found", "delivery_queued", "tool_removed"]
    words: str


async def replay(tx: Tx, workspace_id: UUID, delivery_id: UUID, now: datetime) -> None:
    """Queue it again, due at once, with a fresh row of tries; its attempts stay and their numbers go on.

    One that was delivered may be sent again too, under the same id; one that waits for its next try is tried at once.
    Raises NotFound, and Conflict when it is waiting to be sent at this moment.
    """
    known = await tx.the(MISSING, Delivery, sql.deliveries, workspace_id, [delivery_id])
    if not await _again(tx, workspace_id, {delivery_id: known.lane_id}, now):
        raise Conflict(_DUE, code="delivery_queued")


async def replay_chosen(
    tx: Tx, workspace_id: UUID, ids: Collection[UUID], now: datetime, *, lanes: Collection[UUID]
) -> list[NotReplayed]:
    """`replay` of some at once, up to limits.DELIVERIES_CHOSEN_MAX: those that can't be stay as they are, and are
    answered. `lanes` are those of tools and senders that are still there. Raises Invalid."""
    if not 1 <= len(ids) <= limits.DELIVERIES_CHOSEN_MAX:
        raise invalid("ids", f"1 to {limits.DELIVERIES_CHOSEN_MAX} deliveries")
    rising = sorted(set(ids))
    known = {one.id: one.lane_id for one in await tx.all(Delivery, sql.deliveries, workspace_id, rising)}
    there = {id: lane_id for id, lane_id in known.items() if lane_id in lanes}
    queued = await _again(tx, workspace_id, there, now)
    refused = [NotReplayed(id, "not_found", MISSING) for id in rising if id not in known]
    refused += [NotReplayed(id, "tool_removed", _REMOVED) for id in rising if id in known and id not in there]
    return refused + [NotReplayed(id, "delivery_queued", _DUE) for id in rising if id in there and id not in queued]


async def _again(tx: Tx, workspace_id: UUID, lane_of: Mapping[UUID, UUID], now: datetime) -> set[UUID]:
    """Which of them are queued again."""
    if not lane_of:
        return set()
    await tx.execute(sql.wake_lanes, workspace_id, sorted(set(lane_of.values())), now)
    return {row["id"] for row in await tx.fetch(sql.replay, workspace_id, sorted(lane_of), now)}


_DUE = "This delivery is queued and due already."
_REMOVED = "The tool or the sender was removed."


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
