"""Record what was reported: set-based, whatever the number of reports."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import customers, events
from regulars.customers import Customer, Ensured, Ensuring, NewCustomer, Spending
from regulars.kit import Refusal, Tx, new_id
from regulars.orders import store
from regulars.orders.correcting import Correcting, corrected, misread
from regulars.orders.lines import Refund
from regulars.orders.merging import merged
from regulars.orders.model import REPORTED, SOMETIMES_SAID, VERSION, Order, OrderReport, Recorded, not_from_the_future
from regulars.orders.owners import impersonal, of_erased
from regulars.orders.wire import order_event
from regulars.tenancy import Workspace

Available = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, int]]]
"""How many coins each of these customers can spend."""

Earn = Callable[[Sequence[Recorded]], Awaitable[Sequence[int]]]
"""How many coins each of these changes earns, beyond what the order earned before. It is asked about every order as if
it were new, since only writing it tells, and once more, of those that changed, with the order as it was kept."""

Settle = Callable[[Sequence[Recorded]], Awaitable[Mapping[UUID, int]]]
"""How many coins changes earn besides, by the order's id, where that can only be told when they are written."""

Pay = Callable[[Sequence[Order]], Awaitable[Mapping[UUID, int]]]
"""How many coins are spent on each of these orders, by its id, where that is another number than it says."""

AS_REPORTED = Correcting()


async def record(
    tx: Tx,
    workspace: Workspace,
    reports: Sequence[OrderReport],
    now: datetime,
    *,
    ensuring: Ensuring,
    earn: Earn,
    pay: Pay,
    settle: Settle,
    available: Available,
    correcting: Correcting = AS_REPORTED,
) -> list[Recorded | Refusal]:
    """Record checked reports; unknown customers are created, by `ensuring`. An order stays with the customer it was
    first reported for. A report from the future is refused; of one that is ahead by less than limits.ORDER_AHEAD_S the
    version counts as now, so that no order is closed to what is reported next. An older one changes only what
    `correcting` says.

    No order may be reported twice in one call. Lock order: new customers by customer_id, orders by (source,
    reference_id), customers by id, and then what `pay` locks, and `settle`.
    """
    ahead = [not_from_the_future(report, now) for report in reports]
    known = [report for report, refused in zip(reports, ahead, strict=True) if refused is None]
    erased = await of_erased(tx, workspace.id, known)
    open_ = [report for report in known if (report.source, report.reference_id) not in erased]
    fit = [report.customer for report in open_ if report.unfit is None]
    unfit = {report.customer.customer_id: report.unfit for report in open_ if report.unfit is not None}
    ensured = await ensuring(tx, workspace, fit, now, unfit=unfit)
    people = {a.customer.id: a.customer for a in ensured.values() if isinstance(a, Ensured)}
    takeable: list[tuple[OrderReport, Customer]] = []
    for report in known:
        if owner := erased.get((report.source, report.reference_id)):
            takeable.append((impersonal(report), owner))
        elif isinstance(answer := ensured[report.customer.customer_id], Ensured):
            takeable.append((report, answer.customer))
    recorded = await _upsert(tx, workspace, takeable, now, earn, correcting)
    names = {c.id: r.customer.name for r, c in takeable if correcting.letters and misread(c.name, r.customer.name)}
    if names:
        have = await available(sorted(names))
        wanted = [customers.Change(id, {"name": name}, have[id]) for id, name in names.items()]
        renamed = await customers.change_all(tx, workspace, wanted, now)
        people |= {one.id: one for one in renamed if isinstance(one, Customer)}
    people |= await customers.count_spending(tx, workspace.id, _spending(recorded.values()))
    if spent := await pay([r.order for r in recorded.values() if r.change != "stale"]):
        await tx.execute(store.sql.spend_on_orders, workspace.id, list(spent), list(spent.values()))
        recorded = {name: _with_spent(r, spent.get(r.order.id)) for name, r in recorded.items()}
    told = {name: r for name, r in recorded.items() if r.change in ("created", "updated")}
    besides = await settle(list(told.values()))
    if besides:
        await store.reward_orders(tx, workspace.id, besides)
        told = {name: _with_coins(r, besides.get(r.order.id, 0)) for name, r in told.items()}
        recorded |= told
    others = {r.order.customer_id for r in told.values()} - people.keys()
    if others:
        people |= await customers.by_ids(tx, workspace.id, sorted(others))
    coins = await available(sorted({r.order.customer_id for r in told.values()}))
    business = events.business(workspace)
    announced = {
        name: order_event(business, people[r.order.customer_id], coins[r.order.customer_id], r)
        for name, r in told.items()
    }
    await events.append(tx, workspace.id, list(announced.values()), now)
    recorded |= {name: msgspec.structs.replace(told[name], event_id=event.id) for name, event in announced.items()}
    refused = {customer_id: answer for customer_id, answer in ensured.items() if isinstance(answer, Refusal)}
    return [
        no or recorded.get((report.source, report.reference_id)) or refused[report.customer.customer_id]
        for report, no in zip(reports, ahead, strict=True)
    ]


async def _upsert(
    tx: Tx,
    workspace: Workspace,
    reports: Sequence[tuple[OrderReport, Customer]],
    now: datetime,
    earn: Earn,
    correcting: Correcting,
) -> dict[tuple[str, str], Recorded]:
    orders = [new_order(report, customer.id, now) for report, customer in reports]
    coins = await earn([Recorded(order, "created") for order in orders])
    new = {(order.source, order.reference_id): _rewarded(order, n) for order, n in zip(orders, coins, strict=True)}
    created = await store.insert_orders(tx, workspace.id, list(new.values()), now)
    recorded = {name: Recorded(order, "created") for name, order in new.items() if order.id in created}
    kept = await store.named(tx, workspace.id, [name for name in new if name not in recorded], locked=True)
    for report, _ in reports:
        name = (report.source, report.reference_id)
        if name in kept:
            recorded[name] = compare(kept[name], report, now, correcting)
    updated = {name: r for name, r in recorded.items() if r.change == "updated"}
    if updated:
        coins = await earn(list(updated.values()))
        for (name, r), n in zip(updated.items(), coins, strict=True):
            recorded[name] = msgspec.structs.replace(r, order=_rewarded(r.order, n))
        await store.update_orders(tx, workspace.id, [recorded[name].order for name in updated], now)
    confirmed = [r.order for name, r in recorded.items() if r.before and name not in updated and r.order != r.before]
    if confirmed:
        # Newer versions of orders that are otherwise as they were.
        columns = [[getattr(order, field) for order in confirmed] for field in ("id", *VERSION)]
        await tx.execute(store.sql.confirm_orders, workspace.id, *columns, [store.more_of(one) for one in confirmed])
    return recorded


def _rewarded(order: Order, coins: int) -> Order:
    """What was given for an order stays given when it changes; taking back is a reversal of its own."""
    return msgspec.structs.replace(order, coins_rewarded=order.coins_rewarded + coins) if coins else order


def _with_coins(recorded: Recorded, coins: int) -> Recorded:
    return msgspec.structs.replace(recorded, order=_rewarded(recorded.order, coins))


def _with_spent(recorded: Recorded, coins: int | None) -> Recorded:
    if coins is None:
        return recorded
    return msgspec.structs.replace(recorded, order=msgspec.structs.replace(recorded.order, coins_spent=coins))


def new_order(report: OrderReport, customer_id: UUID, now: datetime) -> Order:
    return Order(
        id=new_id(),
        source=report.source,
        reference_id=report.reference_id,
        customer_id=customer_id,
        coins_rewarded=0,
        coins_spent=0,
        created_at=now,
        updated_at=now,
        **_version(report, None, now),
        **{field: getattr(report, field) for field in (*REPORTED, *SOMETIMES_SAID)},
    )


def compare(kept: Order, report: OrderReport, now: datetime, correcting: Correcting) -> Recorded:
    version = _version(report, kept, now)
    late = version["source_version"] < kept.source_version
    changes = merged(kept, report, version["source_version"])
    if not late:
        # That it still is so at that time counts against reports which are older, and come later.
        changes |= version
    elif correcting.replace:
        changes |= corrected(kept, report, correcting.facts)
    order = msgspec.structs.replace(kept, **changes)
    if all(getattr(order, field) == getattr(kept, field) for field in (*REPORTED, *SOMETIMES_SAID)):
        return Recorded(order, "stale" if late else "unchanged", kept)
    return Recorded(msgspec.structs.replace(order, updated_at=now), "updated", kept)


def _version(report: OrderReport, kept: Order | None, now: datetime) -> dict[str, Any]:
    said = report.source_version
    ahead = (kept.ahead_version, kept.ahead_seen_at) if kept else (None, None)
    if said > now and said != ahead[0]:
        ahead = (said, now)
    counts = ahead[1] if said == ahead[0] else said
    return dict(zip(VERSION, (counts, *ahead), strict=True))


def _spending(recorded: Iterable[Recorded]) -> list[Spending]:
    """What the customers' totals change by, each order in its own currency."""
    changes = []
    for r in recorded:
        if r.change == "created":
            changes.append(_spent(r.order, 1, 1))
        elif r.before and (r.before.kept_minor, r.before.currency_code) != (r.order.kept_minor, r.order.currency_code):
            changes += [_spent(r.before, -1, 0), _spent(r.order, 1, 0)]
    return changes


def _spent(order: Order, sign: int, count: int) -> Spending:
    """Money that was not spent, or was given back, does not count."""
    return Spending(order.customer_id, order.currency_code, sign * order.kept_minor, count, order.placed_at)


def refund_report(order: Order, customer_id: str, refund: Refund) -> OrderReport:
    """A refund that its source tells of alone, as a report of the order as it is kept. It counts as said when the order
    was placed, so nothing that was said since is undone by it."""
    return OrderReport(source_version=order.placed_at, refunds=(refund,), **_kept(order, customer_id))


def cancellation_report(order: Order, customer_id: str, at: datetime) -> OrderReport:
    """As much of an order that is gone at its source, which says no more of it than that: it was cancelled then."""
    return OrderReport(
        **_kept(order, customer_id) | {"source_version": max(order.source_version, at), "status": "cancelled"}
    )


def _kept(order: Order, customer_id: str) -> dict[str, Any]:
    kept = {field: getattr(order, field) for field in ("source", "reference_id", *REPORTED)}
    return {"customer": NewCustomer(customer_id), **kept}
