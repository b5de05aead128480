"""Every event by its topic, its name on the wire."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import msgspec

from regulars.conditions import Schema
from regulars.events.catalogue import restrictions
from regulars.events.catalogue.properties import TYPES, Body

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
    type: type[Body]
    restrictions: Schema


_OF: dict[str, Schema] = {
    "lead_create": restrictions.LEAD,
    "lead_update": restrictions.LEAD_UPDATE,
    "viptier_create": restrictions.VIP_TIER,
    "viptierends_create": restrictions.TIER_ENDS,
    "order_create": restrictions.ORDER,
    "order_update": restrictions.ORDER,
    "walletreward_create": restrictions.WALLET,
    "wallettrasaction_update": restrictions.WALLET,
    "coinexpirynotify_create": restrictions.COIN_EXPIRY,
    "unusedwalletcoinrequest_create": restrictions.UNUSED_COINS,
    "coupon_create": restrictions.COUPON,
    "coupon_update": restrictions.COUPON,
    "unusedcouponrequest_create": restrictions.COUPON,
    "review_create": restrictions.REVIEW,
    "review_update": restrictions.REVIEW,
    "reviewrequest_create": restrictions.ORDER,
    "refereenotify_create": restrictions.REFERRAL,
    "referrernotify_create": restrictions.REFERRAL,
    "incompletereferralrequest_create": restrictions.INCOMPLETE_REFERRAL,
}


def _topics() -> Iterator[Topic]:
    for line in Path(__file__).with_name("topics.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            topic, kind, group, label, happening, sent, fires = line.strip("| ").replace("`", "").split(" | ")
            assert group in get_args(Group)
            yield Topic(topic, group, label, happening, sent == "yes", fires, TYPES[kind], _OF[topic])  # type: ignore[arg-type]


TOPICS: dict[str, Topic] = {topic.topic: topic for topic in _topics()}
