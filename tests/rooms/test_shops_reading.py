"""What platforms' bodies say, read: the corners of their own words for money, states and times."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from regulars.kit.errors import Refusal
from regulars.shops import PLATFORMS, Source
from regulars.shops.model import CustomerSaid, Nothing, OrderGone, OrderSaid, PrivacyAsked, RefundSaid, Said

NOW = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)


def said(platform: str, topic: str, body: dict[str, Any]) -> Said:
    id = UUID(int=1)
    source = Source(id, id, id, platform, platform, "", {}, b"", 0, None, "", None, None, "", NOW, NOW)
    return PLATFORMS[platform].read(topic, body, source)


def order(platform: str, topic: str = "", **more: Any) -> OrderSaid:
    headers, body = PLATFORMS[platform].example(NOW, "usd", {"shop_domain": "corner.myshopify.com"})
    topic = topic or next(value for name, value in headers.items() if name.endswith("topic"))
    one = said(platform, topic, body | more)
    assert isinstance(one, OrderSaid)
    return one


REFUND = {
    "id": 9,
    "created_at": "2026-03-14T10:00:00+01:00",
    "refund_line_items": [{"quantity": 1, "subtotal": 20.5, "total_tax": 1.5, "line_item": {"product_id": 11}}],
    "transactions": [
        {"kind": "refund", "status": "success", "amount": "30.00", "currency": "USD"},
        {"kind": "refund", "status": "failure", "amount": "99.00", "currency": "USD"},
    ],
    "order_adjustments": [{"amount": "-8.00", "tax_amount": "0.00"}, {"amount": "1.00", "tax_amount": "0.00"}],
}
ABROAD = REFUND | {"transactions": [{"kind": "refund", "status": "success", "amount": "27.40", "currency": "EUR"}]}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"amount_minor": 13000, "financial_status": "paid", "status": "pending", "discount_minor": 1000}),
        ({"current_total_price": "150"}, {"amount_minor": 15000}),
        ({"current_total_price": "0", "cancelled_at": "2026-03-14T10:00:00Z"}, {"amount_minor": 13000}),
        ({"cancelled_at": "2026-03-14T10:00:00Z"}, {"status": "cancelled"}),
        ({"current_total_price": "100", "refunds": [REFUND]}, {"amount_minor": 13000}),
        ({"financial_status": "partially_paid"}, {"financial_status": "pending"}),
        ({"financial_status": "expired"}, {"financial_status": "voided"}),
        ({"financial_status": "brand_new"}, {"financial_status": "pending"}),
        ({"fulfillment_status": "fulfilled"}, {"delivery_status": "fulfilled", "status": "completed"}),
        ({"tags": "vip, , first", "note": None}, {"tags": ("vip", "first"), "note": ""}),
        ({"landing_site": "/x?utm_source=a&utm_medium=b&z=1"}, {"detail": {"utm_source": "a", "utm_medium": "b"}}),
        ({"landing_site": "//[broken"}, {"detail": {}}),
    ],
)
def test_an_order_of_shopify(more: dict[str, Any], expected: dict[str, Any]) -> None:
    report = order("shopify", **more).report
    assert {name: getattr(report, name) for name in expected} == expected


@pytest.mark.parametrize(("refund", "amount"), [(REFUND, 3000), (ABROAD, 2200 + 800 - 100)])
def test_a_refund_of_shopify_is_the_money_that_went_back(refund: dict[str, Any], amount: int) -> None:
    alone = said("shopify", "refunds/create", refund | {"order_id": 5})
    assert isinstance(alone, RefundSaid)
    (inside,) = order("shopify", refunds=[refund]).report.refunds or ()
    assert alone.of("usd") == inside
    assert (inside.amount_minor, inside.lines[0].amount_minor) == (amount, 2200)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ("pending", "paid", "pending")),
        ({"status": "on-hold"}, ("pending", "pending", "pending")),
        ({"status": "completed"}, ("completed", "paid", "fulfilled")),
        ({"status": "failed"}, ("cancelled", "voided", "pending")),
        ({"status": "own-status"}, ("pending", "paid", "pending")),
        ({"status": "own-status", "date_paid_gmt": None}, ("pending", "pending", "pending")),
        ({"refunds": [{"id": 1, "total": "-30.00"}]}, ("pending", "partially_refunded", "pending")),
        ({"refunds": [{"id": 1, "total": "-130"}]}, ("pending", "refunded", "pending")),
    ],
)
def test_an_order_of_woocommerce(more: dict[str, Any], expected: tuple[str, str, str]) -> None:
    report = order("woocommerce", **more).report
    assert (report.status, report.financial_status, report.delivery_status) == expected
    assert report.source_version == datetime(2026, 3, 14, 9, 25, tzinfo=UTC)


def test_what_is_no_order_or_nobodys() -> None:
    _, shopify = PLATFORMS["shopify"].example(NOW, "usd", {"shop_domain": "corner.myshopify.com"})
    _, woo = PLATFORMS["woocommerce"].example(NOW, "usd", {})
    nobody = said("shopify", "orders/create", shopify | {"customer": None, "email": None})
    assert isinstance(nobody, Nothing)
    guest = order("shopify", customer=None)
    assert (guest.email, guest.report.customer.customer_id.startswith("shopify-guest-")) == ("asha@example.com", True)
    assert isinstance(said("woocommerce", "order.updated", woo | {"status": "checkout-draft"}), Nothing)
    assert isinstance(said("woocommerce", "order.deleted", {"id": 7}), OrderGone)
    assert isinstance(said("shopify", "products/update", {}), Nothing)
    asked = said("shopify", "customers/redact", {"customer": {"id": 7}})
    assert asked == PrivacyAsked("erasure", "shopify-7", words=["", ""])


@pytest.mark.parametrize(
    ("platform", "more", "words"),
    [
        ("shopify", {"total_price": "12.345"}, "total_price: expected an amount with at most 2 decimals"),
        ("shopify", {"currency": "Taler"}, "currency_code: expected"),
        ("shopify", {"created_at": "yesterday"}, "expected a time"),
        ("shopify", {"line_items": "none"}, "line_items"),
        ("woocommerce", {"id": None}, "$.id"),
        ("woocommerce", {"date_created_gmt": ""}, "expected a time"),
    ],
)
def test_what_can_not_be_read_says_what_was_expected(platform: str, more: dict[str, Any], words: str) -> None:
    _, body = PLATFORMS[platform].example(NOW, "usd", {"shop_domain": "corner.myshopify.com"})
    with pytest.raises(Refusal) as refused:
        said(platform, "orders/create" if platform == "shopify" else "order.created", body | more)
    assert words in refused.value.message


def test_an_address_is_known_again_however_it_is_spelled_and_on_whatever_platform() -> None:
    there = {"address1": "5, Main Street", "address2": None, "zip": "10115", "country_code": "DE"}
    spelled = {"address_1": "5 main", "address_2": "STREET.", "postcode": "101 15", "country": "de"}
    marks = [
        order("shopify", shipping_address=there).report.detail["shipped_to"],
        order("woocommerce", shipping=spelled).report.detail["shipped_to"],
        order("shopify", shipping_address=there | {"zip": "10116"}).report.detail["shipped_to"],
    ]
    assert marks[0] == marks[1] != marks[2]
    assert "main" not in marks[0]
    assert "shipped_to" not in order("shopify", shipping_address=there | {"zip": ""}).report.detail


def test_a_customer_of_shopify_has_their_tags_there() -> None:
    one = said("shopify", "customers/update", {"id": 7, "tags": "VIP, New"})
    assert isinstance(one, CustomerSaid)
    assert [tag.strip() for tag in one.tags] == ["VIP", "New"]
