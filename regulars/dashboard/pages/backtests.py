"""A trigger tried on the past: begun from its page, seen while it runs, and two results beside each other."""

from datetime import date, datetime, time, timedelta
from typing import Any

from litestar import Response, post

from regulars import customers, imports, limits, triggers
from regulars.dashboard import chart
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk, Form, Handed, uuid_of
from regulars.dashboard.forms import query_of
from regulars.imports import Backtest, Terms
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import NotFound
from regulars.triggers import Rule, Trigger
from regulars.triggers.checking import check_rule


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
    if not form.text(name):
        return None
    try:
        day = date.fromisoformat(form.text(name)) + timedelta(days=after)
    except (ValueError, OverflowError):
        form.faults.add(name, "a day such as 2026-03-14")
        return None
    return datetime.combine(day, time(), desk.zone)


@post("/triggers/{id:uuid}/backtests")
async def rehearse(desk: Handed) -> Response[str]:
    """What applying it now would give."""
    form = await desk.form()
    async with desk.reading() as tx:
        trigger = await triggers.find_trigger(tx, desk.id, desk.key)
    return await begin(desk, form, trigger, trigger.rule, further=True)


@page("/triggers/{id:uuid}/backtests/{run_id:uuid}", "trigger_backtest")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any]:
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
        "rules": {one.id: _rule_said(desk, trigger, one) for one in (run, *([beside] if beside else []))},
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


def _rule_said(desk: Desk, trigger: Trigger, run: Backtest) -> str:
    shop = desk.workspace
    return triggers.sentence(trigger.source, run.terms.rule, shop.coin_name, shop.currency_symbol, trigger.kind)


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
