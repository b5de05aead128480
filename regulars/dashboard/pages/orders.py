"""Orders: what came in, what it earned, and bringing in more from a file."""

from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars import customers, orders, rewards, why
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Link, Money, Name, Small
from regulars.dashboard.coupons import had
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, handlers
from regulars.events.catalogue.orders import FINANCIAL_STATUSES
from regulars.kit.db import Reading
from regulars.orders import Order


class Placed(NamedTuple):
    order: Order
    customer: Customer | None


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Placed]:
    found, next_id = await orders.search_orders(
        tx,
        desk.id,
        reference_id=asked.values["q"].strip().removeprefix("#"),
        source=asked.chosen("source"),
        financial_status=asked.chosen("payment"),
        since=asked.since,
        until=asked.until,
        before_id=asked.before_id,
        limit=asked.limit,
    )
    people = await customers.by_ids(tx, desk.id, [order.customer_id for order in found])
    sources = await orders.sources(tx, desk.id)
    choices = {"source": [(name, name) for name in sources] if len(sources) > 1 else []}
    return Found([Placed(order, people.get(order.customer_id)) for order in found], next_id, choices)


def _called(row: Placed) -> list[Any]:
    order = row.order
    return [Link(order.name or order.reference_id, f"/orders/{order.id}"), Small(order.source)]


def _paid(row: Placed) -> list[Badge]:
    status = row.order.financial_status
    kind = "good" if status == "paid" else "busy" if status in ("pending", "authorized") else "care"
    cancelled = [Badge("off", "Cancelled")] if row.order.status == "cancelled" else []
    return [Badge(kind, _words(status)), *cancelled]


def _words(status: str) -> str:
    return status.replace("_", " ").capitalize()


ORDERS = Listing[Placed](
    path="/orders",
    title="Orders",
    purpose="What your shop reported, and the {coins} it earned.",
    columns=[
        Column("Order", _called),
        Column("Source", lambda row: row.order.source, only="file"),
        Column("Id there", lambda row: row.order.reference_id, only="file"),
        Column("Customer", lambda row: row.customer and Name(row.customer.name, row.customer.customer_id)),
        Column("customer_id", lambda row: row.customer and row.customer.customer_id, only="file"),
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
    ],
    acts=[Act("Import orders", "/orders/import")],
    days="Placed",
    search="An order's whole id, or its name",
)


@get("/orders/{order_id:uuid}")
async def shown(desk: Handed, order_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        order = await orders.find_order(tx, desk.id, order_id)
        customer = await customers.find(tx, desk.id, id=order.customer_id)
        coupons = await had(desk, tx, await rewards.coupons_of_order(tx, desk.id, order.id))
        found = await why.answer(tx, desk.workspace, why.Question(order_id=order_id), desk.now)
    return desk.page("pages/order.html", order=order, customer=customer, found=found, coupons=coupons)


HANDLERS: list[ControllerRouterHandler] = [*handlers(ORDERS), shown]
