"""What stands in the log."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """A fact to be logged. `body` is what `events.body` made; `customer_id` is the customer's id here, not the shop's.

    `cause_id` is the event that led to this one, and `depth` counts all the causes behind it: the cause's plus one.
    `order_id` is the order it is about, by which it is found.
    """

    topic: str
    customer_id: UUID
    body: str
    occurred_at: datetime
    id: UUID | None = None
    cause_id: UUID | None = None
    depth: int = 0
    order_id: UUID | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """A fact in the log. `occurred_at` is when it happened in the world, `recorded_at` when it was written down.
    `traceparent` names the request that made it, where that was traced."""

    id: UUID
    topic: str
    customer_id: UUID
    cause_id: UUID | None
    depth: int
    body: str
    occurred_at: datetime
    recorded_at: datetime
    traceparent: str | None = None

    @property
    def subject(self) -> Subject:
        return msgspec.json.decode(self.body, type=Subject)


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What an event's body says it is about; '' where it is about no such thing."""

    order_id: str = ""
    wallettransaction_id: str = ""


class Pending(msgspec.Struct, frozen=True, gc=False):
    """A logged event that nobody has read yet."""

    id: UUID
    topic: str
