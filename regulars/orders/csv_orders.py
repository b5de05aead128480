"""Orders out of a CSV file: a stream of reports, and of rows that can't be used with the reason why.

What the file doesn't say of itself is not guessed: an amount or a date that could mean two things leaves its row out
until somebody chooses for the whole file. Columns are found by their names, or named by whoever hands the file over.

    order_id, customer_id, amount, placed_at               must be there, in any order
    source, name, currency, items_count, discount, tax     may be there
    status, financial_status, delivery_status, updated_at
    customer_name, email, mobile, country, payment_source, payment_medium, utm_source, utm_medium, utm_campaign
    order_driven_by, couponredeem_driven_by
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from regulars import limits
from regulars.customers import NewCustomer
from regulars.kit import tables
from regulars.kit.errors import Faults, Invalid, invalid
from regulars.kit.tables import BadRow, Encoding
from regulars.orders.correcting import Correcting
from regulars.orders.csv_cells import Ambiguous, Dates, Decimals, amount, moment, whole_id, whole_number
from regulars.orders.model import OrderReport, check

REQUIRED = ("order_id", "customer_id", "amount", "placed_at")
PASSED_ON = (
    *("payment_source", "payment_medium", "utm_source", "utm_medium", "utm_campaign"),
    *("order_driven_by", "couponredeem_driven_by"),
)
KNOWN = (
    *REQUIRED,
    *("source", "name", "currency", "items_count", "discount", "tax", "status", "financial_status"),
    *("delivery_status", "updated_at", "customer_name", "email", "mobile", "country"),
    *PASSED_ON,
)
# How the exports of shops and spreadsheets call them, beside our own names.
_ALSO_CALLED = {
    "order_id": "order order_number order_no order_reference reference_id id",
    "customer_id": "customer customer_number customer_no customer_user_id user_id client_id",
    "amount": "total order_total grand_total total_amount total_price",
    "placed_at": "date order_date ordered_at created_at placed_on created",
    "currency": "currency_code",
    "name": "order_name",
    "items_count": "items items_number number_of_items lineitem_quantity quantity",
    "discount": "discount_amount total_discount discounts",
    "tax": "taxes tax_amount total_tax vat",
    "financial_status": "payment_status",
    "delivery_status": "fulfillment_status fulfilment_status",
    "updated_at": "modified_at last_modified date_modified updated",
    "customer_name": "full_name billing_name",
    "email": "e_mail customer_email email_address billing_email",
    "mobile": "phone mobile_number phone_number customer_phone billing_phone",
    "country": "country_code billing_country",
}
_FIELD_OF = {
    **{called: field for field, names in _ALSO_CALLED.items() for called in names.split()},
    **{field: field for field in KNOWN},
}
# What a file says of an order that may be held against what is kept, by column. Of an amount it always says a currency.
_FACTS = {
    **{name: (name,) for name in ("placed_at", "name", "items_count", "status", "financial_status", "delivery_status")},
    **dict.fromkeys(PASSED_ON, ("detail",)),
    "amount": ("amount_minor", "currency_code"),
    "discount": ("discount_minor",),
    "tax": ("tax_minor",),
}


class Format(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file is to be read; what is empty is found out, or its rows are asked about.

    `columns` names the file's column of a field, or "" for a field that is not to be read; the others are found by
    their names. `zone` is of times that don't say theirs, `source` of orders that don't.
    """

    encoding: str = ""
    separator: Literal["", ",", ";", "\t", "|"] = ""
    decimal: Decimals = ""
    dates: Dates = ""
    zone: str = ""
    source: str = "csv"
    columns: dict[str, str] = {}


class Unusable(msgspec.Struct, frozen=True):
    """A row that was left out: the line it starts on, counted from 1, and why. `asks` is the choice in the format that
    would tell what the row means, if there is one."""

    line: int
    reason: str
    asks: str = ""


Row = OrderReport | Unusable
T = TypeVar("T")


class OrderFile:
    """A file of orders, looked at. `columns` is where each field stands, `problems` what has to be chosen or mended, by
    the format's fields, before its rows can be read; raises Invalid when the format itself is wrong, or the file is
    empty or no text."""

    def __init__(self, file: BinaryIO, found: Encoding, format: Format, *, currency_code: str, zone: ZoneInfo) -> None:
        self._format, self._currency_code, self.zone = format, currency_code, _zone(format.zone, zone)
        self.encoding = tables.chosen_encoding(format.encoding) if format.encoding else found.name
        self._letters = bool(format.encoding) or found.proven
        self.separator = format.separator or tables.find_separator(file, self.encoding)
        self._rows = tables.read_rows(file, self.encoding, self.separator)
        first = next(self._rows, (0, BadRow(0, "this one is empty")))[1]
        if isinstance(first, BadRow):
            why = first.reason if first.line == 0 else f"in this one, {first.reason}"
            raise invalid("file", f"a CSV file with a header line; {why}")
        self.header = _without_empty_end(first)
        if len(self.header) > limits.CSV_COLUMNS_MAX:
            raise invalid("file", f"a CSV file of at most {limits.CSV_COLUMNS_MAX} columns, not {len(self.header):,}")
        self.columns = _columns(self.header, format.columns)
        self.problems: dict[str, str] = {}
        if found.others and not format.encoding:
            others = " or ".join(tables.ENCODINGS[name] for name in (found.name, *found.others))
            self.problems["encoding"] = f"expected to be told which letters these are: {others}"
        if missing := [name for name in REQUIRED if name not in self.columns]:
            parted = tables.SEPARATORS[self.separator]
            words = f"a header line with the columns {', '.join(REQUIRED)}; {', '.join(missing)} is missing"
            has = f"parted by a {parted}, it has" if len(self.header) > 1 else f"there is no {parted} in"
            self.problems["columns"] = f"expected {words}; {has} {', '.join(self.header)[:200]}"

    def correcting(self, *, replace: bool) -> Correcting:
        """What this file may put right; `replace`: also where what is kept is newer."""
        facts = frozenset(fact for column in self.columns for fact in _FACTS.get(column, ()))
        return Correcting(facts, replace, self._letters)

    def cells(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        """Rows below the header as they stand in the file, each with its line."""
        for line, cells in self._rows:
            yield line, cells if isinstance(cells, BadRow) else _without_empty_end(cells, len(self.header))

    def rows(self) -> Iterator[Row]:
        """Each row as a checked report, or why it can't be used. Raises Invalid, before the first, of problems."""
        if self.problems:
            raise Invalid("\n".join(f"file: {words}" for words in self.problems.values()), fields=self.problems)
        return (self.report(line, cells) for line, cells in self.cells())

    def report(self, line: int, cells: list[str] | BadRow) -> Row:
        if isinstance(cells, BadRow):
            return Unusable(line, cells.reason)
        try:
            if len(cells) != len(self.header):
                parted = f"parted by a {tables.SEPARATORS[self.separator]}"
                raise invalid("row", f"{len(self.header)} cells as in the header, {parted}, not {len(cells)}")
            row = {"source": self._format.source, "currency": self._currency_code}
            row |= {name: cell for name, at in self.columns.items() if (cell := cells[at].strip())}
            return _report(row, line, self._format, self.zone)
        except Invalid as error:
            return Unusable(line, error.message)


def _without_empty_end(cells: list[str], least: int = 0) -> list[str]:
    """Spreadsheets write columns that were touched once and are empty now."""
    while len(cells) > least and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _columns(header: Sequence[str], chosen: dict[str, str]) -> dict[str, int]:
    """Where each field stands. Raises Invalid of a choice that names no field, or no column of the file."""
    names = [name.strip() for name in header]
    found: dict[str, int] = {}
    for field, name in chosen.items():
        if field not in KNOWN:
            raise invalid("columns", f"fields out of {', '.join(KNOWN)}; not {field[:40]!r}")
        if name and name.strip() not in names:
            raise invalid("columns", f"columns of this file: {', '.join(names)[:200]}; not {name[:40]!r}")
        if name:
            found[field] = names.index(name.strip())
    called = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in names]
    for exactly in (True, False):
        for at, name in enumerate(called):
            field = _FIELD_OF.get(name, "")
            if field and (field == name) == exactly and field not in (*found, *chosen) and at not in found.values():
                found[field] = at
    return found


def _zone(name: str, otherwise: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(name) if name else otherwise
    except (KeyError, ValueError, OSError):
        raise invalid("zone", "a time zone such as Europe/Vilnius or UTC") from None


def _report(row: dict[str, str], line: int, format: Format, zone: ZoneInfo) -> Row:
    """With all that is wrong with the row. What can't be read is stood in for, so that the rest is checked too."""
    faults, asks, currency = Faults(), "", row["currency"].lower()

    def read(field: str, meaning: Callable[[str, str], T], otherwise: T) -> T:
        nonlocal asks
        try:
            return meaning(field, row[field]) if field in row else otherwise
        except Invalid as refusal:
            faults.note(refusal)
            asks = asks or (refusal.asks if isinstance(refusal, Ambiguous) else "")
        return otherwise

    def money(field: str, text: str) -> int:
        return amount(field, text, currency, format.decimal)

    def time(field: str, text: str) -> datetime:
        return moment(field, text, format.dates, zone)

    for name in REQUIRED:
        if name not in row:
            faults.add(name, "a value")
    placed_at = read("placed_at", time, _A_DAY)
    with faults:
        report = check(
            OrderReport(
                source=row["source"].lower(),
                reference_id=read("order_id", whole_id, "-"),
                customer=NewCustomer(
                    customer_id=read("customer_id", whole_id, "-" * limits.CUSTOMER_ID_CHARS_MIN),
                    name=row.get("customer_name", ""),
                    email=row.get("email", ""),
                    mobile=row.get("mobile", ""),
                    country=row.get("country", "").lower(),
                ),
                amount_minor=read("amount", money, 0),
                currency_code=currency,
                placed_at=placed_at,
                source_version=read("updated_at", time, placed_at),
                name=row.get("name", ""),
                discount_minor=read("discount", money, 0),
                tax_minor=read("tax", money, 0),
                items_count=read("items_count", whole_number, 0),
                status=row.get("status", "pending"),
                financial_status=row.get("financial_status", "paid"),
                delivery_status=row.get("delivery_status", "pending"),
                detail={name: row[name] for name in PASSED_ON if name in row},
                line=line,
            )
        )
        if not faults.fields:
            return report
        if report.unfit is not None:
            faults.note(report.unfit)
    return Unusable(line, "; ".join(f"{field}: {words}" for field, words in faults.fields.items()), asks)


_A_DAY = datetime(limits.ORDER_YEAR_MIN, 1, 2, tzinfo=UTC)
