"""Events: the switch, the log, and the Send Events rules with their test."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars import conditions, customers, delivery, dispatch, events, integrations, ledger, why
from regulars.conditions import Schema
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Link, Name, Said, Small
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.forms import query_of, sent
from regulars.dashboard.lists import Asked, Column, Filter, Found, Listing, handlers, until_next
from regulars.dashboard.pages.people import chosen_customer
from regulars.delivery import Delivery
from regulars.dispatch import Rule
from regulars.events import TOPICS, Event, label
from regulars.kit.db import Reading
from regulars.kit.errors import Invalid, NotFound, Refusal

MODES = {"email": "E-mail", "mobile": "Mobile"}
_FIRST_CHOICE = "walletreward_create"
# Of every event's properties: a row may ask for one that the event chosen now does not have.
_LABELS = {name: field.label for topic in TOPICS.values() for name, field in topic.restrictions.items()}


class Logged(NamedTuple):
    event: Event
    customer: Customer | None
    sent: list[Delivery]


async def _read_log(desk: Desk, tx: Reading, asked: Asked) -> Found[Logged]:
    customer_id = asked.id("customer")
    found = await events.recent(
        tx,
        desk.id,
        topic=asked.chosen("event"),
        customer_id=customer_id,
        since=asked.since,
        until=asked.until,
        before_id=asked.before_id,
        limit=asked.limit + 1,
    )
    page, next_id = until_next(found, asked.limit)
    people = await customers.by_ids(tx, desk.id, list({event.customer_id for event in page}))
    sent = await delivery.deliveries_of_events(tx, desk.id, [event.id for event in page])
    rows = [Logged(event, people.get(event.customer_id), sent.get(event.id, [])) for event in page]
    choices = {"customer": await chosen_customer(desk, tx, customer_id)}
    return Found(rows, next_id, choices, {"late": await events.late_since(tx, desk.id, "dispatch", desk.now)})


def _told(row: Logged) -> list[Any]:
    """`1 failed`, `2 delivered`."""
    states = Counter[str](one.state for one in row.sent)
    badges = {"failed": "bad", "delivered": "good", "queued": "busy"}
    said = [Badge(kind, f"{states[state]:,} {state}") for state, kind in badges.items() if states[state]]
    return said or [Small("nobody")]


LOG = Listing[Logged](
    path="/events",
    title="Events",
    purpose="What happened, and which tool is told of it.",
    columns=[
        Column("What", lambda row: [Link(Said(row.event), f"/events/{row.event.id}"), Small(label(row.event.topic))]),
        Column("Customer", lambda row: row.customer and Name(row.customer.name, row.customer.customer_id)),
        Column("Told", _told),
        Column("Event", lambda row: row.event.topic, only="file"),
        Column("customer_id", lambda row: row.customer and row.customer.customer_id, only="file"),
        Column("When", lambda row: row.event.recorded_at),
    ],
    read=_read_log,
    nothing="Nothing happened yet",
    nothing_why="Every fact is logged here: a new customer, an order, {coins}. The first comes with the first order or"
    " reward.",
    filters=[
        Filter("event", "Event", "All events", [(name, topic.label) for name, topic in TOPICS.items()]),
        Filter("customer", "Customer"),
    ],
    days="Logged",
)


@get("/events/{event_id:uuid}")
async def shown(desk: Handed, event_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        event = await events.get(tx, desk.id, event_id)
        found = await why.answer(tx, desk.workspace, why.Question(event_id=event_id), desk.now)
        sent = (await delivery.deliveries_of_events(tx, desk.id, [event_id])).get(event_id, [])
        tools = {tool.id: tool for tool in await integrations.list_integrations(tx, desk.id)}
    return desk.page(
        "pages/event.html",
        event=event,
        topic=TOPICS.get(event.topic),
        found=found,
        customer=found.customer,
        tests=[one for one in sent if one.test],
        tools=tools,
    )


@post("/events/switch")
async def switch(desk: Handed) -> Response[str]:
    on = (await desk.form()).on("on")
    async with desk.changing("events.switch_on" if on else "events.switch_off") as tx:
        await events.switch(tx, desk.id, on, desk.now)
    back = "/events/send" if "/events/send" in desk.request.headers.get("referer", "") else "/events"
    return desk.see(back, "Events are on." if on else "Events are off. Facts are still logged; no tool is told.")


@get("/events/send")
async def rules(desk: Handed) -> Response[str]:
    async with desk.reading() as tx:
        found = await dispatch.list_rules(tx, desk.id)
        tools = await integrations.list_integrations(tx, desk.id)
        late = await events.late_since(tx, desk.id, "dispatch", desk.now)
    told = [(rule, dispatch.rule_sentence_parts(rule)) for rule in found]
    return desk.page("pages/rules.html", rules=told, tools=tools, topics=TOPICS, late=late)


@get("/events/send/new")
async def blank(desk: Handed) -> Response[str]:
    topic = query_of(desk.request).get("event", "")
    form = Form(values={"topic": topic if topic in TOPICS else _FIRST_CHOICE, "prefix": "", "active": "yes"})
    return await _new_page(desk, form)


@post("/events/send/new")
async def create(desk: Handed) -> Response[str]:
    form = await desk.form()
    pairs = await _pairs(desk)
    topic = form.text("topic")
    if conditions.button_pressed(pairs):
        return await _new_page(desk, form, pairs)
    try:
        condition = _condition(form, pairs, topic)
        integration_id = form.uuid("integration_id", "the integration that is to be told")
        async with desk.changing("rule.create", topic) as tx:
            rule = await dispatch.create_rule(
                tx,
                desk.id,
                topic=topic,
                integration_id=integration_id,
                prefix=_prefix(form),
                condition=condition,
                now=desk.now,
            )
    except Refusal as refusal:
        return await _new_page(desk, form.refused(refusal), pairs, 422)
    return desk.see(f"/events/send/{rule.id}", "Created. Send a test event to see that it arrives.")


@get("/events/send/{rule_id:uuid}")
async def edit(desk: Handed, rule_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        rule = await _live_rule(tx, desk, rule_id)
    form = desk.blank(integration_id=str(rule.integration_id), prefix=rule.prefix, active="yes" if rule.active else "")
    return await _rule_page(desk, rule, form)


@post("/events/send/{rule_id:uuid}")
async def change(desk: Handed, rule_id: FromPath[UUID]) -> Response[str]:
    form = await desk.form()
    pairs = await _pairs(desk)
    async with desk.reading() as tx:
        rule = await _live_rule(tx, desk, rule_id)
    if conditions.button_pressed(pairs):
        return await _rule_page(desk, rule, form, pairs)
    try:
        changes: dict[str, Any] = {
            "integration_id": form.uuid("integration_id", "the integration that is to be told"),
            "prefix": _prefix(form),
            "active": form.on("active"),
        }
        # What the page was drawn with and came back as it was is no change, also where it can't be read any more.
        stored = rule.condition
        kept = stored is not None and conditions.draft(pairs) == conditions.draft(conditions.to_form(stored))
        if not kept and not form.on("keep_condition") and rule.topic in TOPICS:
            changes["condition"] = _condition(form, pairs, rule.topic)
        async with desk.changing("rule.update", rule_id) as tx:
            await dispatch.change_rule(tx, desk.id, rule_id, changes, desk.now)
    except Refusal as refusal:
        return await _rule_page(desk, rule, form.refused(refusal), pairs, 422)
    return desk.see(f"/events/send/{rule_id}", "Saved.")


@get("/events/send/{rule_id:uuid}/delete")
async def ask_delete(desk: Handed, rule_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        rule = await _live_rule(tx, desk, rule_id)
    return desk.page(
        "pages/confirm.html",
        title="Delete this rule?",
        words=f"{dispatch.rule_sentence(rule)}: this ends. What is queued already is still sent.",
        yes="Delete",
        back=f"/events/send/{rule_id}",
    )


@post("/events/send/{rule_id:uuid}/delete")
async def delete(desk: Handed, rule_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("rule.delete", rule_id) as tx:
        await dispatch.delete_rule(tx, desk.id, rule_id, desk.now)
    return desk.see("/events/send", "The rule is deleted.")


@get("/events/send/{rule_id:uuid}/test")
async def ask_test(desk: Handed, rule_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        rule = await _live_rule(tx, desk, rule_id)
    form = Form(values={"by": "email"} | query_of(desk.request))
    return desk.page("pages/rule_test.html", rule=rule, form=form, result=None, modes=MODES)


@post("/events/send/{rule_id:uuid}/test")
async def test(desk: Handed, rule_id: FromPath[UUID]) -> Response[str]:
    """Written down, sent outside any transaction, and the tool's answer written down and shown."""
    form = await desk.form()
    async with desk.reading() as tx:
        rule = await _live_rule(tx, desk, rule_id)
    try:
        by: Literal["email", "mobile"] = "mobile" if form.text("by") == "mobile" else "email"
        address = form.text("address")
        async with desk.changing("rule.test", rule_id) as tx:
            email, mobile = (address, None) if by == "email" else (None, address)
            person = (
                await customers.find(tx, desk.id, email=email, mobile=mobile, country=desk.workspace.country)
                if address
                else None
            )
            have = await ledger.balances(tx, desk.workspace, [person.id], desk.now) if person else {}
            prepared = await dispatch.prepare_test(
                tx,
                desk.workspace,
                rule_id,
                by=by,
                address=address,
                customer=person,
                available=have[person.id]["coins"].available if person else 0,
                now=desk.now,
            )
            carrier = await integrations.carrier_of(tx, desk.id, prepared.lane_id, desk.app.box)
    except Refusal as refusal:
        refusal.fields = dict.fromkeys(("address",) if refusal.fields else (), refusal.message)
        return desk.wrong("pages/rule_test.html", form, refusal, rule=rule, result=None, modes=MODES)
    parcel = msgspec.structs.replace(prepared.parcel, attempted_at=desk.app.clock.outside())
    made = await delivery.attempt(carrier, desk.app.http, parcel)
    async with desk.app.db.transaction() as tx:
        await delivery.record(
            tx, desk.id, prepared.lane_id, [(made, 0)], now=desk.app.clock.now(), random=random.random
        )
        one, attempts = await delivery.get_delivery(tx, desk.id, prepared.parcel.delivery_id)
    return desk.page(
        "pages/rule_test.html",
        rule=rule,
        form=form,
        modes=MODES,
        result={
            "delivery": one,
            "attempt": attempts[-1] if attempts else None,
            "real": prepared.real,
            "rule": prepared.outcome,
        },
    )


async def _live_rule(tx: Reading, desk: Desk, rule_id: UUID) -> Rule:
    rule = await dispatch.get_rule(tx, desk.id, rule_id)
    if rule.deleted_at is not None:
        raise NotFound("This rule was deleted.")
    return rule


async def _new_page(
    desk: Desk, form: Form, pairs: list[tuple[str, object]] | None = None, status: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        tools = await integrations.list_integrations(tx, desk.id)
    if "integration_id" not in form.values and tools:
        form.values["integration_id"] = str(tools[0].id)
    topic = TOPICS.get(form.text("topic")) or TOPICS[_FIRST_CHOICE]
    return desk.page(
        "pages/rule_new.html",
        status=status,
        form=form,
        tools=[(str(tool.id), tool.name) for tool in tools],
        groups=_groups(),
        topic=topic,
        **_builder(pairs or [], topic.restrictions),
    )


async def _rule_page(
    desk: Desk, rule: Rule, form: Form, pairs: list[tuple[str, object]] | None = None, status: int = 200
) -> Response[str]:
    """`pairs`: the form's own fields when it is drawn again; else what is stored is drawn."""
    async with desk.reading() as tx:
        tools = await integrations.list_integrations(tx, desk.id)
        recent = await delivery.search_deliveries(tx, desk.id, lane_id=rule.integration_id, topic=rule.topic, limit=10)
    topic = TOPICS.get(rule.topic)
    schema = topic.restrictions if topic else {}
    fits = rule.condition is None or conditions.fits_form(rule.condition)
    if pairs is None:
        pairs = list(conditions.to_form(rule.condition)) if fits else []
        form.values["keep_condition"] = "" if fits else "yes"
    return desk.page(
        "pages/rule.html",
        status=status,
        rule=rule,
        parts=dispatch.rule_sentence_parts(rule),
        form=form,
        tools=[(str(tool.id), tool.name) for tool in tools],
        tool=next((tool for tool in tools if tool.id == rule.integration_id), None),
        topic=topic,
        recent=[one for one in recent.items if one.rule_id == rule.id],
        deep="" if fits else _in_words(rule),
        **_builder(pairs, schema),
    )


def _in_words(rule: Rule) -> str:
    try:
        condition = rule.parsed_condition()
    except Invalid as refusal:
        return refusal.message
    return conditions.sentence(condition, TOPICS[rule.topic].restrictions) if condition else ""


def _builder(pairs: list[tuple[str, object]], schema: Schema) -> dict[str, Any]:
    return {
        "draft": conditions.draft(pairs),
        "schema": schema,
        "operators_for": conditions.operators_for,
        "labels": _LABELS,
        "pressed": next((key for key, _ in pairs if key.startswith("condition.add")), ""),
    }


def _condition(form: Form, pairs: list[tuple[str, object]], topic: str) -> object:
    parsed = None
    with form.faults:
        parsed = conditions.from_form(pairs, TOPICS[topic].restrictions) if topic in TOPICS else None
    return None if parsed is None else conditions.dump(parsed)


def _prefix(form: Form) -> str:
    """Blanks behind it may be meant: `Nector: `."""
    return str(form.values.get("prefix", ""))


async def _pairs(desk: Desk) -> list[tuple[str, object]]:
    return list((await sent(desk.request)).fields)


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Topics as a select offers them: first those that happen today, by their groups, then those nothing makes yet."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, topic in sorted(TOPICS.items(), key=lambda named: not named[1].emitted):
        group = topic.group if topic.emitted else "Not sent by this version yet"
        groups.setdefault(group, []).append((name, f"{topic.label} ({name})"))
    return list(groups.items())


HANDLERS: list[ControllerRouterHandler] = [
    *handlers(LOG, "pages/events.html"),
    shown,
    switch,
    rules,
    blank,
    create,
    edit,
    change,
    ask_delete,
    delete,
    ask_test,
    test,
]
