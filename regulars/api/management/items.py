"""Customers, orders, transactions and firings as the management API says them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from regulars import customers, events, orders
from regulars.customers import Customer
from regulars.delivery import Delivery
from regulars.kit.db import Reading
from regulars.ledger import Balance, Txn, amount_on_wire
from regulars.orders import Order
from regulars.tenancy import Workspace
from regulars.triggers import Firing


class WalletItem(msgspec.Struct, frozen=True):
    """`available` can be spent; `pending` is not active yet; `held` is set aside; `debt` is paid by later credits."""

    available: int | float
    pending: int | float
    held: int | float
    debt: int | float
    credited: int | float
    debited: int | float


class WalletItems(msgspec.Struct, frozen=True):
    coins: WalletItem
    credits: WalletItem


class CustomerItem(msgspec.Struct, frozen=True):
    """`id` is the merchant API's lead_id, `customer_id` the customer's id on the shop's platform. `spent` is what
    they spent in the shop's currency, without what was cancelled or paid back; `spent_in` the same for each
    currency."""

    id: UUID
    customer_id: str
    name: str
    email: str
    mobile: str
    country: str
    gender: str
    dob: date | None
    referral_code: str
    referred_by_code: str
    accept_email: bool
    accept_mobile: bool
    tier: str
    spent: int | float
    spent_in: dict[str, int | float]
    orders_count: int
    last_order_at: datetime | None
    wallets: WalletItems
    created_at: datetime
    updated_at: datetime


class Whose(msgspec.Struct, frozen=True):
    """A customer, by name: `id` is theirs here, `customer_id` theirs on the shop's platform."""

    id: UUID
    customer_id: str
    name: str


class TransactionItem(msgspec.Struct, frozen=True):
    """One line of a wallet; `seq` counts from 1. `reference` says what it is about: `order:<id>`, `firing:<id>`."""

    id: UUID
    customer: Whose
    wallet: str
    seq: int
    type: str
    operation: str
    amount: int | float
    closing_balance: int | float
    title: str
    description: str
    status: str
    reference: str
    trigger_id: UUID | None
    trigger_version: int | None
    actor: str
    occurred_at: datetime
    recorded_at: datetime


class FiringItem(msgspec.Struct, frozen=True):
    """A trigger fired for a customer: `granted`, with its transaction; `waiting` until `due_at`; `refused`, with a
    stable reason and the same in words; or `reversed`, all of it taken back. `guard` is what refused it, `value` what
    that found, `threshold` what it asks for. `fired_at` is when it was decided, `occurred_at` when that happened which
    it is about."""

    id: UUID
    trigger_id: UUID
    trigger_version: int
    customer: Whose
    state: str
    reason: str
    explanation: str
    reference: str
    transaction_id: UUID | None
    operation: str
    coins: int
    fired_at: datetime
    guard: str
    value: Any
    threshold: Any
    occurred_at: datetime | None
    due_at: datetime | None


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


class OrderItem(msgspec.Struct, frozen=True):
    """`reference_id` is the order's id at its source; amounts are in units of its currency. `lines` and `refunds` are
    null where nobody said any; `refunded` is how much of the amount was given back, as far as is known."""

    id: UUID
    source: str
    reference_id: str
    name: str
    customer: Whose
    currency_code: str
    amount: int | float
    discount: int | float
    shipping: int | float | None
    tax: int | float
    refunded: int | float
    items_count: int
    status: str
    financial_status: str
    delivery_status: str
    cancelled_at: datetime | None
    coupon_codes: list[str]
    tags: list[str]
    note: str
    lines: list[LineItem] | None
    refunds: list[RefundItem] | None
    detail: dict[str, Any]
    coins_rewarded: int
    coins_spent: int
    placed_at: datetime
    source_version: datetime
    created_at: datetime
    updated_at: datetime


class DeliveryItem(Delivery, frozen=True, kw_only=True):
    """A delivery, whom its event is about, and the event in a sentence. Both are null of a test that stands on no event
    of the log."""

    customer: Whose | None
    sentence: str | None


def customer_item(customer: Customer, balances: dict[Any, Balance], workspace: Workspace) -> CustomerItem:
    return CustomerItem(
        id=customer.id,
        customer_id=customer.customer_id,
        name=customer.name,
        email=customer.email,
        mobile=customer.mobile,
        country=customer.country,
        gender=customer.gender,
        dob=customer.dob,
        referral_code=customer.referral_code,
        referred_by_code=customer.referred_by_code,
        accept_email=customer.accept_email,
        accept_mobile=customer.accept_mobile,
        tier=customer.tier,
        spent=events.major_units(customer.spent.get(workspace.currency_code, 0), workspace.currency_code),
        spent_in={code: events.major_units(minor, code) for code, minor in customer.spent.items()},
        orders_count=customer.orders_count,
        last_order_at=customer.last_order_at,
        wallets=WalletItems(_wallet(balances["coins"]), _wallet(balances["credits"])),
        created_at=customer.created_at,
        updated_at=customer.updated_at,
    )


class _OfSomebody(Protocol):
    @property
    def customer_id(self) -> UUID: ...


async def whose(tx: Reading, workspace: Workspace, things: Iterable[_OfSomebody]) -> dict[UUID, Customer]:
    """The customers that these are of, by id."""
    return await customers.by_ids(tx, workspace.id, sorted({thing.customer_id for thing in things}))


def named(customer: Customer) -> Whose:
    return Whose(customer.id, customer.customer_id, customer.name)


def transaction_item(txn: Txn, customer: Customer) -> TransactionItem:
    return TransactionItem(
        id=txn.id,
        customer=named(customer),
        wallet=txn.kind,
        seq=txn.seq,
        type=txn.type,
        operation=txn.operation,
        amount=amount_on_wire(txn.kind, txn.amount),
        closing_balance=amount_on_wire(txn.kind, txn.closing_balance),
        title=txn.title,
        description=txn.description,
        status=txn.status,
        reference=txn.reference,
        trigger_id=txn.trigger_id,
        trigger_version=txn.trigger_version,
        actor=txn.actor,
        occurred_at=txn.occurred_at,
        recorded_at=txn.recorded_at,
    )


def firing_item(firing: Firing, customer: Customer) -> FiringItem:
    return FiringItem(
        id=firing.id,
        trigger_id=firing.trigger_id,
        trigger_version=firing.trigger_version,
        customer=named(customer),
        state=firing.state,
        reason=firing.reason,
        explanation=firing.explanation,
        reference=firing.reference,
        transaction_id=firing.txn_id,
        operation=firing.operation,
        coins=firing.amount,
        fired_at=firing.fired_at,
        guard=firing.guard,
        value=msgspec.json.decode(firing.value) if firing.value else None,
        threshold=msgspec.json.decode(firing.threshold) if firing.threshold else None,
        occurred_at=firing.occurred_at,
        due_at=firing.due_at,
    )


def order_item(order: Order, customer: Customer) -> OrderItem:
    code, said = order.currency_code, orders.payload(order)
    return OrderItem(
        id=order.id,
        source=order.source,
        reference_id=order.reference_id,
        name=order.name,
        customer=named(customer),
        currency_code=code,
        **{field: said[field] for field in ("amount", "discount", "tax", "refunded", "coupon_codes", "tags", "note")},
        shipping=None if order.shipping_minor is None else said["shipping"],
        items_count=order.items_count,
        status=order.status,
        financial_status=order.financial_status,
        delivery_status=order.delivery_status,
        cancelled_at=order.when_cancelled,
        lines=None if order.lines is None else msgspec.convert(said["lines"], list[LineItem]),
        refunds=None if order.refunds is None else msgspec.convert(said["refunds"], list[RefundItem]),
        detail=order.detail,
        coins_rewarded=order.coins_rewarded,
        coins_spent=order.coins_spent,
        placed_at=order.placed_at,
        source_version=order.source_version,
        created_at=order.created_at,
        updated_at=order.updated_at,
    )


def _wallet(balance: Balance) -> WalletItem:
    said = (
        amount_on_wire(balance.kind, amount)
        for amount in (
            balance.available,
            balance.pending,
            balance.held,
            balance.debt,
            balance.credited,
            balance.debited,
        )
    )
    return WalletItem(*said)


async def delivery_items(tx: Reading, workspace: Workspace, found: Sequence[Delivery]) -> list[DeliveryItem]:
    about = await events.by_ids(tx, workspace.id, [(one.event_id, one.topic) for one in found])
    people = await whose(tx, workspace, about.values())
    items = []
    for one in found:
        event = about.get(one.event_id)
        items.append(
            DeliveryItem(
                **msgspec.structs.asdict(one),
                customer=named(people[event.customer_id]) if event else None,
                sentence=events.sentence(event.topic, event.body) if event else None,
            )
        )
    return items
