"""A rule as a sentence for the shop's owner, and what changed between two of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from regulars import conditions
from regulars.kit import Invalid, counted
from regulars.triggers.facts import schema_of
from regulars.triggers.guards import minutes, times
from regulars.triggers.model import Source
from regulars.triggers.rule import Campaign, Factor, FirstOrder, InTier, Rule, Span, as_json


def sentence(
    source: Source, rule: Rule, coin_name: str, currency_symbol: str, kind: str = "wallet", *, offer: str = ""
) -> str:
    """A trigger of that source, or what would be one, as one sentence. `offer`: the name of the one that it gives."""
    symbol = currency_symbol.strip()
    if_ = condition_in_words(source, rule)
    when = f"{_when(source, rule)}{f' and {if_}' if if_ else ''}{_marks(rule, symbol)}"
    said = f"{when}, it {_gives(source, rule, coin_name, symbol) if kind == 'wallet' else _OTHERWISE[kind]}"
    said += f" of “{offer}”" if kind in ("offer", "email") and offer else ""
    said += "".join(f", {_factor(one)}" for one in rule.factors)
    if rule.after_delta_day:
        said += f", {counted(rule.after_delta_day, 'days')} later"
    limited = _limits(source, rule)
    if limited:
        said += f", at most {' and '.join(limited)} per customer"
    if rule.cool_down_minutes:
        said += f", not again within {minutes(rule.cool_down_minutes)}"
    budgets = [f"{counted(rule.budget_per_day, coin_name)} a day"] if rule.budget_per_day else []
    budgets += [f"{counted(rule.budget_in_all, coin_name)} in all"] if rule.budget_in_all else []
    if budgets:
        said += f", as long as all customers together get no more than {' and '.join(budgets)}"
    return f"{_capital(said)}{_within(rule)}."


_OTHERWISE = {
    "offer": "gives a coupon",
    "email": "sends a message",
    "event": "sends an event of its own, once triggers can",
    "webhook": "calls a webhook, once triggers can",
}


def _when(source: Source, rule: Rule) -> str:
    match source:
        case "order":
            done = {"placed": "is placed", "paid": "is paid", "fulfilled": "is fulfilled"}[rule.earn_when]
            return f"When an order {done}"
        case "review":
            return "When a review is shown"
        case "referral":
            return "When a referral is complete, for each of the two"
        case "customer_created":
            return "When a customer is created"
        case "birthday":
            return "On a customer's birthday"
        case "anniversary":
            return "Each year on the day a customer was created"
        case "fact":
            return f"When your shop reports “{rule.fact}”"
        case "api":
            return "When your shop calls it"


def _gives(source: Source, rule: Rule, coin_name: str, symbol: str) -> str:
    gives = "gives" if rule.operation == "cr" else "takes"
    if rule.coins_per_unit:
        return f"{gives} {counted(rule.coins_per_unit, coin_name)} per whole {symbol}1"
    if rule.coins_max in (0, rule.coins_min):
        once = ", once" if source == "customer_created" else ""
        return f"{gives} {counted(rule.coins_min, coin_name)}{once}"
    return f"{gives} {rule.coins_min:,} to {counted(rule.coins_max, coin_name)}"


def _marks(rule: Rule, symbol: str) -> str:
    said = [_span(rule.on_order_amount_matched, symbol)] if rule.on_order_amount_matched else []
    each = f"of each {rule.timeline}"
    for mark, words in (
        (rule.on_activity_count_reached, "for each {} times it happened"),
        (rule.on_timeline_count_reached, f"for each {{}} times {each}"),
        (rule.on_activity_amount_reached, "each time the amounts reach another {}"),
        (rule.on_timeline_amount_reached, f"each time the amounts {each} reach another {{}}"),
    ):
        if mark:
            said.append(words.format(f"{mark:,g}"))
    return "".join(f", {one}" for one in said)


def _span(span: Span, symbol: str = "") -> str:
    most = f" to {symbol}{span.max:,g}" if span.max is not None else " or more"
    return f"over {symbol}{span.min:,g}{most}"


def _limits(source: Source, rule: Rule) -> list[str]:
    limited = [f"{times(rule.per_day_max)} a day"] if rule.per_day_max else []
    if rule.per_customer_max and source != "customer_created":
        limited.append(f"{times(rule.per_customer_max)} in all")
    return [*limited, *([f"{times(rule.per_month_max)} a month"] if rule.per_month_max else [])]


def _factor(factor: Factor) -> str:
    match factor:
        case Campaign():
            return f"times {factor.factor:g}{_within(factor)}"
        case FirstOrder():
            return f"times {factor.factor:g} for a first order"
        case InTier():
            return f"times {factor.factor:g} in tier {factor.tier}"


def _within(of: Rule | Campaign) -> str:
    parts = [f"{word} {_day(at)}" for word, at in (("from", of.starts_at), ("until", of.ends_at)) if at]
    return "".join(f" {part}" for part in parts)


def _day(wall_clock: str) -> str:
    at = datetime.fromisoformat(wall_clock)
    return f"{at.day} {at:%B %Y}" + (f", {at:%H:%M}" if (at.hour, at.minute) != (0, 0) else "")


def condition_in_words(source: Source, rule: Rule) -> str:
    """Empty when there is none."""
    if rule.condition is None:
        return ""
    known = schema_of(source, rule)
    try:
        return conditions.sentence(conditions.parse(rule.condition, known), known)
    except Invalid:
        return "its condition holds, which this version can't read"


def differences(source: Source, before: Rule, after: Rule) -> list[str]:
    """What changed from one version to another, each in words: `Times a day: no limit, then 3`."""
    return [f"{label}: {was}, then {is_}" for label, was, is_, changed in compared(source, before, after) if changed]


def compared(source: Source, before: Rule, after: Rule) -> list[tuple[str, str, str, bool]]:
    """Of all that either of two versions says: what it is, in words as the one has it and as the other, and whether
    that changed."""
    said = []
    for field, (label, say) in _LABELS.items():
        old, new = getattr(before, field), getattr(after, field)
        if old == new == getattr(_NOTHING, field):
            continue
        words = [condition_in_words(source, rule) or "none" for rule in (before, after)]
        was, is_ = words if field == "condition" else (say(old), say(new))
        said.append((label, was, is_, old != new))
    return said


def _number(value: float) -> str:
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def _or(none: str, say: Callable[[Any], str] = _number) -> Callable[[Any], str]:
    return lambda value: say(value) if value else none


_TEXT = _or("empty", lambda text: f"“{text}”")
_LIMIT = _or("no limit")
_MARK = _or("none")
_MOMENT = _or("open", _day)

_NOTHING = Rule()
_LABELS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "title": ("Title", _TEXT),
    "description": ("Description", _TEXT),
    "operation": ("What it does", lambda operation: {"cr": "gives", "dr": "takes"}[operation]),
    "coins_min": ("Coins, at least", _number),
    "coins_max": ("Coins, at most", _number),
    "coins_per_unit": ("Coins per whole unit of an order", _number),
    "earn_when": ("An order earns when it is", str),
    "basis": ("What of an order earns", _or("as the shop's settings say", lambda basis: f"{as_json(basis) or 'all'}")),
    "factors": ("Factors", lambda factors: "; ".join(_factor(one) for one in factors) or "none"),
    "fact": ("Fact", _TEXT),
    "properties": (
        "Properties",
        lambda given: ", ".join(f"{name} ({type_})" for name, type_ in given.items()) or "none",
    ),
    "starts_at": ("From", _MOMENT),
    "ends_at": ("Until", _MOMENT),
    "condition": ("Only when", str),
    "on_order_amount_matched": ("Amount", _or("any", _span)),
    "on_activity_count_reached": ("Activities to a reward", _MARK),
    "on_activity_amount_reached": ("Amount to a reward", _MARK),
    "on_timeline_count_reached": ("Activities to a reward, within a period", _MARK),
    "on_timeline_amount_reached": ("Amount to a reward, within a period", _MARK),
    "timeline": ("Period", str),
    "per_day_max": ("Times a day", _LIMIT),
    "per_month_max": ("Times a month", _LIMIT),
    "per_customer_max": ("Times in all", _LIMIT),
    "cool_down_minutes": ("Not again within", _or("no time", minutes)),
    "budget_per_day": ("Budget a day", _LIMIT),
    "budget_in_all": ("Budget in all", _LIMIT),
    "after_delta_day": ("Days until it gives", _or("at once")),
    "frees_place": ("What is taken back counts", lambda frees: "no more" if frees else "still"),
}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
