"""Triggers: what earns coins, said as a sentence, with what each of them gave and refused."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars import customers, imports, limits, orders, triggers
from regulars.dashboard.cells import Badge, Lines, Link
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.forms import query_of
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, handlers, part_of
from regulars.dashboard.words import in_shops_words
from regulars.kit.db import Reading
from regulars.kit.errors import Refusal
from regulars.triggers import Content, Rule, Trigger

EARN_WHEN = {"placed": "as soon as it is placed", "paid": "when it is paid", "fulfilled": "when it is fulfilled"}
OPERATIONS = {"cr": "Gives", "dr": "Takes"}
SOURCES = {  # {Coins}: as the shop calls them
    "order": "{Coins} for orders",
    "customer_created": "{Coins} for new customers",
    "api": "{Coins} when your shop calls",
}
CONTENT_TYPES = {"earn": "A way to earn", "referral": "Refer a friend", "social": "Follow or share"}
LISTS: dict[str, Any] = {"earn_when": EARN_WHEN, "content_types": CONTENT_TYPES, "sources": SOURCES}


class Said(NamedTuple):
    trigger: Trigger
    sentence: str

    @property
    def id(self) -> UUID:
        return self.trigger.id


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Said]:
    source, state = asked.chosen("source"), asked.chosen("state")
    found = [
        Said(one, _sentence(desk, one))
        for one in await triggers.list_triggers(tx, desk.id)
        if source in (None, one.source) and state in (None, "active" if one.active else "off")
    ]
    part = part_of(found, asked)
    part.choices = {"source": [(name, in_shops_words(label, desk.workspace)) for name, label in SOURCES.items()]}
    return part


TRIGGERS = Listing[Said](
    path="/triggers",
    title="Triggers",
    purpose="What your customers earn {coins} for.",
    columns=[
        Column("Name", lambda row: Link(row.trigger.name, f"/triggers/{row.id}")),
        Column("What it does", lambda row: Lines([row.sentence])),
        Column("State", lambda row: Badge("good", "Active") if row.trigger.active else Badge("off", "Off")),
        Column("Version", lambda row: row.trigger.version, right=True),
        Column("Changed", lambda row: row.trigger.updated_at),
    ],
    read=_read,
    nothing="No triggers yet",
    nothing_why="A trigger says what earns {coins}: so many for each whole unit of money of an order, or a number "
    "whenever your shop calls it.",
    filters=[
        Filter("source", "Source", "Whatever fires them"),
        Filter("state", "State", "Any state", [("active", "Active"), ("off", "Off")]),
    ],
    acts=[Act("Create a trigger", "/triggers/new", dialog=True)],
)


@get("/triggers/new")
async def blank(desk: Handed) -> Response[str]:
    source = query_of(desk.request).get("source", "")
    if source not in SOURCES:
        return desk.page("pages/trigger_kind.html")
    form = Form(
        values={"active": "yes", "operation": "cr", "earn_when": "paid", "coins_per_unit": "1", "coins_min": ""}
        | ({"name": in_shops_words(SOURCES[source], desk.workspace)} if source != "api" else {})
    )
    return desk.page("pages/trigger_new.html", form=form, source=source, **LISTS)


@post("/triggers/new")
async def create(desk: Handed) -> Response[str]:
    form = await desk.form()
    source: Any = form.text("source") if form.text("source") in SOURCES else "api"
    try:
        async with desk.changing("trigger.create", form.text("name")) as tx:
            made = await triggers.create_trigger(
                tx,
                desk.workspace,
                form.text("name"),
                source,
                _rule(form, source),
                desk.now,
                active=form.on("active"),
                open=form.on("open"),
                allow_override=form.on("allow_override"),
                show_in_widget=form.on("show_in_widget"),
                content=_content(form),
                actor=desk.who.actor,
            )
    except Refusal as refusal:
        return desk.wrong("pages/trigger_new.html", form, refusal, source=source, **LISTS)
    return desk.see(f"/triggers/{made.id}", "The trigger is created.")


@get("/triggers/{trigger_id:uuid}")
async def shown(desk: Handed, trigger_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        trigger = await triggers.find_trigger(tx, desk.id, trigger_id)
    rule = trigger.rule
    form = desk.blank(
        name=trigger.name,
        title=rule.title,
        description=rule.description,
        operation=rule.operation,
        coins_min=str(rule.coins_min),
        coins_max=str(rule.coins_max) if rule.coins_max != rule.coins_min else "",
        coins_per_unit=str(rule.coins_per_unit),
        earn_when=rule.earn_when,
        per_day_max=str(rule.per_day_max or ""),
        per_month_max=str(rule.per_month_max or ""),
        per_customer_max=str(rule.per_customer_max or ""),
        **{f"content.{name}": value for name, value in msgspec.structs.asdict(trigger.content).items()},
        **{
            name: "yes" if getattr(trigger, name) else ""
            for name in ("active", "open", "allow_override", "show_in_widget")
        },
    )
    return await _page(desk, trigger, form)


@post("/triggers/{trigger_id:uuid}")
async def change(desk: Handed, trigger_id: FromPath[UUID]) -> Response[str]:
    form = await desk.form()
    async with desk.reading() as tx:
        trigger = await triggers.find_trigger(tx, desk.id, trigger_id)
    try:
        changes: dict[str, Any] = {
            "name": form.text("name"),
            "rule": _rule(form, trigger.source),
            "active": form.on("active"),
            "open": form.on("open"),
            "allow_override": form.on("allow_override"),
            "show_in_widget": form.on("show_in_widget"),
            "content": _content(form),
        }
        async with desk.changing("trigger.update", trigger_id) as tx:
            changed = await triggers.change_trigger(
                tx, desk.workspace, trigger_id, changes, desk.now, actor=desk.who.actor
            )
    except Refusal as refusal:
        return await _page(desk, trigger, form.refused(refusal), 422)
    said = f"Saved as version {changed.version}." if changed.version != trigger.version else "Saved."
    return desk.see(f"/triggers/{trigger_id}", said)


@post("/triggers/{trigger_id:uuid}/rehearsals")
async def rehearse(desk: Handed, trigger_id: FromPath[UUID]) -> Response[str]:
    await desk.form()
    return await _begin(desk, trigger_id, rehearsal=True)


@post("/triggers/{trigger_id:uuid}/applications")
async def apply(desk: Handed, trigger_id: FromPath[UUID]) -> Response[str]:
    form = await desk.form()
    return await _begin(desk, trigger_id, rehearsal=False, announced=form.on("announced"))


async def _begin(desk: Desk, trigger_id: UUID, **how: Any) -> Response[str]:
    run_id = await imports.begin_applying(desk.app, desk.workspace, trigger_id, actor=desk.who.actor, **how)
    return desk.see(f"/triggers/{trigger_id}/runs/{run_id}")


@get("/triggers/{trigger_id:uuid}/runs/{run_id:uuid}")
async def run(desk: Handed, trigger_id: FromPath[UUID], run_id: FromPath[UUID]) -> Response[str]:
    """While it runs, the page asks again by itself."""
    async with desk.reading() as tx:
        found = await imports.get_application(tx, desk.id, run_id, desk.now)
        trigger = await triggers.find_trigger(tx, desk.id, trigger_id)
    form = desk.blank(announced="yes")
    return desk.page("pages/trigger_run.html", run=found, progress=found.progress, trigger=trigger, form=form)


async def _page(desk: Desk, trigger: Trigger, form: Form, status: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        found = await triggers.firings(tx, desk.id, trigger_id=trigger.id, limit=limits.FIRINGS_SHOWN)
        people = await customers.by_ids(tx, desk.id, list({firing.customer_id for firing in found}))
        about = await orders.by_ids(tx, desk.id, {id for firing in found if (id := firing.order_id)})
        versions = await triggers.versions_of(tx, desk.id, trigger.id)
        runs = await imports.newest_applications(tx, desk.id, trigger.id, desk.now, limits.IMPORTS_SHOWN)
        has_orders = bool((await orders.search_orders(tx, desk.id, limit=1))[0])
    return desk.page(
        "pages/trigger.html",
        status=status,
        trigger=trigger,
        source=trigger.source,
        sentence=_sentence(desk, trigger),
        form=form,
        firings=found,
        people=people,
        about=about,
        runs=runs,
        has_orders=has_orders,
        versions=[(version, _sentence(desk, trigger, version.rule), changed) for version, changed in versions],
        **LISTS,
    )


def _sentence(desk: Desk, trigger: Trigger, rule: Rule | None = None) -> str:
    shop = desk.workspace
    return triggers.sentence(trigger.source, rule or trigger.rule, shop.coin_name, shop.currency_symbol)


def _rule(form: Form, source: str) -> Rule:
    title, description = form.text("title"), form.text("description")
    if source == "order":
        earn_when: Any = form.choice("earn_when", EARN_WHEN)
        return Rule(
            title=title,
            description=description,
            coins_per_unit=form.whole("coins_per_unit", least=1),
            earn_when=earn_when,
        )
    if source == "customer_created":
        return Rule(title=title, description=description, coins_min=form.whole("coins_min", least=1))
    return Rule(
        title=title,
        description=description,
        operation="dr" if form.choice("operation", OPERATIONS) == "dr" else "cr",
        coins_min=form.whole("coins_min"),
        coins_max=form.whole("coins_max", least=1, default=0),
        per_day_max=form.whole("per_day_max", default=0),
        per_month_max=form.whole("per_month_max", default=0),
        per_customer_max=form.whole("per_customer_max", default=0),
    )


def _content(form: Form) -> Content:
    """Raises Invalid."""
    kind: Any = form.choice("content.type", CONTENT_TYPES) if form.text("content.type") else "earn"
    words = {name: form.text(f"content.{name}") for name in ("title", "description", "icon", "link")}
    return Content(type=kind, **words)


HANDLERS: list[ControllerRouterHandler] = [*handlers(TRIGGERS), blank, create, shown, change, rehearse, apply, run]
