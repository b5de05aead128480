"""One lot of a customer: what brought it, what is left, and where each of its coins went."""

from typing import Any

from regulars import ledger, triggers
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk
from regulars.dashboard.pages.customers import find
from regulars.kit.db import Reading

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


@page("/customers/{id:uuid}/lots/{lot_id:uuid}", "lot")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any]:
    customer = await find(tx, desk)
    story = await ledger.lot_story(tx, desk.workspace, customer.id, desk.id_of("lot_id"), desk.now)
    given_by = story.txn.trigger_id
    trigger = await triggers.find_trigger(tx, desk.id, given_by) if given_by else None
    went = [
        ("Moved to another customer" if txn.act == "merge" else CAME[move.from_account]
         if move.to_account == "available" else WENT[move.to_account], move, txn)
        for move, txn in story.moves
    ]  # fmt: skip
    return {"customer": customer, "lot": story.lot, "txn": story.txn, "trigger": trigger, "went": went}
