"""Coupons of two shops that are one: what becomes of one becomes of the other, by a row of the schedule in its shop."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from regulars import customers, tenancy
from regulars.customers import NewCustomer
from regulars.kit import Refusal, Tx, new_id
from regulars.rewards import store
from regulars.rewards.agreeing import Partnership, lock_both, stand_in_terms
from regulars.rewards.cancelling import end
from regulars.rewards.errors import NotAgreed
from regulars.rewards.model import Ask, Coupon, Offer, paired
from regulars.rewards.offers import change_offer, find_offer
from regulars.rewards.store import sql
from regulars.rewards.wire import changed
from regulars.schedule import Due
from regulars.tenancy import Workspace

_BACK = {"expired": "coins_back_when_expired", "cancelled": "coins_back_when_cancelled"}


async def as_it_is(tx: Tx, shop: Workspace, offer: Offer, now: datetime) -> Offer:
    """What stands in for another shop's offer, as that one is now; switched off where that shop hands on no more."""
    of, giver, its = await _stood_for(tx, shop, offer.id)
    try:
        await lock_both(tx, shop.id, of.id, "accepted")
        if not its.public or {giver.currency_code, shop.currency_code} != {of.currency}:
            raise NotAgreed
    except NotAgreed:
        return replace(offer, active=False)
    terms = {"terms": stand_in_terms(its, giver, of.coins)}
    return await change_offer(tx, shop, offer.id, terms, now, actor=f"partner:{giver.id}")


async def hand_on(
    tx: Tx, shop: Workspace, stand_in: UUID, steps: Sequence[int], now: datetime, issue: Callable[..., Awaitable[Any]]
) -> list[tuple[str, str] | Refusal]:
    """Coupons of the other shop for customers of this one: of each its code, and what names it. They are given to this
    shop, as a customer of that name. `as_it_is` was asked before, in this transaction."""
    of, giver, its = await _stood_for(tx, shop, stand_in)
    who = NewCustomer(customer_id=f"partner-{shop.id}", name=shop.name)
    known = (await customers.ensure(tx, giver, [who], now))[who.customer_id]
    if isinstance(known, Refusal):
        return [known for _ in steps]
    how: dict[str, Any] = {"customer_id": known.customer.id, "offer_id": its.id, "actor": f"partner:{shop.id}"}
    how |= {"type": "reward", "for_shop": True}
    links = {new_id(): step if of.coins else None for step in steps}
    asks = [Ask(key=paired(shop.id, link), step=step, **how) for link, step in links.items()]
    made = await issue(tx, giver, asks, now, known={known.customer.id: known.customer})
    return [
        one if isinstance(one, Refusal) else (one.coupon.code, paired(giver.id, link))
        for link, one in zip(links, made, strict=True)
    ]


async def _stood_for(tx: Tx, shop: Workspace, stand_in: UUID) -> tuple[Partnership, Workspace, Offer]:
    of = await tx.the("", Partnership, sql.of_stand_in, shop.id, stand_in)
    giver = await tenancy.get_workspace(tx, of.partner_id)
    return of, giver, await find_offer(tx, giver.id, of.offer_id)


async def follow(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule. One that stands in for another shop's goes where that has gone; that one is cancelled
    when the other is, unless it was used."""
    mine = await _linked(tx, workspace.id, [f"pair:{due.key}" for due in dues])
    theirs: dict[str, Coupon] = {}
    for shop in sorted({link.split(":")[1] for link in mine}):
        links = [paired(workspace.id, link.split(":")[2]) for link in mine if link.split(":")[1] == shop]
        found = await _linked(tx, UUID(shop), links)
        theirs |= {paired(UUID(shop), link.split(":")[2]): one for link, one in found.items()}
    ended: dict[str, list[Coupon]] = {status: [] for status in _BACK}
    moved: list[Coupon] = []
    for one in await store.lock_coupons(tx, workspace.id, [one.id for one in mine.values()]):
        its = theirs.get(one.code_key if one.stands_in else one.key or "", one)
        if its.status in _BACK and one.status == "issued" and (one.stands_in or its.status == "cancelled"):
            ended[its.status].append(replace(one, status=its.status))
        elif its.status not in (*_BACK, one.status) and one.status != "cancelled" and one.stands_in:
            said: Any = {"status": its.status, "reference": its.reference, "taken_off_minor": its.taken_off_minor}
            moved.append(replace(one, **said))
    for status, back in _BACK.items():
        await end(tx, workspace, ended[status], f"Coupon {status}", back, now, "")
    await changed(tx, workspace, moved, now)


async def _linked(tx: Tx, workspace_id: UUID, links: list[str]) -> dict[str, Coupon]:
    found = await store.by_codes(tx, workspace_id, [(link, None, "") for link in links])
    return await store.issued_for(tx, workspace_id, links) | {one.code_key: one for one in found.values()}
