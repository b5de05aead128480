"""Take a stream of rows in, many to a commit, telling how far it is.

A stop at any moment loses nothing and repeats nothing: each batch is one transaction, and what is in already is left as
it is when the file is imported again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars import limits, orders, tenancy
from regulars.imports.kinds import Orders, Source
from regulars.imports.progress import Progress
from regulars.kit import Clock, Database, Refusal, again_when_raced
from regulars.kit.csv_file import Unusable
from regulars.orders import Correcting


async def import_rows(
    db: Database,
    clock: Clock,
    workspace_id: UUID,
    rows: Iterable[Any],
    *,
    actor: str,
    kind: Source = Orders,
    correcting: Correcting = orders.AS_REPORTED,
) -> AsyncIterator[Progress]:
    """Take the rows in; after each batch, once it is committed, the progress so far."""
    progress = Progress()
    stream = iter(rows)

    async def take() -> tuple[ZoneInfo, Sequence[Any]]:
        usable = [row for row in batch if not isinstance(row, Unusable)]
        async with db.transaction() as tx:
            shop = await tenancy.get_workspace(tx, workspace_id)
            return shop.zone, await kind.take(tx, shop, usable, clock.now(), actor=actor, correcting=correcting)

    # Reading is pure Python and takes its time: in a thread, the loop goes on answering.
    while batch := await asyncio.to_thread(_batch, stream):
        zone, answers = await again_when_raced(take)
        count(progress, kind, batch, answers, correcting, zone)
        yield progress


def count(
    progress: Progress,
    kind: Source,
    rows: Sequence[Any],
    answers: Sequence[Any],
    correcting: Correcting,
    zone: ZoneInfo,
) -> None:
    """`answers` are of the rows that could be used."""
    progress.rows += len(rows)
    for row in rows:
        if isinstance(row, Unusable):
            progress.left_out(row)
    usable = (row for row in rows if not isinstance(row, Unusable))
    for row, answer in zip(usable, answers, strict=True):
        if isinstance(answer, Refusal):
            progress.left_out(Unusable(row.line, answer.message))
        else:
            kind.count(progress, row, answer, correcting, zone)


def _batch(stream: Iterator[Any]) -> list[Any]:
    return list(islice(stream, limits.IMPORT_ORDERS_PER_COMMIT))
