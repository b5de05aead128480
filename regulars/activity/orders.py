"""Orders, read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from regulars.activity import store
from regulars.activity.model import Order
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import NotFound


async def find_order(tx: Reading, workspace_id: UUID, order_id: UUID) -> Order:
    """Raises NotFound."""
    order = await store.order(tx, workspace_id, order_id)
    if order is None:
        raise NotFound("This order does not exist.")
    return order


async def by_ids(tx: Reading, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Order]:
    """The orders that exist, by id."""
    return await store.orders_by_ids(tx, workspace_id, ids)


async def orders_of(tx: Reading, workspace_id: UUID, customer_id: UUID, *, limit: int = 50) -> list[Order]:
    """A customer's orders, the one placed last first."""
    return await store.orders_of_customer(tx, workspace_id, customer_id, limit)


async def recent_orders(
    tx: Reading, workspace_id: UUID, *, reference_id: str = "", before_id: UUID | None = None, limit: int = 50
) -> list[Order]:
    """Orders in the order they were first reported, newest first; or those with this reference or name,
    of any source."""
    if reference_id:
        return await store.orders_by_reference(tx, workspace_id, reference_id.strip(), limit)
    return await store.recent_orders(tx, workspace_id, before_id, limit)


async def next_orders(tx: Reading, workspace_id: UUID, after: Order | None, limit: int) -> list[Order]:
    """Every order after that one, customer by customer, each customer's in the order they were placed."""
    return await store.orders_by_customer(tx, workspace_id, after, limit)


async def lock_orders(tx: Tx, workspace_id: UUID, orders: Sequence[Order]) -> list[Order]:
    """The same orders as they are now. Lock order: by (source, reference_id)."""
    names = [(order.source, order.reference_id) for order in orders]
    locked = await store.lock_orders(tx, workspace_id, names)
    return [locked[name] for name in names]


async def reward_orders(tx: Tx, workspace_id: UUID, coins: Mapping[UUID, int]) -> None:
    """Keep with each order how many coins it has earned besides; they are locked."""
    await store.reward_orders(tx, workspace_id, coins)


async def count(tx: Reading, workspace_id: UUID) -> int:
    """Reads every row: for reports, not for pages."""
    return await store.count(tx, workspace_id)
