"""Look in every room."""

from contextlib import suppress
from uuid import UUID

import msgspec

from regulars import customers, delivery, events, limits, orders, rewards
from regulars.customers import Customer
from regulars.delivery import Delivery
from regulars.events import Event
from regulars.kit import NotFound, Reading
from regulars.orders import Order
from regulars.rewards import Coupon, Terms


class Found(msgspec.Struct):
    """What was meant, the newest of each kind first."""

    customers: list[Customer] = []
    orders: list[Order] = []
    events: list[Event] = []
    deliveries: list[Delivery] = []
    coupons: list[tuple[Coupon, Terms]] = []

    @property
    def nothing(self) -> bool:
        return not (self.customers or self.orders or self.events or self.deliveries or self.coupons)


async def everywhere(tx: Reading, workspace_id: UUID, text: str) -> Found:
    """At most limits.SEARCH_FOUND_MAX of each kind. An id finds what it names, whatever that is; any other text finds
    customers by their words, orders by their id at the shop or their name, and a coupon by its code."""
    asked = text.strip().removeprefix("#")
    if not asked or "\0" in asked:
        return Found()
    try:
        return await _by_id(tx, workspace_id, UUID(asked))
    except ValueError:
        most = limits.SEARCH_FOUND_MAX
        coupons, terms = await rewards.coupons(tx, workspace_id, code=asked, limit=most)
        return Found(
            coupons=[(one, terms[one.offer_id, one.offer_version]) for one in coupons],
            customers=await customers.search(tx, workspace_id, asked, limit=most),
            orders=(await orders.search_orders(tx, workspace_id, reference_id=asked, limit=most))[0],
        )


async def _by_id(tx: Reading, workspace_id: UUID, id: UUID) -> Found:
    found = Found(customers=list((await customers.by_ids(tx, workspace_id, [id])).values()))
    with suppress(NotFound):
        found.orders.append(await orders.find_order(tx, workspace_id, id))
    with suppress(NotFound):
        found.coupons.append(await rewards.find_coupon(tx, workspace_id, id))
    with suppress(NotFound):
        found.events.append(await events.get(tx, workspace_id, id))
    with suppress(NotFound):
        found.deliveries.append((await delivery.get_delivery(tx, workspace_id, id))[0])
    return found
