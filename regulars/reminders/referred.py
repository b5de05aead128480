"""Friends who claimed a referral and have not ordered are told again and again, until they have."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from regulars import referrals, schedule
from regulars.kit import Tx, midnight
from regulars.referrals import Referral, Told
from regulars.reminders.rules import ReminderRules, next_at, reminder_rules
from regulars.schedule import Due
from regulars.tenancy import Workspace


async def tell_referred(tx: Tx, shop: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule, which comes to each referral when it is claimed, and then at its next time. While the
    shop gives no reminders it comes every day, and nothing is made up for later."""
    rules, told, later = reminder_rules(shop), [], []
    for one in await referrals.lock(tx, shop.id, [UUID(due.key) for due in dues]):
        at = next_at(shop, now)
        if rules.referral_days and one.review != "waiting":
            if _time_of(shop, rules, one) <= now and one.state == "claimed" and one.reminded < rules.referral_times:
                one = one.became(reminded=one.reminded + 1, reminded_at=now)
                told.append(one)
            at = max(at, _time_of(shop, rules, one))
        if one.state == "claimed" and one.reminded < rules.referral_times:
            later.append(Due(referrals.REMIND, str(one.id), at))
    referrals.save(tx, shop.id, told, now)
    await referrals.tell(tx, shop, "incompletereferralrequest_create", [Told(one) for one in told], now)
    await schedule.put(tx, shop.id, later)


def _time_of(shop: Workspace, rules: ReminderRules, one: Referral) -> datetime:
    """When its friend is told next: at the shop's hour, so many days after the claim, or after they were told last."""
    since = one.reminded_at or one.claimed_at or one.created_at
    days = rules.referral_gap_days if one.reminded_at else rules.referral_days or 0
    day = since.astimezone(shop.zone).date() + timedelta(days=days)
    return next_at(shop, midnight(day, shop.zone) - timedelta(microseconds=1))
