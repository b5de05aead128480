"""Post a batch of credits and debits: what shops give, what customers spend, what staff adjusts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from regulars import limits
from regulars.customers import Customer
from regulars.kit import Tx, invalid
from regulars.ledger.draft import Draft
from regulars.ledger.earning import earn, spend
from regulars.ledger.errors import KeyTaken
from regulars.ledger.model import Account, Act, Entry, Outcome, Posted, Txn, TxnType, Wallet, WalletId
from regulars.ledger.opening import finish, opened
from regulars.tenancy import Workspace


async def post(
    tx: Tx,
    workspace: Workspace,
    entries: Sequence[Entry],
    now: datetime,
    *,
    known: Mapping[UUID, Customer] | None = None,
    announced: bool = True,
    locked: Mapping[WalletId, Wallet] | None = None,
) -> list[Outcome]:
    """Post each entry, in order, and answer for each with what was posted or why not; a refusal stops no other.

    What has fallen due in a wallet by now is written down first, as txns of its own, so that what each txn leaves is
    what can be spent. Every new txn appends one `walletreward_create`, which tools are told of if it is `announced`.
    `known` saves reading customers the caller has read already, `locked` locking wallets that it has just locked. Lock
    order: wallets by (customer, kind). A key raced by another transaction raises the driver's UniqueViolation: the door
    runs the batch again, and then finds the txn."""
    if not entries:
        return []
    draft = await opened(
        tx,
        workspace,
        ((entry.customer_id, entry.kind) for entry in entries),
        now,
        keys=[entry.key for entry in entries if entry.key],
        whole=((entry.customer_id, entry.kind) for entry in entries if entry.operation == "dr"),
        locked=locked,
    )
    outcomes = [_take(draft, entry) for entry in entries]
    await finish(tx, draft, known=known, announced=announced)
    return outcomes


def _take(draft: Draft, entry: Entry) -> Outcome:
    wallet = draft.wallets[entry.customer_id, entry.kind]
    before = draft.by_key.get(entry.key) if entry.key else None
    if before:
        same = before.customer_id in (entry.customer_id, wallet.customer_id) and _says(before) == _says(entry)
        return Posted(before, repeated=True) if same else KeyTaken()
    if not 1 <= entry.amount <= limits.AMOUNT_MINOR_MAX:
        return invalid("amount", f"a whole number from 1 to {limits.AMOUNT_MINOR_MAX}")
    act, account = _DEBITS.get(entry.type, _SPENT) if entry.operation == "dr" else _CREDITS.get(entry.type, _EARNED)
    return (earn if entry.operation == "cr" else spend)(draft, wallet, entry, act, account)


_EARNED: tuple[Act, Account] = ("earn", "issued")
_SPENT: tuple[Act, Account] = ("spend", "redeemed")
_CREDITS: dict[TxnType, tuple[Act, Account]] = {"adjust": ("adjust", "adjusted")}
_DEBITS: dict[TxnType, tuple[Act, Account]] = {**_CREDITS, "revert": ("claw_back", "clawed_back")}


def _says(said: Entry | Txn) -> tuple[object, ...]:
    """What an entry's key stands for, beside whose it is."""
    return said.kind, said.operation, said.amount, said.type, said.title, said.description
