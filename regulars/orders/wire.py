"""From an order to words, and to those of its events."""

from datetime import datetime
from typing import Any

from regulars import events
from regulars.customers import Customer
from regulars.events import Business, NewEvent
from regulars.kit import money, new_id, units_of, wire_time
from regulars.orders.model import PASSED_ON, Order, Recorded
from regulars.tenancy import Workspace


def called(order: Order, workspace: Workspace) -> str:
    """`#1028 over $129.90`."""
    symbol = workspace.currency_symbol if order.currency_code == workspace.currency_code else ""
    units = order.amount_minor / units_of(order.currency_code)
    return f"{order.name or order.reference_id} over {money(units, order.currency_code, symbol)}"


def properties(business: Business, customer: Customer, available: int, order: Order) -> dict[str, Any]:
    """What events say of an order."""
    told = order.detail.get
    return {
        **events.common(business, customer, available),
        "entity_id": business.entity_id,
        "lead_id": str(order.customer_id),
        "reference_order_name": order.name or order.reference_id,
        "reference_order_id": order.reference_id,
        "reference_order_source": order.source,
        "activity_id": "",
        "currency_code": order.currency_code,
        "reference_cart_token": told("cart_token", ""),
        "fiat_amount": events.major_units(order.amount_minor, order.currency_code),
        "fiat_discount": events.major_units(order.discount_minor, order.currency_code),
        "fiat_tax": events.major_units(order.tax_minor, order.currency_code),
        **{name: told(name, "") for name in PASSED_ON},
        "status": order.status,
        "financial_status": order.financial_status,
        "delivery_status": order.delivery_status,
        "meta__lead_name": customer.name,
        "meta__coin_spent": order.coins_spent,
        "meta__coin_reward": order.coins_rewarded,
        "meta__is_rewarded": True if order.coins_rewarded else "",
        "meta__currency_code": order.currency_code,
        "meta__redirect_link": events.tagged(business, told("redirect_link", ""), "email"),
        "updated_at": wire_time(order.updated_at),
        "created_at": wire_time(order.placed_at),
        "order_id": str(order.id),
    }


def order_event(business: Business, customer: Customer, available: int, recorded: Recorded) -> NewEvent:
    """`order_create` or `order_update`, by what the report changed."""
    order, topic = recorded.order, "order_create" if recorded.change == "created" else "order_update"
    said, at = properties(business, customer, available, order), _occurred_at(recorded)
    return events.told(topic, order.customer_id, said, at, id=new_id(), order_id=order.id)


def _occurred_at(recorded: Recorded) -> datetime:
    """An update happened when its source says so; a report that only repeats an older time was made by now."""
    order, before = recorded.order, recorded.before
    if before is None:
        return order.placed_at
    said = order.source_version
    return order.updated_at if said in (before.source_version, order.placed_at) else said
