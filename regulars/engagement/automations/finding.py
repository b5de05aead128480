"""Who is where, how many came through each step, and what holds people up."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.engagement.automations.checking import findings
from regulars.engagement.automations.model import Automation, Run, RunState
from regulars.engagement.automations.store import definitions, get, sql
from regulars.kit import AFTER_ALL_IDS, Reading, counted
from regulars.tenancy import Workspace


class Outcome(msgspec.Struct, frozen=True):
    """`sent`, `skipped`, `yes`, `waited`, `came` and the like; with a stable code for why, where there is one."""

    outcome: str
    reason: str
    people: int


class StepCount(msgspec.Struct, frozen=True):
    """How many came to a step, wait there now, and what became of those who passed; with `step_id` empty, of the
    automation as a whole: how many entered, and how their runs ended."""

    step_id: str
    entered: int
    waiting: int
    outcomes: list[Outcome]


class Passed(msgspec.Struct, frozen=True, gc=False):
    """A step that somebody has behind them. Of a message `id` is the message's."""

    id: UUID
    run_id: UUID
    automation_id: UUID
    version: int
    step_id: str
    outcome: str
    reason: str
    at: datetime
    customer_id: UUID | None = None


async def counts(tx: Reading, workspace_id: UUID, id: UUID, *, version: int | None = None) -> list[StepCount]:
    """Of all versions, or of one; without steps that nobody came to. Raises UnknownAutomation."""
    await get(tx, workspace_id, id)
    by_step = defaultdict[str, list[Outcome]](list)
    for step_id, outcome, reason, people in await tx.fetch(sql.counts, workspace_id, id, version):
        by_step[step_id].append(Outcome(outcome, reason, people))

    def of(found: Sequence[Outcome], outcome: str) -> int:
        return sum(one.people for one in found if one.outcome == outcome)

    return [
        StepCount(
            step_id,
            of(found, "entered"),
            of(found, "waiting"),
            [one for one in found if one.outcome not in ("entered", "waiting")],
        )
        for step_id, found in by_step.items()
    ]


async def people_inside(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    """By automation, how many are in it now."""
    rows = await tx.fetch(sql.inside, workspace_id, ids) if ids else []
    return {row["automation_id"]: row["people"] for row in rows}


async def runs(
    tx: Reading,
    workspace_id: UUID,
    id: UUID,
    *,
    state: RunState | None = None,
    step_id: str | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> list[Run]:
    """Those who entered last come first; with a step, those who are at it now."""
    page: tuple[Any, ...] = (workspace_id, id, before_id or AFTER_ALL_IDS, limit)
    if step_id is not None:
        return await tx.all(Run, sql.runs_at, *page, step_id)
    return await tx.all(Run, sql.runs, *page, state)


async def run_of(tx: Reading, workspace_id: UUID, id: UUID) -> tuple[Run, list[Passed]]:
    """A run, and what it has behind it. Raises NotFound."""
    run = await tx.the("There is no such run.", Run, sql.run, workspace_id, id)
    return run, await tx.all(Passed, sql.passages_of_run, workspace_id, id)


async def runs_of_customer(tx: Reading, workspace_id: UUID, customer_id: UUID, *, limit: int) -> list[Run]:
    """Newest first."""
    return await tx.all(Run, sql.runs_of_customer, workspace_id, customer_id, limit)


async def people_at(
    tx: Reading,
    workspace_id: UUID,
    id: UUID,
    step_id: str,
    *,
    outcome: str | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> list[Passed]:
    """Who came through a step, the last first."""
    page = (workspace_id, id, before_id or AFTER_ALL_IDS, limit)
    return await tx.all(Passed, sql.passed, *page, step_id, outcome)


_WHY = {
    "no_ready_sender": "there is no sender that is ready",
    "template_unknown": "the template of its step was removed",
}


async def stuck(tx: Reading, workspace: Workspace, found: Sequence[Automation]) -> dict[UUID, list[str]]:
    """By automation, in sentences: what holds people up, what it names that there is not any more, and why it came to
    rest. Only those that something is wrong with."""
    said = defaultdict[UUID, list[str]](list)
    one_alone = found[0].id if len(found) == 1 else None
    rows = await tx.fetch(sql.held_up, workspace.id, one_alone, limits.EVENTS_COUNTED_MAX)
    known = {one.id: one for one in found}
    for id, reason, people in rows:
        if id in known:
            said[id].append(f"{counted(people, 'customers')} can't go on: {_WHY.get(reason, reason)}.")
    running = [one for one in found if one.state == "running"]
    kept = await definitions(tx, workspace.id, [(one.id, one.launched) for one in running])
    for one in found:
        said[one.id] += [one.notice] if one.notice else []
    faults = await findings(tx, workspace.id, [msgspec.json.decode(text) for text in kept.values()])
    for (id, _), some in zip(kept, faults, strict=True):
        said[id] += [f"Its step {one.step} needs {one.message.removeprefix('expected ')}." for one in some]
    return {id: words for id, words in said.items() if words}
