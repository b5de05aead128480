"""What taking back and giving back share: how much of a txn is reversed by now, and in which wallet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from regulars import limits
from regulars.kit.db import Tx
from regulars.kit.errors import NotFound, Refusal, invalid
from regulars.ledger import store
from regulars.ledger.draft import Draft
from regulars.ledger.model import Act, Line, Posted, Txn, TxnType, Wallet
from regulars.ledger.opening import opened
from regulars.tenancy import Workspace


class NotReversible(Refusal):
    """The txn brought nothing that could be taken back, or spent nothing that could be given back."""

    code = "not_reversible"


class Reversal(Line, frozen=True, gc=False, kw_only=True):
    """By now so much of the txn, `target`, is to have been reversed in all. What was reversed before, or forgiven, is
    not reversed again: told twice, late or out of order it comes to the same."""

    txn_id: UUID
    target: int
    type: TxnType = "revert"


class Reversing(NamedTuple):
    """A txn, the wallet where its coins would be now, and its reversals so far, oldest first."""

    source: Txn
    wallet: Wallet
    before: list[Txn]

    def due(self, asked: Reversal, at_most: int) -> int | Posted | Refusal:
        """How much is to be reversed now; or what was, if that is all."""
        amount = min(asked.target, at_most) - (self.before[-1].target or 0 if self.before else 0)
        if amount > 0:
            return amount
        if self.before:
            return Posted(self.before[-1], repeated=True)
        return NotReversible("Nothing of this transaction is to be reversed.")


async def reversing(
    tx: Tx, workspace: Workspace, asked: Sequence[Reversal], now: datetime, act: Act, of: Sequence[Act]
) -> tuple[Draft, list[Reversing | Refusal]]:
    """For each what it is about, with the wallets locked and whole; or why it can't be reversed."""
    found = await store.txns_by_id(tx, workspace.id, [one.txn_id for one in asked])
    sources = {id: txn for id, txn in found.items() if txn.act in of}
    ids = {(txn.customer_id, txn.kind) for txn in sources.values()}
    draft = await opened(tx, workspace, ids, now, whole=ids)
    draft.sources |= sources
    before: dict[UUID, list[Txn]] = {id: [] for id in sources}
    for txn in await store.followers(tx, workspace.id, list(sources), [act]):
        if txn.source_txn_id:
            before[txn.source_txn_id].append(txn)
    answers: list[Reversing | Refusal] = []
    for one in asked:
        source = sources.get(one.txn_id)
        if not 0 <= one.target <= limits.AMOUNT_MINOR_MAX:
            answers.append(invalid("target", f"a whole number from 0 to {limits.AMOUNT_MINOR_MAX}"))
        elif source:
            wallet = draft.wallets[source.customer_id, source.kind]
            answers.append(Reversing(source, wallet, before[source.id]))
        elif one.txn_id in found:
            answers.append(NotReversible("A transaction of this kind can't be reversed."))
        else:
            answers.append(NotFound("This wallet transaction does not exist."))
    return draft, answers
