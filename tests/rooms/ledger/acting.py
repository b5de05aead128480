"""Read and run the tables of `acts/`, whose README says how they are written."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from regulars import ledger, tenancy
from regulars.kit.db import Database, Tx
from regulars.kit.errors import Refusal
from regulars.ledger import Ending, Hold, Merge, Reversal
from regulars.ledger.model import Kind
from regulars.schedule import Due
from tests import make
from tests.rooms.ledger.tables import START, span

ACCOUNTS = ("available", "pending", "held", "debt")


class Step(NamedTuple):
    at: datetime
    whose: str
    kind: Kind
    act: str
    arguments: list[str]
    details: dict[str, str]
    answer: str
    stands: list[int]
    programme: dict[str, int]


def cases() -> Iterator[tuple[str, list[Step]]]:
    """Every case of every table, under its file's name and its heading."""
    for file in sorted((Path(__file__).parent / "acts").glob("*.txt")):
        for block in re.split(r"^# ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            heading, *lines = block.strip().split("\n")
            yield f"{file.stem}: {heading}", [_step(line) for line in lines if line]


def _step(text: str) -> Step:
    given, answer, stands, *programme = (part.strip() for part in text.split("|"))
    when, whose, act, *words = given.split()
    whose, _, kind = whose.partition("/")
    named = (programme[0] if programme else "").split()
    return Step(
        at=datetime.fromisoformat(when) if "T" in when else START + span(when),
        whose=whose,
        kind="credits" if kind else "coins",
        act=act,
        arguments=[word for word in words if "=" not in word],
        details=dict(word.split("=") for word in words if "=" in word),
        answer=answer,
        stands=[int(number) for number in stands.split()],
        programme={name: int(number) for name, number in zip(named[::2], named[1::2], strict=True)},
    )


class Table:
    """One case, step by step, on a real book."""

    def __init__(self, db: Database, workspace: tenancy.Workspace, ids: dict[str, UUID]) -> None:
        self.db = db
        self.workspace = workspace
        self.ids = ids
        self.named: dict[str, UUID] = {}

    async def take(self, step: Step) -> None:
        async with self.db.transaction() as tx:
            outcome = await getattr(self, f"_{step.act}")(tx, step, step.at, step.details)
        said = outcome.code if isinstance(outcome, Refusal) else "again" if outcome and outcome.repeated else "ok"
        assert said == step.answer, step
        if isinstance(outcome, ledger.Posted) and "as" in step.details:
            self.named[step.details["as"]] = outcome.txn.id
        assert await self.stands(step.whose, step.kind, step.at) == step.stands, step
        if step.programme:
            assert await self.programme(step.kind) == step.programme, step
        assert await make.audited(self.db, self.workspace.id) is None, step

    async def stands(self, whose: str, kind: Kind, at: datetime) -> list[int]:
        async with self.db.reading() as tx:
            balance = (await ledger.balances(tx, self.workspace, [self.ids[whose]], at))[self.ids[whose]][kind]
            lots = await ledger.lots_of(tx, self.workspace, self.ids[whose], at, kind=kind)
        stands = [getattr(balance, account) for account in ACCOUNTS]
        assert [sum(getattr(lot, account) for lot in lots) for account in ACCOUNTS[:3]] == stands[:3]
        return stands

    async def programme(self, kind: Kind) -> dict[str, int]:
        """What went from the programme's accounts, less what came to them."""
        sql = """SELECT m.from_account, m.to_account, m.amount FROM ledger_transfer m
                   JOIN ledger_txn t ON t.workspace_id = $1 AND t.id = m.txn_id
                  WHERE m.workspace_id = $1 AND t.kind = $2"""
        sums: Counter[str] = Counter()
        async with self.db.reading() as tx:
            for from_account, to_account, amount in await tx.fetch(sql, self.workspace.id, kind):
                sums[from_account] -= amount
                sums[to_account] += amount
        sums["issued"] *= -1
        sums["adjusted"] *= -1
        return {name: amount for name, amount in sums.items() if name not in ACCOUNTS and amount}

    async def _post(self, tx: Tx, step: Step, at: datetime, **fields: Any) -> ledger.Outcome:
        how = make.debit if fields.pop("debit", False) else make.credit
        fields |= {"kind": step.kind, "key": step.details.get("key")}
        amount = abs(int(step.arguments[0]))
        [outcome] = await ledger.post(tx, self.workspace, [how(self.ids[step.whose], amount, at, **fields)], at)
        return outcome

    async def _earn(self, tx: Tx, step: Step, at: datetime, said: dict[str, str]) -> ledger.Outcome:
        later, expires = (START + span(said[name]) if name in said else None for name in ("later", "expires"))
        return await self._post(tx, step, at, activates_at=later, expires_at=expires)

    async def _spend(self, tx: Tx, step: Step, at: datetime, _: object) -> ledger.Outcome:
        return await self._post(tx, step, at, debit=True)

    async def _adjust(self, tx: Tx, step: Step, at: datetime, _: object) -> ledger.Outcome:
        return await self._post(tx, step, at, debit=step.arguments[0].startswith("-"), type="adjust")

    async def _hold(self, tx: Tx, step: Step, at: datetime, said: dict[str, str]) -> ledger.Outcome:
        until = START + span(said["until"]) if "until" in said else None
        fields: dict[str, Any] = {"kind": step.kind, "held_until": until, "key": said.get("key"), "occurred_at": at}
        hold = Hold(customer_id=self.ids[step.whose], amount=int(step.arguments[0]), **fields)
        return (await ledger.hold(tx, self.workspace, [hold], at))[0]

    async def _capture(self, tx: Tx, step: Step, at: datetime, _: object) -> ledger.Outcome:
        name, *amount = step.arguments
        asked = Ending(hold_id=self.named[name], amount=int(amount[0]) if amount else None, occurred_at=at)
        return (await ledger.capture(tx, self.workspace, [asked], at))[0]

    async def _void(self, tx: Tx, step: Step, at: datetime, _: object) -> ledger.Outcome:
        asked = Ending(hold_id=self.named[step.arguments[0]], occurred_at=at)
        return (await ledger.void(tx, self.workspace, [asked], at))[0]

    async def _claw(self, tx: Tx, step: Step, at: datetime, _: object) -> ledger.Outcome:
        name, target = step.arguments
        asked = Reversal(txn_id=self.named[name], target=int(target), occurred_at=at)
        return (await ledger.claw_back(tx, self.workspace, [asked], at))[0]

    async def _give(self, tx: Tx, step: Step, at: datetime, _: object) -> ledger.Outcome:
        name, target = step.arguments
        asked = Reversal(txn_id=self.named[name], target=int(target), occurred_at=at)
        return (await ledger.give_back(tx, self.workspace, [asked], at))[0]

    async def _settle(self, tx: Tx, step: Step, at: datetime, _: object) -> None:
        await ledger.settle(tx, self.workspace, [Due(ledger.SETTLE, f"{self.ids[step.whose]}:{step.kind}", at)], at)

    async def _merge(self, tx: Tx, step: Step, at: datetime, _: object) -> Refusal | None:
        """Of the one whose it is into the other named."""
        pair = Merge(self.ids[step.whose], self.ids[step.arguments[0]])
        return (await ledger.merge(tx, self.workspace, [pair], at))[0]

    async def _rules(self, tx: Tx, step: Step, at: datetime, said: dict[str, str]) -> None:
        zone = {"time_zone": said.pop("zone")} if "zone" in said else {}
        rules = {name: int(value) if value.isdigit() else value for name, value in said.items()}
        changes = {**zone, "settings": {"book": rules}}
        self.workspace = await tenancy.change_workspace(tx, self.workspace.id, changes, at)

    async def _look(self, tx: Tx, step: Step, at: datetime, _: object) -> None:
        """Nothing happens but time."""
