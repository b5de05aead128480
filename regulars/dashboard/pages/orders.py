"""Orders: what came in, what it earned, and bringing in more from a file."""

from typing import Any, NamedTuple

from regulars import customers, orders, rewards, why
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Link, Money, Small
from regulars.dashboard.coupons import had
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import CUSTOMER, CUSTOMER_ID, Act, Asked, Column, Filter, Found, Listing
from regulars.events.catalogue import FINANCIAL_STATUSES
from regulars.kit import Reading
from regulars.orders import Order


class Placed(NamedTuple):
    order: Order
    customer: Customer | None


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Placed]:
    name = asked.values["q"].strip().removeprefix("#")
    by = asked.page(
        sort=asked.chosen("sort") or "newest", source=asked.chosen("source"), financial_status=asked.chosen("payment")
    )
    found, next_id = await orders.search_orders(tx, desk.id, reference_id=name, **by)
    people = await customers.by_ids(tx, desk.id, [order.customer_id for order in found])
    sources = await orders.sources(tx, desk.id)
    choices = {"source": [(name, name) for name in sources] if len(sources) > 1 else []}
    return Found([Placed(order, people.get(order.customer_id)) for order in found], next_id, choices)


def _paid(row: Placed) -> list[Badge]:
    status = row.order.financial_status
    kind = "good" if status == "paid" else "busy" if status in ("pending", "authorized") else "care"
    cancelled = [Badge("off", "Cancelled")] if row.order.status == "cancelled" else []
    return [Badge(kind, _words(status)), *cancelled]


def _words(status: str) -> str:
    return status.replace("_", " ").capitalize()


_SORTS = [("oldest", "Oldest first"), ("largest", "Largest amount first"), ("smallest", "Smallest amount first")]

ORDERS = Listing[Placed](
    path="/orders",
    purpose="What your shop reported, and the {coins} it earned.",
    columns=[
        Column(
            "Order",
            lambda row: [
                Link(row.order.name or row.order.reference_id, f"/orders/{row.order.id}"),
                Small(row.order.source),
            ],
        ),
        Column("Source", lambda row: row.order.source, only="file"),
        Column("Id there", lambda row: row.order.reference_id, only="file"),
        CUSTOMER,
        CUSTOMER_ID,
        Column("Amount", lambda row: Money(row.order.amount_minor, row.order.currency_code), right=True),
        Column("Currency", lambda row: row.order.currency_code.upper(), only="file"),
        Column("{Coins} earned", lambda row: row.order.coins_rewarded, right=True),
        Column("Payment", _paid),
        Column("Placed", lambda row: row.order.placed_at),
    ],
    read=_read,
    nothing="No orders yet",
    nothing_why="Orders come from your shop through the API, or from a file. Each earns what your triggers say.",
    filters=[
        Filter("payment", "Payment", "Any payment", [(one, _words(one)) for one in FINANCIAL_STATUSES]),
        Filter("source", "Source", "Every source"),
        Filter("sort", "Sorted", "Newest first", _SORTS, gives_way=("q",)),
    ],
    acts=[Act("Import orders", "/orders/import")],
    days="Placed",
    search="An order's whole id, or its name",
)


@page("/orders/{id:uuid}", "order")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any]:
    order = await orders.find_order(tx, desk.id, desk.key)
    return {
        "order": order,
        "customer": await customers.find(tx, desk.id, id=order.customer_id),
        "coupons": await had(desk, tx, await rewards.coupons_of_order(tx, desk.id, order.id)),
        "found": await why.answer(tx, desk.workspace, why.Question(order_id=order.id), desk.now),
    }
