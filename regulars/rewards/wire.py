"""From a coupon to the words of its event."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars import customers, events, ledger, schedule
from regulars.customers import Customer
from regulars.events import Business, NewEvent
from regulars.kit import Reading, Tx, wire_time
from regulars.rewards import store
from regulars.rewards.model import Coupon, Terms, fiat
from regulars.rewards.wording import coupon_description, coupon_name
from regulars.schedule import Due
from regulars.tenancy import Workspace

FOLLOW = "rewards.follow"
Topic = Literal["coupon_create", "coupon_update", "unusedcouponrequest_create"]


class Told(msgspec.Struct, frozen=True, gc=False):
    """A coupon as it is now, and what led to that."""

    coupon: Coupon
    terms: Terms
    cause_id: UUID | None = None
    depth: int = 0


def properties(
    business: Business, workspace: Workspace, customer: Customer, coupon: Coupon, terms: Terms, coins: int
) -> dict[str, Any]:
    """What events say of a coupon; `coins` is what its customer then has."""
    fiat_class, fiat_value, fiat_target = fiat(terms, coupon.steps)
    return {
        **events.common(business, customer, coins),
        "entity_id": business.entity_id,
        "lead_id": str(customer.id),
        "activity_id": str(coupon.firing_id or ""),
        "offer_id": str(coupon.offer_id),
        "reference_coupon_id": "",
        "reference_coupon_source": "",
        "name": coupon_name(terms, coupon.steps, workspace),
        "description": coupon_description(terms, workspace),
        "type": coupon.type,
        "value": coupon.code,
        "fiat_class": fiat_class,
        "fiat_value": fiat_value,
        "fiat_target": fiat_target,
        "minimumcart_amount": _number(terms.minimum_cart) if terms.minimum_cart else "",
        "meta__lead_name": customer.name,
        "status": coupon.status,
        "redirect_link": events.tagged(business, workspace.uri, "event"),
        "expire": wire_time(coupon.expires_at) if coupon.expires_at else "",
        "formatted_expire": events.formatted(coupon.expires_at, workspace.zone) if coupon.expires_at else "",
        "updated_at": wire_time(coupon.updated_at),
        "created_at": wire_time(coupon.created_at),
        "coupon_id": str(coupon.id),
    }


async def tell(
    tx: Tx,
    workspace: Workspace,
    topic: Topic,
    told: Iterable[Told],
    now: datetime,
    *,
    known: Mapping[UUID, Customer] | None = None,
) -> None:
    """Log that of each."""
    await events.append(tx, workspace.id, await said_of(tx, workspace, topic, list(told), now, known=known), now)


async def said_of(
    tx: Reading,
    workspace: Workspace,
    topic: Topic,
    of: Sequence[Told],
    now: datetime,
    *,
    known: Mapping[UUID, Customer] | None = None,
) -> list[NewEvent]:
    """An event of each."""
    if not of:
        return []
    ids = sorted({one.coupon.customer_id for one in of})
    people = known if known is not None else await customers.by_ids(tx, workspace.id, ids)
    coins = await ledger.available(tx, workspace, ids, now)
    business = events.business(workspace)
    new: list[NewEvent] = []
    for one in of:
        coupon, customer = one.coupon, people[one.coupon.customer_id]
        said = properties(business, workspace, customer, coupon, one.terms, coins[coupon.customer_id])
        more = {"cause_id": one.cause_id, "depth": one.depth, "order_id": coupon.order_id}
        new.append(events.told(topic, customer.id, said, now, **more))
    return new


async def changed(tx: Tx, workspace: Workspace, coupons: list[Coupon], now: datetime) -> None:
    """Keep what became of locked coupons, and tell it."""
    if not coupons:
        return
    of = [msgspec.structs.replace(one, updated_at=now) for one in coupons]
    await store.set_coupons(tx, workspace.id, of, now)
    terms = await store.terms_of(tx, workspace.id, of)
    told = [Told(one, terms[one.offer_id, one.offer_version]) for one in of]
    await tell(tx, workspace, "coupon_update", told, now)
    links = [one.code_key if one.stands_in else one.key or "" for one in of]
    pairs = [link.split(":") for link in links if link.startswith("pair:")]
    for other in sorted({shop for _, shop, _ in pairs}):
        dues = [Due(FOLLOW, f"{workspace.id}:{pair}", now, {}) for _, shop, pair in pairs if shop == other]
        await schedule.put(tx, UUID(other), dues)


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value
