"""Undo what an order led to, as far as the order itself is undone: cancelled, or paid back in part or whole; and redo
it, as far as that is withdrawn.

All that an order sets off in this room and those below it is undone here, in one list (`UNDOES`), in the transaction
that records the change. What was spent on the order is given back beside it, by the checkout.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import ledger, orders, referrals, rewards, schedule
from regulars.kit import Tx
from regulars.ledger import Reversal
from regulars.orders import Order, Recorded
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.guards import basis_of
from regulars.triggers.model import Firing, coupon_key
from regulars.triggers.rule import Rule
from regulars.triggers.tallies import Tally
from regulars.triggers.waiting import GIVE, kept_of

Rules = Mapping[tuple[UUID, int], Rule]


async def undo(tx: Tx, workspace: Workspace, changed: Sequence[Recorded], now: datetime, *, actor: str = "") -> None:
    """Of orders that are locked: take back what they have earned beyond what they earn by now, and give again what was
    taken beyond that. Told again it comes to the same. Lock order: wallets by (customer, kind), counters."""
    revalued = [recorded for recorded in changed if recorded.revalued]
    if revalued:
        for undoes in UNDOES:
            await undoes(tx, workspace, revalued, now, actor)


async def _rewards(tx: Tx, workspace: Workspace, revalued: Sequence[Recorded], now: datetime, actor: str) -> None:
    """Coins go back in the proportion in which the money does that they were given for, by the rule that gave them, and
    come again as it does. What is taken back whole, or is still to be given, is no reward any more and frees its place;
    when it comes again it takes one, whatever the limits say by then."""
    placed = {r.order.id: r for r in revalued}
    about = [(r.order.customer_id, f"order:{r.order.id}") for r in revalued]
    firings = await store.firings_about(tx, workspace.id, about)
    rules = await store.rules(tx, workspace.id, {(f.trigger_id, f.trigger_version) for f in firings})
    before = {r.order.id: r.before or r.order for r in revalued}
    kept = {f.id: _kept(f, rules, {r.order.id: r.order for r in revalued}, workspace) for f in firings}
    given = [f for f in firings if f.state in ("granted", "reversed") and f.txn_id and f.operation == "cr"]
    moved = [f for f in given if min(kept[f.id], _kept(f, rules, before, workspace)) < f.amount]
    reversals = [_reversal(f, kept[f.id], placed, actor, now) for f in moved]
    await ledger.reverse(ledger.claw_back, tx, workspace, reversals, now)
    whole = [f for f in given if f.state == "granted" and not kept[f.id]]
    whole += [f for f in firings if f.state == "waiting" and f.amount and not kept[f.id]]
    again = [f for f in given if f.state == "reversed" and kept[f.id]]
    # What waited when its order became void is decided anew, not counted again.
    stands = [f for f in firings if f.order_id and (f.activities > 0 or f.txn_id or f.state != "reversed")]
    uncounted = [f for f in stands if f.order_id and f.activities * (1 if placed[f.order_id].order.void else -1) > 0]
    tally, settled = Tally(workspace), {f.id: f for f in (*whole, *again, *uncounted)}
    for firing in settled.values():
        settled[firing.id] = settled_firing(tally, rules, firing, firing in (*whole, *again), firing in uncounted)
    await settle(tx, workspace, tally, list(settled.values()), whole)


async def settle(tx: Tx, workspace: Workspace, tally: Tally, settled: Sequence[Firing], were: Sequence[Firing]) -> None:
    """Keep what became of firings, and what is counted; what waited is given no more."""
    if settled:
        await store.settle_firings(tx, workspace.id, settled)
        await schedule.drop(tx, workspace.id, GIVE, [str(one.id) for one in were if one.state == "waiting"])
        tally.write(tx)


def _kept(firing: Firing, rules: Rules, placed: Mapping[UUID, Order], workspace: Workspace) -> int:
    """How many of its coins stay."""
    assert firing.order_id is not None
    rule, order = rules[firing.trigger_id, firing.trigger_version], placed[firing.order_id]
    return kept_of(firing.amount, firing.earned_on, orders.eligible(order, basis_of(rule, workspace)).left_minor)


def _reversal(firing: Firing, kept: int, placed: Mapping[UUID, Recorded], actor: str, now: datetime) -> Reversal:
    assert firing.order_id is not None
    recorded = placed[firing.order_id]
    name = recorded.order.name or recorded.order.reference_id
    words = {"title": _why(recorded), "description": f"Order {name}", "order_name": name}
    return reversal_of(firing, firing.amount - kept, recorded.event_id, now, actor, **words)


def reversal_of(firing: Firing, target: int, told: UUID | None, now: datetime, actor: str, **words: Any) -> Reversal:
    """So many of its coins are to be taken back in all; `told` is the event that led to it."""
    assert firing.txn_id is not None
    return Reversal(
        txn_id=firing.txn_id,
        target=target,
        occurred_at=now,
        reference=firing.reference,
        trigger_id=firing.trigger_id,
        trigger_version=firing.trigger_version,
        actor=actor,
        firing_id=firing.id,
        cause_id=told,
        depth=1 if told else 0,
        **words,
    )


def _why(recorded: Recorded) -> str:
    order, before = recorded.order, recorded.before
    if before and order.kept_minor > before.kept_minor:
        return "Cancellation withdrawn" if before.status == "cancelled" else "Refund withdrawn"
    return "Order cancelled" if order.status == "cancelled" else "Order refunded"


def settled_firing(tally: Tally, rules: Rules, firing: Firing, place: bool, activity: bool) -> Firing:
    """What is taken back whole is reversed, and frees its `place`; what a void order added to activities is taken off
    again, and kept below zero. Or the other way round, where it was so."""
    rule, at = rules[firing.trigger_id, firing.trigger_version], firing.occurred_at or firing.fired_at
    anew = firing.state == "reversed"
    after = msgspec.structs.replace(firing, state="granted" if anew else "reversed") if place else firing
    if not rule.frees_place:
        return after
    keys = tally.customers_keys(firing.trigger_id, rule, firing.customer_id, at)
    if activity:
        tally.add(keys, activities=-firing.activities, amount=-firing.counted)
        after = msgspec.structs.replace(after, activities=-firing.activities, counted=-firing.counted)
    if place:
        sign = 1 if anew else -1
        budgets = tally.budgets_keys(firing.trigger_id, rule, at)
        tally.add([*keys, *budgets], granted=sign, coins=sign * firing.amount)
    return after


async def _coupons(tx: Tx, workspace: Workspace, revalued: Sequence[Recorded], now: datetime, actor: str) -> None:
    """A coupon that was given for an order which counts for nothing any more is cancelled, unless it was used."""
    void = [r.order for r in revalued if r.order.void and not (r.before and r.before.void)]
    if not void:
        return
    firings = await store.firings_about(tx, workspace.id, [(one.customer_id, f"order:{one.id}") for one in void])
    await cancel_coupons(tx, workspace, firings, now, actor)


async def cancel_coupons(tx: Tx, workspace: Workspace, firings: Sequence[Firing], now: datetime, actor: str) -> None:
    """Of these firings what they gave, or are to give, unless it was used."""
    rules = await store.rules(tx, workspace.id, {(f.trigger_id, f.trigger_version) for f in firings})
    given = [
        f for f in firings if rules[f.trigger_id, f.trigger_version].offer_id and f.state in ("granted", "waiting")
    ]
    keys = {coupon_key(f.reference, f.trigger_id, f.id): f for f in given if f.state == "granted"}
    cancelled = await rewards.cancel_issued(tx, workspace, list(keys), now, actor=actor)
    over = [f for f in given if f.state == "waiting" or coupon_key(f.reference, f.trigger_id, f.id) in cancelled]
    tally = Tally(workspace)
    settled = [settled_firing(tally, rules, firing, True, False) for firing in over]
    await settle(tx, workspace, tally, settled, over)


Undoes = Callable[[Tx, Workspace, Sequence[Recorded], datetime, str], Awaitable[None]]

UNDOES: tuple[Undoes, ...] = (_rewards, _coupons, referrals.undo)
"""Each is handed orders of which less or more is left than before, as they were and as they are. Tiers
follow the log."""
