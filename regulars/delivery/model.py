"""Deliveries, attempts and lanes as they are kept and shown."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from regulars import limits
from regulars.delivery.carrier import Parcel, SourceKind
from regulars.kit.ids import id_of

State = Literal["queued", "delivered", "failed", "skipped", "uncertain"]
OutcomeName = Literal["delivered", "retry", "gave_up", "paused", "uncertain"]

Share = Literal["first", "retry", "profile", "replay"]
"""Of what a lane sends; each has turns of its own, so that none waits behind all of another."""

SHARES: tuple[Share, ...] = get_args(Share)
_SHARED_BYTES = 10
SLOT = timedelta(minutes=5)
"""What becomes of attempts is counted by."""


def slot_of(at: datetime) -> datetime:
    """The beginning of the slot that it is in."""
    return datetime.fromtimestamp(at.timestamp() // SLOT.total_seconds() * SLOT.total_seconds(), tz=at.tzinfo)


def delivery_ids(event_ids: Iterable[UUID], rule_id: UUID) -> list[UUID]:
    """The ids of the deliveries of these events by this rule, always the same.

    Each is a UUID version 7 like its event's, with whose first ten bytes it begins: they hold the time, the counter and
    14 random bits. The six bytes after them are a hash of both ids; two rules of one event collide once in 2**48.
    """
    rule = rule_id.bytes
    ids = []
    for event_id in event_ids:
        event = event_id.bytes
        ids.append(id_of(event[:_SHARED_BYTES] + blake2b(event + rule, digest_size=16 - _SHARED_BYTES).digest()))
    return ids


def ids_of_event(event_id: UUID) -> tuple[UUID, UUID]:
    """The first and the last id that a delivery of this event can have."""
    shared, rest = event_id.bytes[:_SHARED_BYTES], 16 - _SHARED_BYTES
    return UUID(bytes=shared + bytes(rest)), UUID(bytes=shared + b"\xff" * rest)


class Addressee(msgspec.Struct, frozen=True, gc=False):
    """Where a rule sends events of a topic: into a lane (the id of an integration), named `prefix` + `topic`."""

    lane_id: UUID
    rule_id: UUID
    prefix: str
    topic: str


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A message to be queued, whose id is the delivery's too: by `source_id` (a campaign or the like), into the lane of
    a sender, over a channel."""

    id: UUID
    source_id: UUID
    lane_id: UUID
    channel: str
    due_at: datetime


class Profile(msgspec.Struct, frozen=True, gc=False):
    """What a customer has is to be told into a lane, because of an event."""

    lane_id: UUID
    customer_id: UUID
    event_id: UUID
    topic: str


class Skipped(msgspec.Struct, frozen=True, gc=False):
    """It must not be sent, and why."""

    id: UUID
    reason: str


class Later(msgspec.Struct, frozen=True, gc=False):
    """Not before `at`, and why."""

    id: UUID
    at: datetime
    reason: str


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What became of a message in the end. `bounced`: its address is nobody's."""

    id: UUID
    state: State
    reason: str
    bounced: bool = False


class Due(msgspec.Struct, frozen=True, gc=False):
    """A queued delivery as its lane reads it, with its event's body, or, once it is prepared, its message's content.
    `customer_id`: None of a test's sample, and of messages. `profile` is the parcel's, read by whoever sends it."""

    id: UUID
    event_id: UUID
    event_name: str
    topic: str
    test: bool
    attempts_made: int
    tries: int
    due_at: datetime
    occurred_at: datetime
    body: str
    customer_id: UUID | None
    source: SourceKind = "event"
    share: Share = "first"
    mapped: str | None = None
    traceparent: str | None = None
    profile: Mapping[str, Any] | None = None

    def parcel(self, now: datetime) -> Parcel:
        same = (self.id, self.event_id, self.event_name, self.topic, self.occurred_at, self.body, self.test)
        return Parcel(*same, self.attempts_made + 1, now, self.profile, self.source, self.mapped, self.traceparent)


class Lane(msgspec.Struct, frozen=True):
    """The queue of one integration, with what a worker must know to drain it."""

    workspace_id: UUID
    id: UUID
    tool: str
    rate_per_minute: int
    paused: bool
    paused_reason: str
    wake_at: datetime | None
    leased_by: UUID | None
    leased_until: datetime | None
    tokens: list[float]
    tokens_at: datetime
    pace: float
    failures: int


class LaneHealth(msgspec.Struct, frozen=True):
    """How a lane is doing. `queued` and `failed` (all that wait for a replay) stop counting at DELIVERY_COUNT_MAX.
    `held_up`: why this version of Regulars can't send from it, though it is not paused; it is tried again and again.
    `failures_in_a_row`: calls that the tool did not answer, or with a fault of its own, since it took one; after
    LANE_FAILURES_MAX of them one is tried at a time. `rests_until`: no call is made before. `slowed_to_per_minute`:
    what it gets for now, as it refused more."""

    lane_id: UUID = msgspec.field(name="integration_id")
    tool: str
    rate_per_minute: int
    paused: bool
    paused_reason: str
    queued: int
    oldest_due_at: datetime | None
    failed: int
    delivered_last_hour: int
    retried_last_hour: int
    failed_last_hour: int
    mean_ms_last_hour: float | None
    last_error: str
    last_error_at: datetime | None
    held_up: str
    failures_in_a_row: int
    rests_until: datetime | None
    slowed_to_per_minute: int | None

    @property
    def waits(self) -> str:
        """Why nothing is sent, though it is not paused; '' when something is."""
        if self.held_up or self.failures_in_a_row < limits.LANE_FAILURES_MAX:
            return self.held_up
        return f"{self.failures_in_a_row:,} calls in a row failed, so it rests. Now and then one call is tried."


class Delivery(msgspec.Struct, frozen=True):
    """A delivery as pages and the API show it; its lane is known there as the integration (or the sender) whose queue
    it is. `event_id` and `rule_id` of a message are its own id and that of what it is sent by; its topic is the
    channel. Those of a profile, which is told what a customer has, are the event that changed it and the customer."""

    id: UUID
    lane_id: UUID = msgspec.field(name="integration_id")
    event_id: UUID
    rule_id: UUID
    source: SourceKind
    event_name: str
    topic: str
    test: bool
    state: State
    attempts_made: int
    reason: str
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None


class StoredAttempt(msgspec.Struct, frozen=True):
    """One try as it was: what was sent (secrets as dots), what came back (cut), and what was concluded."""

    delivery_id: UUID
    number: int
    started_at: datetime
    duration_ms: int
    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None
    answer_headers: dict[str, str]
    answer_body: str
    outcome: OutcomeName
    reason: str
    next_at: datetime | None


class DeliveryPage(msgspec.Struct, frozen=True):
    """`next_before_id` continues the search; None when everything has been looked at.

    A page may hold fewer than were asked for, or none, and still continue: a search looks at SEARCH_ROWS_MAX rows at a
    time, so that a rare word never makes a page wait for the whole history.
    """

    items: list[Delivery]
    next_before_id: UUID | None
