"""The overview's figures: of today hour by hour, or of so many days day by day, each beside those of as long before."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from regulars import days, delivery, limits
from regulars.dashboard import chart
from regulars.dashboard.chart import Chart
from regulars.dashboard.day import Day
from regulars.dashboard.desk import Desk
from regulars.dashboard.words import number
from regulars.kit.clock import hours_of_day

PERIODS = {1: "Today", 7: "7 days", 30: "30 days", 90: "90 days"}

_today: Day[days.Day] = Day()


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
    today, (past, delivered) = await asyncio.gather(_counted(desk, hours), _past(desk, hours, 2 * count - 1))
    before, past = past[:count], past[count:]
    coins, since = desk.workspace.coin_name, f"from={_first(desk, count)}"
    name, moved = f"{coins[:1].upper()}{coins[1:]}", f"/events?event=walletreward_create&{since}"
    said = {
        "customers": ("New customers", f"/events?event=lead_create&{since}"),
        "coins_given": (f"{name} given", moved),
        "coins_spent": (f"{name} spent or taken", moved),
        "orders": ("Orders", "/orders"),
        "events": ("Events", f"/events?{since}"),
        "deliveries": ("Delivered", f"/deliveries?{since}"),
    }
    found = []
    for key, (name, href) in said.items():
        by_hour, counted = (
            [sum(getattr(part, key) for part in hour) for hour in today],
            [getattr(day, key) for day in past],
        )
        by_hour = delivered if key == "deliveries" else by_hour
        shown = number(sum(counted) + sum(by_hour))
        if key == "events" and any(part.events >= limits.EVENTS_COUNTED_MAX for hour in today for part in hour):
            shown += "+"
        earlier = number(sum(getattr(day, key) for day in before))
        found.append(Figure(name, shown, earlier, href, _draw(desk, name, count, hours, by_hour, past, counted)))
    return found


def _first(desk: Desk, count: int) -> str:
    """The first of the days, as lists ask for it."""
    return (desk.now.astimezone(desk.zone).date() - timedelta(days=count - 1)).isoformat()


async def _past(desk: Desk, hours: list[datetime], count: int) -> tuple[list[days.Day], list[int]]:
    """The days before today; and today's deliveries, which are tallied and cost nothing to count anew."""
    async with desk.reading() as tx:
        past = await days.days_before(tx, desk.workspace, desk.now, count)
        return past, await delivery.delivered_between(tx, desk.id, hours)


async def _counted(desk: Desk, hours: list[datetime]) -> list[list[days.Day]]:
    async def ask(moments: Sequence[datetime]) -> list[days.Day]:
        async with desk.reading() as tx:
            return await days.count_between(tx, desk.id, moments)

    return await _today.by_hour(desk.id, hours, desk.now, ask)


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
