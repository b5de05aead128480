"""A file as it would be taken in: what was found out about it, its first rows, what has to be chosen, what it gives."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from regulars import limits, triggers
from regulars.imports.taking import Progress
from regulars.kit.currency import decimals_of
from regulars.kit.db import Database
from regulars.kit.tables import BadRow, Encoding
from regulars.orders import OrderReport
from regulars.orders.csv_orders import Format, OrderFile, Row
from regulars.orders.csv_reports import Unusable
from regulars.tenancy import Workspace
from regulars.triggers import Rehearsed, Taken


class PreviewColumn(msgspec.Struct, frozen=True):
    """A column of the file, the field it is read as ("" for none), and its first cells."""

    name: str
    field: str
    cells: list[str]


class PreviewRow(msgspec.Struct, frozen=True):
    """One of the first rows as it would be read; `reason` says why it can't be used."""

    line: int
    reason: str = ""
    reference_id: str = ""
    customer_id: str = ""
    customer_name: str = ""
    amount: str = ""
    currency_code: str = ""
    placed_at: datetime | None = None
    lines: int = 0


class Preview(msgspec.Struct, frozen=True):
    """What a file would give if it were taken in now, by a rehearsal that writes nothing.

    `encodings` are those it may have, the likeliest first. `problems` stand in the way, by the format's fields; `asks`
    counts the rows that are left out until a field of the format is chosen. `progress` is what would come of its rows:
    of all if `whole`, else of the first. New customers get `welcome_coins` beside. `reasons` counts why orders would
    earn nothing.
    """

    encodings: list[str]
    separator: str
    zone: str
    columns: list[PreviewColumn]
    problems: dict[str, str]
    asks: dict[str, int]
    first: list[PreviewRow]
    whole: bool
    progress: Progress
    new_customers: int
    welcome_coins: int
    triggers_asked: int
    reasons: dict[str, int]


async def preview(
    db: Database,
    shop: Workspace,
    file: BinaryIO,
    found: Encoding,
    format: Format,
    now: datetime,
    *,
    whole: bool,
    replace: bool = False,
) -> Preview:
    """`whole`: the file is there to its end, not only its beginning. Raises Invalid when it is no CSV at all, or the
    format is wrong in itself."""
    orders, cells = await asyncio.to_thread(_looked_at, file, found, format, shop)
    rows = await asyncio.to_thread(lambda: list(orders.reports(cells)))
    more = len(cells) > limits.IMPORT_SAMPLE_ROWS
    if more or not whole:
        rows.pop()  # one more than is looked at, or the one that the file's beginning breaks off in
    if "columns" in orders.problems:
        rows = []
    correcting = orders.correcting(replace=replace)
    reports = [row for row in rows if isinstance(row, OrderReport)]
    async with db.reading() as tx:
        rehearsed = await triggers.rehearse_orders(tx, shop, reports, now, correcting=correcting)
    progress = Progress(rows=len(rows))
    for row in rows:
        if isinstance(row, Unusable):
            progress.left_out(row)
    for report, answer in zip(reports, rehearsed.answers, strict=True):
        progress.took(report, answer, correcting, shop.zone)
    fields = {at: field for field, at in orders.columns.items()}
    return Preview(
        encodings=[orders.encoding] if format.encoding else [found.name, *found.others],
        separator=orders.separator,
        zone=format.zone or shop.time_zone,
        columns=[PreviewColumn(name, fields.get(at, ""), _cells(cells, at)) for at, name in enumerate(orders.header)],
        problems=orders.problems,
        asks=dict(Counter(row.asks for row in rows if isinstance(row, Unusable) and row.asks)),
        first=[_shown(row, orders.zone) for row in rows[: limits.IMPORT_SHOWN_ROWS]],
        whole=whole and not more,
        progress=progress,
        new_customers=rehearsed.new_customers,
        welcome_coins=rehearsed.welcome_coins,
        triggers_asked=rehearsed.triggers_asked,
        reasons=_reasons(rehearsed),
    )


def _looked_at(
    file: BinaryIO, found: Encoding, format: Format, shop: Workspace
) -> tuple[OrderFile, list[tuple[int, list[str] | BadRow]]]:
    orders = OrderFile(file, found, format, currency_code=shop.currency_code, zone=shop.zone)
    return orders, list(islice(orders.cells(), limits.IMPORT_SAMPLE_ROWS + 1))


def _cells(rows: list[tuple[int, list[str] | BadRow]], at: int) -> list[str]:
    cells = (row[at].strip() for _, row in rows if not isinstance(row, BadRow) and len(row) > at)
    return [cell[:80] for cell in islice((cell for cell in cells if cell), 3)]


def _shown(row: Row, zone: ZoneInfo) -> PreviewRow:
    if isinstance(row, Unusable):
        return PreviewRow(row.line, row.reason)
    decimals = decimals_of(row.currency_code)
    return PreviewRow(
        line=row.line,
        reference_id=row.reference_id,
        customer_id=row.customer.customer_id,
        customer_name=row.customer.name,
        amount=f"{row.amount_minor / 10**decimals:.{decimals}f}",
        currency_code=row.currency_code,
        placed_at=row.placed_at.astimezone(zone),
        lines=len(row.lines or ()),
    )


def _reasons(rehearsed: Rehearsed) -> dict[str, int]:
    taken = (answer for answer in rehearsed.answers if isinstance(answer, Taken))
    return dict(Counter(f.explanation for t in taken for f in t.firings if f.state == "refused").most_common())
