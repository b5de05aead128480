"""An order as programs report it, whichever way they do."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars import limits
from regulars.customers import NewCustomer
from regulars.customers.reported import CustomerDetails
from regulars.kit import Faults, Invalid, a_birthday, a_moment, invalid
from regulars.orders.lines import Line, Refund, RefundLine
from regulars.orders.model import NEVER, PASSED_ON, OrderReport, check, minor_units

Money = (
    Annotated[
        str, Meta(max_length=40, examples=["129.90"], extra_json_schema={"pattern": r"^[0-9]{1,13}(\.[0-9]{1,20})?$"})
    ]
    | Annotated[float, Meta(ge=0, le=1e13)]
)
FinancialStatus = Literal["pending", "authorized", "paid", "partially_refunded", "refunded", "voided"]
Word = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)]


OutsideId = Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)] | int
"""An id on the shop's platform, which may be a number there."""
Labels = Annotated[
    list[Annotated[str, Meta(max_length=limits.ORDER_LABEL_CHARS_MAX)]], Meta(max_length=limits.ORDER_LABELS_MAX)
]
Quantity = Annotated[int, Meta(ge=0, le=limits.ORDER_ITEMS_MAX)]


class ReportedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`amount` is for the whole quantity, before what the order as a whole is discounted by. `tags` and `collections`
    are the product's, by name or id, as the shop's triggers name them."""

    product_id: Annotated[OutsideId, Meta(examples=["7654321098765"])] = ""
    variant_id: OutsideId = ""
    title: Annotated[str, Meta(max_length=limits.ORDER_TITLE_CHARS_MAX, examples=["Espresso beans, 1 kg"])] = ""
    quantity: Quantity = 1
    amount: Annotated[Money, Meta(examples=["129.90"])]
    tags: Labels = []
    collections: Labels = []


class ReportedRefundLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`amount` is the money that was given back for it."""

    product_id: OutsideId = ""
    variant_id: OutsideId = ""
    quantity: Quantity = 1
    amount: Money = 0.0


class ReportedRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`amount` is all that was given back by it. What that is more than its lines is taken for shipping, as far as
    there was any; a refund without lines is of all lines alike."""

    refund_id: Annotated[OutsideId, Meta(description="Its id on the shop's platform.", examples=["872645"])]
    amount: Annotated[Money, Meta(examples=["25.00"])]
    refunded_at: Annotated[datetime, Meta(tz=True)] | None = None
    lines: Annotated[list[ReportedRefundLine], Meta(max_length=limits.ORDER_LINES_MAX)] = []


class Reported(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order as its source has it now. `source` and `reference_id` name it: reported again, it is brought up to date.

    Amounts are in units of the order's currency, best as text: `"129.90"`. `updated_at` is when the source last changed
    it, now if it is not said: a report older than the one that is kept changes nothing, and one from the future is
    refused, but for the minutes that two clocks may be apart.

    `lines`, `refunds`, `shipping`, `coupon_codes`, `tags`, `note` and `cancelled_at` need not be in every report: left
    out, or null, they stay as they were last said. `refunds` is the whole list as it stands now. An order that has a
    `cancelled_at` is cancelled, until `cancelled_at` is reported as null.
    """

    source: Annotated[
        str, Meta(pattern="^[a-z0-9_-]{1,40}$", description="The platform, such as shopify.", examples=["shopify"])
    ]
    reference_id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=limits.ORDER_ID_CHARS_MAX,
            description="The order's id at its source.",
            examples=["5012345678901"],
        ),
    ]
    customer: CustomerDetails
    amount: Annotated[Money, Meta(description="The total, after discounts.", examples=["129.90"])]
    currency_code: Annotated[str, Meta(pattern="^[a-z]{3}$", description="ISO 4217, in lower case.", examples=["usd"])]
    placed_at: Annotated[datetime, Meta(tz=True)]
    updated_at: Annotated[datetime, Meta(tz=True)] | None = None
    name: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, description="As people call it: #1028.")] = ""
    lines: Annotated[list[ReportedLine], Meta(max_length=limits.ORDER_LINES_MAX)] | None = None
    shipping: Annotated[Money, Meta(description="Shipping in the amount.", examples=["4.90"])] | None = None
    discount: Annotated[Money, Meta(description="What was taken off before the amount.")] = 0.0
    tax: Annotated[Money, Meta(description="Tax in the amount.")] = 0.0
    coupon_codes: Labels | None = None
    refunds: Annotated[list[ReportedRefund], Meta(max_length=limits.ORDER_REFUNDS_MAX)] | None = None
    cancelled_at: Annotated[datetime, Meta(tz=True)] | UnsetType | None = UNSET
    tags: Labels | None = None
    note: Annotated[str, Meta(max_length=limits.ORDER_NOTE_CHARS_MAX)] | None = None
    items_count: Annotated[int, Meta(ge=0, le=limits.ORDER_ITEMS_MAX)] = 0
    status: Literal["pending", "completed", "cancelled"] = "pending"
    financial_status: FinancialStatus = "paid"
    delivery_status: Literal["pending", "partial", "fulfilled", "returned"] = "pending"
    payment_source: Word = ""
    payment_medium: Word = ""
    utm_source: Word = ""
    utm_medium: Word = ""
    utm_campaign: Word = ""
    order_driven_by: Annotated[Word, Meta(description="What led to the order, such as nector_but_code.")] = ""
    couponredeem_driven_by: Annotated[Word, Meta(description="How its coupon was got, such as manual_slide.")] = ""
    presentment_currency_code: Annotated[
        Word, Meta(description="What the customer paid in, where that is another currency: only kept.")
    ] = ""
    presentment_amount: Annotated[Word, Meta(description="The amount in it: only kept.")] = ""
    cart_token: Word = ""
    redirect_link: Annotated[str, Meta(max_length=limits.URI_CHARS_MAX)] = ""


_AS_SAID = (
    *("source", "reference_id", "name", "currency_code", "items_count", "note"),
    *("status", "financial_status", "delivery_status"),
)
_DETAIL = (*PASSED_ON, *("presentment_currency_code", "presentment_amount", "cart_token", "redirect_link"))


def report_of(given: Reported, now: datetime) -> OrderReport:
    """Checked. Raises Invalid naming each field by its path in the report."""
    faults = Faults()
    code, clocks_apart = given.currency_code, timedelta(seconds=limits.ORDER_CLOCK_AHEAD_S)
    minor = _Minor(code, faults)
    placed_at, version = given.placed_at, now
    with faults:
        said = a_moment("updated_at", given.updated_at or now)
        if said > now + clocks_apart:
            raise invalid("updated_at", "a time that is not in the future")
        version = said
    with faults:
        placed_at = a_moment("placed_at", placed_at)
        # Two clocks may have had a part in one report: the one that took the order, and the one that reports it.
        if version < placed_at - clocks_apart and given.updated_at is not None:
            raise invalid("updated_at", "a time that is not before placed_at")
    for field, at in _more_times(given):
        with faults:
            a_moment(field, at)
    with faults:
        a_birthday("customer.dob", given.customer.dob)
    report = OrderReport(
        **{name: getattr(given, name) for name in _AS_SAID},
        customer=NewCustomer(**msgspec.structs.asdict(given.customer)),
        amount_minor=minor.of("amount", given.amount),
        discount_minor=minor.of("discount", given.discount),
        tax_minor=minor.of("tax", given.tax),
        placed_at=placed_at,
        source_version=version,
        detail={name: value for name in _DETAIL if (value := getattr(given, name))},
        lines=None if given.lines is None else _lines(given.lines, minor),
        refunds=None if given.refunds is None else _refunds(given.refunds, minor),
        shipping_minor=None if given.shipping is None else minor.of("shipping", given.shipping),
        coupon_codes=None if given.coupon_codes is None else tuple(given.coupon_codes),
        tags=None if given.tags is None else tuple(given.tags),
        cancelled_at=None if given.cancelled_at is UNSET else given.cancelled_at or NEVER,
    )
    try:
        report = check(report)
    except Invalid as refusal:
        faults.note(refusal, "customer", _OF_CUSTOMER)
    faults.check()
    if report.unfit is not None:
        faults.note(report.unfit, "customer", _OF_CUSTOMER)
        report = msgspec.structs.replace(report, unfit=faults.refusal())
    return report


def _more_times(given: Reported) -> Iterator[tuple[str, datetime]]:
    if given.cancelled_at:
        yield "cancelled_at", given.cancelled_at
    for n, refund in enumerate(given.refunds or ()):
        if refund.refunded_at is not None:
            yield f"refunds[{n}].refunded_at", refund.refunded_at


class _Minor:
    """Amounts in the order's minor units; what is none is noted."""

    def __init__(self, currency_code: str, faults: Faults) -> None:
        self._currency_code, self._faults = currency_code, faults

    def of(self, field: str, amount: str | float) -> int:
        with self._faults:
            return minor_units(field, amount, self._currency_code)
        return 0


def _lines(given: Sequence[ReportedLine], minor: _Minor) -> tuple[Line, ...]:
    return tuple(
        Line(
            product_id=str(line.product_id),
            variant_id=str(line.variant_id),
            title=line.title,
            quantity=line.quantity,
            amount_minor=minor.of(f"lines[{n}].amount", line.amount),
            tags=tuple(line.tags),
            collections=tuple(line.collections),
        )
        for n, line in enumerate(given)
    )


def _refunds(given: Sequence[ReportedRefund], minor: _Minor) -> tuple[Refund, ...]:
    return tuple(
        Refund(
            refund_id=str(refund.refund_id),
            amount_minor=minor.of(f"refunds[{n}].amount", refund.amount),
            refunded_at=refund.refunded_at,
            lines=tuple(
                RefundLine(
                    product_id=str(line.product_id),
                    variant_id=str(line.variant_id),
                    quantity=line.quantity,
                    amount_minor=minor.of(f"refunds[{n}].lines[{m}].amount", line.amount),
                )
                for m, line in enumerate(refund.lines)
            ),
        )
        for n, refund in enumerate(given)
    )


_OF_CUSTOMER = ("customer_id", "email", "mobile", "country", "gender", "referral_code")
