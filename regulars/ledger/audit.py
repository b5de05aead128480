"""Read the whole book and name the first place where it contradicts itself."""

from __future__ import annotations

from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit.db import Tx
from regulars.kit.queries import Queries
from regulars.ledger.model import Txn, chain_hash

_sql = Queries(__file__)

_CHECKS = {
    "unbalanced_txn": "the postings of txn {id} sum to {total} over {postings} postings, not to zero over at least two",
    "wallet_apart_from_postings": "the {kind} wallet of customer {customer_id} says available {available}, pending "
    "{pending}, held {held}, debt {debt}; its postings say {posted_available}, {posted_pending}, {posted_held}, "
    "{posted_debt}",
    "wallet_apart_from_lots": "the {kind} wallet of customer {customer_id} holds {balance}; its lots hold {remaining}",
    "lot_apart_from_consumption": "lot {id} has lost {spent}; txns consumed {consumed} of it",
    "consumption_out_of_time": "txn {txn_id} consumed lot {lot_id} before it was active or after it had expired",
    "txn_reversed_beyond": "txn {id} over {amount} was reversed by {reversed}",
}


class Break(msgspec.Struct, frozen=True):
    """Which invariant does not hold, and where, in words."""

    check: str
    where: str


async def verify(tx: Tx, workspace_id: UUID) -> Break | None:
    """The first break of the workspace's book, or None when every invariant holds.

    `tx` must be one REPEATABLE READ transaction, so that a book in use is read as of one instant. Memory does not grow
    with the book: txns are streamed in the order of their wallets.
    """
    for check, words in _CHECKS.items():
        row = await tx.fetchrow(getattr(_sql, check), workspace_id)
        if row is not None:
            return Break(check, words.format(**dict(row)))
    return await _verify_chains(tx, workspace_id)


async def _verify_chains(tx: Tx, workspace_id: UUID) -> Break | None:
    heads = {(r["customer_id"], r["kind"]): r for r in await tx.fetch(_sql.heads, workspace_id)}
    ended: dict[tuple[UUID, str], tuple[int, bytes]] = {}
    wallet_id: tuple[UUID, str] | None = None
    seq, head, credited, debited = 0, b"", 0, 0
    async for row in tx.cursor(_sql.chain, workspace_id, prefetch=limits.AUDIT_TXNS_PREFETCH):
        *fields, accounts, amounts = row
        txn = Txn(*fields)
        this_wallet = (txn.customer_id, txn.kind)
        if this_wallet != wallet_id:
            wallet_id, seq, head, credited, debited = this_wallet, 0, b"", 0, 0
        seq += 1
        credited += txn.amount if txn.operation == "cr" else 0
        debited += txn.amount if txn.operation == "dr" else 0
        head = chain_hash(head, txn, zip(accounts, amounts, strict=True))
        if txn.seq != seq:
            return Break("sequence", f"txn {txn.id} is number {txn.seq} of its wallet where {seq} was expected")
        if (txn.credited, txn.debited) != (credited, debited):
            return Break(
                "totals", f"txn {txn.id} says {txn.credited} in and {txn.debited} out, not {credited}, {debited}"
            )
        if txn.hash != head:
            return Break("chain", f"txn {txn.id} was changed, or the one before it: its hash is not the one it carries")
        ended[this_wallet] = (seq, head)
    for (customer_id, kind), wallet in heads.items():
        if ended.get((customer_id, kind), (0, b"")) != (wallet["txn_count"], wallet["head_hash"]):
            return Break("head", f"the {kind} wallet of customer {customer_id} does not end in its newest txn")
    if set(ended) - set(heads):
        return Break("head", f"customer {next(iter(set(ended) - set(heads)))[0]} has txns but no wallet")
    return None
