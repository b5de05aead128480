"""Post a batch of credits and debits: lock the wallets, work the batch out in memory, write it together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from regulars import customers, events, limits
from regulars.customers import Customer
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal, invalid
from regulars.kit.ids import new_id
from regulars.ledger import store
from regulars.ledger.balances import balances
from regulars.ledger.errors import InsufficientBalance, KeyTaken, WalletFull
from regulars.ledger.model import (
    Entry,
    Lot,
    Outcome,
    Posted,
    Posting,
    Txn,
    Wallet,
    chain_hash,
    counter_account,
    wire_hash_of,
)
from regulars.ledger.wire import reward_event
from regulars.tenancy import Workspace


async def post(
    tx: Tx,
    workspace: Workspace,
    entries: Sequence[Entry],
    now: datetime,
    *,
    known: Mapping[UUID, Customer] | None = None,
    announced: bool = True,
) -> list[Outcome]:
    """Post each entry, in order, and answer for each with what was posted or why not; a refusal stops no other.

    What has expired in a wallet by now is written down first, as a txn of its own, so that what each txn leaves is what
    can be spent. Every new txn appends one `walletreward_create`, which tools are told of if it is `announced`. `known`
    saves reading customers the caller has read already. Lock order: wallets by (customer, kind). A key raced by another
    transaction raises the driver's UniqueViolation: the door runs the batch again, and then finds the txn.
    """
    if not entries:
        return []
    wallets = await store.lock_wallets(tx, workspace.id, ((e.customer_id, e.kind) for e in entries))
    # Read after the locks: whoever held them may just have posted the same key.
    keys = [entry.key for entry in entries if entry.key]
    by_key = await store.txns_by_key(tx, workspace.id, keys) if keys else {}
    due = {wallet_id for wallet_id, wallet in wallets.items() if wallet.expires_at and wallet.expires_at <= now}
    read = sorted(due | {(e.customer_id, e.kind) for e in entries if e.operation == "dr"})
    if read:
        for lot in await store.open_lots(tx, workspace.id, read):
            wallets[lot.customer_id, lot.kind].lots.append(lot)
    batch = _Batch(now, wallets, by_key)
    asked, entries = len(entries), [*(batch.expiry(wallets[wallet_id]) for wallet_id in sorted(due)), *entries]
    outcomes = [batch.take(entry) for entry in entries]
    if batch.txns:
        batch.write(tx, workspace.id)
        missing = {t.customer_id for t in batch.txns} - set(known or ())
        found = await customers.by_ids(tx, workspace.id, sorted(missing)) if missing else {}
        people = {**(known or {}), **found}
        in_credits = sorted({t.customer_id for t in batch.txns if t.kind == "credits"})
        coins = await balances(tx, workspace.id, in_credits, now) if in_credits else {}
        business = events.business(workspace)
        told = [
            reward_event(
                business,
                people[entry.customer_id],
                entry,
                outcome,
                outcome.txn.closing_balance if entry.kind == "coins" else coins[entry.customer_id]["coins"].available,
            )
            for entry, outcome in zip(entries, outcomes, strict=True)
            if isinstance(outcome, Posted) and not outcome.repeated
        ]
        await events.append(tx, workspace.id, told, now, announced=announced)
    return outcomes[-asked:]


class _Batch:
    """The working-out of one batch: what is to be written, and the wallets as they stand after each entry."""

    def __init__(self, now: datetime, wallets: dict[store.WalletId, Wallet], by_key: dict[str, Txn]) -> None:
        self.now = now.astimezone(UTC)
        self.wallets = wallets
        self.by_key = by_key
        self.txns: list[Txn] = []
        self.postings: list[Posting] = []
        self.new_lots: list[Lot] = []
        self.spent: dict[UUID, Lot] = {}
        self.consumptions: list[tuple[UUID, UUID, int]] = []
        self.touched: dict[store.WalletId, Wallet] = {}

    def expiry(self, wallet: Wallet) -> Entry:
        """The entry that takes out of a wallet what has expired in it; its lots are read."""
        return Entry(
            customer_id=wallet.customer_id,
            kind=wallet.kind,
            operation="dr",
            amount=sum(lot.remaining for lot in wallet.lots if lot.expired_at(self.now)),
            type="expire",
            occurred_at=wallet.expires_at or self.now,
            title="Expired",
        )

    def take(self, entry: Entry) -> Outcome:
        known = self.by_key.get(entry.key) if entry.key else None
        if known:
            return Posted(known, repeated=True) if _says(known) == _says(entry) else KeyTaken()
        if not 1 <= entry.amount <= limits.AMOUNT_MINOR_MAX:
            return invalid("amount", f"a whole number from 1 to {limits.AMOUNT_MINOR_MAX}")
        wallet_id = (entry.customer_id, entry.kind)
        wallet = self.wallets[wallet_id]
        txn_id = new_id()
        lots_before, eaten_before = len(self.new_lots), len(self.consumptions)
        take = self._credit if entry.operation == "cr" else self._debit
        accounts = take(wallet, entry, txn_id)
        if isinstance(accounts, Refusal):
            return accounts
        counter = -sum(amount for _, amount in accounts)
        accounts.append((counter_account(entry.type, entry.operation), counter))
        eaten = [(lot_id, amount) for _, lot_id, amount in self.consumptions[eaten_before:]]
        txn = self._chain(wallet, entry, txn_id, accounts, self.new_lots[lots_before:], eaten)
        self.txns.append(txn)
        self.postings.extend(Posting(txn_id, account, amount) for account, amount in accounts)
        self.touched[wallet_id] = wallet
        if entry.key:
            self.by_key[entry.key] = txn
        return Posted(txn, event_id=new_id())

    def _credit(self, wallet: Wallet, entry: Entry, txn_id: UUID) -> list[tuple[str, int]] | Refusal:
        """A debt is paid first; the rest becomes a lot."""
        if wallet.credited + entry.amount > limits.WALLET_CREDITED_MAX:
            return WalletFull()
        paid = min(wallet.debt, entry.amount)
        rest = entry.amount - paid
        wallet.debt -= paid
        wallet.available += rest
        wallet.credited += entry.amount
        accounts = []
        if paid:
            accounts.append(("customer.debt", paid))
        if rest:
            accounts.append(("customer.available", rest))
            expires_at = entry.expires_at and entry.expires_at.astimezone(UTC)
            if expires_at:
                wallet.expires_at = min(expires_at, wallet.expires_at or expires_at)
            lot = Lot(new_id(), wallet.customer_id, wallet.kind, txn_id, rest, rest, self.now, expires_at, self.now)
            self.new_lots.append(lot)
            # A later entry of this batch may spend it; only then is the order of lots needed.
            wallet.lots.append(lot)
        return accounts

    def _debit(self, wallet: Wallet, entry: Entry, txn_id: UUID) -> list[tuple[str, int]] | Refusal:
        """Eat open lots, or what has expired, first to expire first; nothing is eaten when they don't suffice."""
        fits = Lot.expired_at if entry.type == "expire" else Lot.open_at
        lots = sorted((lot for lot in wallet.lots if lot.remaining and fits(lot, self.now)), key=_first_spent)
        spendable = sum(lot.remaining for lot in lots)
        if spendable < entry.amount:
            return InsufficientBalance(needed=entry.amount, available=spendable)
        owed = entry.amount
        for lot in lots:
            eaten = min(lot.remaining, owed)
            lot.remaining -= eaten
            owed -= eaten
            self.consumptions.append((txn_id, lot.id, eaten))
            self.spent[lot.id] = lot
            if owed == 0:
                break
        wallet.available -= entry.amount
        wallet.debited += entry.amount
        left = (lot.expires_at for lot in wallet.lots if lot.remaining and lot.expires_at)
        wallet.expires_at = min(left, default=None)
        return [("customer.available", -entry.amount)]

    def _chain(
        self,
        wallet: Wallet,
        entry: Entry,
        txn_id: UUID,
        accounts: list[tuple[str, int]],
        lots: list[Lot],
        eaten: list[tuple[UUID, int]],
    ) -> Txn:
        wallet.txn_count += 1
        txn = Txn(
            id=txn_id,
            customer_id=wallet.customer_id,
            kind=wallet.kind,
            seq=wallet.txn_count,
            type=entry.type,
            operation=entry.operation,
            amount=entry.amount,
            closing_balance=wallet.available,
            credited=wallet.credited,
            debited=wallet.debited,
            title=entry.title,
            description=entry.description,
            status="success",
            reference=entry.reference,
            trigger_id=entry.trigger_id,
            trigger_version=entry.trigger_version,
            reverses_txn_id=None,
            actor=entry.actor,
            key=entry.key,
            wire_hash=entry.wire_hash,
            hash=b"",
            occurred_at=entry.occurred_at.astimezone(UTC),
            recorded_at=self.now,
        )
        # The hash covers the other fields, so it can only be set on the finished txn, which nobody has seen yet.
        head = wallet.head_hash = chain_hash(wallet.head_hash, txn, accounts, lots, eaten)
        return msgspec.structs.replace(txn, hash=head, wire_hash=entry.wire_hash or wire_hash_of(head))

    def write(self, tx: Tx, workspace_id: UUID) -> None:
        new = {lot.id for lot in self.new_lots}
        store.write(
            tx,
            workspace_id,
            txns=self.txns,
            postings=self.postings,
            lots=self.new_lots,
            spent=[lot for lot in self.spent.values() if lot.id not in new],
            consumptions=self.consumptions,
            wallets=list(self.touched.values()),
        )


def _says(said: Entry | Txn) -> tuple[object, ...]:
    """What an entry's key stands for."""
    return said.customer_id, said.kind, said.operation, said.amount, said.type, said.title, said.description


def _first_spent(lot: Lot) -> tuple[bool, datetime, datetime, UUID]:
    """First to expire first, never-expiring last, then the earliest earned."""
    return (lot.expires_at is None, lot.expires_at or lot.earned_at, lot.earned_at, lot.id)
