"""A day's counts are asked for once: what is over is remembered, and what goes on is asked for anew."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from regulars import limits
from regulars.dashboard.day import Day

MIDNIGHT = datetime(2026, 3, 14, tzinfo=UTC)
HOURS = [MIDNIGHT + timedelta(hours=n) for n in range(25)]


class Log:
    """Moments at which something happened, and how many stretches were asked for."""

    def __init__(self) -> None:
        self.moments: list[datetime] = []
        self.asked = 0

    async def ask(self, moments: Sequence[datetime]) -> list[int]:
        stretches = list(pairwise(moments))
        self.asked += len(stretches)
        return [sum(start <= at < end for at in self.moments) for start, end in stretches]


async def sums(day: Day[int], log: Log, now: datetime) -> list[int]:
    return [sum(hour) for hour in await day.by_hour("shop", HOURS, now, log.ask)]


async def test_it_counts_as_if_nothing_were_remembered() -> None:
    log, day = Log(), Day[int]()
    for minute in range(1, 24 * 60, 7):
        now = MIDNIGHT + timedelta(minutes=minute)
        log.moments += [now - timedelta(seconds=10)] * (minute % 3)  # committed late
        log.moments.append(now)
        whole = await log.ask(HOURS)
        assert await sums(day, log, now) == whole


async def test_what_is_over_is_asked_for_once() -> None:
    log, day = Log(), Day[int]()
    now = MIDNIGHT + timedelta(hours=20, minutes=59, seconds=1)
    await sums(day, log, now)
    assert log.asked == 20 + 60
    await sums(day, log, now)
    assert log.asked == 20 + 60 + 2


async def test_it_forgets_what_nobody_looks_at() -> None:
    log, day = Log(), Day[int]()
    for n in range(limits.DAYS_REMEMBERED_MAX + 10):
        await day.by_hour(n, HOURS, MIDNIGHT, log.ask)
    assert len(day._known) == limits.DAYS_REMEMBERED_MAX
