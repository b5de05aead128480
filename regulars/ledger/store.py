"""Typed functions over the statements that more than one act uses, and the writing of a batch."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import astuple

from regulars.kit import Queries, Reading, Tx
from regulars.ledger.model import Act, Kind, Lot, Operation, Transfer, Txn, Wallet, WalletId

sql = Queries(__file__)

# Without what was read with it.
_WALLET_ROW = slice(0, Wallet.__struct_fields__.index("lots"))
_TXN_ROW = slice(0, Txn.__struct_fields__.index("changed_at"))


async def lock_wallets(tx: Tx, workspace_id: UUID, wanted: Iterable[WalletId]) -> dict[WalletId, Wallet]:
    """The wallets, each locked until the transaction ends; those that did not exist are opened.

    Lock order: new wallets by (customer, kind), which nobody else can see yet, then the others by the same.
    """
    ids = sorted(set(wanted))
    locked = await _wallets(tx, sql.lock_wallets, workspace_id, ids)
    if not locked:
        locked = await _wallets(tx, sql.open_wallets, workspace_id, ids)
        others = [wallet_id for wallet_id in ids if wallet_id not in locked]
        if others:
            locked |= await _wallets(tx, sql.lock_wallets, workspace_id, others)
    return locked


async def _wallets(tx: Reading, statement: str, workspace_id: UUID, ids: Sequence[WalletId]) -> dict[WalletId, Wallet]:
    return await wallets(tx, statement, workspace_id, [i[0] for i in ids], [i[1] for i in ids])


async def wallets(tx: Reading, statement: str, workspace_id: UUID, *arguments: Any) -> dict[WalletId, Wallet]:
    """Those that the statement reads."""
    found = await tx.all(Wallet, statement, workspace_id, *arguments)
    return {(wallet.customer_id, wallet.kind): wallet for wallet in found}


async def txns_by_id(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Txn]:
    return {txn.id: txn for txn in await tx.all(Txn, sql.txns_by_id, workspace_id, ids)}


async def followers(tx: Reading, workspace_id: UUID, ids: Sequence[UUID], acts: Sequence[Act]) -> list[Txn]:
    """The txns of these acts whose source is one of these, oldest first."""
    return await tx.all(Txn, sql.followers, workspace_id, ids, acts) if ids else []


async def transfers_of(tx: Reading, workspace_id: UUID, txn_ids: Sequence[UUID]) -> dict[UUID, list[Transfer]]:
    found: dict[UUID, list[Transfer]] = {id: [] for id in txn_ids}
    for one in await tx.all(Transfer, sql.transfers_of, workspace_id, txn_ids) if txn_ids else ():
        found[one.txn_id].append(one)
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
    tx.write(sql.insert_txns, workspace_id, [astuple(txn)[_TXN_ROW] for txn in txns])
    tx.write(sql.insert_transfers, workspace_id, [astuple(transfer) for transfer in transfers])
    if lots or moved:
        tx.write(sql.put_lots, workspace_id, [astuple(lot) for lot in (*lots, *moved)])
    tx.write(sql.update_wallets, workspace_id, [astuple(wallet)[_WALLET_ROW] for wallet in wallets])


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
    statement = sql.txns_of_wallet_from_oldest if oldest_first else sql.txns_of_wallet
    asked = (customer_id, kind, operation, wire_hash, beyond_seq, limit, offset)
    return await tx.all(Txn, statement, workspace_id, *asked)
