"""Orders: what came in, what it earned, and bringing in more from a file."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from regulars import activity, customers, delivery, events, integrations, limits, triggers
from regulars.dashboard.desk import Handed
from regulars.dashboard.paging import cursor


@get("/orders")
async def listed(desk: Handed) -> Response[str]:
    at = cursor(desk.request, "q")
    async with desk.reading() as tx:
        found = await activity.recent_orders(
            tx, desk.id, reference_id=at.params["q"].strip().removeprefix("#"), before_id=at.after_id, limit=at.limit
        )
        people = await customers.by_ids(tx, desk.id, [order.customer_id for order in found])
    page = at.page(found, lambda order: order.id)
    return desk.page("pages/orders.html", page=page, q=at.params["q"], people=people)


@get("/orders/{order_id:uuid}")
async def shown(desk: Handed, order_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        order = await activity.find_order(tx, desk.id, order_id)
        customer = await customers.find(tx, desk.id, id=order.customer_id)
        fired = await triggers.firings(
            tx, desk.id, customer_id=order.customer_id, reference=f"order:{order_id}", limit=20
        )
        named = {trigger.id: trigger for trigger in await triggers.list_triggers(tx, desk.id)}
        logged = await events.of_order(tx, desk.id, order_id, limit=limits.STORY_ITEMS_MAX)
        sent = await delivery.deliveries_of_events(tx, desk.id, [event.id for event in logged])
        tools = {tool.id: tool for tool in await integrations.list_integrations(tx, desk.id)}
    return desk.page(
        "pages/order.html",
        order=order,
        customer=customer,
        logged=logged,
        sent=sent,
        tools=tools,
        fired=fired,
        by_trigger=named,
        no_trigger=triggers.NO_TRIGGER,
    )


HANDLERS = [listed, shown]
