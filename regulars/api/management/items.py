"""Customers, orders, transactions and firings as the management API says them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import fields

from regulars import customers, events, ledger, orders
from regulars.api.operations import Call
from regulars.api.resources import Says
from regulars.customers import Customer
from regulars.delivery import Delivery
from regulars.kit import Reading, copied, showing
from regulars.ledger import Balance, Kind, Txn, amount_on_wire
from regulars.orders import Order
from regulars.tenancy import Workspace
from regulars.triggers import Firing

S = TypeVar("S", bound=msgspec.Struct)


@showing("available pending held debt credited debited", Balance, units=True)
class WalletItem(msgspec.Struct):
    """`available` can be spent; `pending` is not active yet; `held` is set aside; `debt` is paid by later credits."""


class WalletItems(msgspec.Struct, frozen=True):
    coins: WalletItem
    credits: WalletItem


@showing(
    "id customer_id name email mobile country gender dob referral_code referred_by_code accept_email accept_mobile tier"
    " tags properties"
    " spent spent_in orders_count last_order_at wallets created_at updated_at",
    Customer,
)
class CustomerItem(msgspec.Struct):
    """`id` is the merchant API's lead_id, `customer_id` the customer's id on the shop's platform. `spent` is what
    they spent in the shop's currency, without what was cancelled or paid back; `spent_in` the same for each
    currency."""

    spent: int | float
    spent_in: dict[str, int | float]
    wallets: WalletItems


class Whose(msgspec.Struct, frozen=True):
    """A customer, by name: `id` is theirs here, `customer_id` theirs on the shop's platform."""

    id: UUID
    customer_id: str
    name: str


@showing(
    "id customer wallet=kind seq type operation amount closing_balance title description status reference trigger_id"
    " trigger_version actor occurred_at recorded_at",
    Txn,
    units=True,
)
class TransactionItem(msgspec.Struct):
    """One line of a wallet; `seq` counts from 1. `reference` says what it is about: `order:<id>`, `firing:<id>`."""

    customer: Whose
    seq: int


@showing(
    "id trigger_id trigger_version customer state reason explanation reference transaction_id=txn_id operation"
    " coins=amount fired_at guard value threshold occurred_at due_at",
    Firing,
)
class FiringItem(msgspec.Struct):
    """A trigger fired for a customer: `granted`, with its transaction; `waiting` until `due_at`; `refused`, with a
    stable reason and the same in words; or `reversed`, all of it taken back. `guard` is what refused it, `value` what
    that found, `threshold` what it asks for. `fired_at` is when it was decided, `occurred_at` when that happened which
    it is about."""

    customer: Whose
    guard: str
    value: Any
    threshold: Any


class LineItem(msgspec.Struct, frozen=True):
    product_id: str
    variant_id: str
    title: str
    quantity: int
    amount: int | float
    tags: list[str]
    collections: list[str]


class RefundLineItem(msgspec.Struct, frozen=True):
    product_id: str
    variant_id: str
    quantity: int
    amount: int | float


class RefundItem(msgspec.Struct, frozen=True):
    refund_id: str
    amount: int | float
    refunded_at: datetime | None
    lines: list[RefundLineItem]


@showing(
    "id source reference_id name customer currency_code amount discount shipping tax refunded items_count status"
    " financial_status delivery_status cancelled_at=when_cancelled coupon_codes tags note lines refunds detail"
    " coins_rewarded coins_spent placed_at source_version created_at updated_at",
    Order,
)
class OrderItem(msgspec.Struct):
    """`reference_id` is the order's id at its source; amounts are in units of its currency. `lines` and `refunds` are
    null where nobody said any; `refunded` is how much of the amount was given back, as far as is known."""

    customer: Whose
    amount: int | float
    discount: int | float
    shipping: int | float | None
    tax: int | float
    refunded: int | float
    cancelled_at: datetime | None
    coupon_codes: list[str]
    tags: list[str]
    note: str
    lines: list[LineItem] | None
    refunds: list[RefundItem] | None


class DeliveryItem(Delivery, frozen=True, kw_only=True):
    """A delivery, whom its event is about, and the event in a sentence. Both are null of a test that stands on no event
    of the log."""

    customer: Whose | None
    sentence: str | None


def customer_item(customer: Customer, balances: dict[Any, Balance], workspace: Workspace) -> CustomerItem:
    return copied(
        CustomerItem,
        customer,
        spent=events.major_units(customer.spent.get(workspace.currency_code, 0), workspace.currency_code),
        spent_in={code: events.major_units(minor, code) for code, minor in customer.spent.items()},
        wallets=WalletItems(*(in_units(WalletItem, kind, balances[kind]) for kind in ("coins", "credits"))),
    )


async def customer_items(
    tx: Reading, workspace: Workspace, found: Sequence[Customer], now: datetime
) -> list[CustomerItem]:
    balances = await ledger.balances(tx, workspace, [customer.id for customer in found], now)
    return [customer_item(customer, balances[customer.id], workspace) for customer in found]


class _OfSomebody(Protocol):
    @property
    def customer_id(self) -> UUID: ...


async def whose(tx: Reading, workspace: Workspace, things: Iterable[_OfSomebody]) -> dict[UUID, Customer]:
    """The customers that these are of, by id."""
    return await customers.by_ids(tx, workspace.id, sorted({thing.customer_id for thing in things}))


def of_customers(item: type[S]) -> Says[Any]:
    """Of things that say whose they are: an item each, of what it has of their fields, with the customer."""

    async def said(call: Call[Any, Any], tx: Reading, found: Sequence[Any]) -> list[S]:
        people = await whose(tx, call.workspace, found)
        return [copied(item, one, customer=named(people[one.customer_id])) for one in found]

    return said


def named(customer: Customer) -> Whose:
    return Whose(customer.id, customer.customer_id, customer.name)


def transaction_item(txn: Txn, customer: Customer) -> TransactionItem:
    return in_units(TransactionItem, txn.kind, txn, customer=named(customer))


def in_units(type_: type[S], kind: Kind, of: Any, *more: Any, **otherwise: Any) -> S:
    """One whose fields are those of the same names; amounts, of which the book keeps the smallest units, as they are
    told."""
    amounts = {name: amount_on_wire(kind, getattr(of, name)) for name in _amounts(type_) if name not in otherwise}
    return copied(type_, of, *more, **amounts, **otherwise)


@cache
def _amounts(type_: type[msgspec.Struct]) -> list[str]:
    return [field.name for field in fields(type_) if field.type == int | float]


def firing_item(firing: Firing, customer: Customer) -> FiringItem:
    return copied(
        FiringItem,
        firing,
        customer=named(customer),
        value=msgspec.json.decode(firing.value) if firing.value else None,
        threshold=msgspec.json.decode(firing.threshold) if firing.threshold else None,
    )


def order_item(order: Order, customer: Customer) -> OrderItem:
    said = orders.payload(order)
    return copied(
        OrderItem,
        order,
        customer=named(customer),
        **{name: said[name] for name in ("amount", "discount", "tax", "refunded", "coupon_codes", "tags", "note")},
        shipping=None if order.shipping_minor is None else said["shipping"],
        lines=None if order.lines is None else msgspec.convert(said["lines"], list[LineItem]),
        refunds=None if order.refunds is None else msgspec.convert(said["refunds"], list[RefundItem]),
    )


async def delivery_items(tx: Reading, workspace: Workspace, found: Sequence[Delivery]) -> list[DeliveryItem]:
    about = await events.by_ids(tx, workspace.id, [(one.event_id, one.topic) for one in found])
    people = await whose(tx, workspace, about.values())
    return [
        copied(
            DeliveryItem,
            one,
            customer=named(people[event.customer_id]) if event else None,
            sentence=events.sentence(event.topic, event.body) if event else None,
        )
        for one in found
        for event in [about.get(one.event_id)]
    ]
