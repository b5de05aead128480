"""A customer's story: what happened, last booked first, and under each fact what followed from it: coins earned or
refused, which tool was told, and what they were written."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from regulars import delivery, events, limits, orders, triggers
from regulars import ledger as book
from regulars.customers import Customer
from regulars.dashboard.words import CHANNELS, number
from regulars.delivery import Delivery
from regulars.engagement import messages
from regulars.engagement.messages.model import Message, Template
from regulars.events import Event
from regulars.kit import Reading, kept_since, made_at
from regulars.ledger import Kind, Txn
from regulars.ledger.txns import in_words
from regulars.orders import Order
from regulars.orders.wire import called
from regulars.tenancy import Workspace
from regulars.triggers import Firing

KINDS = {
    "": "Everything",
    "orders": "Orders",
    "coins": "{Coins}",
    "refusals": "Refusals",
    "events": "Events",
    "deliveries": "Deliveries",
    "messages": "Messages",
}
"""What a story can be narrowed to; the keys stand in the address."""


class Note(msgspec.Struct, frozen=True):
    """Something that followed from a fact."""

    icon: str
    kind: str
    text: str
    href: str


class Fact(msgspec.Struct):
    """`icon` is the shape, `kind` its meaning (good, care, bad, busy or nothing). `at` is when it happened, `booked_at`
    when it was written down if that may be later: balances follow one another in that order. `why` asks for all
    that came of it."""

    at: datetime
    icon: str
    kind: str
    title: str
    href: str
    more: str
    notes: list[Note] = []
    booked_at: datetime | None = None
    why: str = ""

    @property
    def order(self) -> tuple[datetime, datetime]:
        return self.booked_at or self.at, self.at

    @property
    def late(self) -> bool:
        return self.booked_at is not None and abs(self.booked_at - self.at) > timedelta(
            minutes=limits.BOOKED_LATE_MINUTES
        )


async def of_customer(
    tx: Reading, workspace: Workspace, customer: Customer, kind: str, tools: dict[UUID, str]
) -> list[Fact]:
    """The newest facts, of one kind or of every one, at most `limits.STORY_ITEMS_MAX`. `tools`: names by id."""
    most, facts = limits.STORY_ITEMS_MAX, list[Fact]()
    if kind == "orders":
        facts = [_order(workspace, o) for o in await orders.orders_of(tx, workspace.id, customer.id, limit=most)]
    elif kind == "coins":
        facts = [_txn(workspace, txn) for txn in await _txns(tx, workspace, customer)]
    elif kind == "refusals":
        refused = await _refused(tx, workspace, customer)
        about = await orders.by_ids(tx, workspace.id, [id for one in refused if (id := one.order_id)])
        facts = [_refusal(workspace, one, about) for one in refused]
    elif kind == "events":
        facts = [_event(e) for e in await events.recent(tx, workspace.id, customer_id=customer.id, limit=most)]
    elif kind == "deliveries":
        found = await delivery.search_deliveries(tx, workspace.id, customer_id=customer.id, limit=most)
        facts = [_delivery(one, tools) for one in found.items]
    elif kind == "messages":
        facts = [fact for _, fact in await _messages(tx, workspace, customer)]
    else:
        facts = await _everything(tx, workspace, customer, tools)
    return sorted(facts, key=lambda fact: fact.order, reverse=True)[:most]


async def _everything(tx: Reading, workspace: Workspace, customer: Customer, tools: dict[UUID, str]) -> list[Fact]:
    """Facts by what they are about ("order:<id>", "txn:<id>", ...), so that what follows finds its place."""
    most = limits.STORY_ITEMS_MAX
    facts: dict[str, Fact] = {}
    placed = await orders.orders_of(tx, workspace.id, customer.id, limit=most)
    # Of older orders no firing is kept, whether there was one or not.
    lately = [
        f"order:{order.id}" for order in placed if made_at(order.id) > kept_since(workspace.retention.firings_months)
    ]
    unasked = await triggers.never_asked(tx, workspace.id, customer.id, lately)
    for order in placed:
        facts[str(order.id)] = _order(workspace, order)
        if f"order:{order.id}" in unasked:
            facts[str(order.id)].notes.append(Note("refused", "care", triggers.NO_TRIGGER, "/triggers"))
    for txn in await _txns(tx, workspace, customer):
        about = facts.get(txn.reference.removeprefix("order:"))
        if about is None:
            facts[str(txn.id)] = _txn(workspace, txn)
        else:
            fact = _txn(workspace, txn)
            about.notes.append(Note(fact.icon, fact.kind, f"{fact.title}: {fact.more}", ""))
            facts[str(txn.id)] = about
    for firing in await _refused(tx, workspace, customer):
        about = facts.get(firing.reference.removeprefix("order:"))
        if about is None:
            facts[str(firing.id)] = _refusal(workspace, firing, {})
        else:
            about.notes.append(Note("refused", "care", firing.explanation, f"/triggers/{firing.trigger_id}"))
    logged = await events.recent(tx, workspace.id, customer_id=customer.id, limit=2 * most)
    sent = await delivery.deliveries_of_events(tx, workspace.id, [event.id for event in logged])
    of_event = dict[UUID | None, Fact]()
    for event in logged:
        about = facts.get(event.subject.order_id or event.subject.wallettransaction_id)
        if about is None:
            about = facts[str(event.id)] = _event(event)
        for one in sent.get(event.id, []):
            told = _delivery(one, tools)
            about.notes.append(Note(told.icon, told.kind, told.title, told.href))
        of_event[event.id] = about
    for message, fact in await _messages(tx, workspace, customer):
        if message.cause_id in of_event:
            words = f"{fact.title}: {fact.more}" if fact.more else fact.title
            of_event[message.cause_id].notes.append(Note(fact.icon, fact.kind, words, fact.href))
        else:
            facts[str(message.id)] = fact
    # What followed from a fact has led to it: it is told once.
    return list({id(fact): fact for fact in facts.values()}.values())


async def _txns(tx: Reading, workspace: Workspace, customer: Customer) -> list[Txn]:
    """The newest of both wallets."""
    kinds: tuple[Kind, Kind] = ("coins", "credits")
    most = limits.STORY_ITEMS_MAX
    return [txn for kind in kinds for txn in await book.txns_of(tx, workspace.id, customer.id, kind=kind, limit=most)]


async def _refused(tx: Reading, workspace: Workspace, customer: Customer) -> list[Firing]:
    most = limits.STORY_ITEMS_MAX
    return await triggers.firings(tx, workspace.id, customer_id=customer.id, state="refused", limit=most)


async def _messages(tx: Reading, workspace: Workspace, customer: Customer) -> list[tuple[Message, Fact]]:
    found = await messages.messages_of(tx, workspace.id, customer_id=customer.id, limit=limits.STORY_ITEMS_MAX)
    ids = list({one.template_id for one in found if one.template_id})
    named = await messages.templates_by_id(tx, workspace.id, ids)
    return [(one, _message(one, named.get(one.template_id) if one.template_id else None)) for one in found]


def message_name(one: Message, template: Template | None) -> str:
    asks = "Is this address yours?" if one.source_kind == "opt_in" else "A deleted template"
    return template.name if template else asks


def _message(one: Message, template: Template | None) -> Fact:
    kind, verb = _CAME[one.state]
    came = (word for word, at in (("opened", one.opened_at), ("clicked", one.clicked_at)) if at)
    title = ", ".join((f"{CHANNELS[one.channel]} “{message_name(one, template)}” {verb}", *came))
    return Fact(one.sent_at or one.created_at, "send", kind, title, f"/messages/{one.id}", one.reason)


_CAME = {
    "queued": ("busy", "is to be sent"),
    "sent": ("good", "was sent"),
    "skipped": ("care", "was not sent"),
    "failed": ("bad", "could not be sent"),
    "uncertain": ("care", "may have arrived"),
}


def _order(workspace: Workspace, order: Order) -> Fact:
    more = f"{order.financial_status.replace('_', ' ').capitalize()}, from {order.source}"
    title, href, why = f"Order {called(order, workspace)}", f"/orders/{order.id}", f"order_id={order.id}"
    return Fact(order.placed_at, "order", "", title, href, more, booked_at=order.created_at, why=why)


def _txn(workspace: Workspace, txn: Txn) -> Fact:
    came = txn.operation == "cr"
    verb = _VERBS.get((txn.type, txn.operation), _MOVED[txn.kind, came])
    icon, kind = ("plus", "good") if came else ("minus", "")
    balance = number(txn.closing_balance)
    if txn.kind == "credits":
        balance = f"{in_words(txn.kind, txn.closing_balance, workspace)} in credits"
    about = ", ".join(part for part in (txn.title, f"balance {balance}") if part)
    title = f"{in_words(txn.kind, txn.amount, workspace)} {'in credits ' if txn.kind == 'credits' else ''}{verb}"
    return Fact(txn.occurred_at, icon, kind, title, "", about, [], txn.recorded_at, f"txn_id={txn.id}")


_MOVED = {
    ("coins", True): "earned",
    ("credits", True): "received",
    ("coins", False): "spent",
    ("credits", False): "spent",
}
_VERBS: dict[tuple[Any, Any], str] = {
    ("adjust", "cr"): "given by hand",
    ("adjust", "dr"): "taken away by hand",
    ("expire", "dr"): "expired",
    ("revert", "dr"): "taken back",
    ("revert", "cr"): "given back",
    ("import", "cr"): "brought along",
    ("referral", "cr"): "earned by a referral",
}


def _refusal(workspace: Workspace, firing: Firing, orders: dict[UUID, Order]) -> Fact:
    order = orders.get(firing.order_id) if firing.order_id else None
    title = f"No reward for order {called(order, workspace)}" if order else "No reward"
    href = f"/orders/{firing.order_id}" if firing.order_id else f"/triggers/{firing.trigger_id}"
    return Fact(firing.fired_at, "refused", "care", title, href, firing.explanation, why=f"firing_id={firing.id}")


def _delivery(one: Delivery, tools: dict[UUID, str]) -> Fact:
    kind, verb = _STATES[one.state]
    tool = tools.get(one.lane_id, "A removed tool")
    title, why = f"{tool} {verb} “{events.label(one.topic)}”", f"event_id={one.event_id}"
    return Fact(one.created_at, "send", kind, title, f"/deliveries/{one.id}", one.reason, why="" if one.test else why)


_STATES = {
    "delivered": ("good", "was told of"),
    "failed": ("bad", "was not told of"),
    "queued": ("busy", "is to be told of"),
}


def _event(event: Event) -> Fact:
    said, label, why = events.sentence(event.topic, event.body), events.label(event.topic), f"event_id={event.id}"
    href, at = f"/events/{event.id}", event.recorded_at
    return Fact(event.occurred_at, "event", "busy", said, href, label, booked_at=at, why=why)
