"""The lots of a wallet that have something left, read as of an instant."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from regulars.kit.db import Reading
from regulars.ledger.model import Kind, Lot, first_spent
from regulars.ledger.opening import as_of
from regulars.tenancy import Workspace


async def lots_of(
    tx: Reading, workspace: Workspace, customer_id: UUID, now: datetime, *, kind: Kind = "coins"
) -> list[Lot]:
    """In the order in which they are spent, what has fallen due settled; at most as many as a wallet has open."""
    wallets = await as_of(tx, workspace, [customer_id], now, whole=True)
    wallet = wallets.get((customer_id, kind))
    lots = wallet.lots if wallet else []
    return sorted((lot for lot in lots if lot.pending or lot.available or lot.held), key=first_spent)
