"""Every event by its topic, its name on the wire."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import msgspec

from regulars.conditions import Schema
from regulars.events.catalogue import restrictions
from regulars.events.catalogue.common import Common
from regulars.events.catalogue.coupons import Coupon
from regulars.events.catalogue.customers import Lead, LeadUpdate, TierEnds, VipTier
from regulars.events.catalogue.orders import Order, ReviewRequest
from regulars.events.catalogue.referrals import Referral
from regulars.events.catalogue.reviews import Review
from regulars.events.catalogue.wallet import CoinExpiry, UnusedCoins, WalletTransaction

Group = Literal["Customers", "Orders", "Coins", "Coupons", "Reviews", "Referrals"]


class Topic(msgspec.Struct, frozen=True):
    """An event as people choose it, as `topics.md` has it: `happening` reads after "When", `description` says when it
    fires; `emitted` is false while nothing makes it yet.

    `restrictions` are the properties that a rule may ask about before it sends the event.
    """

    topic: str
    group: Group
    label: str
    happening: str
    emitted: bool
    description: str
    type: type[Common]
    restrictions: Schema


_OF: dict[str, tuple[type[Common], Schema]] = {
    "lead_create": (Lead, restrictions.LEAD),
    "lead_update": (LeadUpdate, restrictions.LEAD_UPDATE),
    "viptier_create": (VipTier, restrictions.VIP_TIER),
    "viptierends_create": (TierEnds, restrictions.TIER_ENDS),
    "order_create": (Order, restrictions.ORDER),
    "order_update": (Order, restrictions.ORDER),
    "walletreward_create": (WalletTransaction, restrictions.WALLET),
    "wallettrasaction_update": (WalletTransaction, restrictions.WALLET),
    "coinexpirynotify_create": (CoinExpiry, restrictions.COIN_EXPIRY),
    "unusedwalletcoinrequest_create": (UnusedCoins, restrictions.UNUSED_COINS),
    "coupon_create": (Coupon, restrictions.COUPON),
    "coupon_update": (Coupon, restrictions.COUPON),
    "unusedcouponrequest_create": (Coupon, restrictions.COUPON),
    "review_create": (Review, restrictions.REVIEW),
    "review_update": (Review, restrictions.REVIEW),
    "reviewrequest_create": (ReviewRequest, restrictions.ORDER),
    "refereenotify_create": (Referral, restrictions.REFERRAL),
    "referrernotify_create": (Referral, restrictions.REFERRAL),
    "incompletereferralrequest_create": (Referral, restrictions.INCOMPLETE_REFERRAL),
}


def _topics() -> Iterator[Topic]:
    for line in Path(__file__).with_name("topics.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            topic, group, label, happening, sent, fires = line.strip("| ").replace("`", "").split(" | ")
            assert group in get_args(Group)
            yield Topic(topic, group, label, happening, sent == "yes", fires, *_OF[topic])  # type: ignore[arg-type]


TOPICS: dict[str, Topic] = {topic.topic: topic for topic in _topics()}
