"""From what a sweep found to the words of its event."""

from collections.abc import Sequence
from datetime import datetime

from regulars import events, ledger, orders
from regulars.customers import Customer
from regulars.events import Business, NewEvent
from regulars.kit import wire_time
from regulars.ledger import Expiring, Txn
from regulars.orders import Order
from regulars.tenancy import Workspace


def expiry_event(
    shop: Workspace,
    business: Business,
    customer: Customer,
    unit: str,
    coins: Sequence[Expiring],
    available: int,
    now: datetime,
) -> NewEvent:
    """`coins` are all that a customer has that expires on one day; the first of them says when."""
    ends_at = min(one.ends_at for one in coins)
    said = events.common(business, customer, available) | {
        "wallet_expiry_unit": unit,
        "wallet_expiry_amount": sum(one.amount for one in coins),
        "wallet_expiry_notify_generated_on": wire_time(now),
        "wallet_expiry_estimated_on": wire_time(ends_at),
        "wallet_expiry_formatted_estimated_on": events.formatted(ends_at, shop.zone),
        "entity_id": business.entity_id,
    }
    return events.told("coinexpirynotify_create", customer.id, said, now)


def unused_event(business: Business, customer: Customer, txn: Txn, nth: int, available: int, now: datetime) -> NewEvent:
    """`txn` is the newest of the wallet."""
    said = ledger.properties(business, customer, txn, available)
    said["meta__unusedwalletcoinrequest_count"] = nth
    return events.told("unusedwalletcoinrequest_create", customer.id, said, now)


def review_event(
    business: Business, customer: Customer, order: Order, link: str, available: int, now: datetime
) -> NewEvent:
    """`link` opens the page on which the order's products are reviewed."""
    said = orders.properties(business, customer, available, order) | {"order_review_link": link}
    return events.told("reviewrequest_create", customer.id, said, now, order_id=order.id)
