"""A credit: it pays a debt first, and the rest is a lot, available at once or later. A debit: it takes of the lots that
expire first, or nothing when they don't suffice."""

from datetime import UTC

from regulars import limits
from regulars.kit import new_id
from regulars.ledger.draft import Draft
from regulars.ledger.errors import InsufficientBalance, WalletFull
from regulars.ledger.model import Account, Act, Entry, Lot, Outcome, Status, Wallet, first_spent, taken


def earn(draft: Draft, wallet: Wallet, entry: Entry, act: Act, account: Account) -> Outcome:
    if wallet.credited + entry.amount > limits.WALLET_CREDITED_MAX:
        return WalletFull()
    later = entry.activates_at is not None and entry.activates_at > draft.now
    paid = 0 if later else min(wallet.debt, entry.amount)
    draft.move(wallet, account, "debt", paid)
    id, lot = new_id(), None
    if rest := entry.amount - paid:
        starts_at = entry.activates_at.astimezone(UTC) if later and entry.activates_at else draft.now
        expires_at = entry.expires_at and entry.expires_at.astimezone(UTC)
        if expires_at is None and entry.kind == "coins":
            expires_at = draft.validity.of_lot(starts_at)
        lot = Lot(id, wallet.customer_id, wallet.kind, rest, starts_at, expires_at, draft.now, 0, 0, 0)
        # A later act of this batch may spend it.
        wallet.lots.append(lot)
        draft.new_lots[id] = lot
        draft.move(wallet, account, "pending" if later else "available", rest, lot)
    status: Status = "pending" if later else "success"
    return draft.record(wallet, entry, act, "cr", entry.amount, id=id, lot=lot, status=status)


def spendable(draft: Draft, wallet: Wallet) -> list[Lot]:
    """The lots that can be spent, in the order in which they are."""
    return sorted((lot for lot in wallet.lots if lot.available and not lot.expired_at(draft.now)), key=first_spent)


def take_all(draft: Draft, wallet: Wallet, amount: int, to_account: Account) -> InsufficientBalance | None:
    """So many coins, or none."""
    lots = spendable(draft, wallet)
    available = sum(lot.available for lot in lots)
    if available < amount:
        return InsufficientBalance(needed=amount, available=available, debt=wallet.debt)
    draft.take(wallet, "available", to_account, taken(lots, "available", amount))
    return None


def spend(draft: Draft, wallet: Wallet, entry: Entry, act: Act, account: Account) -> Outcome:
    return take_all(draft, wallet, entry.amount, account) or draft.record(wallet, entry, act, "dr", entry.amount)
