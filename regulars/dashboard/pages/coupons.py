"""Coupons: found, looked at, given by hand, cancelled."""

from typing import Any
from uuid import UUID

from litestar import Response

from regulars import orders, rewards
from regulars.api.management.api import only
from regulars.customers import Customer
from regulars.dashboard.cells import Link, Money, Small
from regulars.dashboard.coupons import STATUSES, TYPES, Had, card_of, had
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import CUSTOMER, CUSTOMER_ID, Asked, Column, Filter, Found, Listing, until_next
from regulars.dashboard.pages.customers import find
from regulars.dashboard.sheets import ID, Given, Shown, ask, sheet
from regulars.dashboard.story import Fact
from regulars.kit import Reading, Tx, new_id
from regulars.rewards import Ask, Terms


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Had]:
    by: dict[str, Any] = {
        name: asked.id(name) or (UUID(int=0) if asked.chosen(name) else None) for name in ("offer_id", "customer_id")
    }
    by |= {"status": asked.chosen("status"), "code": asked.values["q"]}
    known = await rewards.coupons(tx, desk.id, **asked.one_more(**by))
    rows, next_id = until_next(await had(desk, tx, known), asked.limit)
    named = [(str(one.id), one.name) for one in await rewards.list_offers(tx, desk.id)]
    return Found(rows, next_id, {"offer_id": named, "customer_id": [(asked.values["customer_id"], "one customer")]})


def _took_off(row: Had) -> Money | None:
    taken = row.coupon.taken_off_minor
    return None if taken is None else Money(taken, row.currency_code)


COUPONS = Listing[Had](
    path="/coupons",
    purpose="What customers bought with {coins} or were given, and what became of it.",
    columns=[
        Column("Code", lambda row: [Link(row.coupon.code, f"/coupons/{row.coupon.id}"), Small(row.name)]),
        Column("Coupon", lambda row: row.name, only="file"),
        CUSTOMER,
        CUSTOMER_ID,
        Column("State", lambda row: row.badge),
        Column("How", lambda row: TYPES[row.coupon.type]),
        Column("{Coins} paid", lambda row: row.coupon.coins, right=True),
        Column("Took off", _took_off, right=True),
        Column("Used for", lambda row: row.coupon.reference, only="file"),
        Column("Expires", lambda row: row.coupon.expires_at),
        Column("Issued", lambda row: row.coupon.created_at),
    ],
    read=_read,
    nothing="No coupons yet",
    nothing_why="A coupon appears here when a customer buys an offer with {coins}, or is given one.",
    filters=[
        Filter("offer_id", "Offer", "Every offer"),
        Filter("status", "State", "Any state", [(name, words) for name, (_, words) in STATUSES.items()]),
        Filter("customer_id", "Of"),
    ],
    days="Issued",
    search="A coupon's whole code",
)


async def _one(desk: Desk, tx: Reading) -> tuple[Had, Terms]:
    coupon, terms = await rewards.find_coupon(tx, desk.id, desk.key)
    (row,) = await had(desk, tx, ([coupon], {(coupon.offer_id, coupon.offer_version): terms}))
    return row, terms


@page("/coupons/{id:uuid}", "coupon")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any]:
    row, terms = await _one(desk, tx)
    coupon = row.coupon
    used: dict[Any, Any] = await orders.by_ids(tx, desk.id, [coupon.order_id] if coupon.order_id else [])
    return {
        "row": row,
        "offer": await rewards.find_offer(tx, desk.id, coupon.offer_id),
        "card": card_of(terms, desk.workspace, coupon),
        "order": used.get(coupon.order_id),
        "how": TYPES[coupon.type],
        "facts": _facts(row),
    }


def _facts(row: Had) -> list[Fact]:
    """What happened to it, the newest first."""
    one = row.coupon
    ended = {
        "redeemed": ("good", "Used", f"/orders/{one.order_id}" if one.order_id else ""),
        "expired": ("care", "Expired unused", ""),
        "cancelled": ("care", "Cancelled", ""),
    }
    facts = [Fact(one.created_at, "plus", "good", TYPES[one.type], "", "")]
    if row.status in ended:
        kind, words, href = ended[row.status]
        at = one.expires_at if row.status == "expired" and one.expires_at else one.updated_at
        facts.insert(0, Fact(at, "order" if kind == "good" else "minus", kind, words, href, one.reference))
    elif one.updated_at > one.created_at:
        facts.insert(0, Fact(one.updated_at, "plus", "good", "Changed", "", "It can be used again."))
    return facts


async def _ask_cancel(desk: Desk, tx: Reading) -> Shown:
    row, terms = await _one(desk, tx)
    back = row.coupon.coins and terms.coins_back_when_cancelled
    kept = "The {coins} it was bought with go back to the customer. " if back else ""
    return Shown(
        title=f"Cancel {row.coupon.code}?", words=f"Its code is good for nothing then. {kept}This can't be undone."
    )


@ask("/coupons/{id:uuid}/cancel", "", "Cancel the coupon", act="coupon.cancel", load=_ask_cancel)
async def cancel(desk: Desk, tx: Tx, *_: Any) -> str:
    await rewards.cancel(tx, desk.workspace, desk.key, desk.now, actor=desk.who.actor)
    return "The coupon is cancelled."


async def _choose(desk: Desk, tx: Reading) -> Shown:
    customer = await find(tx, desk)
    options = [
        (str(one.id), f"{one.name}: {rewards.offer_sentence(one.terms, desk.workspace)}")
        for one in await rewards.list_offers(tx, desk.id)
        if one.active
    ]
    words = "Without {coins}, whatever its price is. Its limits and its stock hold all the same."
    return Shown({"once": new_id()}, customer, words=words, yes="Give" if options else "", more={"offers": options})


_GIVES = {"once": ID, "offer_id": ID}


@sheet("/customers/{id:uuid}/offer", "Give an offer", "give", _GIVES, act="coupon.issue", load=_choose)
async def give(desk: Desk, tx: Tx, given: Given, shown: Shown) -> Response[Any]:
    """The form's own number is the key: sent twice, it is given once."""
    customer: Customer = shown.thing
    offer_id, key = given["offer_id"], f"staff:{customer.id}:{given['once']}"
    desk.about(customer.customer_id, offer_id=str(offer_id))
    one = Ask(customer_id=customer.id, offer_id=offer_id, type="reward", key=key, actor=desk.who.actor)
    issued = only(await rewards.issue(tx, desk.workspace, [one], desk.now, known={customer.id: customer}))
    return desk.see(f"/coupons/{issued.coupon.id}", "The coupon is given.")
