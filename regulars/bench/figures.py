"""A figure, what it is held against, and the table of all of them."""

from collections.abc import Sequence
from statistics import median
from typing import Any, Literal

import msgspec
from rich.table import Table

Verdict = Literal["aim", "met", "missed", ""]


class Row(msgspec.Struct, frozen=True):
    """One figure, so many a second unless it is of another `unit`. `limit` is what `against` reached in the same run,
    in the same unit, and `ratio` is value / limit; `bar` is the least ratio that will do, None where the figure is only
    reported."""

    name: str
    value: float
    against: str = ""
    limit: float | None = None
    bar: float | None = None
    aim: float | None = None
    unit: str = "1/s"

    @property
    def ratio(self) -> float | None:
        return self.value / self.limit if self.limit else None

    @property
    def verdict(self) -> Verdict:
        if self.bar is None or self.ratio is None:
            return ""
        if self.aim is not None and self.ratio >= self.aim:
            return "aim"
        return "met" if self.ratio >= self.bar else "missed"


_COLUMNS = ("name", "value", "unit", "against", "limit", "ratio", "bar")
_WORDS = ("name", "unit", "against")


def as_json(rows: Sequence[Row]) -> str:
    return msgspec.json.encode([{of: _rounded(getattr(row, of)) for of in _COLUMNS} for row in rows]).decode()


def table(rows: Sequence[Row]) -> Table:
    """For people. The last column says whether the bar was met, or even the aim."""
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for of in _COLUMNS:
        drawn.add_column("figure" if of == "name" else of, justify="left" if of in _WORDS else "right")
    drawn.add_column("")
    colours = {"missed": "red", "met": "green", "aim": "green"}
    for row in rows:
        ratio, bar = "" if row.ratio is None else f"{row.ratio:.2f}", "" if row.bar is None else f"{row.bar:g}"
        said = (row.name, _shown(row.value), row.unit, row.against, _shown(row.limit), ratio, bar, row.verdict)
        drawn.add_row(*said, style=colours.get(row.verdict, ""))
    return drawn


def middle(values: Sequence[float]) -> float:
    """The median; of two, their mean."""
    return float(median(values))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of values in ascending order, the one below which that share of them lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _rounded(value: Any) -> Any:
    """Four significant digits at least: more would be noise."""
    if not isinstance(value, int | float):
        return value
    return round(value, 1) if abs(value) >= 100 else float(f"{value:.4g}")


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
