"""Txns, transfers, lots and wallets, and the arithmetic between them. Nothing here waits for anything."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from regulars.kit import Refusal, invalid

Kind = Literal["coins", "credits"]
Operation = Literal["cr", "dr"]
TxnType = Literal["reward", "redeem", "adjust", "expire", "revert", "referral", "import"]
Status = Literal["pending", "success", "cancelled", "expired", "reversed"]
Act = Literal[
    "earn", "spend", "adjust", "hold", "capture", "void", "activate", "expire", "claw_back", "give_back", "merge"
]
Account = Literal["pending", "available", "held", "debt", "issued", "redeemed", "expired", "clawed_back", "adjusted"]
"""The first four are the customer's, the others the programme's. A customer in debt owes: their account is below
zero."""

WalletId = tuple[UUID, Kind]

SCALE = {"coins": 0, "credits": 2}
"""Decimal places of each kind of wallet: amounts are integers in units of 10 ** -scale."""

STEPS = frozenset(("capture", "void", "activate"))
"""Acts that end what another txn began: on the wire they are no transactions of their own, but change that one."""

IDLE = frozenset(("expire", "claw_back", "void"))
"""Acts that are no activity of the customer."""


MERGED_INTO = "merged_into:"
"""How the reference of a txn begins that emptied a wallet into another customer's."""


class Line(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a txn says besides its amounts. `occurred_at` is when the fact happened, which may be long before it is
    recorded. `order_name`, `firing_id`, `cause_id` and `depth` are told in its event alone."""

    occurred_at: datetime
    type: TxnType = "reward"
    title: str = ""
    description: str = ""
    reference: str = ""
    order_name: str = ""
    trigger_id: UUID | None = None
    trigger_version: int | None = None
    actor: str = ""
    key: str | None = None
    wire_hash: str = ""
    firing_id: UUID | None = None
    cause_id: UUID | None = None
    depth: int = 0


class Entry(Line, frozen=True, gc=False, kw_only=True):
    """A credit or debit to be posted.

    `key` names the fact for ever: a second entry with it is not posted. It answers with the first one's txn when it
    says the same, and is refused when it says anything else. A credit that has `activates_at` is pending until then.
    One without `expires_at` expires as the shop's rules say."""

    customer_id: UUID
    operation: Operation
    amount: int
    type: TxnType
    kind: Kind = "coins"
    activates_at: datetime | None = None
    expires_at: datetime | None = None


class Txn(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One line of the book, in the order of the columns of `ledger_txn`; `changed_at` is no column of it, but when a
    later txn last changed what this one says on the wire."""

    id: UUID
    customer_id: UUID
    kind: Kind
    seq: int
    act: Act
    type: TxnType
    operation: Operation
    amount: int
    closing_balance: int
    credited: int
    debited: int
    title: str
    description: str
    status: Status
    reference: str
    trigger_id: UUID | None
    trigger_version: int | None
    source_txn_id: UUID | None
    target: int | None
    actor: str
    key: str | None
    wire_hash: str
    hash_version: int
    hash: bytes
    held_until: datetime | None
    occurred_at: datetime
    recorded_at: datetime
    changed_at: datetime | None = None


class Said(NamedTuple):
    """Of a txn what does not change any more, and its event says again when a later one changes the rest."""

    id: UUID
    kind: Kind
    type: TxnType
    operation: Operation
    amount: int
    title: str
    description: str
    reference: str
    wire_hash: str
    recorded_at: datetime


class Transfer(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """So many coins went from one account to another, in the order of the columns of `ledger_transfer`."""

    txn_id: UUID
    n: int
    from_account: Account
    to_account: Account
    amount: int
    lot_id: UUID | None
    extends_to: datetime | None


class Posted(msgspec.Struct, frozen=True, gc=False):
    """What came of an act. `repeated`: it was done before, and nothing was posted. `event_id`: the event it made."""

    txn: Txn
    repeated: bool = False
    event_id: UUID | None = None


Outcome = Posted | Refusal


class Balance(msgspec.Struct, frozen=True, gc=False):
    """What a customer has in one wallet, as of the instant it was asked for."""

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
    """A credit and where its coins are now, in the order of the columns of `ledger_lot`. Changed while a batch is
    worked out."""

    id: UUID
    customer_id: UUID
    kind: Kind
    amount: int
    activates_at: datetime
    expires_at: datetime | None
    earned_at: datetime
    pending: int
    available: int
    held: int
    extended_to: datetime | None = None

    def ends_at(self) -> datetime | None:
        """From then on, that instant included, it can't be spent. None: never."""
        return self.extended_to or self.expires_at

    def expired_at(self, now: datetime) -> bool:
        ends_at = self.ends_at()
        return ends_at is not None and ends_at <= now

    def due_at(self) -> Iterator[datetime]:
        """When it next changes by itself."""
        if self.pending:
            yield self.activates_at
        ends_at = self.ends_at()
        if self.available and ends_at:
            yield ends_at


class Wallet(msgspec.Struct, gc=False):
    """A wallet while a batch is worked out, and locked if it is to be written. If `whole`, `lots` are all that have
    something left, and `holds` those not ended yet, with their time limits; otherwise only new ones."""

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
    due_at: datetime | None
    active_at: datetime | None
    merged_into: UUID | None
    lots: list[Lot] = []
    holds: dict[UUID, datetime | None] = {}
    whole: bool = False

    def holds_over(self, now: datetime) -> list[tuple[datetime, UUID]]:
        """Those whose time limit has come."""
        return [(until, id) for id, until in self.holds.items() if until and until <= now]

    def balance(self) -> Balance:
        return Balance(self.kind, self.available, self.pending, self.held, self.debt, self.credited, self.debited)


class Share(NamedTuple):
    lot: Lot
    amount: int


def first_spent(lot: Lot) -> tuple[bool, datetime, datetime, UUID]:
    """First to expire first, never-expiring last, then the earliest earned."""
    ends_at = lot.ends_at()
    return (ends_at is None, ends_at or lot.earned_at, lot.earned_at, lot.id)


def taken(lots: Iterable[Lot], account: Literal["pending", "available"], amount: int) -> list[Share]:
    """Up to so much out of that account of these lots, one after the other."""
    shares = []
    for lot in lots:
        share = min(getattr(lot, account), amount)
        if share > 0:
            shares.append(Share(lot, share))
            amount -= share
    return shares


def amount_of_wire(kind: Kind, amount: float) -> int:
    """As the book counts it. What sums of floats are apart from what they mean is forgiven; a decimal more is not.
    Raises Invalid."""
    exact = Decimal(repr(amount)).scaleb(SCALE[kind])
    if abs(exact - round(exact)) > Decimal("0.0001"):
        decimals = "at most two decimals" if SCALE[kind] else "no decimals"
        raise invalid("amount", f"an amount with {decimals}")
    return round(exact)


def amount_on_wire(kind: Kind, amount: int) -> int | float:
    """Coins are whole numbers on the wire; credits are in units of the shop's currency."""
    scale = SCALE[kind]
    if not scale:
        return amount
    units: int = 10**scale
    return amount // units if amount % units == 0 else amount / units
