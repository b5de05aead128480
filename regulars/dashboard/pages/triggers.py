"""Triggers: what earns coins, said as a sentence, with what each of them gave and refused; and each tried on the past:
begun from its page, seen while it runs, and two results beside each other."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, post

from regulars import customers, imports, limits, orders, rewards, triggers
from regulars.dashboard import chart, lists
from regulars.dashboard.cells import Lines, Link
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk, Form, Handed, uuid_of
from regulars.dashboard.forms import query_of
from regulars.dashboard.restrictions import Builder, Pairs, drawn
from regulars.dashboard.sheets import Fields, Given, Sheet, Shown, draw, read, sheet
from regulars.dashboard.trials import tried
from regulars.dashboard.trigger_forms import CONTENT, FLAGS, IN_FORM, fields_for, properties_of, rule_of, values_of
from regulars.dashboard.words import in_shops_words
from regulars.engagement import messages
from regulars.imports import Backtest, Terms
from regulars.kit import NotFound, Reading, Refusal, Tx, new_id
from regulars.triggers import Content, Rule, Trigger
from regulars.triggers.checking import check_rule
from regulars.triggers.facts import schema_of
from regulars.triggers.model import Kind
from regulars.triggers.wording import compared

Gifts = Mapping[str, Mapping[UUID | None, str]]
SOURCES = {  # {Coins}: as the shop calls them
    "order": "{Coins} for orders",
    "review": "{Coins} for reviews",
    "referral": "{Coins} for referrals",
    "customer_created": "{Coins} for new customers",
    "birthday": "{Coins} for birthdays",
    "anniversary": "{Coins} for anniversaries",
    "fact": "{Coins} for facts of your own",
    "api": "{Coins} when your shop calls",
}
_KINDS = {
    "order": ("An order comes in", "{Coins} for each whole {symbol}1 of every order."),
    "review": ("A review is shown", "A number of {coins} for each; with another, more for one with a picture."),
    "referral": ("A referral is complete", "A number of {coins} for each of the two, or by a condition for one."),
    "customer_created": ("A customer is created", "A number of {coins} for whoever is new, once."),
    "birthday": ("A customer has a birthday", "A number of {coins} on the day, once a year."),
    "anniversary": ("The day a customer was created comes round", "A number of {coins} each year."),
    "fact": (
        "Your shop reports a fact of its own",
        "A game that was won, a walk that was taken: your program names it.",
    ),
    "api": ("Your shop calls it", "A number of {coins} whenever your shop's program asks: a newsletter, a visit."),
}


class Said(NamedTuple):
    trigger: Trigger
    sentence: str


async def _read(desk: Desk, tx: Reading, asked: lists.Asked) -> lists.Found[Said]:
    source, state = asked.chosen("source"), asked.chosen("state")
    offers = await _offers(desk, tx)
    found = [
        Said(one, _sentence(desk, one, offers))
        for one in await triggers.list_triggers(tx, desk.id)
        if source in (None, one.source) and state in (None, "active" if one.active else "off")
    ]
    part = lists.part_of(found, asked)
    part.choices = {"source": [(name, in_shops_words(label, desk.workspace)) for name, label in SOURCES.items()]}
    return part


TRIGGERS = lists.Listing[Said](
    path="/triggers",
    purpose="What your customers earn {coins} for.",
    columns=[
        lists.Column("Name", lambda row: Link(row.trigger.name, f"/triggers/{row.trigger.id}")),
        lists.Column("What it does", lambda row: Lines([row.sentence])),
        lists.Column("State", lambda row: lists.switched(row.trigger.active)),
        lists.Column("Version", lambda row: row.trigger.version, right=True),
        lists.Column("Changed", lambda row: row.trigger.updated_at),
    ],
    read=_read,
    nothing="No triggers yet",
    nothing_why="A trigger says what earns {coins}: so many for each whole unit of money of an order, or a number "
    "whenever your shop calls it.",
    filters=[
        lists.Filter("source", "Source", "Whatever fires them"),
        lists.Filter("state", "State", "Any state", lists.SWITCHED),
    ],
    acts=[lists.Act("Create a trigger", "/triggers/new", dialog=True)],
)


def _builder(desk: Desk, source: Any, rule: Rule, pairs: Pairs, given: Any = None) -> Builder:
    """`given` are a fact's properties as they are being typed: they can be asked about."""
    if source == "fact" and given is not None:
        rule = msgspec.structs.replace(rule, properties=properties_of(given))
    stored = rule.condition
    nothing = "None: it rewards each time."
    known, only = schema_of(source, rule, desk.workspace), "Reward it only when"
    return Builder(pairs, known, stored, only=only, nothing=nothing, shop=desk.workspace)


async def _typed(desk: Desk) -> tuple[str, ...] | None:
    form = await desk.form()
    return tuple(form.text("properties").splitlines()) if desk.request.method == "POST" else None


async def _blank(desk: Desk, tx: Reading) -> Shown:
    """Without a source, what may set a trigger off."""
    posted = desk.request.method == "POST"
    asked = (await desk.form()).text("source") if posted else query_of(desk.request).get("source", "")
    source: Any = asked if asked in SOURCES else "api" if posted else ""
    if not source:
        return Shown(title="What sets it off?", more={"kinds": _KINDS, "source": ""})
    values = values_of(Rule()) | {"source": source, "active": True, "coins_min": "", "content.type": "earn"}
    values["kind"] = "wallet"
    if source == "order":
        values["coins_per_unit"] = 1
    if source not in ("api", "fact"):
        values["name"] = in_shops_words(SOURCES[source], desk.workspace)
    builder = _builder(desk, source, Rule(), await drawn(desk, None), await _typed(desk))
    more = {"condition": builder, "source": source, "tried": None, **await _offers(desk, tx)}
    return Shown(values, title=SOURCES[source], more=more)


async def _offers(desk: Desk, tx: Reading) -> Gifts:
    """What there is to give, and what it is called."""
    offers, letters = await rewards.list_offers(tx, desk.id), await messages.list_templates(tx, desk.id)
    return {"offers": {one.id: one.name for one in offers}, "letters": {one.id: one.name for one in letters}}


async def _try(desk: Desk, page: Sheet, given: Given, shown: Shown) -> Response[str]:
    """The rule as it is typed, on one thing; nothing is saved."""
    form, source, kept = await desk.form(), shown.more["source"], shown.thing.rule if shown.thing else None
    rule = rule_of(form, given, shown.more["condition"], source, kept)
    flags, name = (True, False, False, False), form.text("name")
    trigger = shown.thing or Trigger(
        new_id(), 1, _kind(rule), name, source, *flags, rule, Content(), created_at=desk.now, updated_at=desk.now
    )
    as_typed = msgspec.structs.replace(trigger, active=given["active"])
    shown.more["tried"] = await tried(desk, form, as_typed, rule, kept)
    return draw(desk, page, shown, form)


async def _given(desk: Desk, given: Given, shown: Shown) -> dict[str, Any]:
    """What a trigger is made of, or changed to."""
    source, kept = shown.more["source"], shown.thing.rule if shown.thing else None
    rule = rule_of(await desk.form(), given, shown.more["condition"], source, kept)
    words: dict[str, Any] = {name: given[f"content.{name}"] for name in CONTENT}
    flags = {name: given.get(name, False) for name in FLAGS}
    return {"name": given["name"], "rule": rule, "content": Content(**words), **flags}


def _kind(rule: Rule) -> Kind:
    return "offer" if rule.offer_id else "email" if rule.template_id else "wallet"


def _fields(shown: Shown) -> Fields:
    trigger: Trigger | None = shown.thing
    return fields_for(shown.more["source"], trigger.kind if trigger else None) if shown.more["source"] else {}


@sheet("/triggers/new", "", "trigger_new", _fields, yes="Create", load=_blank, inside=IN_FORM)
async def create(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    if (await desk.form()).on("try"):
        return await _try(desk, create, given, shown)
    said = await _given(desk, given, shown)
    name, rule, source = said.pop("name"), said.pop("rule"), shown.more["source"]
    async with desk.changing("trigger.create", name) as tx:
        how = {"kind": _kind(rule), "actor": desk.who.actor, **said}
        made = await triggers.create_trigger(tx, desk.workspace, name, source, rule, desk.now, **how)
    return desk.see(f"/triggers/{made.id}", "The trigger is created.")


@post("/triggers/sentence")
async def said(desk: Handed) -> Response[str]:
    """What the rule that is being typed would do, as a sentence, or what is still missing."""
    form = await desk.form()
    source: Any = form.text("source") if form.text("source") in SOURCES else "api"
    trigger_id, trigger = uuid_of(form.text("trigger_id")), None
    async with desk.reading() as tx:
        offers = await _offers(desk, tx)
        if trigger_id:
            trigger = await triggers.find_trigger(tx, desk.id, trigger_id)
    kept, kind = (trigger.rule, trigger.kind) if trigger else (None, None)
    missing, words = "", ""
    try:
        builder = _builder(desk, source, kept or Rule(), await drawn(desk, None))
        rule = rule_of(form, read(desk, fields_for(source, kind), form), builder, source, kept)
        form.check()
        kind = kind or _kind(rule)
        words = _in_words(desk, source, check_rule(source, rule, kind), kind, offers)
    except Refusal as refusal:
        missing = next(iter(form.refused(refusal, IN_FORM).errors.values()), refusal.message)
    return desk.page("pages/trigger_sentence.html", sentence=words, missing=missing)


async def _load(desk: Desk, tx: Reading) -> Shown:
    trigger = await triggers.find_trigger(tx, desk.id, desk.key)
    found = await triggers.firings(tx, desk.id, trigger_id=trigger.id, limit=limits.FIRINGS_SHOWN)
    versions, offers = await triggers.versions_of(tx, desk.id, trigger.id), await _offers(desk, tx)
    builder = _builder(
        desk, trigger.source, trigger.rule, await drawn(desk, trigger.rule.condition), await _typed(desk)
    )
    content = {f"content.{name}": value for name, value in msgspec.structs.asdict(trigger.content).items()}
    values = values_of(trigger.rule) | content | {name: getattr(trigger, name) for name in (*FLAGS, "name", "source")}
    more = {
        "source": trigger.source,
        "tried": None,
        **offers,
        "sentence": _sentence(desk, trigger, offers),
        "condition": builder,
        "firings": found,
        "people": await customers.by_ids(tx, desk.id, list({firing.customer_id for firing in found})),
        "about": await orders.by_ids(tx, desk.id, {id for firing in found if (id := firing.order_id)}),
        "versions": [
            (version, _sentence(desk, trigger, offers, version.rule), changed) for version, changed in versions
        ],
        "backtests": await imports.newest_backtests(tx, desk.id, trigger.id, limits.IMPORTS_SHOWN),
        "runs": await imports.newest_applications(tx, desk.id, trigger.id, desk.now, limits.IMPORTS_SHOWN),
        "has_orders": bool((await orders.search_orders(tx, desk.id, limit=1))[0]),
    }
    return Shown(values, trigger, trigger.name, more=more)


@sheet("/triggers/{id:uuid}", "", "trigger", _fields, load=_load, inside=IN_FORM)
async def change(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    if (await desk.form()).on("try"):
        return await _try(desk, change, given, shown)
    changes, trigger = await _given(desk, given, shown), shown.thing
    if (await desk.form()).on("past"):
        return await begin(desk, await desk.form(), trigger, changes["rule"])
    async with desk.changing("trigger.update", trigger.id) as tx:
        changed = await triggers.change_trigger(tx, desk.workspace, trigger.id, changes, desk.now, actor=desk.who.actor)
    words = f"Saved as version {changed.version}." if changed.version != trigger.version else "Saved."
    return desk.see(f"/triggers/{trigger.id}", words)


@page("/triggers/{id:uuid}/versions", "trigger_versions")
async def versions(desk: Desk, tx: Reading) -> dict[str, Any]:
    """Two of them beside each other: the newest, and the one before it, unless the address says others."""
    asked = query_of(desk.request)
    trigger, offers = await triggers.find_trigger(tx, desk.id, desk.key), await _offers(desk, tx)
    found = {str(one.version): one for one, _ in await triggers.versions_of(tx, desk.id, desk.key)}
    after, before, *_ = [*found, *found]
    two = [found.get(asked.get("before", ""), found[before]), found.get(asked.get("after", ""), found[after])]
    return {
        "trigger": trigger,
        "form": Form(values={"before": two[0].version, "after": two[1].version}),
        "two": [(one, _sentence(desk, trigger, offers, one.rule)) for one in two],
        "rows": compared(trigger.source, two[0].rule, two[1].rule),
        "options": [(number, f"Version {number}") for number in found],
    }


@post("/triggers/{id:uuid}/applications")
async def apply(desk: Handed) -> Response[str]:
    form = await desk.form()
    actor, announced = desk.who.actor, form.on("announced")
    run_id = await imports.begin_applying(desk.app, desk.workspace, desk.key, actor=actor, announced=announced)
    return desk.see(f"/triggers/{desk.key}/runs/{run_id}")


@page("/triggers/{id:uuid}/runs/{run_id:uuid}", "trigger_run")
async def run(desk: Desk, tx: Reading) -> dict[str, Any]:
    """While it runs, the page asks again by itself."""
    found = await imports.get_application(tx, desk.id, desk.id_of("run_id"), desk.now)
    trigger = await triggers.find_trigger(tx, desk.id, desk.key)
    return {"run": found, "progress": found.progress, "trigger": trigger, "form": desk.blank(announced="yes")}


def _sentence(desk: Desk, trigger: Trigger, offers: Gifts, rule: Rule | None = None) -> str:
    return _in_words(desk, trigger.source, rule or trigger.rule, trigger.kind, offers)


def _in_words(desk: Desk, source: Any, rule: Rule, kind: str, offers: Gifts) -> str:
    shop, given = desk.workspace, rule.offer_id or rule.template_id
    offer = next((of[given] for of in offers.values() if given in of), "")
    return triggers.sentence(source, rule, shop.coin_name, shop.currency_symbol, kind, offer=offer)


async def begin(desk: Desk, form: Form, trigger: Trigger, rule: Rule, *, further: bool = False) -> Response[str]:
    """Raises Invalid naming the form's fields, and Conflict."""
    since, until = _day(desk, form, "past.since"), _day(desk, form, "past.until", 1)
    form.check()
    rule = check_rule(trigger.source, rule, trigger.kind)
    changed = rule != trigger.rule
    terms = Terms(trigger.version, rule, changed, form.text("past.name"), further, since, until)
    async with desk.changing("trigger.backtest", trigger.id) as tx:
        made = await imports.order_backtest(tx, desk.workspace, trigger, terms, desk.now, actor=desk.who.actor)
    return desk.see(f"/triggers/{trigger.id}/backtests/{made.id}")


def _day(desk: Desk, form: Form, name: str, after: int = 0) -> datetime | None:
    """When the day begins in the shop, or one so many days after it."""
    at = lists.midnight_of(form.text(name), desk.zone, days=after)
    if at is None and form.text(name):
        form.faults.add(name, "a day such as 2026-03-14")
    return at


@post("/triggers/{id:uuid}/backtests")
async def rehearse(desk: Handed) -> Response[str]:
    """What applying it now would give."""
    form = await desk.form()
    async with desk.reading() as tx:
        trigger = await triggers.find_trigger(tx, desk.id, desk.key)
    return await begin(desk, form, trigger, trigger.rule, further=True)


@page("/triggers/{id:uuid}/backtests/{run_id:uuid}", "trigger_backtest")
async def backtest(desk: Desk, tx: Reading) -> dict[str, Any]:
    """While it waits or runs, the page asks again by itself. `?beside=` is another to compare it with."""
    trigger = await triggers.find_trigger(tx, desk.id, desk.key)
    run = await imports.get_backtest(tx, desk.id, desk.id_of("run_id"))
    kept = await imports.newest_backtests(tx, desk.id, desk.key, limits.BACKTESTS_KEPT_MAX)
    if run.trigger_id != desk.key:
        raise NotFound("This back-test does not exist.")
    others = [one for one in kept if one.id != run.id and one.state == "done" and not one.terms.further]
    wanted = uuid_of(query_of(desk.request).get("beside", ""))
    beside = next((one for one in others if one.id == wanted), None)
    return {
        "run": run,
        "trigger": trigger,
        "rules": {one.id: _sentence(desk, trigger, {}, one.terms.rule) for one in (run, *([beside] if beside else []))},
        "others": [] if run.terms.further else others,
        "beside": beside,
        "people": await customers.by_ids(tx, desk.id, [one.customer_id for one in run.progress.leaders]),
        "charts": _charts(desk, run, beside),
        "progress": run.progress,
        "form": desk.blank(announced="yes"),
    }


@act("/triggers/{id:uuid}/backtests/{run_id:uuid}/drop", "trigger.backtest_drop", "/triggers/{id}")
async def drop(desk: Desk, tx: Tx) -> Response[Any] | str:
    run_id = desk.id_of("run_id")
    desk.about(run_id)
    if await imports.drop_backtest(tx, desk.id, run_id, desk.now) == "cancelled":
        return desk.see(f"/triggers/{desk.key}/backtests/{run_id}", "It is cancelled.")
    return "The result is forgotten."


def _charts(desk: Desk, run: Backtest, beside: Backtest | None) -> list[Any]:
    """Month by month, all on one scale."""
    drawn: list[tuple[str, dict[str, int]]] = [
        ("Would have given", {one.month: one.coins for one in run.progress.months}),
        ("Really gave", {one.month: one.really for one in run.progress.months}),
    ]
    if beside:
        name = beside.terms.name or "The other"
        drawn.insert(1, (f"{name} would have given", {one.month: one.coins for one in beside.progress.months}))
    months = sorted(set().union(*(values for _, values in drawn)))
    most = max((max(values.values(), default=0) for _, values in drawn), default=0)
    coins = desk.workspace.coin_name
    if len(months) < 2:
        return []
    named = {month: f"{date.fromisoformat(month + '-01'):%b %Y}" for month in months}
    return [
        chart.bars(
            caption,
            "Month",
            coins[:1].upper() + coins[1:],
            [(named[month], values.get(month, 0)) for month in months],
            [named[months[0]], named[months[-1]]],
            most=most,
        )
        for caption, values in drawn
    ]
