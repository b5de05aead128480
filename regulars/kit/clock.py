"""Time is an argument. Doors and loops hold a clock and pass `now` down; tests hold a clock moved by hand."""

import fcntl
import mmap
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from regulars import limits
from regulars.kit.errors import Conflict, invalid

DateT = TypeVar("DateT", bound=date)

_FIRST_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    def now(self) -> datetime:
        """The time as an aware datetime in UTC."""
        ...

    def outside(self) -> datetime:
        """The time that others go by, for what they check against their own clock, as the age of a signature."""
        return self.now()

    def move(self, to: datetime) -> None:
        """Set it ahead, never back: what was written holds the time it was written at. Raises Invalid, Conflict."""
        ...


class SystemClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)

    def move(self, to: datetime) -> None:
        raise Conflict("The time is the system's: only a server started with its test clock has another.")


class SharedClock(Clock):
    """The system's time and what it was moved ahead by, the same at every instant for all processes of this machine
    that share the file. To read it costs as much as to read the system's alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.truncate(8)
            self._ahead_us = memoryview(mmap.mmap(file.fileno(), 8)).cast("q")

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(microseconds=self._ahead_us[0])

    def outside(self) -> datetime:
        return datetime.now(UTC)

    def move(self, to: datetime) -> None:
        with self._path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            now = self.now()
            self._ahead_us[0] += (_ahead(now, to) - now) // timedelta(microseconds=1)


class HandClock(Clock):
    """A clock for tests and dry runs: it stands still until `advance` is called."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def move(self, to: datetime) -> None:
        self._now = _ahead(self._now, to)

    def advance(self, **units: float) -> datetime:
        """`advance(days=1, seconds=2)`: the units of `timedelta`."""
        self._now += timedelta(**units)
        return self._now


def _ahead(now: datetime, to: datetime) -> datetime:
    """Raises Invalid."""
    if not now <= to <= now + timedelta(days=limits.CLOCK_MOVED_DAYS_MAX):
        raise invalid("now", f"a time from {wire_time(now)} on, at most {limits.CLOCK_MOVED_DAYS_MAX} days ahead of it")
    return to


@lru_cache(maxsize=256)
def wire_time(at: datetime) -> str:
    """ISO 8601 UTC with milliseconds, as every time on the wire is written: `2023-05-26T07:44:03.862Z`.

    Remembered, because all that one batch writes carries the same few times.
    """
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def midnight(day: date, zone: tzinfo) -> datetime:
    """When the day begins there, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def instant(wall_clock: str, zone: tzinfo) -> datetime | None:
    """`2026-11-27` or `2026-11-27T09:30` by the shop's clock; None for no text. An hour that comes twice is the first
    of both, one that a clock leaves out as long after it."""
    return datetime.fromisoformat(wall_clock).replace(tzinfo=zone) if wall_clock else None


def hours_of_day(now: datetime, zone: tzinfo) -> list[datetime]:
    """The beginnings of the hours of the day that it is there, and its end, in UTC: 24 hours, or 23 or 25 on days when
    clocks change."""
    today = now.astimezone(zone).date()
    start, end = midnight(today, zone), midnight(today + timedelta(days=1), zone)
    return [start + timedelta(hours=n) for n in range(int((end - start) / timedelta(hours=1)) + 1)]


def a_moment(field: str, at: datetime) -> datetime:
    """A time with its offset, within the centuries a shop may mean. Raises Invalid naming the field."""
    if at.tzinfo is None:
        raise invalid(field, "a time with its offset from UTC, such as 2026-03-14T09:26:53Z")
    if not _FIRST_MOMENT <= at < _LAST_MOMENT:
        raise invalid(field, "a time from 1900 to 2199")
    return at.astimezone(UTC)


def a_birthday(field: str, day: date | None) -> date | None:
    """Raises Invalid naming the field."""
    if day is not None and not 1850 <= day.year < 2200:
        raise invalid(field, "a date from 1850 to 2199")
    return day


def wall_clock(field: str, text: str, zone: ZoneInfo) -> datetime | None:
    """`2026-11-27` or `2026-11-27T09:30` by the shop's clock; None for no text. Raises Invalid naming the field."""
    try:
        at = datetime.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        at = _FIRST_MOMENT
    if at is not None and at.tzinfo is not None:
        raise invalid(field, "a day or a time by the shop's clock, such as 2026-11-27 or 2026-11-27T09:30")
    return at.replace(tzinfo=zone) if at else None


def months_later(at: DateT, months: int) -> DateT:
    """The same day and time so many months later, or earlier; of a shorter month its last day. By `at`'s own clock."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


def period_start(period: Literal["day", "week", "month", "year"], now: datetime, zone: tzinfo) -> datetime:
    """When the period began that it is by the clock there."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "day":
            return today
        case "week":
            return today - timedelta(days=today.weekday())
        case "month":
            return today.replace(day=1)
        case "year":
            return today.replace(month=1, day=1)
