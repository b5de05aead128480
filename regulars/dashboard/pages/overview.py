"""Overview: what happened today, what is wrong, and, for a new shop, the way to its first delivered event; the box at
the top: what is meant by what was typed, as one types; and why, of anything that is shown.

Each step of the way is said as it stands, and done by one press. Nothing of it is stored: what is done, is true, so the
way may be left anywhere, gone in any order, or gone by a program.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post

from regulars import (
    channels,
    customers,
    delivery,
    dispatch,
    events,
    integrations,
    ledger,
    rewards,
    schedule,
    tenancy,
    triggers,
    why,
)
from regulars.channels import Sender
from regulars.customers import Customer
from regulars.dashboard import words
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk, Form, Handed, uuid_of
from regulars.dashboard.figures import PERIODS, figures
from regulars.dashboard.forms import query_of
from regulars.dashboard.pages import sandbox
from regulars.dashboard.pages.deliveries import page_of
from regulars.dashboard.pages.integrations import initialize
from regulars.dashboard.pages.shop import LISTS, SETUP, change
from regulars.dashboard.sheets import read
from regulars.dashboard.words import in_shops_words
from regulars.delivery import LaneHealth
from regulars.dispatch import Rule
from regulars.engagement import automations
from regulars.engagement.automations import Automation
from regulars.events import Event
from regulars.integrations import Integration
from regulars.kit import Reading, Refusal, Tx
from regulars.search import everywhere
from regulars.tenancy import Workspace
from regulars.triggers import Trigger
from regulars.why import Question

LATE_S = 300.0
LATELY_ITEMS = 8


class Trouble(msgspec.Struct, frozen=True):
    """Something a person should look at: what, why, and where."""

    kind: str
    title: str
    text: str
    href: str
    button: str


@get("/")
async def show(desk: Handed) -> Response[str]:
    shop = desk.workspace
    names = ("name", "coin_name", "country", "currency_code", "time_zone")
    return await overview(desk, desk.blank(**{name: getattr(shop, name) for name in names}))


async def overview(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    """`form`: the shop's, as the walk of a new shop shows it."""
    asked = query_of(desk.request).get("days", "")
    count = int(asked) if asked in map(str, PERIODS) else 1
    counting = asyncio.create_task(figures(desk, count))
    async with desk.reading() as tx:
        tools = await integrations.list_integrations(tx, desk.id)
        senders = await channels.list_senders(tx, desk.id)
        rules = await dispatch.list_rules(tx, desk.id)
        lanes = await delivery.lane_health(tx, desk.id, desk.now)
        totals = await delivery.delivery_totals(tx, desk.id)
        aside = await schedule.kinds_aside(tx, desk.id)
        stuck = await automations.all_stuck(tx, desk.workspace)
        lately = await events.recent(tx, desk.id, limit=LATELY_ITEMS)
        delivered = any(done for done, _ in totals.values())
        walk = None if delivered else await walked(tx, desk.workspace, tools, rules, lately)
    context: dict[str, Any] = {
        "walk": walk,
        "form": form,
        "fields": SETUP,
        "shows": {},
        "lists": LISTS,
        "sandbox": desk.app.settings.allow_loopback,
        "troubles": [
            *_troubles(desk, [*tools, *senders], rules, lanes),
            *_stuck(stuck),
            *_set_aside(sum(aside.values())),
        ],
        "figures": await counting,
        "count": count,
        "periods": PERIODS,
        "lately": lately,
    }
    return desk.page("pages/overview.html", status=status, **context)


def _deliveries(count: int) -> str:
    return words.plural(count, "delivery", "deliveries")


def _troubles(
    desk: Desk, tools: Sequence[Integration | Sender], rules: Sequence[Rule], lanes: Sequence[LaneHealth]
) -> list[Trouble]:
    found = []
    health = {lane.lane_id: lane for lane in lanes}
    if rules and not desk.workspace.events_on:
        found.append(
            Trouble("care", "Events are off.", "No tool is told of anything that happens now.", "/events", "See events")
        )
    for tool in tools:
        lane = health.get(tool.id)
        there = page_of(tool)
        if tool.state == "paused":
            waits = f" Waiting: {_deliveries(lane.queued)}." if lane and lane.queued else ""
            found.append(
                Trouble("bad", f"{tool.name} is paused.", tool.state_reason + waits, there, f"Open {tool.name}")
            )
        elif lane and lane.waits:
            found.append(Trouble("care", f"{tool.name} waits.", lane.waits, there, f"Open {tool.name}"))
        elif lane and lane.oldest_due_at and (desk.now - lane.oldest_due_at).total_seconds() > LATE_S:
            text = f"Due: {_deliveries(lane.queued)}. The worker may not be running."
            found.append(Trouble("care", f"{tool.name} is late.", text, there, f"Open {tool.name}"))
        if lane and lane.failed:
            text = "Look at why, mend it, and send them again."
            title = f"{_deliveries(lane.failed)} to {tool.name} failed."
            href = f"/deliveries?state=failed&to={tool.id}"
            found.append(Trouble("bad", title, text, href, "See what failed"))
    return found


def _stuck(found: list[tuple[Automation, list[str]]]) -> list[Trouble]:
    return [
        Trouble("care", f"People can't go on in {one.name}.", " ".join(words), f"/automations/{one.id}", "Open it")
        for one, words in found
    ]


def _set_aside(count: int) -> list[Trouble]:
    title = f"{words.plural(count, 'thing')} could not be done."
    text = "Everything else went on. Look at why, and have it tried again."
    return [Trouble("bad", title, text, "/set-aside", "See what was set aside")] if count else []


State = Literal["done", "next", "skipped", "later"]

EXAMPLES: dict[str, tuple[Any, str, triggers.Rule]] = {
    "order": ("order", "{Coins} for orders", triggers.Rule(coins_per_unit=1, earn_when="paid")),
    "welcome": ("customer_created", "Welcome", triggers.Rule(coins_min=50, coins_max=50)),
}
"""What earns in most shops: the source, the name and the rule of a trigger that one press makes."""

SANDBOX = "Sandbox"
TOPIC = "walletreward_create"


class Walk(msgspec.Struct, frozen=True):
    """`states` are those of the shop, what earns, customers and orders, a tool, the first event."""

    states: list[State]
    earns: list[tuple[Trigger, str]]
    examples: list[tuple[str, str]]
    tool: Integration | None
    rule: Rule | None
    test_href: str

    @property
    def done(self) -> int:
        return self.states.count("done")


async def walked(
    tx: Reading, shop: Workspace, tools: Sequence[Integration], rules: Sequence[Rule], lately: Sequence[Event]
) -> Walk:
    """Of a shop whose tools were told of nothing yet. `lately`: its newest events, the newest first."""
    known = await customers.by_ids(tx, shop.id, list({event.customer_id for event in lately}))
    people = [known[event.customer_id] for event in lately if event.customer_id in known]
    found = [one for one in await triggers.list_triggers(tx, shop.id) if one.active]
    ready = [tool for tool in tools if tool.state == "ready"]
    told = [rule for rule in rules if rule.active and any(tool.id == rule.integration_id for tool in ready)]
    done = [
        await tenancy.was_done(tx, shop.id, "workspace.update"),
        bool(found),
        bool(people),
        bool(told) and shop.events_on,
        False,
    ]
    has = {one.source for one in found}
    return Walk(
        states=_states(done),
        earns=[(one, _said(shop, one.source, one.rule)) for one in found[:5]],
        examples=[
            (name, _said(shop, source, rule)) for name, (source, _, rule) in EXAMPLES.items() if source not in has
        ],
        tool=next(iter([*ready, *tools]), None),
        rule=told[0] if told else None,
        test_href=_test_href(told[0], people) if told else "",
    )


def _states(done: Sequence[bool]) -> list[State]:
    """The first that is open behind all that are done is next; what is open before it was skipped."""
    next_ = max((n for n, is_done in enumerate(done) if is_done), default=-1) + 1
    return [
        "done" if is_done else "skipped" if n < next_ else "next" if n == next_ else "later"
        for n, is_done in enumerate(done)
    ]


def _said(shop: Workspace, source: Any, rule: triggers.Rule) -> str:
    return triggers.sentence(source, rule, shop.coin_name, shop.currency_symbol)


def _test_href(rule: Rule, people: Sequence[Customer]) -> str:
    """The form of a test by this rule, filled with the newest customer who can be found by an address."""
    address = f"/events/send/{rule.id}/test"
    for person in people:
        if person.email:
            return f"{address}?{urlencode({'by': 'email', 'address': person.email})}"
        if person.mobile:
            return f"{address}?{urlencode({'by': 'mobile', 'address': person.mobile})}"
    return address


@post("/start/shop")
async def save_shop(desk: Handed) -> Response[str]:
    form = await desk.form()
    try:
        await change(desk, read(desk, SETUP, form))
    except Refusal as refusal:
        return await overview(desk, form.refused(refusal), 422)
    return desk.see("/", "Saved. Next: what earns.")


@act("/start/earn", "trigger.create", "/", "Made. It earns from now on.")
async def earn(desk: Desk, tx: Tx) -> None:
    source, name, rule = EXAMPLES[(await desk.form()).choice("example", EXAMPLES)]
    name = in_shops_words(name, desk.workspace)
    desk.about(name)
    known = {one.source for one in await triggers.list_triggers(tx, desk.id) if one.active}
    if source not in known:
        await triggers.create_trigger(tx, desk.workspace, name, source, rule, desk.now, actor=desk.who.actor)


@post("/start/sandbox")
async def use_sandbox(desk: Handed) -> Response[str]:
    """All that a first event needs to arrive at a look-alike; what is there already is used."""
    if await sandbox.ask(desk, "GET", "/faults") is None:
        return desk.see("/", "No sandbox runs beside this server: “regulars sandbox” starts it.")
    address = f"{desk.app.settings.sandbox_address(desk.id)}/webhook/shop"
    async with desk.app.db.transaction() as tx:
        tools = await integrations.list_integrations(tx, desk.id)
        tool = next((one for one in tools if one.settings.get("url") == address), None)
        if tool is None:
            given = {"url": address}
            made = await integrations.add(
                tx, desk.id, desk.app.box, tool="webhook", name=SANDBOX, given=given, now=desk.now
            )
            tool = made.integration
            await desk.audit(tx, "integration.create", "webhook")
        if all(rule.integration_id != tool.id for rule in await dispatch.list_rules(tx, desk.id)):
            await dispatch.create_rule(tx, desk.id, topic=TOPIC, integration_id=tool.id, now=desk.now)
            await desk.audit(tx, "rule.create", TOPIC)
        if not desk.workspace.events_on:
            await events.switch(tx, desk.id, True, desk.now)
            await desk.audit(tx, "events.switch_on")
    result = await initialize(desk, tool)
    return desk.see("/", "The sandbox is ready. Next: send a test event." if result.ok else result.sentence)


@page("/search", "search")
async def found(desk: Desk, tx: Reading) -> dict[str, Any]:
    text = query_of(desk.request).get("q", "").strip()
    all_found = await everywhere(tx, desk.id, text)
    have = await ledger.balances(tx, desk.workspace, [one.id for one in all_found.customers], desk.now)
    buyers = await customers.by_ids(tx, desk.id, [order.customer_id for order in all_found.orders])
    return {"q": text, "found": all_found, "have": have, "people": buyers, "coupon_name": rewards.coupon_name}


@page("/why", "why")
async def explained(desk: Desk, tx: Reading) -> dict[str, Any]:
    given = {name: value for name, value in query_of(desk.request).items() if name in Question.__struct_fields__}
    ids = {name: value if name == "customer_id" else uuid_of(value) or UUID(int=0) for name, value in given.items()}
    return {"found": await why.answer(tx, desk.workspace, Question(**ids), desk.now)}  # type: ignore[arg-type]
