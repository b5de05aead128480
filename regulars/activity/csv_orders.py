"""Orders out of a CSV file: a stream of reports, and of rows that can't be used with the reason why.

Nothing about the file is trusted. It is read line by line in bounded memory; a line that is not UTF-8 is read as
Windows-1252, which every Latin-1 text also is; a quote that is never closed costs its own row, not the rest.

    order_id, customer_id, amount, placed_at               must be there, in any order
    source, name, currency, items_count, discount, tax     may be there
    status, financial_status, delivery_status, updated_at
    customer_name, email, mobile, country, payment_source, payment_medium, utm_source, utm_medium, utm_campaign
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from regulars import limits
from regulars.activity.model import OrderReport, check, minor_units
from regulars.customers import NewCustomer
from regulars.kit.errors import Invalid, invalid

REQUIRED = ("order_id", "customer_id", "amount", "placed_at")
PASSED_ON = ("payment_source", "payment_medium", "utm_source", "utm_medium", "utm_campaign")
KNOWN = (
    *REQUIRED,
    *("source", "name", "currency", "items_count", "discount", "tax", "status", "financial_status"),
    *("delivery_status", "updated_at", "customer_name", "email", "mobile", "country"),
    *PASSED_ON,
)

_WHOLE = re.compile(r"[0-9]{1,18}")


class Unusable(msgspec.Struct, frozen=True):
    """A row that was left out: the line it starts on, counted from 1, and why."""

    line: int
    reason: str


Row = OrderReport | Unusable


def read(file: BinaryIO, *, source: str, currency_code: str, zone: ZoneInfo) -> Iterator[Row]:
    """Each row as a checked report, or why it can't be used.

    `source`, `currency_code` and `zone` hold where the row doesn't say. Raises Invalid, before the first row, when the
    file is empty, is not text, or its header lacks a column.
    """
    records = _records(file)
    first = next(records, None)
    if first is None:
        raise invalid("file", "a CSV file with a header line; this one is empty")
    header = _header(first[1])
    defaults = {"source": source, "currency": currency_code}
    for line, record in records:
        if isinstance(record, Unusable):
            yield record
            continue
        try:
            if len(record) != len(header):
                raise invalid("row", f"{len(header)} cells as in the header, not {len(record)}")
            row = {name: cell.strip() for name, cell in zip(header, record, strict=True)}
            yield _report({**defaults, **{name: cell for name, cell in row.items() if cell}}, zone)
        except Invalid as error:
            yield Unusable(line, error.message)


def _header(record: list[str] | Unusable) -> list[str]:
    if isinstance(record, Unusable):
        raise invalid("file", f"a CSV file with a header line; in this one, {record.reason}")
    names = [name.strip().lower() for name in record]
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise invalid("file", f"a header line with the columns {', '.join(REQUIRED)}; {', '.join(missing)} is missing")
    unknown = [name for name in names if name not in KNOWN]
    if unknown or len(set(names)) < len(names):
        wrong = unknown[0] if unknown else next(name for name in names if names.count(name) > 1)
        raise invalid("file", f"columns out of {', '.join(KNOWN)}, each once; not {wrong[:40]!r}")
    return names


def _report(row: dict[str, str], zone: ZoneInfo) -> OrderReport:
    for name in REQUIRED:
        if name not in row:
            raise invalid(name, "a value")
    currency = row["currency"].lower()
    placed_at = _time("placed_at", row["placed_at"], zone)
    return check(
        OrderReport(
            source=row["source"].lower(),
            reference_id=row["order_id"],
            customer=NewCustomer(
                customer_id=row["customer_id"],
                name=row.get("customer_name", ""),
                email=row.get("email", ""),
                mobile=row.get("mobile", ""),
                country=row.get("country", "").lower(),
            ),
            amount_minor=minor_units("amount", row["amount"], currency),
            currency_code=currency,
            placed_at=placed_at,
            source_version=_time("updated_at", row["updated_at"], zone) if "updated_at" in row else placed_at,
            name=row.get("name", ""),
            discount_minor=minor_units("discount", row.get("discount", "0"), currency),
            tax_minor=minor_units("tax", row.get("tax", "0"), currency),
            items_count=_whole("items_count", row.get("items_count", "0")),
            status=row.get("status", "pending"),
            financial_status=row.get("financial_status", "paid"),
            delivery_status=row.get("delivery_status", "pending"),
            detail={name: row[name] for name in PASSED_ON if name in row},
        )
    )


def _time(field: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=zone)
    except ValueError:
        raise invalid(field, "a date such as 2026-03-14, or a time such as 2026-03-14T09:26:53Z") from None


def _whole(field: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise invalid(field, "a whole number")
    return int(text)


def _records(file: BinaryIO) -> Iterator[tuple[int, list[str] | Unusable]]:
    """Records as cells, with the line each starts on. A quoted cell may hold line breaks, but not for ever; a record
    that is not CSV costs its first line, and the lines that were taken for the rest of it are read anew."""
    lines = _lines(file)
    ahead: deque[tuple[int, str | Unusable]] = deque()

    def pull() -> tuple[int, str | Unusable] | None:
        return ahead.popleft() if ahead else next(lines, None)

    while (started := pull()) is not None:
        line, text = started
        if isinstance(text, Unusable):
            yield line, text
            continue
        tried: list[tuple[int, str | Unusable]] = []
        open_ = _ends_in_quotes(text, False)
        while open_ and len(tried) < limits.CSV_RECORD_LINES_MAX and (following := pull()) is not None:
            tried.append(following)
            if isinstance(following[1], Unusable):
                break
            text = f"{text}\n{following[1]}"
            open_ = _ends_in_quotes(following[1], True)
        cells = _cells(line, text)
        if open_ or (tried and isinstance(cells, Unusable)):
            cells = Unusable(line, "a quote that is not closed")
            ahead.extendleft(reversed(tried))
        if cells:
            yield line, cells


def _cells(line: int, text: str) -> list[str] | Unusable:
    """None at all of a blank line."""
    try:
        return next(csv.reader([text], strict=True)) if text.strip() else []
    except csv.Error as error:
        return Unusable(line, f"not CSV: {error}")


def _ends_in_quotes(text: str, inside: bool) -> bool:
    """Whether the line breaks off within a quoted cell; `inside`: it began within one. Only a quote that a cell begins
    with opens one: in a cell such as 7" single it is a sign like any other."""
    if '"' not in text:
        return inside
    at = 0
    while True:
        if not inside and text.startswith('"', at):
            inside, at = True, at + 1
        if inside:
            quote = text.find('"', at)
            while text.startswith('""', quote):
                quote = text.find('"', quote + 2)
            if quote < 0:
                return True
            at = quote + 1
        comma = text.find(",", at)
        if comma < 0:
            return False
        inside, at = False, comma + 1


def _lines(file: BinaryIO) -> Iterator[tuple[int, str | Unusable]]:
    number = 0
    while raw := file.readline(limits.CSV_LINE_BYTES_MAX + 1):
        number += 1
        if len(raw) > limits.CSV_LINE_BYTES_MAX and not raw.endswith(b"\n"):
            while (more := file.readline(limits.CSV_LINE_BYTES_MAX)) and not more.endswith(b"\n"):
                pass
            yield number, Unusable(number, f"a line longer than {limits.CSV_LINE_BYTES_MAX:,} bytes")
        elif b"\x00" in raw:
            yield number, Unusable(number, "a NUL byte, which no text holds")
        else:
            yield number, _decoded(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw).rstrip("\r\n")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        # The five bytes that Windows-1252 leaves undefined become U+FFFD, which is seen and can be mended.
        return raw.decode("cp1252", errors="replace")
