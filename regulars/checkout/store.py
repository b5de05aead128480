"""Typed functions over the statements that more than one act uses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.checkout.model import Connection, Payment, Rules
from regulars.kit.db import Reading, Record, Tx
from regulars.kit.queries import Queries

sql = Queries(__file__)


async def connection(tx: Reading, workspace_id: UUID) -> Connection | None:
    return _connection(await tx.fetchrow(sql.connection, workspace_id))


async def lock_connection(tx: Tx, workspace_id: UUID) -> Connection | None:
    return _connection(await tx.fetchrow(sql.lock_connection, workspace_id))


async def by_hook(tx: Reading, hook_id: UUID) -> Connection | None:
    return _connection(await tx.fetchrow(sql.by_hook, hook_id))


async def lock_payments(tx: Tx, workspace_id: UUID, references: Sequence[str]) -> dict[str, Payment]:
    """Those that there are, each locked until the transaction ends, in the order of their references."""
    rows = await tx.fetch(sql.lock_payments, workspace_id, sorted(set(references)))
    return {row["reference"]: Payment(*row) for row in rows}


async def set_payments(tx: Tx, workspace_id: UUID, payments: Sequence[Payment], now: datetime) -> None:
    """Their coins, credits, txns, states and orders; they are locked."""
    if not payments:
        return
    names = ("reference", "coins", "coins_minor", "credits", "credits_minor", "coins_txn_id", "credits_txn_id")
    columns = [[getattr(one, name) for one in payments] for name in names]
    states, orders = [one.state for one in payments], [one.order_id for one in payments]
    await tx.execute(sql.set_payments, workspace_id, *columns, now, states, orders)


def _connection(row: Record | None) -> Connection | None:
    if row is None:
        return None
    workspace_id, hook_id, sealed, previous_until, rules, created_at, updated_at = row
    return Connection(
        workspace_id, hook_id, sealed, previous_until, msgspec.convert(rules, Rules), created_at, updated_at
    )
