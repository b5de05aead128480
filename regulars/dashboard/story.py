"""A customer's story: facts of every kind, newest first, each with its shape, its words and where to look closer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from regulars import activity, delivery, events, limits, triggers
from regulars import ledger as book
from regulars.activity import Order
from regulars.customers import Customer
from regulars.dashboard.words import money, number
from regulars.delivery import Delivery
from regulars.events import Event
from regulars.kit.db import Tx
from regulars.ledger import Txn
from regulars.tenancy import Workspace
from regulars.triggers import Firing

KINDS = {"": "Everything", "orders": "Orders", "coins": "Coins", "refusals": "Refusals", "events": "Events",
         "deliveries": "Deliveries"}  # fmt: skip
"""What a story can be narrowed to; the keys stand in the address."""


class Fact(msgspec.Struct, frozen=True):
    """`icon` is the shape, `kind` its meaning (good, care, bad, busy or nothing)."""

    at: datetime
    icon: str
    kind: str
    title: str
    href: str
    more: str


# Events about facts that a story shows anyway.
_SHOWN_AS_FACTS = frozenset({"order_create", "walletreward_create"})


async def of_customer(
    tx: Tx, workspace: Workspace, customer: Customer, kind: str, tools: dict[UUID, str]
) -> list[Fact]:
    """The newest facts, of one kind or of every one, at most `limits.STORY_ITEMS_MAX`. `tools`: names by id."""
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
        facts += [_event(event) for event in logged if kind or event.topic not in _SHOWN_AS_FACTS]
    if kind in ("", "refusals"):
        refused = await triggers.firings(tx, workspace.id, customer_id=customer.id, state="refused", limit=most)
        facts += [_refusal(firing) for firing in refused]
    if kind in ("", "deliveries"):
        sent = await delivery.search_deliveries(tx, workspace.id, customer_id=customer.id, limit=most)
        facts += [_delivery(one, tools) for one in sent.items]
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


def _refusal(firing: Firing) -> Fact:
    about = firing.reference.partition("order:")[2]
    href = f"/orders/{about}" if about else f"/triggers/{firing.trigger_id}"
    return Fact(firing.fired_at, "refused", "care", "No reward", href, firing.explanation)


def _delivery(one: Delivery, tools: dict[UUID, str]) -> Fact:
    kinds = {
        "delivered": ("good", "was told of"),
        "failed": ("bad", "was not told of"),
        "queued": ("busy", "is to be told of"),
    }
    kind, verb = kinds[one.state]
    tool = tools.get(one.lane_id, "A removed tool")
    return Fact(one.created_at, "send", kind, f"{tool} {verb} {one.event_name}", f"/deliveries/{one.id}", one.reason)


_STATES = {
    "delivered": ("good", "was told of"),
    "failed": ("bad", "was not told of"),
    "queued": ("busy", "is to be told of"),
}


def _event(event: Event) -> Fact:
    topic = events.TOPICS.get(event.topic)
    return Fact(
        event.occurred_at, "event", "busy", topic.label if topic else event.topic, f"/events/{event.id}", event.topic
    )
