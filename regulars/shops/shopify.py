"""Shopify: hooks signed with the shop's secret, in no order, each perhaps twice, known by their
`X-Shopify-Webhook-Id`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from regulars import orders
from regulars.customers import NewCustomer
from regulars.kit import Unauthenticated, wire_time
from regulars.kit.fields import form_of
from regulars.orders import Line, OrderReport, Refund, RefundLine
from regulars.shops import model, reading
from regulars.shops.reading import Id, Money, Text, campaign, customer_id, guest_id, moment, person, the_moment, typed

_SIGNATURE = "x-shopify-hmac-sha256"
_FINANCIAL = {"partially_paid": "pending", "expired": "voided"}
_KNOWN_FINANCIAL = ("pending", "authorized", "paid", "partially_refunded", "refunded", "voided")
_DELIVERY = {"fulfilled": "fulfilled", "partial": "partial", "restocked": "returned"}


class _Address(msgspec.Struct, frozen=True):
    address1: Text = None
    address2: Text = None
    zip: Text = None
    country_code: Text = None
    phone: Text = None


class _Consent(msgspec.Struct, frozen=True):
    state: Text = None


class _Customer(msgspec.Struct, frozen=True):
    id: Id
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    phone: Text = None
    updated_at: Text = None
    default_address: _Address | None = None
    email_marketing_consent: _Consent | None = None
    sms_marketing_consent: _Consent | None = None
    tags: Text = None


class _LineItem(msgspec.Struct, frozen=True):
    product_id: Id | None = None
    variant_id: Id | None = None
    title: Text = None
    quantity: int = 1
    price: str = "0"
    total_discount: Text = None


class _Transaction(msgspec.Struct, frozen=True):
    kind: Text = None
    status: Text = None
    amount: str = "0"
    currency: Text = None


class _Adjustment(msgspec.Struct, frozen=True):
    amount: str = "0"
    tax_amount: str = "0"


class _RefundedItem(msgspec.Struct, frozen=True):
    quantity: int = 1
    subtotal: str | float = "0"
    total_tax: str | float = "0"
    line_item: _LineItem | None = None


class _Refund(msgspec.Struct, frozen=True):
    id: Id
    created_at: Text = None
    order_id: Id | None = None
    refund_line_items: list[_RefundedItem] = []
    transactions: list[_Transaction] = []
    order_adjustments: list[_Adjustment] = []


class _Code(msgspec.Struct, frozen=True):
    code: str = ""


class _Amount(msgspec.Struct, frozen=True):
    amount: str = "0"


class _Set(msgspec.Struct, frozen=True):
    shop_money: _Amount = _Amount()


class _Order(msgspec.Struct, frozen=True):
    id: Id
    currency: str
    total_price: str
    created_at: str
    updated_at: Text = None
    processed_at: Text = None
    cancelled_at: Text = None
    closed_at: Text = None
    name: Text = None
    email: Text = None
    phone: Text = None
    customer: _Customer | None = None
    billing_address: _Address | None = None
    shipping_address: _Address | None = None
    current_total_price: Text = None
    total_discounts: Text = None
    total_tax: Text = None
    total_shipping_price_set: _Set | None = None
    financial_status: Text = None
    fulfillment_status: Text = None
    line_items: list[_LineItem] = []
    refunds: list[_Refund] = []
    discount_codes: list[_Code] = []
    payment_gateway_names: list[str] = []
    landing_site: Text = None
    order_status_url: Text = None
    cart_token: Text = None
    note: Text = None
    tags: Text = None


class _Privacy(msgspec.Struct, frozen=True):
    customer: _Customer


def _envelope(headers: Mapping[str, str], settings: Mapping[str, Any]) -> model.Envelope:
    """One app has one secret for all the shops that use it, so the shop must be the one that is meant. Raises
    Unauthenticated."""
    shop = headers.get("x-shopify-shop-domain", "").strip().lower()
    if shop != settings["shop_domain"]:
        raise Unauthenticated("It came from another shop than the one that is connected.", code="hook_of_another_shop")
    test = headers.get("x-shopify-test", "").lower() == "true"
    return model.Envelope(
        model.topic_of(headers.get("x-shopify-topic", "")),
        model.topic_of(headers.get("x-shopify-webhook-id", "")),
        headers.get(_SIGNATURE, ""),
        ignored="A test that Shopify sent: address and secret are right. Nothing was recorded." if test else "",
    )


def _read(topic: str, body: dict[str, Any], source: model.Source) -> model.Said:
    match topic.split("/"):
        case ["orders", "create" | "paid" | "updated" | "edited" | "cancelled" | "fulfilled" | "partially_fulfilled"]:
            return _order(typed(_Order, body), source)
        case ["refunds", "create"]:
            return _refund_said(typed(_Refund, body), body)
        case ["customers", "create" | "update" | "enable" | "disable"]:
            return _customer_said(typed(_Customer, body), source)
        case ["customers", "data_request"]:
            return model.PrivacyAsked("data", customer_id(source, typed(_Privacy, body).customer.id))
        case ["customers", "redact"]:
            who = typed(_Privacy, body).customer
            return model.PrivacyAsked("erasure", customer_id(source, who.id), words=[who.email or "", who.phone or ""])
        case ["shop", "redact"]:
            return model.PrivacyAsked("shop", "")
    return model.Nothing("Nothing is done with this topic.")


def _order(order: _Order, source: model.Source) -> model.Said:
    money = Money(order.currency)
    updated_at = the_moment(order.updated_at, order.created_at)
    placed_at = the_moment(order.processed_at, order.created_at)
    details = _person(order.customer, source, order) if order.customer else None
    email = (order.email or "").strip()
    if details is None:
        if not email:
            return model.Nothing(
                "The order has no customer, so that nobody can earn by it.", f"order {order.id}", updated_at
            )
        country = order.billing_address.country_code if order.billing_address else None
        details = person(guest_id(source, email), "", "", email, order.phone, country)
    refunds = tuple(_refund(one, money) for one in order.refunds)
    financial = _FINANCIAL.get(order.financial_status or "", order.financial_status or "pending")
    delivery = _DELIVERY.get(order.fulfillment_status or "", "pending")
    to = order.shipping_address or _Address()
    detail = {
        "payment_source": ", ".join(order.payment_gateway_names)[:200],
        "cart_token": (order.cart_token or "")[:200],
        "redirect_link": (order.order_status_url or "")[:2_000],
        "shipped_to": reading.shipped_to(source, to.address1, to.address2, to.zip, to.country_code),
        **campaign(order.landing_site),
    }
    status = "completed" if order.closed_at or delivery == "fulfilled" else "pending"
    report = OrderReport(
        source=source.slug,
        reference_id=str(order.id),
        name=order.name or "",
        customer=details,
        currency_code=money.code,
        amount_minor=_sold(order, money, refunds),
        discount_minor=money.of("total_discounts", order.total_discounts),
        tax_minor=money.of("total_tax", order.total_tax),
        shipping_minor=money.of("shipping", (order.total_shipping_price_set or _Set()).shop_money.amount),
        lines=tuple(_line(one, money) for one in order.line_items),
        refunds=refunds,
        coupon_codes=tuple(one.code for one in order.discount_codes),
        tags=tuple((order.tags or "").split(",")),
        note=(order.note or "")[:5_000],
        status="cancelled" if order.cancelled_at else status,
        cancelled_at=moment(order.cancelled_at) or orders.NEVER,
        financial_status=financial if financial in _KNOWN_FINANCIAL else "pending",
        delivery_status=delivery,
        detail={name: value for name, value in detail.items() if value},
        placed_at=placed_at,
        source_version=updated_at,
    )
    return model.OrderSaid(money.checked(report), email="" if order.customer else email)


def _sold(order: _Order, money: Money, refunds: tuple[Refund, ...]) -> int:
    """What it was sold for: `total_price` is what it was placed for, and an order that was edited has another total
    now, from which what was paid back is taken off already."""
    total = money.of("total_price", order.total_price)
    if order.current_total_price is None or order.cancelled_at:
        return total
    return money.of("current_total_price", order.current_total_price) + sum(one.amount_minor for one in refunds)


def _line(line: _LineItem, money: Money) -> Line:
    amount = money.of("line_items.price", line.price) * line.quantity
    return Line(
        product_id=str(line.product_id or ""),
        variant_id=str(line.variant_id or ""),
        title=(line.title or "")[:500],
        quantity=line.quantity,
        amount_minor=max(0, amount - money.of("line_items.total_discount", line.total_discount)),
    )


def _refund(refund: _Refund, money: Money) -> Refund:
    """The money that went back; where it went in another currency, what the goods and the shipping came to."""
    paid = [one for one in refund.transactions if one.kind == "refund" and one.status in ("success", "pending", None)]
    lines = tuple(
        RefundLine(
            product_id=str(one.line_item.product_id or "") if one.line_item else "",
            variant_id=str(one.line_item.variant_id or "") if one.line_item else "",
            quantity=one.quantity,
            amount_minor=money.of("refund_line_items", one.subtotal, one.total_tax),
        )
        for one in refund.refund_line_items
    )
    if all((one.currency or money.code).lower() == money.code for one in paid):
        amount = money.of("transactions.amount", *(one.amount for one in paid))
    else:
        amount = sum(line.amount_minor for line in lines)
        for one in refund.order_adjustments:
            sign = 1 if one.amount.startswith("-") else -1
            amount += sign * money.of("order_adjustments", one.amount, one.tax_amount)
    return Refund(
        refund_id=str(refund.id), amount_minor=max(0, amount), refunded_at=moment(refund.created_at), lines=lines
    )


def _refund_said(refund: _Refund, body: dict[str, Any]) -> model.Said:
    if refund.order_id is None:
        return model.Nothing("The refund names no order.")
    return model.RefundSaid(str(refund.order_id), lambda code: _refund(typed(_Refund, body), Money(code)))


def _person(customer: _Customer, source: model.Source, order: _Order | None = None) -> NewCustomer:
    address = customer.default_address or _Address()
    mobile = customer.phone or address.phone or (order.phone if order else None)
    email = customer.email or (order.email if order else None)
    id = customer_id(source, customer.id)
    return person(id, customer.first_name, customer.last_name, email, mobile, address.country_code)


def _customer_said(customer: _Customer, source: model.Source) -> model.CustomerSaid:
    consents = {"accept_email": customer.email_marketing_consent, "accept_mobile": customer.sms_marketing_consent}
    said = {name: consent.state == "subscribed" for name, consent in consents.items() if consent is not None}
    tags = (customer.tags or "").split(",")
    return model.CustomerSaid(_person(customer, source), moment(customer.updated_at), said, tags)


def _example(at: datetime, currency_code: str, settings: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    placed = wire_time(at - timedelta(minutes=1))
    headers = {"x-shopify-topic": "orders/paid", "x-shopify-shop-domain": settings["shop_domain"]}
    return headers, {
        "id": 5012345678901,
        "name": "#1001",
        "email": "asha@example.com",
        "currency": currency_code.upper(),
        "total_price": "130",
        "current_total_price": "130",
        "total_discounts": "10",
        "created_at": placed,
        "updated_at": placed,
        "financial_status": "paid",
        "customer": {"id": 7029064106277, "email": "asha@example.com", "first_name": "Asha", "last_name": "Rao"},
        "line_items": [{"product_id": 11, "variant_id": 111, "title": "Olive oil", "quantity": 2, "price": "70"}],
    }


def _with_token(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    missing = settings.get("coupons") == "yes" and not secrets.get("admin_token")
    return {"admin_token": "expected one, by which coupons are made there"} if missing else {}


PLATFORM = model.Platform(
    platform="shopify",
    **form_of(
        __file__,
        "shopify",
        secret={"sent_to": lambda _: ""},
        admin_token={"sent_to": lambda settings: str(settings.get("api_url") or settings.get("shop_domain"))},
    ),
    topics=(
        *("orders/create", "orders/paid", "orders/updated", "orders/cancelled", "orders/fulfilled", "refunds/create"),
        *("customers/create", "customers/update", "customers/data_request", "customers/redact", "shop/redact"),
    ),
    also=_with_token,
    signature_header=_SIGNATURE,
    envelope=_envelope,
    read=_read,
    example=_example,
)
