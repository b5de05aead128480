"""Triggers: made, changed in versions, and what came of each firing. Facts that a shop names itself, such as a game
that was won: reported, and rewarded by the triggers of that name."""

from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from regulars import conditions, limits, triggers
from regulars.api.management.api import Call, DatedQuery, NoQuery, Resource, asked, asked_of, management, only, page_of
from regulars.api.management.items import FiringItem, Whose, firing_item, named, whose
from regulars.customers import NewCustomer
from regulars.customers.reported import CustomerDetails, CustomerId
from regulars.kit import Faults, Listed, NotFound, Page, Partial, Reading, Tx, a_birthday, a_moment, copied, invalid
from regulars.tenancy import Workspace
from regulars.triggers import Content, NewFact, Rule, Trigger, Version, granted_coins, sentence
from regulars.triggers.errors import UnknownTrigger
from regulars.triggers.facts import schema_of
from regulars.triggers.model import Kind, Source, State
from regulars.triggers.rule import PropertyType, revised

Name = Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX, examples=["Birthday"])]


class RuleGiven(Partial[Rule], frozen=True):
    """A trigger fired by calls gives `coins_min` to `coins_max`, or always `coins_min`; one that reacts to orders gives
    that for each of them, or `coins_per_unit` for each whole unit of the order's amount, once the order is as far as
    `earn_when` says; one for new customers gives `coins_min`, once. What does not fit its `source` is refused.

    Marks: `on_activity_count_reached` 5 rewards a customer's 5th, 10th, 15th activity, and nothing between;
    `on_activity_amount_reached` 500 whenever the amounts of their activities reach another 500. The two of the timeline
    do so within each day, week, month or year of the shop, and begin anew with the next. An activity is what the rest
    of the rule lets through: an order adds its amount, a call what its `params_for_activityrule` says, a fact its
    property `amount`.
    """


class ContentGiven(Partial[Content], frozen=True):
    """How a widget draws it as a way to earn. `icon` is an address, or a name that the widget knows."""


class TriggerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Name
    rule: RuleGiven
    active: bool = True
    open: bool = False
    allow_override: bool = False
    show_in_widget: bool = False
    content: ContentGiven = ContentGiven()


class NewTrigger(TriggerSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`source`: fired by a call (`api`), or by itself: by orders, a customer being created, their birthday, the day of
    a later year on which they were created, or a fact of your own. `kind`: `wallet` and `offer` triggers act by now;
    the others are kept, and say so of each firing. `open`: READ keys may fire it, and it needs a limit for each
    customer. `allow_override`: a call by a WRITE key may set other words and coins, or another offer."""

    source: Source
    rule: Annotated[RuleGiven, Meta(examples=[{"coins_min": 50, "coins_max": 50}])]
    kind: Kind = "wallet"


class TriggerChange(Partial[TriggerSettings], frozen=True, kw_only=True):
    """Only what is given changes, within the rule and the content too. Another rule is a new
    version; the rest is not."""

    rule: Annotated[RuleGiven, Meta(examples=[{"coins_per_unit": 2}])] | UnsetType = UNSET


class TriggerItem(Trigger, frozen=True, kw_only=True):
    """A trigger at its newest version; `sentence` says it in words."""

    sentence: str


class VersionItem(Version, frozen=True, kw_only=True):
    """`changed` says in words what was otherwise in the version before."""

    sentence: str
    changed: list[str]


class PropertyItem(msgspec.Struct, frozen=True):
    """`choices`, where there are some, are all values it can have."""

    name: str
    label: str
    type: PropertyType
    operators: list[str]
    choices: list[str]
    help: str


class PropertyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    source: Source


class FiringQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    trigger_id: UUID | None = None
    customer_id: CustomerId | None = None
    state: State | None = None
    reference: (
        Annotated[
            str, Meta(max_length=100, description="With `customer_id`: only those about one thing, `order:<id>`.")
        ]
        | None
    ) = None


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Trigger]) -> list[TriggerItem]:
    return [copied(TriggerItem, one, sentence=sentence_of(one, one.rule, call.workspace)) for one in found]


made = Resource(management, "/triggers", TriggerItem, tag="Triggers", one="trigger", says=_said)
made.all("All triggers", triggers.list_triggers, "Oldest first.")


@made.create("Create a trigger", about=("name",))
def create_trigger(call: Call[NoQuery, NewTrigger], tx: Tx) -> Awaitable[Trigger]:
    given = asdict(call.body)
    given |= {"rule": Rule(**call.body.rule.given()), "content": Content(**call.body.content.given())}
    return triggers.create_trigger(tx, call.workspace, now=call.now, actor=call.caller.actor, **given)


@made.read("One trigger")
def read_trigger(call: Call[NoQuery, None], tx: Reading) -> Awaitable[Trigger]:
    return find(call, tx)


async def find(call: Call[Any, Any], tx: Reading) -> Trigger:
    try:
        return await triggers.find_trigger(tx, call.workspace_id, call.path_id())
    except UnknownTrigger:
        raise NotFound("This trigger does not exist.") from None


@made.change("Change a trigger", about=("version",))
async def change_trigger(call: Call[NoQuery, TriggerChange], tx: Tx) -> Trigger:
    trigger, changes = await find(call, tx), call.body.given()
    if "rule" in changes:
        changes["rule"] = revised(trigger.rule, changes["rule"].given())
    if "content" in changes:
        changes["content"] = changes["content"].over(trigger.content)
    return await triggers.change_trigger(tx, call.workspace, trigger.id, changes, call.now, actor=call.caller.actor)


@management.get("/triggers/{id}/versions", "A trigger's versions", tag="Triggers")
async def list_versions(call: Call[NoQuery, None], tx: Reading) -> Listed[VersionItem]:
    """Newest first, each with who made it and what they changed."""
    trigger = await find(call, tx)
    return Listed(
        [
            copied(VersionItem, one, sentence=sentence_of(trigger, one.rule, call.workspace), changed=changed)
            for one, changed in await triggers.versions_of(tx, call.workspace_id, trigger.id)
        ]
    )


@management.get("/trigger-properties", "What a trigger's condition may ask", tag="Triggers")
async def list_properties(call: Call[PropertyQuery, None], tx: Reading) -> Listed[PropertyItem]:
    """Of a trigger that is set off by this `source`. A fact's own properties are those that its rule names."""
    known = schema_of(call.query.source, Rule(), call.workspace)
    return Listed(
        [
            copied(
                PropertyItem,
                field,
                operators=[operator.name for operator in conditions.operators_for(field)],
                choices=[choice.value for choice in field.choices or ()],
            )
            for field in known.values()
        ]
    )


@management.get("/firings", "What came of triggers", tag="Triggers", area="data")
async def list_firings(call: Call[FiringQuery, None], tx: Reading) -> Page[FiringItem]:
    """Newest first; of a trigger, of a customer, or of the whole shop. Refused ones say why."""
    query = call.query
    if query.reference and query.customer_id is None:
        raise invalid("customer_id", "a customer, where a reference is given")
    wanted = {"reference": ""} | asked(query) | {"customer_id": await asked_of(call, tx)}
    items, after = page_of(await triggers.firings(tx, call.workspace_id, **wanted), query.limit)
    of = await whose(tx, call.workspace, items)
    return Page([firing_item(firing, of[firing.customer_id]) for firing in items], after)


def sentence_of(trigger: Trigger, rule: Rule, shop: Workspace) -> str:
    return sentence(trigger.source, rule, shop.coin_name, shop.currency_symbol, trigger.kind)


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`id` is your own for it: reported again under it, it is answered as it was and changes nothing. Without one every
    report is another fact. `properties` are texts, numbers, true or false, and lists of texts; `amount`, a number, is
    what it adds where a rule sums amounts. `occurred_at` is now, if it is not said."""

    name: Annotated[
        str,
        Meta(min_length=1, max_length=limits.FACT_NAME_CHARS_MAX, description="Chosen by you.", examples=["game_won"]),
    ]
    customer: CustomerDetails
    properties: Annotated[
        dict[str, Any], Meta(max_length=limits.FACT_PROPERTIES_MAX, examples=[{"score": 120, "level": "hard"}])
    ] = {}
    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None
    id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX, examples=["round-7781"])] = ""


class FactItem(msgspec.Struct, frozen=True):
    """`coins` is what it earned, `firings` say for each trigger what was given, or why nothing was. `repeated`: it was
    reported before, and led to these then. `left_out` are details of a known customer that can't be kept."""

    id: UUID
    customer: Whose
    repeated: bool
    coins: int
    firings: list[FiringItem]
    left_out: dict[str, str]


@management.post("/facts", "Report a fact of your own", tag="Triggers", area="data")
async def report_fact(call: Call[NoQuery, Fact], tx: Tx) -> FactItem:
    """Every fact is kept; the triggers that react to facts of its name give what it earns. A customer who is not known
    is created."""
    fact = checked(call.body, call.now)
    taken = only(await triggers.take_facts(tx, call.workspace, [fact], call.now, actor=call.caller.actor))
    firings = [firing_item(firing, taken.customer) for firing in taken.firings]
    left_out = fact.unfit.fields if fact.unfit else {}
    return FactItem(taken.id, named(taken.customer), taken.repeated, granted_coins(taken.firings), firings, left_out)


def checked(given: Fact, now: datetime) -> NewFact:
    """Raises Invalid naming each field."""
    faults, at = Faults(), given.occurred_at or now
    with faults:
        at = a_moment("occurred_at", at)
        if at > now + timedelta(seconds=limits.ORDER_CLOCK_AHEAD_S):
            raise invalid("occurred_at", "a time that is not in the future")
    with faults:
        a_birthday("customer.dob", given.customer.dob)
    with faults:
        customer = NewCustomer(**msgspec.structs.asdict(given.customer))
        fact = NewFact(
            name=given.name,
            customer=customer,
            properties=given.properties,
            occurred_at=min(at, now),
            outside_id=given.id.strip(),
        )
        fact = triggers.check_fact(fact)
    faults.check()
    return fact
