"""The checkout: connected, its rules and its secret changed, looked at for a customer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import checkout, customers, events, limits, orders
from regulars.api.management.api import Call, NoQuery, management
from regulars.checkout import Connected, Connection, NotConnected, Rules, WalletType
from regulars.customers.reported import CustomerId
from regulars.kit import Reading, Tx, copied, invalid
from regulars.ledger import amount_on_wire
from regulars.orders.reported import Money


class CheckoutRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many `coins` are worth `worth` units of the shop's currency at the checkout."""

    coins: Annotated[int, Meta(ge=1, le=limits.COINS_MAX, examples=[100])]
    worth: Annotated[Money, Meta(examples=["1.00"])]
    takes: Annotated[
        Literal["hold", "debit"],
        Meta(description="`hold`: until the order comes in, or the time limit of holds; `debit`: at once."),
    ] = "hold"
    unsigned: Annotated[
        bool, Meta(description="Take calls at the older address without a signature: whoever knows it can spend coins.")
    ] = False


class CheckoutConnection(msgspec.Struct, frozen=True):
    """`path` is where the checkout calls, after this server's address; null for a key that may not write rules, as the
    older path is a secret where `unsigned` is on. `secret` is answered when it is made, and never again."""

    path: str | None
    older_path: str | None
    coins: int
    worth: int | float
    takes: str
    unsigned: bool
    secret: str | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class CartQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cart of a customer, looked at."""

    customer_id: Annotated[CustomerId, Meta(examples=["shopify-7029064106277"])]
    amount: Annotated[Money, Meta(examples=["49.90"])]
    wallet_type: WalletType = "coins_and_credits"


class CheckoutQuote(msgspec.Struct, frozen=True):
    """What the cart would use; nothing is taken."""

    customer: UUID
    coins: int
    credits: int | float
    discount: int | float
    payable: int | float


@management.get("/checkout", "How the checkout is connected", tag="Checkout")
async def read_checkout(call: Call[NoQuery, None], tx: Reading) -> CheckoutConnection:
    found = await checkout.connection(tx, call.workspace_id)
    if found is None:
        raise NotConnected
    return _said(call, Connected(found))


@management.put("/checkout", "Connect the checkout, or change its rules", tag="Checkout", stored=False)
async def connect_checkout(call: Call[NoQuery, CheckoutRules], tx: Tx) -> CheckoutConnection:
    """The answer holds the secret when it connects, so it takes no Idempotency-Key: sent again it changes nothing."""
    body = call.body
    worth = orders.minor_units("worth", body.worth, call.workspace.currency_code)
    if not 1 <= worth <= limits.COINS_MAX:
        raise invalid("worth", "an amount above 0")
    rules = Rules(body.coins, worth, body.takes, body.unsigned)
    connected = await checkout.connect(tx, call.workspace, call.app.box, rules, call.now)
    if connected.changed:
        act = "checkout.connect" if connected.secret else "checkout.update"
        await call.audit(tx, act, call.workspace_id, **msgspec.structs.asdict(rules))
    return _said(call, connected)


@management.post("/checkout/rotate", "Make a new secret", tag="Checkout", stored=False)
async def rotate_checkout(call: Call[NoQuery, None], tx: Tx) -> CheckoutConnection:
    """The one there was goes on proving calls for a day."""
    connected = await checkout.rotate(tx, call.workspace_id, call.app.box, call.now)
    await call.audit(tx, "checkout.rotate", call.workspace_id)
    return _said(call, connected)


@management.delete("/checkout", "Disconnect the checkout", tag="Checkout", status=204)
async def disconnect_checkout(call: Call[NoQuery, None], tx: Tx) -> None:
    """Its address is nobody's from now on. What was taken stays taken."""
    await checkout.disconnect(tx, call.workspace_id)
    await call.audit(tx, "checkout.disconnect", call.workspace_id)


@management.get("/checkout/quote", "What a cart would use", tag="Checkout")
async def quote_checkout(call: Call[CartQuery, None], tx: Reading) -> CheckoutQuote:
    """As the checkout's `list` answers."""
    shop, query = call.workspace, call.query
    found = await checkout.connection(tx, shop.id)
    if found is None:
        raise NotConnected
    customer = await customers.get(tx, shop.id, customer_id=query.customer_id)
    amount = orders.minor_units("amount", query.amount, shop.currency_code)
    uses = await checkout.quote(tx, shop, found.rules, customer.id, query.wallet_type, amount, call.now)
    code = shop.currency_code
    return CheckoutQuote(
        customer.id,
        uses.coins,
        amount_on_wire("credits", uses.credits),
        events.major_units(uses.discount_minor, code),
        events.major_units(amount - uses.discount_minor, code),
    )


def _said(call: Call[Any, Any], connected: Connected) -> CheckoutConnection:
    of: Connection = connected.connection
    writes = call.caller.key.may("rules", "WRITE")
    return copied(
        CheckoutConnection,
        of,
        of.rules,
        path=of.path if writes else None,
        older_path=of.older_path if writes else None,
        worth=events.major_units(of.rules.worth_minor, call.workspace.currency_code),
        secret=connected.secret or None,
        previous_secret_until=of.previous_until,
    )
