"""Send a delivery again: by hand, after what kept it from arriving has been mended."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from regulars.delivery.store import sql
from regulars.kit.db import Tx
from regulars.kit.errors import Conflict, NotFound


async def replay(tx: Tx, workspace_id: UUID, delivery_id: UUID, now: datetime) -> None:
    """Queue it again, due at once, with a fresh row of tries; its attempts stay and their numbers go on.

    One that was delivered may be sent again too, under the same id; one that waits for its next try is tried at once.
    Raises NotFound, and Conflict when it is waiting to be sent at this moment.
    """
    lane_id = await tx.fetchval(sql.replay, workspace_id, delivery_id, now)
    if lane_id is not None:
        await tx.execute(sql.wake_lanes, workspace_id, [lane_id], now)
    elif await tx.fetchrow(sql.delivery, workspace_id, delivery_id):
        raise Conflict("This delivery is queued and due already.", code="delivery_queued")
    else:
        raise NotFound("This delivery does not exist.")
