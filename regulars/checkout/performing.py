"""What a cart may use, and the taking of it; and how it goes back: into the lots it came from, with their expiry."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import ledger
from regulars.checkout import store
from regulars.checkout.errors import CartChanged, CheckoutReverted
from regulars.checkout.model import Cart, Payment, Quote, Rules, State, WalletType, quoted
from regulars.checkout.store import sql
from regulars.kit import Reading, Refusal, Tx
from regulars.ledger import Ending, Entry, Hold, HoldEnded, Kind, Reversal
from regulars.tenancy import Workspace

KINDS: tuple[Kind, Kind] = ("coins", "credits")


class Done(msgspec.Struct, frozen=True):
    """What became of a cart; `repeated`: it was done before, and nothing was done now."""

    payment: Payment
    repeated: bool = False


async def quote(
    tx: Reading,
    workspace: Workspace,
    rules: Rules,
    customer_id: UUID,
    wallet_type: WalletType,
    amount_minor: int | None,
    now: datetime,
) -> Quote:
    """What the customer could use for such a cart at this moment. Nothing is taken, nothing promised."""
    balances = (await ledger.balances(tx, workspace, [customer_id], now))[customer_id]
    return quoted(rules, workspace.currency_code, balances, wallet_type, amount_minor)


async def perform(tx: Tx, workspace: Workspace, rules: Rules, cart: Cart, now: datetime) -> Done:
    """Take what the cart may use, as the rules say. Raises CartChanged, CheckoutReverted."""
    state: State = "held" if rules.takes == "hold" else "taken"
    given = (cart.reference, cart.customer_id, cart.wallet_type, cart.amount_minor)
    opened = await tx.fetchval(sql.open_payment, workspace.id, *given, state, now)
    payment = (await store.lock_payments(tx, workspace.id, [cart.reference]))[cart.reference]
    if opened is None:
        if payment.state in ("returned", "reverted"):
            raise CheckoutReverted
        if (payment.reference, payment.customer_id, payment.wallet_type, payment.cart_minor) != given:
            raise CartChanged
        return Done(payment, repeated=True)
    # Nobody else moves anything in these wallets from here on, so what is seen is what can be taken.
    await ledger.lock(tx, workspace.id, [(cart.customer_id, kind) for kind in KINDS])
    uses = await quote(tx, workspace, rules, cart.customer_id, cart.wallet_type, cart.amount_minor, now)
    amounts: dict[Kind, int] = {"credits": uses.credits, "coins": uses.coins}
    txns = await take(tx, workspace, cart.reference, cart.customer_id, amounts, now, held=state == "held")
    payment = msgspec.structs.replace(
        payment,
        coins=uses.coins,
        coins_minor=uses.coins_minor,
        credits=uses.credits,
        credits_minor=uses.credits_minor,
        coins_txn_id=txns.get("coins"),
        credits_txn_id=txns.get("credits"),
    )
    await store.set_payments(tx, workspace.id, [payment], now)
    return Done(payment)


async def take(
    tx: Tx, shop: Workspace, reference: str, customer_id: UUID, amounts: dict[Kind, int], now: datetime, *, held: bool
) -> dict[Kind, UUID]:
    """Hold or debit so much of each wallet; their txns."""
    said: dict[str, Any] = {
        "occurred_at": now,
        "title": f"Checkout {reference}",
        "reference": f"checkout:{reference}",
        "order_name": reference,
        "actor": "checkout",
    }
    kinds = [kind for kind, amount in amounts.items() if amount]
    if held:
        holds = [Hold(customer_id=customer_id, kind=kind, amount=amounts[kind], **said) for kind in kinds]
        outcomes = await ledger.hold(tx, shop, holds, now)
    else:
        debits = [
            Entry(customer_id=customer_id, kind=kind, operation="dr", amount=amounts[kind], type="redeem", **said)
            for kind in kinds
        ]
        outcomes = await ledger.post(tx, shop, debits, now)
    txns: dict[Kind, UUID] = {}
    for kind, outcome in zip(kinds, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            raise outcome
        txns[kind] = outcome.txn.id
    return txns


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
    await ledger.reverse(ledger.give_back, tx, workspace, reversals, now)


def share(amount: int, part: tuple[int, int]) -> int:
    """Rounded to the nearest, a half up."""
    return (2 * amount * part[0] + part[1]) // (2 * part[1])
