"""A lane's rate as a bucket of tokens: one token a call, refilled evenly, never holding more than a second's worth.

Pure: time is handed in. What is left of it is kept with the lane when a worker puts the lane down, so that taking turns
never adds up to more than the rate.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class Bucket:
    """`tokens` as of `at`. A time in the future means silence until then."""

    __slots__ = ("at", "per_s", "tokens")

    def __init__(self, rate_per_minute: int, tokens: float, at: datetime) -> None:
        self.per_s = rate_per_minute / 60
        self.tokens = tokens
        self.at = at

    @property
    def most(self) -> float:
        """A second's worth, and at least one: a rate below one a second could send nothing otherwise."""
        return max(1.0, self.per_s)

    def ready(self, now: datetime) -> int:
        """How many calls may be made now."""
        passed_s = (now - self.at).total_seconds()
        if passed_s > 0:
            self.tokens = min(self.most, self.tokens + passed_s * self.per_s)
            self.at = now
        elif passed_s < 0:
            return 0
        return int(self.tokens)

    def take(self, calls: int) -> None:
        self.tokens -= calls

    def silence(self, until: datetime) -> None:
        """The tool asked for a rest: nothing until then, and the rate builds up from nothing."""
        if until > self.at:
            self.tokens, self.at = 0.0, until

    @property
    def worthwhile(self) -> int:
        """How many calls to wait for before going on: a tenth of a second's worth, so that a quick lane is not fed
        one by one."""
        return max(1, int(self.per_s / 10))

    def next_at(self) -> datetime:
        """When `worthwhile` calls may be made; in the past when they may be made already."""
        missing = max(0.0, self.worthwhile - self.tokens)
        # A hair later than computed, so that rounding never wakes a lane just before its token is there.
        return self.at + timedelta(seconds=missing / self.per_s + 1e-5 * bool(missing))
