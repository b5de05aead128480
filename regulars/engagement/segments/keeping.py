"""Segments are made, changed and deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import conditions, dispatch, limits, rewards, schedule, triggers
from regulars.conditions import Condition
from regulars.engagement.segments.language import language, mentions, uses
from regulars.engagement.segments.model import NewSegment, Segment
from regulars.engagement.segments.store import FIND, segments, sql
from regulars.kit import Conflict, Faults, NotFound, Tx, invalid, new_id
from regulars.schedule import Due
from regulars.tenancy import Workspace

MISSING = "There is no such segment."


async def create_segment(tx: Tx, workspace: Workspace, new: NewSegment, now: datetime) -> Segment:
    """Its members are found soon. Raises Invalid naming each field, and Conflict where there are too many."""
    there = await _taken_turn(tx, workspace)
    if len(there) >= limits.SEGMENTS_MAX:
        raise Conflict(f"A shop can have {limits.SEGMENTS_MAX} segments at most. Delete one that is not needed.")
    id = new_id()
    name, tree = _checked(workspace, new.name, new.condition, id, there)
    await tx.execute(sql.insert_segment, workspace.id, id, name, new.kind, tree and conditions.dump(tree), now)
    return await _begun(tx, workspace, id, new.kind == "live", tree, now)


async def change_segment(tx: Tx, workspace: Workspace, id: UUID, changes: Mapping[str, Any], now: datetime) -> Segment:
    """Set any of `name` and `condition`. Members of another condition are found anew, and nobody is told of as entering
    or leaving. Raises Invalid naming each field, NotFound."""
    there = await _taken_turn(tx, workspace)
    known = there.get(id)
    if known is None:
        raise NotFound(MISSING)
    asked = changes.get("condition", known.condition)
    name, tree = _checked(workspace, changes.get("name", known.name), asked, id, there)
    if (name, tree) == (known.name, known.tree):
        return known
    version = known.version + (tree != known.tree)
    await tx.execute(sql.update_segment, workspace.id, id, name, tree and conditions.dump(tree), version, now)
    if version == known.version:
        return msgspec.structs.replace(known, name=name, updated_at=now)
    return await _begun(tx, workspace, id, known.kind == "live", tree, now)


async def delete_segment(tx: Tx, workspace: Workspace, id: UUID) -> Segment:
    """Who was in it is in it no more, and is not told of. Raises NotFound, and Conflict where it is asked about."""
    there = await _taken_turn(tx, workspace)
    if id not in there:
        raise NotFound(MISSING)
    users = [f"segment {one.name}" for one in there.values() if one.id != id and id in uses(one.tree)]
    users += [f"offer {one.name}" for one in await rewards.list_offers(tx, workspace.id) if id in one.terms.segments]
    asking = [(f"trigger {one.name}", one.rule.condition) for one in await triggers.list_triggers(tx, workspace.id)]
    asking += [(f"rule for {one.topic}", one.condition) for one in await dispatch.list_rules(tx, workspace.id)]
    users += [name for name, asked in asking if str(id) in msgspec.json.encode(asked).decode()]
    users += [f"automation {row['name']}" for row in await tx.fetch(sql.automations_asking, workspace.id, str(id))]
    if users:
        raise Conflict(f"Something asks about it: {', '.join(users[: limits.FAULTS_IN_WORDS_MAX])}.")
    for statement in (sql.delete_members, sql.delete_mentions, sql.delete_segment):
        await tx.execute(statement, workspace.id, id)
    await tx.execute(sql.gather_topics, workspace.id)
    return there[id]


async def _taken_turn(tx: Tx, workspace: Workspace) -> dict[UUID, Segment]:
    await tx.fetch(sql.take_turn, workspace.id)
    return {one.id: one for one in await segments(tx, workspace.id)}


async def _begun(tx: Tx, workspace: Workspace, id: UUID, live: bool, tree: Condition | None, now: datetime) -> Segment:
    await tx.execute(sql.delete_mentions, workspace.id, id)
    if live:
        await tx.execute(sql.insert_mentions, workspace.id, id, sorted(mentions(tree)))
    await tx.execute(sql.gather_topics, workspace.id)
    await schedule.put(tx, workspace.id, [Due(FIND, "", now, {})])
    return await tx.the(MISSING, Segment, sql.segment, workspace.id, id)


def _checked(
    shop: Workspace, name: str, condition: object, id: UUID, there: Mapping[UUID, Segment]
) -> tuple[str, Condition | None]:
    faults, tree, name = Faults(), None, name.strip()
    if not 1 <= len(name) <= limits.TITLE_CHARS_MAX or not name.isprintable():
        faults.add("name", f"1 to {limits.TITLE_CHARS_MAX} characters")
    elif any(one.id != id and one.name.casefold() == name.casefold() for one in there.values()):
        faults.add("name", "a name that no other segment has")
    with faults:
        tree = None if condition is None else conditions.parse(condition, language(shop))
        _check_uses(tree, id, there)
    faults.check()
    return name, tree


def _check_uses(tree: Condition | None, id: UUID, there: Mapping[UUID, Segment]) -> None:
    asked = uses(tree)
    if strangers := asked - there.keys() - {id}:
        raise invalid("condition", f"ids of segments of this shop, and not {min(map(str, strangers))}")
    seen, path = set(), [(one, "") for one in asked]
    while path:
        one, by = path.pop()
        if one == id:
            through = f", through “{by}”" if by else ""
            raise invalid("condition", f"other segments: this one would ask about itself{through}, in a circle")
        if one not in seen:
            seen.add(one)
            path += [(next_, there[one].name) for next_ in uses(there[one].tree)]
