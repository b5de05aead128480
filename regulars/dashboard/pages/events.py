"""Events: the switch, the log, and the Send Events rules with their test."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from litestar import Response, post

from regulars import customers, delivery, dispatch, events, integrations, limits, why
from regulars.api.management.rules import try_rule
from regulars.customers import Customer
from regulars.dashboard import lists, sheets
from regulars.dashboard.cells import Badge, Link, Said, Small
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.forms import NOBODY, query_of
from regulars.dashboard.restrictions import Builder, condition_of, drawn
from regulars.dashboard.rule_forms import FIELDS, rows_of, terms_of, values_of
from regulars.dashboard.sheets import ID, TEXT, TICK, Field, Given, Sheet, Shown, ask, sheet
from regulars.dashboard.trials import somebody
from regulars.delivery import Delivery
from regulars.dispatch import Rule
from regulars.engagement import messages
from regulars.engagement.messages.model import NewMessage
from regulars.events import TOPICS, Event, Topic, label
from regulars.events.schemas import properties
from regulars.integrations import Integration
from regulars.kit import NotFound, Reading, Refusal, Tx

_FIRST_CHOICE = "walletreward_create"
# Of every event's properties: a row may ask for one that the event chosen now does not have.
_LABELS = {name: field.label for topic in TOPICS.values() for name, field in topic.restrictions.items()}


class Logged(NamedTuple):
    event: Event
    customer: Customer | None
    sent: list[Delivery]


async def _read_log(desk: Desk, tx: Reading, asked: lists.Asked) -> lists.Found[Logged]:
    customer_id, text = asked.id("customer"), asked.values["q"].strip()
    found = await customers.search(tx, desk.id, text, limit=limits.PEOPLE_OFFERED_MAX) if text else []
    if text:
        customer_id = found[0].id if len(found) == 1 else NOBODY
    by = asked.page(topic=asked.chosen("event"), customer_id=customer_id, lane_id=asked.id("to"))
    page = await dispatch.search_events(tx, desk.id, **by, state=asked.chosen("state"))
    people = await customers.by_ids(tx, desk.id, list({event.customer_id for event in page.items}))
    sent = await delivery.deliveries_of_events(tx, desk.id, [event.id for event in page.items])
    rows = [Logged(event, people.get(event.customer_id), sent.get(event.id, [])) for event in page.items]
    choices: dict[str, lists.Options] = {"customer": await lists.chosen_customer(desk, tx, customer_id)}
    choices["to"] = _named(await integrations.list_integrations(tx, desk.id))
    more = {"late": await events.late_since(tx, desk.id, "dispatch", desk.now), "offered": found[1:] and found}
    return lists.Found(rows, page.next_before_id, choices, more)


def _told(row: Logged) -> list[Any]:
    """`1 failed`, `2 delivered`."""
    states = Counter[str](one.state for one in row.sent)
    badges = {"failed": "bad", "delivered": "good", "queued": "busy"}
    said = [Badge(kind, f"{states[state]:,} {state}") for state, kind in badges.items() if states[state]]
    return said or [Small("nobody")]


_STATES = [("delivered", "Delivered"), ("queued", "Queued"), ("failed", "Failed")]

LOG = lists.Listing[Logged](
    path="/events",
    purpose="What happened, and which tool is told of it.",
    columns=[
        lists.Column(
            "What", lambda row: [Link(Said(row.event), f"/events/{row.event.id}"), Small(label(row.event.topic))]
        ),
        lists.CUSTOMER,
        lists.Column("Told", _told),
        lists.Column("Event", lambda row: row.event.topic, only="file"),
        lists.CUSTOMER_ID,
        lists.Column("When", lambda row: row.event.recorded_at),
    ],
    read=_read_log,
    nothing="Nothing happened yet",
    nothing_why="Every fact is logged here: a new customer, an order, {coins}. The first comes with the first order or"
    " reward.",
    filters=[
        lists.Filter("event", "Event", "All events", [(name, topic.label) for name, topic in TOPICS.items()]),
        lists.Filter("to", "Told to", "Any tool, or nobody"),
        lists.Filter("state", "Told", "Whatever came of it", _STATES),
        lists.Filter("customer", "Customer", gives_way=("q",)),
    ],
    days="Logged",
    search="Customer's name, number or e-mail",
    template="events",
)


@page("/events/{id:uuid}", "event")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any]:
    event = await events.get(tx, desk.id, desk.key)
    found = await why.answer(tx, desk.workspace, why.Question(event_id=desk.key), desk.now)
    sent = (await delivery.deliveries_of_events(tx, desk.id, [desk.key])).get(desk.key, [])
    return {
        "event": event,
        "topic": TOPICS.get(event.topic),
        "found": found,
        "customer": found.customer,
        "tests": [one for one in sent if one.test],
        "tools": {tool.id: tool for tool in await integrations.list_integrations(tx, desk.id)},
    }


@post("/events/switch")
async def switch(desk: Handed) -> Response[str]:
    on = (await desk.form()).on("on")
    async with desk.changing("events.switch_on" if on else "events.switch_off") as tx:
        await events.switch(tx, desk.id, on, desk.now)
    back = "/events/send" if "/events/send" in desk.request.headers.get("referer", "") else "/events"
    return desk.see(back, "Events are on." if on else "Events are off. Facts are still logged; no tool is told.")


@page("/events/send", "rules")
async def rules(desk: Desk, tx: Reading) -> dict[str, Any]:
    found = await dispatch.list_rules(tx, desk.id)
    return {
        "rules": [(rule, dispatch.rule_sentence_parts(rule)) for rule in found],
        "tools": await integrations.list_integrations(tx, desk.id),
        "topics": TOPICS,
        "late": await events.late_since(tx, desk.id, "dispatch", desk.now),
    }


_FIELDS = {"integration_id": ID, "prefix": Field(optional=True, chars_max=limits.PREFIX_CHARS_MAX)} | FIELDS


async def _more(desk: Desk, topic: Topic | None, values: dict[str, Any]) -> dict[str, Any]:
    """What both forms show of the rule's terms."""
    form, known = await desk.form(), properties(topic.type) if topic else {}
    rows = rows_of(form.values if desk.request.method == "POST" else values)
    return {"rows": rows, "properties": known, "weekdays": dispatch.WEEKDAYS, "tried": None}


async def _given(desk: Desk, given: Given, shown: Shown) -> dict[str, Any]:
    """What the rule is made of, or changed to."""
    form, builder = await desk.form(), shown.more["condition"]
    said = terms_of(form, given) | given | {"prefix": form.typed("prefix")}
    if builder.schema is not None and (condition := condition_of(form, builder)) is not builder.stored:
        said["condition"] = condition
    return said


async def _try(desk: Desk, page: Sheet, said: dict[str, Any], shown: Shown) -> Response[str]:
    """The rule as it is typed, on what happened; nothing is saved."""
    form = await desk.form()
    days = form.whole("try.days", least=1, most=limits.DRY_RUN_DAYS_MAX, default=7)
    form.check()
    async with desk.reading() as tx:
        rule = await dispatch.draft_rule(tx, desk.id, said, desk.now, shown.more.get("kept"))
        shown.more["tried"] = await dispatch.dry_run(tx, desk.workspace, rule, days, desk.now, desk.app.box)
    return sheets.draw(desk, page, shown, form)


async def _blank(desk: Desk, tx: Reading) -> Shown:
    tools = await integrations.list_integrations(tx, desk.id)
    asked = (await desk.form()).text("topic") or query_of(desk.request).get("event", "")
    topic = TOPICS.get(asked) or TOPICS[_FIRST_CHOICE]
    values = {"topic": topic.topic, "integration_id": tools[0].id if tools else ""}
    builder = Builder(await drawn(desk, None), topic.restrictions, labels=_LABELS)
    more = {"tools": _named(tools), "groups": by_group(), "condition": builder}
    return Shown(values, topic, more=more | await _more(desk, topic, values))


_NEW = {**_FIELDS, "topic": TEXT}
_CHANGED = {**_FIELDS, "active": TICK}


@sheet("/events/send/new", "Send an event", "rule_new", _NEW, yes="Create", load=_blank)
async def create(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    said = await _given(desk, given, shown)
    if (await desk.form()).on("try"):
        return await _try(desk, create, said, shown)
    async with desk.changing("rule.create", given["topic"]) as tx:
        rule = await dispatch.create_rule(tx, desk.id, **said, now=desk.now)
    return desk.see(f"/events/send/{rule.id}", "Created. Send a test event to see that it arrives.")


async def _load(desk: Desk, tx: Reading) -> Shown:
    rule = await _live_rule(tx, desk)
    tools, topic = await integrations.list_integrations(tx, desk.id), TOPICS.get(rule.topic)
    recent = await delivery.search_deliveries(tx, desk.id, lane_id=rule.integration_id, topic=rule.topic, limit=10)
    schema = topic.restrictions if topic else None
    values = {"integration_id": rule.integration_id, "prefix": rule.prefix, "active": rule.active} | values_of(rule)
    more = await _more(desk, topic, values) | {
        "kept": rule,
        "parted": dispatch.rule_sentence_parts(rule),
        "tools": _named(tools),
        "tool": next((tool for tool in tools if tool.id == rule.integration_id), None),
        "topic": topic,
        "recent": [one for one in recent.items if one.rule_id == rule.id],
        "condition": Builder(await drawn(desk, rule.condition), schema, rule.condition, _LABELS),
    }
    return Shown(values, rule, topic.label if topic else rule.topic, more=more)


@sheet("/events/send/{id:uuid}", "", "rule", _CHANGED, of="Send Events", load=_load)
async def change(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    said = await _given(desk, given, shown)
    if (await desk.form()).on("try"):
        return await _try(desk, change, said, shown)
    async with desk.changing("rule.update", desk.key) as tx:
        await dispatch.change_rule(tx, desk.id, desk.key, said, desk.now)
    return desk.see(f"/events/send/{desk.key}", "Saved.")


async def _ask_delete(desk: Desk, tx: Reading) -> Shown:
    sentence = dispatch.rule_sentence(await _live_rule(tx, desk))
    return Shown(words=f"{sentence}: this ends. What is queued already is still sent.")


@ask("/events/send/{id:uuid}/delete", "Delete this rule?", "Delete", act="rule.delete", load=_ask_delete)
async def delete(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    await dispatch.delete_rule(tx, desk.id, desk.key, desk.now)
    return desk.see("/events/send", "The rule is deleted.")


async def _ask_test(desk: Desk, tx: Reading) -> Shown:
    query, rule = query_of(desk.request), await _live_rule(tx, desk)
    named = [(str(one.id), one.name) for one in await messages.list_templates(tx, desk.id) if one.topic == rule.topic]
    return Shown({"by": "email", "address": ""} | query, rule, more={"result": None, "letters": named})


_WHOM = {"by": Field("choice", options=("email", "mobile")), "address": Field(chars_max=limits.EMAIL_CHARS_MAX)}
_WHOM["template_id"] = Field("uuid", optional=True, blank=None)


@sheet("/events/send/{id:uuid}/test", "Send test event", "rule_test", _WHOM, yes="Send", load=_ask_test)
async def test(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    """Of the event, to its tool; or as a message that is written for it."""
    by, address = given["by"], given["address"]
    (await desk.form()).check()
    try:
        if (template_id := given["template_id"]) and address:
            async with desk.changing("rule.test", desk.key) as tx:
                new = NewMessage(customer_id=(await somebody(desk, tx, address)).id, template_id=template_id,
                                 source_kind="test", address=address)  # fmt: skip
                return desk.see(f"/messages/{(await messages.send_one(tx, desk.workspace, new, desk.now)).id}")
        how = (desk.workspace, desk.key, by, address, desk.now)
        prepared, one, attempt = await try_rule(desk.app, *how, lambda tx: desk.audit(tx, "rule.test", desk.key))
    except Refusal as refusal:
        # Whatever it is that can't be found, the form stays.
        fields = {"address": refusal.message} if refusal.fields else {}
        raise Refusal(refusal.message, fields=fields) from None
    result = {"delivery": one, "attempt": attempt, "real": prepared.real, "rule": prepared.outcome}
    shown.yes, shown.values, shown.more["result"] = "Send again", given, result
    return sheets.draw(desk, test, shown)


async def _live_rule(tx: Reading, desk: Desk) -> Rule:
    rule = await dispatch.get_rule(tx, desk.id, desk.key)
    if rule.deleted_at is not None:
        raise NotFound("This rule was deleted.")
    return rule


def by_group() -> list[tuple[str, list[tuple[str, str]]]]:
    """Topics as a select offers them: first those that happen today, by their groups, then those nothing makes yet."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, topic in sorted(TOPICS.items(), key=lambda named: not named[1].emitted):
        group = topic.group if topic.emitted else "Not sent by this version yet"
        groups.setdefault(group, []).append((name, f"{topic.label} ({name})"))
    return list(groups.items())


def _named(tools: Sequence[Integration]) -> list[tuple[str, str]]:
    return [(str(tool.id), tool.name) for tool in tools]
