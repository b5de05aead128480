"""Taking a lane up: it is leased, and whoever carries what it sends is found."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from regulars import limits
from regulars.delivery.lanes import hold_up, lease_lane, release_lane
from regulars.delivery.model import Settled
from regulars.delivery.rate import Bucket
from regulars.delivery.source import Source
from regulars.delivery.store import sql
from regulars.delivery.turn import Turn
from regulars.kit import Refusal, Tx

_log = structlog.get_logger(__name__)
_LEFT = "It was on its way when a worker stopped, and may have arrived. It is sent again only if you ask for it."


async def take_up(
    tx: Tx,
    source: Source,
    workspace_id: UUID,
    lane_id: UUID,
    worker_id: UUID,
    now: datetime,
    *,
    lock: int | None = None,
    gone: Sequence[int] = (),
) -> Turn | None:
    """A turn at the lane, which is this worker's now; None when another was quicker, there is nothing to do, or it has
    no carrier: then it is held up, with the reason, and looked at again after a while."""
    lane = await lease_lane(tx, workspace_id, lane_id, worker_id, now, lock=lock, gone=gone)
    if lane is None:
        return None
    try:
        carrier = await source.carrier_of(tx, workspace_id, lane_id)
    except Refusal as refusal:
        why = refusal.message
        _log.error("no_carrier", workspace_id=str(workspace_id), lane_id=str(lane_id), tool=lane.tool, why=why)
        bucket = Bucket(lane.rate_per_minute, lane.tokens, lane.tokens_at, pace=lane.pace)
        later = now + timedelta(seconds=limits.LANE_NO_CARRIER_S)
        await release_lane(tx, lane, worker_id, bucket, later, lane.failures)
        await hold_up(tx, workspace_id, lane_id, why)
        return None
    if carrier.source == "message":
        left = await tx.fetch(sql.left_in_hand, workspace_id, lane_id, _LEFT, now)
        if left:
            await source.settle(tx, workspace_id, [Settled(row["id"], "uncertain", _LEFT) for row in left], now)
    return Turn(lane, carrier, worker_id, now)
