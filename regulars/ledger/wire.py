"""From a txn to the words of its event."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars import events
from regulars.customers import Customer
from regulars.events import Business, NewEvent
from regulars.kit import wire_time
from regulars.ledger.draft import Told
from regulars.ledger.model import Said, Status, Txn, amount_on_wire

_CREATED, _CHANGED = "walletreward_create", "wallettrasaction_update"


def properties(
    business: Business, customer: Customer, txn: Txn, coins: int, *, firing_id: UUID | None = None, order_name: str = ""
) -> dict[str, Any]:
    """What events say of a txn. Its balance is the one that was left; `coins` is what the customer then has of coins,
    whichever wallet the txn is in."""
    at, named = txn.changed_at or txn.recorded_at, (customer.name, firing_id, order_name)
    return _of_customer(business, customer, coins) | _of_txn(txn, txn, txn.status, txn.amount, at, *named)


def _of_customer(business: Business, customer: Customer, coins: int) -> dict[str, Any]:
    return {**events.common(business, customer, coins), "entity_id": business.entity_id, "lead_id": str(customer.id)}


def _of_txn(
    txn: Txn | Said,
    left: Txn,
    status: Status,
    amount: int,
    at: datetime,
    name: str,
    firing_id: UUID | None,
    order_name: str,
) -> dict[str, Any]:
    """`left` is the txn that left the wallet as it then was, `at` the time of the last change."""
    recorded_at = wire_time(txn.recorded_at)
    return {
        "activity_id": str(firing_id or ""),
        "title": txn.title,
        "description": txn.description,
        "amount": amount_on_wire(txn.kind, amount),
        "closing_balance": amount_on_wire(txn.kind, left.closing_balance),
        "consolidated_cr": amount_on_wire(txn.kind, left.credited),
        "consolidated_dr": amount_on_wire(txn.kind, left.debited),
        "hash": txn.wire_hash,
        "meta__lead_name": name,
        "operation": txn.operation,
        "type": txn.type,
        "status": status,
        "updated_at": recorded_at if at is txn.recorded_at else wire_time(at),
        "created_at": recorded_at,
        "wallet": txn.kind,
        "wallettransaction_id": str(txn.id),
        "order_id": _order_id(txn),
        "reference_order_name": order_name,
    }


def coins_events(
    business: Business,
    people: Mapping[UUID, Customer],
    sources: Mapping[UUID, Txn | Said],
    coins: Mapping[UUID, int],
    told: Iterable[Told],
) -> list[NewEvent]:
    """`walletreward_create`, despite its name, is every new txn of a wallet; one of the `sources` that a later txn
    changed is told by `wallettrasaction_update`, as it is then. `coins` is what customers have, where the draft doesn't
    know. What is said of a customer is worked out once for neighbours."""
    made, whose = list[NewEvent](), None
    for line, txn, id, has, source_id, status, amount in told:
        customer_id = txn.customer_id
        if has is None:
            has = coins.get(customer_id, 0)
        if whose != (customer_id, has):
            whose, customer = (customer_id, has), people[customer_id]
            begun = events.begun(_of_customer(business, customer, has))
        source, topic = (sources[source_id], _CHANGED) if source_id else (txn, _CREATED)
        if not source_id:
            status = txn.status
        so_many = source.amount if amount is None else amount
        named = (customer.name, line.firing_id, line.order_name)
        said = _of_txn(source, txn, status, so_many, txn.recorded_at, *named)
        made.append(
            NewEvent(
                id=id,
                topic=topic,
                customer_id=customer_id,
                body=events.finished(topic, begun, said),
                occurred_at=line.occurred_at,
                cause_id=line.cause_id,
                depth=line.depth,
                order_id=UUID(said["order_id"]) if said["order_id"] else None,
            )
        )
    return made


def _order_id(txn: Txn | Said) -> str:
    about, _, order_id = txn.reference.partition(":")
    return order_id if about == "order" else ""
