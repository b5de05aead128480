"""What becomes of a cart's coins as its order comes in, is refunded, is cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import ledger
from regulars import orders as reported
from regulars.checkout import store
from regulars.checkout.model import Payment
from regulars.checkout.performing import KINDS, take
from regulars.checkout.reverting import give_back
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.ledger import Ending, HoldEnded, Kind
from regulars.orders import Order
from regulars.tenancy import Workspace


async def settle_orders(tx: Tx, workspace: Workspace, came: Sequence[Order], now: datetime) -> None:
    """Orders as they are now: what was held for one is spent; of one that is refunded coins and credits go back in the
    proportion of the money, of one that counts for nothing any more all do. Told again it comes to the same.

    An order is known by its reference_id, and by its customer, since two sources may use one id. Before any wallet is
    locked.
    """
    found = await store.lock_payments(tx, workspace.id, sorted({order.reference_id for order in came}))
    about = [
        (order, payment)
        for order in came
        if (payment := found.get(order.reference_id))
        and payment.customer_id == order.customer_id
        and payment.state != "reverted"
    ]
    if not about:
        return
    taken = await _capture(tx, workspace, [pair for pair in about if not pair[0].void], now)
    about = [(order, taken.get(payment.reference, payment)) for order, payment in about]
    back: list[tuple[Payment, tuple[int, int] | None]] = []
    for order, payment in about:
        if order.void:
            back.append((payment, None))
        elif order.refunded_minor:
            back.append((payment, (order.refunded_minor, order.amount_minor)))
    await give_back(tx, workspace, back, now)
    gone = [msgspec.structs.replace(payment, state="reverted") for payment, part in back if part is None]
    if changed := [*taken.values(), *gone]:
        await store.set_payments(tx, workspace.id, changed, now)
        spent: dict[UUID, int] = {order.id: 0 if order.void else payment.coins for order, payment in about}
        await reported.spend_on_orders(tx, workspace.id, spent)


async def _capture(
    tx: Tx, workspace: Workspace, about: Sequence[tuple[Order, Payment]], now: datetime
) -> dict[str, Payment]:
    """What is held is spent; the payments that are taken now. Of a hold that the order came too late for, as much is
    taken anew as is there."""
    held = [payment for _, payment in about if payment.state == "held"]
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
    assert payment.customer_id is not None
    await ledger.lock(tx, workspace.id, [(payment.customer_id, kind) for kind in KINDS])
    balances = (await ledger.balances(tx, workspace, [payment.customer_id], now))[payment.customer_id]
    amounts: dict[Kind, int] = {"credits": payment.credits, "coins": payment.coins}
    txns: dict[Kind, UUID | None] = {"credits": payment.credits_txn_id, "coins": payment.coins_txn_id}
    void = {
        kind for kind, id in txns.items() if id and (await ledger.find_txn(tx, workspace.id, id)).status != "success"
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
