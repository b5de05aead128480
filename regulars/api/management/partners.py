"""Offers of other shops on this server that this one sells, and those of its own that they sell."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits, rewards
from regulars.api.examples import ID
from regulars.api.management.api import management
from regulars.api.operations import Call, NoQuery
from regulars.api.resources import Resource
from regulars.kit import Reading, Tx
from regulars.rewards import Face, Partnership
from regulars.rewards.model import Coins

ShopId = Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX, examples=[ID])]


class NewPartnership(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`shop` is the workspace whose offer it is, by either of its ids; `coins` what you will take for it from your
    customers, for one step where it comes in steps; with 0 you only give it."""

    shop: ShopId
    offer_id: Annotated[UUID, Meta(examples=[ID])]
    coins: Coins = 0


class ShopQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shop: ShopId


class ReportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of the coupons that are reported, by when they were given: from `since` on, before `until`."""

    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None


async def _says(call: Call[Any, Any], tx: Reading, found: Sequence[Partnership]) -> list[Partnership]:
    since, until = (getattr(call.query, name, None) for name in ("since", "until"))
    return await rewards.reported(tx, call.workspace_id, found, since, until)


of = Resource(management, "/partnerships", Partnership, tag="Offers", one="partnership", says=_says)
of.each(rewards.find_partnership, called="agreement")


@management.get("/public-offers/{id}", "Another shop's public offer", tag="Offers")
async def read_public_offer(call: Call[ShopQuery, None], tx: Reading) -> Face:
    """What that shop shows of it to any other; 404 where it shows nothing."""
    return await rewards.face_of(tx, call.query.shop, call.path_id())


@of.list("Agreements with other shops, and what came of them")
def list_partnerships(call: Call[ReportQuery, None], tx: Reading) -> Awaitable[list[Partnership]]:
    """Newest first. Both shops have the same figures, those of coupons that were just used a moment later."""
    return rewards.partnerships(tx, call.workspace_id)


@of.create("Ask for another shop's offer", about=("offer_id",))
def ask_for_offer(call: Call[NoQuery, NewPartnership], tx: Tx) -> Awaitable[Partnership]:
    """Once that shop accepts, `stand_in` is the offer to sell or to give here."""
    return rewards.ask_for_offer(tx, call.workspace, call.body.shop, call.body.offer_id, call.body.coins, call.now)


_ENDS = "End an agreement, refuse it, or take back what was asked"
of.press("accept", "Let another shop sell your offer", rewards.accept_partner)
of.press("end", _ENDS, rewards.end_partnership, "By either shop. Coupons that are out stay good.")
