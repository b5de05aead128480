"""Offers that shops sell for each other: what is asked for and answered, and the report of who gave what."""

from typing import Any

from regulars import rewards
from regulars.dashboard.cells import Badge, Link, Money, Send
from regulars.dashboard.declaring import act
from regulars.dashboard.desk import Desk, uuid_of
from regulars.dashboard.lists import Act, Asked, Column, Found, Listing, part_of
from regulars.dashboard.sheets import ID, TEXT, Field, Given, Shown, sheet
from regulars.kit import Reading, Tx
from regulars.rewards import Partnership

_STATES = {"asked": "Asked for", "accepted": "Agreed", "refused": "Refused", "ended": "Ended"}
_VERBS = {"accept": rewards.accept_partner, "end": rewards.end_partnership}


def _acts(one: Partnership) -> Any:
    accepts = (("accept", "Accept"), ("end", "Refuse"))
    buttons = {"asked": accepts if one.side == "gives" else (("end", "Take back"),), "accepted": (("end", "End"),)}
    shown = buttons.get(one.status)
    return Send(f"/partners/{one.id}/answer", "verb", shown, f"{one.offer}, {one.partner}") if shown else ""


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Partnership]:
    part = part_of(await rewards.partnerships(tx, desk.id), asked)
    return Found(await rewards.reported(tx, desk.id, part.rows, asked.since, asked.until), part.next)


PARTNERS = Listing[Partnership](
    path="/partners",
    purpose="Offers of other shops that you sell, and yours that they sell: what was agreed on, and who gave what.",
    columns=[
        Column("Offer", lambda one: Link(one.offer, f"/coupons?offer_id={one.here}")),
        Column("Shop", lambda one: one.partner),
        Column("Whose it is", lambda one: "Yours" if one.side == "gives" else "Theirs"),
        Column(
            "State", lambda one: Badge("good" if one.status in ("asked", "accepted") else "off", _STATES[one.status])
        ),
        Column("Given", lambda one: one.given, right=True),
        Column("Used", lambda one: one.used, right=True),
        Column("Took off", lambda one: Money(one.taken_off_minor, one.currency), right=True),
        Column("{Coins} taken", lambda one: one.coins_taken if one.side == "sells" else "", right=True),
        Column("Since", lambda one: one.created_at),
        Column("", _acts, only="page"),
    ],
    read=_read,
    nothing="Nothing is agreed on with another shop",
    nothing_why="Make an offer public on its page and send another shop its link; or ask for an offer by such a link.",
    days="Given",
    acts=[Act("Ask for an offer", "/partners/new", dialog=True)],
)


@act("/partners/{id:uuid}/answer", "partnership.answer", "/partners")
async def answer(desk: Desk, tx: Tx) -> str:
    form = await desk.form()
    verb = form.choice("verb", _VERBS)
    form.check()
    done = await _VERBS[verb](tx, desk.workspace, desk.key, desk.now)
    desk.about(done.id, verb=verb)
    return f"{_STATES[done.status]}: {done.offer}, {done.partner}."


async def _load(desk: Desk, tx: Reading) -> Shown:
    query, words = desk.request.query_params, ""
    shop, offer_id = query.get("shop", ""), uuid_of(query.get("offer_id", ""))
    if shop and offer_id:
        face = await rewards.face_of(tx, shop, offer_id)
        words = f"{face.shop} gives {face.offer}. {face.description}."
    return Shown({"shop": shop, "offer_id": offer_id or "", "coins": None}, words=words)


_ASKS = {"shop": TEXT, "offer_id": ID, "coins": Field("whole", optional=True, blank=0)}


@sheet("/partners/new", "Ask for an offer", "partner", _ASKS, yes="Ask", act="partnership.create", load=_load)
async def ask(desk: Desk, tx: Tx, given: Given, shown: Shown) -> Any:
    one = await rewards.ask_for_offer(tx, desk.workspace, given["shop"], given["offer_id"], given["coins"], desk.now)
    desk.about(one.id, offer_id=str(one.offer_id))
    return desk.see("/partners", f"{one.partner} is asked. You can sell the offer once they accept.")
