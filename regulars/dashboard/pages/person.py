"""A customer as a person: made one with another, taken out, erased. Each says first what will happen."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath

from regulars import customers, ledger, people
from regulars.api.management.people import person_item
from regulars.customers import Customer
from regulars.dashboard.desk import Desk, Form, Handed, uuid_of
from regulars.kit.db import Reading
from regulars.kit.errors import NotFound, Refusal, invalid


@get("/customers/{id_:uuid}/merge")
async def ask_merge(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    return await _merging(desk, id_, desk.blank(into=""))


@post("/customers/{id_:uuid}/merge")
async def merge(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    """Looks the other one up first, and shows both; what is confirmed is that very one."""
    form = await desk.form()
    try:
        async with desk.reading() as tx:
            into = await _named(tx, desk, form.text("into"))
        if into is None or into.id == id_:
            raise invalid("into", "the customer_id, the e-mail address or the mobile number of another customer")
        if form.text("confirmed") != str(into.id):
            return await _merging(desk, id_, form, into)
        async with desk.changing("customer.merge", into.customer_id, merged=str(id_)) as tx:
            await people.merge(tx, desk.workspace, id_, into.id, desk.now, actor=desk.who.actor)
    except Refusal as refusal:
        return await _merging(desk, id_, form.refused(refusal), status=422)
    return desk.see(f"/customers/{into.id}", "They are one customer now.")


@get("/customers/{id_:uuid}/erase")
async def ask_erase(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        customer = await _found(tx, desk, id_)
    coin_name = desk.workspace.coin_name
    return desk.page(
        "pages/confirm.html",
        title=f"Erase {customer.name or customer.customer_id}?",
        words="Name, e-mail address, mobile number and customer_id are forgotten for good: here, in their orders, in"
        " what happened and in what was sent. What waits to be sent about them is not sent. Their orders and"
        f" {coin_name} still count in your figures, under an id that is nobody's. Tools that were told of them before"
        " know what they were told: erase them there, too. This can't be undone.",
        yes="Erase for good",
        back=f"/customers/{id_}",
    )


@post("/customers/{id_:uuid}/erase")
async def erase(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    async with desk.changing("customer.erase", id_) as tx:
        await people.erase(tx, desk.workspace, id_, desk.now)
    return desk.see("/customers", "The customer is erased.")


@get("/customers/{id_:uuid}/export")
async def export(desk: Handed, id_: FromPath[UUID]) -> Response[bytes]:
    async with desk.reading() as tx:
        customer = await _found(tx, desk, id_)
        person = await people.take_out(tx, desk.workspace, customer)
        said = await person_item(tx, desk.workspace, person, desk.now)
    headers = {"content-disposition": f'attachment; filename="customer-{customer.id}.json"'}
    return Response(msgspec.json.format(msgspec.json.encode(said)), media_type=MediaType.JSON, headers=headers)


async def _merging(desk: Desk, id_: UUID, form: Form, into: Customer | None = None, status: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        customer = await _found(tx, desk, id_)
        both = [customer] if into is None else [customer, into]
        have = await ledger.balances(tx, desk.workspace, [one.id for one in both], desk.now)
    coins = {one.id: have[one.id]["coins"] for one in both}
    return desk.page(
        "pages/customer_merge.html", status=status, form=form, customer=customer, into=into, both=both, coins=coins
    )


async def _named(tx: Reading, desk: Desk, text: str) -> Customer | None:
    if not text:
        return None
    ways = ({"id": uuid_of(text)}, {"customer_id": text}, {"email": text}, {"mobile": text})
    for way in ways:
        if found := await customers.find(tx, desk.id, country=desk.workspace.country, **way):
            return found
    return None


async def _found(tx: Reading, desk: Desk, id_: UUID) -> Customer:
    customer = await customers.find(tx, desk.id, id=id_)
    if customer is None:
        raise NotFound("This customer does not exist in your shop.")
    return customer


HANDLERS = [ask_merge, merge, ask_erase, erase, export]
