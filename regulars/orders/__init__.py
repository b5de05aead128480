"""What shops report: orders, as often as they like and in any order.

Promises: an order is known by (source, reference_id), once per workspace. However often reports come, and in whatever
order, it ends as the newest says; what that one leaves unsaid (lines, refunds, tags ...) is as it was last said.
Creating and changing an order appends `order_create` and `order_update`, and moves the customer's totals, in the same
transaction.

Does not know how coins are earned: it asks how many a change earns and keeps their number with the order. What of an
order earns is its to say (`eligible`, `basis`), by the shop's choices.

    report --> created | updated | unchanged | stale
"""

from regulars.orders.correcting import Correcting, differences
from regulars.orders.currency import check_currency_change
from regulars.orders.earning import (
    EXCLUDED,
    EarningBasis,
    Eligible,
    basis,
    basis_setting,
    check_basis,
    default_basis,
    eligible,
)
from regulars.orders.finding import (
    Sort,
    buyers_between,
    by_ids,
    count,
    earlier,
    find_order,
    holding,
    lock_orders,
    next_orders,
    orders_of,
    search_orders,
    shipped_alike,
)
from regulars.orders.foresight import Foresight
from regulars.orders.lines import Line, Refund, RefundLine
from regulars.orders.model import NEVER, Order, OrderReport, Recorded, check, minor_units
from regulars.orders.owners import forget, move
from regulars.orders.payload import FIELDS, payload
from regulars.orders.recording import AS_REPORTED, cancellation_report, record, refund_report
from regulars.orders.store import named as find_named
from regulars.orders.store import reward_orders, sources
from regulars.orders.wire import properties
