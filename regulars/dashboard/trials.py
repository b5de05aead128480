"""A rule tried on one thing, while it is typed: what the form asks for that, and the answer in an owner's words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from regulars import customers, orders, triggers
from regulars.customers import Customer, NewCustomer
from regulars.dashboard.desk import Desk, Form, uuid_of
from regulars.dashboard.words import exact, number
from regulars.kit import NotFound, Reading, Refusal
from regulars.triggers import About, Evaluation, Fire, NewFact, Rule, Simulated, Trigger
from regulars.triggers.checking import check_rule
from regulars.triggers.simulating import Verdict

NAMES = {
    "once": "Once for the same thing",
    "active": "Switched on",
    "effect": "What it does",
    "schedule": "From when, until when",
    "order": "What of the order earns",
    "amount": "The amount",
    "condition": "Restrictions",
    "on_activity_count_reached": "Each so many times",
    "on_activity_amount_reached": "When amounts reach another",
    "on_timeline_count_reached": "Each so many times, begun anew",
    "on_timeline_amount_reached": "When amounts reach another, begun anew",
    "per_customer_max": "Times in all, before this",
    "per_day_max": "Times that day, before this",
    "per_month_max": "Times that month, before this",
    "cool_down_minutes": "Minutes since the last",
    "budget_per_day": "The day’s budget, with this",
    "budget_in_all": "The budget, with this",
}


class Trial(msgspec.Struct, frozen=True):
    """What came of it, or why it can't be tried, in words."""

    came: Simulated | None = None
    guards: list[tuple[str, bool, str, str, str]] = []
    missing: str = ""


async def tried(desk: Desk, form: Form, trigger: Trigger, rule: Rule, before: Rule | None = None) -> Trial:
    """`before` is the rule as it is kept."""
    try:
        form.check()
        rule = check_rule(trigger.source, rule, trigger.kind)
        async with desk.reading() as tx:
            about = await _about(desk, tx, form, trigger, rule)
            trigger = msgspec.structs.replace(trigger, rule=rule)
            came = await triggers.simulate(tx, desk.workspace, trigger, about, desk.now, before=before)
    except Refusal as refusal:
        return Trial(missing=refusal.message)
    return Trial(came, [_row(desk, one) for one in came.guards])


async def _about(desk: Desk, tx: Reading, form: Form, trigger: Trigger, rule: Rule) -> About:
    name = form.text("try.about")
    if trigger.source == "order":
        found, _ = await orders.search_orders(tx, desk.id, reference_id=name, limit=1)
        if not found:
            raise NotFound("There is no such order." if name else "There are no orders yet to try it on.")
        return found[0]
    customer = await somebody(desk, tx, name)
    if trigger.source == "api":
        count, amount = form.whole("try.count", least=1, default=1), form.whole("try.amount", default=0)
        form.check()
        about = Evaluation(count=count, amount=amount)
        return Fire(trigger_id=trigger.id, lead_id=customer.id, evaluation=about, actor=desk.who.actor)
    if trigger.source == "fact":
        said = (line.partition(":") for line in form.text("try.properties").splitlines() if line.strip())
        properties = {name.strip(): value_of(text.strip()) for name, _, text in said}
        whose = NewCustomer(customer.customer_id)
        return triggers.check_fact(NewFact(name=rule.fact, customer=whose, occurred_at=desk.now, properties=properties))
    return customer


async def somebody(desk: Desk, tx: Reading, name: str) -> Customer:
    """Who has this id, e-mail address or number; without one the newest customer. Raises NotFound."""
    ways: list[dict[str, Any]] = [{"id": uuid_of(name)}, {"customer_id": name}, {"email": name}, {"mobile": name}]
    for way in ways if name else []:
        if found := await customers.find(tx, desk.id, country=desk.workspace.country, **way):
            return found
    if newest := [] if name else await customers.search(tx, desk.id, "", limit=1):
        return newest[0]
    raise NotFound("There is no such customer." if name else "There are no customers yet to try it on.")


def value_of(text: str) -> object:
    """A number or true or false, where it reads as one."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _row(desk: Desk, one: Verdict) -> tuple[str, bool, str, str, str]:
    """Its name, whether it lets pass, what it found and asks for, and why not."""
    name = NAMES.get(one.field) or NAMES.get(one.guard, one.guard)
    found = "" if one.guard in ("once", "active") else _text(desk, one.value)
    asked = "" if one.guard == "active" else _text(desk, one.threshold)
    return name, one.verdict == "passed", found, asked, one.explanation


def _text(desk: Desk, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return exact(value, desk.zone)
        case int():
            return number(value)
        case float():
            return f"{value:,g}"
        case Mapping():
            return " to ".join(_text(desk, part) for part in value.values() if part is not None)
        case list() | tuple():
            return "; ".join(_text(desk, part) or "–" for part in value)
    return str(value)
