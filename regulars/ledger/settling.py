"""What changes in a wallet by itself: lots activate and expire, holds come to their time limit. A read and the next act
find it done at the instant; the schedule only has it written down soon after."""

from __future__ import annotations

from datetime import datetime

from regulars.ledger.activation import activate
from regulars.ledger.draft import Draft
from regulars.ledger.expiry import expire, expire_idle
from regulars.ledger.model import Line, Lot, Txn, Wallet
from regulars.ledger.releasing import release_hold


def is_due(draft: Draft, wallet: Wallet) -> bool:
    at = draft.next_at(wallet)
    return at is not None and at <= draft.now


def settle_all(draft: Draft, wallet: Wallet) -> None:
    """Write down, in the order in which it happened, what has fallen due. The wallet is whole."""
    steps: list[tuple[datetime, int, Lot | Txn]] = []
    for lot in wallet.lots:
        if lot.pending and lot.activates_at <= draft.now:
            steps.append((lot.activates_at, len(steps), lot))
    for hold in wallet.holds_over(draft.now):
        steps.append((hold.held_until or draft.now, len(steps), hold))
    for at, _, what in sorted(steps):
        expire_idle(draft, wallet, at)
        if isinstance(what, Lot):
            activate(draft, wallet, what)
        else:
            release_hold(draft, wallet, what, Line(occurred_at=at, type="redeem", title="Time limit"))
    expire_idle(draft, wallet, draft.now)
    expire(draft, wallet)
