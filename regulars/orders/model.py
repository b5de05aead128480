"""What a shop reports: orders."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars import limits
from regulars.customers import NewCustomer, seen
from regulars.customers import check as check_customer
from regulars.events.catalogue import DELIVERY_STATUSES, FINANCIAL_STATUSES, ORDER_STATUSES
from regulars.kit import Faults, Invalid, Refusal, currency, invalid
from regulars.orders.lines import Line, Refund, checked_labels, checked_lines, checked_refunds

Change = Literal["created", "updated", "unchanged", "stale"]


class Said(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What not every report of an order says. None is not said, which is another thing than an empty list: what was
    said before then stays as it is.

    `refunds` is the whole list as it stands now. `cancelled_at` is NEVER of an order that is said to be not cancelled.
    """

    lines: tuple[Line, ...] | None = None
    refunds: tuple[Refund, ...] | None = None
    shipping_minor: int | None = None
    coupon_codes: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    note: str | None = None
    cancelled_at: datetime | None = None


NEVER = datetime(9999, 12, 31, tzinfo=UTC)


class OrderReport(Said, frozen=True, gc=False, kw_only=True):
    """An order as its source reports it, as often as it likes.

    (source, reference_id) names the order; `source_version` is when the source last changed it: an older report than
    the one that is kept changes nothing, and one from the future counts as made now. Amounts are in minor units of the
    order's currency. `detail` holds what is only passed on: payment_source, payment_medium, utm_source, utm_medium,
    utm_campaign, order_driven_by, couponredeem_driven_by, cart_token, redirect_link; and `shipped_to`, a mark of the
    address, by which orders are known to go to the same one. `line` is where it stands in a
    file, 0 elsewhere. `unfit` names details of the customer that can't be kept: the order of one who is known is taken
    without them, a customer who is not is not made of them.
    """

    source: str
    reference_id: str
    customer: NewCustomer
    amount_minor: int
    currency_code: str
    placed_at: datetime
    source_version: datetime
    name: str = ""
    discount_minor: int = 0
    tax_minor: int = 0
    items_count: int = 0
    status: str = "pending"
    financial_status: str = "paid"
    delivery_status: str = "pending"
    detail: dict[str, str] = {}
    line: int = 0
    unfit: Invalid | None = None


class Order(Said, frozen=True, gc=False):
    """An order as it is kept, in the order of the columns of `orders_order`; the last of them, `more`, holds the fields
    that have to be named. `ahead_version` is what a source that is ahead of us said, `ahead_seen_at` when it said so
    first: said again, it is no news.

    Whoever said when it was cancelled has cancelled it, whatever `status` later reports say: theirs is `other_status`.
    `said_at` are the versions of what the newest report did not say, by its field.
    """

    id: UUID
    source: str
    reference_id: str
    name: str
    customer_id: UUID
    currency_code: str
    amount_minor: int
    discount_minor: int
    tax_minor: int
    items_count: int
    status: str
    financial_status: str
    delivery_status: str
    detail: dict[str, Any]
    coins_rewarded: int
    coins_spent: int
    placed_at: datetime
    source_version: datetime
    ahead_version: datetime | None
    ahead_seen_at: datetime | None
    created_at: datetime
    updated_at: datetime
    other_status: str | None = None
    said_at: dict[str, datetime] = {}

    @property
    def void(self) -> bool:
        """Whether it counts for nothing: cancelled, or all of its money given back."""
        return self.status == "cancelled" or self.financial_status in ("refunded", "voided")

    @property
    def when_cancelled(self) -> datetime | None:
        """If anybody said so."""
        return None if self.cancelled_at == NEVER else self.cancelled_at

    @property
    def refunded_minor(self) -> int:
        """What was given back of its amount, as far as anybody says."""
        if self.financial_status == "refunded":
            return self.amount_minor
        return min(self.amount_minor, sum(refund.amount_minor for refund in self.refunds or ()))

    @property
    def kept_minor(self) -> int:
        """The money that the shop has kept of it."""
        return 0 if self.void else self.amount_minor - self.refunded_minor


PERSONAL = ("cart_token", "redirect_link", "shipped_to")
"""What of an order's `detail` leads back to the customer."""


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """What a report changed. `before` is the order as it was kept until now, `event_id` the event that tells of it."""

    order: Order
    change: Change
    before: Order | None = None
    event_id: UUID | None = None

    @property
    def revalued(self) -> bool:
        """Whether another part of it may be left to earn by than before: cancelled, voided, given back in part, or any
        of that withdrawn. How much is what `eligible` says of `before` and of `order`."""
        before, order = self.before, self.order
        if before is None:
            return False
        parts = ("refunds", "lines", "shipping_minor", "discount_minor", "tax_minor", "tags", "detail")
        changed = any(getattr(before, part) != getattr(order, part) for part in parts)
        return order.kept_minor != before.kept_minor or order.void != before.void or changed


_SOURCE = re.compile(r"[a-z0-9_-]{1,40}")
# In plain ASCII, and not for ever: no exponents, which could stand for a billion digits.
_AMOUNT = re.compile(r"[0-9]{1,16}(\.[0-9]{1,20})?")
# What sums of a program's floats are apart from the amount that they mean, in minor units.
_FLOAT_NOISE = Decimal("0.0001")
_FIRST_MOMENT = datetime(limits.ORDER_YEAR_MIN, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)


def check(report: OrderReport) -> OrderReport:
    """The same report, its id and its customer's details in the form they are kept in, or, as `unfit`, why they can't
    be. Raises Invalid naming each field."""
    faults = Faults()
    reference_id = report.reference_id.strip()
    if not _SOURCE.fullmatch(report.source):
        faults.add("source", "1 to 40 lower-case letters, digits, - or _")
    if not 1 <= len(reference_id) <= limits.ORDER_ID_CHARS_MAX or "\x00" in reference_id:
        faults.add("reference_id", f"1 to {limits.ORDER_ID_CHARS_MAX} characters")
    if len(report.name) > limits.NAME_CHARS_MAX or "\x00" in report.name:
        faults.add("name", f"at most {limits.NAME_CHARS_MAX} characters")
    if report.currency_code not in currency.NAMES:
        faults.add("currency_code", "a three-letter ISO 4217 code in lower case")
    for field, most in _NUMBERS.items():
        if not 0 <= getattr(report, field) <= most:
            faults.add(field, f"0 to {most:,}")
    for field, words in _WORDS.items():
        if getattr(report, field) not in words:
            faults.add(field, f"one of {', '.join(words)}")
    said = _said(report, faults)
    for field in ("placed_at", "source_version"):
        if getattr(report, field).tzinfo is None:
            faults.add(field, "a time with its offset from UTC")
        elif not _FIRST_MOMENT <= getattr(report, field) < _LAST_MOMENT:
            faults.add(field, f"a time from {limits.ORDER_YEAR_MIN} on, and not in the future")
    customer, unfit = _fit(report.customer, faults)
    faults.check()
    return msgspec.structs.replace(report, reference_id=reference_id, customer=customer, unfit=unfit, **said)


def _said(report: OrderReport, faults: Faults) -> dict[str, Any]:
    """What only some reports say, in the form it is kept in."""
    said: dict[str, Any] = {}
    if report.lines is not None:
        said["lines"] = checked_lines(report.lines, faults)
        if not report.items_count:
            said["items_count"] = min(sum(line.quantity for line in said["lines"]), limits.ORDER_ITEMS_MAX)
    if report.refunds is not None:
        said["refunds"] = checked_refunds(report.refunds, faults)
    for field in ("coupon_codes", "tags"):
        if (labels := getattr(report, field)) is not None:
            said[field] = checked_labels(labels, field, faults)
    if report.shipping_minor is not None and not 0 <= report.shipping_minor <= limits.AMOUNT_MINOR_MAX:
        faults.add("shipping", f"0 to {limits.AMOUNT_MINOR_MAX:,}")
    if report.note is not None and (len(report.note) > limits.ORDER_NOTE_CHARS_MAX or "\x00" in report.note):
        faults.add("note", f"at most {limits.ORDER_NOTE_CHARS_MAX:,} characters")
    if report.cancelled_at not in (None, NEVER):
        if report.cancelled_at.tzinfo is None:
            faults.add("cancelled_at", "a time with its offset from UTC")
        said["status"] = "cancelled"
    elif report.status == "cancelled":
        said["cancelled_at"] = None
    return said


def _fit(customer: NewCustomer, faults: Faults) -> tuple[NewCustomer, Invalid | None]:
    """The customer as they can be kept; of one with details that can't be, the id alone, and what is wrong, which is a
    fault of the report only where it is refused anyway."""
    try:
        return check_customer(customer), None
    except Invalid as refusal:
        if faults.fields or "customer_id" in refusal.fields:
            faults.note(refusal)
        return NewCustomer(seen(customer.customer_id)), refusal


_NUMBERS = {
    "amount_minor": limits.AMOUNT_MINOR_MAX,
    "discount_minor": limits.AMOUNT_MINOR_MAX,
    "tax_minor": limits.AMOUNT_MINOR_MAX,
    "items_count": limits.ORDER_ITEMS_MAX,
}
_WORDS = {"status": ORDER_STATUSES, "financial_status": FINANCIAL_STATUSES, "delivery_status": DELIVERY_STATUSES}


REPORTED = (
    *("name", "currency_code", "amount_minor", "discount_minor", "tax_minor", "items_count"),
    *("status", "financial_status", "delivery_status", "detail", "placed_at"),
)
"""The fields of an order that a later report may change."""

SOMETIMES_SAID = Said.__struct_fields__
"""The fields that not every report says."""
PASSED_ON = (
    *("payment_source", "payment_medium", "utm_source", "utm_medium", "utm_campaign"),
    *("order_driven_by", "couponredeem_driven_by"),
)
"""What is only told on, of the detail."""
VERSION = ("source_version", "ahead_version", "ahead_seen_at")


def not_from_the_future(report: OrderReport, now: datetime) -> Refusal | None:
    """What is wrong with a report of a time that no clock and no time zone can be wrong by."""
    latest = now + timedelta(seconds=limits.ORDER_AHEAD_S)
    ahead = [field for field in ("placed_at", "source_version") if getattr(report, field) > latest]
    if not ahead:
        return None
    return invalid("placed_at" if "placed_at" in ahead else "updated_at", "a time that is not in the future")


def minor_units(field: str, amount: str | float, currency_code: str = "usd") -> int:
    """`"12.34"` of usd is 1234. An amount that is off by no more than what a program's floats are off by is rounded,
    any other must be exact. Raises Invalid naming the field."""
    text = amount.strip() if isinstance(amount, str) else format(Decimal(repr(amount)), "f")
    if not _AMOUNT.fullmatch(text):
        raise invalid(field, "an amount such as 12.34, of at least 0")
    decimals = currency.decimals_of(currency_code)
    exact = Decimal(text).scaleb(decimals)
    rounded = exact.to_integral_value()
    if abs(exact - rounded) > _FLOAT_NOISE:
        most = f"at most {decimals} decimals" if decimals > 1 else "no decimals"
        raise invalid(field, f"an amount with {most}, as {currency_code} has")
    if rounded > limits.AMOUNT_MINOR_MAX:
        raise invalid(field, "an amount no larger than orders are")
    return int(rounded)
