"""Typed functions over the statements that more than one act uses."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from regulars import schedule
from regulars.conditions import Measure, Measured, measured, measures
from regulars.engagement.segments.language import people, uses
from regulars.engagement.segments.model import Segment
from regulars.kit import Queries, Reading, Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace

sql = Queries(__file__)
LOOK, FIND = "segments.look", "segments.find"


async def segments(tx: Reading, workspace_id: UUID) -> list[Segment]:
    """All of the shop, those that were made first before the others."""
    return await tx.all(Segment, sql.segments, workspace_id)


def in_order(found: Iterable[Segment]) -> list[Segment]:
    """Each after those that it asks about."""
    left, ordered = {one.id: one for one in found}, []
    while left:
        ready = [one for one in left.values() if not (uses(one.tree) - {one.id}) & left.keys()]
        # A circle is refused when it is made, so that there is always one.
        for one in ready or list(left.values()):
            ordered.append(left.pop(one.id))
    return ordered


async def came_to(
    tx: Reading, workspace: Workspace, wanted: Sequence[Measure], ids: Sequence[UUID], now: datetime
) -> dict[UUID, dict[Measure, Measured]]:
    """What the measures came to for these customers."""
    found: dict[UUID, dict[Measure, Measured]] = {id: {} for id in ids}
    asked = list(measures(wanted, people(workspace), workspace.id, ids, now=now, zone=workspace.zone))
    if asked:
        await tx.fetch(sql.sort, "off")
    for some, one in asked:
        for row in await tx.fetch(one.statement, *one.arguments):
            found[row["id"]] |= measured(some, row)
    if asked:
        await tx.fetch(sql.sort, "on")
    return found


async def look_again(tx: Tx, workspace: Workspace, now: datetime) -> None:
    """At the next moment at which time alone changes something."""
    at = await tx.fetchval(sql.next_look, workspace.id)
    if at is not None:
        await schedule.put(tx, workspace.id, [Due(LOOK, "", max(at, now), {})])
