"""The log by whom it was told to, and what came of that."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import delivery, events
from regulars.delivery.model import ids_of_event
from regulars.events import Event
from regulars.kit import Reading


class EventPage(msgspec.Struct, frozen=True):
    """`next_before_id` continues the search; None when everything has been looked at. A page may hold fewer than were
    asked for, or none, and go on all the same: see DeliveryPage."""

    items: list[Event]
    next_before_id: UUID | None


async def search_events(
    tx: Reading,
    workspace_id: UUID,
    *,
    lane_id: UUID | None = None,
    state: str | None = None,
    topic: str | None = None,
    customer_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> EventPage:
    """Newest first; every given condition must hold. By `lane_id` and `state`: of which a rule made such a delivery.
    Raises Invalid."""
    about: dict[str, Any] = {"topic": topic, "customer_id": customer_id, "before_id": before_id}
    if lane_id is None and state is None:
        logged = await events.recent(tx, workspace_id, **about, since=since, until=until, limit=limit + 1)
        return EventPage(logged[:limit], logged[limit - 1].id if len(logged) > limit else None)
    about |= {"lane_id": lane_id, "state": state, "made_since": since, "made_until": until, "source": "event"}
    page = await delivery.search_deliveries(tx, workspace_id, **about, limit=limit)
    told = {one.event_id: one.topic for one in page.items if not one.test}
    found = await events.by_ids(tx, workspace_id, list(told.items())) if told else {}
    items = [found[id] for id in told if id in found]
    next_before_id = page.next_before_id
    if next_before_id is not None and page.items:
        # Further deliveries of the last event, which stand right behind, would begin the next page with it again.
        next_before_id = min(next_before_id, ids_of_event(page.items[-1].id)[0])
    return EventPage(items, next_before_id)
