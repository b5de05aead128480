"""A lane's rate: windows of time, each with so many calls at most, kept to all at once by a bucket of tokens for each.

In any stretch of time as long as a window no more calls begin than the window has, wherever the tool's own clock lets
its windows begin.

Pure: time is handed in. What is left is kept with the lane when a worker puts the lane down, so that taking turns never
adds up to more than the rate.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from regulars import limits

# Of a longer window, so much may be used at once where a shorter one allows it.
_AT_ONCE = 0.1
# What a tool that refused calls is sent, of what it took; by how much that grows each second; and the least of it.
_SLOWED, _REGAINED_PER_S, _SLOWEST_PER_MINUTE = 0.7, 1.02, 6.0


class Window(msgspec.Struct, frozen=True, gc=False):
    """At most `calls` within any `span_s` seconds."""

    calls: float
    span_s: float


class _Part(msgspec.Struct, gc=False):
    """One window's bucket: what it can hold, and what flows in. Full, and then all that flows in: a window's calls."""

    most: float
    per_s: float
    tokens: float


class Bucket:
    """`tokens` as of `at`, the minute's first, then those of the tool's further windows, shortest first, then those of
    the windows for profiles, then of those for calls that carry many. A time in the future means silence until then.
    `pace` is the share of all its rates that the tool takes, as far as its refusals tell; it grows back with time."""

    __slots__ = ("_of_profiles", "_parts", "_rate", "_together", "_windows", "at", "pace")

    def __init__(
        self,
        rate_per_minute: int,
        tokens: Sequence[float],
        at: datetime,
        windows: Sequence[Window] = (),
        *,
        of_profiles: Sequence[Window] = (),
        together: Sequence[Window] = (),
        pace: float = 1.0,
    ) -> None:
        """Windows that no tokens are kept for begin empty. The longest of those for profiles is a minute's, and so is
        that of those for calls that carry many."""
        groups = windows, of_profiles, together
        self._windows = [sorted(some, key=lambda window: window.span_s) for some in groups]
        self.at, self.pace = at, pace
        self._rate = rate_per_minute
        self._fill(tokens)

    def _fill(self, tokens: Sequence[float]) -> None:
        further, own, many = [[Window(one.calls * self.pace, one.span_s) for one in some] for some in self._windows]
        self._parts = _parts(self._rate * self.pace, further, tokens)
        tokens = tokens[len(self._parts) :]
        self._of_profiles, self._together = _apart(own, tokens), _apart(many, tokens[len(own) :])

    @property
    def tokens(self) -> list[float]:
        return [part.tokens for part in self._all]

    @property
    def _all(self) -> tuple[_Part, ...]:
        return *self._parts, *self._of_profiles, *self._together

    @property
    def together(self) -> int:
        """How many of the calls that may be made may carry many."""
        return int(min((part.tokens for part in self._together), default=limits.LANE_UNRECORDED_MAX))

    @property
    def profiles(self) -> int:
        """How many of the calls that may be made may be about profiles."""
        if not self._of_profiles:
            return limits.LANE_UNRECORDED_MAX
        return int(min(part.tokens for part in self._of_profiles))

    @property
    def calls(self) -> int:
        """How many calls may be made, as of `at`."""
        return int(min(part.tokens for part in self._parts))

    @property
    def rate_per_minute(self) -> int:
        return self._rate

    @rate_per_minute.setter
    def rate_per_minute(self, rate: int) -> None:
        if rate != self._rate:
            self._rate = rate
            self._fill(self.tokens)

    def ready(self, now: datetime) -> int:
        """How many calls may be made now."""
        passed_s = (now - self.at).total_seconds()
        if passed_s < -limits.LANE_SILENCE_MAX_S:
            # Nobody rests as long as that: the clock was set back.
            self.at, passed_s = now, 0.0
        if passed_s < 0:
            return 0
        for part in self._all:
            part.tokens = min(part.most, part.tokens + passed_s * part.per_s)
        self.at = now
        if self.pace < 1.0:
            self.pace = min(1.0, self.pace * _REGAINED_PER_S ** min(passed_s, 600.0))
            self._fill(self.tokens)
        return self.calls

    def take(self, calls: int, profiles: int = 0, together: int = 0) -> None:
        for part in self._parts:
            part.tokens -= calls
        for part in self._of_profiles:
            part.tokens -= profiles
        for part in self._together:
            part.tokens -= together

    def slow(self, calls: int, within_s: float) -> None:
        """So many calls it took within that time, and then said that they were too many: for now it gets fewer."""
        took = calls / max(within_s, 1.0) * 60 / self._rate
        self.pace = max(min(1.0, _SLOWEST_PER_MINUTE / self._rate), _SLOWED * min(self.pace, took))
        self._fill(self.tokens)

    def silence(self, until: datetime) -> None:
        """The tool asked for a rest: nothing until then, and the rate builds up from nothing."""
        if until >= self.at:
            self.at = until
            for part in self._all:
                part.tokens = 0.0

    @property
    def worthwhile(self) -> int:
        """How many calls to wait for before going on: a tenth of a second's worth, so that a quick lane is not fed
        one by one."""
        return max(1, int(min(part.per_s for part in self._parts) / 10))

    def next_at(self, *, profiles: bool = False) -> datetime:
        """When `worthwhile` calls may be made, or one about a profile; in the past when they may be made already."""
        wanted = self.worthwhile
        wait_s = max(max(0.0, wanted - part.tokens) / part.per_s for part in self._parts)
        if profiles:
            wait_s = max(wait_s, *(max(0.0, 1.0 - part.tokens) / part.per_s for part in self._of_profiles), 0.0)
        # A hair later than computed, so that rounding never wakes a lane just before its token is there.
        return self.at + timedelta(seconds=wait_s + 1e-5 * bool(wait_s))


def _apart(windows: Sequence[Window], tokens: Sequence[float]) -> list[_Part]:
    return _parts(windows[-1].calls, windows[:-1], tokens) if windows else []


def _parts(rate_per_minute: float, windows: Sequence[Window], tokens: Sequence[float]) -> list[_Part]:
    parts: list[_Part] = []
    at_once = 0.0
    minute = Window(rate_per_minute, 60.0)
    for n, window in [*enumerate(windows, start=1), (0, minute)]:
        # Alone, a window is used evenly: a second's worth at once, and at least one call.
        even = window.calls / (window.span_s + 1)
        most = max(1.0, even, min(at_once, window.calls * _AT_ONCE))
        per_s = even if most == 1.0 else (window.calls - most) / window.span_s
        at_once = max(at_once, most)
        parts.insert(n and len(parts), _Part(most, per_s, min(most, tokens[n]) if n < len(tokens) else 0.0))
    return parts
