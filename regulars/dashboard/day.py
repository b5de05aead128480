"""What is counted over a day, hour by hour, without counting it all again for every look.

What is over does not change any more. So the hours that ended, and of the hour it is the minutes that ended, are
counted once in a process and remembered; only the rest is asked for anew.

    hour | hour | hour | hour | min | min | min | min | min |
    `-------------remembered----------------'  `---asked----'
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Generic, TypeVar

from regulars import limits

Count = TypeVar("Count")

_SLOT = timedelta(minutes=1)
# Something is counted by when its id was made, and committed a little later: nearly always within seconds, at most as
# late as a statement may take. A minute that missed something is counted again with its hour, when that ended for good.
_MINUTE_SETTLED = timedelta(seconds=15)
_HOUR_SETTLED = timedelta(seconds=2 * limits.DB_STATEMENT_TIMEOUT_S)

Ask = Callable[[Sequence[datetime]], Awaitable[Sequence[Count]]]
"""Counts each stretch between two neighbouring moments."""


class Day(Generic[Count]):
    """Counts of many things (a shop's events, say), each remembered for the stretches that are over."""

    def __init__(self) -> None:
        self._known: dict[Hashable, dict[tuple[datetime, datetime], Count]] = {}

    async def by_hour(
        self, what: Hashable, hours: Sequence[datetime], now: datetime, ask: Ask[Count]
    ) -> list[list[Count]]:
        """For each hour of the day (`hours`: their beginnings and the day's end) the counts of its stretches; nothing
        for hours to come."""
        moments = _moments(hours, now)
        stretches = list(pairwise(moments))
        remembered = self._known.get(what, {})
        known = {one: remembered[one] for one in stretches if one in remembered}
        first = next((n for n, one in enumerate(stretches) if one not in known), len(stretches))
        counted = await ask(moments[first:]) if first < len(stretches) else []
        fresh = dict(zip(stretches[first:], counted, strict=True))
        known |= {one: count for one, count in fresh.items() if _settled(one, now)}
        self._known.pop(what, None)
        self._known[what] = known  # what was looked at last stands last
        if len(self._known) > limits.DAYS_REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        found: list[list[Count]] = [[] for _ in hours[:-1]]
        for one in stretches:
            hour = sum(starts_at <= one[0] for starts_at in hours) - 1
            found[hour].append(fresh[one] if one in fresh else known[one])
        return found


def _settled(stretch: tuple[datetime, datetime], now: datetime) -> bool:
    start, end = stretch
    return end + (_MINUTE_SETTLED if end - start == _SLOT else _HOUR_SETTLED) < now


def _moments(hours: Sequence[datetime], now: datetime) -> list[datetime]:
    """The hours that began, the one it is cut into minutes up to the end of the minute it is."""
    begun = [at for at in hours[:-1] if at <= now]
    moments = list(begun)
    while moments[-1] <= now:
        moments.append(moments[-1] + _SLOT)
    return moments
