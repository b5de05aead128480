"""The checkout: connected, its rules, its secret, and a cart tried."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.types import ControllerRouterHandler

from regulars import checkout, customers, events, limits, orders
from regulars.checkout import Quote, Rules
from regulars.customers import Customer
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.forms import query_of
from regulars.kit.db import Reading
from regulars.kit.errors import Faults, Refusal

TAKES = {"hold": "Hold them until the order comes in", "debit": "Take them at once"}


@get("/checkout")
async def shown(desk: Handed) -> Response[str]:
    """With a customer and an amount in the address, also what such a cart would use."""
    async with desk.reading() as tx:
        found = await checkout.connection(tx, desk.id)
    values: dict[str, Any] = {"coins": 100, "worth": "1", "takes": "hold"}
    if found:
        values = msgspec.structs.asdict(found.rules) | {"unsigned": "yes" if found.rules.unsigned else ""}
        values["worth"] = events.major_units(found.rules.worth_minor, desk.workspace.currency_code)
    return await _page(desk, desk.blank(**values))


@post("/checkout")
async def connect(desk: Handed) -> Response[str]:
    form = await desk.form()
    try:
        rules = _rules(desk, form)
        async with desk.app.db.transaction() as tx:
            connected = await checkout.connect(tx, desk.workspace, desk.app.box, rules, desk.now)
            if connected.changed:
                act = "checkout.connect" if connected.secret else "checkout.update"
                await desk.audit(tx, act, desk.id, **msgspec.structs.asdict(rules))
    except Refusal as refusal:
        return await _page(desk, form.refused(refusal), 422)
    if connected.secret:
        return desk.page("pages/checkout_secret.html", secret=connected.secret, rotated=False)
    return desk.see("/checkout", "Saved.")


@get("/checkout/rotate")
async def ask_rotate(desk: Handed) -> Response[str]:
    return desk.page(
        "pages/confirm.html",
        title="Make a new secret?",
        words="The new one is shown once. For a day calls may be signed with either, while your checkout changes over.",
        yes="Make a new secret",
        back="/checkout",
    )


@post("/checkout/rotate")
async def rotate(desk: Handed) -> Response[str]:
    async with desk.changing("checkout.rotate", desk.id) as tx:
        connected = await checkout.rotate(tx, desk.id, desk.app.box, desk.now)
    return desk.page("pages/checkout_secret.html", secret=connected.secret, rotated=True)


@get("/checkout/disconnect")
async def ask_disconnect(desk: Handed) -> Response[str]:
    return desk.page(
        "pages/confirm.html",
        title="Disconnect the checkout?",
        words="Its address and its secret are forgotten, and calls to it are refused. What was taken stays taken.",
        yes="Disconnect",
        back="/checkout",
    )


@post("/checkout/disconnect")
async def disconnect(desk: Handed) -> Response[str]:
    async with desk.changing("checkout.disconnect", desk.id) as tx:
        await checkout.disconnect(tx, desk.id)
    return desk.see("/checkout", "Disconnected.")


def _rules(desk: Desk, form: Form) -> Rules:
    """Raises Invalid naming each field."""
    coins, worth = form.whole("coins", least=1), 1
    if coins > limits.COINS_MAX:
        form.faults.add("coins", f"at most {limits.COINS_MAX:,}")
    with form.faults:
        worth = orders.minor_units("worth", form.text("worth"), desk.workspace.currency_code)
        if not 1 <= worth <= limits.COINS_MAX:
            form.faults.add("worth", "an amount above 0")
    takes: Any = form.choice("takes", TAKES)
    form.check()
    return Rules(coins, worth, takes, form.on("unsigned"))


async def _page(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    query = query_of(desk.request) if desk.request.method == "GET" else {}
    cart = Form(values={name: query.get(name, "") for name in ("customer", "amount")})
    uses, customer = None, None
    async with desk.reading() as tx:
        found = await checkout.connection(tx, desk.id)
        if found and any(cart.values.values()):
            try:
                customer, uses = await _try(tx, desk, found.rules, cart)
            except Refusal as refusal:
                cart.refused(refusal)
    return desk.page(
        "pages/checkout.html",
        status=status,
        found=found,
        form=form,
        takes=list(TAKES.items()),
        cart=cart,
        customer=customer,
        uses=uses,
    )


async def _try(tx: Reading, desk: Desk, rules: Rules, cart: Form) -> tuple[Customer, Quote]:
    """Raises Invalid naming each field."""
    faults, amount = Faults(), 0
    with faults:
        amount = orders.minor_units("amount", cart.text("amount"), desk.workspace.currency_code)
    customer = await customers.find(tx, desk.id, customer_id=cart.text("customer") or "-")
    if customer is None:
        faults.add("customer", "the customer_id of a customer of your shop")
    faults.check()
    assert customer is not None
    return customer, await checkout.quote(tx, desk.workspace, rules, customer.id, "coins_and_credits", amount, desk.now)


HANDLERS: list[ControllerRouterHandler] = [shown, connect, ask_rotate, rotate, ask_disconnect, disconnect]
