"""Who is asked for reviews of what they bought: once an order is fulfilled, by what is true when the day has come."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from regulars import customers, events, ledger, limits, orders, reviews, schedule
from regulars.kit import Tx, midnight
from regulars.orders import Order, Recorded
from regulars.reminders.rules import next_at, reminder_rules
from regulars.reminders.wire import review_event
from regulars.schedule import Due
from regulars.tenancy import Workspace

ASK = "reminders.reviews"


async def plan_asks(tx: Tx, shop: Workspace, changed: Iterable[Recorded], now: datetime) -> None:
    """Have the customers of orders asked that are fulfilled now. What was fulfilled while nobody was asked is not made
    up for; of an order they are asked in one row, however often it is fulfilled."""
    days, oldest = reminder_rules(shop).review_days, now - timedelta(days=limits.REVIEW_ASKED_AFTER_DAYS_MAX)
    fulfilled = [r for r in changed if r.order.delivery_status == "fulfilled" and r.order.placed_at > oldest]
    ids = sorted(r.order.id for r in fulfilled if not (r.before and r.before.delivery_status == "fulfilled"))
    if days is not None and ids:
        new = await reviews.open_asks(tx, shop.id, ids, now)
        await schedule.put(tx, shop.id, [Due(ASK, str(id), _in(shop, days, now)) for id in new])


async def ask(tx: Tx, shop: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: each is asked once more, or nobody any more, and why is kept."""
    rules, ids = reminder_rules(shop), [UUID(due.key) for due in dues]
    placed, asks = await orders.by_ids(tx, shop.id, ids), await reviews.asks_of(tx, shop.id, ids)
    done = await reviews.reviewed(tx, shop.id, [(one.id, one.customer_id) for one in placed.values()])
    whose = sorted({one.customer_id for one in placed.values()})
    people = await customers.by_ids(tx, shop.id, whose)
    available, business = await ledger.available(tx, shop, whose, now), events.business(shop)
    told, again, saved = [], [], []
    for id, its in asks.items():
        order = placed.get(id)
        why = (
            "switched off"
            if rules.review_days is None
            else _over(order, done.get(id, set()), its.asked, rules.review_times)
        )
        if why or order is None or order.customer_id not in people:
            saved.append(replace(its, outcome=why or "erased"))
            continue
        customer = people[order.customer_id]
        link = business.referral_link_base + its.path(shop)
        told.append(review_event(business, customer, order, link, available[order.customer_id], now))
        saved.append(replace(its, asked=its.asked + 1))
        if its.asked + 1 < rules.review_times:
            again.append(Due(ASK, str(id), _in(shop, rules.review_gap_days, now)))
    await events.append(tx, shop.id, told, now)
    reviews.save_asks(tx, shop.id, saved, now)
    await schedule.put(tx, shop.id, again)


def _over(order: Order | None, reviewed: set[str], asked: int, times: int) -> str:
    """Why nobody is asked, '' if somebody is."""
    products = {line.product_id for line in (order and order.lines) or () if line.product_id}
    if order is None or order.void or order.refunded_minor:
        return "cancelled" if order is None or order.status == "cancelled" else "refunded"
    return (
        "asked enough"
        if asked >= times
        else "reviewed"
        if products and products <= reviewed
        else ""
        if products
        else "no products"
    )


def _in(shop: Workspace, days: int, now: datetime) -> datetime:
    """At the hour of the day that is so many days ahead."""
    day = now.astimezone(shop.zone).date() + timedelta(days=days)
    return next_at(shop, midnight(day, shop.zone) - timedelta(seconds=1))
