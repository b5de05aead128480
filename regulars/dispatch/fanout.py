"""From pending events to deliveries: a batch of events against the active rules of their topics."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import structlog

from regulars import conditions, delivery, events, limits, schedule
from regulars.conditions import Test
from regulars.delivery import Addressee
from regulars.dispatch.mapping import PropertyMapping, applied
from regulars.dispatch.profiles import next_turn, note
from regulars.dispatch.terms import read_terms
from regulars.events import Pending
from regulars.kit import (
    Conflict,
    Invalid,
    Queries,
    Reading,
    Record,
    Tx,
    first_id_at,
    invalid,
    kept_since,
    made_at,
    tracing,
)
from regulars.schedule import Due
from regulars.tenancy import Workspace

_sql = Queries(__file__)
_log = structlog.get_logger(__name__)
RETRY, REFILL = "dispatch.retry", "dispatch.refill"
_decode = msgspec.json.Decoder(dict[str, object]).decode


class FanoutCount(msgspec.Struct, frozen=True):
    """What one batch came to. `events` were taken off the pending ones, whether or not a rule wanted them."""

    events: int
    deliveries: int
    lanes: frozenset[UUID]


class _Reader(msgspec.Struct, frozen=True, gc=False):
    """An active rule, ready to be asked. `test` None lets every event through; with a `problem` it can't be asked."""

    addressee: Addressee
    test: Test | None
    problem: str = ""
    mapping: tuple[PropertyMapping, ...] = ()
    of_segments: bool = False


class _Aside(msgspec.Struct, frozen=True, gc=False):
    rule_id: UUID
    event_id: UUID
    topic: str
    reason: str


async def fan_out(tx: Tx, workspace: Workspace, now: datetime, limit: int = limits.FANOUT_EVENTS_MAX) -> FanoutCount:
    """Take up to `limit` pending events and queue a delivery for each rule that matches, in this transaction.

    `workspace` must have been read in this transaction: its switch and its time zone count. Any number of fan-outs may
    run side by side; none waits for another's events. An event that can't be held against a rule, since this program
    can't read the one or the other, is set aside for that rule until `retry_aside`.
    """
    if not workspace.events_on:
        return FanoutCount(await events.drop_pending(tx, workspace.id, "dispatch", limit), 0, frozenset())
    claimed = await events.claim_pending(tx, workspace.id, "dispatch", limit)
    if not claimed:
        return FanoutCount(0, 0, frozenset())
    rows = await tx.fetch(_sql.rules_of_topics, workspace.id, sorted({event.topic for event in claimed}))
    readers = [_reader(row, workspace.zone) for row in rows]
    for reader in readers:
        if reader.problem:
            _log.error(
                "rule_unreadable",
                workspace_id=str(workspace.id),
                rule_id=str(reader.addressee.rule_id),
                why=reader.problem,
            )
    by_topic: dict[str, list[UUID]] = {}
    for event in claimed:
        by_topic.setdefault(event.topic, []).append(event.id)
    wanted = [(reader, by_topic[reader.addressee.topic]) for reader in readers]
    links = await events.traceparents(tx, workspace.id, claimed) if tracing.on() else ()
    with tracing.span("fan-out", "CONSUMER", links=links) as span:
        queued, lanes = await _queue(tx, workspace, wanted, now, claimed)
        span.tell({"messaging.batch.message_count": len(claimed), "regulars.deliveries": queued})
    return FanoutCount(len(claimed), queued, lanes)


async def retry_aside(tx: Tx, workspace: Workspace, now: datetime) -> FanoutCount:
    """Hold up to limits.FANOUT_EVENTS_MAX events that were set aside against their rules, those that can be read by
    now. What waits for a rule that is off or deleted is let go, as are all while the shop's events are off."""
    rows = await tx.fetch(_sql.rules_waited_for, workspace.id)
    active = {row["id"]: _reader(row, workspace.zone) for row in rows if row["active"] and workspace.events_on}
    rule_ids = [row["id"] for row in rows if row["id"] not in active or not active[row["id"]].problem]
    by_rule: dict[UUID, list[UUID]] = {}
    taken = await tx.fetch(_sql.take_aside, workspace.id, rule_ids, limits.FANOUT_EVENTS_MAX) if rule_ids else []
    for row in taken:
        by_rule.setdefault(row["rule_id"], []).append(row["event_id"])
    wanted = [(active[rule_id], sorted(ids)) for rule_id, ids in by_rule.items() if rule_id in active]
    return FanoutCount(len(taken), *await _queue(tx, workspace, wanted, now))


async def retry(tx: Tx, workspace: Workspace, _: Sequence[Due], now: datetime) -> None:
    """`retry_aside`, and come back while something waits; at once while it goes out."""
    count = await retry_aside(tx, workspace, now)
    if count.events == limits.FANOUT_EVENTS_MAX and count.deliveries:
        await schedule.put(tx, workspace.id, [Due(RETRY, "more", now)])
    elif await tx.fetchval(_sql.waits, workspace.id):
        await _come_back(tx, workspace, now)


async def refill(tx: Tx, workspace: Workspace, integration_id: UUID, since: datetime, now: datetime) -> None:
    """Tell the tool, by its rules, what happened since then. Asked again meanwhile, it begins anew. Raises
    Invalid, and Conflict while events are off."""
    # What was sent is kept no longer than that, so nothing older could be queued.
    first = max(now - timedelta(days=limits.REFILL_DAYS_MAX), kept_since(workspace.retention.deliveries_months, now))
    if not first <= since <= now:
        raise invalid("since", f"a time from {first.astimezone(workspace.zone):%Y-%m-%d %H:%M} until now")
    if not workspace.events_on:
        raise Conflict("Events are off, so nothing is sent. Turn them on, then ask again.", code="events_off")
    span = {"after_id": str(first_id_at(since)), "until_id": str(first_id_at(now)), "queued": 0}
    await schedule.put(tx, workspace.id, [Due(REFILL, str(integration_id), now, span)])


async def refilled(tx: Reading, workspace_id: UUID, integration_id: UUID) -> tuple[datetime, int] | None:
    """How far it has come, and how many were queued; None when it is over."""
    due = await schedule.find(tx, workspace_id, REFILL, str(integration_id))
    return (made_at(UUID(due.payload["after_id"])), due.payload["queued"]) if due else None


async def refill_more(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: a batch for one tool; the other tools are next."""
    due, *others = dues
    rules = await tx.fetch(_sql.rules_of_topics, workspace.id, list(events.TOPICS)) if workspace.events_on else []
    rows = [row for row in rules if str(row["integration_id"]) == due.key]
    about = (sorted({row["topic"] for row in rows}), due.payload["after_id"], due.payload["until_id"])
    most = (limits.FANOUT_EVENTS_MAX, limits.EVENT_DEPTH_MAX)
    found = await tx.all(Pending, _sql.events_between, workspace.id, *about, *most)
    readers = [_reader(row, workspace.zone) for row in rows]
    wanted = [(one, [event.id for event in found if event.topic == one.addressee.topic]) for one in readers]
    queued, _ = await _queue(tx, workspace, wanted, now)
    sent = [id for one, ids in wanted for id in delivery.delivery_ids(ids, one.addressee.rule_id)]
    await delivery.give_way(tx, workspace.id, sent, now)
    if len(found) == limits.FANOUT_EVENTS_MAX:
        gone_on = {"after_id": str(found[-1].id), "queued": due.payload["queued"] + queued}
        others.append(Due(REFILL, due.key, now, due.payload | gone_on))
    await schedule.put(tx, workspace.id, others)


async def _come_back(tx: Tx, workspace: Workspace, now: datetime) -> None:
    at = next_turn(now, limits.FANOUT_ASIDE_S)
    await schedule.put(tx, workspace.id, [Due(RETRY, str(int(at.timestamp() // limits.FANOUT_ASIDE_S)), at)])


async def _queue(
    tx: Tx,
    workspace: Workspace,
    wanted: Sequence[tuple[_Reader, list[UUID]]],
    now: datetime,
    claimed: Sequence[Pending] = (),
) -> tuple[int, frozenset[UUID]]:
    """Of each rule's events those that it lets through; how many deliveries are new, and their lanes."""
    # Bodies are read only where some rule of the topic asks about one, or says it otherwise.
    asked = {id: reader.addressee.topic for reader, ids in wanted if reader.test or reader.mapping for id in ids}
    pending = [Pending(id, topic) for id, topic in asked.items()]
    bodies = await events.bodies(tx, workspace.id, pending) if pending else {}
    logged = {id: (said, at) for id, (body, at) in bodies.items() if (said := read_body(body)) is not None}
    if any(reader.of_segments for reader, _ in wanted):
        seen = [said for said, _ in logged.values() if "lead_id" in said]
        inside = await segments_of(tx, workspace.id, {str(one["lead_id"]) for one in seen})
        for one in seen:
            one["segments"] = inside.get(str(one["lead_id"]), [])
    matched: list[tuple[Addressee, list[UUID]]] = []
    aside: list[_Aside] = []
    mapped: dict[tuple[UUID, UUID], str] = {}
    size = put = queued = 0
    for reader, ids in wanted:
        addressee, test = reader.addressee, reader.test
        through = [] if reader.problem else ids
        unread = ids if reader.problem else []
        if test is not None or reader.mapping:
            through = [id for id in ids if id in logged and (test is None or test(*logged[id]))]
            unread = [id for id in ids if id not in logged]
        if through:
            matched.append((addressee, through))
        for id in through if reader.mapping else ():
            mapped[addressee.rule_id, id] = text = applied(reader.mapping, bodies[id][0])
            size += len(text)
        if size > limits.MAPPED_BYTES_MAX:
            queued += await delivery.queue(tx, workspace.id, matched[put:], now, mapped)
            mapped.clear()
            put, size = len(matched), 0
        reason = reader.problem or BODY_UNREADABLE
        aside += [_Aside(addressee.rule_id, id, addressee.topic, reason) for id in unread]
    if aside:
        columns = [[getattr(one, column) for one in aside] for column in _Aside.__struct_fields__]
        tx.write(_sql.set_aside, workspace.id, *columns, now)
        await _come_back(tx, workspace, now)
    queued += await delivery.queue(tx, workspace.id, matched[put:], now, mapped)
    if claimed:
        await note(tx, workspace, claimed, matched, now)
    return queued, frozenset(addressee.lane_id for addressee, _ in matched)


async def live_segments(tx: Reading, workspace_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The names of those that each customer is in, for tools to keep."""
    return {row["id"]: row["names"] for row in await tx.fetch(_sql.live_segments, workspace_id, customer_ids)}


async def segments_of(tx: Reading, workspace_id: UUID, customer_ids: Iterable[object]) -> dict[str, list[str]]:
    """Those that each customer is in, by their ids as the wire has them."""
    ids = sorted(map(str, customer_ids))
    return {row["id"]: row["segments"] for row in await tx.fetch(_sql.segments_of, workspace_id, ids)}


BODY_UNREADABLE = "The event's properties can't be read, so its restrictions could not be tried."


def read_body(body: str) -> dict[str, object] | None:
    """None for what is not an object as JSON writes it."""
    with suppress(msgspec.DecodeError):
        return _decode(body)
    return None


def _reader(row: Record, zone: ZoneInfo) -> _Reader:
    addressee = Addressee(row["integration_id"], row["id"], row["prefix"], row["topic"])
    try:
        terms = read_terms(row["topic"], dict(row))
    except Invalid as no:
        # Sending what the shop wanted kept back would be worse than sending nothing yet.
        return _Reader(addressee, None, no.message)
    segments = terms.condition is not None and "segments" in conditions.names(terms.condition)
    return _Reader(addressee, terms.test(zone), mapping=terms.mapping, of_segments=segments)
