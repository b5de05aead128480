"""What a rule may hold, by what sets it off: every fault is named, with what was expected."""

import re
from collections.abc import Iterable
from typing import get_args

import msgspec
from msgspec.structs import asdict

from regulars import conditions, limits, orders
from regulars.kit import Faults
from regulars.kit.fitting import checked_times, note_unfit
from regulars.triggers.facts import schema_of
from regulars.triggers.model import Content, Kind, Source
from regulars.triggers.rule import Campaign, Factor, FirstOrder, InTier, PropertyType, Rule

# A link that a page may be drawn with: no other scheme, which could be a script.
_ADDRESS = re.compile(r"(https?://|/)[!-~]*")
_ICON_NAME = re.compile(r"[a-z0-9_-]{1,40}")
FACT_NAME = re.compile(rf"[a-z0-9_.-]{{1,{limits.FACT_NAME_CHARS_MAX}}}")
PROPERTY_NAME = re.compile(rf"(?!customer_)[A-Za-z_][A-Za-z0-9_]{{0,{limits.FACT_NAME_CHARS_MAX - 1}}}")

_EVERYWHERE = (
    *(
        "title",
        "description",
        "factors",
        "starts_at",
        "ends_at",
        "condition",
        "budget_per_day",
        "budget_in_all",
        "offer_id",
        "template_id",
    ),
    *("after_delta_day", "frees_place", "coins_min", "coins_max"),
)
_MARKS = (
    *("on_order_amount_matched", "on_activity_count_reached", "on_activity_amount_reached"),
    *("on_timeline_count_reached", "on_timeline_amount_reached", "timeline"),
)
_LIMITS = ("per_day_max", "per_month_max", "per_customer_max", "cool_down_minutes")

APPLIES: dict[Source, frozenset[str]] = {
    "api": frozenset({*_EVERYWHERE, *_MARKS, *_LIMITS, "operation"}),
    "order": frozenset({*_EVERYWHERE, *_MARKS, *_LIMITS, "coins_per_unit", "earn_when", "basis"}),
    "review": frozenset({*_EVERYWHERE, *_MARKS[1:], *_LIMITS}),
    "referral": frozenset({*_EVERYWHERE, *_MARKS[1:], *_LIMITS}),
    "customer_created": frozenset({*_EVERYWHERE, "per_customer_max"}),
    "birthday": frozenset({*_EVERYWHERE, "per_customer_max"}),
    "anniversary": frozenset({*_EVERYWHERE, "per_customer_max"}),
    "fact": frozenset({*_EVERYWHERE, *_MARKS, *_LIMITS, "fact", "properties"}),
}
"""The fields of a rule that mean something to a trigger of that source."""

_SET_OFF_BY: dict[Source, str] = {
    "api": "your shop's calls",
    "order": "orders",
    "review": "reviews",
    "referral": "completed referrals",
    "customer_created": "new customers, once",
    "birthday": "birthdays, once a year",
    "anniversary": "anniversaries, once a year",
    "fact": "facts of your own",
}
_DEFAULT = Rule()


def check_rule(source: Source, rule: Rule, kind: Kind = "wallet") -> Rule:
    """The same rule, trimmed, its numbers in the form they are kept in. Raises Invalid naming each field."""
    faults = Faults()
    rule = msgspec.structs.replace(rule, title=rule.title.strip(), description=rule.description.strip())
    for field in rule.__struct_fields__:
        if field not in APPLIES[source] and getattr(rule, field) != getattr(_DEFAULT, field):
            faults.add(field, f"nothing: it reacts to {_SET_OFF_BY[source]}")
    rule = _checked_coins(source, rule, kind, faults)
    span = rule.on_order_amount_matched
    if span is not None and not 0 <= span.min <= (limits.AMOUNT_MINOR_MAX if span.max is None else span.max):
        faults.add("on_order_amount_matched", "a min of at least 0, and a max that is not below it")
    rule = checked_times(rule, faults)
    rule = msgspec.structs.replace(rule, factors=tuple(_checked_factors(source, rule.factors, faults)))
    _check_fact(source, rule, faults)
    with faults:
        if rule.basis is not None:
            rule = msgspec.structs.replace(rule, basis=orders.check_basis(rule.basis, "basis"))
    with faults:
        if rule.condition is not None:
            parsed = conditions.parse(rule.condition, schema_of(source, rule))
            rule = msgspec.structs.replace(rule, condition=conditions.dump(parsed))
    note_unfit(faults, Rule, asdict(rule))
    faults.check()
    return rule


def _check_kind(rule: Rule, kind: Kind, faults: Faults) -> None:
    if kind == "offer" and rule.offer_id is None:
        faults.add("offer_id", "the offer of which it gives a coupon")
    if kind == "email" and rule.template_id is None:
        faults.add("template_id", "the template of the message that it sends")
    for its, gives, fields in (
        ("wallet", "a wallet trigger gives coins", ("coins_min", "coins_max", "coins_per_unit", "factors")),
        ("offer", "an offer trigger gives coupons", ("offer_id",)),
        ("email", "an email trigger sends a message", ("template_id",)),
    ):
        for field in fields if its != kind else ():
            if getattr(rule, field):
                faults.add(field, f"nothing: only {gives}")


def _checked_coins(source: Source, rule: Rule, kind: Kind, faults: Faults) -> Rule:
    _check_kind(rule, kind, faults)
    if kind != "wallet":
        return rule
    if source == "order" and not (rule.coins_min or rule.coins_max):
        if not 1 <= rule.coins_per_unit <= limits.COINS_MAX:
            faults.add("coins_per_unit", f"a whole number from 1 to {limits.COINS_MAX:,}")
        return rule
    if source == "order" and rule.coins_per_unit:
        faults.add("coins_per_unit", "0 where each order earns a number of its own (coins_min)")
    if source == "customer_created":
        if not 1 <= rule.coins_min <= limits.COINS_MAX:
            faults.add("coins_min", f"a whole number from 1 to {limits.COINS_MAX:,}")
        if rule.coins_max not in (0, rule.coins_min):
            faults.add("coins_max", "the same as coins_min, or nothing")
        if rule.per_customer_max not in (0, 1):
            faults.add("per_customer_max", "once: a customer is created once")
        return msgspec.structs.replace(rule, coins_max=rule.coins_min, per_customer_max=1)
    rule = msgspec.structs.replace(rule, coins_max=rule.coins_max or rule.coins_min)
    _check_range(rule.coins_min, rule.coins_max, faults)
    return rule


def _check_range(coins_min: int, coins_max: int, faults: Faults) -> None:
    if not 0 <= coins_min <= limits.COINS_MAX:
        faults.add("coins_min", f"a whole number from 0 to {limits.COINS_MAX:,}")
        return
    least = max(coins_min, 1)
    if not least <= coins_max <= limits.COINS_MAX:
        faults.add("coins_max", f"a whole number from {least:,} to {limits.COINS_MAX:,}, not below coins_min")


def _checked_factors(source: Source, factors: tuple[Factor, ...], faults: Faults) -> Iterable[Factor]:
    for n, one in enumerate(factors):
        at = f"factors[{n}]."
        if not 0 < one.factor <= limits.FACTOR_MAX:
            faults.add(f"{at}factor", f"a number above 0, up to {limits.FACTOR_MAX}")
        match one:
            case Campaign():
                if not (one.starts_at or one.ends_at):
                    faults.add(f"{at}starts_at", "a beginning or an end of the campaign")
                yield checked_times(one, faults, at)
                continue
            case FirstOrder():
                if source != "order":
                    faults.add(f"{at}type", f"campaign: it reacts to {_SET_OFF_BY[source]}")
            case InTier():
                if not one.tier:
                    faults.add(f"{at}tier", "a tier as events spell it: gold")
        yield one


def _check_fact(source: Source, rule: Rule, faults: Faults) -> None:
    if source != "fact":
        return
    if not FACT_NAME.fullmatch(rule.fact):
        faults.add("fact", "the fact's name: lower-case letters, digits, dots, - or _, such as game_won")
    for name, type_ in rule.properties.items():
        if not PROPERTY_NAME.fullmatch(name):
            faults.add("properties", "names of letters, digits and _, that do not begin with customer_")
        if type_ not in get_args(PropertyType):
            faults.add("properties", f"each one of {', '.join(get_args(PropertyType))}")


def check_content(content: Content) -> Content:
    """The same content, trimmed. Raises Invalid naming each field, as `content.link`."""
    faults = Faults()
    content = Content(**{name: value.strip() for name, value in asdict(content).items()})
    note_unfit(faults, Content, asdict(content), "content.")
    if content.link and not _ADDRESS.fullmatch(content.link):
        faults.add("content.link", "an address that starts with https:// or /")
    if content.icon and not (_ADDRESS.fullmatch(content.icon) or _ICON_NAME.fullmatch(content.icon)):
        faults.add("content.icon", "an address that starts with https:// or /, or a name such as gift")
    faults.check()
    return content
