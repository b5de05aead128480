"""One function per statement of `queries.sql`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import astuple

from regulars.kit.db import Reading, Tx
from regulars.kit.queries import Queries
from regulars.ledger.model import Balance, Kind, Liability, Lot, Operation, Posting, Txn, Wallet

_sql = Queries(__file__)

WalletId = tuple[UUID, Kind]

_WALLET_ROW = slice(2, -1)  # without whose it is, which its place says too, and without its lots


async def lock_wallets(tx: Tx, workspace_id: UUID, wanted: Iterable[WalletId]) -> dict[WalletId, Wallet]:
    """The wallets, each locked until the transaction ends; those that did not exist are opened.

    Lock order: new wallets by (customer, kind), which nobody else can see yet, then the others by the same.
    """
    ids = sorted(set(wanted))
    locked = await _wallets(tx, _sql.lock_wallets, workspace_id, ids)
    if not locked:
        locked = await _wallets(tx, _sql.open_wallets, workspace_id, ids)
        others = [wallet_id for wallet_id in ids if wallet_id not in locked]
        if others:
            locked |= await _wallets(tx, _sql.lock_wallets, workspace_id, others)
    return locked


async def _wallets(tx: Reading, statement: str, workspace_id: UUID, ids: Sequence[WalletId]) -> dict[WalletId, Wallet]:
    rows = await tx.fetch(statement, workspace_id, [i[0] for i in ids], [i[1] for i in ids])
    return {(row["customer_id"], row["kind"]): Wallet(*row) for row in rows}


async def open_lots(tx: Reading, workspace_id: UUID, ids: Sequence[WalletId]) -> list[Lot]:
    """The lots with something left, in no order."""
    rows = await tx.fetch(_sql.open_lots, workspace_id, [i[0] for i in ids], [i[1] for i in ids])
    return [Lot(*row) for row in rows]


async def txns_by_key(tx: Reading, workspace_id: UUID, keys: Sequence[str]) -> dict[str, Txn]:
    return {row["key"]: Txn(*row) for row in await tx.fetch(_sql.txns_by_key, workspace_id, keys)}


def write(
    tx: Tx,
    workspace_id: UUID,
    *,
    txns: Sequence[Txn],
    postings: Sequence[Posting],
    lots: Sequence[Lot],
    spent: Sequence[Lot],
    consumptions: Sequence[tuple[UUID, UUID, int]],
    wallets: Sequence[Wallet],
) -> None:
    """`lots` are new, `spent` older ones with what remains of them now; `consumptions` are (txn, lot, amount)."""
    tx.write(_sql.insert_txns, workspace_id, [astuple(txn) for txn in txns])
    tx.write(_sql.insert_postings, workspace_id, [astuple(posting) for posting in postings])
    if spent:
        tx.write(_sql.spend_lots, workspace_id, [lot.id for lot in spent], [lot.remaining for lot in spent])
    if lots:
        tx.write(_sql.insert_lots, workspace_id, [astuple(lot) for lot in lots])
    if consumptions:
        tx.write(_sql.insert_consumptions, workspace_id, consumptions)
    tx.write(_sql.update_wallets, workspace_id, [astuple(wallet)[_WALLET_ROW] for wallet in wallets])


async def balances(
    tx: Reading, workspace_id: UUID, customer_ids: Sequence[UUID], now: datetime
) -> dict[WalletId, Balance]:
    rows = await tx.fetch(_sql.balances, workspace_id, customer_ids, now)
    return {(row["customer_id"], row["kind"]): Balance(*list(row)[1:]) for row in rows}


async def txn(tx: Reading, workspace_id: UUID, txn_id: UUID) -> Txn | None:
    row = await tx.fetchrow(_sql.txn, workspace_id, txn_id)
    return Txn(*row) if row else None


async def txns_of_wallet(
    tx: Reading,
    workspace_id: UUID,
    customer_id: UUID,
    kind: Kind,
    operation: Operation | None,
    wire_hash: str | None,
    beyond_seq: int | None,
    limit: int,
    offset: int,
    oldest_first: bool,
) -> list[Txn]:
    statement = _sql.txns_of_wallet_from_oldest if oldest_first else _sql.txns_of_wallet
    rows = await tx.fetch(statement, workspace_id, customer_id, kind, operation, wire_hash, beyond_seq, limit, offset)
    return [Txn(*row) for row in rows]


async def count_txns(
    tx: Reading, workspace_id: UUID, customer_id: UUID, kind: Kind, operation: Operation | None, wire_hash: str | None
) -> int:
    count: int = await tx.fetchval(_sql.count_txns, workspace_id, customer_id, kind, operation, wire_hash)
    return count


async def liability(tx: Reading, workspace_id: UUID, kind: Kind) -> Liability:
    return Liability(*await tx.fetchrow(_sql.liability, workspace_id, kind))  # type: ignore[misc]
