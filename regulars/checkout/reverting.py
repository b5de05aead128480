"""What was taken for a cart goes back: into the lots it came from, with their expiry."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from regulars import ledger
from regulars.checkout import store
from regulars.checkout.model import Payment
from regulars.checkout.performing import Done
from regulars.checkout.store import sql
from regulars.kit import Refusal, Tx
from regulars.ledger import Ending, HoldEnded, NotReversible, Reversal
from regulars.tenancy import Workspace


async def revert(tx: Tx, workspace: Workspace, reference: str, now: datetime) -> Done:
    """Give back exactly what was taken. A reference that was never performed is reverted for ever: a call for it that
    is still on its way takes nothing."""
    opened = await tx.fetchval(sql.open_payment, workspace.id, reference, None, "coins_and_credits", 0, "reverted", now)
    payment = (await store.lock_payments(tx, workspace.id, [reference]))[reference]
    if opened or payment.state == "reverted":
        return Done(payment, repeated=not opened)
    if payment.state != "returned":
        await give_back(tx, workspace, [(payment, (1, 1))], now)
    payment = msgspec.structs.replace(payment, state="reverted")
    await store.set_payments(tx, workspace.id, [payment], now)
    return Done(payment)


async def give_back(
    tx: Tx, workspace: Workspace, payments: Sequence[tuple[Payment, tuple[int, int]]], now: datetime
) -> None:
    """Of each payment so much, in all, as the part (of, whole) says. What is held is not held any more where all goes
    back."""
    whole = [payment for payment, (part, of) in payments if part == of and payment.state == "held"]
    endings = [Ending(hold_id=id, occurred_at=now, title="Given back") for one in whole for id, _ in one.txns]
    over = await ledger.void(tx, workspace, endings, now) if endings else []
    voided = set()
    for ending, outcome in zip(endings, over, strict=True):
        if not isinstance(outcome, Refusal):
            voided.add(ending.hold_id)
        elif not isinstance(outcome, HoldEnded):  # captured by somebody else, it is given back as what was spent
            raise outcome
    reversals = [
        Reversal(
            txn_id=txn_id,
            target=share(amount, part),
            occurred_at=now,
            title=f"Checkout {payment.reference}",
            reference=f"checkout:{payment.reference}",
            actor="checkout",
        )
        for payment, part in payments
        for txn_id, amount in payment.txns
        if txn_id not in voided
    ]
    if reversals:
        for outcome in await ledger.give_back(tx, workspace, reversals, now):
            if isinstance(outcome, Refusal) and not isinstance(outcome, NotReversible):
                raise outcome


def share(amount: int, part: tuple[int, int]) -> int:
    """Rounded to the nearest, a half up."""
    return (2 * amount * part[0] + part[1]) // (2 * part[1])
