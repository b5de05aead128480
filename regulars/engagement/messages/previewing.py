"""What a template would say to one of the shop's customers, of an event that happened to them or of one made up."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import events, ledger, rewards
from regulars.customers import Customer
from regulars.engagement.messages.model import Template
from regulars.engagement.messages.rendering import facts, said_by
from regulars.kit import Reading, invalid
from regulars.tenancy import Workspace

_MADE_UP = {"code": "GIFT-2345", "name": "10% Off coupon", "expire": ""}
MADE_UP_GIFT = {"coins": 100, **_MADE_UP}


async def preview(
    tx: Reading, shop: Workspace, of: Template, customer: Customer, now: datetime, event_id: UUID | None = None
) -> dict[str, Any]:
    """See `said_by`. A coupon is made up where there is none, and so is a gift. Raises Invalid naming `event_id`."""
    have = (await ledger.available(tx, shop, [customer.id], now)).get(customer.id, 0)
    body: dict[str, Any] | None = None
    if of.topic:
        event = await event_of(tx, shop.id, of.topic, customer.id, event_id)
        body = msgspec.json.decode(event.body) if event else made_up(shop, of.topic, customer, have, now)
    coupons = await coupons_of(tx, shop, {customer.id: (body or {}).get("coupon_id")}, now)
    coupon = coupons.get(customer.id) or _MADE_UP
    return said_by(shop, of.channel, of.content, facts(shop, customer, have, body, coupon, MADE_UP_GIFT))


async def event_of(tx: Reading, shop_id: UUID, topic: str, whose: UUID, event_id: UUID | None) -> events.Event | None:
    """Which event of theirs a message is about: this one, or their newest. Raises Invalid naming `event_id`."""
    if event_id is None:
        newest = await events.recent(tx, shop_id, topic=topic, customer_id=whose, limit=1) if topic else []
        return newest[0] if newest else None
    found = (await events.by_ids(tx, shop_id, [(event_id, topic)])).get(event_id)
    if found is None or found.customer_id != whose:
        raise invalid("event_id", "the id of an event of this customer's, of the kind that the template is for")
    return found


def made_up(shop: Workspace, topic: str, customer: Customer, available: int, now: datetime) -> dict[str, Any]:
    """What such an event would say."""
    common = events.common(events.business(shop), customer, available)
    said: dict[str, Any] = msgspec.json.decode(events.sample(topic, events.business(shop), common, customer.id, now))
    return said


async def coupons_of(
    tx: Reading, shop: Workspace, wanted: Mapping[UUID, str | None], now: datetime
) -> dict[UUID, dict[str, str]]:
    """By customer: the coupon with this id, or else their newest that can be used."""
    asked = [(who, UUID(id) if id else None) for who, id in wanted.items()]
    found, terms = await rewards.one_of_each(tx, shop.id, asked, now) if asked else ([], {})
    return {one.customer_id: coupon_said(shop, one, terms[one.offer_id, one.offer_version]) for one in found}


def coupon_said(shop: Workspace, one: rewards.Coupon, terms: rewards.Terms) -> dict[str, str]:
    """As templates name one."""
    expire = events.formatted(one.expires_at, shop.zone) if one.expires_at else ""
    return {"code": one.code, "name": rewards.coupon_name(terms, one.steps, shop), "expire": expire}
