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
    customer_id: UUID


async def counts(tx: Reading, workspace_id: UUID, id: UUID, *, version: int | None = None) -> list[StepCount]:
    """Of all versions, or of one; without steps that nobody came to. Raises UnknownAutomation."""
    await get(tx, workspace_id, id)
    return await tx.all(StepCount, sql.counts, workspace_id, id, version)


async def people_inside(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    """By automation, how many are in it now."""
    return dict(map(tuple, await tx.fetch(sql.inside, workspace_id, ids)))


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
    """Those who entered last come first; with a step, those who are at it now. Raises UnknownAutomation."""
    await get(tx, workspace_id, id)
    page: tuple[Any, ...] = (workspace_id, id, before_id or AFTER_ALL_IDS, limit)
    if step_id is not None:
        return await tx.all(Run, sql.runs_at, *page, step_id)
    return await tx.all(Run, sql.runs, *page, state)


class RunOf(msgspec.Struct, frozen=True, gc=False):
    """A run of somebody, by the automation's name."""

    automation: str
    version: int
    at_step: str
    state: str
    entered_at: datetime
    ended_at: datetime | None


async def runs_of(tx: Reading, workspace_id: UUID, customer_id: UUID, *, limit: int) -> list[RunOf]:
    """Newest first."""
    return await tx.all(RunOf, sql.runs_of_customer, workspace_id, customer_id, limit)


async def started_by(
    tx: Reading, workspace_id: UUID, customer_id: UUID, event_ids: Sequence[UUID], *, limit: int
) -> list[Run]:
    """Runs of the customer that these events set off, the first first."""
    return await tx.all(Run, sql.runs_of_causes, workspace_id, customer_id, event_ids, limit)


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
    """Who came through a step, the last first. Raises UnknownAutomation."""
    await get(tx, workspace_id, id)
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
    ids = [one.id for one in found]
    for id, reason, people in await tx.fetch(sql.held_up, workspace.id, ids, limits.EVENTS_COUNTED_MAX):
        said[id].append(f"{counted(people, 'customers')} can't go on: {_WHY.get(reason, reason)}.")
    running = [one for one in found if one.state == "running"]
    kept = await definitions(tx, workspace.id, [(one.id, one.launched) for one in running])
    for one in found:
        said[one.id] += [one.notice] if one.notice else []
    faults = await findings(tx, workspace.id, [msgspec.json.decode(text) for text in kept.values()])
    for (id, _), some in zip(kept, faults, strict=True):
        said[id] += [f"Its step {one.step} needs {one.message.removeprefix('expected ')}." for one in some]
    return {id: words for id, words in said.items() if words}


async def all_stuck(tx: Reading, workspace: Workspace) -> list[tuple[Automation, list[str]]]:
    """Those that run and something is wrong with."""
    running = [one for one in await tx.all(Automation, sql.automations, workspace.id) if one.state == "running"]
    said = await stuck(tx, workspace, running) if running else {}
    return [(one, said[one.id]) for one in running if one.id in said]
