"""A trigger tried on one thing, as it is or with another rule; or on past orders before it goes live."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars import customers, imports, limits, orders, triggers
from regulars.api.examples import ID
from regulars.api.management.api import Call, NoQuery, management
from regulars.api.management.items import FiringItem, OrderItem, Whose, firing_item, named, order_item
from regulars.api.management.runs import Reason, reasons
from regulars.api.management.triggers import Fact, RuleGiven, find, sentence_of
from regulars.api.management.triggers import checked as checked_fact
from regulars.api.merchant.activities import NewActivity, fire_of
from regulars.customers.reported import CustomerId
from regulars.imports import Backtest, Terms
from regulars.imports.backtests import Tested
from regulars.kit import Listed, Partial, Reading, Shown, Tx, a_moment, copied, invalid, showing
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


class NewBacktest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`rule`: what of it is tried otherwise. Over the orders placed from `since` on and before `until`. `further`: what
    applying the trigger now would give, beside all that it gave; otherwise what it would have given had it been there
    all the time."""

    name: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, examples=["Twice as much"])] = ""
    rule: Annotated[RuleGiven, Meta(examples=[{"coins_per_unit": 2}])] | UnsetType = UNSET
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    further: bool = False


class LeaderItem(msgspec.Struct, frozen=True):
    customer: Whose
    coins: int


@showing(
    "id trigger_id version changed name rule further since until state done=part summary orders=rows rewarded=rewards"
    " customers coins unchanged refused reasons really_rewarded=really_rewards really_coins months lasting"
    " lasting_really liability leaders actor started_at seen_at",
    Backtest,
    Terms,
    Tested,
)
class BacktestItem(msgspec.Struct):
    """A trigger tried on past orders, as these are now. `changed`: by another rule than that of `version`. It is
    `waiting` for a worker, `running`, `done`, `cancelled`, or has `failed`; `done` is how much of it is done, from 0
    to 1.

    Of so many `orders`, `rewarded` would have earned so many `coins` for so many `customers`; `unchanged` (of a
    `further` one) had earned before; `refused` earn nothing, for these reasons. Limits, budgets, marks and pauses are
    counted from the first of these orders on. `really_rewarded` and `really_coins` are what the trigger did give for
    the same orders, without what was taken back; `months` are of when the orders were placed.

    `liability` is what it adds to what the shop owes: the coins that would be there today by the shop's expiry
    (`lasting`), without those that were given (`lasting_really`), as if nobody had spent any.
    """

    state: Literal["waiting", "running", "done", "cancelled", "failed"]
    done: Annotated[float, Meta(ge=0, le=1)]
    summary: str
    reasons: list[Reason]
    liability: int
    leaders: list[LeaderItem]


@management.post("/triggers/{id}/backtests", "Try a trigger on past orders", tag="Triggers", area="data", status=202)
async def order_backtest(call: Call[NoQuery, NewBacktest], tx: Tx) -> BacktestItem:
    """How many coins it would have given, to whom, why not, and what that adds to what you owe; nothing is given. A
    worker does it: ask for it until it is `done`. It is kept until you forget it."""
    kept, body = await find(call, tx), call.body
    rule = rule_tried(kept, body.rule).rule
    terms = copied(Terms, body, version=kept.version, rule=rule, changed=rule != kept.rule, name=body.name.strip())
    made = await imports.order_backtest(tx, call.workspace, kept, terms, call.now, actor=call.caller.actor)
    await call.audit(tx, "trigger.backtest", kept.id, backtest_id=str(made.id))
    return (await _items(tx, call.workspace, [made]))[0]


@management.get("/triggers/{id}/backtests", "A trigger's back-tests", tag="Triggers", area="data")
async def list_backtests(call: Call[NoQuery, None], tx: Reading) -> Listed[BacktestItem]:
    """The newest, newest first."""
    trigger = await find(call, tx)
    found = await imports.newest_backtests(tx, call.workspace_id, trigger.id, limits.BACKTESTS_KEPT_MAX)
    return Listed(await _items(tx, call.workspace, found))


@management.get("/backtests/{id}", "One back-test", tag="Triggers", area="data")
async def read_backtest(call: Call[NoQuery, None], tx: Reading) -> BacktestItem:
    """How far it is, and what it came to so far."""
    found = await imports.get_backtest(tx, call.workspace_id, call.path_id())
    return (await _items(tx, call.workspace, [found]))[0]


@management.delete("/backtests/{id}", "Cancel or forget a back-test", tag="Triggers", area="data", status=204)
async def drop_backtest(call: Call[NoQuery, None], tx: Tx) -> None:
    """One that is not done is cancelled, and stays to be seen; one that has ended is forgotten."""
    did = await imports.drop_backtest(tx, call.workspace_id, call.path_id(), call.now)
    await call.audit(tx, "trigger.backtest_drop", call.path_id(), did=did)


async def _items(tx: Reading, shop: Workspace, found: Sequence[Backtest]) -> list[BacktestItem]:
    ids = {one.customer_id for run in found for one in run.progress.leaders}
    people = await customers.by_ids(tx, shop.id, sorted(ids))
    return [
        copied(
            BacktestItem,
            run,
            run.terms,
            run.progress,
            summary=run.said(shop.coin_name),
            reasons=reasons(run.progress),
            leaders=[
                LeaderItem(named(people[one.customer_id]), one.coins)
                for one in run.progress.leaders
                if one.customer_id in people
            ],
        )
        for run in found
    ]
