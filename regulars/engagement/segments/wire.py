"""From who enters and leaves to the words of their events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars import events, ledger
from regulars.customers import Customer
from regulars.engagement.segments.model import Segment
from regulars.events import Event
from regulars.kit import Tx, wire_time
from regulars.tenancy import Workspace

Move = tuple[Segment, Customer, bool]
"""Who entered a segment, or left it."""


async def tell(
    tx: Tx, workspace: Workspace, moves: Sequence[Move], causes: Mapping[UUID, Event], now: datetime
) -> None:
    """`causes` are the events that had them looked at, by customer; none where time did."""
    if not moves:
        return
    coins = await ledger.available(tx, workspace, sorted({customer.id for _, customer, _ in moves}), now)
    business, at, told = events.business(workspace), wire_time(now), []
    for segment, customer, entered in moves:
        said = events.common(business, customer, coins[customer.id]) | {
            "entity_id": business.entity_id,
            "lead_id": str(customer.id),
            "segment_id": str(segment.id),
            "segment_name": segment.name,
            "created_at": at,
            "updated_at": at,
        }
        cause = causes.get(customer.id)
        because: dict[str, Any] = {"cause_id": cause.id, "depth": cause.depth + 1} if cause else {}
        topic = "segment_enter" if entered else "segment_leave"
        told.append(events.told(topic, customer.id, said, now, **because))
    await events.append(tx, workspace.id, told, now)
