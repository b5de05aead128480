"""POST and GET /wallettransactions: coins credited and debited by the shop itself, and every line of a wallet."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import ledger, limits
from regulars.api.merchant.api import merchant
from regulars.api.merchant.items import TxnAnswer, TxnList, txn_item
from regulars.api.merchant.leads import prove, the_lead
from regulars.api.merchant.paging import NumberedPage
from regulars.api.operations import Call, NoQuery
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import NotFound, Refusal, invalid
from regulars.ledger import Entry, KeyTaken, Txn

Hash = Annotated[
    str,
    Meta(
        max_length=limits.HASH_CHARS_MAX,
        description="Your own name for the transaction: the same hash is the same transaction, for ever.",
    ),
]
Operation = Literal["cr", "dr"]


class HashReused(Refusal):
    """This hash names a transaction already, and it is another one; nothing was done."""

    code = "hash_reused"


class NewTxn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`lead_id` or `customer_id` says whose wallet; the customer must exist. `cr` credits coins, `dr` debits them."""

    lead_id: UUID | None = None
    customer_id: (
        Annotated[str, Meta(max_length=limits.CUSTOMER_ID_CHARS_MAX, examples=["shopify-7029064106277"])] | None
    ) = None
    title: Annotated[str, Meta(min_length=1, max_length=limits.TITLE_CHARS_MAX, examples=["Thank you"])]
    description: Annotated[str, Meta(max_length=limits.DESCRIPTION_CHARS_MAX)] = ""
    amount: Annotated[int, Meta(ge=1, le=limits.COINS_MAX, description="Coins.", examples=[25])]
    operation: Operation
    hash: Hash = ""


class TxnQuery(NumberedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Newest first unless `sort_op` is ASC; a transaction never changes, so both times sort alike."""

    lead_id: UUID
    hash: Hash | None = None
    operation: Operation | None = None
    id: UUID | None = None
    cursor: Annotated[str, Meta(max_length=20, description="From the answer before; in place of `page`.")] | None = None


class OfLead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A STOREFRONT key says whose it is; for other keys the id is enough."""

    lead_id: UUID | None = None


@merchant.post("/wallettransactions", "Credit or debit coins", tag="Wallet transactions")
async def create_wallettransaction(call: Call[NoQuery, NewTxn], tx: Tx) -> TxnAnswer:
    """A `hash` that was sent before answers with the transaction it made then, and `Idempotency-Hit: true`."""
    body = call.body
    if not body.lead_id and not body.customer_id:
        raise invalid("lead_id", "a lead_id or a customer_id")
    by: dict[str, Any] = {"id": body.lead_id} if body.lead_id else {"customer_id": body.customer_id}
    customer = await the_lead(tx, call.workspace_id, **by)
    entry = Entry(
        customer_id=customer.id,
        operation=body.operation,
        amount=body.amount,
        type="reward" if body.operation == "cr" else "redeem",
        occurred_at=call.now,
        title=body.title,
        description=body.description,
        actor=call.caller.actor,
        key=f"hash:{body.hash}" if body.hash else None,
        wire_hash=body.hash,
    )
    (outcome,) = await ledger.post(tx, call.workspace, [entry], call.now, known={customer.id: customer})
    if isinstance(outcome, KeyTaken):
        raise HashReused("This hash was sent before with another transaction.", fields={"hash": "expected a new hash"})
    if isinstance(outcome, Refusal):
        raise outcome
    if outcome.repeated:
        call.reply_headers["idempotency-hit"] = "true"
    return TxnAnswer(txn_item(outcome.txn))


@merchant.get(
    "/wallettransactions",
    "A customer's wallet transactions",
    tag="Wallet transactions",
    access="READ",
    headers=("x-leadtoken",),
)
async def list_wallettransactions(call: Call[TxnQuery, None], tx: Reading) -> TxnList:
    query = call.query
    prove(call, query.lead_id)
    await the_lead(tx, call.workspace_id, id=query.lead_id)
    if query.id is not None:
        try:
            txn = await _txn_of(tx, call.workspace_id, query.lead_id, query.id)
        except NotFound:
            return TxnList([], 0, None)
        fits = query.hash in (None, txn.wire_hash) and query.operation in (None, txn.operation)
        return TxnList([txn_item(txn)] if fits else [], int(fits), None)
    # One more than is asked for tells whether another page follows.
    txns, count = await ledger.numbered_page(
        tx,
        call.workspace_id,
        query.lead_id,
        operation=query.operation,
        wire_hash=query.hash,
        oldest_first=query.sort_op == "ASC",
        beyond_seq=_seq(query.cursor),
        limit=query.limit + 1,
        offset=0 if query.cursor else query.first,
    )
    cursor = str(txns[query.limit - 1].seq) if len(txns) > query.limit else None
    return TxnList([txn_item(txn) for txn in txns[: query.limit]], count, cursor)


@merchant.get(
    "/wallettransactions/{id}",
    "One wallet transaction",
    tag="Wallet transactions",
    access="READ",
    headers=("x-leadtoken",),
)
async def find_wallettransaction(call: Call[OfLead, None], tx: Reading) -> TxnAnswer:
    lead_id = call.query.lead_id
    if lead_id is None and call.caller.key.purpose == "STOREFRONT":
        raise invalid("lead_id", "a value: this key is for a shop's pages")
    if lead_id is not None:
        prove(call, lead_id)
    return TxnAnswer(txn_item(await _txn_of(tx, call.workspace_id, lead_id, call.path_id())))


async def _txn_of(tx: Reading, workspace_id: UUID, lead_id: UUID | None, txn_id: UUID) -> Txn:
    """Raises NotFound; of another customer it is not found either."""
    txn = await ledger.find_txn(tx, workspace_id, txn_id)
    if lead_id not in (None, txn.customer_id) or txn.kind != "coins":
        raise NotFound("This wallet transaction does not exist.")
    return txn


def _seq(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid("cursor", "the cursor of the page before")
    return int(cursor)
