"""Every event by its topic, its name on the wire."""

from typing import Literal

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
    """An event as people choose it. `description` says when it fires; `emitted` is false while nothing makes it yet.

    `restrictions` are the properties that a rule may ask about before it sends the event.
    """

    topic: str
    label: str
    description: str
    group: Group
    type: type[Common]
    restrictions: Schema
    emitted: bool = False


_TOPICS = (
    Topic(
        "lead_create",
        "Customer is created",
        "Fires when a customer becomes known: by a call, with an order, or from an import.",
        "Customers",
        Lead,
        restrictions.LEAD,
        emitted=True,
    ),
    Topic(
        "lead_update",
        "Customer is updated",
        "Fires when something about a customer changes, such as the e-mail address.",
        "Customers",
        LeadUpdate,
        restrictions.LEAD_UPDATE,
        emitted=True,
    ),
    Topic(
        "viptier_create",
        "VIP tier changes",
        "Fires when a customer moves up or down to another VIP tier.",
        "Customers",
        VipTier,
        restrictions.VIP_TIER,
        emitted=True,
    ),
    Topic(
        "viptierends_create",
        "VIP tier is about to end",
        "Fires some days before a customer's tier ends, if they do not qualify for it any more.",
        "Customers",
        TierEnds,
        restrictions.TIER_ENDS,
        emitted=True,
    ),
    Topic(
        "order_create",
        "Order is created",
        "Fires when an order is reported for the first time.",
        "Orders",
        Order,
        restrictions.ORDER,
        emitted=True,
    ),
    Topic(
        "order_update",
        "Order is updated",
        "Fires when a known order changes: it is paid, fulfilled, refunded or cancelled.",
        "Orders",
        Order,
        restrictions.ORDER,
        emitted=True,
    ),
    Topic(
        "walletreward_create",
        "Wallet coins rewarded",
        "Fires with every new wallet transaction, whether coins are credited or debited.",
        "Coins",
        WalletTransaction,
        restrictions.WALLET,
        emitted=True,
    ),
    Topic(
        "wallettrasaction_update",
        "Wallet transaction is updated",
        "Fires when a wallet transaction changes: it expires, is reversed, or its hold is captured or void.",
        "Coins",
        WalletTransaction,
        restrictions.WALLET,
        emitted=True,
    ),
    Topic(
        "coinexpirynotify_create",
        "Coins are about to expire",
        "Fires one month, one week and one day before coins of a customer expire.",
        "Coins",
        CoinExpiry,
        restrictions.COIN_EXPIRY,
        emitted=True,
    ),
    Topic(
        "unusedwalletcoinrequest_create",
        "Coins lie unused",
        "Fires when a customer's balance has not been touched for some days.",
        "Coins",
        UnusedCoins,
        restrictions.UNUSED_COINS,
        emitted=True,
    ),
    Topic(
        "coupon_create",
        "Coupon is created",
        "Fires when a coupon is issued to a customer.",
        "Coupons",
        Coupon,
        restrictions.COUPON,
        emitted=True,
    ),
    Topic(
        "coupon_update",
        "Coupon is updated",
        "Fires when a coupon is redeemed, expires or is cancelled.",
        "Coupons",
        Coupon,
        restrictions.COUPON,
        emitted=True,
    ),
    Topic(
        "unusedcouponrequest_create",
        "Coupon lies unused",
        "Fires when an issued coupon has not been used for some days and has not expired.",
        "Coupons",
        Coupon,
        restrictions.COUPON,
    ),
    Topic(
        "review_create",
        "Review is created",
        "Fires when a customer posts a review.",
        "Reviews",
        Review,
        restrictions.REVIEW,
    ),
    Topic(
        "review_update",
        "Review is updated",
        "Fires when a review is approved, featured or replied to.",
        "Reviews",
        Review,
        restrictions.REVIEW,
    ),
    Topic(
        "reviewrequest_create",
        "Review is requested",
        "Fires some days after an order was fulfilled, if it was not refunded and is not reviewed yet.",
        "Reviews",
        ReviewRequest,
        restrictions.ORDER,
    ),
    Topic(
        "refereenotify_create",
        "Friend's discount is ready",
        "Fires when the discount of a referred friend is ready to be used.",
        "Referrals",
        Referral,
        restrictions.REFERRAL,
    ),
    Topic(
        "referrernotify_create",
        "Referral is completed",
        "Fires when a referral is complete and the customer who referred has the reward.",
        "Referrals",
        Referral,
        restrictions.REFERRAL,
    ),
    Topic(
        "incompletereferralrequest_create",
        "Referral waits for its order",
        "Fires when a referred friend has not ordered for some days.",
        "Referrals",
        Referral,
        restrictions.INCOMPLETE_REFERRAL,
    ),
)

TOPICS: dict[str, Topic] = {topic.topic: topic for topic in _TOPICS}
