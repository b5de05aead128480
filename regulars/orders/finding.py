"""Orders, read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from regulars import limits
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import NotFound
from regulars.kit.ids import AFTER_ALL_IDS
from regulars.orders import store
from regulars.orders.model import Order


async def find_order(tx: Reading, workspace_id: UUID, order_id: UUID) -> Order:
    """Raises NotFound."""
    order = await store.order(tx, workspace_id, order_id)
    if order is None:
        raise NotFound("This order does not exist.")
    return order


async def by_ids(tx: Reading, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Order]:
    """The orders that exist, by id."""
    return await store.orders_by_ids(tx, workspace_id, ids)


async def find_named(tx: Reading, workspace_id: UUID, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Order]:
    """The orders that exist, by (source, reference_id)."""
    return await store.orders_named(tx, workspace_id, names)


async def orders_of(tx: Reading, workspace_id: UUID, customer_id: UUID, *, limit: int = 50) -> list[Order]:
    """A customer's orders, the one placed last first."""
    return await store.orders_of_customer(tx, workspace_id, customer_id, limit)


async def search_orders(
    tx: Reading,
    workspace_id: UUID,
    *,
    reference_id: str = "",
    source: str | None = None,
    financial_status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int = limits.PAGE_ITEMS_DEFAULT,
) -> tuple[list[Order], UUID | None]:
    """The one placed last first, placed since one time and before another; and the id to go on from as `before_id`,
    if there may be more. A page looks at SEARCH_ROWS_MAX orders at most, so it may hold fewer than asked for, or none,
    and still go on. With `reference_id` those with this reference or name, of any source: one page."""
    if reference_id.strip():
        return await store.orders_by_reference(tx, workspace_id, reference_id.strip(), limit), None
    within, before = (since or _EVER[0], until or _EVER[1]), before_id or AFTER_ALL_IDS
    most = limits.SEARCH_ROWS_MAX if source or financial_status else limit
    found = await store.placed_orders(tx, workspace_id, before, within, source, financial_status, limit, most)
    if len(found) == limit:
        return found, found[-1].id
    return found, await store.last_looked_at(tx, workspace_id, before, within, most)


async def sources(tx: Reading, workspace_id: UUID) -> list[str]:
    """Where orders came from, by name."""
    return await store.sources(tx, workspace_id)


_EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


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


async def earlier(tx: Reading, workspace_id: UUID, orders: Sequence[Order]) -> dict[UUID, int]:
    """For each order how many others its customer had placed before, without those that were cancelled or paid back; no
    more than limits.EARLIER_ORDERS_COUNTED_MAX are counted."""
    return await store.earlier(tx, workspace_id, orders)


async def count(tx: Reading, workspace_id: UUID) -> int:
    """Reads every row: for reports, not for pages."""
    return await store.count(tx, workspace_id)
