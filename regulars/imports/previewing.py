"""A file as it would be taken in: what was found out about it, its first rows, what has to be chosen, what it gives."""

import asyncio
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import BinaryIO

import msgspec

from regulars import limits
from regulars.imports.kinds import KINDS, Kind, correcting_of, opened_as
from regulars.imports.progress import Progress
from regulars.imports.taking import count
from regulars.kit import Database
from regulars.kit.csv_file import CsvFile, Format, Unusable
from regulars.kit.tables import BadRow, Encoding
from regulars.tenancy import Workspace


class PreviewColumn(msgspec.Struct, frozen=True):
    """A column of the file, the field it is read as ("" for none), and its first cells."""

    name: str
    field: str
    cells: list[str]


class PreviewRow(msgspec.Struct, frozen=True):
    """One of the first rows as it would be read, what it says by what it is called; `reason` says why it can't be
    used."""

    line: int
    reason: str = ""
    values: dict[str, str] = {}


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
    kind: Kind = "orders",
    name: str = "",
    replace: bool = False,
) -> Preview:
    """`whole`: the file is there to its end, not only its beginning. Raises Invalid when it is no CSV at all, or the
    format is wrong in itself."""
    source = KINDS[kind]
    table, cells = await asyncio.to_thread(_looked_at, kind, file, found, format, shop, name)
    rows = await asyncio.to_thread(lambda: list(table.reports(cells)))
    more = len(cells) > limits.IMPORT_SAMPLE_ROWS
    if more or not whole:
        rows.pop()  # one more than is looked at, or the one that the file's beginning breaks off in
    if "columns" in table.problems:
        rows = []
    correcting = correcting_of(table, replace)
    async with db.reading() as tx:
        usable = [row for row in rows if not isinstance(row, Unusable)]
        seen = await source.rehearse(tx, shop, usable, now, correcting=correcting)
    progress = Progress()
    count(progress, source, rows, seen.answers, correcting, shop.zone)
    fields = {at: field for field, at in table.columns.items()}
    return Preview(
        encodings=[table.encoding] if format.encoding else [found.name, *found.others],
        separator=table.separator,
        zone=format.zone or shop.time_zone,
        columns=[PreviewColumn(name, fields.get(at, ""), _cells(cells, at)) for at, name in enumerate(table.header)],
        problems=table.problems,
        asks=dict(Counter(row.asks for row in rows if isinstance(row, Unusable) and row.asks)),
        first=[
            PreviewRow(row.line, row.reason)
            if isinstance(row, Unusable)
            else PreviewRow(row.line, values=source.shown(row, table.zone))
            for row in rows[: limits.IMPORT_SHOWN_ROWS]
        ],
        whole=whole and not more,
        progress=progress,
        new_customers=seen.new_customers,
        welcome_coins=seen.welcome_coins,
        triggers_asked=seen.triggers_asked,
        reasons={words: why.orders for words, why in sorted(progress.reasons.items(), key=lambda one: -one[1].orders)},
    )


def _looked_at(
    kind: Kind, file: BinaryIO, found: Encoding, format: Format, shop: Workspace, name: str
) -> tuple[CsvFile, list[tuple[int, list[str] | BadRow]]]:
    table = opened_as(kind, file, found, format, shop, name)
    return table, list(islice(table.cells(), limits.IMPORT_SAMPLE_ROWS + 1))


def _cells(rows: list[tuple[int, list[str] | BadRow]], at: int) -> list[str]:
    cells = (row[at].strip() for _, row in rows if not isinstance(row, BadRow) and len(row) > at)
    return [cell[:80] for cell in islice((cell for cell in cells if cell), 3)]
