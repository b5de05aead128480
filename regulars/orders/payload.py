"""An order as conditions, simulations and programs see it, by the names it is reported under."""

from typing import Any

import msgspec

from regulars.conditions import Choice, Field, choices_of
from regulars.events import major_units
from regulars.events.catalogue import DELIVERY_STATUSES, FINANCIAL_STATUSES, ORDER_STATUSES
from regulars.kit import currency
from regulars.orders.lines import Line, Refund, RefundLine
from regulars.orders.model import Order


def payload(order: Order) -> dict[str, Any]:
    """Amounts in units of its currency, `detail` unfolded. What its lines have of a kind stands together besides, so
    that one can ask of any of them: `product_ids`, `variant_ids`, `titles`, `collections`, `product_tags`."""
    code, lines = order.currency_code, order.lines or ()
    return {
        **order.detail,
        "source": order.source,
        "reference_id": order.reference_id,
        "name": order.name,
        "currency_code": code,
        "amount": major_units(order.amount_minor, code),
        "discount": major_units(order.discount_minor, code),
        "shipping": major_units(order.shipping_minor or 0, code),
        "tax": major_units(order.tax_minor, code),
        "refunded": major_units(order.refunded_minor, code),
        "items_count": order.items_count,
        "status": order.status,
        "financial_status": order.financial_status,
        "delivery_status": order.delivery_status,
        "placed_at": order.placed_at.isoformat(),
        "cancelled_at": order.when_cancelled.isoformat() if order.when_cancelled else "",
        "coupon_codes": list(order.coupon_codes or ()),
        "tags": list(order.tags or ()),
        "note": order.note or "",
        "lines": [said(line, code) for line in lines],
        "refunds": [said(refund, code) for refund in order.refunds or ()],
        "product_ids": _each(line.product_id for line in lines),
        "variant_ids": _each(line.variant_id for line in lines),
        "titles": _each(line.title for line in lines),
        "collections": _each(name for line in lines for name in line.collections),
        "product_tags": _each(tag for line in lines for tag in line.tags),
    }


def said(part: Line | Refund | RefundLine, currency_code: str) -> dict[str, Any]:
    """A line or a refund by the names it is reported under."""
    words = msgspec.structs.asdict(part)
    words["amount"] = major_units(words.pop("amount_minor"), currency_code)
    if isinstance(part, Line):
        words |= {"tags": list(part.tags), "collections": list(part.collections)}
    if isinstance(part, Refund):
        words["refunded_at"] = part.refunded_at.isoformat() if part.refunded_at else None
        words["lines"] = [said(line, currency_code) for line in part.lines]
    return words


def _each(texts: Any) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]


FIELDS = (
    Field("amount", "Order amount", "number", help="In units of the order's currency, discounts taken off."),
    Field("items_count", "Number of items", "number"),
    Field("product_ids", "Products", "list", help="Their ids on the shop's platform."),
    Field("variant_ids", "Variants", "list", help="Their ids on the shop's platform."),
    Field("titles", "Product names", "list", help="As the order's lines name them."),
    Field("collections", "Collections", "list", help="Those that a product of the order is in."),
    Field("product_tags", "Product tags", "list", help="Those that a product of the order has."),
    Field("tags", "Order tags", "list"),
    Field("coupon_codes", "Coupon codes", "list"),
    Field("discount", "Discount", "number", help="In units of the order's currency."),
    Field("shipping", "Shipping", "number", help="In units of the order's currency."),
    Field("tax", "Tax", "number", help="In units of the order's currency."),
    Field("refunded", "Amount refunded", "number", help="In units of the order's currency."),
    Field("source", "Order source", "text", help="The platform the order was placed on: shopify."),
    Field("currency_code", "Currency", "text", choices=tuple(Choice(code, name) for code, name in currency.LISTED)),
    Field("status", "Order status", "text", choices=choices_of(ORDER_STATUSES)),
    Field("financial_status", "Payment status", "text", choices=choices_of(FINANCIAL_STATUSES)),
    Field("delivery_status", "Delivery status", "text", choices=choices_of(DELIVERY_STATUSES)),
    Field("payment_source", "Who took the payment", "text"),
    Field("payment_medium", "How it was paid", "text"),
    Field("utm_source", "UTM source", "text"),
    Field("utm_medium", "UTM medium", "text"),
    Field("utm_campaign", "UTM campaign", "text"),
    Field("order_driven_by", "What led to the order", "text"),
    Field("note", "Note", "text"),
    Field("placed_at", "Day it was placed", "date"),
)
"""What conditions may ask about an order."""
