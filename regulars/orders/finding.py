"""Orders, read."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, get_args
from uuid import UUID

from regulars import limits
from regulars.kit import BEFORE_ALL_IDS, NotFound, Reading, Tx, first_id_at, invalid
from regulars.orders.model import Order
from regulars.orders.store import named, order_of, sources, sql

Sort = Literal["newest", "oldest", "largest", "smallest"]


async def find_order(tx: Reading, workspace_id: UUID, order_id: UUID) -> Order:
    """Raises NotFound."""
    found = await by_ids(tx, workspace_id, [order_id])
    if not found:
        raise NotFound("This order does not exist.")
    return found[order_id]


async def by_ids(tx: Reading, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Order]:
    """The orders that exist, by id."""
    return {order.id: order for order in await tx.all(order_of, sql.orders_by_ids, workspace_id, list(ids))}


async def orders_of(tx: Reading, workspace_id: UUID, customer_id: UUID, *, limit: int = 50) -> list[Order]:
    """A customer's orders, the one placed last first."""
    return await tx.all(order_of, sql.orders_of_customer, workspace_id, customer_id, limit)


async def holding(
    tx: Reading, workspace_id: UUID, wanted: Sequence[tuple[UUID, str, str]], limit: int
) -> dict[int, Order]:
    """By the place of what is wanted, a customer's product: the order of theirs that is called so, by any of its names,
    or with '' the newest that stands and holds the product. So many of their newest are looked at."""
    columns = [list(column) for column in zip(*wanted, strict=True)] or [[], [], []]
    rows = await tx.fetch(sql.orders_holding, workspace_id, *columns, limit)
    return {row[0] - 1: order_of(*row[1:]) for row in rows}


async def search_orders(
    tx: Reading,
    workspace_id: UUID,
    *,
    reference_id: str = "",
    source: str | None = None,
    financial_status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    sort: Sort = "newest",
    before_id: UUID | None = None,
    limit: int = limits.PAGE_ITEMS_DEFAULT,
) -> tuple[list[Order], UUID | None]:
    """Placed since one time and before another; and the id to go on from as `before_id`, if there may be more. The one
    placed last comes first; amounts are sorted by their numbers, whatever the currency. A page looks at SEARCH_ROWS_MAX
    orders at most, so it may hold fewer than asked for, or none, and still go on. With `reference_id` those with this
    reference or name, of any source: one page. Raises Invalid."""
    if sort not in get_args(Sort):
        raise invalid("sort", f"one of {', '.join(get_args(Sort))}")
    if name := reference_id.strip():
        of = await sources(tx, workspace_id)
        return await tx.all(order_of, sql.orders_by_reference, workspace_id, of, name, limit), None
    place = (since or _EVER[0], until or _EVER[1], source, financial_status)
    by_amount = sort in ("largest", "smallest")
    narrowed = source or financial_status or (by_amount and (since or until))
    found: list[Order] = []
    # What most orders are is found among the first few.
    first = min(limit * 10, limits.SEARCH_ROWS_MAX) if narrowed else limit
    for most in (first, limits.SEARCH_ROWS_MAX - first) if narrowed else (first,):
        left = limit - len(found)
        rows = await tx.fetch(sql.search_orders, workspace_id, before_id, *place, left, most, sort)
        found += [order_of(*row[2:]) for row in rows if row["id"] is not None]
        if len(found) == limit:
            return found, found[-1].id
        if rows[0]["rows_seen"] < most:
            return found, None
        before_id = rows[0]["last_id"] or before_id
    return found, before_id


_EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


async def shipped_alike(tx: Reading, workspace_id: UUID, of: Mapping[UUID, UUID]) -> set[UUID]:
    """Those of these orders that go to an address to which one of the customer's goes, given beside them: one of their
    newest."""
    placed = (await by_ids(tx, workspace_id, list(of))).values() if of else ()
    sent = [(one.id, of[one.id], place) for one in placed if (place := one.detail.get("shipped_to"))]
    columns = map(list, zip(*sent, strict=True))
    rows = await tx.fetch(sql.shipped_alike, workspace_id, *columns, limits.PAGE_ITEMS_DEFAULT) if sent else []
    return {row["id"] for row in rows}


async def buyers_between(
    tx: Reading, workspace_id: UUID, moments: Sequence[datetime], *, at_most: int
) -> list[tuple[int, int]]:
    """Of each stretch between two neighbouring moments in which orders came in: by how many customers, and by how many
    of them who had ordered before. Looks at `at_most` orders of a stretch."""
    bounds = [first_id_at(at) for at in moments]
    rows = await tx.fetch(sql.buyers_by_span, workspace_id, bounds[:-1], bounds[1:], at_most)
    return [(row["buyers"], row["again"]) for row in rows]


async def next_orders(tx: Reading, workspace_id: UUID, after: Order | None, limit: int) -> list[Order]:
    """Every order after that one, in the order in which they were placed."""
    place = (after.placed_at, after.id) if after else (datetime(1, 1, 1, tzinfo=UTC), BEFORE_ALL_IDS)
    return await tx.all(order_of, sql.next_orders, workspace_id, *place, limit)


async def lock_orders(tx: Tx, workspace_id: UUID, orders: Sequence[Order]) -> list[Order]:
    """The same orders as they are now. Lock order: by (source, reference_id)."""
    names = [(order.source, order.reference_id) for order in orders]
    locked = await named(tx, workspace_id, names, locked=True)
    return [locked[name] for name in names]


async def earlier(tx: Reading, workspace_id: UUID, orders: Sequence[Order]) -> dict[UUID, int]:
    """For each order how many others its customer had placed before, without those that were cancelled or paid back; no
    more than limits.EARLIER_ORDERS_COUNTED_MAX are counted."""
    columns = [[getattr(order, name) for order in orders] for name in ("id", "customer_id", "placed_at")]
    rows = await tx.fetch(sql.earlier, workspace_id, *columns, limits.EARLIER_ORDERS_COUNTED_MAX)
    return {row["id"]: row["earlier"] for row in rows}


async def count(tx: Reading, workspace_id: UUID) -> int:
    """Reads every row: for reports, not for pages."""
    return int(await tx.fetchval(sql.count, workspace_id))
