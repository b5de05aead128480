"""A customer's story: facts of every kind, newest first, each with its shape, its words and where to look closer."""

from __future__ import annotations

from datetime import datetime

import msgspec

from regulars import activity, events, limits
from regulars import ledger as book
from regulars.activity import Order
from regulars.customers import Customer
from regulars.dashboard.words import money, number
from regulars.events import Event
from regulars.kit.db import Tx
from regulars.ledger import Txn
from regulars.tenancy import Workspace

KINDS = {"": "Everything", "orders": "Orders", "coins": "Coins", "refusals": "Refusals", "events": "Events"}
"""What a story can be narrowed to; the keys stand in the address."""


class Fact(msgspec.Struct, frozen=True):
    """`icon` is the shape, `kind` its meaning (good, care, bad, busy or nothing)."""

    at: datetime
    icon: str
    kind: str
    title: str
    href: str
    more: str


async def of_customer(tx: Tx, workspace: Workspace, customer: Customer, kind: str) -> list[Fact]:
    """The newest facts, of one kind or of every one, at most `limits.STORY_ITEMS_MAX`."""
    most = limits.STORY_ITEMS_MAX
    facts: list[Fact] = []
    if kind in ("", "orders"):
        orders = await activity.orders_of(tx, workspace.id, customer.id, limit=most)
        facts += [_order(workspace, order) for order in orders]
    if kind in ("", "coins"):
        txns = await book.txns_of(tx, workspace.id, customer.id, limit=most)
        facts += [_txn(workspace, txn) for txn in txns]
    if kind in ("", "events"):
        logged = await events.recent(tx, workspace.id, customer_id=customer.id, limit=most)
        facts += [_event(event) for event in logged]
    return sorted(facts, key=lambda fact: fact.at, reverse=True)[:most]


def _order(workspace: Workspace, order: Order) -> Fact:
    own = order.currency_code == workspace.currency_code
    paid = money(order.amount_minor, order.currency_code, workspace.currency_symbol if own else "")
    more = f"{order.financial_status.replace('_', ' ').capitalize()}, from {order.source}"
    return Fact(
        order.placed_at,
        "order",
        "",
        f"Order {order.name or order.reference_id} over {paid}",
        f"/orders/{order.id}",
        more,
    )


def _txn(workspace: Workspace, txn: Txn) -> Fact:
    came = txn.operation == "cr"
    verb = _VERBS.get((txn.type, txn.operation), "earned" if came else "spent")
    about = ", ".join(part for part in (txn.title, f"balance {number(txn.closing_balance)}") if part)
    return Fact(
        txn.occurred_at,
        "plus" if came else "minus",
        "good" if came else "",
        f"{number(txn.amount)} {workspace.coin_name} {verb}",
        "",
        about,
    )


_VERBS = {
    ("adjust", "cr"): "given by hand",
    ("adjust", "dr"): "taken away by hand",
    ("expire", "dr"): "expired",
    ("revert", "dr"): "taken back",
    ("revert", "cr"): "given back",
    ("import", "cr"): "brought along",
    ("referral", "cr"): "earned by a referral",
}


def _event(event: Event) -> Fact:
    topic = events.TOPICS.get(event.topic)
    return Fact(
        event.occurred_at, "event", "busy", topic.label if topic else event.topic, f"/events/{event.id}", event.topic
    )
