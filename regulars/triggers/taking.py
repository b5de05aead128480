"""Take orders in and reward them: the reaction is part of the act, so an order is never without its coins."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from regulars import checkout, ledger, orders, referrals, reminders, rewards
from regulars.kit import Reading, Refusal, Tx
from regulars.orders import Correcting, OrderReport, Recorded
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.earning import Earning
from regulars.triggers.model import Firing
from regulars.triggers.reversal import undo
from regulars.triggers.signup import ensure


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What came of a report: what it changed, and the firings it led to, granted or refused."""

    recorded: Recorded
    firings: list[Firing]


class Rehearsed(msgspec.Struct, frozen=True):
    """What would come of reports: one answer for each, how many customers are new and what they get for it, how many
    triggers were asked about the orders."""

    answers: Sequence[Any]
    new_customers: int = 0
    welcome_coins: int = 0
    triggers_asked: int = 0


async def rehearse_orders(
    tx: Reading,
    workspace: Workspace,
    reports: Sequence[OrderReport],
    now: datetime,
    *,
    correcting: Correcting = orders.AS_REPORTED,
) -> Rehearsed:
    """What `take_orders` would do with these reports if it were called now; nothing is written, nothing locked. New
    customers are welcomed as if the conditions of a welcome held for all of them."""
    active = [t for t in await store.all_triggers(tx, workspace.id) if t.active]
    triggers = [t for t in active if t.source == "order"]
    foresight = orders.Foresight(tx, workspace.id, now, correcting)
    earning = Earning(tx, workspace, triggers, now)
    answers: dict[int, Taken | Refusal] = {}
    for turn in _turns(reports):
        recorded = await foresight.record([reports[n] for n in turn])
        changed = [r for r in recorded if isinstance(r, Recorded) and r.change in ("created", "updated")]
        await earning.earn(changed)
        await earning.settle(changed)
        for n, r in zip(turn, recorded, strict=True):
            answers[n] = Taken(r, earning.foreseen(r)) if isinstance(r, Recorded) else r
    new = foresight.new_customers
    welcome = await welcome_coins(tx, workspace.id)
    return Rehearsed([answers[n] for n in range(len(reports))], new, new * welcome, len(triggers))


async def welcome_coins(tx: Reading, workspace_id: UUID) -> int:
    """What a new customer is given, at least, if the conditions of a welcome hold."""
    active = await store.reacting(tx, workspace_id)
    return sum(t.rule.coins_min for t in active if t.source == "customer_created")


async def take_orders(
    tx: Tx,
    workspace: Workspace,
    reports: Sequence[OrderReport],
    now: datetime,
    *,
    actor: str = "",
    correcting: Correcting = orders.AS_REPORTED,
) -> list[Taken | Refusal]:
    """Record each checked report, in order, and give what it earns by the active triggers that react to orders.

    An order earns once per trigger, when it first is as far as the trigger asks; why it earns nothing (yet) is kept
    when it is first reported, and when the reason changes. What an order loses takes back what it has earned. Lock
    order: new customers by customer_id and their wallets, then as `orders.record`, then wallets, then counters of
    budgets.
    """
    active = await store.reacting(tx, workspace.id)
    triggers = [t for t in active if t.source == "order"]
    answers: dict[int, Taken | Refusal] = {}
    for turn in _turns(reports):
        earning = Earning(tx, workspace, triggers, now, actor=actor)
        recorded = await orders.record(
            tx,
            workspace,
            [reports[n] for n in turn],
            now,
            ensuring=partial(ensure, triggers=active, actor=actor),
            earn=earning.earn,
            pay=partial(checkout.settle_orders, tx, workspace, now=now),
            settle=earning.settle,
            available=partial(ledger.available, tx, workspace, now=now),
            correcting=correcting,
        )
        taken = [r for r in recorded if isinstance(r, Recorded)]
        await undo(tx, workspace, [r for r in taken if r.change == "updated"], now, actor=actor)
        changed = [r.order for r in taken if r.change in ("created", "updated")]
        await rewards.settle_orders(tx, workspace, changed, now)
        await reminders.plan_asks(tx, workspace, taken, now)
        await referrals.settle_orders(tx, workspace, changed, now)
        firings = iter(await earning.give(tx, taken))
        for n, answer in zip(turn, recorded, strict=True):
            answers[n] = Taken(answer, next(firings)) if isinstance(answer, Recorded) else answer
    return [answers[n] for n in range(len(reports))]


def _turns(reports: Iterable[OrderReport]) -> list[list[int]]:
    """The positions of the reports, cut so that no order is reported twice in one turn."""
    turns: list[list[int]] = []
    seen: set[tuple[str, str]] = set()
    for position, report in enumerate(reports):
        name = (report.source, report.reference_id)
        if not turns or name in seen:
            turns.append([])
            seen = set()
        turns[-1].append(position)
        seen.add(name)
    return turns
