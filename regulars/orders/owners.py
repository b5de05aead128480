"""Whose orders are: when customers are merged, or erased."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from regulars import customers
from regulars.customers import Customer
from regulars.kit import Reading, Tx
from regulars.orders.model import PERSONAL, OrderReport
from regulars.orders.store import named, sql


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """All orders of one customer are another's. Locks them."""
    await tx.execute(sql.move_orders, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Drop what their orders say of the customers themselves. Locks them."""
    await tx.execute(sql.forget_orders, workspace_id, customer_ids, PERSONAL)


async def of_erased(tx: Reading, workspace_id: UUID, reports: Iterable[OrderReport]) -> dict[tuple[str, str], Customer]:
    """The customers of those orders that are kept for somebody who was erased: what is reported of these makes nobody a
    customer again."""
    kept = await named(tx, workspace_id, [(report.source, report.reference_id) for report in reports])
    if not kept:
        return {}
    owners = await customers.by_ids(tx, workspace_id, sorted({order.customer_id for order in kept.values()}))
    whose = {name: owners[order.customer_id] for name, order in kept.items()}
    return {name: customer for name, customer in whose.items() if customer.erased_at}


def impersonal(report: OrderReport) -> OrderReport:
    """The same without what it says of the customer."""
    detail = {name: value for name, value in report.detail.items() if name not in PERSONAL}
    return msgspec.structs.replace(report, detail=detail, note=None if report.note is None else "")
