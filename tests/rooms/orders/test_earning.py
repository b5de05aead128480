"""How much of an order earns: a table of orders and choices, and what holds whatever they are."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.customers import NewCustomer
from regulars.kit.errors import Invalid
from regulars.orders import (
    EarningBasis,
    Line,
    Order,
    OrderReport,
    Refund,
    RefundLine,
    basis,
    check,
    check_basis,
    eligible,
)
from regulars.orders.recording import new_order

NOW = datetime(2026, 3, 14, tzinfo=UTC)
NOBODY = UUID(int=1)


def an_order(**fields: Any) -> Order:
    given = {"source": "till", "reference_id": "1", "customer": NewCustomer("customer-asha"), "currency_code": "usd"}
    given |= {"placed_at": NOW, "source_version": NOW}
    return new_order(check(OrderReport(**{**given, **fields})), NOBODY, NOW)


BEANS = Line(product_id="beans", variant_id="kilo", amount_minor=60_00, collections=("Coffee",), tags=("organic",))
CARD = Line(product_id="card", amount_minor=40_00, collections=("Gift cards",), tags=("gift",))
# 100 of goods, 10 off, 8.40 shipping: 98.40 paid, of which 16.40 are tax.
SOLD: dict[str, Any] = {
    "amount_minor": 98_40,
    "discount_minor": 10_00,
    "shipping_minor": 8_40,
    "tax_minor": 16_40,
    "lines": (BEANS, CARD),
}


def back(amount: float, *lines: RefundLine, id: str = "r1") -> Refund:
    return Refund(refund_id=id, amount_minor=round(amount * 100), lines=lines)


@pytest.mark.parametrize(
    ("rules", "order", "sold", "refunded", "earns_by"),
    [
        # what counts
        ({}, {}, 98.40, 0, 98),
        ({"net_of_discount": False}, {}, 108.40, 0, 108),
        ({"net_of_tax": True}, {}, 82.00, 0, 82),
        ({"net_of_shipping": True}, {}, 90.00, 0, 90),
        ({"net_of_tax": True, "net_of_shipping": True}, {}, 73.60, 0, 73),
        ({"net_of_shipping": True}, {"shipping_minor": None}, 98.40, 0, 98),
        ({"net_of_shipping": True}, {"shipping_minor": 500_00}, 0, 0, 0),
        # what is left out: by its lines' share of the goods, shipping beside
        ({"products_excluded": ("card",)}, {}, 62.40, 0, 62),
        ({"products_excluded": ("kilo",)}, {}, 44.40, 0, 44),
        ({"collections_excluded": ("gift CARDS",), "net_of_shipping": True}, {}, 54.00, 0, 54),
        ({"tags_excluded": ("gift",)}, {"lines": None}, 98.40, 0, 98),
        ({"tags_excluded": ("gift", "organic")}, {}, 0, 0, 0),
        ({"tags_excluded": ("Wholesale",)}, {"tags": ("wholesale",)}, 0, 0, 0),
        ({"utm_sources_excluded": ("Coupons-R-Us",)}, {"detail": {"utm_source": "coupons-r-us"}}, 0, 0, 0),
        ({"utm_sources_excluded": ("other",)}, {"detail": {"utm_source": "coupons-r-us"}}, 98.40, 0, 98),
        # rounding
        ({"rounding": "up"}, {}, 98.40, 0, 99),
        ({"rounding": "nearest"}, {}, 98.40, 0, 98),
        ({"rounding": "nearest"}, {"amount_minor": 98_50}, 98.50, 0, 99),
        ({"rounding": "up"}, {"amount_minor": 98_00}, 98.00, 0, 98),
        # given back
        ({}, {"refunds": (back(49.20),)}, 98.40, 49.20, 49),
        ({"net_of_tax": True}, {"refunds": (back(49.20),)}, 82.00, 41.00, 41),
        ({"products_excluded": ("card",)}, {"refunds": (back(49.20),)}, 62.40, 31.20, 31),
        (
            {"products_excluded": ("card",)},
            {"refunds": (back(36, RefundLine(product_id="card", amount_minor=36_00)),)},
            *(62.40, 0, 62),
        ),
        (
            {"products_excluded": ("card",)},
            {"refunds": (back(54, RefundLine(product_id="beans", variant_id="kilo", amount_minor=54_00)),)},
            *(62.40, 54.00, 8),
        ),
        (
            {"collections_excluded": ("Coffee",), "net_of_shipping": True},
            {"refunds": (back(62.40, RefundLine(product_id="beans", variant_id="kilo", amount_minor=54_00)),)},
            *(36.00, 0, 36),
        ),
        (
            {"net_of_shipping": True},
            {"refunds": (back(44.40, RefundLine(product_id="card", amount_minor=36_00)),)},
            *(90.00, 36.00, 54),
        ),
        ({"products_excluded": ("card",)}, {"refunds": (back(98.40),)}, 62.40, 62.40, 0),
        ({}, {"refunds": (back(90), back(90, id="r2"))}, 98.40, 98.40, 0),
        # void, whatever was given back
        ({}, {"status": "cancelled"}, 98.40, 98.40, 0),
        ({}, {"financial_status": "refunded"}, 98.40, 98.40, 0),
        ({}, {"cancelled_at": NOW}, 98.40, 98.40, 0),
        ({}, {"amount_minor": 0, "shipping_minor": 0, "tax_minor": 0}, 0, 0, 0),
    ],
)
def test_what_of_an_order_earns(
    rules: dict[str, Any], order: dict[str, Any], sold: float, refunded: float, earns_by: int
) -> None:
    chosen, placed = EarningBasis(**rules), an_order(**{**SOLD, **order})
    found = eligible(placed, chosen)
    assert (found.sold_minor / 100, found.refunded_minor / 100) == (sold, refunded)
    assert basis(placed, chosen) == earns_by * 100


def test_a_currency_without_smaller_units_is_not_rounded() -> None:
    for rounding in ("down", "nearest", "up"):
        assert basis(an_order(amount_minor=1_234, currency_code="jpy"), EarningBasis(rounding=rounding)) == 1_234


def test_choices_that_can_not_be_kept_are_named() -> None:
    wrong = EarningBasis(products_excluded=("x" * 256,), rounding="sideways")  # type: ignore[arg-type]
    with pytest.raises(Invalid) as refused:
        check_basis(wrong, "basis")
    assert list(refused.value.fields) == ["basis.products_excluded", "basis.rounding"]
    assert check_basis(EarningBasis(tags_excluded=(" gift ", "", "gift"))).tags_excluded == ("gift",)


amounts = st.integers(0, 10**15)
names = st.sampled_from(("a", "b", "c"))
line = st.builds(Line, product_id=names, variant_id=names, amount_minor=amounts, tags=st.tuples(names))
refund_line = st.builds(RefundLine, product_id=names, variant_id=names, amount_minor=amounts)
refund = st.builds(
    Refund, refund_id=st.text("0123456789", min_size=1, max_size=9), amount_minor=amounts, lines=st.tuples(refund_line)
)
an_eligible_order = st.fixed_dictionaries(
    {
        **dict.fromkeys(("amount_minor", "discount_minor", "tax_minor", "shipping_minor"), amounts),
        "lines": st.none() | st.lists(line, max_size=4).map(tuple),
        "refunds": st.lists(refund, max_size=4, unique_by=lambda one: one.refund_id).map(tuple),
        "currency_code": st.sampled_from(("usd", "jpy", "kwd")),
    }
).map(lambda fields: an_order(**fields))
choices = st.builds(
    EarningBasis,
    **dict.fromkeys(("net_of_discount", "net_of_tax", "net_of_shipping"), st.booleans()),
    **dict.fromkeys(("products_excluded", "tags_excluded"), st.sets(names, max_size=2).map(tuple)),
    rounding=st.sampled_from(("down", "nearest", "up")),
)


@settings(max_examples=100)
@given(an_eligible_order, choices)
def test_no_more_is_given_back_than_was_sold_and_more_refunds_never_leave_more(
    order: Order, rules: EarningBasis
) -> None:
    found = eligible(order, rules)
    assert 0 <= found.refunded_minor <= found.sold_minor <= order.amount_minor + order.discount_minor
    refunds, before = order.refunds or (), 0
    for n in range(len(refunds) + 1):
        part = an_order(**{field: getattr(order, field) for field in _PARTS}, refunds=refunds[:n])
        now = eligible(part, rules)
        assert now.sold_minor == found.sold_minor
        assert now.refunded_minor >= before
        before = now.refunded_minor
    units = 10 ** {"usd": 2, "jpy": 0, "kwd": 3}[order.currency_code]
    assert abs(basis(order, rules) - found.left_minor) < units


_PARTS = ("amount_minor", "discount_minor", "tax_minor", "shipping_minor", "lines", "currency_code")
