"""When time alone may change an answer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo

from regulars.conditions.matching import Payload, born_on
from regulars.conditions.model import Condition, Done, Measured, Property, leaves
from regulars.conditions.reading import Moment, read_date
from regulars.conditions.sql import shifted, start_of


def edge(condition: Condition | None, payload: Payload, *, now: datetime, zone: tzinfo) -> datetime | None:
    """When time alone may change the answer next; None for never."""
    return min((at for leaf in leaves(condition) for at in _edges(leaf, payload, now, zone) if at > now), default=None)


def _edges(leaf: Property | Done, payload: Payload, now: datetime, zone: tzinfo) -> Iterator[datetime]:
    if isinstance(leaf, Done):
        found = payload.get(leaf.measure)
        if leaf.measure.last_days and isinstance(found, Measured) and found.oldest is not None:
            yield _after(datetime.fromtimestamp(found.oldest, UTC), leaf.measure.last_days, zone)
        return
    if leaf.type != "date" or leaf.operator not in ("in_last_days", "in_next_days", "anniversary"):
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
        yield start_of(shifted(day, begins), zone)
        yield start_of(shifted(day, ends), zone)


def _after(at: datetime, days: int, zone: tzinfo) -> datetime:
    return start_of(shifted(at.astimezone(zone).date(), days + 1), zone)


def _anniversaries(have: Moment, now: datetime, zone: tzinfo) -> Iterator[datetime]:
    today = now.astimezone(zone).date()
    if (have.month, have.day) in born_on(today):
        yield start_of(shifted(today, 1), zone)
        return
    for year in (today.year, today.year + 1):
        kept = (2, 28) if (have.month, have.day) == (2, 29) and (year % 4 or (year % 100 == 0 and year % 400)) else None
        yield start_of(date(year, *(kept or (have.month, have.day))), zone)
