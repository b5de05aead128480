"""Orders, read."""

from __future__ import annotations

from uuid import UUID

from regulars.activity import store
from regulars.activity.model import Order
from regulars.kit.db import Reading
from regulars.kit.errors import NotFound


async def find_order(tx: Reading, workspace_id: UUID, order_id: UUID) -> Order:
    """Raises NotFound."""
    order = await store.order(tx, workspace_id, order_id)
    if order is None:
        raise NotFound("This order does not exist.")
    return order


async def orders_of(tx: Reading, workspace_id: UUID, customer_id: UUID, *, limit: int = 50) -> list[Order]:
    """A customer's orders, the one placed last first."""
    return await store.orders_of_customer(tx, workspace_id, customer_id, limit)


async def recent_orders(
    tx: Reading, workspace_id: UUID, *, reference_id: str = "", before_id: UUID | None = None, limit: int = 50
) -> list[Order]:
    """Orders in the order they were first reported, newest first; or those with this reference, of any source."""
    if reference_id:
        return await store.orders_by_reference(tx, workspace_id, reference_id.strip(), limit)
    return await store.recent_orders(tx, workspace_id, before_id, limit)


async def count(tx: Reading, workspace_id: UUID) -> int:
    """Reads every row: for reports, not for pages."""
    return await store.count(tx, workspace_id)
