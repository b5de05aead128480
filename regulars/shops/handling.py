"""Hooks are acted on, many in one transaction: read, recorded, and each told in words what came of it.

Locks: the hooks by their ids; then, for those of orders, as `triggers.take_orders`, for those of persons, customers one
after the other in the order of their ids at the platform. The two are never done in one transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import customers, limits, orders, schedule, triggers
from regulars.kit import Refusal, Tx, counted
from regulars.orders import Order, OrderReport, Recorded
from regulars.schedule import Due
from regulars.shops import persons, store
from regulars.shops.intake import kind_of
from regulars.shops.model import (
    CustomerSaid,
    Nothing,
    OrderGone,
    OrderSaid,
    PrivacyAsked,
    RefundSaid,
    Said,
    Settled,
    Source,
    Unreadable,
)
from regulars.shops.platforms import PLATFORMS
from regulars.shops.store import sql
from regulars.tenancy import Workspace
from regulars.triggers import Taken, granted_coins


class Came(msgspec.Struct, frozen=True, gc=False):
    """A hook that is to be handled."""

    id: UUID
    source_id: UUID
    topic: str
    reference: str
    body: bytes
    received_at: datetime


async def handle(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """The handler of both kinds of hooks. What can't be read or is refused is kept with why."""
    came = await tx.all(Came, sql.take_hooks, workspace.id, sorted(UUID(due.key) for due in dues))
    named = list({hook.source_id for hook in came})
    sources = {source.id: source for source in await tx.all(Source, sql.sources_by_ids, workspace.id, named)}
    again = await _came_before(tx, workspace.id, came)
    settled = {hook.id: Settled("ignored", "It came before, and was taken then.") for hook in came if hook.id in again}
    if again:
        await tx.execute(sql.empty_again, workspace.id, list(again))
    said: dict[UUID, Said] = {}
    for hook in came:
        if hook.id not in settled:
            try:
                said[hook.id] = read(hook.topic, hook.body, sources[hook.source_id])
            except Refusal as refusal:
                settled[hook.id] = Settled("failed", refusal.message)
    settled |= {id: Settled("ignored", one.words, one) for id, one in said.items() if isinstance(one, Nothing)}
    of = {hook.id: sources[hook.source_id] for hook in came}
    settled |= await _take_orders(tx, workspace, said, now)
    settled |= await _take_changes(tx, workspace, {hook.id: hook for hook in came}, of, said, now)
    people = {id: one for id, one in said.items() if isinstance(one, CustomerSaid | PrivacyAsked)}
    settled |= await persons.take(tx, workspace, of, people, now)
    await store.settle(tx, workspace.id, settled, now)
    if gone := [one.customer_id for one in settled.values() if one.customer_id and one.outcome == persons.ERASED]:
        await store.forget(tx, workspace.id, gone)  # what asked for it says who it was, too
    await _wake(tx, workspace.id, came, said, settled, now)


def read(topic: str, body: bytes, source: Source) -> Said:
    """What a hook says. Raises Refusal."""
    platform = PLATFORMS.get(source.platform)
    if platform is None:
        raise Unreadable(f"This version of Regulars does not know the platform {source.platform}.")
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        words = (
            "The body is no JSON." if body else "It has no body: none came, or the person that it told of was erased."
        )
        raise Unreadable(words) from None
    if not isinstance(parsed, dict):
        raise Unreadable("The body is no JSON object.")
    return platform.read(topic, parsed, source)


async def _came_before(tx: Tx, workspace_id: UUID, came: Sequence[Came]) -> set[UUID]:
    known = [hook for hook in came if hook.reference]
    if not known:
        return set()
    columns = [[hook.id for hook in known], [hook.source_id for hook in known], [hook.reference for hook in known]]
    return {row["id"] for row in await tx.fetch(sql.came_before, workspace_id, *columns)}


async def _take_orders(tx: Tx, workspace: Workspace, said: dict[UUID, Said], now: datetime) -> dict[UUID, Settled]:
    """Whole orders, as they stood when they were sent."""
    told = {id: one for id, one in said.items() if isinstance(one, OrderSaid)}
    known = await customers.by_emails(tx, workspace.id, [one.email for one in told.values() if one.email])
    reports = []
    for one in told.values():
        guest = known.get(one.email)
        details = msgspec.structs.replace(one.report.customer, customer_id=guest.customer_id) if guest else None
        reports.append(msgspec.structs.replace(one.report, customer=details) if details else one.report)
    answers = await triggers.take_orders(tx, workspace, reports, now, actor="shops") if reports else []
    return {
        id: _outcome(workspace, one, report, answer)
        for (id, one), report, answer in zip(told.items(), reports, answers, strict=True)
    }


async def _take_changes(
    tx: Tx, workspace: Workspace, came: dict[UUID, Came], of: dict[UUID, Source], said: dict[UUID, Said], now: datetime
) -> dict[UUID, Settled]:
    """What is told of an order without the order itself: it is laid over the order as it is kept; where that is not
    known yet, it waits."""
    told = {id: one for id, one in said.items() if isinstance(one, RefundSaid | OrderGone)}
    if not told:
        return {}
    settled: dict[UUID, Settled] = {}
    names = {id: (of[id].slug, one.reference_id) for id, one in told.items()}
    kept = await orders.find_named(tx, workspace.id, list(set(names.values())))
    people = await customers.by_ids(tx, workspace.id, list({order.customer_id for order in kept.values()}))
    reports: dict[UUID, OrderReport] = {}
    for id, one in told.items():
        order = kept.get(names[id])
        if order is None:
            settled[id] = Settled("waiting", "Its order has not come yet. It is taken up when that does.", one)
            continue
        try:
            reports[id] = _changed(order, people[order.customer_id].customer_id, one, came[id].received_at)
        except Refusal as refusal:
            settled[id] = Settled("failed", refusal.message, one)
    answers = await triggers.take_orders(tx, workspace, list(reports.values()), now, actor="shops") if reports else []
    for (id, report), answer in zip(reports.items(), answers, strict=True):
        settled[id] = _outcome(workspace, told[id], report, answer)
    return settled


def _changed(order: Order, customer_id: str, said: RefundSaid | OrderGone, received_at: datetime) -> OrderReport:
    """The order as it is kept, with this change. Raises Refusal."""
    if isinstance(said, OrderGone):
        return orders.cancellation_report(order, customer_id, received_at)
    return orders.check(orders.refund_report(order, customer_id, said.of(order.currency_code)))


def _outcome(workspace: Workspace, said: Said, report: OrderReport, answer: Taken | Refusal) -> Settled:
    if isinstance(answer, Refusal):
        return Settled("failed", answer.message, said)
    order = answer.recorded.order
    words = [_changes(answer.recorded), *_earned(workspace, answer)]
    if report.unfit is not None:
        words.append(f"Left out of the customer's details: {', '.join(report.unfit.fields)}.")
    return Settled("done", " ".join(words), said, order_id=order.id, customer_id=order.customer_id)


def _changes(recorded: Recorded) -> str:
    name = f"Order {recorded.order.name or recorded.order.reference_id}"
    return {
        "created": f"{name} was recorded.",
        "updated": f"{name} was brought up to date.",
        "unchanged": f"{name} is known as it is said to be: nothing was to be done.",
        "stale": f"{name} is known in a newer state: nothing was changed.",
    }[recorded.change]


def _earned(workspace: Workspace, taken: Taken) -> list[str]:
    if coins := granted_coins(taken.firings):
        return [f"It earned {counted(coins, workspace.coin_name)}."]
    refused = [firing.explanation for firing in taken.firings if firing.state == "refused"]
    return [f"It earned nothing: {refused[0]}"] if refused else []


async def _wake(
    tx: Tx,
    workspace_id: UUID,
    came: Sequence[Came],
    said: dict[UUID, Said],
    settled: dict[UUID, Settled],
    now: datetime,
) -> None:
    """Hooks that waited for one of these orders, and those that wait from now on: an order may be on its way in another
    transaction, so they look for it themselves too, the less often the longer they wait."""
    dues = []
    for hook in came:
        age_s = (now - hook.received_at).total_seconds()
        if settled[hook.id].state == "waiting" and age_s < limits.HOOK_WAITS_S:
            later = now + timedelta(seconds=max(limits.HOOK_WAITS_FIRST_S, age_s))
            dues.append(Due(kind_of(hook.topic), str(hook.id), later))
    there = [h for h in came if isinstance(said.get(h.id), OrderSaid) and settled[h.id].state == "done"]
    if there:
        subjects = [said[hook.id].subject for hook in there]
        rows = await tx.fetch(sql.wake_waiting, workspace_id, list({hook.source_id for hook in there}), subjects)
        dues += [Due(kind_of(row["topic"]), str(row["id"]), now) for row in rows]
    await schedule.put(tx, workspace_id, dues)
