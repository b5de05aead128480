"""What a trigger gives some days later: promised when it was decided, given when its day has come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import ledger, orders, rewards
from regulars.kit import Tx
from regulars.ledger import Outcome, Posted
from regulars.orders import Order
from regulars.rewards import Issued
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.guards import basis_of
from regulars.triggers.model import Behind, Coins, Effect, Firing, OneCoupon, OneMessage, posted_refusal, send_letters
from regulars.triggers.rule import Rule
from regulars.triggers.tallies import Tally

GIVE = "triggers.give"


class Promise(msgspec.Struct, frozen=True):
    """All that it takes to keep it, also when the firing itself is not kept any more."""

    firing: Firing
    effect: Effect
    behind: Behind

    def due(self) -> Due:
        assert self.firing.due_at is not None
        payload: dict[str, Any] = msgspec.to_builtins(self)
        return Due(GIVE, str(self.firing.id), self.firing.due_at, payload)


async def give(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """Keep the promises that are due. Of what an order has lost meanwhile nothing is given.

    Lock order: orders by (source, reference_id), wallets by (customer, kind).
    """
    promises = [msgspec.convert(due.payload, Promise) for due in dues]
    rules = await store.rules(tx, workspace.id, {(p.firing.trigger_id, p.firing.trigger_version) for p in promises})
    placed = await _placed(tx, workspace, promises)
    amounts = [_amount(p.firing, rules, placed, workspace) for p in promises]
    giving = [(p, amount) for p, amount in zip(promises, amounts, strict=True) if amount]
    entries = [_entry(p, amount, now) for p, amount in giving]
    outcomes: Sequence[Outcome | Issued] = await ledger.post(tx, workspace, entries, now)
    came = {p.firing.id: outcome for (p, _), outcome in zip(giving, outcomes, strict=True)}
    offering = [p for p in promises if isinstance(p.effect, OneCoupon) and not _is_void(p, placed)]
    asks = [p.behind.ask(p.effect) for p in offering if isinstance(p.effect, OneCoupon)]
    issued = await rewards.issue(tx, workspace, asks, now) if asks else []
    came |= {p.firing.id: outcome for p, outcome in zip(offering, issued, strict=True)}
    writing = [p for p in promises if isinstance(p.effect, OneMessage) and not _is_void(p, placed)]
    letters = [p.behind.letter(p.effect) for p in writing if isinstance(p.effect, OneMessage)]
    sent = zip(writing, await send_letters(tx, workspace, letters, now), strict=True)
    came |= {p.firing.id: no for p, no in sent if no is not None}
    tally, rewarded, settled = Tally(workspace), dict[UUID, int](), list[Firing]()
    for promise, amount in zip(promises, amounts, strict=True):
        firing = _settled(promise, amount, came.get(promise.firing.id), _is_void(promise, placed))
        settled.append(firing)
        if firing.state == "refused":
            uncount(tally, rules, promise.firing)
        elif firing.order_id in placed and amount:
            rewarded[firing.order_id] = rewarded.get(firing.order_id, 0) + amount
    await store.settle_firings(tx, workspace.id, settled)
    tally.write(tx)
    if rewarded:
        await orders.reward_orders(tx, workspace.id, rewarded)


def uncount(tally: Tally, rules: Mapping[tuple[UUID, int], Rule], firing: Firing) -> None:
    """It was counted when it was decided, and is not given, or not for good."""
    rule = rules[firing.trigger_id, firing.trigger_version]
    id, at = firing.trigger_id, firing.occurred_at or firing.fired_at
    keys = [*tally.customers_keys(id, rule, firing.customer_id, at), *tally.budgets_keys(id, rule, at)]
    tally.add(keys, granted=-1, coins=-firing.amount)


def kept_of(amount: int, earned_on: int, left: int) -> int:
    """What stays of coins that were given for so much money, when only `left` of it is: to the nearest coin."""
    lost = min(earned_on, max(0, earned_on - left))
    return amount - (amount * lost * 2 + earned_on) // (earned_on * 2) if lost else amount


async def _placed(tx: Tx, workspace: Workspace, promises: Sequence[Promise]) -> dict[UUID, Order]:
    """The orders that they are about, locked."""
    found = await orders.by_ids(tx, workspace.id, {id for p in promises if (id := p.firing.order_id)})
    return {order.id: order for order in await orders.lock_orders(tx, workspace.id, list(found.values()))}


def _amount(
    firing: Firing, rules: Mapping[tuple[UUID, int], Rule], placed: Mapping[UUID, Order], workspace: Workspace
) -> int:
    order = placed.get(firing.order_id) if firing.order_id else None
    if order is None:
        return firing.amount
    rule = rules[firing.trigger_id, firing.trigger_version]
    left = orders.eligible(order, basis_of(rule, workspace)).left_minor
    return kept_of(firing.amount, firing.earned_on, left)


def _entry(promise: Promise, amount: int, now: datetime) -> ledger.Entry:
    behind = promise.behind
    assert isinstance(promise.effect, Coins)
    behind = msgspec.structs.replace(behind, key=behind.key or f"firing:{behind.firing_id}")
    return behind.entry(msgspec.structs.replace(promise.effect, amount=amount), now)


def _is_void(promise: Promise, placed: Mapping[UUID, Order]) -> bool:
    order = placed.get(promise.firing.order_id) if promise.firing.order_id else None
    return order is not None and order.void


def _settled(promise: Promise, amount: int, outcome: Outcome | Issued | None, void: bool) -> Firing:
    firing = promise.firing
    if isinstance(outcome, Issued):
        return msgspec.structs.replace(firing, state="granted")
    if isinstance(outcome, Posted):
        return msgspec.structs.replace(firing, state="granted", txn_id=outcome.txn.id, amount=amount)
    if outcome is not None:
        return posted_refusal(firing, outcome)
    if firing.amount or isinstance(promise.effect, OneCoupon) or void:
        words = "The order was cancelled or paid back before its day came."
        return msgspec.structs.replace(firing, state="refused", reason="order_cancelled", explanation=words, amount=0)
    return msgspec.structs.replace(firing, state="granted")
