"""A coupon at the checkout: whether it holds for a cart, and its being used, once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import customers, ledger
from regulars.customers import Customer
from regulars.kit import NotFound, Reading, Refusal, Tx, money, units_of
from regulars.rewards import store
from regulars.rewards.codes import key_of
from regulars.rewards.discounting import end_holds, take_away
from regulars.rewards.errors import CouponEnded, CouponUsed, NotEligible, UnknownCoupon
from regulars.rewards.model import Cart, Coupon, Terms, Verdict, worth
from regulars.rewards.wire import Told, changed, tell
from regulars.tenancy import Workspace


class Use(msgspec.Struct, frozen=True, gc=False):
    """A code at a checkout, of whom (it has to be said of a code that many have), and for what `reference` names: an
    order as the shop calls it."""

    code: str
    reference: str = ""
    cart: Cart | None = None
    customer_id: UUID | None = None


async def validate(tx: Reading, workspace: Workspace, use: Use, now: datetime) -> Verdict:
    """Whether the code holds now for this customer's cart, and what it is worth; nothing is promised. Raises
    UnknownCoupon, CouponUsed, CouponEnded, NotEligible."""
    found, people = await _find(tx, workspace.id, [use])
    if not found:
        raise UnknownCoupon
    coupon = found[0]
    terms = (await store.terms_of(tx, workspace.id, [coupon]))[coupon.offer_id, coupon.offer_version]
    if coupon.status == "redeemed":
        raise CouponUsed(coupon.reference)
    return _judged(workspace, coupon, terms, people, use.cart, now)


async def redeem(tx: Tx, workspace: Workspace, uses: Sequence[Use], now: datetime) -> list[Verdict | Refusal]:
    """Use each, in order; a Refusal, of those that `validate` raises, has used nothing. The same reference again is
    answered as before. Lock order: coupons by id, wallets by (customer, kind)."""
    if not uses:
        return []
    found, people = await _find(tx, workspace.id, uses)
    coupons = {one.id: one for one in await store.lock_coupons(tx, workspace.id, [one.id for one in found.values()])}
    terms = await store.terms_of(tx, workspace.id, coupons.values())
    answers: dict[int, Verdict | Refusal] = dict.fromkeys(range(len(uses)), UnknownCoupon())
    used: dict[UUID, Coupon] = {}
    again: list[int] = []
    for n, one in found.items():
        coupon, reference = coupons[one.id], uses[n].reference
        its = terms[coupon.offer_id, coupon.offer_version]
        if coupon.status == "redeemed":
            same = coupon.reference == reference
            answers[n] = Verdict(coupon, its, coupon.taken_off_minor) if same else CouponUsed(coupon.reference)
            # Of a code that many have the customer may have another.
            again += [n] if coupon.shared and coupon.id in used and not same else []
            continue
        try:
            off = _judged(workspace, coupon, its, people, uses[n].cart, now).taken_off_minor
        except Refusal as refusal:
            answers[n] = refusal
            continue
        coupon = msgspec.structs.replace(
            coupon, status="redeemed", reference=reference, taken_off_minor=off, updated_at=now
        )
        coupons[coupon.id] = used[coupon.id] = coupon
        answers[n] = Verdict(coupon, its, off)
    spent = Counter[UUID]()
    for one in used.values():
        spent[one.offer_id] += (one.taken_off_minor or 0) if terms[one.offer_id, one.offer_version].budget else 0
    store.add_to_offers(tx, workspace.id, {id: (0, off) for id, off in spent.items() if off})
    # Used here, it must not be used there as well.
    await end_holds(tx, workspace, list(used.values()), now, ledger.capture)
    untold = [Told(one, terms[one.offer_id, one.offer_version]) for one in used.values() if one.discount == "making"]
    await tell(tx, workspace, "coupon_create", untold, now)
    await changed(tx, workspace, await take_away(tx, workspace.id, list(used.values()), now), now)
    if again:
        answers |= zip(again, await redeem(tx, workspace, [uses[n] for n in again], now), strict=True)
    return [answers[n] for n in range(len(uses))]


async def _find(
    tx: Reading, workspace_id: UUID, uses: Sequence[Use]
) -> tuple[dict[int, Coupon], Mapping[UUID, Customer]]:
    """The coupons that there are, by the place of their use, and who they are about: whoever has one may have been
    merged into another since."""
    found = await store.by_codes(tx, workspace_id, [(key_of(one.code), one.customer_id, one.reference) for one in uses])
    ids = {one.customer_id for one in found.values()} | {one.customer_id for one in uses if one.customer_id}
    people = await customers.by_ids(tx, workspace_id, sorted(ids))

    def fits(n: int, coupon: Coupon) -> bool:
        whose, asked = people.get(coupon.customer_id), uses[n].customer_id
        return asked in (None, coupon.customer_id) or bool(whose and asked in people and people[asked].id == whose.id)

    return {n: one for n, one in sorted(found.items()) if fits(n, one)}, people


def _judged(
    shop: Workspace, coupon: Coupon, terms: Terms, people: Mapping[UUID, Customer], cart: Cart | None, now: datetime
) -> Verdict:
    if coupon.status == "cancelled":
        raise CouponEnded("The coupon was cancelled.")
    if coupon.expired_at(now):
        raise CouponEnded("The coupon has expired.")
    if terms.first_order_only:
        if coupon.customer_id not in people:
            raise NotFound("The coupon's customer does not exist any more.")
        if people[coupon.customer_id].orders_count:
            raise NotEligible("The coupon is for a first order.")
    if cart is None:
        return Verdict(coupon, terms, None)
    least = round(terms.minimum_cart * units_of(shop.currency_code))
    if cart.amount_minor < least:
        words = money(terms.minimum_cart, shop.currency_code, shop.currency_symbol)
        raise NotEligible(f"The cart must come to {words} at least.", fields={"cart.amount": f"expected {words}"})
    others = {key_of(other) for other in cart.codes} - {coupon.code_key}
    if others and not terms.combines:
        raise NotEligible("The coupon can't be combined with another one.", fields={"cart.codes": "expected no other"})
    off = worth(terms, coupon.steps, cart, shop.currency_code)
    if not off and terms.target != "cart":
        raise NotEligible(f"Nothing in the cart is of the {terms.target} that the coupon is for.")
    return Verdict(coupon, terms, off)
