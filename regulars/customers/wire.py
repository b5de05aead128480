"""From a customer to the words of their events."""

from typing import Any

from regulars import events
from regulars.customers.model import Customer
from regulars.events import Business, NewEvent
from regulars.kit import wire_time


def created_event(business: Business, customer: Customer) -> NewEvent:
    return events.told("lead_create", customer.id, _properties(business, customer, 0), customer.created_at)


def changed_event(
    business: Business, customer: Customer, available: int, changed: list[str], **because: Any
) -> NewEvent:
    said = _properties(business, customer, available) | {"changed_properties": changed}
    return events.told("lead_update", customer.id, said, customer.updated_at, **because)


def _properties(business: Business, customer: Customer, available: int) -> dict[str, Any]:
    shared = events.common(business, customer, available)
    return {
        **shared,
        "entity_id": business.entity_id,
        "referral_code": customer.referral_code,
        "customer_id": customer.customer_id,
        "referred_by_referral_code": customer.referred_by_code,
        "name": customer.name,
        "available": available,
        "tier": customer.tier,
        "transaction_amount": shared["user_transaction_amount"] if customer.orders_count else "",
        "last_transaction": wire_time(customer.last_order_at) if customer.last_order_at else "",
        "accept_email": customer.accept_email,
        "accept_mobile": customer.accept_mobile,
        "accept_smartdiscountapply": "",
        "dob": shared["user_dob"],
        "full_dob": shared["user_full_dob"],
        "mid": events.mid(shared["user_mobile"]),
        "mobile": shared["user_mobile"],
        "country": customer.country,
        "eid": events.eid(customer.email),
        "email": customer.email,
        "email_status": "pending" if customer.email else "",
        "is_freezed": "",
        "created_at": wire_time(customer.created_at),
        "updated_at": wire_time(customer.updated_at),
        "lead_id": str(customer.id),
    }
