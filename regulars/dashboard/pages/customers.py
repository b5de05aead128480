"""Customers: found, looked at as a story, changed, and given or taken coins by hand; where each coin of a lot went;
made one with another, taken out, erased. What can't be undone says first what will happen."""

from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from litestar import Response, get
from litestar.enums import MediaType

from regulars import customers, integrations, ledger, limits, people, rewards, triggers
from regulars.api.management.api import only
from regulars.api.management.people import person_item
from regulars.customers import Customer, NewCustomer
from regulars.dashboard import sheets, story
from regulars.dashboard.cells import Money
from regulars.dashboard.coupons import had
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.forms import query_of
from regulars.dashboard.ladder import on_ladder
from regulars.dashboard.lists import NAMED, Act, Asked, Column, Filter, Found, Listing, until_next
from regulars.dashboard.sheets import ID, MAYBE, TEXT, TICK, Field, Fields, Given, Shown, ask, fields_of, sheet
from regulars.dashboard.trials import somebody
from regulars.engagement import messages
from regulars.kit import NotFound, Reading, Refusal, Tx, counted, countries, invalid, new_id
from regulars.tenancy import Workspace


class Known(NamedTuple):
    customer: Customer
    coins: int
    currency_code: str


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Known]:
    sort: Any = asked.chosen("sort") or "newest"
    found = await customers.search(tx, desk.id, asked.values["q"], **asked.one_more(sort=sort))
    page, next_id = until_next(found, asked.limit)
    have = await ledger.balances(tx, desk.workspace, [one.id for one in page], desk.now)
    code = desk.workspace.currency_code
    return Found([Known(one, have[one.id]["coins"].available, code) for one in page], next_id)


def _own_columns(shop: Workspace) -> list[Column[Known]]:
    def cell(name: str) -> Column[Known]:
        return Column(name, lambda row: customers.typed(row.customer.properties.get(name, "")), only="file")

    return [cell(name) for name in customers.declared(shop)]


CUSTOMERS = Listing[Known](
    path="/customers",
    purpose="Who they are, what they have, and what happened to them.",
    columns=[
        *NAMED,
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
        Column("Tags", lambda row: ", ".join(row.customer.tags), only="file"),
    ],
    own=_own_columns,
    read=_read,
    nothing="No customers yet",
    nothing_why="Customers appear here by themselves: with their first order, or when your shop rewards them for the"
    " first time.",
    filters=[
        Filter(
            "sort",
            "Sorted",
            "Newest first",
            [("oldest", "Oldest first"), ("name", "By name")],
            gives_way=("q", "from", "until"),
        )
    ],
    acts=[
        Act("Create a customer", "/customers/new", dialog=True),
        Act("Import customers", "/customers/import"),
        Act("Import {coins}", "/coins/import"),
    ],
    days="Known",
    search="Name, e-mail, mobile or customer_id",
)


_NEW = {**fields_of(NewCustomer), "dob": Field("date", optional=True, blank=None)}
_TICKS = {"accept_email": TICK, "accept_mobile": TICK}
_CHANGED = {name: _NEW[name] for name in customers.CHANGEABLE if name in _NEW} | _TICKS
_TAGS = Field("lines", optional=True, blank=())


def _details(shown: Shown) -> Fields:
    return {**_CHANGED, "tags": _TAGS, **{f"properties.{name}": MAYBE for name in shown.more["own"]}}


async def _blank(desk: Desk, tx: Reading) -> Shown:
    return Shown(more={"countries": countries.LISTED})


@sheet("/customers/new", "Create a customer", "customer", _NEW, yes="Create", load=_blank)
async def create(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    try:
        async with desk.changing("customer.create", given["customer_id"]) as tx:
            made = await triggers.create_customer(
                tx, desk.workspace, NewCustomer(**given), desk.now, actor=desk.who.actor
            )
    except Refusal as refusal:
        # The merchant API's words for a known customer are part of its contract; a shop's owner is told in others.
        if refusal.code == "customer_exists":
            refusal.fields = {"customer_id": "A customer with this id exists already."}
        raise
    return desk.see(f"/customers/{made.id}", "The customer is created.")


@page("/customers/{id:uuid}", "customer")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any] | Response[Any]:
    kind = query_of(desk.request).get("show", "")
    customer = await find(tx, desk)
    if customer.id != desk.key:
        return desk.see(f"/customers/{customer.id}")  # merged into that one
    balance = (await ledger.balances(tx, desk.workspace, [desk.key], desk.now))[desk.key]
    lots = await ledger.lots_of(tx, desk.workspace, desk.key, desk.now)
    tools = {tool.id: tool.name for tool in await integrations.list_integrations(tx, desk.id)}
    newest = await rewards.coupons(tx, desk.id, customer_id=desk.key, limit=limits.COUPONS_SHOWN)
    return {
        "customer": customer,
        "coins": balance["coins"],
        "credits": balance["credits"],
        "lots": lots[: limits.LOTS_SHOWN],
        "lots_more": len(lots) - limits.LOTS_SHOWN,
        "facts": await story.of_customer(tx, desk.workspace, customer, kind, tools),
        "triggers": await triggers.list_triggers(tx, desk.id),
        "tier": await on_ladder(tx, desk.workspace, customer, desk.now),
        "coupons": await had(desk, tx, newest),
        "consents": await messages.consents_of(tx, desk.workspace, customer),
        "stopped": await messages.suppressions(tx, desk.id, address=customer.email, channel="email", limit=1)
        if customer.email
        else [],
        "show": kind,
        "kinds": story.KINDS,
    }


async def _edit(desk: Desk, tx: Reading) -> Shown:
    customer = await find(tx, desk)
    available = (await ledger.balances(tx, desk.workspace, [customer.id], desk.now))[customer.id]["coins"].available
    own = {f"properties.{name}": customers.typed(value) for name, value in customer.properties.items()}
    more = {"available": available, "countries": countries.LISTED, "own": customers.declared(desk.workspace)}
    return Shown(msgspec.structs.asdict(customer) | own, customer, more=more)


@sheet("/customers/{id:uuid}/edit", "Edit details", "customer", _details, act="customer.update", load=_edit)
async def change(desk: Desk, tx: Tx, given: Given, shown: Shown) -> None:
    desk.about(shown.thing.customer_id)
    given["properties"] = {name: given.pop(f"properties.{name}") for name in shown.more["own"]}
    await customers.change(tx, desk.workspace, desk.key, given, desk.now, available=shown.more["available"])


async def _balance(desk: Desk, tx: Reading) -> Shown:
    customer = await find(tx, desk)
    have = (await ledger.balances(tx, desk.workspace, [customer.id], desk.now))[customer.id]["coins"]
    words = f"{customer.name or customer.customer_id} has {counted(have.available, desk.workspace.coin_name)}."
    return Shown({"operation": "cr", "once": new_id()}, customer, words=words)


_MOVES = {"once": ID, "operation": Field("choice", options=("cr", "dr")), "amount": Field("whole", 1), "reason": TEXT}


@sheet("/customers/{id:uuid}/coins", "Adjust {coins}", "adjust", _MOVES, yes="Adjust", load=_balance)
async def adjust(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    form, customer = await desk.form(), shown.thing
    operation, amount, reason = given["operation"], given["amount"], given["reason"]
    if not reason:
        form.faults.add("reason", "a few words, which the customer's history will show")
    # The form's own number is the key: sent twice, the coins move once.
    entry = ledger.Entry(
        customer_id=customer.id,
        operation=operation,
        amount=amount,
        type="adjust",
        occurred_at=desk.now,
        title=reason[:200],
        actor=desk.who.actor,
        key=f"adjust:{given['once']}",
    )
    form.check()
    try:
        async with desk.app.db.transaction() as tx:
            outcome = only(await ledger.post(tx, desk.workspace, [entry], desk.now))
            if not outcome.repeated:
                await desk.audit(tx, "customer.adjust", customer.customer_id, operation=operation, amount=amount)
    except ledger.KeyTaken:
        form.values["once"] = str(new_id())
        words = "This form was sent before with other values, and then it was done. Sent again, it is done anew."
        raise Refusal(words) from None
    were = f"{'was' if amount == 1 else 'were'} {'given' if operation == 'cr' else 'taken away'}"
    done = f"{counted(amount, desk.workspace.coin_name)} {were}"
    said = f"{done} before: nothing moved now." if outcome.repeated else f"{done}."
    return desk.see(f"/customers/{customer.id}", said)


async def find(tx: Reading, desk: Desk) -> Customer:
    """The one whose id stands in the address."""
    return await customers.get(tx, desk.id, "This customer does not exist in your shop.", id=desk.key)


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
async def lot(desk: Desk, tx: Reading) -> dict[str, Any]:
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


async def _two(desk: Desk, tx: Reading) -> Shown:
    """With the other one, once they are named: looked up first, and both shown before anything happens."""
    customer, into = await find(tx, desk), None
    with suppress(NotFound):
        into = await somebody(desk, tx, (await desk.form()).text("into") or "-")
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
