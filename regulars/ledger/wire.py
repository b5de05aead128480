"""From a txn to the words of its event."""

from __future__ import annotations

from uuid import UUID

from regulars import events
from regulars.customers import Customer
from regulars.events import Business, NewEvent
from regulars.events.catalogue import WalletTransaction
from regulars.kit.clock import wire_time
from regulars.ledger.model import Entry, Posted, amount_on_wire


def reward_event(business: Business, customer: Customer, entry: Entry, posted: Posted, coins: int) -> NewEvent:
    """`walletreward_create`: despite its name, every new txn of a wallet. Its balance is the one the txn left; `coins`
    is what the customer then has of coins, whichever wallet the txn is in."""
    txn = posted.txn
    balance = amount_on_wire(txn.kind, txn.closing_balance)
    recorded_at = wire_time(txn.recorded_at)
    about, _, order_id = txn.reference.partition(":")
    order_id = order_id if about == "order" else ""
    event = WalletTransaction(
        **events.common(business, customer, coins),
        entity_id=business.entity_id,
        lead_id=str(txn.customer_id),
        activity_id=str(entry.firing_id or ""),
        title=txn.title,
        description=txn.description,
        amount=amount_on_wire(txn.kind, txn.amount),
        closing_balance=balance,
        consolidated_cr=amount_on_wire(txn.kind, txn.credited),
        consolidated_dr=amount_on_wire(txn.kind, txn.debited),
        hash=txn.wire_hash,
        meta__lead_name=customer.name,
        operation=txn.operation,
        type=txn.type,
        status=txn.status,
        wallet=txn.kind,
        updated_at=recorded_at,
        created_at=recorded_at,
        wallettransaction_id=str(txn.id),
        order_id=order_id,
        reference_order_name=entry.order_name,
    )
    return NewEvent(
        id=posted.event_id,
        topic="walletreward_create",
        customer_id=txn.customer_id,
        body=events.encode(event),
        occurred_at=entry.occurred_at,
        cause_id=entry.cause_id,
        depth=entry.depth,
        order_id=UUID(order_id) if order_id else None,
    )
