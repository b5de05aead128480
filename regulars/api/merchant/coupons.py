"""Offers bought with coins or given, and the coupons of a customer."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits, rewards
from regulars.api.merchant.api import merchant
from regulars.api.merchant.items import CouponItem, coupon_item
from regulars.api.merchant.leads import prove, proven_by, the_lead
from regulars.api.merchant.paging import NumberedPage
from regulars.api.operations import Call, NoQuery
from regulars.api.proofs import ProofOfAnother
from regulars.api.serving import idempotency_key
from regulars.kit.db import Reading
from regulars.kit.errors import NotFound, invalid
from regulars.rewards import Ask, Issued, Type
from regulars.wiring import Call as Gathering


class NewReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`lead_id` or `customer_id` says for whom; the customer must exist."""

    offer_id: UUID
    lead_id: UUID | None = None
    customer_id: (
        Annotated[str, Meta(max_length=limits.CUSTOMER_ID_CHARS_MAX, examples=["shopify-7029064106277"])] | None
    ) = None


class NewRedeem(NewReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`step` is how many steps of a dynamic price. The price is worked out here: a `coin_amount` that is not it is
    refused."""

    step: Annotated[int, Meta(ge=1, le=limits.OFFER_STEPS_MAX)] | None = None
    coin_amount: Annotated[int, Meta(ge=0, le=limits.AMOUNT_MINOR_MAX)] | None = None


class CouponAnswer(msgspec.Struct, frozen=True):
    item: CouponItem


class CouponList(msgspec.Struct, frozen=True):
    items: list[CouponItem]
    count: int


class CouponQuery(NumberedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lead_id: UUID
    offer_id: UUID | None = None
    id: UUID | None = None


class OfLead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lead_id: UUID


_PROVEN: dict[str, Any] = {"tag": "Coupons", "access": "READ", "headers": ("x-leadtoken",)}
_KEYED = ("x-leadtoken", "Idempotency-Key")


@merchant.post("/offerrewards", "Give an offer", tag="Coupons", headers=("Idempotency-Key",))
async def give_offer(call: Call[NoQuery, NewReward]) -> CouponAnswer:
    """Without coins, whatever its price is."""
    return await _issue(call, "reward")


@merchant.post("/offerredeems", "Buy an offer with coins", tag="Coupons", access="READ", headers=_KEYED)
async def buy_offer(call: Call[NoQuery, NewRedeem]) -> CouponAnswer:
    """Send an Idempotency-Key with it: repeated without one, another coupon is bought."""
    return await _issue(call, "manual_redeem", step=call.body.step, coin_amount=call.body.coin_amount)


@merchant.get("/coupons", "A customer's coupons", **_PROVEN)
async def list_coupons(call: Call[CouponQuery, None], tx: Reading) -> CouponList:
    query = call.query
    prove(call, query.lead_id)
    await the_lead(tx, call.workspace_id, id=query.lead_id)
    if query.id is not None:
        try:
            return CouponList([await _one(call, tx, query.id, query.lead_id)], 1)
        except NotFound:
            return CouponList([], 0)
    (found, terms), count = await rewards.numbered_page(
        tx,
        call.workspace_id,
        query.lead_id,
        offer_id=query.offer_id,
        oldest_first=query.sort_op == "ASC",
        limit=query.limit,
        offset=query.first,
    )
    return CouponList(
        [coupon_item(call.workspace, one, terms[one.offer_id, one.offer_version]) for one in found], count
    )


@merchant.get("/coupons/{id}", "One coupon", **_PROVEN)
async def find_coupon(call: Call[OfLead, None], tx: Reading) -> CouponAnswer:
    prove(call, call.query.lead_id)
    return CouponAnswer(await _one(call, tx, call.path_id(), call.query.lead_id))


async def _issue(call: Call[NoQuery, Any], type: Type, **how: int | None) -> CouponAnswer:
    """Concurrent calls share a commit, as rewards do; each is answered after it."""
    body, app = call.body, call.app
    if not body.lead_id and not body.customer_id:
        raise invalid("lead_id", "a lead_id or a customer_id")
    by: dict[str, Any] = {"id": body.lead_id} if body.lead_id else {"customer_id": body.customer_id}
    proven = proven_by(call)
    async with app.db.reading() as tx:
        customer = await the_lead(tx, call.workspace_id, **by)
    if proven not in (None, customer.id):
        raise ProofOfAnother
    ask = Ask(customer_id=customer.id, offer_id=body.offer_id, type=type, actor=call.caller.actor, **how)  # type: ignore[arg-type]

    def render(issued: Issued) -> tuple[int, str]:
        return 200, msgspec.json.encode(CouponAnswer(coupon_item(call.workspace, issued.coupon, issued.terms))).decode()

    key = idempotency_key(call.headers.get("idempotency-key"), call.caller, proven) or ""
    mark = app.fingerprint(f"POST {type}", msgspec.json.encode(body))
    answered = await app.issue(Gathering(call.workspace, ask, render, key, mark))
    if answered.hit:
        call.reply_headers["idempotency-hit"] = "true"
    return msgspec.json.decode(answered.body, type=CouponAnswer)


async def _one(call: Call[Any, Any], tx: Reading, id: UUID, lead_id: UUID) -> CouponItem:
    """Raises UnknownCoupon, of another customer's too."""
    coupon, terms = await rewards.find_coupon(tx, call.workspace_id, id)
    if coupon.customer_id != lead_id:
        raise rewards.UnknownCoupon
    return coupon_item(call.workspace, coupon, terms)
