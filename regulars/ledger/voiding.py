"""A hold is given up: its coins go back to where they were held from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from regulars.kit.db import Tx
from regulars.ledger.draft import Draft
from regulars.ledger.holding import Ending, end
from regulars.ledger.model import Outcome, Txn, Wallet
from regulars.ledger.settling import expire, release_hold
from regulars.tenancy import Workspace


async def void(tx: Tx, workspace: Workspace, asked: Sequence[Ending], now: datetime) -> list[Outcome]:
    """Give back what each hold holds; what has expired meanwhile expires at once, unless the shop gives days of grace.
    Voided before, it is answered again; after a capture it is refused."""
    return await end(tx, workspace, asked, now, "void", _void)


def _void(draft: Draft, wallet: Wallet, hold: Txn, asked: Ending) -> Outcome:
    posted = release_hold(draft, wallet, hold, asked)
    expire(draft, wallet)
    return posted
