"""Offers bought with coins or given, and the coupons of a customer."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits, rewards
from regulars.api.merchant.api import merchant
from regulars.api.merchant.items import CouponItem, coupon_item
from regulars.api.merchant.leads import ForLead, proven_by
from regulars.api.merchant.lists import Listing, NumberedPage, OfLead
from regulars.api.operations import Call, NoQuery
from regulars.api.proofs import ProofOfAnother
from regulars.api.serving import idempotency_key
from regulars.kit import One, Reading
from regulars.rewards import Ask, Issued
from regulars.rewards.model import Type
from regulars.wiring import Call as Gathering


class NewReward(ForLead, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`lead_id` or `customer_id` says for whom; the customer must exist."""

    offer_id: UUID


class Priced(ForLead, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`step` is how many steps of a dynamic price. The price is worked out here: a `coin_amount` that is not it is
    refused."""

    step: Annotated[int, Meta(ge=1, le=limits.OFFER_STEPS_MAX)] | None = None
    coin_amount: Annotated[int, Meta(ge=0, le=limits.AMOUNT_MINOR_MAX)] | None = None


class NewRedeem(Priced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    __doc__ = Priced.__doc__

    offer_id: UUID


class CouponQuery(NumberedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lead_id: UUID
    offer_id: UUID | None = None
    id: UUID | None = None


class NewPublicReward(ForLead, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`publicoffer_id` is the offer that stands, in this shop, for the other shop's."""

    publicoffer_id: UUID


class NewPublicRedeem(Priced, frozen=True, forbid_unknown_fields=True, kw_only=True):
    __doc__ = Priced.__doc__

    publicoffer_id: UUID


class PublicCouponQuery(NumberedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lead_id: UUID
    publicoffer_id: UUID | None = None
    id: UUID | None = None


_KEYED = ("x-leadtoken", "Idempotency-Key")


@merchant.post("/offerrewards", "Give an offer", tag="Coupons", headers=("Idempotency-Key",))
async def give_offer(call: Call[NoQuery, NewReward]) -> One[CouponItem]:
    """Without coins, whatever its price is."""
    return await _issue(call, "reward")


@merchant.post("/offerredeems", "Buy an offer with coins", tag="Coupons", access="READ", headers=_KEYED)
async def buy_offer(call: Call[NoQuery, NewRedeem]) -> One[CouponItem]:
    """Send an Idempotency-Key with it: repeated without one, another coupon is bought."""
    return await _issue(call, "manual_redeem", step=call.body.step, coin_amount=call.body.coin_amount)


coupons = Listing("/coupons", CouponItem, tag="Coupons", missing=rewards.UnknownCoupon)


@coupons.list("A customer's coupons")
async def list_coupons(call: Call[CouponQuery, None], tx: Reading) -> tuple[list[CouponItem], int]:
    return await _coupons(call, tx, call.query.offer_id)


@merchant.post("/publicofferrewards", "Give another shop's offer", tag="Coupons", headers=("Idempotency-Key",))
async def give_public_offer(call: Call[NoQuery, NewPublicReward]) -> One[CouponItem]:
    """Without coins. The code is good in the shop whose offer it is."""
    return await _issue(call, "reward")


@merchant.post("/publicofferredeems", "Buy another shop's offer", tag="Coupons", access="READ", headers=_KEYED)
async def buy_public_offer(call: Call[NoQuery, NewPublicRedeem]) -> One[CouponItem]:
    """With coins of this shop. Send an Idempotency-Key with it."""
    return await _issue(call, "manual_redeem", step=call.body.step, coin_amount=call.body.coin_amount)


public = Listing("/publiccoupons", CouponItem, tag="Coupons", missing=rewards.UnknownCoupon)


@public.list("A customer's coupons of other shops")
async def list_public_coupons(call: Call[PublicCouponQuery, None], tx: Reading) -> tuple[list[CouponItem], int]:
    return await _coupons(call, tx, call.query.publicoffer_id, of_others=True)


@public.read("One coupon of another shop")
async def find_public_coupon(call: Call[OfLead, None], tx: Reading, id: UUID) -> CouponItem:
    if not (item := await find_coupon(call, tx, id)).publicoffer_id:
        raise rewards.UnknownCoupon
    return item


@coupons.read("One coupon")
async def find_coupon(call: Call[OfLead, None], tx: Reading, id: UUID) -> CouponItem:
    return coupon_item(call.workspace, *await rewards.find_coupon(tx, call.workspace_id, id))


async def _coupons(
    call: Call[Any, None], tx: Reading, offer_id: UUID | None, **of: bool
) -> tuple[list[CouponItem], int]:
    query = call.query
    (found, terms), count = await rewards.numbered_page(
        tx, call.workspace_id, query.lead_id, offer_id=offer_id, **of, **query.numbers
    )
    return [coupon_item(call.workspace, one, terms[one.offer_id, one.offer_version]) for one in found], count


async def _issue(call: Call[NoQuery, Any], type: Type, **how: int | None) -> One[CouponItem]:
    """Concurrent calls share a commit, as rewards do; each is answered after it."""
    body, app = call.body, call.app
    proven = proven_by(call)
    async with app.db.reading() as tx:
        customer = await body.lead(tx, call.workspace_id)
    if proven not in (None, customer.id):
        raise ProofOfAnother
    offer_id = body.offer_id if hasattr(body, "offer_id") else body.publicoffer_id
    ask = Ask(customer_id=customer.id, offer_id=offer_id, type=type, actor=call.caller.actor, at_door=True, **how)  # type: ignore[arg-type]

    def render(issued: Issued) -> tuple[int, str]:
        return issued.status, msgspec.json.encode(
            One(coupon_item(call.workspace, issued.coupon, issued.terms))
        ).decode()

    key = idempotency_key(call.headers.get("idempotency-key"), call.caller, proven) or ""
    mark = app.fingerprint(f"POST {type}", msgspec.json.encode(body))
    answered = await app.issue(Gathering(call.workspace, ask, render, key, mark, customer.id))
    if answered.hit:
        call.reply_headers["idempotency-hit"] = "true"
    item: One[CouponItem] = msgspec.json.decode(answered.body, type=One[CouponItem])
    if answered.status == 202:
        await app.have_made(call.workspace, item.item._id, call.now)
    return item
