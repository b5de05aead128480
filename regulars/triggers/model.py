"""Triggers: what they hold, what firing one gives, and why it may give nothing."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from regulars import limits
from regulars.customers import Customer, NewCustomer
from regulars.kit.errors import Faults, Refusal
from regulars.kit.wording import counted
from regulars.ledger import Outcome, Posted, Txn

Kind = Literal["wallet", "offer", "email", "event", "webhook"]
Source = Literal["api", "order", "customer_created"]
EarnWhen = Literal["placed", "paid", "fulfilled"]
ContentType = Literal["earn", "referral", "social"]

# A link that a page may be drawn with: no other scheme, which could be a script.
_ADDRESS = re.compile(r"(https?://|/)[!-~]*")
_ICON_NAME = re.compile(r"[a-z0-9_-]{1,40}")


class Rule(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a trigger gives. Its text in the database is one version of the trigger.

    A trigger fired by a call gives `coins_min` to `coins_max` coins, drawn evenly; a `coins_max` of 0 stands for the
    same number. One that reacts to orders gives `coins_per_unit` coins for each whole unit of the order's amount, once
    the order is as far as `earn_when` says. One for new customers gives `coins_min`, once. A limit of 0 is no limit;
    days and months are the shop's, `per_customer_max` counts from the beginning.
    """

    title: str = ""
    description: str = ""
    operation: Literal["cr", "dr"] = "cr"
    coins_min: int = 0
    coins_max: int = 0
    coins_per_unit: int = 0
    earn_when: EarnWhen = "paid"
    per_day_max: int = 0
    per_month_max: int = 0
    per_customer_max: int = 0

    @property
    def limited(self) -> bool:
        return bool(self.per_day_max or self.per_month_max or self.per_customer_max)


class Content(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How a widget draws a trigger as a way to earn. `icon` is an address or a name that the widget knows; what is left
    empty is not drawn, but for the title and the description, which are then the rule's."""

    type: ContentType = "earn"
    title: str = ""
    description: str = ""
    icon: str = ""
    link: str = ""


NO_CONTENT = Content()


class Trigger(msgspec.Struct, frozen=True, gc=False):
    """A trigger at its newest version. `source`: fired by a call (`api`), by orders, or by a customer being created."""

    id: UUID
    version: int
    kind: Kind
    name: str
    source: Source
    active: bool
    open: bool
    allow_override: bool
    show_in_widget: bool
    rule: Rule
    content: Content
    created_at: datetime
    updated_at: datetime


class Version(msgspec.Struct, frozen=True, gc=False):
    version: int
    rule: Rule
    actor: str
    created_at: datetime


class Override(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a call may set in place of the trigger's own words and coins, where the trigger allows it."""

    title: str | None = None
    description: str | None = None
    operation: Literal["cr", "dr"] | None = None
    coins_min: int | None = None
    coins_max: int | None = None


class Fire(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A call that fires a trigger for one customer: `lead_id` if given, or `customer`, created when unknown; `unfit` is
    why they can't be. An override that can't be is one only to a trigger that allows it.

    `open_only`: the caller may fire only triggers that are Open.
    """

    trigger_id: UUID
    lead_id: UUID | None = None
    customer: NewCustomer | None = None
    unfit: Refusal | None = None
    override: Override | Refusal | None = None
    open_only: bool = False
    actor: str = ""


Reason = Literal[
    "",
    "trigger_inactive",
    "customer_limit_reached",
    "day_limit_reached",
    "month_limit_reached",
    "order_cancelled",
    "order_other_currency",
    "order_amount_zero",
    "order_amount_below_unit",
    "order_not_paid",
    "order_not_fulfilled",
    "order_earns_too_much",
]
"""Why a trigger gives nothing, as a stable code; beside these stand the book's own refusals."""


class Firing(msgspec.Struct, frozen=True, gc=False):
    """Each time a trigger was fired for a customer, in the order of the columns of `triggers_firing`.

    A refused one says why, with a stable code in `reason` and in words in `explanation`. A granted one has a txn, but
    where 0 coins were drawn.
    """

    id: UUID
    trigger_id: UUID
    trigger_version: int
    customer_id: UUID
    state: Literal["granted", "refused"]
    reason: str
    explanation: str
    reference: str
    txn_id: UUID | None
    operation: str
    amount: int
    fired_at: datetime

    @property
    def order_id(self) -> UUID | None:
        """The order that set it off, if one did."""
        about, _, id = self.reference.partition(":")
        return UUID(id) if about == "order" else None


class Fired(msgspec.Struct, frozen=True, gc=False):
    """What came of a call: the firing, granted or refused, its txn when granted, and for whom."""

    firing: Firing
    txn: Txn | None
    customer: Customer
    customer_created: bool


def posted(firing: Firing, outcome: Outcome) -> Firing:
    """A granted firing, with what the book said to it."""
    if isinstance(outcome, Posted):
        return msgspec.structs.replace(firing, txn_id=outcome.txn.id)
    return msgspec.structs.replace(firing, state="refused", reason=outcome.code, explanation=outcome.message, amount=0)


def revised(rule: Rule, given: dict[str, Any]) -> Rule:
    """The rule with only what is given changed. A fixed number stays one: its other end moves along."""
    if rule.coins_min == rule.coins_max and "coins_min" in given:
        given = {"coins_max": 0, **given}
    return msgspec.structs.replace(rule, **given)


NO_TRIGGER = "No trigger rewarded orders when this came in."
"""Why an order earned nothing of which no firing is kept."""


def check_rule(source: Source, rule: Rule) -> Rule:
    """The same rule, trimmed, its numbers in the form they are kept in. Raises Invalid naming each field."""
    faults = Faults()
    rule = msgspec.structs.replace(rule, title=rule.title.strip(), description=rule.description.strip())
    if len(rule.title) > limits.TITLE_CHARS_MAX or "\x00" in rule.title:
        faults.add("title", f"at most {limits.TITLE_CHARS_MAX} characters")
    if len(rule.description) > limits.DESCRIPTION_CHARS_MAX or "\x00" in rule.description:
        faults.add("description", f"at most {limits.DESCRIPTION_CHARS_MAX} characters")
    if rule.operation not in ("cr", "dr"):
        faults.add("operation", "cr or dr")
    rule = _checked_coins(source, rule, faults)
    if rule.earn_when not in ("placed", "paid", "fulfilled"):
        faults.add("earn_when", "placed, paid or fulfilled")
    for field in ("per_day_max", "per_month_max", "per_customer_max"):
        if not 0 <= getattr(rule, field) <= limits.FIRINGS_LIMIT_MAX:
            faults.add(field, f"0 (no limit) to {limits.FIRINGS_LIMIT_MAX:,}")
    faults.check()
    return rule


def _checked_coins(source: Source, rule: Rule, faults: Faults) -> Rule:
    if source == "order":
        if rule.operation != "cr":
            faults.add("operation", "cr: an order earns coins")
        if not 1 <= rule.coins_per_unit <= limits.COINS_MAX:
            faults.add("coins_per_unit", f"a whole number from 1 to {limits.COINS_MAX:,}")
        if rule.limited:
            faults.add("per_day_max", "no limit: every order earns, once")
    elif source == "customer_created":
        if rule.operation != "cr":
            faults.add("operation", "cr: a new customer has no coins to take")
        if not 1 <= rule.coins_min <= limits.COINS_MAX:
            faults.add("coins_min", f"a whole number from 1 to {limits.COINS_MAX:,}")
        if rule.coins_max not in (0, rule.coins_min):
            faults.add("coins_max", "the same as coins_min, or nothing")
        if rule.per_day_max or rule.per_month_max or rule.per_customer_max not in (0, 1):
            faults.add("per_customer_max", "once: a customer is created once")
        rule = msgspec.structs.replace(rule, coins_max=rule.coins_min, per_customer_max=1)
    else:
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


def check_content(content: Content) -> Content:
    """The same content, trimmed. Raises Invalid naming each field, as `content.link`."""
    faults = Faults()
    content = Content(**{name: value.strip() for name, value in msgspec.structs.asdict(content).items()})
    for field, most in (
        ("title", limits.TITLE_CHARS_MAX),
        ("description", limits.DESCRIPTION_CHARS_MAX),
        ("icon", limits.URI_CHARS_MAX),
        ("link", limits.URI_CHARS_MAX),
    ):
        if len(getattr(content, field)) > most or "\x00" in getattr(content, field):
            faults.add(f"content.{field}", f"at most {most:,} characters")
    if content.type not in get_args(ContentType):
        faults.add("content.type", "earn, referral or social")
    if content.link and not _ADDRESS.fullmatch(content.link):
        faults.add("content.link", "an address that starts with https:// or /")
    if content.icon and not (_ADDRESS.fullmatch(content.icon) or _ICON_NAME.fullmatch(content.icon)):
        faults.add("content.icon", "an address that starts with https:// or /, or a name such as gift")
    faults.check()
    return content


def sentence(source: Source, rule: Rule, coin_name: str, currency_symbol: str) -> str:
    """A trigger of that source, or what would be one, as one sentence for the shop's owner."""
    gives = "gives" if rule.operation == "cr" else "takes"
    if source == "order":
        when = {"placed": "is placed", "paid": "is paid", "fulfilled": "is fulfilled"}[rule.earn_when]
        each = f"{counted(rule.coins_per_unit, coin_name)} per whole {currency_symbol.strip()}1"
        said = f"When an order {when}, it {gives} {each}"
    elif source == "customer_created":
        said = f"When a customer is created, it gives {counted(rule.coins_min, coin_name)}, once"
    elif rule.coins_min == rule.coins_max:
        said = f"When your shop calls it, it {gives} {counted(rule.coins_min, coin_name)}"
    else:
        said = f"When your shop calls it, it {gives} {rule.coins_min:,} to {counted(rule.coins_max, coin_name)}"
    limited = []
    if rule.per_day_max:
        limited.append(f"{times(rule.per_day_max)} a day")
    if rule.per_customer_max and source == "api":
        limited.append(f"{times(rule.per_customer_max)} in all")
    if rule.per_month_max:
        limited.append(f"{times(rule.per_month_max)} a month")
    return f"{said}, at most {' and '.join(limited)} per customer." if limited else f"{said}."


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def as_json(part: Rule | Content) -> dict[str, Any]:
    return msgspec.structs.asdict(part)
