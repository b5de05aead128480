"""What each reminder would tell the next time, by what is true now."""

from datetime import datetime

import msgspec

from regulars import limits, schedule
from regulars.kit import Reading
from regulars.referrals import REMIND
from regulars.reminders.asking import ASK
from regulars.reminders.expiring import upcoming
from regulars.reminders.rules import COUPONS, EXPIRING, UNITS, UNUSED, next_at, reminder_rules
from regulars.reminders.unused import waiting
from regulars.schedule import Due
from regulars.tenancy import Workspace


class Foreseen(msgspec.Struct, frozen=True):
    """`at` is the next time, `told` how many would be told then, of orders and friends how many are looked at;
    `more`: there may be others."""

    reminder: str
    topic: str
    at: datetime
    told: int
    more: bool


async def foreseen(tx: Reading, shop: Workspace, now: datetime) -> list[Foreseen]:
    async def due(kind: str, key: str = "") -> Due:
        return await schedule.find(tx, shop.id, kind, key) or Due(kind, key, next_at(shop, now))

    found: list[Foreseen] = []

    def note(reminder: str, topic: str, at: datetime, told: int, more: bool) -> None:
        found.append(Foreseen(reminder, topic, max(now, at), told, more))

    for unit in UNITS:
        first, idle = [await due(EXPIRING, key) for key in (unit, f"{unit}, idle")]
        days, more = await upcoming(tx, shop, first, max(now, first.due_at))
        of_idle, more_idle = await upcoming(tx, shop, idle, max(now, idle.due_at))
        told = len(days.keys() | of_idle.keys())
        note(f"coins_expire_in_a_{unit}", "coinexpirynotify_create", first.due_at, told, more or more_idle)
    for kind, name, topic in _AGAIN:
        one = await due(kind)
        unused = await waiting(tx, shop, one, max(now, one.due_at))
        note(name, topic, one.due_at, len(unused.told), unused.after is not None)
    at = next_at(shop, now)
    asks = len(await schedule.due_now(tx, shop.id, ASK, at))
    note("reviews_asked_for", "reviewrequest_create", at, asks, asks >= limits.SCHEDULE_ROWS_MAX)
    friends = len(await schedule.due_now(tx, shop.id, REMIND, at)) if reminder_rules(shop).referral_days else 0
    topic = "incompletereferralrequest_create"
    note("friends_have_not_ordered", topic, at, friends, friends >= limits.SCHEDULE_ROWS_MAX)
    return found


_AGAIN = (
    (UNUSED, "coins_lie_unused", "unusedwalletcoinrequest_create"),
    (COUPONS, "coupon_lies_unused", "unusedcouponrequest_create"),
)
