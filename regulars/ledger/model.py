"""Txns, postings, lots and wallets, and the arithmetic between them. Nothing here waits for anything."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

import msgspec

from regulars.kit.errors import Refusal

Kind = Literal["coins", "credits"]
Operation = Literal["cr", "dr"]
TxnType = Literal["reward", "redeem", "adjust", "expire", "revert", "referral", "import"]

_encode = msgspec.json.Encoder().encode

SCALE = {"coins": 0, "credits": 2}
"""Decimal places of each kind of wallet: amounts are integers in units of 10 ** -scale."""


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A credit or debit to be posted.

    `key` names the fact for ever: a second entry with it is not posted. It answers with the first one's txn when it
    says the same, and is refused when it says anything else. `occurred_at` is when the fact happened, which may be long
    before it is recorded.
    """

    customer_id: UUID
    operation: Operation
    amount: int
    type: TxnType
    occurred_at: datetime
    title: str = ""
    description: str = ""
    kind: Kind = "coins"
    reference: str = ""
    order_name: str = ""
    trigger_id: UUID | None = None
    trigger_version: int | None = None
    actor: str = ""
    key: str | None = None
    wire_hash: str = ""
    expires_at: datetime | None = None
    firing_id: UUID | None = None
    cause_id: UUID | None = None
    depth: int = 0


class Txn(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One line of the book, in the order of the columns of `ledger_txn`."""

    id: UUID
    customer_id: UUID
    kind: Kind
    seq: int
    type: TxnType
    operation: Operation
    amount: int
    closing_balance: int
    credited: int
    debited: int
    title: str
    description: str
    status: str
    reference: str
    trigger_id: UUID | None
    trigger_version: int | None
    reverses_txn_id: UUID | None
    actor: str
    key: str | None
    wire_hash: str
    hash: bytes
    occurred_at: datetime
    recorded_at: datetime


class Posted(msgspec.Struct, frozen=True, gc=False):
    """What came of an entry. `repeated`: its key was known, and nothing was posted. `event_id`: the event it made."""

    txn: Txn
    repeated: bool = False
    event_id: UUID | None = None


Outcome = Posted | Refusal


class Posting(msgspec.Struct, frozen=True, gc=False):
    """A credit of the account is positive; the postings of one txn sum to zero."""

    txn_id: UUID
    account: str
    amount: int


class Balance(msgspec.Struct, frozen=True, gc=False):
    """What a customer has in one wallet; `available` leaves out what has expired by the time it is asked for."""

    kind: Kind = "coins"
    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    credited: int = 0
    debited: int = 0


class Liability(msgspec.Struct, frozen=True):
    """All wallets of one kind together: what is outstanding, and what was ever credited and debited."""

    outstanding: int
    credited: int
    debited: int


class Lot(msgspec.Struct, gc=False):
    """A credit that is not all spent: what it was and what remains of it. Changed while a batch is worked out."""

    id: UUID
    customer_id: UUID
    kind: Kind
    txn_id: UUID
    amount: int
    remaining: int
    activates_at: datetime
    expires_at: datetime | None
    earned_at: datetime

    def open_at(self, now: datetime) -> bool:
        """From `expires_at` on, that instant included, a lot can't be spent.

        A lot that was active when it was earned stays so even if this machine's clock is behind the one that earned it.
        """
        if now < self.activates_at and self.activates_at > self.earned_at:
            return False
        return not self.expired_at(now)

    def expired_at(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class Wallet(msgspec.Struct, gc=False):
    """A locked wallet while a batch is worked out. `expires_at` is when the first of its lots expires, `place` is where
    its row lies, which holds as long as the lock does; `lots` are those with something left, and new ones."""

    customer_id: UUID
    kind: Kind
    available: int
    pending: int
    held: int
    debt: int
    credited: int
    debited: int
    txn_count: int
    head_hash: bytes
    expires_at: datetime | None
    place: tuple[int, int] = (0, 0)
    lots: list[Lot] = []


def amount_on_wire(kind: Kind, amount: int) -> int | float:
    """Coins are whole numbers on the wire; credits are in units of the shop's currency."""
    scale = SCALE[kind]
    if not scale:
        return amount
    units: int = 10**scale
    return amount // units if amount % units == 0 else amount / units


def counter_account(type_: TxnType, operation: Operation) -> str:
    """The programme's side of a txn. The shop's liability is what was issued less redeemed, expired, clawed back."""
    if type_ == "adjust":
        return "programme.adjusted"
    if operation == "cr":
        return "programme.issued"
    return {"expire": "programme.expired", "revert": "programme.clawed_back"}.get(type_, "programme.redeemed")


def chain_hash(
    previous: bytes,
    txn: Txn,
    postings: Iterable[tuple[str, int]],
    lots: Iterable[Lot] = (),
    eaten: Iterable[tuple[UUID, int]] = (),
) -> bytes:
    """SHA-256 over the wallet's previous hash and, as JSON, all that the txn wrote: its fields in their order, and its
    postings, new lots and (lot, amount) eaten, each sorted. Times are in UTC, as the database answers them.

    Of the txn's own `hash` nothing is covered, nor of a `wire_hash` that was cut from it: see `wire_hash_of`.
    """
    if txn.hash:
        cut = txn.wire_hash == wire_hash_of(txn.hash)
        txn = msgspec.structs.replace(txn, hash=b"", wire_hash="" if cut else txn.wire_hash)
    said = (txn, sorted(postings), sorted(_said_of(lot) for lot in lots), sorted(eaten))
    return sha256(previous + _encode(said)).digest()


def wire_hash_of(hash: bytes) -> str:
    """What a txn is called on the wire unless its caller named it: 40 hex digits, as many as a SHA-1 has."""
    return hash.hex()[:40]


def _said_of(lot: Lot) -> tuple[UUID, int, datetime, datetime | None, datetime]:
    return (lot.id, lot.amount, lot.activates_at, lot.expires_at, lot.earned_at)
