"""Who of all belongs to a segment."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import conditions, limits, schedule
from regulars.conditions import Asked, Condition, members
from regulars.engagement.segments.keeping import MISSING
from regulars.engagement.segments.language import language, people, uses
from regulars.engagement.segments.model import Segment
from regulars.engagement.segments.store import FIND, in_order, look_again, segments, sql
from regulars.kit import Reading, Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace


async def find(tx: Tx, workspace: Workspace, _: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: the members of a segment that waits for it, then those of live ones that ask about it.
    Those who were in before keep the time since which they are; nobody is told of."""
    await tx.fetch(sql.take_turn, workspace.id)
    there = in_order(await segments(tx, workspace.id))
    waiting = [one for one in there if one.state == "finding"]
    if not waiting:
        return
    await _find(tx, workspace, waiting[0], now)
    # What others say follows from these members: they are found anew, in their order.
    anew = {waiting[0].id}
    for one in there:
        if one.kind == "live" and one.state == "found" and uses(one.tree) & anew:
            await _find(tx, workspace, one, now)
            anew.add(one.id)
    await look_again(tx, workspace, now)
    if waiting[1:]:
        await schedule.put(tx, workspace.id, [Due(FIND, "", now, {})])


async def searched(tx: Tx, workspace: Workspace, condition: Condition | None, now: datetime) -> Asked:
    """The ids of all for whom it holds, to be part of a statement of this transaction, which may take its time."""
    await tx.fetch(sql.plan_freely, f"{limits.DB_TRANSACTION_S * 1_000:.0f}")
    return members(condition, people(workspace), workspace.id, now=now, zone=workspace.zone)


async def some_members(
    tx: Reading, workspace: Workspace, condition: Condition | None, now: datetime, limit: int
) -> list[UUID]:
    """So many of those for whom it holds, in no order."""
    asked = members(condition, people(workspace), workspace.id, now=now, zone=workspace.zone)
    rows = await tx.fetch(f"{asked.statement} LIMIT {limit}", *asked.arguments)
    return [row["id"] for row in rows]


async def _find(tx: Tx, workspace: Workspace, segment: Segment, now: datetime) -> None:
    asked = members(
        segment.tree, people(workspace), workspace.id, now=now, zone=workspace.zone, edges=segment.kind == "live"
    )
    if segment.kind == "static":
        asked = msgspec.structs.replace(
            asked,
            statement=f"SELECT n.id, true AS holds, NULL::timestamptz AS looks_again_at FROM ({asked.statement}) AS n",
        )
    id, at = f"${len(asked.arguments) + 1}::uuid", f"${len(asked.arguments) + 2}::timestamptz"
    await tx.fetch(sql.plan_freely, f"{limits.DB_TRANSACTION_S * 1_000:.0f}")
    await tx.execute(
        f"""WITH found AS MATERIALIZED ({asked.statement}), gone AS (
    DELETE FROM segments_member AS m
     WHERE m.workspace_id = $1 AND m.segment_id = {id}
       AND NOT EXISTS (SELECT FROM found WHERE found.id = m.customer_id))
INSERT INTO segments_member AS m (workspace_id, segment_id, customer_id, entered_at, looks_again_at)
SELECT $1, {id}, found.id, CASE WHEN found.holds THEN {at} END, found.looks_again_at FROM found
    ON CONFLICT (workspace_id, customer_id, segment_id) DO UPDATE
   SET entered_at = CASE WHEN excluded.entered_at IS NOT NULL THEN COALESCE(m.entered_at, excluded.entered_at) END,
       looks_again_at = excluded.looks_again_at""",
        *(*asked.arguments, segment.id, now),
    )
    await tx.execute(sql.found, workspace.id, segment.id, now)


async def find_again(tx: Tx, workspace: Workspace, id: UUID, now: datetime) -> Segment:
    """Have a segment's members found anew. Raises NotFound."""
    known = await tx.the(MISSING, Segment, sql.segment, workspace.id, id)
    changed = msgspec.structs.replace(known, version=known.version + 1, updated_at=now)
    await tx.execute(sql.update_segment, workspace.id, id, changed.name, changed.condition, changed.version, now)
    await schedule.put(tx, workspace.id, [Due(FIND, "", now, {})])
    return changed


class Count(msgspec.Struct, frozen=True):
    """`count` of `customers` belong to it; not `exact` where it was worked out of some of them. `sentence` is the
    condition in words."""

    count: int
    customers: int
    exact: bool
    sentence: str


async def count(tx: Reading, workspace: Workspace, condition: object, now: datetime, *, exact: bool) -> Count:
    """How many belong to a segment in the making. Raises Invalid naming each field."""
    known = {one.id: one.name for one in await segments(tx, workspace.id)}
    spoken = language(workspace, known)
    tree = None if condition is None else conditions.parse(condition, spoken)
    words = "everybody" if tree is None else conditions.sentence(tree, spoken)
    customers = int(await tx.fetchval(sql.count_customers, workspace.id))
    # One of so many is drawn by the ids' hash, which draws the same each time.
    one_of = 1 if exact or tree is None else 1 << max(0, (customers // limits.SEGMENTS_LOOKED_AT_MAX).bit_length() - 1)
    of = people(workspace, one_of)
    asked = members(tree, of, workspace.id, now=now, zone=workspace.zone)
    sampled = f"SELECT count(*) FROM {of.rows} WHERE {of.where}"
    statement = f"SELECT (SELECT count(*) FROM ({asked.statement}) AS n) AS found, ({sampled}) AS looked_at"
    row = await tx.fetchrow(statement, *asked.arguments)
    assert row is not None
    found = round(row["found"] * customers / max(row["looked_at"], 1))
    return Count(found, customers, exact=one_of == 1, sentence=words)
