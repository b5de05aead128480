"""A lot that was earned for later becomes available."""

from __future__ import annotations

from regulars.ledger.draft import Draft
from regulars.ledger.model import Line, Lot, Share, Wallet


def activate(draft: Draft, wallet: Wallet, lot: Lot) -> None:
    """All of it that is still pending. A debt is paid first."""
    amount = lot.pending
    draft.bring(wallet, "pending", Share(lot, amount))
    line = Line(occurred_at=lot.activates_at, title="Activated")
    posted = draft.record(wallet, line, "activate", "cr", amount, source=lot.id)
    draft.tell_change(line, posted, lot.id, "success")
