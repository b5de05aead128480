"""What pages and the API ask: deliveries, their attempts, and how each lane is doing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

import msgspec

from regulars import limits
from regulars.delivery.model import Delivery, DeliveryPage, State, StoredAttempt, ids_of_event
from regulars.delivery.store import MISSING, sql
from regulars.kit import Reading, bounds, invalid

Sort = Literal["newest", "next_try", "attempts"]
_FIELDS = Delivery.__struct_fields__


async def search_deliveries(
    tx: Reading,
    workspace_id: UUID,
    *,
    lane_id: UUID | None = None,
    state: str | None = None,
    topic: str | None = None,
    source: str | None = None,
    event_id: UUID | None = None,
    customer_id: UUID | None = None,
    since: datetime | None = None,
    made_since: datetime | None = None,
    made_until: datetime | None = None,
    text: str = "",
    sort: Sort = "newest",
    before_id: UUID | None = None,
    limit: int = limits.PAGE_ITEMS_DEFAULT,
) -> DeliveryPage:
    """Newest first, or those that are queued by their next try, or those tried more than once by how often, not of one
    event or customer; every given condition must hold. `text` is looked for in the event's name, the reasons, the
    addresses called, what was sent and what was answered; a page of such a search looks at SEARCH_TEXT_ROWS_MAX
    deliveries, and goes on where it ended. `customer_id` is the wire's lead_id;
    `since`: delivered or failed since then; `made_since` and `made_until`: of events recorded then. Raises Invalid."""
    _check(state, sort, limit, text, named=bool(event_id or customer_id))
    cursor, newest = before_id, sort == "newest"
    before_id, first_id = bounds(before_id if newest else None, made_since, made_until)
    events = None if event_id is None else [event_id]
    oldest_event: UUID | None = None
    if customer_id is not None and events is None:
        asked = limits.SEARCH_ROWS_MAX // 10
        # One past the cursor: the event that the cursor's own delivery belongs to may have more deliveries.
        before_event = ids_of_event(before_id)[1]
        rows = await tx.fetch(sql.of_customer, workspace_id, customer_id, before_event, asked)
        events = [row["id"] for row in rows]
        oldest_event = events[-1] if len(events) == asked else None
    ranges = None if events is None else [ids_of_event(one) for one in events]
    items: list[Delivery] = []
    for most in _windows(limit, text, any_filter=bool(lane_id or topic or source or since or (state and not newest))):
        found = await tx.fetch(
            sql.search,
            workspace_id,
            before_id,
            lane_id,
            state,
            topic,
            _pattern(text),
            limit - len(items),
            most,
            events,
            None if ranges is None else [first for first, _ in ranges],
            None if ranges is None else [last for _, last in ranges],
            _folded(text),
            since,
            first_id,
            sort,
            cursor,
            source,
        )
        items += [Delivery(*row[: len(_FIELDS)]) for row in found if row["id"] is not None]
        cursor = items[-1].id if len(items) == limit else found[0]["last_id"]
        before_id = cursor if newest else before_id
        if len(items) == limit or found[0]["rows_seen"] < most:
            break
    next_before_id: UUID | None = None
    if len(items) == limit or found[0]["rows_seen"] >= most:
        next_before_id = cursor
    elif oldest_event is not None:
        next_before_id = ids_of_event(oldest_event)[0]
    return DeliveryPage(items, next_before_id)


def _check(state: str | None, sort: str, limit: int, text: str, *, named: bool) -> None:
    """Raises Invalid."""
    if state is not None and state not in get_args(State):
        raise invalid("state", f"one of {', '.join(get_args(State))}")
    if sort not in get_args(Sort):
        raise invalid("sort", f"one of {', '.join(get_args(Sort))}")
    if sort != "newest" and named:
        raise invalid("sort", "newest, where an event or a customer is named")
    if not 1 <= limit <= limits.PAGE_ITEMS_MAX:
        raise invalid("limit", f"a whole number from 1 to {limits.PAGE_ITEMS_MAX}")
    if len(text) > limits.NAME_CHARS_MAX or "\0" in text:
        raise invalid("text", f"at most {limits.NAME_CHARS_MAX} characters")


async def deliveries_of_events(
    tx: Reading, workspace_id: UUID, event_ids: Sequence[UUID]
) -> dict[UUID, list[Delivery]]:
    """By event; an event that no rule sends is left out."""
    ranges = [ids_of_event(event_id) for event_id in event_ids]
    ends = [one[0] for one in ranges], [one[1] for one in ranges]
    found: dict[UUID, list[Delivery]] = {}
    for one in await tx.all(Delivery, sql.deliveries_of_events, workspace_id, list(event_ids), *ends):
        found.setdefault(one.event_id, []).append(one)
    return found


async def get_delivery(tx: Reading, workspace_id: UUID, delivery_id: UUID) -> tuple[Delivery, list[StoredAttempt]]:
    """A delivery and all its attempts, first to last. Raises NotFound."""
    delivery = await tx.the(MISSING, Delivery, sql.deliveries, workspace_id, [delivery_id])
    attempts = [_stored(dict(row)) for row in await tx.fetch(sql.attempts, workspace_id, delivery_id)]
    return delivery, attempts


def _windows(limit: int, text: str, *, any_filter: bool) -> tuple[int, ...]:
    """How many rows are looked at in one step after the other, until enough are found. What most rows match is found in
    the first; to look through a text costs ten times as much a row as anything else."""
    if text.strip():
        return (limits.SEARCH_TEXT_ROWS_MAX,)
    first = limit * 10 if any_filter else limit
    return first, limits.SEARCH_ROWS_MAX - first


def _folded(text: str) -> str:
    """In lower case as far as ASCII goes; bodies are searched so."""
    return text.strip().encode().lower().decode()


def _pattern(text: str) -> str | None:
    """For ILIKE, with what is special to it taken literally."""
    if not text.strip():
        return None
    literal = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{literal}%"


def _stored(row: dict[str, object]) -> StoredAttempt:
    for field in ("request_headers", "answer_headers"):
        row[field] = msgspec.json.decode(str(row[field])) if row[field] else {}
    return msgspec.convert(row, StoredAttempt)
