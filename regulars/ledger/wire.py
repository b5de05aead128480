"""From a txn to the words of its event."""

from __future__ import annotations

from uuid import UUID

from regulars import events
from regulars.customers import Customer
from regulars.events import Business, NewEvent
from regulars.events.catalogue import WalletTransaction
from regulars.kit.clock import wire_time
from regulars.ledger.model import Line, Txn, amount_on_wire


def coins_event(business: Business, customer: Customer, line: Line, txn: Txn, coins: int, id: UUID) -> NewEvent:
    """`walletreward_create`, despite its name, is every new txn of a wallet; one that a later txn changed is told by
    `wallettrasaction_update`, as it is then. Its balance is the one that was left; `coins` is what the customer then
    has of coins, whichever wallet the txn is in. `line` says what led to it."""
    about, _, order_id = txn.reference.partition(":")
    order_id = order_id if about == "order" else ""
    event = WalletTransaction(
        **events.common(business, customer, coins),
        entity_id=business.entity_id,
        lead_id=str(customer.id),
        activity_id=str(line.firing_id or ""),
        title=txn.title,
        description=txn.description,
        amount=amount_on_wire(txn.kind, txn.amount),
        closing_balance=amount_on_wire(txn.kind, txn.closing_balance),
        consolidated_cr=amount_on_wire(txn.kind, txn.credited),
        consolidated_dr=amount_on_wire(txn.kind, txn.debited),
        hash=txn.wire_hash,
        meta__lead_name=customer.name,
        operation=txn.operation,
        type=txn.type,
        status=txn.status,
        wallet=txn.kind,
        updated_at=wire_time(txn.changed_at or txn.recorded_at),
        created_at=wire_time(txn.recorded_at),
        wallettransaction_id=str(txn.id),
        order_id=order_id,
        reference_order_name=line.order_name,
    )
    return NewEvent(
        id=id,
        topic="wallettrasaction_update" if txn.changed_at else "walletreward_create",
        customer_id=customer.id,
        body=events.encode(event),
        occurred_at=line.occurred_at,
        cause_id=line.cause_id,
        depth=line.depth,
        order_id=UUID(order_id) if order_id else None,
    )
