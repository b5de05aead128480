"""Read the whole book and name the first place where it contradicts itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit.db import Reading, Record
from regulars.kit.queries import Queries
from regulars.ledger.model import Lot, Txn, Wallet, chain_hash

_sql = Queries(__file__)

_ACCOUNTS = ("customer.available", "customer.pending", "customer.held", "customer.debt")
_WALLET_COLUMNS = len(Wallet.__struct_fields__) - 2  # without `place` and `lots`
_TXN_COLUMNS = len(Txn.__struct_fields__)

_STRAYS = {
    "txn_without_wallet": "customer {customer_id} has no {kind} wallet, yet txn {id} is in it",
    "posting_without_txn": "{amount} were posted to {account} by txn {txn_id}, which does not exist",
    "consumption_without_txn": "{amount} of lot {lot_id} were consumed by txn {txn_id}, which does not exist",
    "txn_reversed_beyond": "txn {id} over {amount} was reversed by {reversed}",
}


class Break(msgspec.Struct, frozen=True):
    """Which invariant does not hold, and where, in words."""

    check: str
    where: str


async def verify(tx: Reading, workspace_id: UUID) -> Break | None:
    """The first break of the workspace's book, or None when every invariant holds.

    `tx` must be one REPEATABLE READ transaction (`Database.snapshot`), so that a book in use is read as of one instant.
    The book is streamed wallet by wallet: what is held in memory is one wallet's.
    """
    books = _by_wallet(tx, _sql.book, workspace_id)
    lots = _by_wallet(tx, _sql.lots, workspace_id)
    next_lots = await anext(lots, None)
    async for wallet_id, rows in books:
        if next_lots is not None and next_lots[0] < wallet_id:
            break
        own: list[Record] = []
        if next_lots is not None and next_lots[0] == wallet_id:
            own = next_lots[1]
            next_lots = await anext(lots, None)
        found = _check_wallet(rows, [Lot(*row) for row in own])
        if found:
            return found
    if next_lots is not None:
        (customer_id, kind), _ = next_lots
        return Break("lot_without_wallet", f"customer {customer_id} has no {kind} wallet, yet lots in it")
    for check, words in _STRAYS.items():
        row = await tx.fetchrow(getattr(_sql, check), workspace_id)
        if row is not None:
            return Break(check, words.format(**dict(row)))
    return None


async def _by_wallet(
    tx: Reading, statement: str, workspace_id: UUID
) -> AsyncIterator[tuple[tuple[UUID, str], list[Record]]]:
    """The statement's rows, which come in the order of their wallets, gathered by them."""
    rows: list[Record] = []
    async for row in tx.rows(statement, workspace_id, prefetch=limits.AUDIT_TXNS_PREFETCH):
        if rows and (row["customer_id"], row["kind"]) != (rows[0]["customer_id"], rows[0]["kind"]):
            yield (rows[0]["customer_id"], rows[0]["kind"]), rows
            rows = []
        rows.append(row)
    if rows:
        yield (rows[0]["customer_id"], rows[0]["kind"]), rows


def _check_wallet(rows: Sequence[Record], lots: Sequence[Lot]) -> Break | None:
    """`rows` are of the statement `book`; `lots` are all that the wallet ever had."""
    wallet = Wallet(*rows[0][:_WALLET_COLUMNS])
    whose = f"the {wallet.kind} wallet of customer {wallet.customer_id}"
    replay = _Replay(lots)
    for row in rows:
        if row[_WALLET_COLUMNS] is None:  # a wallet without txns
            break
        txn = Txn(*row[_WALLET_COLUMNS:][:_TXN_COLUMNS])
        accounts, amounts, lot_ids, eaten = row[_WALLET_COLUMNS + _TXN_COLUMNS :]
        found = replay.take(txn, list(zip(accounts, amounts, strict=True)), list(zip(lot_ids, eaten, strict=True)))
        if found:
            return found
    for lot in lots:
        if lot.txn_id not in replay.txn_ids:
            return Break("lot_without_txn", f"lot {lot.id} is of txn {lot.txn_id}, which is not in {whose}")
        if lot.amount - lot.remaining != replay.eaten[lot.id]:
            return Break(
                "lot_apart_from_consumption",
                f"lot {lot.id} has lost {lot.amount - lot.remaining}; txns consumed {replay.eaten[lot.id]} of it",
            )
    posted = [replay.posted[account] for account in _ACCOUNTS[:3]] + [-replay.posted[_ACCOUNTS[3]]]
    if [wallet.available, wallet.pending, wallet.held, wallet.debt] != posted:
        return Break(
            "wallet_apart_from_postings",
            f"{whose} says available {wallet.available}, pending {wallet.pending}, held {wallet.held}, debt "
            f"{wallet.debt}; its postings say {', '.join(map(str, posted))}",
        )
    soonest = min((lot.expires_at for lot in lots if lot.remaining and lot.expires_at), default=None)
    if wallet.expires_at != soonest:
        return Break("expiry", f"{whose} says that it expires at {wallet.expires_at}; its lots say {soonest}")
    if (wallet.txn_count, wallet.head_hash) != (replay.seq, replay.head):
        return Break("head", f"{whose} does not end in its newest txn")
    if (wallet.credited, wallet.debited) != (replay.credited, replay.debited):
        return Break("totals", f"{whose} says {wallet.credited} in and {wallet.debited} out, not what its txns say")
    return None


class _Replay:
    """One wallet, worked out again from its txns."""

    def __init__(self, lots: Sequence[Lot]) -> None:
        self.lots = {lot.id: lot for lot in lots}
        self.lots_of: dict[UUID, list[Lot]] = {}
        for lot in lots:
            self.lots_of.setdefault(lot.txn_id, []).append(lot)
        self.txn_ids: set[UUID] = set()
        self.seq, self.head, self.credited, self.debited = 0, b"", 0, 0
        self.posted: Counter[str] = Counter()
        self.eaten: Counter[UUID] = Counter()

    def take(self, txn: Txn, postings: list[tuple[str, int]], eaten: list[tuple[UUID, int]]) -> Break | None:
        self.txn_ids.add(txn.id)
        self.seq += 1
        if txn.seq != self.seq:
            return Break("sequence", f"txn {txn.id} is number {txn.seq} of its wallet where {self.seq} was expected")
        total = sum(amount for _, amount in postings)
        if len(postings) < 2 or total != 0:
            return Break(
                "unbalanced_txn",
                f"the {len(postings)} postings of txn {txn.id} sum to {total}; expected two or more that sum to zero",
            )
        for account, amount in postings:
            self.posted[account] += amount
        new_lots = self.lots_of.get(txn.id, [])
        moved = sum(amount for account, amount in postings if account in _ACCOUNTS[:3])
        in_lots = sum(lot.amount for lot in new_lots) - sum(amount for _, amount in eaten)
        if moved != in_lots:
            return Break("txn_apart_from_lots", f"txn {txn.id} changed the balance by {moved}, its lots by {in_lots}")
        return self._total(txn) or self._eat(txn, eaten) or self._chain(txn, postings, new_lots, eaten)

    def _total(self, txn: Txn) -> Break | None:
        self.credited += txn.amount if txn.operation == "cr" else 0
        self.debited += txn.amount if txn.operation == "dr" else 0
        left = self.posted["customer.available"]
        if (txn.credited, txn.debited, txn.closing_balance) == (self.credited, self.debited, left):
            return None
        return Break(
            "totals",
            f"txn {txn.id} says {txn.credited} in, {txn.debited} out, {txn.closing_balance} left; it was "
            f"{self.credited}, {self.debited}, {left}",
        )

    def _eat(self, txn: Txn, eaten: list[tuple[UUID, int]]) -> Break | None:
        for lot_id, amount in eaten:
            self.eaten[lot_id] += amount
            lot = self.lots.get(lot_id)
            if lot is None:
                return Break(
                    "consumption_without_lot", f"txn {txn.id} consumed lot {lot_id}, which its wallet never had"
                )
            if txn.type != "expire" and not lot.open_at(txn.recorded_at):
                return Break(
                    "consumption_out_of_time",
                    f"txn {txn.id} consumed lot {lot_id} before it was active or after it had expired",
                )
        return None

    def _chain(
        self, txn: Txn, postings: list[tuple[str, int]], new_lots: list[Lot], eaten: list[tuple[UUID, int]]
    ) -> Break | None:
        self.head = chain_hash(self.head, txn, postings, new_lots, eaten)
        if txn.hash != self.head:
            return Break(
                "chain",
                f"txn {txn.id}, what it wrote, or the txn before it was changed: its hash is not the one it carries",
            )
        return None
