"""A customer as a person: made one with another, taken out, erased. Each says first what will happen."""

from typing import Any

import msgspec
from litestar import Response, get
from litestar.enums import MediaType

from regulars import customers, ledger, people
from regulars.api.management.people import person_item
from regulars.customers import Customer
from regulars.dashboard import sheets
from regulars.dashboard.desk import Desk, Handed, uuid_of
from regulars.dashboard.pages.customers import find
from regulars.dashboard.sheets import TEXT, Given, Shown, ask, sheet
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import invalid


async def _two(desk: Desk, tx: Reading) -> Shown:
    """With the other one, once they are named: looked up first, and both shown before anything happens."""
    customer, named = await find(tx, desk), (await desk.form()).text("into")
    into = await _named(tx, desk, named) if named else None
    into = None if into == customer else into
    both = [customer] if into is None else [customer, into]
    have = await ledger.balances(tx, desk.workspace, [one.id for one in both], desk.now)
    coins = {one.id: have[one.id]["coins"] for one in both}
    more = {"into": into, "both": both, "coins": coins, "risky": into is not None}
    values = dict.fromkeys(("into", "confirmed"), into.id) if into else {}
    title = f"Merge {customer.name or customer.customer_id} into another customer"
    return Shown(values, customer, title, yes="Merge" if into else "", more=more)


@sheet("/customers/{id:uuid}/merge", "", "merge", {"into": TEXT}, yes="Look at both", load=_two)
async def merge(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    """What is confirmed is that very one."""
    into = shown.more["into"]
    if into is None:
        raise invalid("into", "the customer_id, the e-mail address or the mobile number of another customer")
    if (await desk.form()).text("confirmed") != str(into.id):
        return sheets.draw(desk, merge, shown)
    async with desk.changing("customer.merge", into.customer_id, merged=str(desk.key)) as tx:
        await people.merge(tx, desk.workspace, desk.key, into.id, desk.now, actor=desk.who.actor)
    return desk.see(f"/customers/{into.id}", "They are one customer now.")


async def _ask_erase(desk: Desk, tx: Reading) -> Shown:
    customer = await find(tx, desk)
    return Shown(title=f"Erase {customer.name or customer.customer_id}?")


@ask("/customers/{id:uuid}/erase", "", "Erase for good", act="customer.erase", load=_ask_erase)
async def erase(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """Name, e-mail address, mobile number and customer_id are forgotten for good: here, in their orders, in what
    happened and in what was sent. What waits to be sent about them is not sent. Their orders and {coins} still count in
    your figures, under an id that is nobody's. Tools that were told of them before know what they were told: erase them
    there, too. This can't be undone."""
    await people.erase(tx, desk.workspace, desk.key, desk.now)
    return desk.see("/customers", "The customer is erased.")


@get("/customers/{id:uuid}/export")
async def export(desk: Handed) -> Response[bytes]:
    async with desk.reading() as tx:
        customer = await find(tx, desk)
        person = await people.take_out(tx, desk.workspace, customer)
        said = await person_item(tx, desk.workspace, person, desk.now)
    headers = {"content-disposition": f'attachment; filename="customer-{customer.id}.json"'}
    return Response(msgspec.json.format(msgspec.json.encode(said)), media_type=MediaType.JSON, headers=headers)


async def _named(tx: Reading, desk: Desk, text: str) -> Customer | None:
    for way in ({"id": uuid_of(text)}, {"customer_id": text}, {"email": text}, {"mobile": text}):
        if found := await customers.find(tx, desk.id, country=desk.workspace.country, **way):
            return found
    return None
