"""Read and run the tables of `book/`, whose README says how they are written."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from regulars.kit.db import Tx
from regulars.ledger.model import Entry, Kind, Line, Txn
from regulars.ledger.opening import finish, opened
from regulars.tenancy import Workspace

START = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)
_UNITS = {"us": "microseconds", "s": "seconds", "d": "days"}


class Row(NamedTuple):
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


Case = list[list[Row]]
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


def _line(text: str, start: datetime) -> Row:
    given, answer, *state = (part.strip() for part in text.split("|"))
    when, whose, act, amount, *details = given.split()
    customer, _, kind = whose.partition("/")
    available, *lots = state[0].split() if state else [""]
    values: dict[str, Any] = dict(detail.split("=") for detail in details)
    if "expires" in values:
        values["expires_at"] = START + span(values.pop("expires"))
    if "hash" in values:
        values["wire_hash"] = values.pop("hash")
    return Row(
        at=start if when == "+" else START + span(when),
        customer=customer,
        kind="credits" if kind else "coins",
        act=act,
        amount=int(amount),
        details=values,
        answer=" ".join(answer.split()),
        available=int(available) if available else None,
        lots=([] if lots == ["-"] else [int(lot) for lot in lots]) if state else None,
    )


def span(text: str) -> timedelta:
    terms = re.findall(r"([+-]?)(\d+)(us|s|d)", text)
    assert text == "0" or "".join(map("".join, terms)) == text, text
    return sum((timedelta(**{_UNITS[unit]: int(sign + n)}) for sign, n, unit in terms), timedelta())


async def owe(tx: Tx, workspace: Workspace, customer_id: UUID, kind: Kind, amount: int, at: datetime) -> Txn:
    """Make a debt of nothing: what a claw back leaves when all was spent, without the earning and spending before."""
    draft = await opened(tx, workspace, [(customer_id, kind)], at)
    wallet = draft.wallets[customer_id, kind]
    draft.move(wallet, "debt", "clawed_back", amount)
    posted = draft.record(wallet, Line(occurred_at=at, type="revert"), "claw_back", "dr", amount)
    await finish(tx, draft)
    return posted.txn
