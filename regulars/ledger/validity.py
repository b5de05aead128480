"""How long coins last, in the shop's time zone: a term of days or months ends with its last day, at midnight there."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from regulars.kit import midnight, months_later
from regulars.tenancy import BookRules


class Validity:
    """By one shop's rules, as they are now."""

    def __init__(self, rules: BookRules, zone: ZoneInfo) -> None:
        self._rules = rules
        self._zone = zone

    def of_lot(self, starts_at: datetime) -> datetime | None:
        """When a lot expires that can be spent from then on; None: never."""
        return self._term(starts_at) if self._rules.expiry == "per_lot" else None

    def idle_at(self, active_at: datetime | None) -> datetime | None:
        """When all that is available in a wallet expires if it moved then for the last time; None: never."""
        rules = self._rules
        if rules.expiry != "inactivity" or active_at is None:
            return None
        return self._term(max(active_at, rules.idle_since) if rules.idle_since else active_at)

    def grace(self, days: int, since: datetime) -> datetime:
        return _ends(since.astimezone(self._zone).date(), days, "days", self._zone)

    def _term(self, starts_at: datetime) -> datetime:
        rules = self._rules
        return _ends(starts_at.astimezone(self._zone).date(), rules.expire_after, rules.expire_unit, self._zone)


@lru_cache(1_024)
def _ends(day: date, count: int, unit: str, zone: ZoneInfo) -> datetime:
    """The end of the last day, `count` days or months after that one; of a shorter month its last day."""
    last = day + timedelta(days=count) if unit == "days" else months_later(day, count)
    return midnight(last + timedelta(days=1), zone)
