"""When time alone may change an answer."""

from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from functools import lru_cache

from regulars.conditions.matching import Payload, born_on
from regulars.conditions.model import Condition, Done, Leaf, Measured, Property, leaves
from regulars.conditions.reading import Moment, read_date
from regulars.conditions.sql import shifted, start_of

_OF_TIME = ("in_last_days", "in_next_days", "anniversary")


def edge(condition: Condition | None, payload: Payload, *, now: datetime, zone: tzinfo) -> datetime | None:
    """When time alone may change the answer next; None for never."""
    return min((at for leaf in _timed(condition) for at in _edges(leaf, payload, now, zone) if at > now), default=None)


@lru_cache(4_096)
def _timed(condition: Condition | None) -> tuple[Leaf, ...]:
    """The leaves of which time may change the answer."""
    return tuple(
        leaf
        for leaf in leaves(condition)
        if (leaf.measure.last_days if isinstance(leaf, Done) else leaf.operator in _OF_TIME and leaf.type == "date")
    )


def _edges(leaf: Property | Done, payload: Payload, now: datetime, zone: tzinfo) -> Iterator[datetime]:
    if isinstance(leaf, Done):
        found = payload.get(leaf.measure)
        if isinstance(found, Measured) and found.oldest is not None:
            yield _begins(datetime.fromtimestamp(found.oldest, zone).date(), leaf.measure.last_days + 1, zone)
        return
    have = read_date(payload.get(leaf.name), zone)
    if have is None:
        return
    if leaf.operator == "anniversary":
        yield from _anniversaries(have, now, zone)
    elif have.ordinal is not None and isinstance(leaf.value, int):
        day = date.fromordinal(have.ordinal)
        if have.at:
            yield have.at
        ends = leaf.value + 1 if leaf.operator == "in_last_days" else 1
        begins = 0 if leaf.operator == "in_last_days" else -leaf.value
        yield _begins(day, begins, zone)
        yield _begins(day, ends, zone)


@lru_cache(4_096)
def _begins(day: date, days: int, zone: tzinfo) -> datetime:
    """When the day begins that is so many after that one."""
    return start_of(shifted(day, days), zone)


def _anniversaries(have: Moment, now: datetime, zone: tzinfo) -> Iterator[datetime]:
    today = now.astimezone(zone).date()
    if (have.month, have.day) in born_on(today):
        yield start_of(shifted(today, 1), zone)
        return
    for year in (today.year, today.year + 1):
        kept = (2, 28) if (have.month, have.day) == (2, 29) and (year % 4 or (year % 100 == 0 and year % 400)) else None
        yield start_of(date(year, *(kept or (have.month, have.day))), zone)
