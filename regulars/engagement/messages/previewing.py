"""What a template would say to one of the shop's customers, of an event that happened to them or of one made up."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import events, ledger, rewards
from regulars.customers import Customer
from regulars.engagement.messages.model import Channel, Content
from regulars.engagement.messages.rendering import facts, said_by
from regulars.kit import Reading
from regulars.tenancy import Workspace


async def preview(
    tx: Reading, shop: Workspace, channel: Channel, content: Content, topic: str, customer: Customer, now: datetime
) -> dict[str, Any]:
    """See `said_by`. A coupon is made up where there is none."""
    have = (await ledger.available(tx, shop, [customer.id], now)).get(customer.id, 0)
    body: dict[str, Any] | None = None
    if topic:
        newest = await events.recent(tx, shop.id, topic=topic, customer_id=customer.id, limit=1)
        business = events.business(shop)
        common = events.common(business, customer, have)
        made_up = events.sample(topic, business, common, customer.id, now)
        body = msgspec.json.decode(newest[0].body if newest else made_up)
    coupons = await coupons_of(tx, shop, {customer.id: (body or {}).get("coupon_id")}, now)
    coupon = coupons.get(customer.id) or {"code": "GIFT-2345", "name": "10% Off coupon", "expire": ""}
    return said_by(shop, channel, content, facts(shop, customer, have, body, coupon))


async def coupons_of(
    tx: Reading, shop: Workspace, wanted: Mapping[UUID, str | None], now: datetime
) -> dict[UUID, dict[str, str]]:
    """By customer: the coupon with this id, or else their newest that can be used."""
    asked = [(who, UUID(id) if id else None) for who, id in wanted.items()]
    found, terms = await rewards.one_of_each(tx, shop.id, asked, now) if asked else ([], {})
    return {
        one.customer_id: {
            "code": one.code,
            "name": rewards.coupon_name(terms[one.offer_id, one.offer_version], one.steps, shop),
            "expire": events.formatted(one.expires_at, shop.zone) if one.expires_at else "",
        }
        for one in found
    }
