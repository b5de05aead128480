"""Typed functions over the statements that more than one act uses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.checkout.model import Connection, Payment, Rules
from regulars.kit import Queries, Reading, Tx

sql = Queries(__file__)


def connection_of(*row: Any) -> Connection:
    """As a row of the statements that read connections."""
    read = Connection(*row)
    return msgspec.structs.replace(read, rules=msgspec.convert(read.rules, Rules))


async def connection(tx: Reading, workspace_id: UUID) -> Connection | None:
    """None: the checkout is not connected."""
    return await tx.one(connection_of, sql.connection, workspace_id)


async def lock_payments(tx: Tx, workspace_id: UUID, references: Sequence[str]) -> dict[str, Payment]:
    """Those that there are, each locked until the transaction ends, in the order of their references."""
    found = await tx.all(Payment, sql.lock_payments, workspace_id, sorted(set(references)))
    return {payment.reference: payment for payment in found}


async def set_payments(tx: Tx, workspace_id: UUID, payments: Sequence[Payment], now: datetime) -> None:
    """Their coins, credits, txns, states and orders; they are locked."""
    if not payments:
        return
    names = ("reference", "coins", "coins_minor", "credits", "credits_minor", "coins_txn_id", "credits_txn_id")
    columns = [[getattr(one, name) for one in payments] for name in (*names, "state", "order_id")]
    await tx.execute(sql.set_payments, workspace_id, *columns[:-2], now, *columns[-2:])
