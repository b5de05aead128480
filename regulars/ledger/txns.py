"""The lines of the book, read."""

from __future__ import annotations

from uuid import UUID

from regulars.kit.db import Reading
from regulars.kit.errors import NotFound
from regulars.ledger import store
from regulars.ledger.model import Kind, Operation, Txn


async def find_txn(tx: Reading, workspace_id: UUID, txn_id: UUID) -> Txn:
    """Raises NotFound."""
    txn = await store.txn(tx, workspace_id, txn_id)
    if txn is None:
        raise NotFound("This wallet transaction does not exist.")
    return txn


async def txns_of(
    tx: Reading,
    workspace_id: UUID,
    customer_id: UUID,
    *,
    kind: Kind = "coins",
    operation: Operation | None = None,
    wire_hash: str | None = None,
    before_seq: int | None = None,
    limit: int = 50,
) -> list[Txn]:
    """One wallet's txns, newest first. Page by `before_seq`."""
    return await store.txns_of_wallet(
        tx, workspace_id, customer_id, kind, operation, wire_hash, before_seq, limit, 0, oldest_first=False
    )


async def numbered_page(
    tx: Reading,
    workspace_id: UUID,
    customer_id: UUID,
    *,
    kind: Kind,
    operation: Operation | None = None,
    wire_hash: str | None = None,
    oldest_first: bool = False,
    beyond_seq: int | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Txn], int]:
    """One wallet's txns from `offset` on, as the merchant API pages them, and how many there are in all. `beyond_seq`
    is the last one of the page before, where a page is not named by its number."""
    count = await store.count_txns(tx, workspace_id, customer_id, kind, operation, wire_hash)
    txns = await store.txns_of_wallet(
        tx,
        workspace_id,
        customer_id,
        kind,
        operation,
        wire_hash,
        beyond_seq,
        limit,
        offset,
        oldest_first=oldest_first,
    )
    return txns, count
