"""Deliveries: which tool got which event, every attempt, and sending one again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from regulars import customers, delivery, dispatch, events, integrations, limits
from regulars.dashboard.desk import Handed, uuid_of
from regulars.dashboard.paging import address, cursor
from regulars.events import TOPICS
from regulars.kit.errors import NotFound

STATES = {"": "All", "queued": "Queued", "delivered": "Delivered", "failed": "Failed"}


@get("/deliveries")
async def listed(desk: Handed) -> Response[str]:
    at = cursor(desk.request, "q", "state", "to", "event", "customer")
    asked = at.params
    state = asked["state"] if asked["state"] in STATES else ""
    async with desk.reading() as tx:
        tools = {tool.id: tool for tool in await integrations.list_integrations(tx, desk.id)}
        lane_id, customer_id = uuid_of(asked["to"]), uuid_of(asked["customer"])
        found = await delivery.search_deliveries(
            tx,
            desk.id,
            lane_id=lane_id,
            state=state or None,
            topic=asked["event"] if asked["event"] in TOPICS else None,
            customer_id=customer_id,
            text=asked["q"],
            before_id=at.after_id,
        )
        person = await customers.find(tx, desk.id, id=customer_id) if customer_id else None
        # A text that names a customer finds all of their deliveries at once, however old.
        text = asked["q"].strip()
        named = await customers.search(tx, desk.id, text, limit=limits.PEOPLE_OFFERED_MAX) if text else []

    def narrowed(**changes: str) -> str:
        return address("/deliveries", {**asked, **changes})

    return desk.page(
        "pages/deliveries.html",
        page=at.page_until(found.items, found.next_before_id),
        asked=asked,
        state=state,
        states=STATES,
        tools=tools,
        lane_id=lane_id,
        person=person,
        named=named,
        narrowed=narrowed,
        filtered=any(asked.values()),
        topics=TOPICS,
    )


@get("/deliveries/{delivery_id:uuid}")
async def shown(desk: Handed, delivery_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        one, attempts = await delivery.get_delivery(tx, desk.id, delivery_id)
        tools = {tool.id: tool for tool in await integrations.list_integrations(tx, desk.id)}
        context: dict[str, Any] = {"rule": None, "event": None, "customer": None}
        try:
            context["rule"] = await dispatch.get_rule(tx, desk.id, one.rule_id)
            context["event"] = await events.get(tx, desk.id, one.event_id)
            context["customer"] = await customers.find(tx, desk.id, id=context["event"].customer_id)
        except NotFound:
            # A test may stand on a sample that is no event of the log.
            pass
    live = one.state == "queued" and not attempts
    return desk.page(
        "pages/delivery.html", one=one, attempts=attempts, tool=tools.get(one.lane_id), live=live, **context
    )


@post("/deliveries/{delivery_id:uuid}/replay")
async def replay(desk: Handed, delivery_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("delivery.replay", delivery_id) as tx:
        await delivery.replay(tx, desk.id, delivery_id, desk.now)
    return desk.see(f"/deliveries/{delivery_id}", "It is sent again now.")


HANDLERS = [listed, shown, replay]
