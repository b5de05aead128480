"""A campaign goes on, a step at a time: its recipients are found, their messages reserved, until nothing is open."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from regulars import delivery, limits, schedule
from regulars.engagement import messages, segments
from regulars.engagement.campaigns.authoring import lock_campaign, replaced, save
from regulars.engagement.campaigns.model import FOLLOW, GOING_ON, RUN, Campaign, sql
from regulars.engagement.messages.model import NewMessage
from regulars.engagement.messages.preparing import due_where_they_live
from regulars.kit import BEFORE_ALL_IDS, NotFound, Tx, new_ids
from regulars.schedule import Due
from regulars.tenancy import Workspace

LATE = "It was too late for it: the latest time had passed."


async def run(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: one step of the one that waited longest."""
    due, *others = dues
    one = await lock_campaign(tx, workspace.id, UUID(due.key))
    again = await _step(tx, workspace, one, due.due_at, now) if one.state in GOING_ON else None
    await tx.execute(sql.keep_pace, workspace.id, one.id, now, limits.CAMPAIGN_PACE_S)
    await schedule.put(tx, workspace.id, [*others, *([Due(RUN, due.key, again, {})] if again else [])])


async def _step(tx: Tx, workspace: Workspace, one: Campaign, due_at: datetime, now: datetime) -> datetime | None:
    """When the next one is due, if there is one."""
    if one.state == "scheduled":
        one = await save(tx, workspace.id, replaced(one, now, state="building", began_at=now))
        follow_at = now + timedelta(seconds=limits.CAMPAIGN_FOLLOWED_S)
        await schedule.put(tx, workspace.id, [Due(FOLLOW, str(one.id), follow_at, {})])
    if one.state == "building":
        return await _build(tx, workspace, one, now)
    return await _send(tx, workspace, one, due_at, now)


async def _build(tx: Tx, workspace: Workspace, one: Campaign, now: datetime) -> datetime | None:
    terms, starts_at = one.terms, one.terms.starts_at or now
    try:
        for id in (terms.segment_id, terms.minus_segment_id):
            if id and (await segments.get_segment(tx, workspace.id, id)).state == "finding":
                return now + timedelta(seconds=limits.CAMPAIGN_LOOK_S)
    except NotFound:
        gone = "A segment that it is about was deleted."
        await save(tx, workspace.id, replaced(one, now, state="cancelled", state_reason=gone, finished_at=now))
        return None
    where = due_where_they_live(workspace, starts_at) if terms.in_their_zone else {}
    place = (workspace.id, terms.segment_id, terms.minus_segment_id, one.built_to or BEFORE_ALL_IDS)
    drawn = (one.id.int & (1 << 62) - 1, terms.variants[0].share)
    zones = starts_at, list(where), list(where.values())
    found = await tx.fetchrow(sql.build, *place, limits.CAMPAIGN_BUILT_AT_ONCE, one.id, *drawn, *zones)
    assert found is not None
    over = found["seen"] < limits.CAMPAIGN_BUILT_AT_ONCE
    counts = {"built_to": found["last_id"] or one.built_to, "recipients": one.recipients + found["put"]}
    await save(tx, workspace.id, replaced(one, now, state="sending" if over else "building", **counts))
    return now


async def _send(tx: Tx, workspace: Workspace, one: Campaign, due_at: datetime, now: datetime) -> datetime | None:
    last_due = await tx.fetchval(sql.last_due, workspace.id, one.id) if one.terms.latest_at else None
    late = last_due and one.too_late_at(last_due)
    if late and late <= now:
        return await _finished(tx, workspace, one, now, LATE)
    variants = {(variant.template_id, variant.sender_id) for variant in one.terms.variants}
    lanes = [sender_id for _, sender_id in variants if sender_id]
    waiting = await delivery.waiting(tx, workspace.id, lanes, now, limits.CAMPAIGN_AHEAD_MAX)
    most, every_s = _throttled(one.terms.per_minute)
    room = limits.CAMPAIGN_AHEAD_MAX - waiting
    if room < min(most, limits.CAMPAIGN_PAGE_MIN):
        return now + timedelta(seconds=limits.WORKER_POLL_S)
    page = await tx.fetch(sql.next_recipients, workspace.id, one.id, now, min(most, room))
    if not page:
        return await _rest(tx, workspace, one, now)
    for gone in (await messages.unready(tx, workspace, variants)).values():
        stopped = replaced(one, now, state="paused", goes_on_as="sending", state_reason=gone.message)
        await save(tx, workspace.id, stopped)
        return None
    new = [
        NewMessage(
            id=id,
            customer_id=customer_id,
            template_id=one.terms.variants[variant].template_id,
            sender_id=one.terms.variants[variant].sender_id,
            source_kind="campaign",
            source_id=one.id,
            too_late_at=one.too_late_at(due),
        )
        for id, (customer_id, variant, due) in zip(new_ids(len(page)), page, strict=True)
    ]
    await messages.send(tx, workspace, new, now)
    columns = [list(column) for column in zip(*page, strict=True)]
    await tx.execute(sql.reserve, workspace.id, one.id, *columns, [message.id for message in new])
    return max(due_at + timedelta(seconds=every_s), now)


def _throttled(per_minute: int | None) -> tuple[int, float]:
    """So many at once, every so many seconds."""
    if per_minute is None:
        return limits.CAMPAIGN_PAGE_MAX, 0.0
    at_once = min(max(1, per_minute // 60), limits.CAMPAIGN_PAGE_MAX)
    return at_once, at_once * 60 / per_minute


async def _rest(tx: Tx, workspace: Workspace, one: Campaign, now: datetime) -> datetime | None:
    """Nobody is due now: somebody is later, or what is reserved comes to its end, or it is over."""
    next_due: datetime | None = await tx.fetchval(sql.next_due, workspace.id, one.id)
    if next_due:
        return max(next_due, now)
    if await messages.under_way(tx, workspace.id, one.id, limit=1):
        return now + timedelta(seconds=limits.CAMPAIGN_LOOK_S)
    return await _finished(tx, workspace, one, now)


async def _finished(tx: Tx, workspace: Workspace, one: Campaign, now: datetime, why: str = "") -> datetime | None:
    """What was reserved and is late says so itself, when its turn comes."""
    if why and await messages.under_way(tx, workspace.id, one.id, limit=1):
        return now + timedelta(seconds=limits.CAMPAIGN_LOOK_S)
    await save(tx, workspace.id, replaced(one, now, state="finished", state_reason=why, finished_at=now))
    return None
