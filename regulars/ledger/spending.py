"""A debit: it takes of the lots that expire first, or nothing when they don't suffice."""

from regulars.ledger.draft import Draft
from regulars.ledger.errors import InsufficientBalance
from regulars.ledger.model import Account, Act, Entry, Lot, Outcome, Wallet, first_spent, taken


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
