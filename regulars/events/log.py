"""The log: what happened, written in the transaction that made it happen, and read back newest first."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import limits
from regulars.conditions import fold
from regulars.events.catalogue.topics import TOPICS
from regulars.events.model import Event, NewEvent
from regulars.kit import Queries, Reading, Refusal, Tx, bounds, first_id_at, made_at, new_id, tracing

_sql = Queries(__file__)
_decode = msgspec.json.Decoder(dict[str, object]).decode


class EventTooLarge(Refusal, code="event_too_large", status=413):
    """An event's body is longer than an event may be."""


async def append(
    tx: Tx, workspace_id: UUID, events: Sequence[NewEvent], now: datetime, *, announced: bool = True
) -> list[UUID]:
    """Log the events and mark them as pending, if they are to be announced; their ids, in the same order.

    An event with more than `limits.EVENT_DEPTH_MAX` causes behind it is logged but not pending: facts are never lost,
    yet a circle of rules that cause each other comes to rest. Raises EventTooLarge, and logs nothing, if a body is
    longer than `limits.EVENT_BODY_BYTES_MAX`.
    """
    if not events:
        return []
    for event in events:
        _check_size(event)
    ids = [event.id or new_id() for event in events]
    named = list(zip(ids, events, strict=True))
    rows = [
        (
            *(id, e.topic, e.customer_id, e.cause_id, e.depth, e.body, e.occurred_at, e.order_id, _folded(e)),
            tracing.about(e.customer_id),
        )
        for id, e in named
    ]
    tx.write(_sql.insert_events, workspace_id, rows, now)
    pending = [(id, e.topic) for id, e in named if announced and e.depth <= limits.EVENT_DEPTH_MAX]
    if pending:
        tx.write(_sql.insert_pending, workspace_id, [id for id, _ in pending], [topic for _, topic in pending])
    return ids


def _folded(event: NewEvent) -> str | None:
    """Of what conditions may ask of the body, the texts that only we can fold: a database folds by its version."""
    if event.body.isascii() or event.topic not in TOPICS:
        return None
    body, found = dict[str, object](), dict[str, object]()
    with suppress(msgspec.DecodeError):
        body = _decode(event.body)
    for name in TOPICS[event.topic].restrictions:
        value = body.get(name)
        if isinstance(value, str) and not value.isascii():
            found[name] = fold(value)
        elif isinstance(value, list) and any(isinstance(item, str) and not item.isascii() for item in value):
            found[name] = [fold(item) if isinstance(item, str) else item for item in value]
    return msgspec.json.encode(found).decode() if found else None


def _check_size(event: NewEvent) -> None:
    # A character takes four bytes at most, so only long bodies need to be measured.
    if len(event.body) * 4 > limits.EVENT_BODY_BYTES_MAX and len(event.body.encode()) > limits.EVENT_BODY_BYTES_MAX:
        raise EventTooLarge(f"The body of a {event.topic} is longer than {limits.EVENT_BODY_BYTES_MAX} bytes.")


async def get(tx: Reading, workspace_id: UUID, event_id: UUID) -> Event:
    """Raises NotFound."""
    return await tx.the("There is no such event.", Event, _sql.get, workspace_id, event_id)


async def recent(
    tx: Reading,
    workspace_id: UUID,
    *,
    topic: str | None = None,
    customer_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> list[Event]:
    """The newest events, newest first; for the next page `before_id` is the id of the last one of this page. `since`
    and `until` go by the ids, as in `counts_by_topic`."""
    before, first = bounds(before_id, since, until)
    about = [one for one in (customer_id, topic) if one is not None]
    if customer_id is None:
        statement = _sql.recent if topic is None else _sql.recent_of_topic
    else:
        statement = _sql.recent_of_customer if topic is None else _sql.recent_of_customer_and_topic
    return await tx.all(Event, statement, workspace_id, before, limit, first, *about)


async def of_orders(tx: Reading, workspace_id: UUID, order_ids: Sequence[UUID], *, limit: int) -> list[Event]:
    """What is about each order: its own events and those of its coins, the newest."""
    return await tx.all(Event, _sql.of_orders, workspace_id, order_ids, limit)


async def right_after(
    tx: Reading, workspace_id: UUID, customer_id: UUID, named: Sequence[tuple[UUID, UUID]], *, limit: int
) -> list[Event]:
    """Of a customer's things with these ids, what was logged when they were made: an event's id is younger, by no more
    than a transaction takes. Of each a second id that its events speak of."""
    ends = [first_id_at(made_at(id) + timedelta(seconds=limits.EVENT_BEHIND_S)) for id, _ in named]
    ids, about = [id for id, _ in named], [str(about) for _, about in named]
    most = (limits.EVENTS_LOOKED_THROUGH_MAX, limit)
    return await tx.all(Event, _sql.right_after, workspace_id, customer_id, ids, ends, about, *most)


async def behind(tx: Reading, workspace_id: UUID, event: Event) -> list[Event]:
    """The events that led to it, the nearest first."""
    return await tx.all(Event, _sql.behind, workspace_id, event.cause_id, limits.EVENT_DEPTH_MAX)


async def caused(tx: Reading, workspace_id: UUID, event: Event, *, limit: int) -> list[Event]:
    """Of its customer's events after it, the first that have a cause: itself, one of them, or another."""
    most = (limits.EVENTS_LOOKED_THROUGH_MAX, limit)
    return await tx.all(Event, _sql.caused, workspace_id, event.customer_id, event.id, *most)


async def by_ids(tx: Reading, workspace_id: UUID, named: Sequence[tuple[UUID, str]]) -> dict[UUID, Event]:
    """Those that exist, of (id, topic)."""
    rising = sorted(named)
    ids, topics = [id for id, _ in rising], [topic for _, topic in rising]
    return {event.id: event for event in await tx.all(Event, _sql.by_ids, workspace_id, ids, topics)}


async def counts_by_topic(tx: Reading, workspace_id: UUID, since: datetime) -> dict[str, int]:
    """How many events of each topic were recorded since then; topics without any are left out.

    Counting stops at `limits.EVENTS_COUNTED_MAX` for each topic: that number means "at least". It goes by the ids,
    which hold the time the system's clock showed, not by `recorded_at`.
    """
    arguments = (list(TOPICS), first_id_at(since), limits.EVENTS_COUNTED_MAX)
    rows = await tx.fetch(_sql.counts_by_topic, workspace_id, *arguments)
    return {row["topic"]: row["events"] for row in rows if row["events"]}


async def counts_between(
    tx: Reading,
    workspace_id: UUID,
    moments: Sequence[datetime],
    *,
    topic: str | None = None,
    at_most: int = limits.EVENTS_COUNTED_MAX,
) -> list[int]:
    """How many events (of one topic, or of all) were recorded in each stretch between two neighbouring moments, which
    rise. Counted and limited as in `counts_by_topic`."""
    bounds = [first_id_at(at) for at in moments]
    arguments = (workspace_id, bounds[:-1], bounds[1:], at_most)
    if topic is None:
        return await tx.all(int, _sql.counts_by_span, *arguments)
    return await tx.all(int, _sql.counts_of_topic_by_span, *arguments, topic)


async def count(tx: Reading, workspace_id: UUID) -> int:
    """All events ever logged. Reads every row: for reports, not for pages."""
    return int(await tx.fetchval(_sql.count, workspace_id))
