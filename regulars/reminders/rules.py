"""What a shop decides about reminders, and when they are due. Pure, but for `begin`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from regulars import limits, schedule
from regulars.kit import Tx, midnight, months_later
from regulars.schedule import Due
from regulars.tenancy import Workspace

EXPIRING = "reminders.expiring"
UNUSED = "reminders.unused"
COUPONS = "reminders.coupons"
UNITS = ("month", "week", "day")
Days = Annotated[int, Meta(ge=1, le=limits.REMINDER_DAYS_MAX)]


class ReminderRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Sent at the hour `at_hour` of the shop's day. `expiry_notices`: a month, a week and a day before coins expire.

    When a balance of at least `unused_balance_min` has not moved for `unused_days` (null: never told), and then up to
    `unused_times` in all, every `unused_gap_days`. The same of a coupon, since it was issued, by `coupon_days`,
    `coupon_times` and `coupon_gap_days`, until it is used or ends.

    A review is asked for `review_days` after an order was fulfilled (null: never), and up to `review_times` in all,
    every `review_gap_days`, unless it was paid back or its products are reviewed; and a friend who claimed a referral
    and has not ordered is reminded by `referral_days`, `referral_times` and `referral_gap_days`.
    """

    at_hour: Annotated[int, Meta(ge=0, le=23)] = 10
    expiry_notices: bool = True
    unused_days: Days | None = None
    unused_times: Annotated[int, Meta(ge=1, le=limits.REMINDER_TIMES_MAX)] = 1
    unused_gap_days: Days = 7
    review_days: Days | None = None
    review_times: Annotated[int, Meta(ge=1, le=limits.REMINDER_TIMES_MAX)] = 1
    review_gap_days: Days = 7
    unused_balance_min: Annotated[int, Meta(ge=1, le=limits.COINS_MAX)] = 1
    referral_days: Days | None = None
    referral_times: Annotated[int, Meta(ge=1, le=limits.REMINDER_TIMES_MAX)] = 1
    referral_gap_days: Days = 7
    coupon_days: Days | None = None
    coupon_times: Annotated[int, Meta(ge=1, le=limits.REMINDER_TIMES_MAX)] = 1
    coupon_gap_days: Days = 7

    def of(self, kind: str) -> "Again":
        """What is told again and again."""
        if kind == COUPONS:
            return Again(self.coupon_days, self.coupon_times, self.coupon_gap_days)
        return Again(self.unused_days, self.unused_times, self.unused_gap_days)


class Again(NamedTuple):
    """After so many days (None: never), and then so often in all, with so many days between."""

    days: int | None
    times: int
    gap_days: int


NO_RULES = ReminderRules()


def reminder_rules(shop: Workspace) -> ReminderRules:
    """The setting `reminders`."""
    said = shop.settings.get("reminders")
    return msgspec.convert(said, ReminderRules) if said else NO_RULES


async def begin(tx: Tx, shop: Workspace, now: datetime) -> None:
    """Have reminders sent from now on: for a shop that is new. What was due before is not made up for."""
    at = next_at(shop, now)
    dues = [Due(UNUSED, "", at), Due(COUPONS, "", at)]
    for unit in UNITS:
        # The first sweep too goes by where it was to begin: nobody is forgotten if it comes days late.
        first = msgspec.to_builtins(Sweep(stretch(unit, None, at, shop.zone)[0]))
        dues += [Due(EXPIRING, key, at, first) for key in (unit, f"{unit}, idle")]
    await schedule.put(tx, shop.id, dues)


def next_at(shop: Workspace, now: datetime) -> datetime:
    """The next time the shop's clock says the hour. Where it is set forward over it, the hour after."""
    day, hour = now.astimezone(shop.zone).date(), time(reminder_rules(shop).at_hour)
    at = datetime.combine(day, hour, shop.zone).astimezone(UTC)
    return at if at > now else datetime.combine(day + timedelta(days=1), hour, shop.zone).astimezone(UTC)


def told_of(unit: str, today: date) -> date:
    """The last day of which it is said today that coins expire then: a month, a week, a day ahead."""
    if unit != "month":
        return today + timedelta(days=7 if unit == "week" else 1)
    day = months_later(today, 1)
    # A month before the 29th, 30th and 31st of March is the last of February.
    while months_later(day + timedelta(days=1), -1) <= today:
        day += timedelta(days=1)
    return day


def stretch(unit: str, until: datetime | None, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The coins that are told of now expire after the one instant and not after the other: from where the stretch
    before ended, or as if there had been one yesterday."""
    today = now.astimezone(zone).date()
    before, after = (told_of(unit, day) + timedelta(days=1) for day in (today - timedelta(days=1), today))
    since = until or midnight(before, zone)
    return since, max(since, midnight(after, zone))


class Sweep(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a row of the schedule holds: the stretch before this one ended at `until`. Of one that goes on, it ends at
    `to`, and all up to `after` were told."""

    until: datetime | None = None
    to: datetime | None = None
    after: UUID | None = None


def swept(shop: Workspace, due: Due, ends_at: datetime, now: datetime) -> Due:
    """The next sweep, from where this one ended."""
    return Due(due.kind, due.key, next_at(shop, now), msgspec.to_builtins(Sweep(ends_at)))
