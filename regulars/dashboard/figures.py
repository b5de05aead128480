"""The overview's figures: of today hour by hour, or of so many days day by day, each beside those of as long before."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from regulars import days, delivery, limits
from regulars.dashboard import chart
from regulars.dashboard.chart import Chart
from regulars.dashboard.day import Day
from regulars.dashboard.desk import Desk
from regulars.dashboard.words import money, number
from regulars.kit.clock import hours_of_day
from regulars.kit.currency import units_of

PERIODS = {1: "Today", 7: "7 days", 30: "30 days", 90: "90 days"}

_today: Day[days.Day] = Day()


class Figure(msgspec.Struct, frozen=True):
    """`before` is what it was in as many days before; `href` is the list of what was counted."""

    name: str
    said: str
    before: str
    href: str
    chart: Chart


class _Told(msgspec.Struct, frozen=True):
    """What of each day is added up, and in how many it is a share, in percent, where it is one. `unit`: how many of it
    are one of what is drawn."""

    name: str
    href: str
    part: str
    whole: str = ""
    unit: int = 1

    def of(self, counted: Iterable[days.Day]) -> int | None:
        """None: a share of nothing."""
        found = list(counted)
        part: int = sum(getattr(one, self.part) for one in found)
        if not self.whole:
            return part
        whole: int = sum(getattr(one, self.whole) for one in found)
        return round(100 * part / whole) if whole else None

    def say(self, value: int | None, desk: Desk) -> str:
        if value is None:
            return "–"
        if self.part == "coupon_revenue_minor":
            return money(value, desk.workspace.currency_code, desk.workspace.currency_symbol)
        return number(value) + (" %" if self.whole else "")


def _told(desk: Desk, count: int) -> list[_Told]:
    coins, since = desk.workspace.coin_name, f"from={_first(desk, count)}"
    name, moved = f"{coins[:1].upper()}{coins[1:]}", f"/events?event=walletreward_create&{since}"
    units, used = units_of(desk.workspace.currency_code), f"/events?event=coupon_update&{since}"
    return [
        _Told("New customers", f"/events?event=lead_create&{since}", "customers"),
        _Told(f"{name} given", moved, "coins_given"),
        _Told(f"{name} spent or taken", moved, "coins_spent"),
        _Told("Orders", f"/events?event=order_create&{since}", "orders"),
        _Told("Coupons used", used, "coupons_used"),
        _Told("Revenue of orders with a coupon", "/coupons?status=redeemed", "coupon_revenue_minor", unit=units),
        _Told("Repeat rate", "/orders", "buyers_again", "buyers"),
        _Told("Events", f"/events?{since}", "events"),
        _Told("Delivered", f"/deliveries?{since}", "deliveries"),
    ]


async def figures(desk: Desk, count: int) -> list[Figure]:
    """Of today and the days before it, `count` in all."""
    hours = hours_of_day(desk.now, desk.zone)
    today, (past, delivered) = await asyncio.gather(_counted(desk, hours), _past(desk, hours, 2 * count - 1))
    before, past = past[:count], past[count:]
    # Today's deliveries are tallied, and cost nothing to count anew.
    arrived = [days.Day(hour, hour, deliveries=many) for hour, many in zip(hours, delivered, strict=False)]
    found = []
    for told in _told(desk, count):
        by_hour = [[one] for one in arrived] if told.part == "deliveries" else today
        flat = [one for hour in by_hour for one in hour]
        shown = told.say(told.of([*past, *flat]), desk)
        if told.part == "events" and any(part.events >= limits.EVENTS_COUNTED_MAX for part in flat):
            shown += "+"
        bars = by_hour if count == 1 else [*([day] for day in past), flat]
        drawn = _draw(desk, told, count, hours, past, [told.of(of) or 0 for of in bars])
        found.append(Figure(told.name, shown, told.say(told.of(before), desk), told.href, drawn))
    return found


def _first(desk: Desk, count: int) -> str:
    """The first of the days, as lists ask for it."""
    return (desk.now.astimezone(desk.zone).date() - timedelta(days=count - 1)).isoformat()


async def _past(desk: Desk, hours: list[datetime], count: int) -> tuple[list[days.Day], list[int]]:
    """The days before today; and today's deliveries."""
    async with desk.reading() as tx:
        past = await days.days_before(tx, desk.workspace, desk.now, count)
        return past, await delivery.delivered_between(tx, desk.id, hours)


async def _counted(desk: Desk, hours: list[datetime]) -> list[list[days.Day]]:
    async def ask(moments: Sequence[datetime]) -> list[days.Day]:
        async with desk.reading() as tx:
            return await days.count_between(tx, desk.workspace, moments)

    return await _today.by_hour(desk.id, hours, desk.now, ask)


def _draw(
    desk: Desk, told: _Told, count: int, hours: list[datetime], past: list[days.Day], counted: list[int]
) -> Chart:
    most, values = 100 if told.whole else 0, [round(value / told.unit) for value in counted]
    if count == 1:
        names, labels = [f"{hour.astimezone(desk.zone):%H:%M}" for hour in hours[:-1]], ["0", "6", "12", "18", "24"]
        told_of, over = f"{told.name} per hour today", "Hour"
    else:
        local = [day.starts_at.astimezone(desk.zone) for day in past]
        names = [*(f"{at.day} {at:%b}" for at in local), "Today"]
        labels, told_of, over = [names[0], names[count // 2], names[-1]], f"{told.name} per day, {count} days", "Day"
    unit = f"{told.name}, %" if told.whole else told.name
    return chart.bars(told_of, over, unit, list(zip(names, values, strict=False)), labels, most=most)
