"""What the shop's checkout calls: `POST /hooks/checkout/{hook_id}`, signed, and the older address, where the id is the
secret if the shop lets it be.

Answered in the merchant API's envelope, when the coins are held or taken. A stranger's call costs a look-up once per
KEY_CACHE_S, and the reading and hashing of a short body.

    POST --nobody's address--> 422 checkout_unknown
      `--not signed as it must be--> 401 signature_wrong
            `--list--> what the cart could use
            `--perform, revert--> one transaction --> what was taken or given back, 200
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.response.base import ASGIResponse
from msgspec import Meta

from regulars import checkout, customers, events, ledger, limits, orders, tenancy
from regulars.api.meters import Meters
from regulars.api.reading import read_body
from regulars.api.serving import SAFE, answered, check_source, encode
from regulars.checkout import Cart, Known, WalletType
from regulars.customers import Customer
from regulars.kit import Faults, NotFound, Reading, Tx, again_when_raced, invalid
from regulars.kit.remembered import Remembered
from regulars.ledger import amount_on_wire
from regulars.orders.reported import Money
from regulars.tenancy import Workspace
from regulars.wiring import App, part

PATH = "/hooks/checkout/{hook_id:str}"
OLDER_PATH = "/api/open/integrations/customcheckoutwebhook/{hook_id:str}"
LABEL = "POST /hooks/checkout"

_FRESH = timedelta(seconds=limits.KEY_CACHE_S)

Http = Request[Any, Any, Any]


class CheckoutUnknown(NotFound, code="checkout_unknown"):
    """No shop's checkout has this address, or it was disconnected."""


class CheckoutCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`customer_id` or `mobile` says whose wallets; `amount` is the cart's, in units of the shop's currency."""

    action: Literal["list", "perform", "revert"]
    customer_id: Annotated[str, Meta(max_length=limits.CUSTOMER_ID_CHARS_MAX)] = ""
    mobile: Annotated[str, Meta(max_length=limits.MOBILE_CHARS_MAX)] = ""
    amount: Money | None = None
    wallet_type: WalletType = "coins_and_credits"
    reference_order_id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)] = ""


class Part(msgspec.Struct, frozen=True):
    """`used` of the wallet take `amount` off the cart; `available` is what the customer has now."""

    used: int | float
    amount: int | float
    available: int | float


class CheckoutItem(msgspec.Struct, frozen=True):
    """`status`: `open` (only looked at), `held`, `taken`, `returned` (its order counts for nothing) or `reverted`.
    `amount`, `discount` and `payable` are in units of the currency."""

    lead_id: UUID | None
    customer_id: str
    reference_order_id: str
    status: Literal["open", "held", "taken", "returned", "reverted"]
    wallet_type: WalletType
    currency_code: str
    amount: int | float | None
    coins: Part
    credits: Part
    discount: int | float
    payable: int | float | None


class _Address(NamedTuple):
    """A connection as it was found, with its shop as it was then."""

    known: Known
    workspace: Workspace


class CheckoutDoor:
    def __init__(self, app: App, meters: Meters) -> None:
        self._app = app
        self._meters = meters
        self._addresses: Remembered[UUID, _Address] = Remembered(
            app.db, lambda one: one.workspace.id, fresh=_FRESH, most=limits.WORKSPACES_CACHED_MAX
        )

    async def answer(self, request: Http, *, older: bool) -> ASGIResponse:
        headers: dict[str, str] = dict(SAFE)

        async def act() -> bytes:
            item, repeated = await self._answer(request, older=older)
            headers.update({"idempotency-hit": "true"} if repeated else {})
            return encode({"meta": {"status": "success", "code": 200}, "data": {"item": item}})

        return await answered(self._meters, LABEL, "envelope", headers, act)

    async def _answer(self, request: Http, *, older: bool) -> tuple[CheckoutItem, bool]:
        now = self._app.clock.now()
        address = await self._find(request.path_params["hook_id"], now)
        if older:
            check_source(request.headers.get("x-source", ""))
        raw = await request.body()
        if not (older and address.known.connection.rules.unsigned):
            checkout.verify(address.known.secrets, request.headers, raw, self._app.clock.outside())
        call = read_body(_decoder, request.headers.get("content-type", ""), raw)
        act = partial(_act, address.workspace, address.known, call, now)
        if call.action == "list":
            async with self._app.db.reading() as tx:
                return await _list(tx, address.workspace, address.known, call, now)

        async def transact() -> tuple[CheckoutItem, bool]:
            async with self._app.db.transaction() as tx:
                return await act(tx)

        return await again_when_raced(transact)

    async def _find(self, text: str, now: datetime) -> _Address:
        """Raises CheckoutUnknown."""
        try:
            hook_id = UUID(text)
        except ValueError:
            raise CheckoutUnknown("There is no such checkout.") from None
        return await self._addresses.get(hook_id, now, lambda _: self._look_up(hook_id, now))

    async def _look_up(self, hook_id: UUID, now: datetime) -> _Address:
        async with self._app.db.reading() as tx:
            known = await checkout.known_by_hook(tx, hook_id, self._app.box, now)
            if known is None:
                raise CheckoutUnknown("There is no such checkout.")
            return _Address(known, await tenancy.get_workspace(tx, known.connection.workspace_id))


@post(PATH, name="checkout", status_code=200, request_max_body_size=limits.CHECKOUT_BODY_BYTES_MAX)
async def _signed(request: Http) -> ASGIResponse:
    return await part(request.scope, CheckoutDoor).answer(request, older=False)


@post(OLDER_PATH, name="checkout.older", status_code=200, request_max_body_size=limits.CHECKOUT_BODY_BYTES_MAX)
async def _older(request: Http) -> ASGIResponse:
    return await part(request.scope, CheckoutDoor).answer(request, older=True)


HANDLERS = [_signed, _older]

_decoder = msgspec.json.Decoder(CheckoutCall)


async def _list(
    tx: Reading, shop: Workspace, known: Known, call: CheckoutCall, now: datetime
) -> tuple[CheckoutItem, bool]:
    customer = await _customer(tx, shop, call)
    amount = None if call.amount is None else orders.minor_units("amount", call.amount, shop.currency_code)
    rules = known.connection.rules
    uses = await checkout.quote(tx, shop, rules, customer.id, call.wallet_type, amount, now)
    return await _item(tx, shop, call, "open", customer, amount, uses, now), False


async def _act(shop: Workspace, known: Known, call: CheckoutCall, now: datetime, tx: Tx) -> tuple[CheckoutItem, bool]:
    faults, reference = Faults(), call.reference_order_id.strip()
    if not reference or "\x00" in reference:
        faults.add("reference_order_id", "what your checkout calls the order")
    if call.action == "perform" and call.amount is None:
        faults.add("amount", "what the cart amounts to")
    faults.check()
    customer: Customer | None
    if call.action == "revert":
        done = await checkout.revert(tx, shop, reference, now)
        customer = await customers.find(tx, shop.id, id=done.payment.customer_id) if done.payment.customer_id else None
    else:
        customer = await _customer(tx, shop, call)
        assert call.amount is not None
        amount = orders.minor_units("amount", call.amount, shop.currency_code)
        cart = Cart(reference, customer.id, call.wallet_type, amount)
        done = await checkout.perform(tx, shop, known.connection.rules, cart, now)
    payment = done.payment
    cart_minor = payment.cart_minor if payment.customer_id else None
    return await _item(tx, shop, call, payment.state, customer, cart_minor, payment, now), done.repeated


async def _customer(tx: Reading, shop: Workspace, call: CheckoutCall) -> Customer:
    """Raises Invalid, NotFound with the contract's words."""
    if not call.customer_id and not call.mobile:
        raise invalid("customer_id", "a customer_id or a mobile")
    by = {"customer_id": call.customer_id} if call.customer_id else {"mobile": call.mobile}
    return await customers.get(tx, shop.id, "Lead does not exists", country=shop.country, **by)


async def _item(
    tx: Reading,
    shop: Workspace,
    call: CheckoutCall,
    status: Literal["open", "held", "taken", "returned", "reverted"],
    customer: Customer | None,
    amount_minor: int | None,
    uses: checkout.Quote | checkout.Payment,
    now: datetime,
) -> CheckoutItem:
    ids = [customer.id] if customer else []
    balances = (await ledger.balances(tx, shop, ids, now)).get(ids[0], {}) if ids else {}
    code = shop.currency_code

    def part(kind: ledger.Kind, used: int, worth_minor: int) -> Part:
        has = balances[kind].available if kind in balances else 0
        return Part(amount_on_wire(kind, used), events.major_units(worth_minor, code), amount_on_wire(kind, has))

    discount = uses.discount_minor
    return CheckoutItem(
        lead_id=customer.id if customer else None,
        customer_id=customer.customer_id if customer else call.customer_id,
        reference_order_id=call.reference_order_id.strip(),
        status=status,
        wallet_type=call.wallet_type if isinstance(uses, checkout.Quote) else uses.wallet_type,
        currency_code=code,
        amount=None if amount_minor is None else events.major_units(amount_minor, code),
        coins=part("coins", uses.coins, uses.coins_minor),
        credits=part("credits", uses.credits, uses.credits_minor),
        discount=events.major_units(discount, code),
        payable=None if amount_minor is None else events.major_units(amount_minor - discount, code),
    )
