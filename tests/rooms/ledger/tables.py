"""Read and run the tables of `book/`, whose README says how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from regulars.kit.db import Tx
from regulars.kit.ids import new_id
from regulars.ledger import store
from regulars.ledger.model import Entry, Kind, Posting, Txn, chain_hash, wire_hash_of

START = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)
_UNITS = {"us": "microseconds", "s": "seconds", "d": "days"}


class Line(NamedTuple):
    at: datetime
    customer: str
    kind: Kind
    act: str
    amount: int
    details: dict[str, Any]
    answer: str
    """`closing in out`, the code of a refusal, or `again`."""
    available: int | None
    lots: list[int] | None

    def entry(self, customer_id: UUID) -> Entry:
        return Entry(
            customer_id=customer_id,
            operation="cr" if self.act == "cr" else "dr",
            amount=self.amount,
            type="reward" if self.act == "cr" else "redeem",
            occurred_at=self.at,
            kind=self.kind,
            **self.details,
        )


Case = list[list[Line]]
"""Batches of lines."""


def cases() -> Iterator[tuple[str, Case]]:
    """Every case of every table, under its file's name and its heading."""
    for file in sorted((Path(__file__).parent / "book").glob("*.txt")):
        for block in re.split(r"^# ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            heading, *lines = block.strip().split("\n")
            case: Case = []
            for line in lines:
                if line.startswith("+"):
                    case[-1].append(_line(line, case[-1][0].at))
                elif line:
                    case.append([_line(line, START)])
            yield f"{file.stem}: {heading}", case


def _line(text: str, start: datetime) -> Line:
    given, answer, *state = (part.strip() for part in text.split("|"))
    when, whose, act, amount, *details = given.split()
    customer, _, kind = whose.partition("/")
    available, *lots = state[0].split() if state else [""]
    values: dict[str, Any] = dict(detail.split("=") for detail in details)
    if "expires" in values:
        values["expires_at"] = START + _span(values.pop("expires"))
    if "hash" in values:
        values["wire_hash"] = values.pop("hash")
    return Line(
        at=start if when == "+" else START + _span(when),
        customer=customer,
        kind="credits" if kind else "coins",
        act=act,
        amount=int(amount),
        details=values,
        answer=" ".join(answer.split()),
        available=int(available) if available else None,
        lots=([] if lots == ["-"] else [int(lot) for lot in lots]) if state else None,
    )


def _span(text: str) -> timedelta:
    terms = re.findall(r"([+-]?)(\d+)(us|s|d)", text)
    assert text == "0" or "".join(map("".join, terms)) == text, text
    return sum((timedelta(**{_UNITS[unit]: int(sign + n)}) for sign, n, unit in terms), timedelta())


async def owe(tx: Tx, workspace_id: UUID, customer_id: UUID, kind: Kind, amount: int, at: datetime) -> Txn:
    """Take back what the customer has already spent, as the reversal of a refund will: no act of the room makes a debt
    yet, though its model carries one."""
    [wallet] = (await store.lock_wallets(tx, workspace_id, [(customer_id, kind)])).values()
    postings = [("customer.debt", -amount), ("programme.clawed_back", amount)]
    wallet.debt += amount
    wallet.debited += amount
    wallet.txn_count += 1
    txn = Txn(
        id=new_id(),
        customer_id=customer_id,
        kind=kind,
        seq=wallet.txn_count,
        type="revert",
        operation="dr",
        amount=amount,
        closing_balance=wallet.available,
        credited=wallet.credited,
        debited=wallet.debited,
        title="",
        description="",
        status="success",
        reference="",
        trigger_id=None,
        trigger_version=None,
        reverses_txn_id=None,
        actor="",
        key=None,
        wire_hash="",
        hash=b"",
        occurred_at=at,
        recorded_at=at,
    )
    wallet.head_hash = chain_hash(wallet.head_hash, txn, postings)
    txn = msgspec.structs.replace(txn, hash=wallet.head_hash, wire_hash=wire_hash_of(wallet.head_hash))
    store.write(
        tx,
        workspace_id,
        txns=[txn],
        postings=[Posting(txn.id, account, moved) for account, moved in postings],
        lots=[],
        spent=[],
        consumptions=[],
        wallets=[wallet],
    )
    return txn
