"""A batch while it is worked out in memory: what is to be written, and the wallets as they stand after each act.
Nothing here waits for anything: `opening` reads what a draft begins with, and writes what came of it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from regulars.kit import new_id
from regulars.ledger.hashing import HASH_VERSION, chain_hash, wire_hash_of
from regulars.ledger.model import (
    IDLE,
    STEPS,
    Account,
    Act,
    Line,
    Lot,
    Operation,
    Posted,
    Share,
    Status,
    Transfer,
    Txn,
    Wallet,
    WalletId,
)
from regulars.ledger.validity import Validity
from regulars.tenancy import Workspace


class Told(NamedTuple):
    """An event to be: of the txn, or of an older one, `source`, that it changed to `status`, and to `amount` if that is
    another. `coins` is what the customer then has of coins, whichever wallet it is in, unless the draft doesn't
    know."""

    line: Line
    txn: Txn
    event_id: UUID
    coins: int | None
    source: UUID | None = None
    status: Status = "success"
    amount: int | None = None


class Draft:
    """Acts begin a txn with `begin`, move coins, and record it; then all is written at once, by `finish`."""

    def __init__(self, workspace: Workspace, now: datetime, wallets: dict[WalletId, Wallet]) -> None:
        self.workspace = workspace
        self.now = now.astimezone(UTC)
        self.rules = workspace.book
        self.validity = Validity(self.rules, workspace.zone)
        self.wallets = wallets
        self.by_key: dict[str, Txn] = {}
        self.sources: dict[UUID, Txn] = {}
        """Txns read already, by id."""
        self.transfers_of: dict[UUID, list[Transfer]] = {}
        """Transfers of holds that are to be ended, and of whatever else an act read."""
        self.ended: dict[UUID, Posted] = {}
        """By what step holds were ended in this draft."""
        self.txns: list[Txn] = []
        self.transfers: list[Transfer] = []
        self.new_lots: dict[UUID, Lot] = {}
        self.moved_lots: dict[UUID, Lot] = {}
        self.touched: dict[WalletId, Wallet] = {}
        self.told: list[Told] = []
        self.next_before = {id: at for id, wallet in wallets.items() if (at := self.next_at(wallet))}
        self._moves: list[tuple[Account, Account, int, Lot | None, datetime | None]] = []

    def move(
        self,
        wallet: Wallet,
        from_account: Account,
        to_account: Account,
        amount: int,
        lot: Lot | None = None,
        extends_to: datetime | None = None,
    ) -> None:
        """So many coins of the txn that is recorded next."""
        if not amount:
            return
        for account, by in ((from_account, -amount), (to_account, amount)):
            if account == "debt":
                wallet.debt -= by
            elif account in ("available", "pending", "held"):
                setattr(wallet, account, getattr(wallet, account) + by)
                if lot:
                    setattr(lot, account, getattr(lot, account) + by)
        if lot:
            lot.customer_id = wallet.customer_id
            lot.extended_to = extends_to or lot.extended_to
            if lot.id not in self.new_lots:
                self.moved_lots[lot.id] = lot
        self._moves.append((from_account, to_account, amount, lot, extends_to))

    def bring(self, wallet: Wallet, from_account: Account, share: Share, extends_to: datetime | None = None) -> None:
        """Coins of a lot become available: a debt is paid first, even of a lot that has expired meanwhile."""
        lot, amount = share
        paid = min(wallet.debt, amount)
        self.move(wallet, from_account, "debt", paid, lot)
        self.move(wallet, from_account, "available", amount - paid, lot, extends_to)

    def take(self, wallet: Wallet, account: Account, to_account: Account, shares: Iterable[Share]) -> int:
        """How many they were."""
        total = 0
        for lot, amount in shares:
            self.move(wallet, account, to_account, amount, lot)
            total += amount
        return total

    def record(
        self,
        wallet: Wallet,
        line: Line,
        act: Act,
        operation: Operation,
        amount: int,
        *,
        id: UUID | None = None,
        lot: Lot | None = None,
        status: Status = "success",
        source: UUID | None = None,
        target: int | None = None,
        held_until: datetime | None = None,
    ) -> Posted:
        """Make the txn of what was moved since the last one. `lot` is what it brought, under the same id."""
        txn_id = id or new_id()
        transfers = self._moved(txn_id)
        if act not in STEPS:
            if operation == "cr":
                wallet.credited += amount
            else:
                wallet.debited += amount
        if act not in IDLE:
            active_at = line.occurred_at.astimezone(UTC) if act == "activate" else self.now
            wallet.active_at = max(active_at, wallet.active_at or active_at)
        wallet.txn_count += 1
        txn = Txn(
            id=txn_id,
            customer_id=wallet.customer_id,
            kind=wallet.kind,
            seq=wallet.txn_count,
            act=act,
            type=line.type,
            operation=operation,
            amount=amount,
            closing_balance=wallet.available,
            credited=wallet.credited,
            debited=wallet.debited,
            title=line.title,
            description=line.description,
            status=status,
            reference=line.reference,
            trigger_id=line.trigger_id,
            trigger_version=line.trigger_version,
            source_txn_id=source,
            target=target,
            actor=line.actor,
            key=line.key,
            wire_hash=line.wire_hash,
            hash_version=HASH_VERSION,
            hash=b"",
            held_until=held_until and held_until.astimezone(UTC),
            occurred_at=line.occurred_at.astimezone(UTC),
            recorded_at=self.now,
        )
        # The hash covers the other fields, so it can only be set on the finished txn, which nobody has seen yet.
        head = wallet.head_hash = chain_hash(wallet.head_hash, txn, transfers, lot)
        msgspec.structs.force_setattr(txn, "hash", head)
        msgspec.structs.force_setattr(txn, "wire_hash", line.wire_hash or wire_hash_of(head))
        self.txns.append(txn)
        self.transfers.extend(transfers)
        self.transfers_of[txn_id], self.sources[txn_id] = transfers, txn
        self.touched[wallet.customer_id, wallet.kind] = wallet
        if txn.key:
            self.by_key[txn.key] = txn
        posted = Posted(txn, event_id=new_id())
        if act not in STEPS and amount:
            self._tell(line, posted)
        return posted

    def _moved(self, txn_id: UUID) -> list[Transfer]:
        """The transfers of what was moved since the last txn."""
        moves, self._moves = self._moves, []
        return [
            Transfer(txn_id, n, from_account, to_account, amount, lot.id if lot else None, extends_to)
            for n, (from_account, to_account, amount, lot, extends_to) in enumerate(moves)
        ]

    def tell_change(self, line: Line, step: Posted, source: UUID, status: Status, amount: int | None = None) -> None:
        """The txn it goes on with, or takes back, is told as changed."""
        self.told.append(Told(line, step.txn, new_id(), self._coins(step.txn), source, status, amount))

    def _tell(self, line: Line, posted: Posted) -> None:
        assert posted.event_id is not None
        self.told.append(Told(line, posted.txn, posted.event_id, self._coins(posted.txn)))

    def _coins(self, txn: Txn) -> int | None:
        if txn.kind == "coins":
            return txn.closing_balance
        coins = self.wallets.get((txn.customer_id, "coins"))
        return coins.available if coins else None

    def next_at(self, wallet: Wallet) -> datetime | None:
        """When something in it next changes by itself, its time without a movement included."""
        idle_at = self.validity.idle_at(wallet.active_at) if wallet.available else None
        due_at = wallet.due_at
        return due_at if idle_at is None or (due_at and due_at < idle_at) else idle_at

    def due_at(self, wallet: Wallet) -> datetime | None:
        """When something in it next changes by itself. Of a wallet that is not whole, new lots may only bring it
        nearer."""
        before = [] if wallet.whole or not wallet.due_at else [wallet.due_at]
        lots = [at for lot in wallet.lots for at in lot.due_at()]
        return min([*before, *lots, *filter(None, wallet.holds.values())], default=None)
