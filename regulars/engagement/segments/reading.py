"""Segments, their members, and why somebody is one."""

from datetime import datetime
from uuid import UUID

import msgspec

from regulars import conditions, customers, ledger
from regulars.conditions import Language, Why
from regulars.customers import Customer
from regulars.engagement.segments.keeping import MISSING
from regulars.engagement.segments.language import language, measures_of, payload
from regulars.engagement.segments.model import Member, Segment
from regulars.engagement.segments.store import came_to, segments, sql
from regulars.kit import AFTER_ALL_IDS, Reading
from regulars.tenancy import Workspace


async def list_segments(tx: Reading, workspace_id: UUID) -> list[Segment]:
    """Those that were made first come first."""
    return await segments(tx, workspace_id)


async def get_segment(tx: Reading, workspace_id: UUID, id: UUID) -> Segment:
    """Raises NotFound."""
    return await tx.the(MISSING, Segment, sql.segment, workspace_id, id)


async def language_of(tx: Reading, workspace_id: UUID) -> Language:
    """What may be asked, with the shop's segments by their names."""
    return language({one.id: one.name for one in await segments(tx, workspace_id)})


async def members_of(
    tx: Reading, workspace_id: UUID, id: UUID, *, before_id: UUID | None = None, limit: int
) -> list[Member]:
    """Those who became customers last come first."""
    return await tx.all(Member, sql.members, workspace_id, id, before_id or AFTER_ALL_IDS, limit)


async def segments_of(tx: Reading, workspace_id: UUID, customer_id: UUID) -> list[tuple[Segment, datetime]]:
    """Those that a customer is in, with since when."""
    since = {row["segment_id"]: row["entered_at"] for row in await tx.fetch(sql.of_customer, workspace_id, customer_id)}
    return [(one, since[one.id]) for one in await segments(tx, workspace_id) if one.id in since] if since else []


class Reason(msgspec.Struct, frozen=True):
    """Why a customer is in a segment, or not: `why` is its condition as a tree, None for everybody, with what is true
    of them now. `member_since` is None for who is not in: a static segment keeps whom it found."""

    segment: Segment
    customer: Customer
    member_since: datetime | None
    why: Why | None


async def why(tx: Reading, workspace: Workspace, id: UUID, customer_id: UUID, now: datetime) -> Reason:
    """Raises NotFound."""
    segment = await get_segment(tx, workspace.id, id)
    customer = await customers.get(tx, workspace.id, id=customer_id)
    since = {row["segment_id"]: row["entered_at"] for row in await tx.fetch(sql.of_customer, workspace.id, customer.id)}
    if segment.tree is None:
        return Reason(segment, customer, since.get(id), None)
    done = await came_to(tx, workspace, measures_of([segment.tree]), [customer.id], now)
    coins = await ledger.available(tx, workspace, [customer.id], now)
    seen = payload(customer, workspace, coins[customer.id], since, done[customer.id])
    known = await language_of(tx, workspace.id)
    found = conditions.explain(segment.tree, seen, known, now=now, time_zone=workspace.zone)
    return Reason(segment, customer, since.get(id), found)
