"""The shop that lives through the kills, and what is to happen in it meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from regulars import customers, dispatch, integrations, ledger, referrals, rewards, schedule, shops, tenancy, triggers
from regulars.customers import Ensured, NewCustomer
from regulars.delivery import CheckResult
from regulars.kit.clock import SystemClock
from regulars.kit.db import Database, Tx
from regulars.kit.secrets import SecretBox
from regulars.ledger import Entry
from regulars.referrals import Friend
from regulars.rewards import Terms
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.triggers import Rule
from tests.stories.crashing import Asked
from tests.stories.killing import KILLS, SECRET_KEY

SAVERS = 200
SLEEPERS = 1_100
STOCK = 20
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOPICS = (
    *("walletreward_create", "wallettrasaction_update", "lead_create", "order_create", "order_update"),
    *("coupon_create", "coupon_update", "refereenotify_create", "referrernotify_create"),
    *("incompletereferralrequest_create", "reviewrequest_create", "unusedwalletcoinrequest_create"),
)


@dataclass
class Shop:
    id: UUID
    write_key: str
    asked: Asked
    all_due_at: datetime


async def a_shop(url: str, receiver_url: str) -> Shop:
    now, db = SystemClock().now(), await Database.connect(url, connections_max=1)
    all_due_at = now + timedelta(seconds=KILLS * 4)
    try:
        async with db.transaction() as tx:
            shop = await tenancy.create_workspace(tx, "Corner Shop", now=now)
            friends_offer = await rewards.create_offer(tx, shop, "For friends", Terms(value=10), now)
            rules: dict[str, Any] = {
                "on": True,
                "friend_offer": str(friends_offer.id),
                "coins": 50,
                "modes": ["email"],
                "return_days": 0,
            }
            rules |= {"same_address_max": 0, "per_day_max": 0}
            told = {"at_hour": (now.hour + 12) % 24, "review_days": 1, "referral_days": 1, "unused_days": 10}
            changes = {"events_on": True, "settings": {"referrals": rules, "reminders": told}}
            shop = await tenancy.change_workspace(tx, shop.id, changes, now)
            await _tell(tx, shop, receiver_url, now)
            dues = [now + (all_due_at - now) * n / SAVERS for n in range(1, SAVERS + 1)]
            await _save(tx, shop, dues, now)
            codes = await _remind(tx, shop, dues, now)
            # Not before: nobody waits ten days for a coupon that is made at a platform.
            await _sell(tx, shop, receiver_url, now)
            areas = tenancy.Areas(data="WRITE")
            key = await tenancy.issue_key(tx, shop.id, "Till", access="WRITE", areas=areas, made_by="cli", now=now)
            bonus = await triggers.create_trigger(tx, shop, "Bonus", "api", Rule(coins_min=1, coins_max=500), now)
            await triggers.create_trigger(tx, shop, "Purchase", "order", Rule(coins_per_unit=2), now)
            holder = await customers.create(tx, shop, NewCustomer(customer_id="the-holder"), now)
            plenty = Entry(customer_id=holder.id, operation="cr", amount=10**9, type="adjust", occurred_at=now)
            await ledger.post(tx, shop, [plenty], now)
            selling = await shops.connect(
                tx, shop.id, SecretBox(SECRET_KEY), platform="website", name="", given={"signed": "no"}, now=now
            )
            offer = await rewards.create_offer(tx, shop, "Five off", Terms(value=5, price="fixed", coins=7), now)
            few = Terms(value=5, price="fixed", coins=7, stock=STOCK)
            scarce = await rewards.create_offer(tx, shop, "Five off for few", few, now)
    finally:
        await db.close()
    hook_path = f"/hooks/website/{selling.source.hook_id}"
    asked = Asked(bonus.id, hook_path, holder.id, offer.id, scarce.id, codes)
    return Shop(shop.id, key.key, asked, all_due_at)


async def _tell(tx: Tx, shop: Workspace, receiver_url: str, now: datetime) -> None:
    hook = await integrations.add(
        tx,
        shop.id,
        SecretBox(SECRET_KEY),
        tool="webhook",
        name="Receiver",
        given={"url": receiver_url, "secret": WEBHOOK_SECRET},
        now=now,
    )
    await integrations.conclude(tx, hook.integration, CheckResult(True, ""), now)
    for topic in TOPICS:
        await dispatch.create_rule(tx, shop.id, topic=topic, integration_id=hook.integration.id, now=now)


async def _sell(tx: Tx, shop: Workspace, receiver_url: str, now: datetime) -> None:
    api = {"coupons": "yes", "admin_token": "shpat_sandbox", "api_url": receiver_url.replace("webhook/shop", "shopify")}
    given = {"shop_domain": "corner.myshopify.com"} | api
    await shops.connect(tx, shop.id, SecretBox(SECRET_KEY), platform="shopify", name="", given=given, now=now)


async def _save(tx: Tx, shop: Workspace, dues: Sequence[datetime], now: datetime) -> None:
    """Coins that become spendable and expire all the while."""
    ids = await _customers(tx, shop, "saver", SAVERS, now)
    entries = [
        Entry(customer_id=id, operation="cr", amount=amount, type="adjust", occurred_at=now, **when)
        for id, due_at in zip(ids, dues, strict=True)
        for amount, when in ((30, {"expires_at": due_at}), (20, {"activates_at": due_at}))
    ]
    await ledger.post(tx, shop, entries, now)


async def _remind(tx: Tx, shop: Workspace, dues: Sequence[datetime], now: datetime) -> list[str]:
    """Customers whose coins lie unused, more than fit one transaction of a sweep, and friends who have not ordered,
    each of whom is due by themselves. The codes of those who refer."""
    before = now - timedelta(days=10)
    ids = await _customers(tx, shop, "sleeper", SLEEPERS, before)
    entries = [Entry(customer_id=id, operation="cr", amount=9, type="adjust", occurred_at=before) for id in ids]
    await ledger.post(tx, shop, entries, before)
    await schedule.put(tx, shop.id, [Due("reminders.unused", "", dues[len(dues) // 10])])
    referrers = await _customers(tx, shop, "referrer", 20, before)
    codes = [one.referral_code for one in (await customers.by_ids(tx, shop.id, referrers)).values()]
    for n, due_at in enumerate(dues[::4]):
        friend = Friend(referral_code=codes[n % 20], mode="email", email=f"waiting-{n}@friends.shop")
        claimed = await referrals.claim(tx, shop, friend, before)
        await schedule.put(tx, shop.id, [Due(referrals.REMIND, str(claimed.referral.id), due_at)])
    return codes


async def _customers(tx: Tx, shop: Workspace, name: str, many: int, now: datetime) -> list[UUID]:
    made = await customers.ensure(tx, shop, [NewCustomer(f"{name}-{n:03}") for n in range(many)], now)
    return [one.customer.id for one in made.values() if isinstance(one, Ensured)]
