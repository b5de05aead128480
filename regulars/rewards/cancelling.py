"""Coupons end unused: their time comes, or somebody cancels them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import ledger
from regulars.kit import Tx
from regulars.ledger import Reversal
from regulars.rewards import store
from regulars.rewards.discounting import end_holds, is_held, take_away
from regulars.rewards.errors import CouponEnded, CouponUsed, UnknownCoupon
from regulars.rewards.model import Coupon, Discounted
from regulars.rewards.store import sql
from regulars.rewards.wire import changed
from regulars.schedule import Due
from regulars.tenancy import Workspace

EXPIRE = "rewards.expire"


def due(coupon: Coupon) -> Due:
    assert coupon.expires_at is not None
    return Due(EXPIRE, str(coupon.id), coupon.expires_at, {})


async def expire(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule. What was redeemed or cancelled meanwhile stays so."""
    found = await store.lock_coupons(tx, workspace.id, [UUID(one.key) for one in dues])
    over = [
        msgspec.structs.replace(one, status="expired")
        for one in found
        if one.status == "issued" and one.expires_at is not None and one.expires_at <= now
    ]
    await end(tx, workspace, over, "Coupon expired unused", "coins_back_when_expired", now, "")


async def cancel(tx: Tx, workspace: Workspace, id: UUID, now: datetime, *, actor: str = "") -> Coupon:
    """Its code is good for nothing any more. Cancelled before, it stays so. Raises UnknownCoupon; CouponUsed and
    CouponEnded of one that was used or has expired."""
    found = await store.lock_coupons(tx, workspace.id, [id])
    if not found:
        raise UnknownCoupon
    (coupon,) = found
    if coupon.status == "redeemed":
        raise CouponUsed(coupon.reference)
    if coupon.expired_at(now):
        raise CouponEnded("The coupon has expired.")
    if coupon.status == "cancelled":
        return coupon
    coupon = msgspec.structs.replace(coupon, status="cancelled", updated_at=now)
    await end(tx, workspace, [coupon], "Coupon cancelled", "coins_back_when_cancelled", now, actor)
    return coupon


async def cancel_issued(tx: Tx, workspace: Workspace, keys: Sequence[str], now: datetime, *, actor: str) -> set[str]:
    """Cancel what was issued under these keys and is still good; the keys of those that were."""
    if not keys:
        return set()
    there = await store.issued_for(tx, workspace.id, keys)
    found = await store.lock_coupons(tx, workspace.id, [one.id for one in there.values()])
    good = [one for one in found if one.status == "issued" and not one.expired_at(now)]
    over = [msgspec.structs.replace(one, status="cancelled") for one in good]
    await end(tx, workspace, over, "Coupon cancelled", "coins_back_when_cancelled", now, actor)
    return {one.key for one in over if one.key}


async def end(
    tx: Tx,
    workspace: Workspace,
    ended: Sequence[Coupon],
    title: str,
    back: str,
    now: datetime,
    actor: str,
    to: Discounted = "removing",
) -> list[Coupon]:
    """Coupons with their new status; as they are then. Coins that are held are let go whatever the offer says."""
    terms = await store.terms_of(tx, workspace.id, ended)
    await end_holds(tx, workspace, ended, now, ledger.void)
    asked = [one for one in ended if one.txn_id and not is_held(one)]
    paid = [one for one in asked if getattr(terms[one.offer_id, one.offer_version], back)]
    await give_back(tx, workspace, paid, title, now, actor)
    # A place that nobody took is free again.
    counted = [one for one in ended if one.status == "cancelled" and terms[one.offer_id, one.offer_version].counted]
    store.add_to_offers(tx, workspace.id, {one.offer_id: (-1, 0) for one in counted})
    ended = await take_away(tx, workspace.id, ended, now, to)
    await changed(tx, workspace, ended, now)
    return ended


async def give_back(
    tx: Tx, workspace: Workspace, paid: Iterable[Coupon], title: str, now: datetime, actor: str
) -> None:
    """The coins that coupons were bought with, into the lots they came from."""
    reversals = [
        Reversal(
            txn_id=one.txn_id, target=one.coins, occurred_at=now, title=title, reference=f"coupon:{one.id}", actor=actor
        )
        for one in paid
        if one.txn_id
    ]
    await ledger.reverse(ledger.give_back, tx, workspace, reversals, now)


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """Two customers are one: the coupons of the first are the second's."""
    await tx.execute(sql.move_customer, workspace_id, from_id, into_id)
