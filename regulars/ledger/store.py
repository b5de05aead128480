"""One function per statement of `queries.sql`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import astuple

from regulars.kit.db import Reading, Tx
from regulars.kit.queries import Queries
from regulars.ledger.model import Act, Kind, Liability, Lot, Operation, Status, Transfer, Txn, Wallet, WalletId

_sql = Queries(__file__)

# Without whose it is, which its place says too, and without what was read with it.
_WALLET_ROW = slice(2, Wallet.__struct_fields__.index("lots"))
_TXN_ROW = slice(0, Txn.__struct_fields__.index("changed_at"))


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


async def wallets_of(tx: Reading, workspace_id: UUID, customer_ids: Sequence[UUID]) -> dict[WalletId, Wallet]:
    """Those that were opened, not locked."""
    rows = await tx.fetch(_sql.wallets_of, workspace_id, customer_ids)
    return {(row["customer_id"], row["kind"]): Wallet(*row) for row in rows}


async def wallets_after(
    tx: Reading, workspace_id: UUID, customer_id: UUID, kind: str, limit: int
) -> dict[WalletId, Wallet]:
    """The next wallets after that one, in the order of their keys, not locked."""
    rows = await tx.fetch(_sql.wallets_after, workspace_id, customer_id, kind, limit)
    return {(row["customer_id"], row["kind"]): Wallet(*row) for row in rows}


async def open_lots(tx: Reading, workspace_id: UUID, ids: Sequence[WalletId]) -> list[Lot]:
    """The lots with something left, in no order."""
    rows = await tx.fetch(_sql.open_lots, workspace_id, [i[0] for i in ids], [i[1] for i in ids])
    return [Lot(*row) for row in rows]


async def lots_by_id(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> list[Lot]:
    return [Lot(*row) for row in await tx.fetch(_sql.lots_by_id, workspace_id, ids)]


async def open_holds(tx: Reading, workspace_id: UUID, ids: Sequence[WalletId]) -> list[Txn]:
    """Of these wallets the holds that were neither captured nor voided."""
    rows = await tx.fetch(_sql.open_holds, workspace_id, [i[0] for i in ids], [i[1] for i in ids])
    return [Txn(*row) for row in rows]


async def txns_by_key(tx: Reading, workspace_id: UUID, keys: Sequence[str]) -> dict[str, Txn]:
    return {row["key"]: Txn(*row) for row in await tx.fetch(_sql.txns_by_key, workspace_id, keys)}


async def txns_by_id(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Txn]:
    return {row["id"]: Txn(*row) for row in await tx.fetch(_sql.txns_by_id, workspace_id, ids)}


async def followers(tx: Reading, workspace_id: UUID, ids: Sequence[UUID], acts: Sequence[Act]) -> list[Txn]:
    """The txns of these acts whose source is one of these, oldest first."""
    return [Txn(*row) for row in await tx.fetch(_sql.followers, workspace_id, ids, acts)] if ids else []


async def txns_of_orders(tx: Reading, workspace_id: UUID, references: Sequence[str]) -> list[Txn]:
    return [Txn(*row) for row in await tx.fetch(_sql.txns_of_orders, workspace_id, references)]


async def transfers_of(tx: Reading, workspace_id: UUID, txn_ids: Sequence[UUID]) -> dict[UUID, list[Transfer]]:
    found: dict[UUID, list[Transfer]] = {id: [] for id in txn_ids}
    for row in await tx.fetch(_sql.transfers_of, workspace_id, txn_ids) if txn_ids else ():
        found[row["txn_id"]].append(Transfer(*row))
    return found


def write(
    tx: Tx,
    workspace_id: UUID,
    *,
    txns: Sequence[Txn],
    transfers: Sequence[Transfer],
    lots: Sequence[Lot],
    moved: Sequence[Lot],
    wallets: Sequence[Wallet],
) -> None:
    """`lots` are new, `moved` older ones as they are now."""
    tx.write(_sql.insert_txns, workspace_id, [astuple(txn)[_TXN_ROW] for txn in txns])
    tx.write(_sql.insert_transfers, workspace_id, [astuple(transfer) for transfer in transfers])
    if moved:
        tx.write(_sql.move_lots, workspace_id, [astuple(lot) for lot in moved])
    if lots:
        tx.write(_sql.insert_lots, workspace_id, [astuple(lot) for lot in lots])
    tx.write(_sql.update_wallets, workspace_id, [astuple(wallet)[_WALLET_ROW] for wallet in wallets])


class Change(NamedTuple):
    """What a later txn says of an older one, `id`."""

    id: UUID
    act: Act
    status: Status
    amount: int
    recorded_at: datetime


async def changes(tx: Reading, workspace_id: UUID, txn_ids: Sequence[UUID]) -> list[Change]:
    """Oldest first."""
    return [Change(*row) for row in await tx.fetch(_sql.changes, workspace_id, txn_ids)]


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
