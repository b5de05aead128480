"""What has expired leaves the wallet: lot by lot, or all of a wallet that did not move for long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from regulars.ledger.draft import Draft
from regulars.ledger.model import Line, Lot, Share, Wallet


def expire(draft: Draft, wallet: Wallet) -> None:
    """What of each lot is available and has expired by now, in one txn. The wallet is whole."""
    gone = [lot for lot in wallet.lots if lot.available and lot.expired_at(draft.now)]
    if gone:
        _expire(draft, wallet, gone, min(lot.ends_at() or draft.now for lot in gone), "Expired")


def expire_idle(draft: Draft, wallet: Wallet, now: datetime) -> None:
    """All that is available, if the wallet's time without a movement was over by then."""
    idle_at = draft.validity.idle_at(wallet.active_at)
    gone = [lot for lot in wallet.lots if lot.available]
    if gone and idle_at and idle_at <= now:
        _expire(draft, wallet, gone, idle_at, "Expired after a time without a movement")


def _expire(draft: Draft, wallet: Wallet, lots: Sequence[Lot], at: datetime, title: str) -> None:
    amount = draft.take(wallet, "available", "expired", [Share(lot, lot.available) for lot in lots])
    line = Line(occurred_at=at, type="expire", title=title)
    posted = draft.record(wallet, line, "expire", "dr", amount)
    for lot in lots:
        draft.tell_change(line, posted, lot.id, "expired")
