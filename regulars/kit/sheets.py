"""Rows as CSV, for spreadsheets and for programs."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

# A spreadsheet takes a text that begins so for a formula, and a formula may send a file's other cells anywhere.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """A text that a spreadsheet would carry out gets an apostrophe before it; numbers stay as they are, None is
    empty."""
    written = io.StringIO()
    csv.writer(written).writerows([[_defused(cell) for cell in row] for row in rows])
    return written.getvalue()


def _defused(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
