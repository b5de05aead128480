"""POST and GET /wallettransactions, and the same of the second wallet as /creditwallettransactions: coins and credits
that the shop itself credits and debits, and every line of a wallet."""

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
from regulars.ledger import Entry, KeyTaken, Kind, Txn

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


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a transaction of either wallet says, but for its amount."""

    lead_id: UUID | None = None
    customer_id: (
        Annotated[str, Meta(max_length=limits.CUSTOMER_ID_CHARS_MAX, examples=["shopify-7029064106277"])] | None
    ) = None
    title: Annotated[str, Meta(min_length=1, max_length=limits.TITLE_CHARS_MAX, examples=["Thank you"])]
    description: Annotated[str, Meta(max_length=limits.DESCRIPTION_CHARS_MAX)] = ""
    operation: Operation
    hash: Hash = ""


class NewTxn(Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`lead_id` or `customer_id` says whose wallet; the customer must exist. `cr` credits coins, `dr` debits them."""

    amount: Annotated[int, Meta(ge=1, le=limits.COINS_MAX, description="Coins.", examples=[25])]


class NewCreditTxn(Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`lead_id` or `customer_id` says whose wallet; the customer must exist. `cr` credits it, `dr` debits it."""

    amount: Annotated[
        float,
        Meta(
            ge=0.01,
            le=limits.COINS_MAX,
            description="Credits, each worth one unit of the shop's currency, with at most two decimals.",
            examples=[12.5],
        ),
    ]


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
    return await _create(call, tx, "coins", call.body.amount, "hash")


@merchant.post("/creditwallettransactions", "Credit or debit the second wallet", tag="Wallet transactions")
async def create_creditwallettransaction(call: Call[NoQuery, NewCreditTxn], tx: Tx) -> TxnAnswer:
    """Credits, as gift cards and returns bring them. A `hash` that was sent before with a transaction of this wallet
    answers with that one, and `Idempotency-Hit: true`."""
    return await _create(call, tx, "credits", ledger.amount_of_wire("credits", call.body.amount), "credithash")


_READ: dict[str, Any] = {"tag": "Wallet transactions", "access": "READ", "headers": ("x-leadtoken",)}


@merchant.get("/wallettransactions", "A customer's wallet transactions", **_READ)
async def list_wallettransactions(call: Call[TxnQuery, None], tx: Reading) -> TxnList:
    return await _list(call, tx, "coins")


@merchant.get("/creditwallettransactions", "A customer's transactions of the second wallet", **_READ)
async def list_creditwallettransactions(call: Call[TxnQuery, None], tx: Reading) -> TxnList:
    return await _list(call, tx, "credits")


@merchant.get("/wallettransactions/{id}", "One wallet transaction", **_READ)
async def find_wallettransaction(call: Call[OfLead, None], tx: Reading) -> TxnAnswer:
    return await _find(call, tx, "coins")


@merchant.get("/creditwallettransactions/{id}", "One transaction of the second wallet", **_READ)
async def find_creditwallettransaction(call: Call[OfLead, None], tx: Reading) -> TxnAnswer:
    return await _find(call, tx, "credits")


async def _create(call: Call[NoQuery, Any], tx: Tx, kind: Kind, amount: int, names: str) -> TxnAnswer:
    """`names` tells the hashes of one wallet from those of the other."""
    body = call.body
    if not body.lead_id and not body.customer_id:
        raise invalid("lead_id", "a lead_id or a customer_id")
    by: dict[str, Any] = {"id": body.lead_id} if body.lead_id else {"customer_id": body.customer_id}
    customer = await the_lead(tx, call.workspace_id, **by)
    entry = Entry(
        customer_id=customer.id,
        kind=kind,
        operation=body.operation,
        amount=amount,
        type="reward" if body.operation == "cr" else "redeem",
        occurred_at=call.now,
        title=body.title,
        description=body.description,
        actor=call.caller.actor,
        key=f"{names}:{body.hash}" if body.hash else None,
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


async def _list(call: Call[TxnQuery, None], tx: Reading, kind: Kind) -> TxnList:
    query = call.query
    prove(call, query.lead_id)
    await the_lead(tx, call.workspace_id, id=query.lead_id)
    if query.id is not None:
        try:
            txn = await _txn_of(tx, call.workspace_id, kind, query.lead_id, query.id)
        except NotFound:
            return TxnList([], 0, None)
        fits = query.hash in (None, txn.wire_hash) and query.operation in (None, txn.operation)
        return TxnList([txn_item(txn)] if fits else [], int(fits), None)
    # One more than is asked for tells whether another page follows.
    txns, count = await ledger.numbered_page(
        tx,
        call.workspace_id,
        query.lead_id,
        kind=kind,
        operation=query.operation,
        wire_hash=query.hash,
        oldest_first=query.sort_op == "ASC",
        beyond_seq=_seq(query.cursor),
        limit=query.limit + 1,
        offset=0 if query.cursor else query.first,
    )
    cursor = str(txns[query.limit - 1].seq) if len(txns) > query.limit else None
    return TxnList([txn_item(txn) for txn in txns[: query.limit]], count, cursor)


async def _find(call: Call[OfLead, None], tx: Reading, kind: Kind) -> TxnAnswer:
    lead_id = call.query.lead_id
    if lead_id is None and call.caller.key.purpose == "STOREFRONT":
        raise invalid("lead_id", "a value: this key is for a shop's pages")
    if lead_id is not None:
        prove(call, lead_id)
    return TxnAnswer(txn_item(await _txn_of(tx, call.workspace_id, kind, lead_id, call.path_id())))


async def _txn_of(tx: Reading, workspace_id: UUID, kind: Kind, lead_id: UUID | None, txn_id: UUID) -> Txn:
    """Raises NotFound; of another customer, or another wallet, it is not found either."""
    txn = await ledger.find_txn(tx, workspace_id, txn_id)
    if lead_id not in (None, txn.customer_id) or txn.kind != kind:
        raise NotFound("This wallet transaction does not exist.")
    return txn


def _seq(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid("cursor", "the cursor of the page before")
    return int(cursor)
