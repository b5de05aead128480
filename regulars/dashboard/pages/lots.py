"""One lot of a customer: what brought it, what is left, and where each of its coins went."""

from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from regulars import ledger, triggers
from regulars.api.management.api import the_customer
from regulars.dashboard.desk import Handed

WENT = {
    "redeemed": "Spent",
    "expired": "Expired",
    "clawed_back": "Taken back",
    "held": "Held",
    "debt": "Paid what was owed",
    "pending": "Waits again",
    "adjusted": "Taken by hand",
}
CAME = {"pending": "Became usable", "held": "Held no longer", "redeemed": "Given back", "clawed_back": "Given again"}


@get("/customers/{id_:uuid}/lots/{lot_id:uuid}")
async def shown(desk: Handed, id_: FromPath[UUID], lot_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        customer = await the_customer(tx, desk.id, id_)
        story = await ledger.lot_story(tx, desk.workspace, customer.id, lot_id, desk.now)
        given_by = story.txn.trigger_id
        trigger = await triggers.find_trigger(tx, desk.id, given_by) if given_by else None
    went = [
        ("Moved to another customer" if txn.act == "merge" else CAME[move.from_account]
         if move.to_account == "available" else WENT[move.to_account], move, txn)
        for move, txn in story.moves
    ]  # fmt: skip
    return desk.page("pages/lot.html", customer=customer, lot=story.lot, txn=story.txn, trigger=trigger, went=went)


HANDLERS = [shown]
