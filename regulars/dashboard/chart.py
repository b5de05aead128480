"""A small honest drawing: bars from zero over labelled axes, worked out here and drawn by the component `bars`."""

from collections.abc import Sequence

import msgspec

from regulars.dashboard.words import number

STEP = 10
"""How wide a bar and the gap beside it are, in the drawing's own units."""


class Bar(msgspec.Struct, frozen=True):
    """`y` and `height` are in hundredths of the drawing's height; `said` is the value as people read it."""

    label: str
    value: int
    said: str
    x: int
    y: float
    height: float


class Chart(msgspec.Struct, frozen=True):
    """`ticks` are the values of `lines`, top to bottom; the last one is zero."""

    caption: str
    over: str
    unit: str
    width: int
    bars: list[Bar]
    ticks: list[str]
    lines: list[float]
    labels: list[str]
    bad: bool = False


def bars(
    caption: str,
    over: str,
    unit: str,
    values: Sequence[tuple[str, int]],
    labels: list[str],
    *,
    bad: bool = False,
    most: int = 0,
) -> Chart:
    """`values` are names and values of bars, left to right; `labels` stand at even distances below them. The axis ends
    where one of `most` would too: charts with the same can be compared."""
    top, lines = _top(max([most, *(value for _, value in values)]))
    drawn = [
        Bar(name, value, number(value), at * STEP + 1, round(100 - 100 * value / top, 3), round(100 * value / top, 3))
        for at, (name, value) in enumerate(values)
    ]
    ticks = [number(top * step // lines) for step in range(lines, -1, -1)]
    heights = [round(100 - 100 * step / lines, 3) for step in range(lines, -1, -1)]
    return Chart(caption, over, unit, len(drawn) * STEP, drawn, ticks, heights, labels, bad)


def _top(most: int) -> tuple[int, int]:
    """The axis' end, a round number at or above `most`, and into how many whole steps it divides."""
    if most <= 1:
        return 1, 1
    size = 10 ** (len(str(most)) - 1)
    for factor, lines in ((1, 2), (2, 2), (4, 2), (5, 1), (6, 2), (8, 2), (10, 2)):
        top = factor * size
        if top >= most:
            return (top, lines) if top % lines == 0 else (top, 1)
    return 10 * size, 2
