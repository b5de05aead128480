"""A trigger tried on one thing, as it is or with another rule."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars import customers, orders, triggers
from regulars.api.examples import ID
from regulars.api.management.api import management
from regulars.api.management.facts import Fact
from regulars.api.management.facts import checked as checked_fact
from regulars.api.management.items import FiringItem, OrderItem, Whose, firing_item, named, order_item
from regulars.api.management.triggers import RuleGiven, find, sentence_of
from regulars.api.merchant.activities import NewActivity, fire_of
from regulars.api.operations import Call, NoQuery
from regulars.customers.reported import CustomerId
from regulars.kit import Partial, Reading, Shown, a_moment, copied, invalid
from regulars.orders.reported import Reported, report_of
from regulars.tenancy import Workspace
from regulars.triggers import About, Simulated, Trigger
from regulars.triggers.checking import check_rule
from regulars.triggers.rule import revised


class SimulatedCall(Partial[NewActivity], frozen=True):
    """As `POST /activities` of the merchant API takes it, by a key that may write."""


class Simulation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of `order_id` (an order that is in), `order` (as `POST /orders` takes it), `call`, `fact` (as `POST /facts`
    takes it), or `customer_id`, whichever the trigger reacts to."""

    order_id: Annotated[UUID, Meta(description="Of an order that is in.", examples=[ID])] | None = None
    order: Annotated[Reported | None, Meta(examples=[])] = None
    call: Annotated[SimulatedCall | None, Meta(examples=[])] = None
    fact: Annotated[Fact | None, Meta(examples=[])] = None
    customer_id: Annotated[
        CustomerId | None,
        Meta(description="Of a customer, where new customers or their days are rewarded.", examples=[]),
    ] = None
    rule: (
        Annotated[RuleGiven, Meta(description="What of the rule is tried otherwise.", examples=[{"coins_per_unit": 2}])]
        | UnsetType
    ) = UNSET
    at: Annotated[datetime, Meta(tz=True, description="As if it were then; now, if it is not said.")] | None = None


class SimulationItem(Shown[Simulated], frozen=True):
    """What would happen. `guards` are all asked, in their order, also those after the one that refuses; `reason` and
    `explanation` are of the first that does. `coins` is the least of a range, `coins_max` the most. `active_at` and
    `expires_at` are of those coins, by the shop's settings as they are now.

    `given_before` is what the trigger did give for this very thing. Tried with another rule, that is set aside; limits
    count everything else that was given.
    """

    trigger_id: UUID
    sentence: str
    customer: Whose
    order: OrderItem | None
    given_before: FiringItem | None


@management.post("/triggers/{id}/simulate", "Try a trigger on one thing", tag="Triggers", area="data", access="READ")
async def simulate_trigger(call: Call[NoQuery, Simulation], tx: Reading) -> SimulationItem:
    """What it would make of one order, call, fact or customer: each guard with what it found and what it asks for, and
    the coins. Nothing is given, kept or told."""
    kept, body = await find(call, tx), call.body
    at = a_moment("at", body.at) if body.at else call.now
    about = await _about(call, tx, kept, at)
    tried = rule_tried(kept, body.rule)
    found = await triggers.simulate(tx, call.workspace, tried, about, at, before=kept.rule)
    return simulation_item(found, tried, call.workspace)


def rule_tried(kept: Trigger, rule: RuleGiven | UnsetType) -> Trigger:
    """The trigger with what is changed of its rule. Raises Invalid."""
    changed = kept.rule if rule is UNSET else revised(kept.rule, rule.given())
    return msgspec.structs.replace(kept, rule=check_rule(kept.source, changed, kept.kind))


async def _about(call: Call[Any, Simulation], tx: Reading, trigger: Trigger, at: datetime) -> About:
    body = call.body
    one_of = ("order_id", "order", "call", "fact", "customer_id")
    said = [name for name in one_of if getattr(body, name) is not None]
    if len(said) != 1:
        raise invalid(said[1] if said else "order_id", f"exactly one of {', '.join(one_of)}")
    if body.order_id:
        return await orders.find_order(tx, call.workspace_id, body.order_id)
    if body.order:
        return report_of(body.order, at)
    if body.fact:
        return checked_fact(body.fact, at)
    if body.call:
        said_of = body.call.given()
        if said_of.setdefault("trigger_id", trigger.id) != trigger.id:
            raise invalid("call.trigger_id", "this trigger's id, or none")
        asked = NewActivity(**said_of)
        return fire_of(asked, {}, call.caller.actor, writes=True)
    return await customers.get(tx, call.workspace_id, customer_id=body.customer_id)


def simulation_item(found: Simulated, trigger: Trigger, workspace: Workspace) -> SimulationItem:
    return copied(
        SimulationItem,
        found,
        trigger_id=trigger.id,
        sentence=sentence_of(trigger, trigger.rule, workspace),
        customer=named(found.customer),
        order=order_item(found.order, found.customer) if found.order else None,
        given_before=firing_item(found.given_before, found.customer) if found.given_before else None,
    )
