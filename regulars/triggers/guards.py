"""What stands between a fact and its reward: each guard in its order, and what it says when it refuses."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from regulars import conditions, limits, orders
from regulars.conditions import Condition, Test, Why
from regulars.kit import Invalid, instant, units_of
from regulars.kit import counted as counted_words
from regulars.orders import EarningBasis, Order
from regulars.tenancy import Workspace
from regulars.triggers.facts import THOUSANDTHS, AnyFact, Ordered, payload, schema_of
from regulars.triggers.model import Source, Trigger
from regulars.triggers.rule import Campaign, Rule
from regulars.triggers.tallies import EVER, Tally


class No(msgspec.Struct, frozen=True, gc=False):
    """A guard's refusal: a stable code, the same in words, and what it found beside what it asks for."""

    reason: str
    words: str
    value: object = None
    threshold: object = None


Window = tuple[datetime | None, datetime | None]
"""From the first, before the second; None is open."""


class Guarded(msgspec.Struct, frozen=True, gc=False):
    """A trigger with what is worked out of its rule once: schedules as instants (`within` of the rule itself, `factors`
    beside those of the rule), its condition as a function. `problem`: why this version can't read the condition.
    `basis`: what of an order earns by it."""

    trigger: Trigger
    rule: Rule
    within: Window
    factors: tuple[Window, ...]
    condition: Condition | None
    test: Test | None
    problem: str
    basis: EarningBasis
    in_tier: Mapping[str, float]
    of_segments: bool = False


def guarded(trigger: Trigger, workspace: Workspace) -> Guarded:
    zone = workspace.zone
    rule = trigger.rule
    if trigger.source == "customer_created":
        rule = msgspec.structs.replace(rule, per_customer_max=0)  # is created once: there is nothing to count
    condition, problem = None, ""
    if rule.condition is not None:
        try:
            condition = conditions.parse(rule.condition, schema_of(trigger.source, rule))
        except Invalid as no:
            # Giving what the shop meant to restrict would be worse than giving nothing yet.
            problem = no.message
    return Guarded(
        trigger,
        rule,
        _window(rule, zone),
        tuple(_window(one, zone) if isinstance(one, Campaign) else (None, None) for one in rule.factors),
        condition,
        None if condition is None else conditions.compiled(condition, zone),
        problem,
        basis_of(rule, workspace),
        tier_factors(workspace, trigger.source) if rule.operation == "cr" else {},
        condition is not None and "segments" in conditions.names(condition),
    )


def tier_factors(workspace: Workspace, source: Source) -> Mapping[str, float]:
    """By tier: by what the shop's ladder multiplies what this sets off. The setting `tier_factors`."""
    said = workspace.settings.get("tier_factors") or []
    return {tier: factor for tier, of, factor in said if of == source}


def basis_of(rule: Rule, workspace: Workspace) -> EarningBasis:
    """The rule's own, or else the shop's: its setting `earning_basis`."""
    return rule.basis or orders.default_basis(workspace)


def _window(of: Rule | Campaign, zone: ZoneInfo) -> Window:
    return instant(of.starts_at, zone), instant(of.ends_at, zone)


def at_first(guarded: Guarded, fact: AnyFact, workspace: Workspace) -> No | None:
    """What needs no look at what happened before."""
    return (
        of_trigger(guarded)
        or of_schedule(guarded, fact)
        or (of_order(workspace, guarded, fact.order) if isinstance(fact, Ordered) else None)
        or of_amount(guarded, fact)
        or of_condition(guarded, fact, workspace)
    )


def of_trigger(guarded: Guarded) -> No | None:
    trigger = guarded.trigger
    if not trigger.active:
        return No("trigger_inactive", "The trigger is switched off.")
    return (
        None if trigger.kind in ("wallet", "offer", "email") else No("effect_unavailable", _UNAVAILABLE[trigger.kind])
    )


def of_schedule(guarded: Guarded, fact: AnyFact) -> No | None:
    starts_at, ends_at = guarded.within
    if starts_at and fact.occurred_at < starts_at:
        return No("not_started", "The trigger had not started then.", fact.occurred_at, starts_at)
    if ends_at and fact.occurred_at >= ends_at:
        return No("already_ended", "The trigger had ended by then.", fact.occurred_at, ends_at)
    return None


_UNAVAILABLE = {
    "event": "Triggers send no events of their own yet. What earns coins is told by Send Events.",
    "webhook": "Triggers call no webhooks of their own yet. What earns coins is told by Send Events.",
}


def of_order(workspace: Workspace, guarded: Guarded, order: Order) -> No | None:
    """Why the order earns nothing as it stands."""
    rule, symbol = guarded.rule, workspace.currency_symbol
    if order.void:
        return No("order_cancelled", "The order was cancelled or paid back.", order.status, "not cancelled")
    if order.currency_code != workspace.currency_code:
        words = f"The order is in {order.currency_code}, the shop's currency is another."
        return No("order_other_currency", words, order.currency_code, workspace.currency_code)
    if order.amount_minor == 0:
        return No("order_amount_zero", f"The order's amount is {symbol}0.", 0, 0)
    units = units_of(order.currency_code)
    if rule.coins_per_unit and order.amount_minor < units:
        words = f"The order's amount is less than one whole {symbol}1."
        return No("order_amount_below_unit", words, order.amount_minor / units, 1)
    least, earns = 1, orders.eligible(order, guarded.basis).left_minor
    if rule.coins_per_unit:
        least, earns = units, orders.basis(order, guarded.basis)
    if earns < least:
        words = f"What of the order earns comes to less than one whole {symbol}1."
        return No("order_nothing_earns", words, earns / units, least / units)
    if rule.earn_when == "paid" and order.financial_status not in ("paid", "partially_refunded"):
        return No("order_not_paid", "The order is not paid yet; it earns when it is.", order.financial_status, "paid")
    if rule.earn_when == "fulfilled" and order.delivery_status != "fulfilled":
        words = "The order is not fulfilled yet; it earns when it is."
        return No("order_not_fulfilled", words, order.delivery_status, "fulfilled")
    return None


def of_amount(guarded: Guarded, fact: AnyFact) -> No | None:
    span, units = guarded.rule.on_order_amount_matched, fact.amount / THOUSANDTHS
    if span is None or (span.min <= units and (span.max is None or units <= span.max)):
        return None
    asked = f"{span.min:,g} to {span.max:,g}" if span.max is not None else f"at least {span.min:,g}"
    return No("amount_not_matched", f"The amount is {units:,g}, and not {asked}.", units, msgspec.to_builtins(span))


def of_condition(guarded: Guarded, fact: AnyFact, workspace: Workspace) -> No | None:
    if guarded.problem:
        return No("rule_unreadable", f"Its condition can't be read: {guarded.problem}")
    if guarded.test is None:
        return None
    seen = payload(fact, workspace)
    if guarded.test(seen, fact.occurred_at):
        return None
    failed = conditions.failed(condition_explained(guarded, seen, fact.occurred_at, workspace))
    told = "; ".join(f"{one.asked}, and it was {one.found or 'empty'}" for one in failed[: limits.FAULTS_IN_WORDS_MAX])
    words = f"It is given when {told}."[: limits.REASON_CHARS_STORED_MAX]
    return No("conditions_not_met", words, [one.found for one in failed][:20], [one.asked for one in failed][:20])


def condition_explained(guarded: Guarded, seen: Mapping[str, object], at: datetime, workspace: Workspace) -> Why:
    assert guarded.condition is not None
    known = schema_of(guarded.trigger.source, guarded.rule)
    return conditions.explain(guarded.condition, seen, known, now=at, time_zone=workspace.zone)


Checked = tuple[str, object, object, No | None]
"""The field of the rule that is asked about, what was found, what it asks for, and the refusal if it refuses."""


def first(checked: Iterable[Checked]) -> No | None:
    return next((no for _, _, _, no in checked if no is not None), None)


def activities(guarded: Guarded, fact: AnyFact, tally: Tally) -> Iterator[Checked]:
    """Whether the fact, which is not counted in yet, makes its customer's activities reach a mark: each mark of the
    rule has to be reached by it."""
    rule, id = guarded.rule, guarded.trigger.id
    for field, within, summed in _MARKS:
        if mark := getattr(rule, field):
            counter = tally[id, fact.customer_id, tally.stretch(rule.timeline if within else EVER, fact.occurred_at)]
            size, scale = (round(mark * THOUSANDTHS), THOUSANDTHS) if summed else (int(mark), 1)
            before = counter.amount if summed else counter.activities
            after = before + (fact.amount if summed else fact.count)
            reached = after // size > before // size
            found = after / scale if reached else after % size / scale
            no = None if reached else _of_mark(mark, found, f" this {rule.timeline}" if within else "", summed)
            yield field, found, mark, no


_MARKS = (
    ("on_activity_count_reached", False, False),
    ("on_activity_amount_reached", False, True),
    ("on_timeline_count_reached", True, False),
    ("on_timeline_amount_reached", True, True),
)


def _of_mark(mark: float, have: float, period: str, summed: bool) -> No:
    if summed:
        words = f"Their activities come to {have:,g} of {mark:,g}{period} so far."
        return No("amount_not_reached", words, have, mark)
    return No("activities_not_reached", f"It is activity {have:,.0f} of {mark:,}{period}.", int(have), mark)


def given_before(guarded: Guarded, fact: AnyFact, tally: Tally) -> Iterator[Checked]:
    """What the customer got before, in the stretches in which the fact happened."""
    rule, id = guarded.rule, guarded.trigger.id
    for field, stretch, reason, words in _LIMITS:
        if most := getattr(rule, field):
            had = tally[id, fact.customer_id, tally.stretch(stretch, fact.occurred_at)].granted
            no = No(reason, f"The trigger gives at most {times(most)} {words}.", had, most) if had >= most else None
            yield field, had, most, no
    if rule.cool_down_minutes:
        last_at = tally[id, fact.customer_id, EVER].last_at
        again_at, no = last_at and last_at + timedelta(minutes=rule.cool_down_minutes), None
        if again_at and fact.occurred_at < again_at:
            words = f"The trigger gave less than {minutes(rule.cool_down_minutes)} before."
            no = No("cooling_down", words, fact.occurred_at, again_at)
        yield "cool_down_minutes", fact.occurred_at, again_at, no


_LIMITS = (
    ("per_customer_max", EVER, "customer_limit_reached", "to each customer"),
    ("per_day_max", "day", "day_limit_reached", "a day"),
    ("per_month_max", "month", "month_limit_reached", "a month"),
)


def budgets(guarded: Guarded, fact: AnyFact, coins: int, tally: Tally, coin_name: str) -> Iterator[Checked]:
    rule, trigger_id = guarded.rule, guarded.trigger.id
    for field, stretch, reason, period in _BUDGETS:
        if most := getattr(rule, field):
            spent, no = tally[trigger_id, trigger_id, tally.stretch(stretch, fact.occurred_at)].coins, None
            if spent + coins > most:
                left = counted_words(max(0, most - spent), coin_name)
                words = f"Of {period} of {counted_words(most, coin_name)} {left} are left, and it takes {coins:,}."
                no = No(reason, words, spent + coins, most)
            yield field, spent + coins, most, no


_BUDGETS = (
    ("budget_per_day", "day", "day_budget_spent", "today's budget"),
    ("budget_in_all", EVER, "budget_spent", "the budget"),
)


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def minutes(count: int) -> str:
    for size, name in ((1_440, "days"), (60, "hours")):
        if count % size == 0:
            return counted_words(count // size, name)
    return counted_words(count, "minutes")
