"""A coupon at the checkout: whether it holds for a cart, and its being used, once."""

from datetime import datetime
from uuid import UUID

import msgspec

from regulars import customers, ledger
from regulars.customers import Customer
from regulars.kit.currency import units_of
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import NotFound
from regulars.kit.wording import money
from regulars.rewards import store
from regulars.rewards.codes import key_of
from regulars.rewards.discounting import end_holds, take_away
from regulars.rewards.errors import CouponEnded, CouponUsed, NotEligible, UnknownCoupon
from regulars.rewards.model import Cart, Coupon, Terms, Verdict, worth
from regulars.rewards.wire import changed
from regulars.tenancy import Workspace


async def validate(
    tx: Reading, workspace: Workspace, code: str, cart: Cart | None, now: datetime, *, customer_id: UUID | None = None
) -> Verdict:
    """Whether the code holds now for this customer's cart, and what it is worth; nothing is promised. Whose it is has
    to be said of a code that many have. Raises UnknownCoupon, CouponUsed, CouponEnded, NotEligible."""
    coupon = await _find(tx, workspace, code, customer_id, "")
    terms = (await store.terms_of(tx, workspace.id, [coupon]))[coupon.offer_id, coupon.offer_version]
    if coupon.status == "redeemed":
        raise CouponUsed(coupon.reference)
    return await _verdict(tx, workspace, coupon, terms, cart, now)


async def redeem(
    tx: Tx,
    workspace: Workspace,
    code: str,
    reference: str,
    cart: Cart | None,
    now: datetime,
    *,
    customer_id: UUID | None = None,
) -> Verdict:
    """Use it, for what `reference` names: an order as the shop calls it. The same reference again is answered as
    before. Raises what `validate` does."""
    coupon = await _find(tx, workspace, code, customer_id, reference)
    (coupon,) = await store.lock_coupons(tx, workspace.id, [coupon.id])
    terms = (await store.terms_of(tx, workspace.id, [coupon]))[coupon.offer_id, coupon.offer_version]
    if coupon.status == "redeemed":
        if coupon.reference == reference:
            return Verdict(coupon, terms, coupon.taken_off_minor)
        raise CouponUsed(coupon.reference)
    verdict = await _verdict(tx, workspace, coupon, terms, cart, now)
    used = msgspec.structs.replace(
        coupon, status="redeemed", reference=reference, taken_off_minor=verdict.taken_off_minor, updated_at=now
    )
    if terms.budget and used.taken_off_minor:
        store.add_to_offers(tx, workspace.id, {used.offer_id: (0, used.taken_off_minor)})
    # Used here, it must not be used there as well.
    await end_holds(tx, workspace, [used], now, ledger.capture)
    (used,) = await take_away(tx, workspace.id, [used], now)
    await changed(tx, workspace, [used], now)
    return Verdict(used, terms, used.taken_off_minor)


async def _find(tx: Reading, workspace: Workspace, code: str, customer_id: UUID | None, reference: str) -> Coupon:
    found = await store.by_code(tx, workspace.id, key_of(code), customer_id, reference)
    if found is None or (customer_id and not found.shared and not await _is_of(tx, workspace, found, customer_id)):
        raise UnknownCoupon
    return found


async def _is_of(tx: Reading, workspace: Workspace, coupon: Coupon, customer_id: UUID) -> bool:
    """Whoever has it may have been merged into another since."""
    if coupon.customer_id == customer_id:
        return True
    people = await customers.by_ids(tx, workspace.id, [coupon.customer_id, customer_id])
    return len({person.id for person in people.values()}) == 1 and len(people) == 2


async def _verdict(
    tx: Reading, workspace: Workspace, coupon: Coupon, terms: Terms, cart: Cart | None, now: datetime
) -> Verdict:
    if coupon.status == "cancelled":
        raise CouponEnded("The coupon was cancelled.")
    if coupon.expired_at(now):
        raise CouponEnded("The coupon has expired.")
    if terms.first_order_only and (await _owner(tx, workspace, coupon)).orders_count:
        raise NotEligible("The coupon is for a first order.")
    if cart is None:
        return Verdict(coupon, terms, None)
    least = round(terms.minimum_cart * units_of(workspace.currency_code))
    if cart.amount_minor < least:
        words = money(terms.minimum_cart, workspace.currency_code, workspace.currency_symbol)
        raise NotEligible(f"The cart must come to {words} at least.", fields={"cart.amount": f"expected {words}"})
    others = {key_of(other) for other in cart.codes} - {coupon.code_key}
    if others and not terms.combines:
        raise NotEligible("The coupon can't be combined with another one.", fields={"cart.codes": "expected no other"})
    off = worth(terms, coupon.steps, cart, workspace.currency_code)
    if not off and terms.target != "cart":
        raise NotEligible(f"Nothing in the cart is of the {terms.target} that the coupon is for.")
    return Verdict(coupon, terms, off)


async def _owner(tx: Reading, workspace: Workspace, coupon: Coupon) -> Customer:
    found = await customers.by_ids(tx, workspace.id, [coupon.customer_id])
    if coupon.customer_id not in found:
        raise NotFound("The coupon's customer does not exist any more.")
    return found[coupon.customer_id]
