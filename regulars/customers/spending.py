"""A customer's totals follow their orders."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.customers.model import Customer
from regulars.customers.store import sql
from regulars.kit import Overtaken, Tx


class Spending(msgspec.Struct, frozen=True, gc=False):
    """By how much an order changed what a customer has spent in its currency, and how many orders they have."""

    customer_id: UUID
    currency_code: str
    amount_minor: int
    orders_count: int
    placed_at: datetime


async def count_spending(tx: Tx, workspace_id: UUID, changes: Iterable[Spending]) -> dict[UUID, Customer]:
    """Add the changes up and return the customers as they are now. Lock order: customers by id. Raises Overtaken when
    one of them has been merged meanwhile."""
    totals: dict[UUID, tuple[Counter[str], int, datetime]] = {}
    for change in changes:
        spent, count, newest = totals.get(change.customer_id, (Counter(), 0, change.placed_at))
        spent[change.currency_code] += change.amount_minor
        totals[change.customer_id] = (spent, count + change.orders_count, max(newest, change.placed_at))
    if not totals:
        return {}
    columns = zip(*((id, *totals[id]) for id in sorted(totals)), strict=True)
    counted = await tx.all(Customer, sql.count_spending, workspace_id, *map(list, columns))
    if any(customer.merged_into for customer in counted):
        raise Overtaken  # merged into another while we waited for its lock
    return {customer.id: customer for customer in counted}
