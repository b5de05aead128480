"""Read the whole book and name the first place where it contradicts itself."""

from collections.abc import AsyncIterator
from uuid import UUID

from regulars import limits
from regulars.kit import Queries, Reading, Record
from regulars.ledger.model import Lot, Txn, Wallet, WalletId
from regulars.ledger.replay import Break, Replay

_sql = Queries(__file__)

_WALLET_COLUMNS = Wallet.__struct_fields__.index("lots")
_TXN_COLUMNS = Txn.__struct_fields__.index("changed_at")

_STRAYS = {
    "txn_without_wallet": "customer {customer_id} has no {kind} wallet, yet txn {id} is in it",
    "transfer_without_txn": "{amount} went from {from_account} to {to_account} by txn {txn_id}, which does not exist",
    "transfer_without_lot": "txn {txn_id} moved {amount} of lot {lot_id}, which does not exist",
    "lot_without_txn": "lot {id} is not what the txn of its id brought",
    "txn_reversed_beyond": "txn {id} over {amount} was reversed by {reversed}",
    "step_apart": "txn {id}, {act}, goes on with txn {source_txn_id}, which does not wait for it",
}


async def verify(tx: Reading, workspace_id: UUID) -> Break | None:
    """The first break of the workspace's book, or None when every invariant holds.

    `tx` must be one REPEATABLE READ transaction (`Database.snapshot`), so that a book in use is read as of one instant.
    The book is streamed wallet by wallet, txn by txn: what is held in memory are the lots of one wallet.
    """
    found = await _first_break(tx, workspace_id)
    if found:
        return found
    for check, words in _STRAYS.items():
        stray = await tx.fetchrow(getattr(_sql, check), workspace_id)
        if stray is not None:
            return Break(check, words.format(**dict(stray)))
    return None


async def _first_break(tx: Reading, workspace_id: UUID) -> Break | None:
    """Of the wallets, one after the other, each with its lots."""
    lots = _lots_by_wallet(tx, workspace_id)
    next_lots: list[Lot] = await anext(lots, [])
    async for replay in _replays(tx, workspace_id):
        if isinstance(replay, Break):
            return replay
        own: list[Lot] = []
        if next_lots and _whose(next_lots[0]) < _whose(replay.wallet):
            break
        if next_lots and _whose(next_lots[0]) == _whose(replay.wallet):
            own, next_lots = next_lots, await anext(lots, [])
        if found := replay.end(own):
            return found
    if not next_lots:
        return None
    lot = next_lots[0]
    return Break("lot_without_wallet", f"customer {lot.customer_id} has no {lot.kind} wallet, yet lot {lot.id} in it")


def _whose(thing: Lot | Wallet) -> WalletId:
    return thing.customer_id, thing.kind


async def _replays(tx: Reading, workspace_id: UUID) -> AsyncIterator[Replay | Break]:
    """Each wallet after all its txns, or the break in one of them."""
    replay: Replay | None = None
    async for row in tx.rows(_sql.book, workspace_id, prefetch=limits.AUDIT_TXNS_PREFETCH):
        if replay is None or _whose(replay.wallet) != (row["customer_id"], row["kind"]):
            if replay:
                yield replay
            replay = Replay(Wallet(*row[:_WALLET_COLUMNS]))
        if row["txn_id"] is not None:
            txn = Txn(*row[_WALLET_COLUMNS : _WALLET_COLUMNS + _TXN_COLUMNS])
            if found := replay.take(txn, row["moves"]):
                yield found
    if replay:
        yield replay


async def _lots_by_wallet(tx: Reading, workspace_id: UUID) -> AsyncIterator[list[Lot]]:
    """All lots, gathered by the wallets in whose order they come."""
    lots: list[Lot] = []
    row: Record
    async for row in tx.rows(_sql.lots, workspace_id, prefetch=limits.AUDIT_TXNS_PREFETCH):
        lot = Lot(*row)
        if lots and _whose(lot) != _whose(lots[0]):
            yield lots
            lots = []
        lots.append(lot)
    if lots:
        yield lots
