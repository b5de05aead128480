"""All of one customer's wallets goes to another customer: two records of one person become one."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import Conflict, Refusal, Tx, invalid
from regulars.ledger.draft import Draft
from regulars.ledger.earning import spendable
from regulars.ledger.errors import WalletFull
from regulars.ledger.model import MERGED_INTO, Kind, Line, Share, Wallet, taken
from regulars.ledger.opening import finish, opened
from regulars.tenancy import Workspace

_KINDS: tuple[Kind, Kind] = ("coins", "credits")


class CoinsHeld(Conflict, code="coins_held"):
    """Coins of this customer are held, by a checkout perhaps. Merge when the hold has ended."""


class Merge(NamedTuple):
    """All that `from_id` has is to be `into_id`'s."""

    from_id: UUID
    into_id: UUID


async def merge(
    tx: Tx, workspace: Workspace, asked: Sequence[Merge], now: datetime, *, actor: str = ""
) -> list[Refusal | None]:
    """Lots go over with their expiry, what is pending and what is owed too; what is taken or given back later of the
    older txns finds them there. None: done, or done before. Nothing of a merge that is refused is done. Lock order:
    wallets by (customer, kind)."""
    ids = {(customer_id, kind) for one in asked for customer_id in one for kind in _KINDS}
    draft = await opened(tx, workspace, ids, now, whole=ids)
    answers = [_merge(draft, one, Line(occurred_at=now, type="adjust", title="Merged", actor=actor)) for one in asked]
    await finish(tx, draft)
    return answers


def _merge(draft: Draft, asked: Merge, line: Line) -> Refusal | None:
    pairs = [(draft.wallets[asked.from_id, kind], draft.wallets[asked.into_id, kind]) for kind in _KINDS]
    (source, into), _ = pairs
    if source is into and source.customer_id != asked.from_id:
        return None
    if (source.customer_id, into.customer_id) != asked or source is into:
        return invalid("into", "another customer, and neither of them merged before")
    if any(source.held for source, _ in pairs):
        return CoinsHeld()
    if any(into.credited + source.credited > limits.WALLET_CREDITED_MAX for source, into in pairs):
        return WalletFull()
    for source, into in pairs:
        source.merged_into = into.customer_id
        _move(draft, source, into, line)
    return None


def _move(draft: Draft, source: Wallet, into: Wallet, line: Line) -> None:
    net, debt, lots = source.available + source.pending - source.debt, source.debt, source.lots
    pending = [Share(lot, lot.pending) for lot in lots if lot.pending]
    available = [Share(lot, lot.available) for lot in lots if lot.available]
    draft.take(source, "pending", "adjusted", pending)
    draft.take(source, "available", "adjusted", available)
    draft.move(source, "adjusted", "debt", debt)
    out = msgspec.structs.replace(line, reference=f"{MERGED_INTO}{into.customer_id}")
    draft.record(source, out, "merge", "dr" if net > 0 else "cr", abs(net))
    source.lots = []
    if not (lots or debt):
        return
    into.lots.extend(lots)
    for lot, amount in pending:
        draft.move(into, "adjusted", "pending", amount, lot, lot.extended_to)
    draft.move(into, "debt", "adjusted", debt)
    for share in available:
        draft.move(into, "adjusted", "available", share.amount, share.lot, share.lot.extended_to)
    # Who is still owed is paid of what both have.
    draft.take(into, "available", "debt", taken(spendable(draft, into), "available", into.debt))
    came = msgspec.structs.replace(line, reference=f"merged_from:{source.customer_id}")
    draft.record(into, came, "merge", "cr" if net > 0 else "dr", abs(net))
