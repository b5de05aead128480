"""Triggers tried on past orders before they go live."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars import customers, imports, limits
from regulars.api.management.api import management
from regulars.api.management.items import Whose, named
from regulars.api.management.runs import Reason, reasons
from regulars.api.management.simulations import rule_tried
from regulars.api.management.triggers import RuleGiven, find
from regulars.api.operations import Call, NoQuery
from regulars.imports import Backtest, Terms
from regulars.imports.backtests import Tested
from regulars.kit import Listed, Reading, Tx, copied, showing
from regulars.tenancy import Workspace


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
