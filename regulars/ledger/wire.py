"""From a txn to the words of its event."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from regulars import events
from regulars.customers import Customer
from regulars.events import Business, NewEvent
from regulars.kit import wire_time
from regulars.ledger.model import Line, Txn, amount_on_wire

_CREATED, _CHANGED = "walletreward_create", "wallettrasaction_update"


def properties(
    business: Business, customer: Customer, txn: Txn, coins: int, *, firing_id: UUID | None = None, order_name: str = ""
) -> dict[str, Any]:
    """What events say of a txn. Its balance is the one that was left; `coins` is what the customer then has of coins,
    whichever wallet the txn is in."""
    return _of_customer(business, customer, coins) | _of_txn(txn, firing_id, order_name)


def _of_customer(business: Business, customer: Customer, coins: int) -> dict[str, Any]:
    return {
        **events.common(business, customer, coins),
        "entity_id": business.entity_id,
        "lead_id": str(customer.id),
        "meta__lead_name": customer.name,
    }


def _of_txn(txn: Txn, firing_id: UUID | None, order_name: str) -> dict[str, Any]:
    return {
        "activity_id": str(firing_id or ""),
        "title": txn.title,
        "description": txn.description,
        "amount": amount_on_wire(txn.kind, txn.amount),
        "closing_balance": amount_on_wire(txn.kind, txn.closing_balance),
        "consolidated_cr": amount_on_wire(txn.kind, txn.credited),
        "consolidated_dr": amount_on_wire(txn.kind, txn.debited),
        "hash": txn.wire_hash,
        "operation": txn.operation,
        "type": txn.type,
        "status": txn.status,
        "wallet": txn.kind,
        "updated_at": wire_time(txn.changed_at or txn.recorded_at),
        "created_at": wire_time(txn.recorded_at),
        "wallettransaction_id": str(txn.id),
        "order_id": _order_id(txn),
        "reference_order_name": order_name,
    }


def coins_events(
    business: Business, people: Mapping[UUID, Customer], told: Iterable[tuple[UUID, Line, Txn, int, UUID]]
) -> list[NewEvent]:
    """`walletreward_create`, despite its name, is every new txn of a wallet; one that a later txn changed is told by
    `wallettrasaction_update`, as it is then. Of each whose it is, what led to it, the txn, the customer's coins and the
    event's id. What is said of a customer is worked out once for neighbours."""
    made, whose, of_customer = [], None, {}
    for customer_id, line, txn, coins, id in told:
        if whose != (customer_id, coins):
            whose, of_customer = (customer_id, coins), _of_customer(business, people[customer_id], coins)
        said, topic = _of_txn(txn, line.firing_id, line.order_name), _CHANGED if txn.changed_at else _CREATED
        made.append(
            NewEvent(
                id=id,
                topic=topic,
                customer_id=customer_id,
                body=events.body(topic, of_customer | said),
                occurred_at=line.occurred_at,
                cause_id=line.cause_id,
                depth=line.depth,
                order_id=UUID(said["order_id"]) if said["order_id"] else None,
            )
        )
    return made


def _order_id(txn: Txn) -> str:
    about, _, order_id = txn.reference.partition(":")
    return order_id if about == "order" else ""
