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

    found: list[tuple[str, str, Due, int, bool]] = []
    for unit in UNITS:
        dues = [await due(EXPIRING, key) for key in (unit, f"{unit}, idle")]
        told = {day for one in dues for day in await upcoming(tx, shop, one, max(now, one.due_at))}
        found.append(
            (
                f"coins_expire_in_a_{unit}",
                "coinexpirynotify_create",
                dues[0],
                len(told),
                len(told) >= limits.REMINDERS_AT_ONCE,
            )
        )
    for kind, name, topic in _AGAIN:
        one = await due(kind)
        unused = await waiting(tx, shop, one, max(now, one.due_at))
        found.append((name, topic, one, len(unused.told), unused.after is not None))
    at = next_at(shop, now)
    asks = await schedule.due_keys(tx, shop.id, ASK, at)
    found.append(
        (
            "reviews_asked_for",
            "reviewrequest_create",
            Due(ASK, "", at),
            len(asks),
            len(asks) >= limits.SCHEDULE_ROWS_MAX,
        )
    )
    told_of = await schedule.due_keys(tx, shop.id, REMIND, at) if reminder_rules(shop).referral_days else []
    topic = "incompletereferralrequest_create"
    found.append(
        ("friends_have_not_ordered", topic, Due(REMIND, "", at), len(told_of), len(told_of) >= limits.SCHEDULE_ROWS_MAX)
    )
    return [Foreseen(name, topic, max(now, one.due_at), told, more) for name, topic, one, told, more in found]


_AGAIN = (
    (UNUSED, "coins_lie_unused", "unusedwalletcoinrequest_create"),
    (COUPONS, "coupon_lies_unused", "unusedcouponrequest_create"),
)
