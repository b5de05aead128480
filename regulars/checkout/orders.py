"""What becomes of a cart's coins as its order comes in, is refunded, is cancelled."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import customers, ledger
from regulars.checkout import store
from regulars.checkout.model import Payment
from regulars.checkout.performing import KINDS, give_back, share, take
from regulars.customers import Customer
from regulars.kit import Refusal, Tx
from regulars.ledger import Ending, HoldEnded, Kind
from regulars.orders import Order
from regulars.tenancy import Workspace


async def settle_orders(tx: Tx, workspace: Workspace, came: Sequence[Order], now: datetime) -> dict[UUID, int]:
    """Orders as they are now: what was held for one is spent; of one that is refunded coins and credits go back in the
    proportion of the money, of one that counts for nothing any more all do, and as a refund is withdrawn, or the order
    counts again, they are spent again; what is not there any more is owed, or let go, as the book's rules say. Told
    again it comes to the same. Answers how many coins are spent on each, by its id, where the order says otherwise.

    A cart's order is the first that comes with its reference_id from its customer, since two sources may use one id.
    Before any wallet is locked.
    """
    found = await store.lock_payments(tx, workspace.id, sorted({order.reference_id for order in came}))
    asked = [
        (order, payment)
        for order in came
        if (payment := found.get(order.reference_id)) and payment.state != "reverted" and payment.customer_id
    ]
    if not asked:
        return {}
    # Whoever paid may have been merged into another since.
    who = await customers.by_ids(tx, workspace.id, sorted({p.customer_id for _, p in asked if p.customer_id}))
    about = [(order, payment) for order, payment in asked if _is_of(payment, who, order)]
    counts = [(order, payment) for order, payment in about if not order.void]
    taken = await _capture(tx, workspace, [pair for pair in counts if pair[1].state == "held"], now)
    for _, payment in sorted(
        (pair for pair in counts if pair[1].state == "returned"), key=lambda pair: pair[1].reference
    ):
        taken[payment.reference] = await _take_late(tx, workspace, payment, now)
    settled = [(order, taken.get(payment.reference, payment)) for order, payment in about]
    # Nothing has gone back of an order that is new here.
    back = [(payment, part) for order, payment in settled if (part := _back(order)) != (0, 1) or payment.order_id]
    await give_back(tx, workspace, back, now)
    changed = [
        msgspec.structs.replace(payment, state="returned" if order.void else payment.state, order_id=order.id)
        for order, payment in settled
        if order.void or payment.reference in taken or payment.order_id is None
    ]
    await store.set_payments(tx, workspace.id, changed, now)
    spent = {order.id: payment.coins - share(payment.coins, _back(order)) for order, payment in settled}
    return {order.id: spent[order.id] for order, _ in settled if order.coins_spent != spent[order.id]}


def _is_of(payment: Payment, who: Mapping[UUID, Customer], order: Order) -> bool:
    if payment.order_id:
        return payment.order_id == order.id
    paid = who.get(payment.customer_id) if payment.customer_id else None
    return order.customer_id == payment.customer_id or (paid is not None and order.customer_id == paid.id)


def _back(order: Order) -> tuple[int, int]:
    """Which part of what was paid for it goes back."""
    if order.void:
        return 1, 1
    return (order.refunded_minor, order.amount_minor) if order.refunded_minor else (0, 1)


async def _capture(
    tx: Tx, workspace: Workspace, about: Sequence[tuple[Order, Payment]], now: datetime
) -> dict[str, Payment]:
    """What is held is spent; the payments that are taken now. Of a hold that the order came too late for, as much is
    taken anew as is there."""
    held = [payment for _, payment in about]
    name = {payment.reference: order.name for order, payment in about}
    endings = [
        (payment, Ending(hold_id=id, occurred_at=now, order_name=name[payment.reference]))
        for payment in held
        for id, _ in payment.txns
    ]
    late: dict[str, Payment] = {}
    outcomes = await ledger.capture(tx, workspace, [ending for _, ending in endings], now) if endings else []
    for (payment, _), outcome in zip(endings, outcomes, strict=True):
        if isinstance(outcome, HoldEnded):
            late[payment.reference] = payment
        elif isinstance(outcome, Refusal):
            raise outcome
    taken = {one.reference: msgspec.structs.replace(one, state="taken") for one in held}
    for reference, payment in sorted(late.items()):
        taken[reference] = await _take_late(tx, workspace, payment, now)
    return taken


async def _take_late(tx: Tx, workspace: Workspace, payment: Payment, now: datetime) -> Payment:
    """Of what was held and never spent."""
    assert payment.customer_id is not None
    await ledger.lock(tx, workspace.id, [(payment.customer_id, kind) for kind in KINDS])
    balances = (await ledger.balances(tx, workspace, [payment.customer_id], now))[payment.customer_id]
    amounts: dict[Kind, int] = {"credits": payment.credits, "coins": payment.coins}
    txns: dict[Kind, UUID | None] = {"credits": payment.credits_txn_id, "coins": payment.coins_txn_id}
    void = {
        kind for kind, id in txns.items() if id and (await ledger.find_txn(tx, workspace.id, id)).status == "cancelled"
    }
    for kind in void:
        amounts[kind] = min(amounts[kind], 0 if balances[kind].debt else balances[kind].available)
        txns[kind] = None
    again = {kind: amounts[kind] for kind in amounts if kind in void}
    txns |= await take(tx, workspace, payment.reference, payment.customer_id, again, now, held=False)
    return msgspec.structs.replace(
        payment,
        coins=amounts["coins"],
        credits=amounts["credits"],
        coins_txn_id=txns["coins"],
        credits_txn_id=txns["credits"],
        state="taken",
    )
