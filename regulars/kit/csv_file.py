"""A CSV file of things, whichever they are: how it is written, where its columns stand, each row by field.

What the file doesn't say of itself is not guessed. Columns are found by their names, or named by whoever hands the file
over. What the rows mean is said by a subclass for each kind of thing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from regulars import limits
from regulars.kit import tables
from regulars.kit.errors import Invalid, invalid
from regulars.kit.tables import BadRow, Encoding

Decimals = Literal["", ".", ","]
Dates = Literal["", "day_first", "month_first"]


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


class Columns(NamedTuple):
    """The columns of a kind of file, which of them must be there, and how exports and spreadsheets call them beside our
    own names."""

    required: tuple[str, ...]
    known: tuple[str, ...]
    also_called: Mapping[str, str]

    def found(self, header: Sequence[str], chosen: dict[str, str]) -> dict[str, int]:
        """Where each field stands. Raises Invalid of a choice that names no field, or no column of the file."""
        names = [name.strip() for name in header]
        found: dict[str, int] = {}
        field_of = {called: field for field, called_so in self.also_called.items() for called in called_so.split()}
        field_of |= {field: field for field in self.known}
        for field, name in chosen.items():
            if field not in self.known:
                raise invalid("columns", f"fields out of {', '.join(self.known)}; not {field[:40]!r}")
            if name and name.strip() not in names:
                raise invalid("columns", f"columns of this file: {', '.join(names)[:200]}; not {name[:40]!r}")
            if name:
                found[field] = names.index(name.strip())
        called = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in names]
        for exactly in (True, False):
            for at, name in enumerate(called):
                field = field_of.get(name, "")
                if field and (field == name) == exactly and field not in (*found, *chosen) and at not in found.values():
                    found[field] = at
        return found


class CsvFile:
    """A file, looked at. `columns` is where each field stands, `problems` what has to be chosen or mended, by the
    format's fields, before its rows can be read; raises Invalid when the format itself is wrong, or the file is empty
    or no text."""

    COLUMNS: ClassVar[Columns]

    def __init__(
        self, file: BinaryIO, found: Encoding, format: Format, *, currency_code: str, zone: ZoneInfo, name: str = ""
    ) -> None:
        self.name, self._format, self._currency_code, self.zone = name, format, currency_code, _zone(format.zone, zone)
        self.encoding = tables.chosen_encoding(format.encoding) if format.encoding else found.name
        self.letters = bool(format.encoding) or found.proven
        self.separator = format.separator or tables.find_separator(file, self.encoding)
        self._rows = tables.read_rows(file, self.encoding, self.separator)
        first = next(self._rows, (0, BadRow(0, "this one is empty")))[1]
        if isinstance(first, BadRow):
            why = first.reason if first.line == 0 else f"in this one, {first.reason}"
            raise invalid("file", f"a CSV file with a header line; {why}")
        self.header = _without_empty_end(first)
        if len(self.header) > limits.CSV_COLUMNS_MAX:
            raise invalid("file", f"a CSV file of at most {limits.CSV_COLUMNS_MAX} columns, not {len(self.header):,}")
        self.columns = self.COLUMNS.found(self.header, format.columns)
        self.problems: dict[str, str] = {}
        if found.others and not format.encoding:
            others = " or ".join(tables.ENCODINGS[name] for name in (found.name, *found.others))
            self.problems["encoding"] = f"expected to be told which letters these are: {others}"
        if missing := [name for name in self.COLUMNS.required if name not in self.columns]:
            parted = tables.SEPARATORS[self.separator]
            words = (
                f"a header line with the columns {', '.join(self.COLUMNS.required)}; {', '.join(missing)} is missing"
            )
            has = f"parted by a {parted}, it has" if len(self.header) > 1 else f"there is no {parted} in"
            self.problems["columns"] = f"expected {words}; {has} {', '.join(self.header)[:200]}"

    def cells(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        """Rows below the header as they stand in the file, each with its line."""
        for line, cells in self._rows:
            yield line, cells if isinstance(cells, BadRow) else _without_empty_end(cells, len(self.header))

    def rows(self) -> Iterator[Any]:
        """Each thing as a checked report, or why a row can't be used. Raises Invalid, before the first, of problems."""
        if self.problems:
            raise Invalid("\n".join(f"file: {words}" for words in self.problems.values()), fields=self.problems)
        return self.reports(self.cells())

    def reports(self, cells: Iterable[tuple[int, list[str] | BadRow]]) -> Iterator[Any]:
        """The same of these rows: a report each, or Unusable."""
        for line, row in cells:
            read = self._read(line, row)
            yield read if isinstance(read, Unusable) else self.report(line, read)

    def report(self, line: int, row: dict[str, str]) -> Any:
        """The report that the row is, or why it can't be used."""
        raise NotImplementedError

    def _read(self, line: int, cells: list[str] | BadRow) -> dict[str, str] | Unusable:
        if isinstance(cells, BadRow):
            return Unusable(line, cells.reason)
        if len(cells) != len(self.header):
            parted = f"parted by a {tables.SEPARATORS[self.separator]}"
            wrong = invalid("row", f"{len(self.header)} cells as in the header, {parted}, not {len(cells)}")
            return Unusable(line, wrong.message)
        return {name: cell for name, at in self.columns.items() if (cell := cells[at].strip())}


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
