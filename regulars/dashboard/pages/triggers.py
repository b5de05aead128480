"""Triggers: what earns coins, said as a sentence, with what each of them gave and refused."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars import conditions, customers, imports, limits, orders, triggers
from regulars.dashboard.cells import Badge, Lines, Link
from regulars.dashboard.desk import Desk, Form, Handed, uuid_of
from regulars.dashboard.forms import query_of, sent
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, handlers, part_of
from regulars.dashboard.trials import Trial, tried
from regulars.dashboard.trigger_forms import EARN_WHEN, TIMELINES, Pairs, drawn, filled, refused, rule_of
from regulars.dashboard.words import in_shops_words
from regulars.kit.db import Reading
from regulars.kit.errors import Refusal
from regulars.kit.ids import new_id
from regulars.triggers import Content, Rule, Trigger
from regulars.triggers.checking import check_rule
from regulars.triggers.facts import schema_of
from regulars.triggers.wording import condition_in_words

SOURCES = {  # {Coins}: as the shop calls them
    "order": "{Coins} for orders",
    "customer_created": "{Coins} for new customers",
    "birthday": "{Coins} for birthdays",
    "anniversary": "{Coins} for anniversaries",
    "fact": "{Coins} for facts of your own",
    "api": "{Coins} when your shop calls",
}
CONTENT_TYPES = {"earn": "A way to earn", "referral": "Refer a friend", "social": "Follow or share"}
LISTS: dict[str, Any] = {
    "earn_when": EARN_WHEN,
    "content_types": CONTENT_TYPES,
    "sources": SOURCES,
    "timelines": TIMELINES,
}


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
    values = filled(Rule()) | {"active": "yes", "coins_per_unit": "1" if source == "order" else "", "coins_min": ""}
    if source not in ("api", "fact"):
        values["name"] = in_shops_words(SOURCES[source], desk.workspace)
    return _new_page(desk, desk.blank(**values), source, [])


@post("/triggers/new")
async def create(desk: Handed) -> Response[str]:
    form = await desk.form()
    source: Any = form.text("source") if form.text("source") in SOURCES else "api"
    pairs = list((await sent(desk.request)).fields)
    if conditions.button_pressed(pairs):
        return _new_page(desk, form, source, pairs)
    if form.on("try"):
        trigger = Trigger(
            id=new_id(),
            version=1,
            kind="wallet",
            name=form.text("name"),
            source=source,
            active=form.on("active"),
            open=False,
            allow_override=False,
            show_in_widget=False,
            rule=Rule(),
            content=Content(),
            created_at=desk.now,
            updated_at=desk.now,
        )
        trial = await tried(desk, form, trigger, rule_of(form, pairs, source))
        return _new_page(desk, form, source, pairs, trial=trial)
    try:
        async with desk.changing("trigger.create", form.text("name")) as tx:
            made = await triggers.create_trigger(
                tx,
                desk.workspace,
                form.text("name"),
                source,
                rule_of(form, pairs, source),
                desk.now,
                active=form.on("active"),
                open=form.on("open"),
                allow_override=form.on("allow_override"),
                show_in_widget=form.on("show_in_widget"),
                content=_content(form),
                actor=desk.who.actor,
            )
    except Refusal as refusal:
        return _new_page(desk, refused(form, refusal), source, pairs, 422)
    return desk.see(f"/triggers/{made.id}", "The trigger is created.")


@post("/triggers/sentence")
async def said(desk: Handed) -> Response[str]:
    """What the rule that is being typed would do, as a sentence, or what is still missing."""
    form = await desk.form()
    source: Any = form.text("source") if form.text("source") in SOURCES else "api"
    trigger_id = uuid_of(form.text("trigger_id"))
    kept = None
    if trigger_id:
        async with desk.reading() as tx:
            kept = (await triggers.find_trigger(tx, desk.id, trigger_id)).rule
    missing, words = "", ""
    try:
        rule = rule_of(form, list((await sent(desk.request)).fields), source, kept)
        form.check()
        words = _in_words(desk, source, check_rule(source, rule))
    except Refusal as refusal:
        missing = refused(form, refusal).message if not form.errors else next(iter(form.errors.values()))
    return desk.page("pages/trigger_sentence.html", sentence=words, missing=missing)


def _new_page(
    desk: Desk, form: Form, source: Any, pairs: Pairs, status: int = 200, trial: Trial | None = None
) -> Response[str]:
    more = LISTS | _builder(source, _read_rule(form, source, None), pairs)
    return desk.page("pages/trigger_new.html", status=status, form=form, source=source, tried=trial, **more)


def _read_rule(form: Form, source: Any, kept: Rule | None) -> Rule:
    """Of what is being typed only what the conditions ask about."""
    properties = rule_of(Form(values={"properties": form.text("properties")}), [], "fact").properties
    return msgspec.structs.replace(kept or Rule(), properties=properties) if source == "fact" else kept or Rule()


def _builder(source: Any, rule: Rule, pairs: Pairs, deep: str = "") -> dict[str, Any]:
    return {
        "draft": conditions.draft(pairs),
        "schema": schema_of(source, rule),
        "operators_for": conditions.operators_for,
        "labels": {},
        "deep": deep,
        "pressed": next((key for key, _ in pairs if key.startswith("condition.add")), ""),
    }


@get("/triggers/{trigger_id:uuid}")
async def shown(desk: Handed, trigger_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        trigger = await triggers.find_trigger(tx, desk.id, trigger_id)
    fits = trigger.rule.condition is None or conditions.fits_form(trigger.rule.condition)
    form = desk.blank(
        **filled(trigger.rule),
        name=trigger.name,
        keep_condition="" if fits else "yes",
        **{f"content.{name}": value for name, value in msgspec.structs.asdict(trigger.content).items()},
        **{
            name: "yes" if getattr(trigger, name) else ""
            for name in ("active", "open", "allow_override", "show_in_widget")
        },
    )
    return await _page(desk, trigger, form, drawn(trigger.rule))


@post("/triggers/{trigger_id:uuid}")
async def change(desk: Handed, trigger_id: FromPath[UUID]) -> Response[str]:
    form = await desk.form()
    async with desk.reading() as tx:
        trigger = await triggers.find_trigger(tx, desk.id, trigger_id)
    pairs = list((await sent(desk.request)).fields)
    if conditions.button_pressed(pairs):
        return await _page(desk, trigger, form, pairs)
    if form.on("try"):
        as_typed = msgspec.structs.replace(trigger, active=form.on("active"))
        rule = rule_of(form, pairs, trigger.source, trigger.rule)
        trial = await tried(desk, form, as_typed, rule, trigger.rule)
        return await _page(desk, trigger, form, pairs, trial=trial)
    try:
        changes: dict[str, Any] = {
            "name": form.text("name"),
            "rule": rule_of(form, pairs, trigger.source, trigger.rule),
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
        return await _page(desk, trigger, refused(form, refusal), pairs, 422)
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


async def _page(
    desk: Desk, trigger: Trigger, form: Form, pairs: Pairs, status: int = 200, trial: Trial | None = None
) -> Response[str]:
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
        tried=trial,
        firings=found,
        people=people,
        about=about,
        runs=runs,
        has_orders=has_orders,
        versions=[(version, _sentence(desk, trigger, version.rule), changed) for version, changed in versions],
        **LISTS,
        **_builder(trigger.source, _read_rule(form, trigger.source, trigger.rule), pairs, _deep(trigger)),
    )


def _sentence(desk: Desk, trigger: Trigger, rule: Rule | None = None) -> str:
    return _in_words(desk, trigger.source, rule or trigger.rule, trigger.kind)


def _in_words(desk: Desk, source: Any, rule: Rule, kind: str = "wallet") -> str:
    shop = desk.workspace
    return triggers.sentence(source, rule, shop.coin_name, shop.currency_symbol, kind)


def _deep(trigger: Trigger) -> str:
    """A condition that the form can't show, in words."""
    stored = trigger.rule.condition
    return "" if stored is None or conditions.fits_form(stored) else condition_in_words(trigger.source, trigger.rule)


def _content(form: Form) -> Content:
    """Raises Invalid."""
    kind: Any = form.choice("content.type", CONTENT_TYPES) if form.text("content.type") else "earn"
    words = {name: form.text(f"content.{name}") for name in ("title", "description", "icon", "link")}
    return Content(type=kind, **words)


HANDLERS: list[ControllerRouterHandler] = [
    *handlers(TRIGGERS),
    blank,
    create,
    said,
    shown,
    change,
    rehearse,
    apply,
    run,
]
