"""Deliveries: which tool got which event, every attempt, and sending one again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from regulars import customers, delivery, dispatch, events, integrations, limits
from regulars.dashboard import words
from regulars.dashboard.desk import Desk, Handed, uuid_of
from regulars.dashboard.forms import NOBODY
from regulars.dashboard.paging import address, cursor
from regulars.events import TOPICS
from regulars.integrations import Integration
from regulars.kit.errors import NotFound

STATES = {"": "All", "queued": "Queued", "delivered": "Delivered", "failed": "Failed"}


@get("/deliveries")
async def listed(desk: Handed) -> Response[str]:
    at = cursor(desk.request, "q", "state", "to", "event", "customer", "since")
    asked = at.params
    state = asked["state"] if asked["state"] in STATES else ""
    since = _since(desk, asked["since"])
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
            since=since,
            text=asked["q"],
            before_id=at.after_id,
        )
        about = await events.by_ids(tx, desk.id, [(one.event_id, one.topic) for one in found.items])
        people = await customers.by_ids(tx, desk.id, list({event.customer_id for event in about.values()}))
        person = await customers.find(tx, desk.id, id=customer_id) if customer_id else None
        # A text that names a customer finds all of their deliveries at once, however old.
        text = asked["q"].strip()
        offered = await customers.search(tx, desk.id, text, limit=limits.PEOPLE_OFFERED_MAX) if text else []
        # All that failed is sent again only where the list shows all of it.
        whole = state == "failed" and not (asked["q"] or asked["event"] or asked["customer"])
        tool = tools.get(lane_id) if whole and lane_id else None
        failed = await delivery.count_failed(tx, desk.id, tool.id, since) if tool else 0

    def narrowed(**changes: str) -> str:
        return address("/deliveries", {**asked, **changes})

    return desk.page(
        "pages/deliveries.html",
        page=at.page_until(found.items, found.next_before_id),
        about=about,
        people=people,
        asked=asked,
        since=since,
        state=state,
        states=STATES,
        tools=tools,
        lane_id=lane_id,
        person=person,
        offered=offered,
        narrowed=narrowed,
        filtered=any(asked.values()),
        topics=TOPICS,
        whole=whole,
        again=tool,
        failed=failed,
        most=limits.DELIVERIES_REPLAYED_MAX,
    )


@post("/deliveries/replay")
async def replay_all(desk: Handed) -> Response[str]:
    """All that one tool gave up on, since a time."""
    form = await desk.form()
    lane_id, since = uuid_of(form.text("to")) or NOBODY, form.text("since")
    async with desk.changing("deliveries.replay", lane_id) as tx:
        tool = await integrations.get_integration(tx, desk.id, lane_id)
        count = await delivery.replay_failed(tx, desk.id, lane_id, _since(desk, since), desk.now)
        left = await delivery.count_failed(tx, desk.id, lane_id, _since(desk, since))
    waits, rate = _waits_for(tool, desk), tool.settings.get("rate_per_minute")
    how = waits[0] if waits else f"At most {rate:,} a minute go out." if rate else ""
    said = f"{words.plural(count, 'delivery', 'deliveries')} queued again. {how}".rstrip()
    more = {"state": "failed", "since": since} if left else {}
    return desk.see(address("/deliveries", {"to": str(lane_id), **more}), said)


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
    tool = tools.get(one.lane_id)
    return desk.page(
        "pages/delivery.html",
        one=one,
        attempts=attempts,
        tool=tool,
        live=one.state == "queued" and not attempts,
        waits=_waits_for(tool, desk) if one.state == "queued" else None,
        may_replay=tool is not None and (one.state != "queued" or one.due_at > desk.now),
        **context,
    )


@post("/deliveries/{delivery_id:uuid}/replay")
async def replay(desk: Handed, delivery_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("delivery.replay", delivery_id) as tx:
        await delivery.replay(tx, desk.id, delivery_id, desk.now)
        one, _ = await delivery.get_delivery(tx, desk.id, delivery_id)
        tools = {tool.id: tool for tool in await integrations.list_integrations(tx, desk.id)}
    waits = _waits_for(tools.get(one.lane_id), desk)
    return desk.see(f"/deliveries/{delivery_id}", f"Queued again. {waits[0]}" if waits else "It is sent again now.")


def _waits_for(tool: Integration | None, desk: Desk) -> tuple[str, str, str] | None:
    """What keeps a queued delivery from going out, why, and the page where that is mended; None when nothing does."""
    if tool is None:
        return "It is not sent.", "The tool was removed.", ""
    there = f"/integrations/{tool.id}"
    if tool.state == "new":
        return f"It waits for {tool.name}.", "It is not initialized yet.", there
    if tool.state == "paused":
        return f"It waits for {tool.name}, which is paused.", tool.state_reason, there
    if not desk.workspace.events_on:
        return "It waits for events to be switched on.", "While they are off nothing is sent.", "/events"
    return None


def _since(desk: Desk, text: str) -> datetime | None:
    """A time as a browser's field writes it, by the shop's clocks; None for none, and for what is no time."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=desk.zone)
    except ValueError:
        return None


HANDLERS = [listed, shown, replay, replay_all]
