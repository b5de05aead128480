"""Offers of one shop that another sells: asked for, agreed on, ended; and what came of that.

An agreement is a row in each of the two shops, of one id. Both are locked in the order of the workspaces, before
anything else, by whoever sells too.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import astuple, replace

from regulars import limits, tenancy
from regulars.kit import Conflict, Reading, Tx, bounds, invalid, new_id
from regulars.rewards.errors import NotAgreed, UnknownOffer
from regulars.rewards.model import Offer, Terms, paired
from regulars.rewards.offers import create_offer, find_offer
from regulars.rewards.store import sql
from regulars.rewards.wording import coupon_description, discount
from regulars.tenancy import Workspace


class Partnership(msgspec.Struct, frozen=True):
    """What one of the two shops has of an agreement. It `gives` its own offer; or `sells` the other's, for which then
    `stand_in` stands here: the `publicoffer_id` of the merchant API. `offer` says what it takes off; `coins` is what
    the shop that sells takes for it, for one step where it comes in steps; with 0 it only gives it.

    Reported are the coupons that were `given` or sold and not cancelled, those that were `used`, what they took off in
    the `currency` of both, and the coins they cost."""

    id: UUID
    side: Literal["gives", "sells"]
    partner_id: UUID
    partner: str
    offer_id: UUID
    offer: str
    stand_in: UUID | None
    coins: int
    currency: str
    status: Literal["asked", "accepted", "refused", "ended"]
    created_at: datetime
    updated_at: datetime
    given: int = 0
    used: int = 0
    taken_off_minor: int = 0
    coins_taken: int = 0

    @property
    def here(self) -> UUID:
        """The offer that coupons of it are of, in this shop."""
        return self.offer_id if self.side == "gives" else self.stand_in or self.id


class Face(msgspec.Struct, frozen=True):
    """An offer as any shop on this server may see it once it is public; `offer` says what it takes off."""

    shop: str
    offer: str
    description: str
    currency_code: str


async def published(tx: Reading, shop: str, offer_id: UUID) -> tuple[Workspace, Offer]:
    """The shop by either of its ids. Raises UnknownOffer, whatever it is that is not there for others to see."""
    workspace_id = await tenancy.workspace_id_of(tx, shop)
    offer = await find_offer(tx, workspace_id, offer_id) if workspace_id else None
    if workspace_id is None or offer is None or not (offer.public and offer.active):
        raise UnknownOffer
    return await tenancy.get_workspace(tx, workspace_id), offer


async def face_of(tx: Reading, shop: str, offer_id: UUID) -> Face:
    """Raises UnknownOffer."""
    giver, offer = await published(tx, shop, offer_id)
    off, words = discount(offer.terms, 1, giver), coupon_description(offer.terms, giver)
    return Face(giver.name, off, words, giver.currency_code)


async def ask_for_offer(
    tx: Tx, shop: Workspace, giver_id: str, offer_id: UUID, coins: int, now: datetime
) -> Partnership:
    """For a shop that wants to sell it. Raises UnknownOffer, Invalid, and Conflict where it asked before."""
    giver, offer = await published(tx, giver_id, offer_id)
    off, code = discount(offer.terms, 1, giver), shop.currency_code
    if giver.id == shop.id or giver.currency_code != code:
        raise invalid("shop", f"another shop that sells in {code.upper()} too")
    mine = Partnership(new_id(), "sells", giver.id, giver.name, offer.id, off, None, coins, code, "asked", now, now)
    theirs = replace(mine, side="gives", partner_id=shop.id, partner=shop.name)
    for id, row in sorted({shop.id: mine, giver.id: theirs}.items()):
        if await tx.fetchval(sql.insert_partnership, id, *astuple(row)[:12], limits.OFFERS_MAX) is None:
            raise Conflict(f"Your shop asked for this offer before, or one of you has {limits.OFFERS_MAX} agreements.")
    return mine


async def accept_partner(tx: Tx, shop: Workspace, id: UUID, now: datetime) -> Partnership:
    """An offer appears in the other shop that stands for this one's. Raises NotFound, NotAgreed."""
    mine = await lock_both(tx, shop.id, id, "asked")
    if mine.side != "gives":
        raise NotAgreed
    other = await tenancy.get_workspace(tx, mine.partner_id)
    terms = stand_in_terms(await find_offer(tx, shop.id, mine.offer_id), shop, mine.coins)
    name, actor = f"{mine.offer} at {shop.name}"[: limits.NAME_CHARS_MAX], f"partner:{shop.id}"
    made = await create_offer(tx, other, name, terms, now, show_in_widget=False, actor=actor)
    return await _set(tx, shop.id, replace(mine, status="accepted", stand_in=made.id, updated_at=now))


async def end_partnership(tx: Tx, shop: Workspace, id: UUID, now: datetime) -> Partnership:
    """By either shop; of what is only asked for, it is taken back or refused. Raises NotFound, NotAgreed."""
    mine = await lock_both(tx, shop.id, id, "asked", "accepted")
    refused = mine.status == "asked" and mine.side == "gives"
    return await _set(tx, shop.id, replace(mine, status="refused" if refused else "ended", updated_at=now))


async def find_partnership(tx: Reading, workspace_id: UUID, id: UUID) -> Partnership:
    """Raises NotFound."""
    return await tx.the("There is no such agreement with another shop.", Partnership, sql.partnership, workspace_id, id)


async def lock_both(tx: Tx, workspace_id: UUID, id: UUID, *statuses: str) -> Partnership:
    """This shop's; the other's too, in the order of the workspaces. Raises NotFound; NotAgreed where it stands
    otherwise."""
    for shop in sorted((workspace_id, (await find_partnership(tx, workspace_id, id)).partner_id)):
        await tx.execute(sql.lock_partnership, shop, id)
    mine = await find_partnership(tx, workspace_id, id)
    if mine.status not in statuses:
        raise NotAgreed
    return mine


async def _set(tx: Tx, workspace_id: UUID, mine: Partnership) -> Partnership:
    for shop in sorted((workspace_id, mine.partner_id)):
        await tx.execute(sql.set_partnership, shop, mine.id, mine.status, mine.stand_in, mine.updated_at)
    return mine


async def partnerships(tx: Reading, workspace_id: UUID) -> list[Partnership]:
    """Newest first."""
    return await tx.all(Partnership, sql.partnerships, workspace_id)


async def reported(
    tx: Reading, workspace_id: UUID, of: Sequence[Partnership], since: datetime | None, until: datetime | None
) -> list[Partnership]:
    """With what came of each, of the coupons of a stretch of time."""
    before, first = bounds(None, since, until)
    columns = [one.here for one in of], [paired(one.partner_id, "") for one in of]
    rows = await tx.fetch(sql.exchanged, workspace_id, *columns, first, before)
    return [replace(one, **dict(row)) for one, row in zip(of, rows, strict=True)]


def stand_in_terms(offer: Offer, giver: Workspace, coins: int) -> Terms:
    """For the coins of the shop that sells it. How many there are of it the shop that gives it counts."""
    terms = offer.terms if coins else replace(offer.terms, price="free", value=offer.terms.value * offer.terms.steps[0])
    words = f"{coupon_description(terms, giver).removesuffix('.')}. At {giver.name}."[: limits.DESCRIPTION_CHARS_MAX]
    price = "fixed" if coins and terms.price == "free" else terms.price
    how = {"stock": 0, "budget": 0.0, "code": "partner", "code_prefix": "", "description": words}
    return replace(terms, price=price, coins=coins, **how)
