"""Take a stream of orders in, many to a commit, telling how far it is.

A stop at any moment loses nothing and repeats nothing: each batch is one transaction, and an order that is in already
is left as it is when the file is imported again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars import limits, orders, tenancy, triggers
from regulars.kit.clock import Clock
from regulars.kit.db import Database, again_when_raced
from regulars.kit.errors import Refusal
from regulars.orders import Correcting, OrderReport
from regulars.orders.csv_orders import Row
from regulars.orders.csv_reports import Unusable
from regulars.triggers import Taken


class Why(msgspec.Struct):
    """How many orders earned nothing for one reason: a stable code, whose words are the key it stands under."""

    reason: str
    orders: int = 0


class Progress(msgspec.Struct):
    """What was done so far; the same object is handed out after every batch. `rewards` were given, or would be, to so
    many `customers`; of `unchanged` orders nothing was to be done."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rewards: int = 0
    coins: int = 0
    customers: int = 0
    last_rewarded: UUID | None = None
    refused: int = 0
    reasons: dict[str, Why] = {}
    unusable_count: int = 0
    unusable: list[Unusable] = []
    """The first `limits.IMPORT_UNUSABLE_KEPT_MAX` rows that were left out."""
    differing_count: int = 0
    differing: list[Unusable] = []
    """As many rows that say otherwise than what is kept, which is newer: it stays."""
    details: list[Unusable] = []
    """As many details of known customers that could not be kept; their orders were taken."""

    def left_out(self, row: Unusable) -> None:
        self.unusable_count += 1
        if len(self.unusable) < limits.IMPORT_UNUSABLE_KEPT_MAX:
            self.unusable.append(row)

    def took(self, report: OrderReport, answer: Taken | Refusal, correcting: Correcting, zone: ZoneInfo) -> None:
        if isinstance(answer, Refusal):
            self.left_out(Unusable(report.line, answer.message))
            return
        if report.unfit is not None and len(self.details) < limits.IMPORT_UNUSABLE_KEPT_MAX:
            self.details.append(Unusable(report.line, report.unfit.message))
        change, order = answer.recorded.change, answer.recorded.order
        self.created += change == "created"
        self.updated += change == "updated"
        self.unchanged += change in ("unchanged", "stale")
        if change == "stale" and (differs := orders.differences(order, report, correcting.facts, zone)):
            self.differing_count += 1
            if len(self.differing) < limits.IMPORT_UNUSABLE_KEPT_MAX:
                self.differing.append(Unusable(report.line, f"order {order.reference_id}: {differs}"))
        for firing in answer.firings:
            self.rewards += firing.state == "granted"
            self.coins += firing.amount
            if firing.state == "refused":
                self.say_refused(firing.reason, firing.explanation)
        if change == "created" and not answer.firings:
            self.say_refused("no_trigger", triggers.NO_TRIGGER)

    def say_refused(self, reason: str, words: str) -> None:
        self.refused += 1
        if words in self.reasons or len(self.reasons) < limits.IMPORT_REASONS_MAX:
            self.reasons.setdefault(words, Why(reason)).orders += 1


async def import_orders(
    db: Database,
    clock: Clock,
    workspace_id: UUID,
    rows: Iterable[Row],
    *,
    actor: str,
    correcting: Correcting = orders.AS_REPORTED,
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
                progress.left_out(row)
        zone, answers = await _take(db, clock, workspace_id, usable, actor, correcting)
        for report, answer in zip(usable, answers, strict=True):
            progress.took(report, answer, correcting, zone)
        yield progress


def _batch(stream: Iterator[Row]) -> list[Row]:
    return list(islice(stream, limits.IMPORT_ORDERS_PER_COMMIT))


async def _take(
    db: Database, clock: Clock, workspace_id: UUID, reports: list[OrderReport], actor: str, correcting: Correcting
) -> tuple[ZoneInfo, list[Taken | Refusal]]:
    async def transact() -> tuple[ZoneInfo, list[Taken | Refusal]]:
        async with db.transaction() as tx:
            workspace = await tenancy.get_workspace(tx, workspace_id)
            answers = await triggers.take_orders(
                tx, workspace, reports, clock.now(), actor=actor, correcting=correcting
            )
            return workspace.zone, answers

    return await again_when_raced(transact)
