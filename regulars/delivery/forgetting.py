"""What was sent about a customer who is erased: that it was stays, and what it said goes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.delivery.model import ids_of_event
from regulars.delivery.store import sql
from regulars.kit import Tx

ERASED = "The customer was erased."


async def forget(
    tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID], event_ids: Sequence[UUID], now: datetime
) -> None:
    """Empty what attempts to deliver these events sent and were answered, and give up what is queued. What a tool was
    told before, it knows: forgetting it there is the shop's to ask."""
    ranges = [ids_of_event(event_id) for event_id in event_ids]
    first, last = [one for one, _ in ranges], [one for _, one in ranges]
    whose = [str(id) for id in customer_ids]
    await tx.execute(sql.forget_deliveries, workspace_id, event_ids, first, last, whose, ERASED, now)
