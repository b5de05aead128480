"""The checkout: connected, its rules, its secret, and a cart tried."""

from typing import Any

import msgspec
from litestar import Response

from regulars import checkout, customers, limits, orders
from regulars.checkout import Quote, Rules
from regulars.customers import Customer
from regulars.dashboard.desk import Desk, Form
from regulars.dashboard.forms import query_of
from regulars.dashboard.sheets import Field, Given, Shown, ask, fields_of, sheet
from regulars.kit import Faults, Reading, Refusal, Tx, units_of


async def _load(desk: Desk, tx: Reading) -> Shown:
    """With a customer and an amount in the address, also what such a cart would use."""
    found = await checkout.connection(tx, desk.id)
    query = query_of(desk.request) if desk.request.method == "GET" else {}
    cart = Form(values={name: query.get(name, "") for name in ("customer", "amount")})
    uses, customer = None, None
    if found and any(cart.values.values()):
        try:
            customer, uses = await _try(tx, desk, found.rules, cart)
        except Refusal as refusal:
            cart.refused(refusal)
    rules = found.rules if found else Rules(100, units_of(desk.workspace.currency_code))
    values = msgspec.structs.asdict(rules) | {"worth": rules.worth_minor}
    more: dict[str, Any] = {"found": found, "cart": cart, "customer": customer, "uses": uses}
    return Shown(values, found, yes="" if found else "Connect", more=more)


_PURPOSE = "Customers pay with {coins} and credits when they buy."
_FIELDS = {
    **{name: fields_of(Rules)[name] for name in ("coins", "takes", "unsigned")},
    "worth": Field("money", 1, limits.COINS_MAX),
}


@sheet("/checkout", "Checkout", "checkout", _FIELDS, purpose=_PURPOSE, load=_load)
async def connect(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    (await desk.form()).check()
    rules = Rules(given.pop("coins"), given.pop("worth"), **given)
    async with desk.app.db.transaction() as tx:
        connected = await checkout.connect(tx, desk.workspace, desk.app.box, rules, desk.now)
        if connected.changed:
            act = "checkout.connect" if connected.secret else "checkout.update"
            await desk.audit(tx, act, desk.id, **msgspec.structs.asdict(rules))
    return _secret(desk, connected.secret) if connected.secret else desk.see("/checkout", "Saved.")


@ask("/checkout/rotate", "Make a new secret?", "Make a new secret", act="checkout.rotate")
async def rotate(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """The new one is shown once. For a day calls may be signed with either, while your checkout changes over."""
    connected = await checkout.rotate(tx, desk.id, desk.app.box, desk.now)
    return _secret(desk, connected.secret, " For a day the older one holds too.")


@ask("/checkout/disconnect", "Disconnect the checkout?", "Disconnect", act="checkout.disconnect", said="Disconnected.")
async def disconnect(desk: Desk, tx: Tx, *_: Any) -> None:
    """Its address and its secret are forgotten, and calls to it are refused. What was taken stays taken."""
    await checkout.disconnect(tx, desk.id)


def _secret(desk: Desk, secret: str, more: str = "") -> Response[str]:
    words = f"Your shop's server signs with it what it sends to the checkout's address.{more}"
    return desk.secret("The checkout's secret", words, [secret], "/checkout")


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
