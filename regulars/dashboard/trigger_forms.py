"""A trigger's rule as a form, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from regulars import conditions, limits
from regulars.dashboard.forms import Form
from regulars.kit.errors import Refusal
from regulars.triggers import Rule
from regulars.triggers.checking import APPLIES
from regulars.triggers.facts import schema_of
from regulars.triggers.model import Source
from regulars.triggers.rule import Campaign, Factor, FirstOrder, PropertyType, Span

EARN_WHEN = {"placed": "as soon as it is placed", "paid": "when it is paid", "fulfilled": "when it is fulfilled"}
OPERATIONS = {"cr": "Gives", "dr": "Takes"}
TIMELINES = {"day": "within a day", "week": "within a week", "month": "within a month", "year": "within a year"}
PROPERTY_TYPES: tuple[PropertyType, ...] = ("text", "number", "yes_no", "date", "list")

_WHOLE = (
    *("per_day_max", "per_month_max", "per_customer_max", "cool_down_minutes", "budget_per_day", "budget_in_all"),
    *("after_delta_day", "on_activity_count_reached", "on_timeline_count_reached"),
)
_AMOUNTS = ("on_activity_amount_reached", "on_timeline_amount_reached")
_IN_FORM = {  # where the form shows what is wrong with a part of the rule
    "on_order_amount_matched": "amount_min",
    "factors[0].factor": "campaign_factor",
    "factors[0].starts_at": "campaign_starts_at",
    "factors[0].ends_at": "campaign_ends_at",
}
Pairs = Sequence[tuple[str, object]]


def filled(rule: Rule) -> dict[str, str]:
    """The form's fields, as the rule has them."""
    span = rule.on_order_amount_matched
    campaign, first = _of_form(rule.factors) or (None, None)
    return {
        **{
            name: getattr(rule, name) for name in ("title", "description", "operation", "earn_when", "timeline", "fact")
        },
        **{name: getattr(rule, name) for name in ("starts_at", "ends_at")},
        "coins_min": str(rule.coins_min or "") if rule.coins_per_unit else str(rule.coins_min),
        "coins_max": str(rule.coins_max) if rule.coins_max not in (0, rule.coins_min) else "",
        "coins_per_unit": str(rule.coins_per_unit or ""),
        **{name: str(getattr(rule, name) or "") for name in _WHOLE},
        **{name: f"{getattr(rule, name):g}" if getattr(rule, name) else "" for name in _AMOUNTS},
        "amount_min": f"{span.min:g}" if span else "",
        "amount_max": f"{span.max:g}" if span and span.max is not None else "",
        "properties": "\n".join(f"{name}: {type_}" for name, type_ in rule.properties.items()),
        "campaign_factor": f"{campaign.factor:g}" if campaign else "",
        "campaign_starts_at": campaign.starts_at if campaign else "",
        "campaign_ends_at": campaign.ends_at if campaign else "",
        "first_order_factor": f"{first.factor:g}" if first else "",
        "frees_place": "yes" if rule.frees_place else "",
    }


def drawn(rule: Rule) -> Pairs:
    """The builder's fields, if it can show the rule's condition."""
    fits = rule.condition is not None and conditions.fits_form(rule.condition)
    return list(conditions.to_form(rule.condition)) if fits and rule.condition else []


def rule_of(form: Form, pairs: Sequence[tuple[str, object]], source: Source, kept: Rule | None = None) -> Rule:
    """What can't be read is noted in the form's faults. What the form has no place for stays as `kept` has it."""
    kept = kept or Rule()
    applies = APPLIES[source]
    given: dict[str, Any] = {"title": form.text("title"), "description": form.text("description")}
    given |= {name: form.whole(name, default=0) for name in _WHOLE if name in applies}
    given |= {name: _number(form, name) or 0.0 for name in _AMOUNTS if name in applies}
    given["coins_min"] = form.whole("coins_min", default=0 if source == "order" else None)
    given["coins_max"] = form.whole("coins_max", least=1, default=0)
    if source == "order":
        given["coins_per_unit"] = form.whole("coins_per_unit", default=0)
        given["earn_when"] = form.choice("earn_when", EARN_WHEN)
    if source == "api":
        given["operation"] = form.choice("operation", OPERATIONS)
    if "timeline" in applies:
        given["timeline"] = form.choice("timeline", TIMELINES) if form.text("timeline") else kept.timeline
        least, most = _number(form, "amount_min"), _number(form, "amount_max")
        given["on_order_amount_matched"] = None if least is most is None else Span(least or 0.0, most)
    if source == "fact":
        given["fact"], given["properties"] = form.text("fact"), _properties(form)
    if "starts_at" in form.values or kept == Rule():
        given |= {name: form.text(name) for name in ("starts_at", "ends_at")}
    if _of_form(kept.factors) is not None:
        given["factors"] = _factors(form, source)
    if "frees_place_asked" in form.values:
        given["frees_place"] = form.on("frees_place")
    rule = msgspec.structs.replace(kept, **given)
    return msgspec.structs.replace(rule, condition=_condition(form, pairs, source, rule, kept))


def refused(form: Form, refusal: Refusal) -> Form:
    """The form with what was wrong, beside the fields that it has for it."""
    refusal.fields = {_IN_FORM.get(name, name): words for name, words in refusal.fields.items()}
    return form.refused(refusal)


def _condition(
    form: Form, pairs: Sequence[tuple[str, object]], source: Source, rule: Rule, kept: Rule
) -> dict[str, Any] | None:
    if kept.condition is not None and (form.on("keep_condition") or "condition_asked" not in form.values):
        return kept.condition
    parsed = None
    with form.faults:
        parsed = conditions.from_form(pairs, schema_of(source, rule))
    return None if parsed is None else conditions.dump(parsed)


def _of_form(factors: tuple[Factor, ...]) -> tuple[Campaign | None, FirstOrder | None] | None:
    """A campaign and a first order's, if these are all there are."""
    campaigns = [one for one in factors if isinstance(one, Campaign)]
    firsts = [one for one in factors if isinstance(one, FirstOrder)]
    if len(campaigns) > 1 or len(firsts) > 1 or len(campaigns) + len(firsts) < len(factors):
        return None
    return (campaigns or [None])[0], (firsts or [None])[0]  # type: ignore[list-item]


def _factors(form: Form, source: Source) -> tuple[Factor, ...]:
    factors: list[Factor] = []
    starts_at, ends_at = form.text("campaign_starts_at"), form.text("campaign_ends_at")
    if (factor := _number(form, "campaign_factor")) is not None:
        factors.append(Campaign(factor, starts_at, ends_at))
    elif starts_at or ends_at:
        form.faults.add("campaign_factor", "by how much it is multiplied, such as 2")
    if source == "order" and (factor := _number(form, "first_order_factor")) is not None:
        factors.append(FirstOrder(factor))
    return tuple(factors)


def _number(form: Form, name: str) -> float | None:
    """With or without thousands separators; None for nothing."""
    text = form.text(name).replace(",", "").replace(" ", "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= limits.AMOUNT_MINOR_MAX:
        form.faults.add(name, "a number such as 2 or 49.90")
        return None
    return number


def _properties(form: Form) -> dict[str, Any]:
    """A line each: `score: number`."""
    found: dict[str, Any] = {}
    for line in form.text("properties").splitlines():
        name, _, type_ = (part.strip() for part in line.partition(":"))
        if name:
            found[name] = type_ or "text"
    return found
