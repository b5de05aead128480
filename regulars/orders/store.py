"""Orders as rows, and typed functions over the statements that more than one act uses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.kit import Queries, Reading, Tx
from regulars.orders.model import SOMETIMES_SAID, Order, Said

sql = Queries(__file__)

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
    more = [more_of(order) for order in orders]
    return {row["id"] for row in await tx.fetch(sql.insert_orders, workspace_id, *columns, more, now)}


async def named(
    tx: Reading, workspace_id: UUID, names: Sequence[tuple[str, str]], *, locked: bool = False
) -> dict[tuple[str, str], Order]:
    """The orders that exist, by (source, reference_id); if `locked`, in that order."""
    statement = sql.lock_orders if locked else sql.orders_named
    found = await tx.all(order_of, statement, workspace_id, [name[0] for name in names], [name[1] for name in names])
    return {(order.source, order.reference_id): order for order in found}


async def reward_orders(tx: Tx, workspace_id: UUID, coins: Mapping[UUID, int]) -> None:
    """Keep with each order how many coins it has earned besides; they are locked."""
    await tx.execute(sql.reward_orders, workspace_id, list(coins), list(coins.values()))


async def update_orders(tx: Tx, workspace_id: UUID, orders: Sequence[Order], now: datetime) -> None:
    columns = [[getattr(order, field) for order in orders] for field in _UPDATED]
    await tx.execute(sql.update_orders, workspace_id, *columns, [more_of(order) for order in orders], now)


async def sources(tx: Reading, workspace_id: UUID) -> list[str]:
    """Where orders came from, by name."""
    return await tx.all(str, sql.sources, workspace_id)


class _More(Said, frozen=True, gc=False, kw_only=True):
    """The column `more`."""

    other_status: str | None = None
    said_at: dict[str, datetime] = msgspec.field(default_factory=dict)


def more_of(order: Order) -> dict[str, Any]:
    return {field: value for field in _NAMED if (value := getattr(order, field)) not in (None, {})}


def order_of(*row: Any) -> Order:
    """As a row of the statements that read orders."""
    *columns, more = row
    if not more:
        return Order(*columns)
    named = msgspec.convert(more, _More)
    return Order(*columns, **{field: getattr(named, field) for field in more})
