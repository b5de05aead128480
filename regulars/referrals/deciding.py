"""What a shop decides about referrals, checked as a whole."""

from regulars import rewards
from regulars.kit import Faults, Reading
from regulars.referrals.model import referral_rules
from regulars.tenancy import Workspace


async def check_rules(tx: Reading, workspace: Workspace) -> None:
    """Raises Invalid naming each field of the setting `referrals`."""
    rules, faults = referral_rules(workspace), Faults()
    if not rules.on:
        return
    known = {str(one.id) for one in await rewards.list_offers(tx, workspace.id)}
    if rules.friend_offer not in known:
        faults.add("settings.referrals.friend_offer", "the offer of which friends get a coupon")
    if rules.reward == "coupon" and rules.offer not in known:
        faults.add("settings.referrals.offer", "the offer of which the referrer gets a coupon")
    if rules.reward == "coins" and not rules.coins:
        faults.add("settings.referrals.coins", "how many the referrer gets, at least 1")
    if not rules.modes:
        faults.add("settings.referrals.modes", "at least one of link, email, mobile, coupon")
    faults.check()
