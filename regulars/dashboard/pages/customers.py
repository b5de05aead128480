"""Customers: found, looked at as a story, changed, and given or taken coins by hand."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars import customers, integrations, ledger, limits, triggers
from regulars.customers import Customer, NewCustomer
from regulars.dashboard import story
from regulars.dashboard.cells import Link, Money, Name, Small
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.forms import query_of
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, handlers, until_next
from regulars.kit import countries
from regulars.kit.db import Reading
from regulars.kit.errors import NotFound, Refusal
from regulars.kit.ids import new_id
from regulars.kit.wording import counted

DETAILS = ("name", "email", "mobile", "country", "gender", "dob")
LISTS: dict[str, Any] = {
    "genders": [(gender, gender.capitalize()) for gender in ("female", "male", "other")],
    "countries": countries.LISTED,
}
WAYS = {"cr": "Give", "dr": "Take away"}


class Known(NamedTuple):
    customer: Customer
    coins: int
    currency_code: str


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Known]:
    sort: Any = asked.chosen("sort") or "newest"
    found = await customers.search(
        tx,
        desk.id,
        asked.values["q"],
        since=asked.since,
        until=asked.until,
        sort=sort,
        before_id=asked.before_id,
        limit=asked.limit + 1,
    )
    page, next_id = until_next(found, asked.limit)
    have = await ledger.balances(tx, desk.workspace, [one.id for one in page], desk.now)
    code = desk.workspace.currency_code
    return Found([Known(one, have[one.id]["coins"].available, code) for one in page], next_id)


def _named(row: Known) -> list[Any]:
    who = row.customer
    return [Link(Name(who.name), f"/customers/{who.id}"), Small(who.customer_id)]


CUSTOMERS = Listing[Known](
    path="/customers",
    title="Customers",
    purpose="Who they are, what they have, and what happened to them.",
    columns=[
        Column("Name", _named, only="page"),
        Column("Name", lambda row: row.customer.name, only="file"),
        Column("customer_id", lambda row: row.customer.customer_id, only="file"),
        Column("E-mail", lambda row: row.customer.email or row.customer.mobile, only="page"),
        Column("E-mail", lambda row: row.customer.email, only="file"),
        Column("Mobile", lambda row: row.customer.mobile, only="file"),
        Column("Country", lambda row: row.customer.country.upper(), only="file"),
        Column("Tier", lambda row: row.customer.tier, only="file"),
        Column("{Coins}", lambda row: row.coins, right=True),
        Column("Orders", lambda row: row.customer.orders_count, right=True),
        Column("Spent", lambda row: Money(row.customer.spent.get(row.currency_code, 0), row.currency_code), right=True),
        Column("Currency", lambda row: row.currency_code.upper(), only="file"),
        Column("Last order", lambda row: row.customer.last_order_at),
        Column("Known since", lambda row: row.customer.created_at, only="file"),
    ],
    read=_read,
    nothing="No customers yet",
    nothing_why="Customers appear here by themselves: with their first order, or when your shop rewards them for the"
    " first time.",
    filters=[Filter("sort", "Sorted", "Newest first", [("oldest", "Oldest first"), ("name", "By name")], alone=True)],
    acts=[Act("Create a customer", "/customers/new", dialog=True), Act("Import orders", "/orders/import")],
    days="Known",
    search="Name, e-mail, mobile or customer_id",
)


@get("/customers/new")
async def blank(desk: Handed) -> Response[str]:
    return desk.page("pages/customer_new.html", form=Form(), **LISTS)


@post("/customers/new")
async def create(desk: Handed) -> Response[str]:
    form = await desk.form()
    try:
        details = NewCustomer(
            customer_id=form.text("customer_id"), referral_code=form.text("referral_code"), **_details(form)
        )
        async with desk.changing("customer.create", details.customer_id) as tx:
            made = await triggers.create_customer(tx, desk.workspace, details, desk.now, actor=desk.who.actor)
    except Refusal as refusal:
        return desk.wrong("pages/customer_new.html", form, _in_our_words(refusal), **LISTS)
    return desk.see(f"/customers/{made.id}", "The customer is created.")


@get("/customers/{id_:uuid}")
async def shown(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    kind = query_of(desk.request).get("show", "")
    async with desk.reading() as tx:
        customer = await _find(tx, desk, id_)
        if customer.id != id_:
            return desk.see(f"/customers/{customer.id}")  # merged into that one
        balance = (await ledger.balances(tx, desk.workspace, [id_], desk.now))[id_]
        lots = await ledger.lots_of(tx, desk.workspace, id_, desk.now)
        tools = {tool.id: tool.name for tool in await integrations.list_integrations(tx, desk.id)}
        facts = await story.of_customer(tx, desk.workspace, customer, kind, tools)
        asked = await triggers.list_triggers(tx, desk.id)
    return desk.page(
        "pages/customer.html",
        customer=customer,
        coins=balance["coins"],
        credits=balance["credits"],
        lots=lots[: limits.LOTS_SHOWN],
        lots_more=len(lots) - limits.LOTS_SHOWN,
        facts=facts,
        triggers=asked,
        show=kind,
        kinds=story.KINDS,
        form=_filled(desk, customer),
        **LISTS,
    )


@get("/customers/{id_:uuid}/edit")
async def edit(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        customer = await _find(tx, desk, id_)
    return desk.page("pages/customer_edit.html", customer=customer, form=_filled(desk, customer), **LISTS)


@post("/customers/{id_:uuid}/edit")
async def change(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    form = await desk.form()
    async with desk.reading() as tx:
        customer = await _find(tx, desk, id_)
        available = (await ledger.balances(tx, desk.workspace, [id_], desk.now))[id_]["coins"].available
    try:
        changes: dict[str, Any] = _details(form) | {name: form.on(name) for name in ("accept_email", "accept_mobile")}
        async with desk.changing("customer.update", customer.customer_id) as tx:
            await customers.change(tx, desk.workspace, id_, changes, desk.now, available=available)
    except Refusal as refusal:
        return desk.wrong("pages/customer_edit.html", form, refusal, customer=customer, **LISTS)
    return desk.see(f"/customers/{id_}", "Saved.")


@get("/customers/{id_:uuid}/coins")
async def ask_coins(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        customer = await _find(tx, desk, id_)
        balance = (await ledger.balances(tx, desk.workspace, [id_], desk.now))[id_]["coins"]
    form = desk.blank(operation="cr", once=str(new_id()))
    return desk.page("pages/customer_coins.html", customer=customer, coins=balance, form=form)


@post("/customers/{id_:uuid}/coins")
async def adjust(desk: Handed, id_: FromPath[UUID]) -> Response[str]:
    form = await desk.form()
    async with desk.reading() as tx:
        customer = await _find(tx, desk, id_)
        balance = (await ledger.balances(tx, desk.workspace, [id_], desk.now))[id_]["coins"]
    try:
        operation: Any = form.choice("operation", WAYS)
        amount, reason = form.whole("amount", least=1), form.text("reason")
        if not reason:
            form.faults.add("reason", "a few words, which the customer's history will show")
        # The form's own number is the key: sent twice, the coins move once.
        entry = ledger.Entry(
            customer_id=id_,
            operation=operation,
            amount=amount,
            type="adjust",
            occurred_at=desk.now,
            title=reason[:200],
            actor=desk.who.actor,
            key=f"adjust:{form.uuid('once')}",
        )
        async with desk.app.db.transaction() as tx:
            outcome = (await ledger.post(tx, desk.workspace, [entry], desk.now))[0]
            if isinstance(outcome, Refusal):
                raise outcome
            if not outcome.repeated:
                await desk.audit(tx, "customer.adjust", customer.customer_id, operation=operation, amount=amount)
    except ledger.KeyTaken:
        form.values["once"] = str(new_id())
        sent = Refusal(
            "This form was sent before with other values, and then it was done. Sent again, it is done anew."
        )
        return desk.wrong("pages/customer_coins.html", form, sent, customer=customer, coins=balance)
    except Refusal as refusal:
        return desk.wrong("pages/customer_coins.html", form, refusal, customer=customer, coins=balance)
    were = f"{'was' if amount == 1 else 'were'} {'given' if operation == 'cr' else 'taken away'}"
    done = f"{counted(amount, desk.workspace.coin_name)} {were}"
    return desk.see(f"/customers/{id_}", f"{done} before: nothing moved now." if outcome.repeated else f"{done}.")


async def _find(tx: Reading, desk: Desk, id_: UUID) -> Customer:
    customer = await customers.find(tx, desk.id, id=id_)
    if customer is None:
        raise NotFound("This customer does not exist in your shop.")
    return customer


def _filled(desk: Desk, customer: Customer) -> Form:
    return desk.blank(
        name=customer.name,
        email=customer.email,
        mobile=customer.mobile,
        country=customer.country,
        gender=customer.gender,
        dob=customer.dob.isoformat() if customer.dob else "",
        accept_email="yes" if customer.accept_email else "",
        accept_mobile="yes" if customer.accept_mobile else "",
    )


def _details(form: Form) -> dict[str, Any]:
    details: dict[str, Any] = {name: form.text(name) for name in DETAILS}
    try:
        details["dob"] = date.fromisoformat(details["dob"]) if details["dob"] else None
    except ValueError:
        details["dob"] = None
        form.faults.add("dob", "a date such as 1990-05-26")
    return details


def _in_our_words(refusal: Refusal) -> Refusal:
    """The merchant API's words for a known customer are part of its contract; a shop's owner is told in others."""
    if refusal.code == "customer_exists":
        return Refusal(refusal.message, fields={"customer_id": "A customer with this id exists already."})
    return refusal


HANDLERS: list[ControllerRouterHandler] = [
    *handlers(CUSTOMERS),
    blank,
    create,
    shown,
    edit,
    change,
    ask_coins,
    adjust,
]
