"""What orders do to coupons: one that comes in with a code has used it; one that is void gives it back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.kit import Tx, copied
from regulars.orders import Order
from regulars.rewards import store
from regulars.rewards.cancelling import due
from regulars.rewards.codes import key_of
from regulars.rewards.discounting import due_there
from regulars.rewards.model import Cart, CartLine, Coupon, Terms, worth
from regulars.rewards.store import sql
from regulars.rewards.wire import changed
from regulars.schedule import put
from regulars.tenancy import Workspace


async def settle_orders(tx: Tx, workspace: Workspace, orders: Iterable[Order], now: datetime) -> None:
    """Orders as they are now. The shop's checkout has accepted their codes, so only whose and whether used is asked
    here: a coupon of somebody else is used up too, since its discount is gone. Told again it comes to the same."""
    of = [order for order in orders if order.coupon_codes or order.void]
    if not of:
        return
    named = [(order, key_of(code)) for order in of for code in order.coupon_codes or ()]
    about: dict[UUID, list[Order]] = {}
    arguments = (
        [order.id for order, _ in named],
        [key for _, key in named],
        [order.customer_id for order, _ in named],
        [order.id for order in of if order.void],
    )
    by_id = {order.id: order for order in of}
    for row in await tx.fetch(sql.of_orders, workspace.id, *arguments):
        about.setdefault(row["id"], []).append(by_id[row["about"]])
    if not about:
        return
    coupons = await store.lock_coupons(tx, workspace.id, about)
    terms = await store.terms_of(tx, workspace.id, coupons)
    used: list[tuple[Coupon, Terms]] = []
    spent: dict[UUID, tuple[int, int]] = {}
    back: list[Coupon] = []
    for coupon in coupons:
        its = terms[coupon.offer_id, coupon.offer_version]
        became = _after(coupon, its, about[coupon.id], now, workspace.currency_code)
        if became is not None:
            (back.append(became) if became.status == "issued" else used.append((became, its)))
            if its.budget:
                change = (became.taken_off_minor or 0) - (coupon.taken_off_minor or 0)
                spent[coupon.offer_id] = 0, spent.get(coupon.offer_id, (0, 0))[1] + change
    store.add_to_offers(tx, workspace.id, spent)
    await changed(tx, workspace, [coupon for coupon, _ in used], now)
    await changed(tx, workspace, back, now)
    again = [due_there(one, now) for one in back if one.discount == "remaking"]
    await put(tx, workspace.id, [due(one) for one in back if one.expires_at] + again)


def _after(coupon: Coupon, terms: Terms, orders: Sequence[Order], now: datetime, currency_code: str) -> Coupon | None:
    """The coupon as these orders leave it; None: as it was."""
    for order in orders:
        its_own = coupon.status == "redeemed" and (
            coupon.order_id == order.id or (coupon.order_id is None and coupon.reference == order.reference_id)
        )
        if order.void:
            live = coupon.expires_at is None or coupon.expires_at > now
            if its_own and terms.back_when_void and live:
                # A discount that is still being made is not used there.
                there = coupon.discount if coupon.discount in ("", "making") else "remaking"
                return msgspec.structs.replace(
                    coupon, status="issued", reference="", order_id=None, taken_off_minor=None, discount=there
                )
        elif coupon.status in ("issued", "expired"):
            return msgspec.structs.replace(
                coupon,
                status="redeemed",
                reference=order.reference_id,
                order_id=order.id,
                taken_off_minor=_taken_off(coupon, terms, order, currency_code),
            )
        elif its_own and coupon.order_id is None:
            return msgspec.structs.replace(coupon, order_id=order.id)
    return None


def _taken_off(coupon: Coupon, terms: Terms, order: Order, currency_code: str) -> int | None:
    """What it took off this order, which does not say of which code its discount is: what it is worth, at most all that
    was taken off. None in another currency."""
    if order.currency_code != currency_code:
        return None
    lines = [copied(CartLine, line) for line in order.lines or ()]
    before = order.amount_minor + order.discount_minor
    cart = Cart(amount_minor=before, lines=tuple(lines), shipping_minor=order.shipping_minor or 0)
    off = worth(terms, coupon.steps, cart, currency_code)
    return min(off, order.discount_minor) if order.discount_minor else off
