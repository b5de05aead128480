"""What changes in a wallet by itself: lots activate and expire, holds come to their time limit. A read and the next act
find it done at the instant; the schedule only has it written down soon after. What a hold lets go of comes back, and
what has expired goes, in the same way after any act."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.ledger.draft import Draft
from regulars.ledger.model import Line, Lot, Posted, Share, Txn, Wallet


def settle_all(draft: Draft, wallet: Wallet) -> None:
    """Write down, in the order in which it happened, what has fallen due. The wallet is whole."""
    steps: list[tuple[datetime, int, Lot | UUID]] = []
    for lot in wallet.lots:
        if lot.pending and lot.activates_at <= draft.now:
            steps.append((lot.activates_at, len(steps), lot))
    for until, hold_id in wallet.holds_over(draft.now):
        steps.append((until, len(steps), hold_id))
    for at, _, what in sorted(steps):
        _expire_idle(draft, wallet, at)
        if isinstance(what, Lot):
            _activate(draft, wallet, what)
        else:
            release_hold(draft, wallet, draft.sources[what], Line(occurred_at=at, type="redeem", title="Time limit"))
    _expire_idle(draft, wallet, draft.now)
    expire(draft, wallet)


def _activate(draft: Draft, wallet: Wallet, lot: Lot) -> None:
    """All of it that is still pending becomes available. A debt is paid first."""
    amount = lot.pending
    draft.bring(wallet, "pending", Share(lot, amount))
    line = Line(occurred_at=lot.activates_at, title="Activated")
    posted = draft.record(wallet, line, "activate", "cr", amount, source=lot.id)
    draft.tell_change(line, posted, lot.id, "success")


def expire(draft: Draft, wallet: Wallet) -> None:
    """What of each lot is available and has expired by now, in one txn. The wallet is whole."""
    gone = [lot for lot in wallet.lots if lot.available and lot.expired_at(draft.now)]
    if gone:
        _expire(draft, wallet, gone, min(lot.ends_at() or draft.now for lot in gone), "Expired")


def _expire_idle(draft: Draft, wallet: Wallet, now: datetime) -> None:
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
