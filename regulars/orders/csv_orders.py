"""Orders out of a CSV file: a stream of reports, and of rows that can't be used with the reason why.

What the file doesn't say of itself is not guessed: an amount or a date that could mean two things leaves its row out
until somebody chooses for the whole file. Columns are found by their names, or named by whoever hands the file over.
An order may take several rows, one for each of its lines, as in the exports of well-known shops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Literal
from zoneinfo import ZoneInfo

import msgspec

from regulars import limits
from regulars.kit import tables
from regulars.kit.errors import Invalid, invalid
from regulars.kit.tables import BadRow, Encoding
from regulars.orders.correcting import Correcting
from regulars.orders.csv_cells import Dates, Decimals
from regulars.orders.csv_columns import FACTS, REQUIRED, found_columns
from regulars.orders.csv_reports import Rows, Unusable, report_of
from regulars.orders.model import OrderReport


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


Row = OrderReport | Unusable


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
        self.columns = found_columns(self.header, format.columns)
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
        facts = frozenset(fact for column in self.columns for fact in FACTS.get(column, ()))
        return Correcting(facts, replace, self._letters)

    def cells(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        """Rows below the header as they stand in the file, each with its line."""
        for line, cells in self._rows:
            yield line, cells if isinstance(cells, BadRow) else _without_empty_end(cells, len(self.header))

    def rows(self) -> Iterator[Row]:
        """Each order as a checked report, or why a row can't be used. Raises Invalid, before the first, of problems."""
        if self.problems:
            raise Invalid("\n".join(f"file: {words}" for words in self.problems.values()), fields=self.problems)
        return self.reports(self.cells())

    def reports(self, cells: Iterable[tuple[int, list[str] | BadRow]]) -> Iterator[Row]:
        """The same of these rows. What can't be read is told after the order among whose rows it stands."""
        order: Rows | None = None
        unread: list[Unusable] = []
        for line, row in cells:
            read = self._read(line, row)
            if isinstance(read, Unusable) and len(unread) < limits.CSV_RECORD_LINES_MAX:
                unread.append(read)
            elif isinstance(read, dict) and order is not None and order.goes_on(read):
                order.add(read)
            else:
                yield from self._ended(order, unread)
                order, unread = (Rows(line, [read]), []) if isinstance(read, dict) else (None, [read])
        yield from self._ended(order, unread)

    def _ended(self, order: Rows | None, unread: list[Unusable]) -> Iterator[Row]:
        if order is not None:
            yield report_of(order, bool(unread), self._format.decimal, self._format.dates, self.zone)
        yield from unread

    def _read(self, line: int, cells: list[str] | BadRow) -> dict[str, str] | Unusable:
        if isinstance(cells, BadRow):
            return Unusable(line, cells.reason)
        if len(cells) != len(self.header):
            parted = f"parted by a {tables.SEPARATORS[self.separator]}"
            wrong = invalid("row", f"{len(self.header)} cells as in the header, {parted}, not {len(cells)}")
            return Unusable(line, wrong.message)
        row = {"source": self._format.source, "currency": self._currency_code}
        return row | {name: cell for name, at in self.columns.items() if (cell := cells[at].strip())}


def _without_empty_end(cells: list[str], least: int = 0) -> list[str]:
    """Spreadsheets write columns that were touched once and are empty now."""
    while len(cells) > least and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _zone(name: str, otherwise: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(name) if name else otherwise
    except (KeyError, ValueError, OSError):
        raise invalid("zone", "a time zone such as Europe/Vilnius or UTC") from None
