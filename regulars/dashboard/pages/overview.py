"""Overview: what happened today, what is wrong, and, for a new shop, the way to its first delivered event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
from litestar import Response, get

from regulars import delivery, dispatch, events, integrations, ledger, limits
from regulars.dashboard import chart
from regulars.dashboard.chart import Chart
from regulars.dashboard.day import Day
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.walk import walk as walked
from regulars.dashboard.words import zones
from regulars.delivery import LaneHealth
from regulars.dispatch import Rule
from regulars.integrations import Integration
from regulars.kit import countries, currency
from regulars.ledger import Flow

LATE_S = 300.0
LATELY_ITEMS = 8

_logged: Day[int] = Day()
_flowed: Day[Flow] = Day()


class Trouble(msgspec.Struct, frozen=True):
    """Something a person should look at: what, why, and where."""

    kind: str
    title: str
    text: str
    href: str
    button: str


@get("/")
async def show(desk: Handed) -> Response[str]:
    shop = desk.workspace
    names = ("name", "coin_name", "country", "currency_code", "time_zone")
    return await page(desk, desk.blank(**{name: getattr(shop, name) for name in names}))


async def page(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    """`form`: the shop's, as the walk of a new shop shows it."""
    hours = _hours(desk)
    # Counting a busy hour takes a while: each of the three has a connection of its own, and they run at once.
    counting = asyncio.gather(_events(desk, hours, "order_create"), _events(desk, hours, None), _flows(desk, hours))
    async with desk.reading() as tx:
        tools = await integrations.list_integrations(tx, desk.id)
        rules = await dispatch.list_rules(tx, desk.id)
        lanes = await delivery.lane_health(tx, desk.id, desk.now)
        totals = await delivery.delivery_totals(tx, desk.id)
        tally = await delivery.delivery_tally(tx, desk.id, hours[0])
        lately = await events.recent(tx, desk.id, limit=LATELY_ITEMS)
        delivered = any(done for done, _ in totals.values())
        walk = None if delivered else await walked(tx, desk.workspace, tools, rules, lately)
    ordered, logged, flows = await counting
    context: dict[str, Any] = {
        "walk": walk,
        "form": form,
        "lists": {"zones": zones(), "currencies": currency.LISTED, "countries": countries.LISTED} if walk else None,
        "sandbox": desk.app.settings.allow_loopback,
        "troubles": _troubles(desk, tools, rules, lanes),
        "given": sum(credited for credited, _ in flows),
        "more": "+" if any(count >= limits.EVENTS_COUNTED_MAX for hour in logged for count in hour) else "",
        "taken": sum(debited for _, debited in flows),
        "orders": sum(map(sum, ordered)),
        "logged": sum(map(sum, logged)),
        "delivered": sum(done for _, done, _, _ in tally),
        "failed": sum(failed for _, _, _, failed in tally),
        "charts": {
            "coins": _draw(desk, "Given per hour today", "Given", hours, [credited for credited, _ in flows]),
            "orders": _draw(desk, "Orders per hour today", "Orders", hours, [sum(hour) for hour in ordered]),
            "events": _draw(desk, "Events per hour today", "Events", hours, [sum(hour) for hour in logged]),
            "deliveries": _draw(desk, "Deliveries per hour today", "Delivered", hours, _by_hour(hours, tally)),
        },
        "lately": lately,
    }
    return desk.page("pages/overview.html", status=status, **context)


async def _events(desk: Desk, hours: list[datetime], topic: str | None) -> list[list[int]]:
    async def ask(moments: Sequence[datetime]) -> list[int]:
        async with desk.reading() as tx:
            return await events.counts_between(tx, desk.id, moments, topic=topic)

    return await _logged.by_hour((desk.id, topic), hours, desk.now, ask)


async def _flows(desk: Desk, hours: list[datetime]) -> list[tuple[int, int]]:
    """Of each hour: coins credited and debited."""

    async def ask(moments: Sequence[datetime]) -> list[Flow]:
        async with desk.reading() as tx:
            return await ledger.flow(tx, desk.id, moments)

    flowed = await _flowed.by_hour(desk.id, hours, desk.now, ask)
    return [(sum(flow.credited for flow in hour), sum(flow.debited for flow in hour)) for hour in flowed]


def _hours(desk: Desk) -> list[datetime]:
    """The beginnings of today's hours in the shop's time zone, and the end of the day: 24 hours, or 23 or 25."""
    today = desk.now.astimezone(desk.zone).date()
    start, end = (
        datetime.combine(day, time(), desk.zone).astimezone(UTC) for day in (today, today + timedelta(days=1))
    )
    hours = [start]
    while hours[-1] < end:
        hours.append(hours[-1] + timedelta(hours=1))
    return hours


def _by_hour(hours: list[datetime], tally: list[tuple[datetime, int, int, int]]) -> list[int]:
    """How many were delivered in each hour."""
    sums = [0] * (len(hours) - 1)
    for slot, delivered, _, _ in tally:
        place = int((slot - hours[0]).total_seconds() // 3600)
        if 0 <= place < len(sums):
            sums[place] += delivered
    return sums


def _draw(desk: Desk, caption: str, unit: str, hours: list[datetime], values: Sequence[int]) -> Chart:
    names = [f"{hour.astimezone(desk.zone):%H:%M}" for hour in hours[:-1]]
    return chart.bars(caption, "Hour", unit, list(zip(names, values, strict=False)), ["0", "6", "12", "18", "24"])


def _troubles(desk: Desk, tools: list[Integration], rules: list[Rule], lanes: list[LaneHealth]) -> list[Trouble]:
    found = []
    health = {lane.lane_id: lane for lane in lanes}
    if rules and not desk.workspace.events_on:
        found.append(
            Trouble("care", "Events are off.", "No tool is told of anything that happens now.", "/events", "See events")
        )
    for tool in tools:
        lane = health.get(tool.id)
        page = f"/integrations/{tool.id}"
        if tool.state == "paused":
            waits = f" {lane.queued:,} deliveries wait." if lane and lane.queued else ""
            found.append(
                Trouble("bad", f"{tool.name} is paused.", tool.state_reason + waits, page, f"Open {tool.name}")
            )
        elif lane and lane.held_up:
            found.append(Trouble("care", f"{tool.name} waits.", lane.held_up, page, f"Open {tool.name}"))
        elif lane and lane.oldest_due_at and (desk.now - lane.oldest_due_at).total_seconds() > LATE_S:
            text = f"{lane.queued:,} deliveries are due and wait; the worker may not be running."
            found.append(Trouble("care", f"{tool.name} gets its events late.", text, page, f"Open {tool.name}"))
        if lane and lane.failed:
            text = "Look at why, mend it, and send them again."
            title = f"{lane.failed:,} {'delivery' if lane.failed == 1 else 'deliveries'} to {tool.name} failed."
            href = f"/deliveries?state=failed&to={tool.id}"
            found.append(Trouble("bad", title, text, href, "See what failed"))
    return found


HANDLERS = [show]
