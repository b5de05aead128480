"""Automations are written: drafts, versions, and the two acts that let one loose, Publish and Launch."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from regulars import delivery, limits, schedule
from regulars.engagement import messages, segments
from regulars.engagement.automations import model
from regulars.engagement.automations.beginning import first_start
from regulars.engagement.automations.checking import Known, faults_in
from regulars.engagement.automations.model import Automation, Flow, Version
from regulars.engagement.automations.reading import EMPTY
from regulars.engagement.automations.store import BEGIN, flows, get, look_again, sql
from regulars.kit import Conflict, Reading, Tx, invalid, new_id
from regulars.tenancy import Workspace

People = Literal["stay", "move"]


async def list_automations(tx: Reading, workspace_id: UUID) -> list[Automation]:
    """Those that were made first come first."""
    return await tx.all(Automation, sql.automations, workspace_id)


async def create_automation(
    tx: Tx, workspace: Workspace, name: str, definition: object, now: datetime, *, actor: str
) -> Automation:
    """A draft, empty without a definition. Raises Invalid naming each field, Conflict where there are too many."""
    await tx.fetch(sql.take_turn, workspace.id)
    there = await list_automations(tx, workspace.id)
    if len(there) >= limits.AUTOMATIONS_MAX:
        raise Conflict(f"A shop can have {limits.AUTOMATIONS_MAX} automations at most. Remove one that is not needed.")
    id, name, draft = new_id(), _named(name), _draft(EMPTY if definition is None else definition)
    await tx.execute(sql.insert_automation, workspace.id, id, name, draft, now)
    await tx.execute(sql.insert_draft, workspace.id, id, 1, draft, actor, now)
    return await get(tx, workspace.id, id)


async def rename(tx: Tx, workspace: Workspace, id: UUID, name: str, now: datetime) -> Automation:
    """Raises Invalid, UnknownAutomation."""
    return await _saved(tx, workspace.id, await _locked(tx, workspace.id, id), now, name=_named(name))


async def change_draft(
    tx: Tx, workspace: Workspace, id: UUID, definition: object, *, revision: int, now: datetime, actor: str
) -> Automation:
    """Whatever it says is kept, finished or not. Raises Stale where the draft is at another revision by now, Invalid,
    UnknownAutomation."""
    known, draft = await _locked(tx, workspace.id, id), _draft(definition)
    if known.revision != revision:
        raise model.Stale
    if known.draft == draft:
        return known
    await tx.execute(sql.insert_draft, workspace.id, id, revision + 1, draft, actor, now)
    await tx.execute(sql.prune_drafts, workspace.id, id, revision + 1 - limits.AUTOMATION_DRAFTS_MAX)
    return await _saved(tx, workspace.id, known, now, draft=draft, revision=revision + 1)


async def undo(tx: Tx, workspace: Workspace, id: UUID, *, revision: int, now: datetime) -> Automation:
    """The draft as it was before its last change; done again, as it was before that. Raises Stale, Conflict where
    nothing is left to undo, UnknownAutomation."""
    known = await _locked(tx, workspace.id, id)
    if known.revision != revision:
        raise model.Stale
    newest, *before = await tx.fetch(sql.newest_drafts, workspace.id, id)
    if not before:
        raise Conflict("There is nothing more to undo.")
    await tx.execute(sql.drop_draft, workspace.id, id, newest["revision"])
    await tx.execute(sql.renumber_draft, workspace.id, id, before[0]["revision"], revision + 1)
    return await _saved(tx, workspace.id, known, now, draft=before[0]["definition"], revision=revision + 1)


async def publish(tx: Tx, workspace: Workspace, id: UUID, now: datetime, *, actor: str) -> Automation:
    """The draft becomes a version, if it is another than the newest; nobody goes by it before it is launched. Raises
    Invalid naming each step and field, also of what it names that there is not."""
    known = await _locked(tx, workspace.id, id)
    faults_in(known.draft, await Known.of(tx, workspace.id)).check()
    newest = await versions_of(tx, workspace.id, id, limit=1)
    if newest and newest[0].definition == known.draft:
        return known
    await tx.execute(sql.insert_version, workspace.id, id, known.version + 1, known.draft, actor, now)
    return await _saved(tx, workspace.id, known, now, version=known.version + 1)


async def launch(
    tx: Tx, workspace: Workspace, id: UUID, now: datetime, *, people_inside: People = "stay"
) -> Automation:
    """From now on whoever enters goes by the newest version. Those inside stay on theirs, or are `move`d to it where it
    has their step: then they wait as long as that says, counted from when they came. What was paused goes on. Raises
    Conflict where nothing was published, UnknownAutomation."""
    known = await _locked(tx, workspace.id, id)
    if not known.version:
        raise Conflict("Nothing was published yet. Publish the draft first.")
    ((_, flow),) = (await flows(tx, workspace.id, [(id, known.version)])).items()
    if people_inside == "move" and known.launched:
        await _move(tx, workspace, known, flow, now)
    await tx.execute(sql.hold, workspace.id, id, False)
    if known.state == "paused":
        await delivery.hasten(tx, workspace.id, await messages.under_way(tx, workspace.id, id), now)
    restarted = known.state != "running" or known.launched != known.version
    known = await _saved(
        tx, workspace.id, known, now, state="running", launched=known.version, notice="", noticed_at=None
    )
    await _listen(tx, workspace, known)
    await look_again(tx, workspace.id, now)
    if restarted:
        await schedule.drop(tx, workspace.id, BEGIN, [str(id)])
        if (due := first_start(workspace, id, flow, now)) is not None:
            await schedule.put(tx, workspace.id, [due])
    return known


async def pause(tx: Tx, workspace: Workspace, id: UUID, now: datetime) -> Automation:
    """Nobody enters, and those inside stay where they are until it is launched again; so do messages
    that were reserved. Raises Conflict where it does not run, UnknownAutomation."""
    known = await _locked(tx, workspace.id, id)
    if known.state != "running":
        raise Conflict("It does not run.")
    await tx.execute(sql.hold, workspace.id, id, True)
    await schedule.drop(tx, workspace.id, BEGIN, [str(id)])
    return await _saved(tx, workspace.id, known, now, state="paused")


async def remove(tx: Tx, workspace: Workspace, id: UUID, now: datetime) -> dict[str, Any]:
    """Those inside go no further. Raises Conflict while it runs, UnknownAutomation."""
    known = await _locked(tx, workspace.id, id)
    if known.state == "running":
        raise Conflict("It runs. Pause it first.")
    await tx.execute(sql.stop_all, workspace.id, id, "removed", now)
    await tx.execute(sql.delete_mentions, workspace.id, id)
    await tx.execute(sql.remove_automation, workspace.id, id, now)
    return {"name": known.name}


async def versions_of(
    tx: Reading, workspace_id: UUID, id: UUID, *, before: int = 2**31 - 1, limit: int
) -> list[Version]:
    """Newest first."""
    return await tx.all(Version, sql.versions, workspace_id, id, before, limit)


async def _locked(tx: Tx, workspace_id: UUID, id: UUID) -> Automation:
    await tx.fetch(sql.take_turn, workspace_id)
    return await get(tx, workspace_id, id)


async def _saved(tx: Tx, workspace_id: UUID, known: Automation, now: datetime, **changes: Any) -> Automation:
    one = replace(known, **changes, updated_at=now)
    values = (one.name, one.state, one.version, one.launched, one.revision, one.draft, one.notice, one.noticed_at)
    await tx.execute(sql.save_automation, workspace_id, one.id, *values, now)
    return one


async def _listen(tx: Tx, workspace: Workspace, one: Automation) -> None:
    """By what is in the log anybody enters, goes on or leaves: of all versions that people go by."""
    inside = {row["version"] for row in await tx.fetch(sql.versions_inside, workspace.id, one.id)}
    topics = set[str]()
    for flow in (await flows(tx, workspace.id, [(one.id, version) for version in inside | {one.launched}])).values():
        topics |= {flow.trigger.topic, *(end.topic for end in flow.exits)} - {""}
        topics |= {flow.goal.topic} if flow.goal else set()
        topics |= {step.topic for step in flow.steps.values() if isinstance(step, model.WaitEvent)}
        topics |= segments.mentions(flow.exit_when) if flow.exit_when else set()
    await tx.execute(sql.delete_mentions, workspace.id, one.id)
    await tx.execute(sql.insert_mentions, workspace.id, one.id, sorted(topics))


async def _move(tx: Tx, workspace: Workspace, known: Automation, flow: Flow, now: datetime) -> None:
    """By one statement, however many wait. What else they wait for is worked out when they are looked at, at once."""
    old = (await flows(tx, workspace.id, [(known.id, known.launched)]))[known.id, known.launched]
    same = [id for id, step in flow.steps.items() if type(old.steps.get(id, step)) is type(step)]
    waits = [_wait(flow.steps[id]) for id in same]
    await tx.execute(sql.move_all, workspace.id, known.id, known.version, same, waits, now)
    await tx.execute(sql.forget_waiting, workspace.id, known.id)
    await tx.execute(sql.count_waiting, workspace.id, known.id)


def _wait(step: model.Part) -> timedelta | None:
    seconds = step.for_s if isinstance(step, model.Wait) else getattr(step, "longest_s", None)
    return timedelta(seconds=seconds) if seconds else None


def _named(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= limits.TITLE_CHARS_MAX or not name.isprintable():
        raise invalid("name", f"1 to {limits.TITLE_CHARS_MAX} characters")
    return name


def _draft(given: object) -> dict[str, Any]:
    """A draft may be unfinished, but not without end."""
    text = msgspec.json.encode(given)
    if not isinstance(given, dict) or len(text) > limits.AUTOMATION_BYTES_MAX or b"\\u0000" in text:
        raise invalid("definition", f"an object of at most {limits.AUTOMATION_BYTES_MAX:,} bytes")
    inside: list[Any] = [given]
    for _ in range(limits.AUTOMATION_NESTED_MAX):
        parts = [one.values() if isinstance(one, dict) else one for one in inside if isinstance(one, dict | list)]
        inside = [part for some in parts for part in some]
    if inside:
        raise invalid("definition", f"lists and objects at most {limits.AUTOMATION_NESTED_MAX} deep in each other")
    return given
