"""One function per statement of `queries.sql`; rows come back as orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit.db import Reading, Record, Tx
from regulars.kit.queries import Queries
from regulars.orders.model import PERSONAL, SOMETIMES_SAID, VERSION, Order, Said

_sql = Queries(__file__)

_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)

_INSERTED = (
    *("id", "source", "reference_id", "name", "customer_id", "currency_code", "amount_minor", "discount_minor"),
    *("tax_minor", "items_count", "status", "financial_status", "delivery_status", "detail", "coins_rewarded"),
    *("placed_at", "source_version", "ahead_version", "ahead_seen_at"),
)
_NAMED = (*SOMETIMES_SAID, "other_status", "said_at")
_UPDATED = tuple(field for field in _INSERTED if field not in ("source", "reference_id", "customer_id"))


async def insert_orders(tx: Tx, workspace_id: UUID, orders: Sequence[Order], now: datetime) -> set[UUID]:
    """The ids of those that were new; an order that exists is left alone."""
    columns = [[getattr(order, field) for order in orders] for field in _INSERTED]
    more = [_more(order) for order in orders]
    return {row["id"] for row in await tx.fetch(_sql.insert_orders, workspace_id, *columns, more, now)}


async def lock_orders(tx: Tx, workspace_id: UUID, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Order]:
    """The orders that exist, by (source, reference_id), locked in that order."""
    rows = await tx.fetch(_sql.lock_orders, workspace_id, [name[0] for name in names], [name[1] for name in names])
    return {(row["source"], row["reference_id"]): _order(row) for row in rows}


async def orders_named(
    tx: Reading, workspace_id: UUID, names: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Order]:
    """The orders that exist, by (source, reference_id)."""
    rows = await tx.fetch(_sql.orders_named, workspace_id, [name[0] for name in names], [name[1] for name in names])
    return {(row["source"], row["reference_id"]): _order(row) for row in rows}


async def orders_by_customer(tx: Reading, workspace_id: UUID, after: Order | None, limit: int) -> list[Order]:
    place = (after.customer_id, after.placed_at, after.id) if after else (UUID(int=0), _BEFORE_ALL, UUID(int=0))
    return [_order(row) for row in await tx.fetch(_sql.orders_by_customer, workspace_id, *place, limit)]


async def reward_orders(tx: Tx, workspace_id: UUID, coins: Mapping[UUID, int]) -> None:
    await tx.execute(_sql.reward_orders, workspace_id, list(coins), list(coins.values()))


async def spend_on_orders(tx: Tx, workspace_id: UUID, coins: Mapping[UUID, int]) -> None:
    await tx.execute(_sql.spend_on_orders, workspace_id, list(coins), list(coins.values()))


async def update_orders(tx: Tx, workspace_id: UUID, orders: Sequence[Order], now: datetime) -> None:
    columns = [[getattr(order, field) for order in orders] for field in _UPDATED]
    await tx.execute(_sql.update_orders, workspace_id, *columns, [_more(order) for order in orders], now)


async def confirm_orders(tx: Tx, workspace_id: UUID, orders: Sequence[Order]) -> None:
    """Keep newer versions of orders that are otherwise as they were."""
    columns = [[getattr(order, field) for order in orders] for field in ("id", *VERSION)]
    await tx.execute(_sql.confirm_orders, workspace_id, *columns, [_more(order) for order in orders])


async def order(tx: Reading, workspace_id: UUID, order_id: UUID) -> Order | None:
    row = await tx.fetchrow(_sql.order, workspace_id, order_id)
    return _order(row) if row else None


async def orders_by_ids(tx: Reading, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Order]:
    return {row["id"]: _order(row) for row in await tx.fetch(_sql.orders_by_ids, workspace_id, list(ids))}


async def orders_of_customer(tx: Reading, workspace_id: UUID, customer_id: UUID, limit: int) -> list[Order]:
    return [_order(row) for row in await tx.fetch(_sql.orders_of_customer, workspace_id, customer_id, limit)]


async def placed_orders(
    tx: Reading,
    workspace_id: UUID,
    before_id: UUID,
    within: tuple[datetime, datetime],
    source: str | None,
    status: str | None,
    limit: int,
    looked_at: int,
) -> list[Order]:
    arguments = (workspace_id, before_id, *within, source, status, limit, looked_at)
    return [_order(row) for row in await tx.fetch(_sql.placed_orders, *arguments)]


async def last_looked_at(
    tx: Reading, workspace_id: UUID, before_id: UUID, within: tuple[datetime, datetime], looked_at: int
) -> UUID | None:
    """The order that is the last of so many; None when there are not so many."""
    found: UUID | None = await tx.fetchval(_sql.last_looked_at, workspace_id, before_id, *within, looked_at - 1)
    return found


async def sources(tx: Reading, workspace_id: UUID) -> list[str]:
    return [row["source"] for row in await tx.fetch(_sql.sources, workspace_id)]


async def orders_by_reference(tx: Reading, workspace_id: UUID, reference_id: str, limit: int) -> list[Order]:
    of = await sources(tx, workspace_id)
    rows = await tx.fetch(_sql.orders_by_reference, workspace_id, of, reference_id, limit)
    return [_order(row) for row in rows]


async def earlier(tx: Reading, workspace_id: UUID, orders: Sequence[Order]) -> dict[UUID, int]:
    columns = [[getattr(order, name) for order in orders] for name in ("id", "customer_id", "placed_at")]
    rows = await tx.fetch(_sql.earlier, workspace_id, *columns, limits.EARLIER_ORDERS_COUNTED_MAX)
    return {row["id"]: row["earlier"] for row in rows}


async def count(tx: Reading, workspace_id: UUID) -> int:
    found: int = await tx.fetchval(_sql.count, workspace_id)
    return found


class _More(Said, frozen=True, gc=False, kw_only=True):
    """The column `more`."""

    other_status: str | None = None
    said_at: dict[str, datetime] = msgspec.field(default_factory=dict)


def _more(order: Order) -> dict[str, Any]:
    return {field: value for field in _NAMED if (value := getattr(order, field)) not in (None, {})}


def _order(row: Record) -> Order:
    *columns, more = row
    if not more:
        return Order(*columns)
    named = msgspec.convert(more, _More)
    return Order(*columns, **{field: getattr(named, field) for field in more})


async def move_orders(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    await tx.execute(_sql.move_orders, workspace_id, from_id, into_id)


async def forget_orders(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    await tx.execute(_sql.forget_orders, workspace_id, customer_ids, PERSONAL)
