"""Liability: what customers have, what became of the rest, and where it goes."""

from collections.abc import Sequence
from datetime import date
from typing import get_args

from litestar import Response, get

from regulars import days
from regulars.dashboard import chart
from regulars.dashboard.chart import Chart
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.forms import query_of
from regulars.days import Liability
from regulars.days.liability import Part
from regulars.kit.sheets import csv_lines
from regulars.ledger import SCALE, Kind
from regulars.ledger.txns import in_words

MONTHS = 12
COLUMNS = {
    "earned": "Earned",
    "given_back": "Given back",
    "adjusted": "By hand",
    "spent": "Spent",
    "expired": "Expired",
    "clawed_back": "Clawed back",
}


@get("/liability")
async def show(desk: Handed) -> Response[str]:
    found = await _read(desk)
    kind, unit = found.kind, _unit(desk, found.kind)

    def said(amount: int) -> str:
        return in_words(kind, amount, desk.workspace)

    # The month in which the shop was made, and those after it: before it there is nothing to tell.
    made = desk.workspace.created_at.astimezone(desk.zone).strftime("%Y-%m")
    own = [
        (_named(day), one)
        for one in found.months
        if (day := one.starts_at.astimezone(desk.zone).date()).isoformat()[:7] >= made
    ]
    ahead = found.forecast
    ends = [(name, one.outstanding) for name, one in own]
    return desk.page(
        "pages/liability.html",
        found=found,
        in_words=said,
        columns=COLUMNS,
        heads=["Month", *(f">{one}" for one in COLUMNS.values()), ">Outstanding at its end"],
        months=own[::-1],
        totals={name: said(sum(getattr(m.moved, name) for m in found.months)) for name in COLUMNS},
        over_time=_drawn("Outstanding at the end of each month", unit, kind, ends),
        by_age=_parts("By the month in which it was earned", unit, kind, found.by_age, "No day"),
        by_expiry=_parts("By the month in which it expires", unit, kind, found.by_expiry, "No day set"),
        ahead=[(_named(one.month), said(one.amount)) for one in ahead.months] if ahead else [],
        nothing=not found.outstanding and not any(m.moved.earned or m.moved.spent for m in found.months),
    )


@get("/liability.csv")
async def file(desk: Handed) -> Response[str]:
    found = await _read(desk)
    scale = 10 ** SCALE[found.kind]
    rows = [
        [
            one.starts_at.astimezone(desk.zone).date().isoformat(),
            *(getattr(one.moved, name) / scale for name in COLUMNS),
            one.outstanding / scale,
        ]
        for one in found.months
    ]
    lines = "\ufeff" + csv_lines([["Month", *COLUMNS.values(), "Outstanding at its end"], *rows])
    headers = {"content-disposition": 'attachment; filename="liability.csv"'}
    return Response(lines, media_type="text/csv", headers=headers)


async def _read(desk: Desk) -> Liability:
    asked = query_of(desk.request).get("wallet", "")
    kind: Kind = next((one for one in get_args(Kind) if one == asked), "coins")
    async with desk.reading() as tx:
        return await days.liability(tx, desk.workspace, kind, desk.now, MONTHS)


def _unit(desk: Desk, kind: Kind) -> str:
    coins = desk.workspace.coin_name
    return coins[:1].upper() + coins[1:] if kind == "coins" else desk.workspace.currency_code.upper()


def _named(month: date) -> str:
    return f"{month:%b %Y}"


def _parts(caption: str, unit: str, kind: Kind, parts: Sequence[Part], never: str) -> Chart | str:
    return _drawn(caption, unit, kind, [(_named(one.month) if one.month else never, one.amount) for one in parts])


def _drawn(caption: str, unit: str, kind: Kind, values: list[tuple[str, int]]) -> Chart | str:
    """In words where a drawing would be of one bar, or of none."""
    if len(values) < 2:
        return f"All of it: {values[0][0]}." if values else "Nothing is outstanding."
    scaled = [(name, max(amount, 0) // 10 ** SCALE[kind]) for name, amount in values]
    return chart.bars(caption, "Month", unit, scaled, [scaled[0][0], scaled[-1][0]])
