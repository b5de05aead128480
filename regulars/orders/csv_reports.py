"""Orders out of a CSV file: a stream of reports, and of rows that can't be used with the reason why.

An amount or a date that could mean two things leaves its row out until somebody chooses for the whole file. An order
may take several rows, one for each of its lines, as in the exports of well-known shops.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from regulars import limits
from regulars.customers import NewCustomer
from regulars.kit import Faults, Invalid
from regulars.kit.csv_file import CsvFile, Dates, Decimals, Unusable
from regulars.kit.tables import BadRow
from regulars.orders.csv_cells import Ambiguous, amount, moment, whole_id, whole_number
from regulars.orders.csv_columns import COLUMNS, OF_LINES, REQUIRED
from regulars.orders.lines import Line, Refund
from regulars.orders.model import PASSED_ON, OrderReport, check

T = TypeVar("T")

# As exports write the states that we call otherwise; one with two words may have a blank between them.
_STATES = {
    "status": {"canceled": "cancelled", "open": "pending", "processing": "pending", "closed": "completed"},
    "financial_status": {"partially_paid": "pending", "unpaid": "pending", "expired": "voided"},
    "delivery_status": {"unfulfilled": "pending", "partially_fulfilled": "partial", "restocked": "returned"},
}


class Rows(msgspec.Struct):
    """Those of one order, by field; `line` is where they begin."""

    line: int
    rows: list[dict[str, str]]

    def goes_on(self, row: dict[str, str]) -> bool:
        """Whether the row is one more line of this order: it names the same, or none, and has something of a line."""
        first = self.rows[0]
        told = [name for name in ("order_id", "name") if name in row]
        same = all(row[name] == first.get(name) for name in told) and row["source"] == first["source"]
        about_a_line = not row.keys().isdisjoint(OF_LINES) and (told or row.keys().isdisjoint(REQUIRED))
        return same and "order_id" in first and bool(about_a_line)

    def add(self, row: dict[str, str]) -> None:
        if len(self.rows) <= limits.ORDER_LINES_MAX:  # one more is refused, and further ones need no memory
            self.rows.append(row)


class _Cells:
    """Cells as values. What can't be read is noted, and stood in for, so that the rest is checked too."""

    def __init__(self, currency_code: str, decimal: Decimals, dates: Dates, zone: ZoneInfo) -> None:
        self._currency_code, self._decimal, self._dates, self._zone = currency_code, decimal, dates, zone
        self.faults, self.asks = Faults(), ""

    def read(self, row: dict[str, str], field: str, meaning: Callable[[str, str], T], otherwise: T) -> T:
        try:
            return meaning(field, row[field]) if field in row else otherwise
        except Invalid as refusal:
            self.faults.note(refusal)
            self.asks = self.asks or (refusal.asks if isinstance(refusal, Ambiguous) else "")
        return otherwise

    def money(self, field: str, text: str) -> int:
        return amount(field, text, self._currency_code, self._decimal)

    def time(self, field: str, text: str) -> datetime:
        return moment(field, text, self._dates, self._zone)

    def line(self, row: dict[str, str]) -> Line:
        quantity = self.read(row, "line_quantity", whole_number, 1)
        price = self.read(row, "line_price", self.money, 0)
        whole = self.read(row, "line_amount", self.money, price * quantity)
        return Line(
            product_id=row.get("line_product_id", ""),
            variant_id=row.get("line_variant_id", ""),
            title=row.get("line_title", ""),
            quantity=quantity,
            amount_minor=max(0, whole - self.read(row, "line_discount", self.money, 0)),
            tags=_several("", row.get("line_tags", "")),
            collections=_several("", row.get("line_collections", "")),
        )


def report_of(rows: Rows, torn: bool, decimal: Decimals, dates: Dates, zone: ZoneInfo) -> OrderReport | Unusable:
    """The report that these rows are, or all that is wrong with them. What a later row says of the order itself is not
    held against the first, but for the amount, which might be of each line. `torn`: one among them could not be read,
    so nothing is said of its lines."""
    row = rows.rows[0]
    code = row["currency"].lower()
    cells = _Cells(code, decimal, dates, zone)
    faults, read = cells.faults, partial(cells.read, row)
    for name in REQUIRED:
        if name not in row:
            faults.add(name, "a value")
    if others := [one["amount"] for one in rows.rows if one.get("amount", row.get("amount")) != row.get("amount")]:
        both = f"here are {row.get('amount', 'none')} and {others[0]}"
        faults.add("amount", f"the total of the order, the same in each of its rows; {both}")
    with_lines = not torn and any(not one.keys().isdisjoint(OF_LINES) for one in rows.rows)
    placed_at = read("placed_at", cells.time, _A_DAY)
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
                amount_minor=read("amount", cells.money, 0),
                currency_code=code,
                placed_at=placed_at,
                source_version=read("updated_at", cells.time, placed_at),
                name=row.get("name", ""),
                discount_minor=read("discount", cells.money, 0),
                tax_minor=read("tax", cells.money, 0),
                items_count=read("items_count", whole_number, 0),
                status=read("status", _state, "pending"),
                financial_status=read("financial_status", _state, "paid"),
                delivery_status=read("delivery_status", _state, "pending"),
                detail={name: row[name] for name in PASSED_ON if name in row},
                lines=tuple(map(cells.line, rows.rows)) if with_lines else None,
                refunds=_refunds(read("refunded", cells.money, 0)) if "refunded" in row else None,
                shipping_minor=read("shipping", cells.money, None),
                coupon_codes=read("coupon_codes", _several, None),
                tags=read("tags", _several, None),
                note=row.get("note"),
                cancelled_at=read("cancelled_at", cells.time, None),
                line=rows.line,
            )
        )
        if not faults.fields:
            return report
        if report.unfit is not None:
            faults.note(report.unfit)
    return Unusable(rows.line, "; ".join(f"{field}: {words}" for field, words in faults.fields.items()), cells.asks)


_A_DAY = datetime(limits.ORDER_YEAR_MIN, 1, 2, tzinfo=UTC)


def _refunds(whole: int) -> tuple[Refund, ...]:
    """A file says how much was given back, and not by which refunds."""
    return (Refund(refund_id="total", amount_minor=whole),) if whole else ()


def _several(field: str, cell: str) -> tuple[str, ...]:
    return tuple(re.split("[,;|]", cell))


def _state(field: str, cell: str) -> str:
    word = re.sub("[ -]+", "_", cell.lower())
    return _STATES[field].get(word, word)


Row = OrderReport | Unusable


class OrderFile(CsvFile):
    """A file of orders, looked at."""

    COLUMNS = COLUMNS

    def reports(self, cells: Iterable[tuple[int, list[str] | BadRow]]) -> Iterator[OrderReport | Unusable]:
        """The same of these rows. What can't be read is told after the order among whose rows it stands."""
        order: Rows | None = None
        unread: list[Unusable] = []
        for line, row in cells:
            read = self._read(line, row)
            if isinstance(read, dict):
                read = {"source": self._format.source, "currency": self._currency_code} | read
            if isinstance(read, Unusable) and len(unread) < limits.CSV_RECORD_LINES_MAX:
                unread.append(read)
            elif isinstance(read, dict) and order is not None and order.goes_on(read):
                order.add(read)
            else:
                yield from self._ended(order, unread)
                order, unread = (Rows(line, [read]), []) if isinstance(read, dict) else (None, [read])
        yield from self._ended(order, unread)

    def _ended(self, order: Rows | None, unread: list[Unusable]) -> Iterator[OrderReport | Unusable]:
        if order is not None:
            yield report_of(order, bool(unread), self._format.decimal, self._format.dates, self.zone)
        yield from unread
