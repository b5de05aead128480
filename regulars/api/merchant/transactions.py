"""POST and GET /wallettransactions, and the same of the second wallet as /creditwallettransactions: coins and credits
that the shop itself credits and debits, and every line of a wallet."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import ledger, limits
from regulars.api.merchant.api import merchant
from regulars.api.merchant.items import TxnItem, txn_item
from regulars.api.merchant.leads import ForLead
from regulars.api.merchant.lists import Listing, NumberedPage
from regulars.api.operations import Call, NoQuery
from regulars.kit import Counted, NotFound, One, Reading, Refusal, Tx, invalid
from regulars.ledger import Entry, KeyTaken, Kind

Hash = Annotated[
    str,
    Meta(
        max_length=limits.HASH_CHARS_MAX,
        description="Your own name for the transaction: the same hash is the same transaction, for ever.",
    ),
]
Operation = Literal["cr", "dr"]


class HashReused(Refusal, code="hash_reused"):
    """This hash was sent before with another transaction."""

    expected = ("hash", "a new hash")


class Said(ForLead, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a transaction of either wallet says, but for its amount."""

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


class TxnList(Counted[TxnItem], frozen=True, kw_only=True):
    """`count` is how many there are on all pages. `cursor`, sent back, continues after this page; null on the last."""

    cursor: str | None = None


@merchant.post("/wallettransactions", "Credit or debit coins", tag="Wallet transactions")
async def create_wallettransaction(call: Call[NoQuery, NewTxn], tx: Tx) -> One[TxnItem]:
    """A `hash` that was sent before answers with the transaction it made then, and `Idempotency-Hit: true`."""
    return await _create(call, tx, "coins", call.body.amount, "hash")


@merchant.post("/creditwallettransactions", "Credit or debit the second wallet", tag="Wallet transactions")
async def create_creditwallettransaction(call: Call[NoQuery, NewCreditTxn], tx: Tx) -> One[TxnItem]:
    """Credits, as gift cards and returns bring them. A `hash` that was sent before with a transaction of this wallet
    answers with that one, and `Idempotency-Hit: true`."""
    return await _create(call, tx, "credits", ledger.amount_of_wire("credits", call.body.amount), "credithash")


async def _create(call: Call[NoQuery, Any], tx: Tx, kind: Kind, amount: int, names: str) -> One[TxnItem]:
    """`names` tells the hashes of one wallet from those of the other."""
    body: Said = call.body
    customer = await body.lead(tx, call.workspace_id)
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
        raise HashReused
    if isinstance(outcome, Refusal):
        raise outcome
    if outcome.repeated:
        call.reply_headers["idempotency-hit"] = "true"
    return One(txn_item(outcome.txn))


def _missing() -> NotFound:
    return NotFound("This wallet transaction does not exist.")


def _wallet(kind: Kind, name: str, one: str, all_of_them: str) -> None:
    listing = Listing(f"/{name}s", TxnItem, tag="Wallet transactions", answer=TxnList, missing=_missing)

    async def find(call: Call[OfLead, None], tx: Reading, id: UUID) -> TxnItem:
        txn = await ledger.find_txn(tx, call.workspace_id, id)
        if txn.kind != kind:
            raise _missing()
        return txn_item(txn)

    async def page(call: Call[TxnQuery, None], tx: Reading) -> tuple[list[TxnItem], int, str | None]:
        query = call.query
        # One more than is asked for tells whether another page follows.
        asked = query.numbers | {"limit": query.limit + 1} | ({"offset": 0} if query.cursor else {})
        txns, count = await ledger.numbered_page(
            tx,
            call.workspace_id,
            query.lead_id,
            kind=kind,
            operation=query.operation,
            wire_hash=query.hash,
            beyond_seq=_seq(query.cursor),
            **asked,
        )
        cursor = str(txns[query.limit - 1].seq) if len(txns) > query.limit else None
        return [txn_item(txn) for txn in txns[: query.limit]], count, cursor

    find.__name__, page.__name__ = f"find_{name}", f"list_{name}s"
    listing.list(all_of_them)(page)
    listing.read(one)(find)


_wallet("coins", "wallettransaction", "One wallet transaction", "A customer's wallet transactions")
_wallet(
    "credits",
    "creditwallettransaction",
    "One transaction of the second wallet",
    "A customer's transactions of the second wallet",
)


def _seq(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid("cursor", "the cursor of the page before")
    return int(cursor)
