"""The ladder of tiers, and where customers stand on it."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from regulars import customers, limits, tiers
from regulars.api.management.api import Call, NoQuery, PageQuery, Resource, management
from regulars.api.management.items import Whose, named, of_customers
from regulars.kit import Listed, Reading, Tx, copied, showing
from regulars.tiers import Ladder, LadderVersion, Move, Preview, Progress, Standing

LADDER: dict[str, Any] = {
    "tiers": [
        {"key": "silver", "name": "Silver", "enter": {"spent": 100}},
        {"key": "gold", "name": "Gold", "enter": {"spent": 500}, "factors": {"order": 1.5}},
    ]
}


class LadderItem(msgspec.Struct, frozen=True):
    """`customers` says how many stand on each tier, by its key. `judging` is how far judging everybody by the newest
    ladder has come; null when it is done."""

    version: int
    ladder: Ladder
    customers: dict[str, int]
    judging: Progress | None


class NewLadder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ladder: Annotated[Ladder, Meta(examples=[LADDER])]


class DraftLadder(NewLadder, frozen=True, forbid_unknown_fields=True):
    """`so_far`: what was answered before, where its `next` is not null."""

    so_far: Preview | None = None


@showing("version ladder actor created_at", LadderVersion)
class LadderVersionItem(msgspec.Struct):
    """One version."""

    created_at: datetime


class TierQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tier: Annotated[str, Meta(max_length=40, description="Its key.", examples=["gold"])]


@showing("customer tier since until placed_until placed_reason", Standing)
class MemberItem(msgspec.Struct, frozen=True, kw_only=True):
    """`until` is when the term ends, null where there is none; `placed_until` of who was placed by hand."""

    customer: Whose


@showing("id from_tier to_tier direction reason actor ladder_version moved_at", Move)
class MoveItem(msgspec.Struct):
    """A change of tier."""


class StandingItem(MemberItem, frozen=True, kw_only=True):
    """`reached` is what counts of what they did; `missing` is what is missing to `next_tier`, by each of its needs.
    `moves` are the newest first."""

    reached: dict[str, float]
    next_tier: str
    missing: dict[str, float]
    moves: list[MoveItem]


class Placing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tier: Annotated[str, Meta(max_length=40, examples=["gold"])]
    reason: Annotated[str, Meta(min_length=1, max_length=limits.TITLE_CHARS_MAX, examples=["A founding member"])]
    until: Annotated[datetime, Meta(tz=True, examples=["2027-01-01T00:00:00Z"])]


@management.get("/tiers", "The ladder", tag="Tiers")
async def read_ladder(call: Call[NoQuery, None], tx: Reading) -> LadderItem:
    return await _ladder(call, tx)


@management.put("/tiers", "Change the ladder", tag="Tiers")
async def change_ladder(call: Call[NoQuery, NewLadder], tx: Tx) -> LadderItem:
    """Everybody is judged anew by it, in the background; the shop stays open."""
    of = await tiers.change_ladder(tx, call.workspace, call.body.ladder, call.now, actor=call.caller.actor)
    await call.audit(tx, "tiers.update", call.workspace_id, version=of.version)
    return await _ladder(call, tx)


@management.post("/tiers/preview", "What a changed ladder would do", tag="Tiers", access="READ")
async def preview_ladder(call: Call[NoQuery, DraftLadder]) -> Preview:
    """Who would move, up and down, with counts and names; nothing is written. A large shop is looked at in several
    calls: as long as `next` is not null, call again with the answer as `so_far`."""
    async with call.app.db.snapshot() as tx:
        return await tiers.preview(tx, call.workspace, call.body.ladder, call.now, call.body.so_far)


@management.get("/tiers/versions", "The ladder's versions", tag="Tiers")
async def list_ladders(call: Call[NoQuery, None], tx: Reading) -> Listed[LadderVersionItem]:
    """Newest first."""
    return Listed([copied(LadderVersionItem, one) for one in await tiers.versions_of(tx, call.workspace_id)])


members = Resource(
    management, "/tiers/members", MemberItem, tag="Tiers", one="member", says=of_customers(MemberItem), area="data"
)
members.page("Who stands on a tier", tiers.members, TierQuery, "Those who became customers last come first.")


@management.get("/customers/{id}/tier", "Where a customer stands", tag="Tiers", area="data")
async def read_tier(call: Call[NoQuery, None], tx: Reading) -> StandingItem:
    return await _standing(call, tx)


@management.put("/customers/{id}/tier", "Place a customer by hand", tag="Tiers", area="data")
async def place_customer(call: Call[NoQuery, Placing], tx: Tx) -> StandingItem:
    """Not below this tier until then, whatever they have reached."""
    body, customer = call.body, await customers.get(tx, call.workspace_id, id=call.path_id())
    await tiers.place_by_hand(
        tx, call.workspace, customer, body.tier, body.reason, body.until, call.now, actor=call.caller.actor
    )
    await call.audit(tx, "tiers.place", customer.customer_id, tier=body.tier, reason=body.reason)
    return await _standing(call, tx)


@management.delete("/customers/{id}/tier", "Place a customer by what they did", tag="Tiers", area="data")
async def release_customer(call: Call[NoQuery, None], tx: Tx) -> StandingItem:
    """What was placed by hand counts no more."""
    customer = await customers.get(tx, call.workspace_id, id=call.path_id())
    await tiers.take_off(tx, call.workspace, customer, call.now, actor=call.caller.actor)
    await call.audit(tx, "tiers.release", customer.customer_id)
    return await _standing(call, tx)


async def _ladder(call: Call[Any, Any], tx: Reading) -> LadderItem:
    of = await tiers.ladder_of(tx, call.workspace_id)
    counts = await tiers.counts(tx, call.workspace_id)
    return LadderItem(of.version, of.ladder, counts, await tiers.progress(tx, call.workspace_id))


async def _standing(call: Call[Any, Any], tx: Reading) -> StandingItem:
    customer = await customers.get(tx, call.workspace_id, id=call.path_id())
    stands = await tiers.standing_of(tx, call.workspace, customer, call.now)
    return copied(
        StandingItem,
        stands.standing,
        customer=named(customer),
        reached={
            name: getattr(stands.reached, name) for name in ("earned", "available", "spent", "orders", "referrals")
        },
        next_tier=stands.next_tier,
        missing=stands.missing,
        moves=[copied(MoveItem, one) for one in await tiers.moves_of(tx, call.workspace_id, customer.id)],
    )
