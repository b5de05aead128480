"""Segments, their members, and why somebody is one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import conditions, customers, ledger
from regulars.conditions import Condition, Language, Why
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


async def language_of(tx: Reading, shop: Workspace) -> Language:
    """What may be asked, with the shop's segments by their names."""
    return language(shop, {one.id: one.name for one in await segments(tx, shop.id)})


async def members_of(
    tx: Reading, workspace_id: UUID, id: UUID, *, before_id: UUID | None = None, limit: int
) -> list[Member]:
    """Those who became customers last come first."""
    return await tx.all(Member, sql.members, workspace_id, id, before_id or AFTER_ALL_IDS, limit)


async def segments_of(tx: Reading, workspace_id: UUID, customer_id: UUID) -> list[tuple[Segment, datetime]]:
    """Those that a customer is in, with since when."""
    since = {row["segment_id"]: row["entered_at"] for row in await tx.fetch(sql.of_customer, workspace_id, customer_id)}
    return [(one, since[one.id]) for one in await segments(tx, workspace_id) if one.id in since] if since else []


async def seen(
    tx: Reading, workspace: Workspace, ids: Sequence[UUID], asked: Iterable[Condition | None], now: datetime
) -> dict[UUID, dict[Any, Any]]:
    """What these conditions may ask of customers, as it is now; of those who were erased, nothing."""
    people = {id: one for id, one in (await customers.by_ids(tx, workspace.id, ids)).items() if not one.erased_at}
    done = await came_to(tx, workspace, measures_of(asked), list(people), now)
    coins, inside = await ledger.available(tx, workspace, list(people), now), defaultdict[UUID, list[UUID]](list)
    for row in await tx.fetch(sql.states, workspace.id, list(people)):
        if row["entered_at"]:
            inside[row["customer_id"]].append(row["segment_id"])
    return {id: payload(one, workspace, coins.get(id, 0), inside[id], done[id]) for id, one in people.items()}


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
    asked = (await seen(tx, workspace, [customer.id], [segment.tree], now)).get(customer.id, {})
    known = await language_of(tx, workspace)
    found = conditions.explain(segment.tree, asked, known, now=now, time_zone=workspace.zone)
    return Reason(segment, customer, since.get(id), found)
