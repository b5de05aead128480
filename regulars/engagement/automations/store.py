"""Typed functions over the statements that more than one act uses."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from regulars import schedule
from regulars.engagement.automations import reading
from regulars.engagement.automations.model import Automation, Flow, RunState, UnknownAutomation
from regulars.kit import Queries, Reading, Record, Tx
from regulars.schedule import Due

sql = Queries(__file__)
WAKE, BEGIN = "automations.wake", "automations.begin"
Key = tuple[UUID, int, str, str, str]
"""What is counted: the automation, its version, a step ('' for all of it), what became of somebody there, and why."""


async def get(tx: Reading, workspace_id: UUID, id: UUID) -> Automation:
    """Raises UnknownAutomation."""
    return await tx.the(UnknownAutomation.message, Automation, sql.automation, workspace_id, id)


async def definitions(
    tx: Reading, workspace_id: UUID, wanted: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], str]:
    """Of automations and their versions, as JSON."""
    ids, versions = [id for id, _ in wanted], [version for _, version in wanted]
    rows = await tx.fetch(sql.definitions, workspace_id, ids, versions) if wanted else []
    return {(row["automation_id"], row["version"]): row["definition"] for row in rows}


async def flows(tx: Reading, workspace_id: UUID, wanted: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Flow]:
    found = await definitions(tx, workspace_id, wanted)
    return {key: reading.read(text) for key, text in found.items()}


def count(tx: Tx, workspace_id: UUID, counts: Counter[Key]) -> None:
    rows = sorted((*key, people) for key, people in counts.items() if people)
    if rows:
        tx.write(sql.count, workspace_id, *map(list, zip(*rows, strict=True)))


def ended(tx: Tx, workspace_id: UUID, rows: Iterable[Record], state: RunState, reason: str) -> None:
    """Count those who are inside no more."""
    counts = Counter[Key]()
    for id, version, at_step, was in rows:
        counts[id, version, "", state, reason] += 1
        counts[id, version, at_step, "waiting", ""] -= was == "waiting"
    count(tx, workspace_id, counts)


async def end_runs(
    tx: Tx, workspace_id: UUID, ids: Sequence[UUID], state: RunState, reason: str, now: datetime
) -> None:
    rows = await tx.fetch(sql.end_runs, workspace_id, ids, state, reason, now) if ids else []
    ended(tx, workspace_id, rows, state, reason)


async def look_again(tx: Tx, workspace_id: UUID, now: datetime) -> None:
    """When somebody is due next. A row that says as much stays: a worker may have it in hand who waits for its turn,
    and sees what is true then."""
    at: datetime | None = await tx.fetchval(sql.next_wake, workspace_id)
    if at is None:
        return
    there = await schedule.find(tx, workspace_id, WAKE, "")
    if there is None or there.due_at > at or there.due_at < now - timedelta(minutes=1):
        await schedule.put(tx, workspace_id, [Due(WAKE, "", max(at, now), {})])
