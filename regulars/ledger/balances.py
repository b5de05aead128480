"""What customers have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.kit.db import Reading
from regulars.ledger import store
from regulars.ledger.model import Balance, Kind, Liability
from regulars.ledger.opening import as_of
from regulars.tenancy import Workspace


async def balances(
    tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime
) -> dict[UUID, dict[Kind, Balance]]:
    """Both wallets of each customer asked for, exact at that instant; one that was never opened is empty."""
    found = await as_of(tx, workspace, customer_ids, now)
    kinds: tuple[Kind, Kind] = ("coins", "credits")
    return {
        customer_id: {
            kind: found[customer_id, kind].balance() if (customer_id, kind) in found else Balance(kind)
            for kind in kinds
        }
        for customer_id in customer_ids
    }


async def available(tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime) -> dict[UUID, int]:
    """How many coins each customer asked for can spend now: what every page, answer and event calls available."""
    found = await as_of(tx, workspace, customer_ids, now)
    return {id: found[id, "coins"].available if (id, "coins") in found else 0 for id in customer_ids}


async def liability(tx: Reading, workspace_id: UUID, kind: Kind) -> Liability:
    """What the shop owes its customers in one kind of wallet. Reads every wallet: for reports."""
    return await store.liability(tx, workspace_id, kind)
