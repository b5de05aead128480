"""The overview's figures: of today hour by hour, or of so many days day by day, each beside those of as long before."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from regulars import days, delivery, events, ledger, limits
from regulars.dashboard import chart
from regulars.dashboard.chart import Chart
from regulars.dashboard.day import Day
from regulars.dashboard.desk import Desk
from regulars.dashboard.words import number
from regulars.kit.clock import hours_of_day
from regulars.ledger import Flow

PERIODS = {1: "Today", 7: "7 days", 30: "30 days", 90: "90 days"}

_logged: Day[int] = Day()
_flowed: Day[Flow] = Day()
_Tally = list[tuple[datetime, int, int, int]]


class Figure(msgspec.Struct, frozen=True):
    """`before` is what it was in as many days before; `href` is the list of what was counted."""

    name: str
    said: str
    before: str
    href: str
    chart: Chart


async def figures(desk: Desk, count: int) -> list[Figure]:
    """Of today and the days before it, `count` in all."""
    hours = hours_of_day(desk.now, desk.zone)
    # Counting a busy hour takes a while: each of these has a connection of its own, and they run at once.
    created, ordered, logged, flows, (past, tally) = await asyncio.gather(
        _events(desk, hours, "lead_create"),
        _events(desk, hours, "order_create"),
        _events(desk, hours, None),
        _flows(desk, hours),
        _past(desk, hours[0], 2 * count - 1),
    )
    before, past = past[:count], past[count:]
    coins, since = desk.workspace.coin_name, f"from={_first(desk, count)}"
    name, moved = f"{coins[:1].upper()}{coins[1:]}", f"/events?event=walletreward_create&{since}"
    spent = [[flow.debited for flow in hour] for hour in flows]
    today = {
        "customers": ("New customers", f"/events?event=lead_create&{since}", created),
        "coins_given": (f"{name} given", moved, [[flow.credited for flow in hour] for hour in flows]),
        "coins_spent": (f"{name} spent or taken", moved, spent),
        "orders": ("Orders", "/orders", ordered),
        "events": ("Events", f"/events?{since}", logged),
        "deliveries": ("Delivered", f"/deliveries?{since}", _by_hour(hours, tally)),
    }
    found = []
    for key, (name, href, counts) in today.items():
        by_hour, counted = [sum(hour) for hour in counts], [getattr(day, key) for day in past]
        said = number(sum(counted) + sum(by_hour))
        if key == "events" and any(one >= limits.EVENTS_COUNTED_MAX for hour in counts for one in hour):
            said += "+"
        earlier = number(sum(getattr(day, key) for day in before))
        found.append(Figure(name, said, earlier, href, _draw(desk, name, count, hours, by_hour, past, counted)))
    return found


def _first(desk: Desk, count: int) -> str:
    """The first of the days, as lists ask for it."""
    return (desk.now.astimezone(desk.zone).date() - timedelta(days=count - 1)).isoformat()


async def _past(desk: Desk, since: datetime, count: int) -> tuple[list[days.Day], _Tally]:
    """The days before today, and today's deliveries."""
    async with desk.reading() as tx:
        past = await days.days_before(tx, desk.workspace, desk.now, count)
        return past, await delivery.delivery_tally(tx, desk.id, since)


async def _events(desk: Desk, hours: list[datetime], topic: str | None) -> list[list[int]]:
    async def ask(moments: Sequence[datetime]) -> list[int]:
        async with desk.reading() as tx:
            return await events.counts_between(tx, desk.id, moments, topic=topic)

    return await _logged.by_hour((desk.id, topic), hours, desk.now, ask)


async def _flows(desk: Desk, hours: list[datetime]) -> list[list[Flow]]:
    async def ask(moments: Sequence[datetime]) -> list[Flow]:
        async with desk.reading() as tx:
            return await ledger.flow(tx, desk.id, moments)

    return await _flowed.by_hour(desk.id, hours, desk.now, ask)


def _by_hour(hours: list[datetime], tally: _Tally) -> list[list[int]]:
    """How many were delivered in the slots of each hour."""
    found: list[list[int]] = [[] for _ in hours[:-1]]
    for slot, delivered, _, _ in tally:
        place = int((slot - hours[0]).total_seconds() // 3600)
        if 0 <= place < len(found):
            found[place].append(delivered)
    return found


def _draw(
    desk: Desk,
    name: str,
    count: int,
    hours: list[datetime],
    by_hour: list[int],
    past: list[days.Day],
    counted: list[int],
) -> Chart:
    if count == 1:
        names = [f"{hour.astimezone(desk.zone):%H:%M}" for hour in hours[:-1]]
        values = list(zip(names, by_hour, strict=False))
        return chart.bars(f"{name} per hour today", "Hour", name, values, ["0", "6", "12", "18", "24"])
    local = [day.starts_at.astimezone(desk.zone) for day in past]
    names = [*(f"{at.day} {at:%b}" for at in local), "Today"]
    values = list(zip(names, [*counted, sum(by_hour)], strict=True))
    return chart.bars(f"{name} per day, {count} days", "Day", name, values, [names[0], names[count // 2], names[-1]])
