"""Take orders in and reward them: the reaction is part of the act, so an order is never without its coins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from regulars import activity, ledger
from regulars.activity import Order, OrderReport, Recorded
from regulars.kit.currency import units_of
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.kit.ids import new_id
from regulars.ledger import Entry, Posted
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.model import Firing, Trigger


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What came of a report: what it changed, and the firings it led to, granted or refused."""

    recorded: Recorded
    firings: list[Firing]


async def take_orders(
    tx: Tx, workspace: Workspace, reports: Sequence[OrderReport], now: datetime, *, actor: str = ""
) -> list[Taken | Refusal]:
    """Record each checked report, in order, and give what it earns by the active triggers that react to orders.

    An order earns once per trigger, when it first is as far as the trigger asks; why it earns nothing (yet) is kept
    when it is first reported, and when the reason changes. Lock order: as `activity.record`, then wallets.
    """
    triggers = [t for t in await store.all_triggers(tx, workspace.id) if t.source == "order" and t.active]
    answers: dict[int, Taken | Refusal] = {}
    for turn in _turns(reports):
        recorded = await activity.record(
            tx,
            workspace,
            [reports[n] for n in turn],
            now,
            coins_of=lambda order: sum(_earned(workspace, t, order) for t in triggers),
        )
        taken = await _reward(tx, workspace, triggers, [r for r in recorded if isinstance(r, Recorded)], now, actor)
        rewarded = iter(taken)
        for n, answer in zip(turn, recorded, strict=True):
            answers[n] = next(rewarded) if isinstance(answer, Recorded) else answer
    return [answers[n] for n in range(len(reports))]


async def _reward(
    tx: Tx, workspace: Workspace, triggers: Sequence[Trigger], recorded: Sequence[Recorded], now: datetime, actor: str
) -> list[Taken]:
    taken = [Taken(r, _decide(workspace, triggers, r, now)) for r in recorded]
    granted = [(t, f) for t in taken for f in t.firings if f.state == "granted"]
    named = {trigger.id: trigger for trigger in triggers}
    entries = [_entry(named[firing.trigger_id], t.recorded, firing, actor) for t, firing in granted]
    outcomes = await ledger.post(tx, workspace, entries, now)
    txn_of = {
        firing.id: outcome.txn.id
        for (_, firing), outcome in zip(granted, outcomes, strict=True)
        if isinstance(outcome, Posted)
    }
    taken = [Taken(t.recorded, [msgspec.structs.replace(f, txn_id=txn_of.get(f.id)) for f in t.firings]) for t in taken]
    firings = [firing for t in taken for firing in t.firings]
    if firings:
        await store.insert_firings(tx, workspace.id, firings)
    return taken


def _decide(workspace: Workspace, triggers: Sequence[Trigger], recorded: Recorded, now: datetime) -> list[Firing]:
    if recorded.change not in ("created", "updated"):
        return []
    firings = []
    for trigger in triggers:
        reason, explanation = refusal(workspace, trigger, recorded.order)
        before = refusal(workspace, trigger, recorded.before)[0] if recorded.before else None
        # An order that earned before has its coins; one that is refused for the same reason has been told.
        if before == reason or before == "":
            continue
        coins = _earned(workspace, trigger, recorded.order)
        firings.append(
            Firing(
                id=new_id(),
                trigger_id=trigger.id,
                trigger_version=trigger.version,
                customer_id=recorded.order.customer_id,
                state="refused" if reason else "granted",
                reason=reason,
                explanation=explanation,
                reference=f"order:{recorded.order.id}",
                txn_id=None,
                operation="cr",
                amount=coins,
                fired_at=now,
            )
        )
    return firings


def refusal(workspace: Workspace, trigger: Trigger, order: Order) -> tuple[str, str]:
    """Why the order earns nothing by this trigger as it stands, as (code, words); two empty texts when it earns."""
    symbol = workspace.currency_symbol
    if order.status == "cancelled" or order.financial_status in ("voided", "refunded"):
        return "order_cancelled", "The order was cancelled or paid back."
    if order.currency_code != workspace.currency_code:
        return "order_other_currency", f"The order is in {order.currency_code}, the shop's currency is another."
    if order.amount_minor == 0:
        return "order_amount_zero", f"The order's amount is {symbol}0."
    if order.amount_minor < units_of(order.currency_code):
        return "order_amount_below_unit", f"The order's amount is less than one whole {symbol}1."
    if trigger.rule.earn_when == "paid" and order.financial_status not in ("paid", "partially_refunded"):
        return "order_not_paid", "The order is not paid yet; it earns when it is."
    if trigger.rule.earn_when == "fulfilled" and order.delivery_status != "fulfilled":
        return "order_not_fulfilled", "The order is not fulfilled yet; it earns when it is."
    return "", ""


def _earned(workspace: Workspace, trigger: Trigger, order: Order) -> int:
    """n coins for each whole unit of currency."""
    if refusal(workspace, trigger, order)[0]:
        return 0
    return order.amount_minor // units_of(order.currency_code) * trigger.rule.coins_per_unit


def _entry(trigger: Trigger, recorded: Recorded, firing: Firing, actor: str) -> Entry:
    order = recorded.order
    return Entry(
        customer_id=order.customer_id,
        operation="cr",
        amount=firing.amount,
        type="reward",
        occurred_at=order.placed_at,
        title=trigger.rule.title or trigger.name,
        description=trigger.rule.description or f"Order {order.name or order.reference_id}",
        reference=firing.reference,
        trigger_id=trigger.id,
        trigger_version=trigger.version,
        actor=actor,
        key=f"order:{order.id}:{trigger.id}",
        firing_id=firing.id,
        cause_id=recorded.event_id,
        depth=1,
    )


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
