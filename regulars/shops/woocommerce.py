"""WooCommerce: hooks signed with a secret of our making, sent once and never again, so its REST API is asked for the
rest. Refunds come inside an order."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from regulars.kit.fields import form_of, signing_secret
from regulars.kit.secrets import new_token
from regulars.orders import Line, OrderReport, Refund
from regulars.shops import model, reading
from regulars.shops.reading import Id, Money, Text, campaign, customer_id, guest_id, moment, person, the_moment, typed

_SIGNATURE = "x-wc-webhook-signature"

# What an order's status says of it, of its payment and of its delivery.
_STATUSES = {
    "pending": ("pending", "pending", "pending"),
    "on-hold": ("pending", "pending", "pending"),
    "processing": ("pending", "paid", "pending"),
    "completed": ("completed", "paid", "fulfilled"),
    "refunded": ("completed", "refunded", "pending"),
    "cancelled": ("cancelled", "voided", "pending"),
    "failed": ("cancelled", "voided", "pending"),
    "trash": ("cancelled", "voided", "pending"),
}
_DRAFTS = ("auto-draft", "checkout-draft")
_ATTRIBUTION = "_wc_order_attribution_"


class _Billing(msgspec.Struct, frozen=True):
    first_name: Text = None
    last_name: Text = None
    email: Text = None
    phone: Text = None
    country: Text = None


class _Shipping(msgspec.Struct, frozen=True):
    address_1: Text = None
    address_2: Text = None
    postcode: Text = None
    country: Text = None


class _LineItem(msgspec.Struct, frozen=True):
    product_id: Id = 0
    variation_id: Id = 0
    name: Text = None
    quantity: float = 1
    subtotal: str = "0"
    subtotal_tax: str = "0"


class _Refund(msgspec.Struct, frozen=True):
    id: Id
    total: str = "0"


class _Coupon(msgspec.Struct, frozen=True):
    code: str = ""


class _Meta(msgspec.Struct, frozen=True):
    key: str = ""
    value: Any = None


class _Order(msgspec.Struct, frozen=True):
    id: Id
    status: str
    currency: str
    total: str
    date_created_gmt: str
    date_modified_gmt: Text = None
    date_paid_gmt: Text = None
    number: Id | None = None
    customer_id: Id = 0
    discount_total: str = "0"
    shipping_total: str = "0"
    total_tax: str = "0"
    billing: _Billing = _Billing()
    shipping: _Shipping = _Shipping()
    payment_method_title: Text = None
    customer_note: Text = None
    cart_hash: Text = None
    line_items: list[_LineItem] = []
    refunds: list[_Refund] = []
    coupon_lines: list[_Coupon] = []
    meta_data: list[_Meta] = []


class _Customer(msgspec.Struct, frozen=True):
    id: Id
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    date_modified_gmt: Text = None
    billing: _Billing = _Billing()


class _Gone(msgspec.Struct, frozen=True):
    id: Id


def _envelope(headers: Mapping[str, str], _: Mapping[str, Any]) -> model.Envelope:
    # When a webhook is created there, its address is tried: by a form, without a signature.
    ping = _SIGNATURE not in headers and headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    topic, signature = headers.get("x-wc-webhook-topic", ""), headers.get(_SIGNATURE, "")
    return model.Envelope(model.topic_of(topic), signature=signature, ping=ping)


def _read(topic: str, body: dict[str, Any], source: model.Source) -> model.Said:
    match topic.split("."):
        case ["order", "created" | "updated" | "restored"]:
            return _order(typed(_Order, body), source)
        case ["order", "deleted"]:
            return model.OrderGone(str(typed(_Gone, body).id))
        case ["customer", "created" | "updated"]:
            return _customer(typed(_Customer, body), source)
    return model.Nothing("Nothing is done with this topic.")


def _order(order: _Order, source: model.Source) -> model.Said:
    placed_at = the_moment(order.date_created_gmt)
    modified_at = the_moment(order.date_modified_gmt, order.date_created_gmt)
    subject = f"order {order.id}"
    if order.status in _DRAFTS:
        return model.Nothing("It is a draft, and no order yet.", subject, modified_at)
    billing, email = order.billing, (order.billing.email or "").strip()
    account = str(order.customer_id) not in ("0", "")
    if not account and not email:
        return model.Nothing("The order has no customer, so that nobody can earn by it.", subject, modified_at)
    id = customer_id(source, order.customer_id) if account else guest_id(source, email)
    money = Money(order.currency)
    amount = money.of("total", order.total)
    # When one was given back is not said, so each stands in the list for as long as it does there.
    refunds = tuple(
        Refund(refund_id=str(one.id), amount_minor=money.of("refunds.total", one.total)) for one in order.refunds
    )
    refunded = sum(refund.amount_minor for refund in refunds)
    status, financial, delivery = _STATUSES.get(
        order.status, ("pending", "paid" if order.date_paid_gmt else "pending", "pending")
    )
    if refunds and financial == "paid":
        financial = "refunded" if refunded >= amount else "partially_refunded"
    marks = [(one.key.removeprefix(_ATTRIBUTION), str(one.value)) for one in order.meta_data]
    detail = {
        "payment_source": (order.payment_method_title or "")[:200],
        "cart_token": (order.cart_hash or "")[:200],
        "shipped_to": reading.shipped_to(source, *msgspec.structs.astuple(order.shipping)),
        **campaign("", marks),
    }
    report = OrderReport(
        source=source.slug,
        reference_id=str(order.id),
        name=f"#{order.number or order.id}",
        customer=person(id, billing.first_name, billing.last_name, email, billing.phone, billing.country),
        currency_code=money.code,
        amount_minor=amount,
        discount_minor=money.of("discount_total", order.discount_total),
        tax_minor=money.of("total_tax", order.total_tax),
        shipping_minor=money.of("shipping_total", order.shipping_total),
        lines=tuple(_line(one, money) for one in order.line_items),
        refunds=refunds,
        coupon_codes=tuple(one.code for one in order.coupon_lines),
        note=(order.customer_note or "")[:5_000],
        status=status,
        financial_status=financial,
        delivery_status=delivery,
        detail={name: value for name, value in detail.items() if value},
        placed_at=placed_at,
        source_version=modified_at,
    )
    return model.OrderSaid(money.checked(report), email="" if account else email)


def _line(line: _LineItem, money: Money) -> Line:
    variation = str(line.variation_id)
    return Line(
        product_id=str(line.product_id),
        variant_id="" if variation == "0" else variation,
        title=(line.name or "")[:500],
        quantity=max(0, round(line.quantity)),
        amount_minor=money.of("line_items.subtotal", line.subtotal, line.subtotal_tax),
    )


def _customer(customer: _Customer, source: model.Source) -> model.CustomerSaid:
    billing = customer.billing
    first, last = customer.first_name or billing.first_name, customer.last_name or billing.last_name
    email = customer.email or billing.email
    details = person(customer_id(source, customer.id), first, last, email, billing.phone, billing.country)
    return model.CustomerSaid(details, moment(customer.date_modified_gmt))


def _example(at: datetime, currency_code: str, _: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    placed = f"{at - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
    return {"x-wc-webhook-topic": "order.created"}, {
        "id": 1001,
        "number": "1001",
        "status": "processing",
        "currency": currency_code.upper(),
        "total": "130",
        "discount_total": "10",
        "date_created_gmt": placed,
        "date_modified_gmt": placed,
        "date_paid_gmt": placed,
        "customer_id": 17,
        "billing": {"first_name": "Asha", "last_name": "Rao", "email": "asha@example.com"},
        "line_items": [{"product_id": 11, "name": "Olive oil", "quantity": 2, "subtotal": "140"}],
    }


def _whole_pair(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    names = ("consumer_key", "consumer_secret")
    missing = [name for name in names if not secrets.get(name)]
    if settings.get("coupons") == "yes":
        return dict.fromkeys(missing, "expected both keys, by which coupons are made there")
    return dict.fromkeys(missing, "expected both keys, or none") if len(missing) == 1 else {}


_TOLD = ("order.created", "order.updated", "order.deleted", "order.restored", "customer.created", "customer.updated")
PLATFORM = model.Platform(
    platform="woocommerce",
    **form_of(__file__, "woocommerce", signing_secret(lambda: new_token("wc_"), lambda _: "")),
    topics=_TOLD,
    also=_whole_pair,
    signature_header=_SIGNATURE,
    envelope=_envelope,
    read=_read,
    example=_example,
    asks=lambda _, secrets: bool(secrets.get("consumer_key")),
)
