"""Held coins go back to where they were held from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from regulars.ledger.draft import Draft
from regulars.ledger.model import Line, Posted, Share, Txn, Wallet


def held(draft: Draft, wallet: Wallet, hold: Txn) -> list[Share]:
    """What a hold took of which lot. Its transfers are read."""
    lots = {lot.id: lot for lot in wallet.lots}
    return [Share(lots[one.lot_id], one.amount) for one in draft.transfers_of[hold.id] if one.lot_id]


def release(draft: Draft, wallet: Wallet, shares: Iterable[Share], at: datetime) -> None:
    """Lots that expired while they were held get the days of grace that the shop gives."""
    grace = draft.validity.grace(draft.rules.hold_grace_days, at) if draft.rules.hold_grace_days else None
    for share in shares:
        draft.bring(wallet, "held", share, grace if share.lot.expired_at(at) else None)
        wallet.debited -= share.amount


def release_hold(draft: Draft, wallet: Wallet, hold: Txn, line: Line) -> Posted:
    """All that it holds. What has expired meanwhile is for the caller to expire."""
    release(draft, wallet, held(draft, wallet, hold), line.occurred_at)
    del wallet.holds[hold.id]
    line = msgspec.structs.replace(line, reference=hold.reference)
    posted = draft.record(wallet, line, "void", "dr", hold.amount, status="cancelled", source=hold.id)
    draft.ended[hold.id] = posted
    draft.tell_change(line, posted, hold.id, "cancelled")
    return posted
