"""Take a stream of orders in, many to a commit, telling how far it is.

A stop at any moment loses nothing and repeats nothing: each batch is one transaction, and an order that is in already
is left as it is when the file is imported again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from uuid import UUID

import msgspec

from regulars import limits, tenancy, triggers
from regulars.activity import OrderReport
from regulars.activity.csv_orders import Row, Unusable
from regulars.kit.clock import Clock
from regulars.kit.db import Database, again_when_raced
from regulars.kit.errors import Refusal
from regulars.triggers import Taken


class Progress(msgspec.Struct):
    """What an import has done so far; the same object is handed out after every batch."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rewards: int = 0
    coins: int = 0
    refused: int = 0
    unusable_count: int = 0
    unusable: list[Unusable] = []
    """The first `limits.IMPORT_UNUSABLE_KEPT_MAX` rows that were left out."""


async def import_orders(
    db: Database, clock: Clock, workspace_id: UUID, rows: Iterable[Row], *, actor: str
) -> AsyncIterator[Progress]:
    """Take the rows in; after each batch, once it is committed, the progress so far."""
    progress = Progress()
    stream = iter(rows)
    # Reading is pure Python and takes its time: in a thread, the loop goes on answering.
    while batch := await asyncio.to_thread(_batch, stream):
        usable = [row for row in batch if isinstance(row, OrderReport)]
        progress.rows += len(batch)
        for row in batch:
            if isinstance(row, Unusable):
                _leave_out(progress, row)
        for report, answer in zip(usable, await _take(db, clock, workspace_id, usable, actor), strict=True):
            _count(progress, report.line, answer)
        yield progress


def _batch(stream: Iterator[Row]) -> list[Row]:
    return list(islice(stream, limits.IMPORT_ORDERS_PER_COMMIT))


async def _take(
    db: Database, clock: Clock, workspace_id: UUID, reports: list[OrderReport], actor: str
) -> list[Taken | Refusal]:
    async def transact() -> list[Taken | Refusal]:
        async with db.transaction() as tx:
            workspace = await tenancy.get_workspace(tx, workspace_id)
            return await triggers.take_orders(tx, workspace, reports, clock.now(), actor=actor)

    return await again_when_raced(transact)


def _count(progress: Progress, line: int, answer: Taken | Refusal) -> None:
    if isinstance(answer, Refusal):
        _leave_out(progress, Unusable(line, answer.message))
        return
    change = answer.recorded.change
    progress.created += change == "created"
    progress.updated += change == "updated"
    progress.unchanged += change in ("unchanged", "stale")
    for firing in answer.firings:
        progress.rewards += firing.state == "granted"
        progress.coins += firing.amount
        progress.refused += firing.state == "refused"


def _leave_out(progress: Progress, row: Unusable) -> None:
    progress.unusable_count += 1
    if len(progress.unusable) < limits.IMPORT_UNUSABLE_KEPT_MAX:
        progress.unusable.append(row)
