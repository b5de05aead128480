"""A trigger's rule as a form, and back."""

from typing import Any

import msgspec

from regulars import limits
from regulars.dashboard.forms import Form
from regulars.dashboard.restrictions import Builder, condition_of
from regulars.dashboard.sheets import ID, MAYBE, TICK, Field, Fields, Given, fields_of
from regulars.triggers import Content, Rule
from regulars.triggers.checking import APPLIES
from regulars.triggers.facts import schema_of
from regulars.triggers.model import Kind, Source
from regulars.triggers.rule import Campaign, Factor, FirstOrder, Span

FLAGS = ("active", "open", "allow_override", "show_in_widget")
CONTENT = tuple(Content.__struct_fields__)
IN_FORM = {  # where the form shows what is wrong with a part of the rule
    "on_order_amount_matched": "amount_min",
    "factors[0].factor": "campaign_factor",
    "factors[0].starts_at": "campaign_starts_at",
    "factors[0].ends_at": "campaign_ends_at",
}
_FACTOR = Field("number", optional=True, blank=None)
_OF_RULE = {  # a number that an empty field leaves out
    name: msgspec.structs.replace(field, optional=True, blank=0) if field.kind in ("whole", "number") else field
    for name, field in fields_of(Rule).items()
} | {
    "title": Field(optional=True, chars_max=limits.TITLE_CHARS_MAX),
    "description": Field(optional=True, chars_max=limits.DESCRIPTION_CHARS_MAX),
    **dict.fromkeys(("offer_id", "template_id"), Field("uuid", optional=True, blank=None)),
    "properties": Field("lines", optional=True, blank=()),
    "operation": Field("choice", optional=True, blank="cr", options=("cr", "dr")),
    "timeline": Field("choice", optional=True, blank="month", options=("day", "week", "month", "year")),
}
_ALWAYS = {
    "name": Field(chars_max=limits.NAME_CHARS_MAX),
    **dict.fromkeys(("campaign_starts_at", "campaign_ends_at"), MAYBE),
    "campaign_factor": _FACTOR,
    **dict.fromkeys(("active", "show_in_widget"), TICK),
    **{f"content.{name}": MAYBE for name in CONTENT},
    "content.type": Field("choice", optional=True, blank="earn", options=("earn", "referral", "social")),
}
_OF_COINS = frozenset(
    (
        *("coins_min", "coins_max", "coins_per_unit", "operation", "first_order_factor"),
        *("campaign_factor", "campaign_starts_at", "campaign_ends_at"),
    )
)
_ELSEWHERE = ("factors", "condition", "basis", "on_order_amount_matched")


def fields_for(source: Source, kind: Kind | None = None) -> Fields:
    """Of a trigger of that kind; of a new one, of each kind what belongs to it."""
    named = {name: _OF_RULE[name] for name in APPLIES[source] if name not in _ELSEWHERE}
    if source != "order":
        named["coins_min"] = Field("whole")
    if source in ("order", "customer_created"):
        del named["coins_max"]
    if "timeline" in named:
        named |= {"amount_min": _FACTOR, "amount_max": _FACTOR}
    else:
        named = {name: field for name, field in named.items() if name not in ("per_customer_max", "frees_place")}
    if source == "order":
        named["first_order_factor"] = _FACTOR
    if source == "api":
        named |= {"open": TICK, "allow_override": TICK}
    named |= _ALWAYS
    of: dict[Kind, list[str]] = {"wallet": [name for name in named if name in _OF_COINS]}
    of |= {"offer": ["offer_id"], "email": ["template_id"]}
    named |= {"offer_id": ID, "template_id": ID}
    if kind:
        others = {name for its, names in of.items() if its != kind for name in names}
        return {name: field for name, field in named.items() if name not in others}
    whens = {name: ("kind", its, *([""] if its == "wallet" else [])) for its, names in of.items() for name in names}
    named |= {name: msgspec.structs.replace(named[name], when=when) for name, when in whens.items()}
    return named | {"kind": Field("choice", optional=True, blank="wallet", options=tuple(of))}


def values_of(rule: Rule) -> dict[str, Any]:
    """The form's fields, as the rule has them."""
    span, (campaign, first) = rule.on_order_amount_matched, _of_form(rule.factors) or (None, None)
    return msgspec.structs.asdict(rule) | {
        "coins_max": 0 if rule.coins_max == rule.coins_min else rule.coins_max,
        "amount_min": span.min if span else None,
        "amount_max": span.max if span else None,
        "properties": [f"{name}: {type_}" for name, type_ in rule.properties.items()],
        "campaign_factor": campaign and campaign.factor,
        "campaign_starts_at": campaign and campaign.starts_at,
        "campaign_ends_at": campaign and campaign.ends_at,
        "first_order_factor": first and first.factor,
    }


def rule_of(form: Form, given: Given, builder: Builder, source: Source, kept: Rule | None) -> Rule:
    """What can't be read is noted in the form's faults. What the form has no place for stays as `kept` has it."""
    kept = kept or Rule()
    said = {name: value for name, value in given.items() if name in APPLIES[source]}
    if "coins_max" not in given and kept.coins_max == kept.coins_min:
        said["coins_max"] = 0
    if "amount_min" in given:
        least, most = given["amount_min"], given["amount_max"]
        said["on_order_amount_matched"] = None if least is most is None else Span(least or 0.0, most)
    if "properties" in given:
        said["properties"] = properties_of(given["properties"])
    if "campaign_factor" in given and _of_form(kept.factors) is not None:
        said["factors"] = _factors(form, given)
    rule = msgspec.structs.replace(kept, **said)
    builder.schema = schema_of(source, rule, builder.shop)
    return msgspec.structs.replace(rule, condition=condition_of(form, builder))


def properties_of(lines: tuple[str, ...]) -> dict[str, Any]:
    """A line each: `score: number`."""
    named = (line.partition(":") for line in lines)
    return {name.strip(): type_.strip() or "text" for name, _, type_ in named if name.strip()}


def _of_form(factors: tuple[Factor, ...]) -> tuple[Campaign | None, FirstOrder | None] | None:
    """A campaign and a first order's, if these are all there are."""
    campaigns = [one for one in factors if isinstance(one, Campaign)]
    firsts = [one for one in factors if isinstance(one, FirstOrder)]
    if len(campaigns) > 1 or len(firsts) > 1 or len(campaigns) + len(firsts) < len(factors):
        return None
    return (campaigns or [None])[0], (firsts or [None])[0]  # type: ignore[list-item]


def _factors(form: Form, given: Given) -> tuple[Factor, ...]:
    factors: list[Factor] = []
    starts_at, ends_at = given["campaign_starts_at"], given["campaign_ends_at"]
    if (factor := given["campaign_factor"]) is not None:
        factors.append(Campaign(factor, starts_at, ends_at))
    elif starts_at or ends_at:
        form.faults.add("campaign_factor", "by how much it is multiplied, such as 2")
    if (factor := given.get("first_order_factor")) is not None:
        factors.append(FirstOrder(factor))
    return tuple(factors)
