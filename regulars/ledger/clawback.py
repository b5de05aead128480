"""What was earned is taken back, as the order it was earned with is refunded: by and by, each time the difference to
what was taken back already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.ledger.draft import Draft
from regulars.ledger.model import Outcome, taken
from regulars.ledger.opening import finish
from regulars.ledger.reversing import Reversal, Reversing, reversing
from regulars.ledger.spending import spendable
from regulars.tenancy import Workspace


async def claw_back(tx: Tx, workspace: Workspace, asked: Sequence[Reversal], now: datetime) -> list[Outcome]:
    """Take back of each credit what is to be by now, at most what it brought: of what of it is pending, of its own lot,
    of other lots, then as a debt; how far, the shop's rules say, and the rest is forgiven for good. Lock order: wallets
    by (customer, kind)."""
    draft, found = await reversing(tx, workspace, asked, now, "claw_back", ["earn", "adjust"])
    outcomes = [
        one if isinstance(one, Refusal) else _claw_back(draft, reversal, one)
        for reversal, one in zip(asked, found, strict=True)
    ]
    await finish(tx, draft)
    return outcomes


def _claw_back(draft: Draft, asked: Reversal, about: Reversing) -> Outcome:
    source, wallet, before = about
    owed = about.due(asked, source.amount if source.operation == "cr" else 0)
    if not isinstance(owed, int):
        return owed
    amount = owed
    target = (before[-1].target or 0 if before else 0) + owed
    own = [lot for lot in wallet.lots if lot.id == source.id]
    owed -= draft.take(wallet, "pending", "clawed_back", taken(own, "pending", owed))
    if draft.rules.claw_back != "pending":
        others = [lot for lot in spendable(draft, wallet) if lot.id != source.id]
        owed -= draft.take(wallet, "available", "clawed_back", taken([*own, *others], "available", owed))
    if draft.rules.claw_back == "debt":
        draft.move(wallet, "debt", "clawed_back", owed)
        owed = 0
    amount -= owed
    posted = draft.record(wallet, asked, "claw_back", "dr", amount, source=source.id, target=target)
    before.append(posted.txn)
    if amount:
        whole = sum(txn.amount for txn in before) == source.amount
        draft.tell_change(asked, posted, source.id, "reversed" if whole else source.status)
    return posted
