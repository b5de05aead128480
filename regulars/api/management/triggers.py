"""Triggers: made, changed in versions, and what came of each firing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars import conditions, limits, triggers
from regulars.api.management.api import DatedQuery, asked, asked_of, management, page_of
from regulars.api.management.items import FiringItem, firing_item, whose
from regulars.api.operations import Call, NoQuery
from regulars.customers.reported import CustomerId
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import NotFound, invalid
from regulars.kit.shapes import Listed, Page, copied
from regulars.orders import EarningBasis
from regulars.tenancy import Workspace
from regulars.triggers import Content, Rule, Trigger, Version, sentence
from regulars.triggers.errors import UnknownTrigger
from regulars.triggers.facts import schema_of
from regulars.triggers.model import ContentType, Kind, Source, State
from regulars.triggers.rule import EarnWhen, Factor, PropertyType, Span, Timeline, revised

Name = Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX, examples=["Birthday"])]
Coins = Annotated[int, Meta(ge=0, le=limits.COINS_MAX)]
Most = Annotated[int, Meta(ge=0, le=limits.FIRINGS_LIMIT_MAX, description="Per customer; 0 is no limit.")]


WallClock = Annotated[
    str,
    Meta(max_length=20, description="A day or a time by the shop's clock, empty for none.", examples=["2026-11-27"]),
]
Mark = Annotated[float, Meta(ge=0, le=limits.COINS_MAX)]
Budget = Annotated[int, Meta(ge=0, le=limits.AMOUNT_MINOR_MAX)]


class RuleGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trigger fired by calls gives `coins_min` to `coins_max`, or always `coins_min`; one that reacts to orders gives
    that for each of them, or `coins_per_unit` for each whole unit of the order's amount, once the order is as far as
    `earn_when` says; one for new customers gives `coins_min`, once. What does not fit its `source` is refused.

    Marks: `on_activity_count_reached` 5 rewards a customer's 5th, 10th, 15th activity, and nothing between;
    `on_activity_amount_reached` 500 whenever the amounts of their activities reach another 500. The two of the timeline
    do so within each day, week, month or year of the shop, and begin anew with the next. An activity is what the rest
    of the rule lets through: an order adds its amount, a call what its `params_for_activityrule` says, a fact its
    property `amount`.
    """

    title: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=limits.DESCRIPTION_CHARS_MAX)] | UnsetType = UNSET
    operation: Literal["cr", "dr"] | UnsetType = UNSET
    coins_min: Annotated[Coins, Meta(examples=[50])] | UnsetType = UNSET
    coins_max: Annotated[Coins, Meta(examples=[50])] | UnsetType = UNSET
    coins_per_unit: Coins | UnsetType = UNSET
    earn_when: EarnWhen | UnsetType = UNSET
    basis: (
        Annotated[EarningBasis, Meta(description="What of an order earns; null for what the shop's settings say.")]
        | UnsetType
        | None
    ) = UNSET
    factors: (
        Annotated[
            tuple[Factor, ...],
            Meta(
                max_length=limits.FACTORS_MAX,
                description="All that hold are multiplied with the coins; what is left over of a coin is dropped.",
                examples=[[{"type": "campaign", "factor": 2, "starts_at": "2026-11-27", "ends_at": "2026-12-01"}]],
            ),
        ]
        | UnsetType
    ) = UNSET
    fact: (
        Annotated[
            str,
            Meta(
                max_length=limits.FACT_NAME_CHARS_MAX,
                description="The name of your own facts that it reacts to.",
                examples=["game_won"],
            ),
        ]
        | UnsetType
    ) = UNSET
    properties: (
        Annotated[
            dict[str, PropertyType],
            Meta(
                max_length=limits.FACT_PROPERTIES_MAX,
                description="What may be asked about the facts, by the names of their properties.",
                examples=[{"score": "number"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    starts_at: WallClock | UnsetType = UNSET
    ends_at: WallClock | UnsetType = UNSET
    condition: (
        Annotated[
            dict[str, Any],
            Meta(
                description="A tree of conditions, as in Send Events, over what happened and whom; null for none. What "
                "may be asked is answered by `GET /trigger-properties`.",
                examples=[{"property": "customer_country", "operator": "is", "value": "ind"}],
            ),
        ]
        | UnsetType
        | None
    ) = UNSET
    on_order_amount_matched: (
        Annotated[Span, Meta(description="The amount it must have; null for any.", examples=[{"min": 50}])]
        | UnsetType
        | None
    ) = UNSET
    on_activity_count_reached: Most | UnsetType = UNSET
    on_activity_amount_reached: Mark | UnsetType = UNSET
    on_timeline_count_reached: Most | UnsetType = UNSET
    on_timeline_amount_reached: Mark | UnsetType = UNSET
    timeline: Timeline | UnsetType = UNSET
    per_day_max: Most | UnsetType = UNSET
    per_month_max: Most | UnsetType = UNSET
    per_customer_max: Most | UnsetType = UNSET
    cool_down_minutes: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=limits.COOL_DOWN_MINUTES_MAX,
                description="Gives a customer nothing more for so long after it gave.",
                examples=[60],
            ),
        ]
        | UnsetType
    ) = UNSET
    budget_per_day: (
        Annotated[Budget, Meta(description="Coins for all customers together in a day of the shop; 0 is no limit.")]
        | UnsetType
    ) = UNSET
    budget_in_all: (
        Annotated[Budget, Meta(description="Coins for all customers together; 0 is no limit.")] | UnsetType
    ) = UNSET
    after_delta_day: (
        Annotated[
            int,
            Meta(ge=0, le=limits.DELAY_DAYS_MAX, description="Gives so many days after it happened.", examples=[14]),
        ]
        | UnsetType
    ) = UNSET
    frees_place: (
        Annotated[bool, Meta(description="Whether a reward that is taken back whole counts no more for its limits.")]
        | UnsetType
    ) = UNSET


class ContentGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a widget draws it as a way to earn. `icon` is an address, or a name that the widget knows."""

    type: ContentType | UnsetType = UNSET
    title: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=limits.DESCRIPTION_CHARS_MAX)] | UnsetType = UNSET
    icon: Annotated[str, Meta(max_length=limits.URI_CHARS_MAX)] | UnsetType = UNSET
    link: Annotated[str, Meta(max_length=limits.URI_CHARS_MAX)] | UnsetType = UNSET


class NewTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`source`: fired by a call (`api`), or by itself: by orders, a customer being created, their birthday, the day of
    a later year on which they were created, or a fact of your own. `kind`: only `wallet` triggers act by now; the
    others are kept, and say so of each firing. `open`: READ keys may fire it, and it needs a limit for each customer.
    `allow_override`: a call by a WRITE key may set other words and coins."""

    name: Name
    source: Source
    rule: Annotated[RuleGiven, Meta(examples=[{"coins_min": 50, "coins_max": 50}])]
    kind: Kind = "wallet"
    active: bool = True
    open: bool = False
    allow_override: bool = False
    show_in_widget: bool = False
    content: ContentGiven = ContentGiven()


class TriggerChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is given changes, within the rule and the content too. Another rule is a new
    version; the rest is not."""

    name: Name | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    open: bool | UnsetType = UNSET
    allow_override: bool | UnsetType = UNSET
    show_in_widget: bool | UnsetType = UNSET
    rule: Annotated[RuleGiven, Meta(examples=[{"coins_per_unit": 2}])] | UnsetType = UNSET
    content: ContentGiven | UnsetType = UNSET


class TriggerItem(msgspec.Struct, frozen=True):
    """A trigger at its newest version; `sentence` says it in words."""

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
    sentence: str
    created_at: datetime
    updated_at: datetime


class VersionItem(msgspec.Struct, frozen=True):
    """`changed` says in words what was otherwise in the version before."""

    version: int
    rule: Rule
    sentence: str
    changed: list[str]
    actor: str
    created_at: datetime


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


@management.get("/triggers", "All triggers", tag="Triggers")
async def list_triggers(call: Call[NoQuery, None], tx: Reading) -> Listed[TriggerItem]:
    """Oldest first."""
    found = await triggers.list_triggers(tx, call.workspace_id)
    return Listed([_said(trigger, call.workspace) for trigger in found])


@management.post("/triggers", "Create a trigger", tag="Triggers", status=201)
async def create_trigger(call: Call[NoQuery, NewTrigger], tx: Tx) -> TriggerItem:
    body = call.body
    trigger = await triggers.create_trigger(
        tx,
        call.workspace,
        body.name,
        body.source,
        Rule(**given(body.rule)),
        call.now,
        kind=body.kind,
        active=body.active,
        open=body.open,
        allow_override=body.allow_override,
        show_in_widget=body.show_in_widget,
        content=Content(**given(body.content)),
        actor=call.caller.actor,
    )
    await call.audit(tx, "trigger.create", trigger.id, name=trigger.name)
    return _said(trigger, call.workspace)


@management.get("/triggers/{id}", "One trigger", tag="Triggers")
async def read_trigger(call: Call[NoQuery, None], tx: Reading) -> TriggerItem:
    return _said(await find(call, tx), call.workspace)


@management.patch("/triggers/{id}", "Change a trigger", tag="Triggers")
async def change_trigger(call: Call[NoQuery, TriggerChange], tx: Tx) -> TriggerItem:
    trigger = await find(call, tx)
    changes = given(call.body)
    if call.body.rule is not UNSET:
        changes["rule"] = revised(trigger.rule, given(call.body.rule))
    if call.body.content is not UNSET:
        changes["content"] = msgspec.structs.replace(trigger.content, **given(call.body.content))
    changed = await triggers.change_trigger(tx, call.workspace, trigger.id, changes, call.now, actor=call.caller.actor)
    await call.audit(tx, "trigger.update", trigger.id, changed=sorted(changes), version=changed.version)
    return _said(changed, call.workspace)


@management.get("/triggers/{id}/versions", "A trigger's versions", tag="Triggers")
async def list_versions(call: Call[NoQuery, None], tx: Reading) -> Listed[VersionItem]:
    """Newest first, each with who made it and what they changed."""
    trigger = await find(call, tx)
    found = await triggers.versions_of(tx, call.workspace_id, trigger.id)
    return Listed([_version(one, changed, trigger, call.workspace) for one, changed in found])


@management.get("/trigger-properties", "What a trigger's condition may ask", tag="Triggers")
async def list_properties(call: Call[PropertyQuery, None], tx: Reading) -> Listed[PropertyItem]:
    """Of a trigger that is set off by this `source`. A fact's own properties are those that its rule names."""
    known = schema_of(call.query.source, Rule())
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


def given(body: Any) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}


async def find(call: Call[Any, Any], tx: Reading) -> Trigger:
    try:
        return await triggers.find_trigger(tx, call.workspace_id, call.path_id())
    except UnknownTrigger:
        raise NotFound("This trigger does not exist.") from None


def _version(version: Version, changed: list[str], trigger: Trigger, workspace: Workspace) -> VersionItem:
    said = sentence(trigger.source, version.rule, workspace.coin_name, workspace.currency_symbol, trigger.kind)
    return copied(VersionItem, version, sentence=said, changed=changed)


def _said(trigger: Trigger, workspace: Workspace) -> TriggerItem:
    said = sentence(trigger.source, trigger.rule, workspace.coin_name, workspace.currency_symbol, trigger.kind)
    return copied(TriggerItem, trigger, sentence=said)
