"""One wallet, worked out again from its txns and held against what is kept of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.ledger.hashing import chain_hash
from regulars.ledger.model import IDLE, MERGED_INTO, STEPS, Lot, Transfer, Txn, Wallet

_LEGAL = {
    "earn": {"issued>available", "issued>pending", "issued>debt"},
    "spend": {"available>redeemed"},
    "adjust": {"adjusted>available", "adjusted>pending", "adjusted>debt", "available>adjusted"},
    "hold": {"available>held"},
    "capture": {"held>redeemed", "held>available", "held>debt"},
    "void": {"held>available", "held>debt"},
    "activate": {"pending>available", "pending>debt"},
    "expire": {"available>expired"},
    "claw_back": {
        *("pending>clawed_back", "available>clawed_back", "debt>clawed_back"),
        *("available>redeemed", "debt>redeemed"),
    },
    "give_back": {
        *("redeemed>available", "redeemed>debt"),
        *("clawed_back>available", "clawed_back>pending", "clawed_back>debt"),
    },
    "merge": {
        *("available>adjusted", "pending>adjusted", "adjusted>debt"),
        *("adjusted>available", "adjusted>pending", "debt>adjusted", "available>debt"),
    },
}


class Break(msgspec.Struct, frozen=True):
    """Which invariant does not hold, and where, in words."""

    check: str
    where: str


class Moved(msgspec.Struct, gc=False):
    """Where a lot's coins are by the txns of this wallet, and until when they can be spent."""

    amount: int
    activates_at: datetime
    ends_at: datetime | None
    extended_to: datetime | None = None
    pending: int = 0
    available: int = 0
    held: int = 0


class Replay:
    """The wallet by its txns so far."""

    def __init__(self, wallet: Wallet) -> None:
        self.wallet = wallet
        self.whose = f"the {wallet.kind} wallet of customer {wallet.customer_id}"
        self.lots: dict[UUID, Moved] = {}
        self.holds: dict[UUID, datetime | None] = {}
        self.balance = {"available": 0, "pending": 0, "held": 0, "debt": 0}
        self.seq, self.head, self.credited, self.debited = 0, b"", 0, 0
        self.active_at: datetime | None = None
        self.merged_into: UUID | None = None

    def take(self, txn: Txn, rows: Sequence[Any]) -> Break | None:
        """The wallet's next txn; `rows` are its transfers as the statement `book` answers them, each with its lot."""
        self.seq += 1
        if txn.seq != self.seq:
            return Break("sequence", f"txn {txn.id} is number {txn.seq} of its wallet where {self.seq} was expected")
        moves = [Transfer(txn.id, *row[:6]) for row in rows]
        brought = next((row for row in rows if row[4] == txn.id), None)
        return self._chain(txn, moves, brought) or self._move_all(txn, moves, rows) or self._total(txn, moves)

    def _chain(self, txn: Txn, moves: Sequence[Transfer], brought: Any) -> Break | None:
        if brought and brought[6] is None:
            return Break("lot", f"the lot of txn {txn.id} is missing")
        lot = None
        if brought:
            amount, activates_at, expires_at, earned_at, kind = brought[6:11]
            lot = Lot(txn.id, txn.customer_id, kind, amount, activates_at, expires_at, earned_at, 0, 0, 0)
        try:
            self.head = chain_hash(self.head, txn, moves, lot)
        except KeyError:
            return Break("chain", f"txn {txn.id} says it was hashed by version {txn.hash_version}, which never was")
        if txn.hash == self.head:
            return None
        return Break(
            "chain",
            f"txn {txn.id}, what it moved, or the txn before it was changed: its hash is not the one it carries",
        )

    def _move_all(self, txn: Txn, moves: Sequence[Transfer], rows: Sequence[Any]) -> Break | None:
        for place, (move, row) in enumerate(zip(moves, rows, strict=True)):
            if move.n != place or f"{move.from_account}>{move.to_account}" not in _LEGAL[txn.act]:
                return Break("transfer", f"transfer {move.n} of txn {txn.id} is none that {txn.act} makes")
            if found := self._move(txn, move, row):
                return found
        return None

    def _move(self, txn: Txn, move: Transfer, row: Any) -> Break | None:
        lot = None
        if move.lot_id:
            if row[6] is None:
                return Break("lot", f"txn {txn.id} moved coins of lot {move.lot_id}, which is missing")
            lot = self.lots.setdefault(move.lot_id, Moved(row[6], row[7], row[8]))
        elif move.from_account != "debt" and move.to_account != "debt":
            return Break("lot", f"transfer {move.n} of txn {txn.id} moved coins of no lot")
        for account, by in ((move.from_account, -move.amount), (move.to_account, move.amount)):
            if account in self.balance:
                self.balance[account] += -by if account == "debt" else by
                if lot and account != "debt":
                    setattr(lot, account, getattr(lot, account) + by)
        if lot is None:
            return None
        if move.extends_to:
            lot.extended_to = lot.ends_at = move.extends_to
        has = (lot.pending, lot.available, lot.held)
        if min(has) < 0 or sum(has) > lot.amount:
            return Break(
                "lot",
                f"after txn {txn.id} lot {move.lot_id} over {lot.amount} has {lot.pending} pending, "
                f"{lot.available} available, {lot.held} held",
            )
        return self._in_time(txn, move, lot)

    def _in_time(self, txn: Txn, move: Transfer, lot: Moved) -> Break | None:
        at = txn.recorded_at
        early = move.from_account == "pending" and txn.act == "activate" and at < lot.activates_at
        spent = move.from_account == "available" and txn.act in ("spend", "hold", "adjust")
        if early or (spent and lot.ends_at is not None and lot.ends_at <= at):
            return Break(
                "out_of_time",
                f"txn {txn.id} moved coins of lot {move.lot_id} before they were active or after they had expired",
            )
        return None

    def _total(self, txn: Txn, moves: Sequence[Transfer]) -> Break | None:
        moved = sum(move.amount for move in moves if txn.act != "capture" or move.to_account == "redeemed")
        if txn.act != "merge" and moved != txn.amount:
            return Break("amount", f"txn {txn.id} says {txn.amount}; its transfers moved {moved}")
        if txn.act in STEPS:
            self.debited -= sum(m.amount for m in moves if m.from_account == "held" and m.to_account != "redeemed")
        elif txn.operation == "cr":
            self.credited += txn.amount
        else:
            self.debited += txn.amount
        has = self.balance
        if (txn.credited, txn.debited, txn.closing_balance) != (self.credited, self.debited, has["available"]):
            return Break(
                "totals",
                f"txn {txn.id} says {txn.credited} in, {txn.debited} out, {txn.closing_balance} left; it was "
                f"{self.credited}, {self.debited}, {has['available']}",
            )
        if self.credited - self.debited != has["available"] + has["pending"] - has["debt"]:
            return Break("totals", f"after txn {txn.id} what came in and went out is not what there is")
        if min(has.values()) < 0 or (has["debt"] and has["available"]):
            return Break("debt", f"after txn {txn.id} there are {has['available']} to spend and {has['debt']} owed")
        if txn.act == "hold":
            self.holds[txn.id] = txn.held_until
        elif txn.source_txn_id and txn.act in ("capture", "void"):
            self.holds.pop(txn.source_txn_id, None)
        elif txn.act == "merge" and txn.reference.startswith(MERGED_INTO):
            self.merged_into = UUID(txn.reference.removeprefix(MERGED_INTO))
        if txn.act not in IDLE:
            active_at = txn.occurred_at if txn.act == "activate" else txn.recorded_at
            self.active_at = max(active_at, self.active_at or active_at)
        return None

    def end(self, lots: Iterable[Lot]) -> Break | None:
        """`lots` are those that the book says are this wallet's now."""
        wallet, has = self.wallet, self.balance
        due = [held_until for held_until in self.holds.values() if held_until]
        kept = {lot.id: lot for lot in lots}
        for id, moved in self.lots.items():
            if id not in kept and moved.pending + moved.available + moved.held:
                return Break("lot", f"lot {id} has coins by the txns of {self.whose}, and is not there")
        for lot in kept.values():
            by_txns = self.lots.get(lot.id)
            said = (lot.pending, lot.available, lot.held, lot.extended_to)
            if by_txns is None or said != (by_txns.pending, by_txns.available, by_txns.held, by_txns.extended_to):
                return Break("lot", f"lot {lot.id} is not as the txns of {self.whose} left it")
            due += lot.due_at()
        if [wallet.available, wallet.pending, wallet.held, wallet.debt] != [*has.values()]:
            return Break(
                "wallet_apart_from_transfers",
                f"{self.whose} says available {wallet.available}, pending {wallet.pending}, held {wallet.held}, debt "
                f"{wallet.debt}; its transfers say {', '.join(map(str, has.values()))}",
            )
        if (wallet.due_at, wallet.active_at) != (min(due, default=None), self.active_at):
            return Break(
                "due",
                f"{self.whose} says that something in it falls due at {wallet.due_at}, and that it moved at "
                f"{wallet.active_at}; its txns say {min(due, default=None)} and {self.active_at}",
            )
        if wallet.merged_into != self.merged_into:
            return Break(
                "merged", f"{self.whose} says it went into {wallet.merged_into}; its txns say {self.merged_into}"
            )
        if (wallet.txn_count, wallet.head_hash) != (self.seq, self.head):
            return Break("head", f"{self.whose} does not end in its newest txn")
        if (wallet.credited, wallet.debited) != (self.credited, self.debited):
            return Break(
                "totals", f"{self.whose} says {wallet.credited} in and {wallet.debited} out, not what its txns say"
            )
        return None
