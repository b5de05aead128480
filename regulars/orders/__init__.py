"""What shops report: orders, as often as they like and in any order.

Promises: an order is known by (source, reference_id), once per workspace. A report that says nothing new changes
nothing; an older report than the one kept changes nothing. Creating and changing an order appends `order_create` and
`order_update`, and moves the customer's totals, in the same transaction.

Does not know how coins are earned: it asks how many a change earns and keeps their number with the order.

    report --> created | updated | unchanged | stale
"""

from regulars.orders.correcting import Correcting, differences
from regulars.orders.currency import check_currency_change
from regulars.orders.finding import (
    by_ids,
    count,
    find_order,
    lock_orders,
    next_orders,
    orders_of,
    reward_orders,
    search_orders,
    sources,
)
from regulars.orders.foresight import Foresight
from regulars.orders.model import Order, OrderReport, Recorded, check, minor_units
from regulars.orders.recording import AS_REPORTED, record

__all__ = [
    "AS_REPORTED",
    "Correcting",
    "Foresight",
    "Order",
    "OrderReport",
    "Recorded",
    "by_ids",
    "check",
    "check_currency_change",
    "count",
    "differences",
    "find_order",
    "lock_orders",
    "minor_units",
    "next_orders",
    "orders_of",
    "record",
    "reward_orders",
    "search_orders",
    "sources",
]
