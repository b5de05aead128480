"""Record what was reported: set-based, whatever the number of reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from regulars import customers, events
from regulars.activity import store
from regulars.activity.model import REPORTED, Order, OrderReport, Recorded, same
from regulars.activity.wire import order_event
from regulars.customers import Customer, Ensured, Spending
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.kit.ids import new_id
from regulars.tenancy import Workspace

Earn = Callable[[Sequence[Recorded]], Awaitable[Sequence[int]]]
"""How many coins each of these changes earns, beyond what the order earned before. It is asked about every order as if
it were new, since only writing it tells, and once more, of those that changed, with the order as it was kept."""


async def record(
    tx: Tx, workspace: Workspace, reports: Sequence[OrderReport], now: datetime, *, earn: Earn
) -> list[Recorded | Refusal]:
    """Record checked reports; unknown customers are created. An order stays with the customer it was first
    reported for.

    No order may be reported twice in one call. Lock order: new customers by customer_id, orders by (source,
    reference_id), customers by id.
    """
    ensured = await customers.ensure(tx, workspace, [report.customer for report in reports], now)
    people = {a.customer.id: a.customer for a in ensured.values() if isinstance(a, Ensured)}
    takeable: list[tuple[OrderReport, Customer]] = []
    for report in reports:
        answer = ensured[report.customer.customer_id]
        if isinstance(answer, Ensured):
            takeable.append((report, answer.customer))
    recorded = await _upsert(tx, workspace, takeable, now, earn)
    people |= await customers.count_spending(tx, workspace.id, _spending(workspace, recorded.values()))
    told = {name: r for name, r in recorded.items() if r.change in ("created", "updated")}
    others = {r.order.customer_id for r in told.values()} - people.keys()
    if others:
        people |= await customers.by_ids(tx, workspace.id, sorted(others))
    coins = await store.coins_of_customers(tx, workspace.id, sorted({r.order.customer_id for r in told.values()}))
    business = events.business(workspace)
    announced = {
        name: order_event(business, people[r.order.customer_id], coins.get(r.order.customer_id, 0), r)
        for name, r in told.items()
    }
    await events.append(tx, workspace.id, list(announced.values()), now)
    recorded |= {name: msgspec.structs.replace(told[name], event_id=event.id) for name, event in announced.items()}
    refused = {customer_id: answer for customer_id, answer in ensured.items() if isinstance(answer, Refusal)}
    return [
        refused.get(report.customer.customer_id) or recorded[report.source, report.reference_id] for report in reports
    ]


async def _upsert(
    tx: Tx, workspace: Workspace, reports: Sequence[tuple[OrderReport, Customer]], now: datetime, earn: Earn
) -> dict[tuple[str, str], Recorded]:
    orders = [_new_order(report, customer, now) for report, customer in reports]
    coins = await earn([Recorded(order, "created") for order in orders])
    new = {(order.source, order.reference_id): _rewarded(order, n) for order, n in zip(orders, coins, strict=True)}
    created = await store.insert_orders(tx, workspace.id, list(new.values()), now)
    recorded = {name: Recorded(order, "created") for name, order in new.items() if order.id in created}
    kept = await store.lock_orders(tx, workspace.id, [name for name in new if name not in recorded])
    for report, _ in reports:
        name = (report.source, report.reference_id)
        if name in kept:
            recorded[name] = _compare(kept[name], report, now)
    updated = {name: r for name, r in recorded.items() if r.change == "updated"}
    if updated:
        coins = await earn(list(updated.values()))
        for (name, r), n in zip(updated.items(), coins, strict=True):
            recorded[name] = msgspec.structs.replace(r, order=_rewarded(r.order, n))
        await store.update_orders(tx, workspace.id, [recorded[name].order for name in updated], now)
    confirmed = [r.order for r in recorded.values() if r.before and r.order.source_version > r.before.source_version]
    confirmed = [order for order in confirmed if (order.source, order.reference_id) not in updated]
    if confirmed:
        await store.confirm_orders(tx, workspace.id, confirmed)
    return recorded


def _rewarded(order: Order, coins: int) -> Order:
    """What was given for an order stays given when it changes; taking back is a reversal of its own."""
    return msgspec.structs.replace(order, coins_rewarded=order.coins_rewarded + coins) if coins else order


def _new_order(report: OrderReport, customer: Customer, now: datetime) -> Order:
    return Order(
        id=new_id(),
        source=report.source,
        reference_id=report.reference_id,
        customer_id=customer.id,
        coins_rewarded=0,
        coins_spent=0,
        source_version=report.source_version,
        created_at=now,
        updated_at=now,
        **{field: getattr(report, field) for field in REPORTED},
    )


def _compare(kept: Order, report: OrderReport, now: datetime) -> Recorded:
    if report.source_version < kept.source_version:
        return Recorded(kept, "stale", kept)
    if same(kept, report):
        # That it still is so at that time counts against reports which are older, and come later.
        return Recorded(msgspec.structs.replace(kept, source_version=report.source_version), "unchanged", kept)
    order = msgspec.structs.replace(
        kept,
        **{field: getattr(report, field) for field in REPORTED},
        source_version=report.source_version,
        updated_at=now,
    )
    return Recorded(order, "updated", kept)


def _spending(workspace: Workspace, recorded: Iterable[Recorded]) -> list[Spending]:
    """What the customers' totals change by: orders in the shop's currency that were not cancelled."""
    changes = []
    for r in recorded:
        amount = _counted(workspace, r.order) - (_counted(workspace, r.before) if r.before else 0)
        count = 1 if r.change == "created" else 0
        if amount or count:
            changes.append(Spending(r.order.customer_id, amount, count, r.order.placed_at))
    return changes


def _counted(workspace: Workspace, order: Order) -> int:
    counts = order.currency_code == workspace.currency_code and order.status != "cancelled"
    return order.amount_minor if counts else 0
