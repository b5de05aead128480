"""Segments: who belongs together."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars import conditions, customers
from regulars.api.management.api import Call, NoQuery, PageQuery, Resource, management
from regulars.api.management.items import Whose, named
from regulars.conditions import Why
from regulars.engagement import segments
from regulars.engagement.segments import Count, NewSegment, Segment
from regulars.engagement.segments.model import SegmentTerms, Tree
from regulars.kit import Page, Partial, Reading, Tx, copied, showing


@showing("id name kind condition sentence state version members found_at created_at updated_at", Segment)
class SegmentItem(msgspec.Struct):
    """`condition` is null for everybody, and `sentence` says it in words. While `state` is `finding` its members are
    still those of an earlier condition; `members` is how many there are, `found_at` when all were looked at last."""

    condition: dict[str, Any] | None
    sentence: str
    state: Literal["finding", "found"]


class NewCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """With `exact` all customers are looked at, however many there are; without it, many are estimated by a sample."""

    condition: Tree = None
    exact: bool = False


class MemberItem(msgspec.Struct, frozen=True):
    customer: Whose
    entered_at: datetime


class ReasonItem(msgspec.Struct, frozen=True):
    """`member_since` is null for who is not in it; `holds` is whether the condition is true of the customer now, which
    for a static segment may be another thing. `why` is null where there is no condition."""

    customer: Whose
    member_since: datetime | None
    holds: bool
    why: Why | None


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Segment]) -> list[SegmentItem]:
    known = await segments.language_of(tx, call.workspace)
    return [
        copied(SegmentItem, one, sentence=conditions.sentence(one.tree, known) if one.tree else "everybody")
        for one in found
    ]


of = Resource(management, "/segments", SegmentItem, tag="Segments", one="segment", says=_said)
of.all("Segments", segments.list_segments, "Those that were made first come first.")
of.each(segments.get_segment)


@of.create("Create a segment", about=("name",))
def create_segment(call: Call[NoQuery, NewSegment], tx: Tx) -> Awaitable[Segment]:
    """Its members are found in the background, at once."""
    return segments.create_segment(tx, call.workspace, call.body, call.now)


@management.post("/segments/preview", "How many a segment would have", tag="Segments", access="READ")
async def preview_segment(call: Call[NoQuery, NewCount]) -> Count:
    """Nothing is written. Ask for an estimate while somebody is still choosing, and for the `exact` count then."""
    async with call.app.db.snapshot(whole=call.body.exact) as tx:
        return await segments.count(tx, call.workspace, call.body.condition, call.now, exact=call.body.exact)


@of.change("Change a segment")
def change_segment(call: Call[NoQuery, Partial[SegmentTerms]], tx: Tx) -> Awaitable[Segment]:
    """With another condition its members are found anew; nobody is told of as entering or leaving because of that."""
    return segments.change_segment(tx, call.workspace, call.path_id(), call.body.given(), call.now)


_FOUND = "By what is true now: how a static segment is brought up to date."
of.press("find", "Find a segment's members anew", segments.find_again, _FOUND)


@of.remove("Delete a segment")
async def delete_segment(call: Call[NoQuery, None], tx: Tx) -> dict[str, Any]:
    """Refused with 409 while other segments ask about it."""
    return {"name": (await segments.delete_segment(tx, call.workspace, call.path_id())).name}


@management.get("/segments/{id}/members", "Who is in a segment", tag="Segments", area="data")
async def list_segment_members(call: Call[PageQuery, None], tx: Reading) -> Page[MemberItem]:
    """Those who became customers last come first."""
    of_this, most = await segments.get_segment(tx, call.workspace_id, call.path_id()), call.query.limit
    found = await segments.members_of(tx, call.workspace_id, of_this.id, before_id=call.query.before, limit=most + 1)
    people = await customers.by_ids(tx, call.workspace_id, [one.customer_id for one in found[:most]])
    items = [MemberItem(named(people[one.customer_id]), one.entered_at) for one in found[:most]]
    return Page(items, found[most - 1].customer_id if len(found) > most else None)


@management.get(
    "/segments/{id}/why/{customer_id}", "Why a customer is in a segment, or not", tag="Segments", area="data"
)
async def read_segment_reason(call: Call[NoQuery, None], tx: Reading) -> ReasonItem:
    """The condition as a tree, with what is true of the customer now beside each of its parts."""
    customer_id: UUID = call.path_id("customer_id")
    found = await segments.why(tx, call.workspace, call.path_id(), customer_id, call.now)
    return ReasonItem(named(found.customer), found.member_since, found.why is None or found.why.holds, found.why)
