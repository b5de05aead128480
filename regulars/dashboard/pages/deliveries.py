"""Deliveries: which tool got which event, which message went out, every attempt, and sending one again."""

from collections import Counter
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response

from regulars import channels, customers, delivery, dispatch, events, integrations, limits
from regulars.channels import Sender
from regulars.customers import Customer
from regulars.dashboard import lists, words
from regulars.dashboard.cells import Badge, Link, Pick, Said, Small
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk, uuid_of
from regulars.dashboard.forms import NOBODY, query_of
from regulars.delivery import Delivery
from regulars.engagement import messages
from regulars.events import TOPICS, Event, label
from regulars.integrations import Integration
from regulars.kit import NotFound, Reading, Tx


class Told(NamedTuple):
    delivery: Delivery
    event: Event | None
    customer: Customer | None
    tool: str
    why: list[Any]
    again: bool


async def _tools(desk: Desk, tx: Reading) -> dict[UUID, Integration | Sender]:
    """What things are delivered by, by their lanes."""
    tools: dict[UUID, Integration | Sender] = {one.id: one for one in await channels.list_senders(tx, desk.id)}
    return {one.id: one for one in await integrations.list_integrations(tx, desk.id)} | tools


async def _read(desk: Desk, tx: Reading, asked: lists.Asked) -> lists.Found[Told]:
    tools = await _tools(desk, tx)
    lane_id, customer_id, state, text = asked.id("to"), asked.id("customer"), asked.chosen("state"), asked.values["q"]
    since = _since(desk, asked.values["since"])
    by: dict[str, Any] = {"lane_id": lane_id, "state": state, "topic": asked.chosen("event"), "text": text}
    by |= {"sort": asked.chosen("sort") or "newest", "source": asked.chosen("source")}
    by |= {"customer_id": customer_id, "since": since, "made_since": asked.since, "made_until": asked.until}
    found = await delivery.search_deliveries(tx, desk.id, **by, before_id=asked.before_id, limit=asked.limit)
    about = await events.by_ids(tx, desk.id, [(one.event_id, one.topic) for one in found.items])
    said = await messages.messages_by_id(tx, desk.id, [one.id for one in found.items if one.source == "message"])
    whose = {one.id: said.get(one.id) or about.get(one.event_id) for one in found.items}
    people = await customers.by_ids(tx, desk.id, list({one.customer_id for one in whose.values() if one}))
    # A text that names a customer finds all of their deliveries at once, however old.
    offered = await customers.search(tx, desk.id, text, limit=limits.PEOPLE_OFFERED_MAX) if text.strip() else []
    # All that failed is sent again only where the list shows all of it.
    narrowed = {name for name, value in asked.values.items() if value} - {"state", "to", "since"}
    whole = state == "failed" and not narrowed
    tool = tools.get(lane_id) if whole and lane_id else None
    failed = await delivery.count_failed(tx, desk.id, tool.id, since) if tool else 0
    rows, advice = [], await delivery.advice(tx, desk.id, found.items)
    for one in found.items:
        event, to, its = about.get(one.event_id), tools.get(one.lane_id), whose[one.id]
        customer = people.get(its.customer_id) if its else None
        why: list[Any] = [one.reason, Small(advice[one.id]) if one.id in advice else ""]
        if to and to.state != "ready" and one.state == "queued":
            why = [f"Waits for {to.name}{', which is paused' if to.state == 'paused' else ''}"]
        again = to is not None and _may_replay(one, desk)
        rows.append(Told(one, event, customer, to.name if to else _REMOVED[one.source], why, again))
    choices = {
        "to": [(str(tool.id), tool.name) for tool in tools.values()],
        "customer": await lists.chosen_customer(desk, tx, customer_id),
        "since": [(asked.values["since"], words.exact(since, desk.zone))] if since else [],
    }
    more = {"asked": asked.values, "since": since, "offered": offered, "whole": whole, "again": tool, "failed": failed}
    return lists.Found(rows, found.next_before_id, choices, more | {"most": limits.DELIVERIES_REPLAYED_MAX})


def _what(row: Told) -> list[Any]:
    one = row.delivery
    what = words.CHANNELS.get(one.topic, one.topic) if one.source == "message" else label(one.topic)
    whose = f" of {row.customer.name or row.customer.customer_id}" if row.customer else ""
    pick = Pick(one.id, f"{what}{whose}, to {row.tool}") if row.again else ""
    if one.source == "message":
        return [Link(what, f"/deliveries/{one.id}"), pick]
    if one.source == "profile":
        return [Link(_PROFILE, f"/deliveries/{one.id}"), Small(what), pick]
    return [
        Link(Said(row.event) if row.event else what, f"/deliveries/{one.id}"),
        Small(one.event_name, code=True),
        pick,
    ]


def _may_replay(one: Delivery, desk: Desk) -> bool:
    return one.state != "queued" or one.due_at > desk.now


def _state(row: Told) -> list[Badge]:
    kind, word = STATES[row.delivery.state]
    if row.delivery.state == "queued" and row.delivery.attempts_made:
        word = "Tried, waits"
    return [Badge(kind, word), *([Badge("off", "Test")] if row.delivery.test else [])]


STATES = {"queued": ("busy", "Queued"), "delivered": ("good", "Delivered"), "failed": ("bad", "Failed")}
STATES |= {"skipped": ("off", "Skipped"), "uncertain": ("care", "Uncertain")}

_REMOVED = {"event": "A removed tool", "message": "A removed sender", "profile": "A removed tool"}
_PROFILE = "What the customer has"
_SOURCES = [("event", "Events"), ("message", "Messages"), ("profile", "Profiles")]

_SORTS = [("next_try", "Queued, next try first"), ("attempts", "Tried again, most tries first")]

DELIVERIES = lists.Listing[Told](
    path="/deliveries",
    purpose="Which tool got which event, and which message went out; if not, why, and when it is tried again.",
    columns=[
        lists.Column("What", _what),
        lists.CUSTOMER,
        lists.CUSTOMER_ID,
        lists.Column("Event", lambda row: row.delivery.event_name, only="file"),
        lists.Column("Tool", lambda row: row.tool),
        lists.Column("State", _state),
        lists.Column("Why", lambda row: row.why),
        lists.Column("Tries", lambda row: row.delivery.attempts_made, right=True),
        lists.Column("Next try", lambda row: row.delivery.due_at if row.delivery.state == "queued" else None),
        lists.Column("When", lambda row: row.delivery.finished_at or row.delivery.created_at),
    ],
    read=_read,
    nothing="Nothing sent yet",
    nothing_why="Each event that a tool is told of is listed here, with every try and every answer.",
    filters=[
        lists.Filter("state", "State", "Any state", [(state, word) for state, (_, word) in STATES.items()]),
        lists.Filter("source", "What", "Everything", _SOURCES),
        lists.Filter("to", "Tool", "Every tool and sender"),
        lists.Filter("event", "Event", "All events", [(name, topic.label) for name, topic in TOPICS.items()]),
        lists.Filter("customer", "Customer"),
        lists.Filter("since", "Finished since"),
        lists.Filter("sort", "Sorted", "Newest first", _SORTS, gives_way=("customer",)),
    ],
    days="Logged",
    search="Event's name, reason, what was sent or answered",
    template="deliveries",
)


@act("/deliveries/replay", "deliveries.replay", "")
async def replay_all(desk: Desk, tx: Tx) -> Response[Any]:
    """All that one tool gave up on, since a time."""
    form = await desk.form()
    lane_id, since = uuid_of(form.text("to")) or NOBODY, form.text("since")
    desk.about(lane_id)
    if (tool := (await _tools(desk, tx)).get(lane_id)) is None:
        raise NotFound("This tool does not exist.")
    count = await delivery.replay_failed(tx, desk.id, lane_id, _since(desk, since), desk.now)
    left = await delivery.count_failed(tx, desk.id, lane_id, _since(desk, since))
    waits, rate = _waits_for(tool, desk, "event"), tool.settings.get("rate_per_minute")
    how = waits[0] if waits else f"At most {rate:,} a minute go out." if rate else ""
    said = f"{words.plural(count, 'delivery', 'deliveries')} queued again. {how}".rstrip()
    more = {"state": "failed", "since": since} if left else {}
    return desk.see(lists.address("/deliveries", {"to": str(lane_id), **more}), said)


@act("/deliveries/chosen", "deliveries.replay", "")
async def replay_chosen(desk: Desk, tx: Tx) -> Response[Any]:
    """Those that are ticked, whatever came of them; then the same part of the list again."""
    ids = {uuid_of(text) or NOBODY for text in (await desk.form()).texts("ids")}
    refused = await delivery.replay_chosen(tx, desk.id, ids, desk.now, lanes=(await _tools(desk, tx)).keys())
    queued = len(ids) - len(refused)
    desk.about("", queued=queued)
    said = [f"{words.plural(queued, 'delivery', 'deliveries')} queued again."]
    said += [f"{many:,} not: {why}" for why, many in Counter(one.words for one in refused).items()]
    return desk.see(lists.address("/deliveries", query_of(desk.request)), " ".join(said))


@page("/deliveries/{id:uuid}", "delivery")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any]:
    one, attempts = await delivery.get_delivery(tx, desk.id, desk.key)
    tool = (await _tools(desk, tx)).get(one.lane_id)
    context: dict[str, Any] = {
        "one": one,
        "attempts": attempts,
        "tool": tool,
        "live": one.state == "queued" and not attempts,
        "removed": _REMOVED[one.source],
        "there": page_of(tool) if tool else "",
        "message": words.CHANNELS.get(one.topic, one.topic) if one.source == "message" else "",
        "letter": (await messages.messages_by_id(tx, desk.id, [one.id])).get(one.id),
        "profile": _PROFILE if one.source == "profile" else "",
        "advice": (await delivery.advice(tx, desk.id, [one])).get(one.id, ""),
        "waits": _waits_for(tool, desk, one.source) if one.state == "queued" else None,
        "may_replay": tool is not None and _may_replay(one, desk),
        **dict.fromkeys(("rule", "event", "customer")),
    }
    with suppress(NotFound):  # a test may stand on a sample that is no event of the log
        context["rule"] = await dispatch.get_rule(tx, desk.id, one.rule_id) if one.source == "event" else None
        context["event"] = await events.get(tx, desk.id, one.event_id)
    if its := context["letter"] or context["event"]:
        context["customer"] = await customers.find(tx, desk.id, id=its.customer_id)
    return context


@act("/deliveries/{id:uuid}/replay", "delivery.replay", "/deliveries/{id}", "It is sent again now.")
async def replay(desk: Desk, tx: Tx) -> str:
    await delivery.replay(tx, desk.id, desk.key, desk.now)
    one, _ = await delivery.get_delivery(tx, desk.id, desk.key)
    waits = _waits_for((await _tools(desk, tx)).get(one.lane_id), desk, one.source)
    return f"Queued again. {waits[0]}" if waits else ""


def page_of(tool: Integration | Sender) -> str:
    return f"/{'senders' if isinstance(tool, Sender) else 'integrations'}/{tool.id}"


def _waits_for(tool: Integration | Sender | None, desk: Desk, source: str) -> tuple[str, str, str] | None:
    """What keeps a queued delivery from going out, why, and the page where that is mended; None when nothing does."""
    if tool is None:
        return "It is not sent.", f"The {'sender' if source == 'message' else 'tool'} was removed.", ""
    there = page_of(tool)
    if tool.state == "new":
        return f"It waits for {tool.name}.", "It is not initialized yet.", there
    if tool.state == "paused":
        return f"It waits for {tool.name}, which is paused.", tool.state_reason, there
    if source != "message" and not desk.workspace.events_on:
        return "It waits for events to be switched on.", "While they are off nothing is sent.", "/events"
    return None


def _since(desk: Desk, text: str) -> datetime | None:
    """A time as a browser's field writes it, by the shop's clocks; None for none, and for what is no time."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=desk.zone)
    except ValueError:
        return None
