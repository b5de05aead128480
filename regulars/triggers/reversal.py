"""Undo what an order led to, as far as the order itself is undone: cancelled, or paid back in part or whole.

All that an order sets off in this room and those below it is undone here, in one list (`UNDOES`), in the transaction
that records the change. What was spent on the order is given back beside it, by the checkout.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import ledger, orders, schedule
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.ledger import Reversal
from regulars.orders import Order, Recorded
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.guards import basis_of
from regulars.triggers.model import Firing
from regulars.triggers.rule import Rule
from regulars.triggers.tallies import Tally
from regulars.triggers.waiting import GIVE, kept_of

Rules = Mapping[tuple[UUID, int], Rule]


async def undo(tx: Tx, workspace: Workspace, changed: Sequence[Recorded], now: datetime, *, actor: str = "") -> None:
    """Of orders that are locked: take back what they have earned beyond what they earn by now. Told again it comes to
    the same. Lock order: wallets by (customer, kind), counters."""
    lowered = [recorded for recorded in changed if recorded.lowered]
    if lowered:
        for undoes in UNDOES:
            await undoes(tx, workspace, lowered, now, actor)


async def _rewards(tx: Tx, workspace: Workspace, lowered: Sequence[Recorded], now: datetime, actor: str) -> None:
    """Coins go back in the proportion in which the money does that they were given for, by the rule that gave them; one
    that is taken back whole, or is still to be given, is no reward any more and frees its place."""
    placed = {r.order.id: r for r in lowered}
    about = [(r.order.customer_id, f"order:{r.order.id}") for r in lowered]
    firings = await store.firings_about(tx, workspace.id, about)
    rules = await store.rules(tx, workspace.id, {(f.trigger_id, f.trigger_version) for f in firings})
    kept = {f.id: _kept(f, rules, placed, workspace) for f in firings}
    taking = [f for f in firings if f.state == "granted" and f.txn_id and f.operation == "cr" and kept[f.id] < f.amount]
    reversals = [_reversal(f, kept[f.id], placed, actor, now) for f in taking]
    for outcome in await ledger.claw_back(tx, workspace, reversals, now) if reversals else []:
        if isinstance(outcome, Refusal):
            raise outcome
    whole = [f for f in taking if not kept[f.id]]
    whole += [f for f in firings if f.state == "waiting" and f.amount and not kept[f.id]]
    uncounted = [f for f in firings if f.activities and f.order_id and placed[f.order_id].order.void]
    await _settle(tx, workspace, whole, uncounted, rules)


def _kept(firing: Firing, rules: Rules, placed: Mapping[UUID, Recorded], workspace: Workspace) -> int:
    """How many of its coins stay."""
    assert firing.order_id is not None
    rule, order = rules[firing.trigger_id, firing.trigger_version], placed[firing.order_id].order
    return kept_of(firing.amount, firing.earned_on, orders.eligible(order, basis_of(rule, workspace)).left_minor)


def _reversal(firing: Firing, kept: int, placed: Mapping[UUID, Recorded], actor: str, now: datetime) -> Reversal:
    assert firing.order_id is not None
    assert firing.txn_id is not None
    recorded = placed[firing.order_id]
    return Reversal(
        txn_id=firing.txn_id,
        target=firing.amount - kept,
        occurred_at=now,
        title=_why(recorded.order),
        description=f"Order {recorded.order.name or recorded.order.reference_id}",
        reference=firing.reference,
        order_name=recorded.order.name or recorded.order.reference_id,
        trigger_id=firing.trigger_id,
        trigger_version=firing.trigger_version,
        actor=actor,
        firing_id=firing.id,
        cause_id=recorded.event_id,
        depth=1 if recorded.event_id else 0,
    )


def _why(order: Order) -> str:
    return "Order cancelled" if order.status == "cancelled" else "Order refunded"


async def _settle(
    tx: Tx, workspace: Workspace, whole: Sequence[Firing], uncounted: Sequence[Firing], rules: Rules
) -> None:
    """What is taken back whole is reversed; what a void order added to activities is taken off again, once."""
    tally = Tally(workspace)
    settled = {f.id: f for f in (*whole, *uncounted)}
    for firing in settled.values():
        rule, at = rules[firing.trigger_id, firing.trigger_version], firing.occurred_at or firing.fired_at
        if not rule.frees_place:
            continue
        keys = tally.customers_keys(firing.trigger_id, rule, firing.customer_id, at)
        budgets = tally.budgets_keys(firing.trigger_id, rule, at)
        if firing in uncounted:
            tally.add(keys, activities=-firing.activities, amount=-firing.counted)
            settled[firing.id] = msgspec.structs.replace(settled[firing.id], activities=0, counted=0)
        if firing in whole:
            tally.add([*keys, *budgets], granted=-1, coins=-firing.amount)
    for firing in whole:
        settled[firing.id] = msgspec.structs.replace(settled[firing.id], state="reversed")
    if settled:
        await store.settle_firings(tx, workspace.id, list(settled.values()))
        await schedule.drop(tx, workspace.id, GIVE, [str(f.id) for f in whole if f.state == "waiting"])
        tally.write(tx)


Undoes = Callable[[Tx, Workspace, Sequence[Recorded], datetime, str], Awaitable[None]]

UNDOES: tuple[Undoes, ...] = (_rewards,)
"""Each is handed orders of which less is left than before, as they were and as they are. What tiers, referrals and
coupons have from an order is undone by a line of theirs here."""
