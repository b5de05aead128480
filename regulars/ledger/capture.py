"""Held coins are spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from regulars.kit.db import Tx
from regulars.kit.errors import invalid
from regulars.ledger.draft import Draft
from regulars.ledger.holding import Ending, end
from regulars.ledger.model import Outcome, Share, Txn, Wallet
from regulars.ledger.settling import expire, held, release
from regulars.tenancy import Workspace


async def capture(tx: Tx, workspace: Workspace, asked: Sequence[Ending], now: datetime) -> list[Outcome]:
    """Spend what each hold holds, or so much of it, and give back the rest. The answer is the hold as it is then.
    Captured before with the same amount, it is answered again; after a void, or past the time limit, it is refused."""
    return await end(tx, workspace, asked, now, "capture", _capture)


def _capture(draft: Draft, wallet: Wallet, hold: Txn, asked: Ending) -> Outcome:
    amount = hold.amount if asked.amount is None else asked.amount
    if not 1 <= amount <= hold.amount:
        return invalid("amount", f"a whole number from 1 to the {hold.amount} that are held")
    owed = amount
    rest = []
    for lot, share in held(draft, wallet, hold):
        spent = min(share, owed)
        owed -= spent
        draft.move(wallet, "held", "redeemed", spent, lot)
        rest.append(Share(lot, share - spent))
    release(draft, wallet, rest, draft.now)
    del wallet.holds[hold.id]
    line = msgspec.structs.replace(asked, title=hold.title, reference=hold.reference)
    posted = draft.record(wallet, line, "capture", "dr", amount, source=hold.id)
    draft.ended[hold.id] = posted
    draft.tell_change(line, posted, hold.id, "success", amount)
    expire(draft, wallet)
    return posted
