"""GET /aggreegateddetails and /aggreegatedoffers: what a widget of a shop's own draws. The spelling is the contract."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from regulars import limits, storefront
from regulars.api.merchant.api import merchant
from regulars.api.operations import Call
from regulars.kit import Counted, One, Reading
from regulars.storefront.showing import Deal, Shown


class TierQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tier: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX, examples=["gold"])] | None = None


_READ: dict[str, Any] = {"tag": "Storefront", "access": "READ"}


@merchant.get("/aggreegateddetails", "Theme, words, ways to earn, offers and tiers", **_READ)
async def read_details(call: Call[TierQuery, None], tx: Reading) -> One[Shown]:
    """With a `tier`, without the offers that are not for it. `me` and `token` are of `/storefront/v1/me` alone."""
    language = storefront.language_of(storefront.theme_of(call.workspace), call.headers.get("accept-language", ""))
    return One(await storefront.show(tx, call.workspace, language, call.now, tier=call.query.tier))


@merchant.get("/aggreegatedoffers", "Offers that coins buy", **_READ)
async def list_deals(call: Call[TierQuery, None], tx: Reading) -> Counted[Deal]:
    """In the order in which the widget shows them; with a `tier`, without those that are not for it."""
    offers = (await read_details(call, tx)).item.offers
    return Counted(offers, len(offers))
