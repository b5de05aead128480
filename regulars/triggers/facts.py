"""What triggers react to: one type for each source, and what conditions may ask about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, assert_never, get_args
from uuid import UUID

import msgspec

from regulars import customers, orders, reviews
from regulars.conditions import Choice, Field, Schema, choices_of, schema
from regulars.customers import Customer
from regulars.kit import countries, units_of
from regulars.orders import Order
from regulars.referrals import Mode
from regulars.reviews import Post
from regulars.tenancy import Workspace
from regulars.triggers.model import Override, Source
from regulars.triggers.rule import Rule

THOUSANDTHS = 1_000
"""Amounts are counted in thousandths of a unit, which no currency that is paid with divides further but one."""


class Fact(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Something that happened to a customer. `reference` names it: a trigger rewards what has a name once. `depth` is
    how many causes stand behind `cause_id`. `segments` are those the customer is in, where that is asked. `count` and
    `amount`, in thousandths, are what it adds to activities that are counted and summed."""

    customer_id: UUID
    occurred_at: datetime
    customer: Customer | None = None
    reference: str = ""
    cause_id: UUID | None = None
    actor: str = ""
    segments: tuple[str, ...] = ()
    count: int = 1
    amount: int = 0
    depth: int = 0


class Called(Fact, frozen=True, gc=False, kw_only=True, tag="api"):
    override: Override | None = None
    about: str = ""


class Ordered(Fact, frozen=True, gc=False, kw_only=True, tag="order"):
    """`earlier`: how many orders the customer had placed before, where that was looked up."""

    order: Order
    earlier: int | None = None


class Reviewed(Fact, frozen=True, gc=False, kw_only=True, tag="review"):
    """A review is shown."""

    post: Post


class Referred(Fact, frozen=True, gc=False, kw_only=True, tag="referral"):
    """A referral is complete, for one of the two."""

    role: Literal["referrer", "friend"]
    mode: str


class Created(Fact, frozen=True, gc=False, kw_only=True, tag="customer_created"):
    pass


class Birthday(Fact, frozen=True, gc=False, kw_only=True, tag="birthday"):
    age: int


class Anniversary(Fact, frozen=True, gc=False, kw_only=True, tag="anniversary"):
    years: int


class Reported(Fact, frozen=True, gc=False, kw_only=True, tag="fact"):
    """A fact that the shop names itself."""

    name: str
    properties: dict[str, Any]


AnyFact = Called | Ordered | Reviewed | Referred | Created | Birthday | Anniversary | Reported
"""Changes of tier take their place here, and in `model.Source`, when somebody asks for them."""

_COUNTRIES = tuple(Choice(code, name) for code, name in countries.LISTED)


CUSTOMER = (
    Field("customer_country", "Customer's country", "text", choices=_COUNTRIES),
    Field("customer_tier", "Customer's tier", "text", help="Empty until there are tiers."),
    Field("customer_email", "Customer's e-mail", "text"),
    Field("customer_mobile", "Customer's mobile number", "text"),
    Field(
        "customer_gender",
        "Customer's gender",
        "text",
        choices=(Choice("male", "male"), Choice("female", "female"), Choice("other", "other")),
    ),
    Field("customer_dob", "Customer's birthday", "date"),
    Field("customer_since", "Customer since", "date"),
    Field("customer_orders", "Customer's orders", "number", help="How many they had placed before."),
    Field(
        "customer_spent",
        "Customer's total",
        "number",
        help="What all their orders amount to in your currency, this one too.",
    ),
    Field("customer_referred_by", "Referrer's code", "text", help="Filled in when somebody referred the customer."),
    Field("customer_accepts_email", "Customer agreed to e-mail", "yes_no"),
    Field("customer_accepts_mobile", "Customer agreed to mobile messages", "yes_no"),
    customers.TAGS,
    Field("segments", "Segments", "list", help="Those that the customer is in, by their ids."),
)

_SCHEMAS: dict[Source, tuple[Field, ...]] = {
    "api": (
        Field("count", "Count", "number", help="As the call says it, 1 if it does not."),
        Field("amount", "Amount", "number", help="As the call says it, 0 if it does not."),
        Field("evaluation_type", "What the call is about", "text", help="Such as orders or reviews."),
    ),
    "order": orders.FIELDS,
    "review": reviews.FIELDS,
    "referral": (
        Field(
            "referral_role",
            "Who it is for",
            "text",
            choices=(Choice("referrer", "the one who told a friend"), Choice("friend", "the friend")),
        ),
        Field("referral_mode", "How the friend came", "text", choices=choices_of(get_args(Mode))),
    ),
    "customer_created": (),
    "birthday": (Field("age", "Age", "number", unit="years"),),
    "anniversary": (Field("years", "Years as a customer", "number", unit="years"),),
    "fact": (),
}


def schema_of(source: Source, rule: Rule, shop: Workspace | None = None) -> Schema:
    """What the conditions of such a trigger may ask about, its own fact first; of customers' own properties what the
    shop has declared, without a shop any."""
    declared = (Field(name, name, type) for name, type in rule.properties.items()) if source == "fact" else ()
    return schema([*declared, *_SCHEMAS[source], *CUSTOMER, *customers.own_fields(shop)])


def payload(fact: AnyFact, workspace: Workspace) -> Mapping[str, object]:
    """What conditions see of the fact, by the schema's names."""
    seen = {
        **_own(fact),
        "segments": fact.segments,
        **(customer_payload(fact.customer, workspace) if fact.customer else {}),
    }
    return seen | {"customer_orders": fact.earlier} if isinstance(fact, Ordered) else seen


def _own(fact: AnyFact) -> Mapping[str, object]:
    match fact:
        case Called():
            return {"count": fact.count, "amount": fact.amount / THOUSANDTHS, "evaluation_type": fact.about}
        case Ordered():
            return orders.payload(fact.order)
        case Reviewed():
            return reviews.payload(fact.post)
        case Referred():
            return {"referral_role": fact.role, "referral_mode": fact.mode}
        case Created():
            return {}
        case Birthday():
            return {"age": fact.age}
        case Anniversary():
            return {"years": fact.years}
        case Reported():
            return fact.properties
        case _:
            assert_never(fact)


def customer_payload(customer: Customer, workspace: Workspace) -> dict[str, object]:
    """What conditions see of a customer."""
    spent = customer.spent.get(workspace.currency_code, 0) / units_of(workspace.currency_code)
    return {
        "customer_country": customer.country,
        "customer_tier": customer.tier,
        "customer_email": customer.email,
        "customer_mobile": customer.mobile,
        "customer_gender": customer.gender,
        "customer_dob": customer.dob and customer.dob.isoformat(),
        "customer_since": customer.created_at.isoformat(),
        "customer_orders": customer.orders_count,
        "customer_spent": spent,
        "customer_referred_by": customer.referred_by_code,
        "customer_accepts_email": customer.accept_email,
        "customer_accepts_mobile": customer.accept_mobile,
        **customers.own_payload(customer),
    }
