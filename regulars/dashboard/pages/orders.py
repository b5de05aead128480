"""Orders: what came in, what it earned, and bringing in more from a file."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get

from regulars import activity, customers, events
from regulars.dashboard.desk import Desk
from regulars.dashboard.paging import cursor


@get("/orders")
async def listed(desk: Desk) -> Response[str]:
    at = cursor(desk.request, "q")
    async with desk.reading() as tx:
        found = await activity.recent_orders(
            tx, desk.id, reference_id=at.params["q"].strip().removeprefix("#"), before_id=at.after_id, limit=at.limit
        )
        people = await customers.by_ids(tx, desk.id, [order.customer_id for order in found])
    page = at.page(found, lambda order: order.id)
    return desk.page("pages/orders.html", page=page, q=at.params["q"], people=people)


@get("/orders/{order_id:uuid}")
async def shown(desk: Desk, order_id: UUID) -> Response[str]:
    async with desk.reading() as tx:
        order = await activity.find_order(tx, desk.id, order_id)
        customer = await customers.find(tx, desk.id, id=order.customer_id)
        logged = await events.recent(tx, desk.id, customer_id=order.customer_id, limit=200)
    about = [event for event in logged if str(order_id) in event.body]
    return desk.page("pages/order.html", order=order, customer=customer, logged=about, topics=events.TOPICS)


HANDLERS = [listed, shown]
