"""What taking back and giving back share: how much of a txn is reversed by now, and in which wallet; and how what was
taken back wrongly is restored."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from regulars import limits
from regulars.kit import NotFound, Refusal, Tx, invalid, new_id
from regulars.ledger import store
from regulars.ledger.draft import Draft
from regulars.ledger.errors import WalletFull
from regulars.ledger.model import Account, Act, Line, Lot, Outcome, Posted, Share, Txn, TxnType, Wallet
from regulars.ledger.opening import opened
from regulars.tenancy import Workspace


class NotReversible(Refusal, code="not_reversible"):
    """The txn brought nothing that could be taken back, or spent nothing that could be given back."""


class Reversal(Line, frozen=True, gc=False, kw_only=True):
    """By now so much of the txn, `target`, is to have been reversed in all: more than before, or less, when what was
    told before was withdrawn. What was reversed, or forgiven, on the way there is not reversed again, so told twice it
    comes to the same."""

    txn_id: UUID
    target: int
    type: TxnType = "revert"


class Reversing(NamedTuple):
    """A txn, the wallet where its coins would be now, and its reversals so far, oldest first."""

    source: Txn
    wallet: Wallet
    before: list[Txn]

    @property
    def target(self) -> int:
        """How much was to be reversed so far."""
        return self.before[-1].target or 0 if self.before else 0

    @property
    def reversed(self) -> int:
        """How much is."""
        return sum(txn.amount if txn.operation != self.source.operation else -txn.amount for txn in self.before)

    def due(self, asked: Reversal, at_most: int) -> int | Posted | Refusal:
        """How much more is to be reversed now, or below zero how much less; or what was done, if that is all."""
        change = min(asked.target, at_most) - self.target
        if change:
            return change
        if self.before:
            return Posted(self.before[-1], repeated=True)
        return NotReversible("Nothing of this transaction is to be reversed.")


async def reverse(
    how: Callable[[Tx, Workspace, Sequence[Reversal], datetime], Awaitable[list[Outcome]]],
    tx: Tx,
    workspace: Workspace,
    asked: Sequence[Reversal],
    now: datetime,
) -> None:
    """`claw_back` or `give_back` all of them, where there is something to be reversed. Raises whatever else is
    refused."""
    for outcome in await how(tx, workspace, asked, now) if asked else []:
        if isinstance(outcome, Refusal) and not isinstance(outcome, NotReversible):
            raise outcome


async def reversing(
    tx: Tx, workspace: Workspace, asked: Sequence[Reversal], now: datetime, of: Sequence[Act]
) -> tuple[Draft, list[Reversing | Refusal]]:
    """For each what it is about, with the wallets locked and whole; or why it can't be reversed."""
    found = await store.txns_by_id(tx, workspace.id, [one.txn_id for one in asked])
    sources = {id: txn for id, txn in found.items() if txn.act in of}
    ids = {(txn.customer_id, txn.kind) for txn in sources.values()}
    draft = await opened(tx, workspace, ids, now, whole=ids)
    draft.sources |= sources
    before: dict[UUID, list[Txn]] = {id: [] for id in sources}
    for txn in await store.followers(tx, workspace.id, list(sources), ["claw_back", "give_back"]):
        if txn.source_txn_id:
            before[txn.source_txn_id].append(txn)
    answers: list[Reversing | Refusal] = []
    for one in asked:
        source = sources.get(one.txn_id)
        if not 0 <= one.target <= limits.AMOUNT_MINOR_MAX:
            answers.append(invalid("target", f"a whole number from 0 to {limits.AMOUNT_MINOR_MAX}"))
        elif source:
            wallet = draft.wallets[source.customer_id, source.kind]
            # Within a wallet they are numbered, whatever the clocks of two servers say.
            here = [txn for txn in before[source.id] if txn.customer_id == wallet.customer_id]
            there = [txn for txn in before[source.id] if txn.customer_id != wallet.customer_id]
            before[source.id][:] = [*there, *sorted(here, key=lambda txn: txn.seq)]
            answers.append(Reversing(source, wallet, before[source.id]))
        elif one.txn_id in found:
            answers.append(NotReversible("A transaction of this kind can't be reversed."))
        else:
            answers.append(NotFound("This wallet transaction does not exist."))
    return draft, answers


async def read_moves(tx: Tx, draft: Draft, about: Sequence[Reversing], others: Iterable[UUID] = ()) -> dict[UUID, Lot]:
    """What these txns, their reversals and `others` moved is in the draft then; the lots they moved, also those that
    are empty."""
    ids = {txn.id for one in about for txn in (one.source, *one.before)} | set(others)
    draft.transfers_of |= await store.transfers_of(tx, draft.workspace.id, sorted(ids - draft.transfers_of.keys()))
    lots = {lot.id: lot for wallet in draft.wallets.values() for lot in wallet.lots}
    empty = {move.lot_id for id in ids for move in draft.transfers_of[id] if move.lot_id} - lots.keys()
    read = await tx.all(Lot, store.sql.lots_by_id, draft.workspace.id, sorted(empty)) if empty else []
    return lots | {lot.id: lot for lot in read}


def restore(
    draft: Draft,
    about: Reversing,
    asked: Reversal,
    target: int,
    shares: Iterable[tuple[Lot | None, int]],
    from_account: Account,
) -> Posted | Refusal:
    """Coins go back into the lots they were taken from, pending if those are not active yet. A debt is paid first; what
    was owed and has been paid since, by whatever came in, is a new lot. A lot that has expired meanwhile expires again
    at once, unless the shop gives days of grace."""
    wallet, shares = about.wallet, list(shares)
    amount = sum(part for _, part in shares)
    if wallet.credited + amount > limits.WALLET_CREDITED_MAX:
        return WalletFull()
    days, id, brought, rest = draft.rules.give_back_grace_days, new_id(), None, 0
    grace = draft.validity.grace(days, draft.now) if days else None
    for lot, part in shares:
        if lot is None:
            paid = min(wallet.debt, part)
            draft.move(wallet, from_account, "debt", paid)
            rest += part - paid
            continue
        if lot not in wallet.lots:
            wallet.lots.append(lot)
        if lot.activates_at > draft.now:
            draft.move(wallet, from_account, "pending", part, lot)
        else:
            draft.bring(wallet, from_account, Share(lot, part), grace if lot.expired_at(draft.now) else None)
    if rest:
        expires_at = draft.validity.of_lot(draft.now) if wallet.kind == "coins" else None
        brought = Lot(id, wallet.customer_id, wallet.kind, rest, draft.now, expires_at, draft.now, 0, 0, 0)
        wallet.lots.append(brought)
        draft.new_lots[id] = brought
        draft.move(wallet, from_account, "available", rest, brought)
    source = about.source
    posted = draft.record(wallet, asked, "give_back", "cr", amount, id=id, lot=brought, source=source.id, target=target)
    about.before.append(posted.txn)
    return posted
