"""The tables of `book/`, and what is told of each txn besides its amounts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from regulars import ledger, tenancy
from regulars.customers import Customer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, Tx
from regulars.kit.errors import NotFound, Refusal
from regulars.kit.ids import new_id
from regulars.ledger import Posted
from tests import make
from tests.rooms.ledger.tables import START, Case, Row, cases, owe

CASES = dict(cases())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_table(db: Database, workspace: tenancy.Workspace, case: Case) -> None:
    names = {line.customer for batch in case for line in batch}
    people = await make.some_customers(db, workspace, START, *(f"customer-{name}" for name in sorted(names)))
    keyed: dict[str, ledger.Txn] = {}
    for batch in case:
        async with db.transaction() as tx:
            ids = [people[f"customer-{line.customer}"].id for line in batch]
            outcomes = await _taken(tx, workspace, batch, ids)
            for line, outcome in zip(batch, outcomes, strict=True):
                assert _said(outcome) == line.answer, line
                if isinstance(outcome, Posted) and "key" in line.details:
                    assert keyed.setdefault(line.details["key"], outcome.txn) == outcome.txn
            last = batch[-1]
            if last.available is not None:
                balances = await ledger.balances(tx, workspace, [ids[-1]], last.at)
                assert balances[ids[-1]][last.kind].available == last.available, last
                assert await _lots(tx, workspace.id, ids[-1], last.kind) == last.lots, last
    assert await make.audited(db, workspace.id) is None


async def _taken(
    tx: Tx, workspace: tenancy.Workspace, batch: Sequence[Row], ids: Sequence[UUID]
) -> Sequence[ledger.Outcome]:
    first = batch[0]
    if first.act == "owe":
        return [Posted(await owe(tx, workspace, ids[0], first.kind, first.amount, first.at))]
    entries = [line.entry(customer_id) for line, customer_id in zip(batch, ids, strict=True)]
    return await ledger.post(tx, workspace, entries, first.at)


def _said(outcome: ledger.Outcome) -> str:
    if isinstance(outcome, Refusal):
        return outcome.code
    txn = outcome.txn
    return "again" if outcome.repeated else f"{txn.closing_balance} {txn.credited} {txn.debited}"


async def _lots(tx: Tx, workspace_id: UUID, customer_id: UUID, kind: str) -> list[int]:
    sql = """SELECT pending + available + held AS left FROM ledger_lot
              WHERE workspace_id = $1 AND customer_id = $2 AND kind = $3 ORDER BY id"""
    return [row["left"] for row in await tx.fetch(sql, workspace_id, customer_id, kind)]


@pytest.mark.parametrize(
    ("type", "operation", "account"),
    [
        ("reward", "cr", "issued"),
        ("referral", "cr", "issued"),
        ("import", "cr", "issued"),
        ("revert", "cr", "issued"),
        ("redeem", "dr", "redeemed"),
        ("revert", "dr", "clawed_back"),
        ("adjust", "cr", "adjusted"),
        ("adjust", "dr", "adjusted"),
    ],
)
async def test_the_programmes_side(
    db: Database, workspace: tenancy.Workspace, asha: Customer, type: Any, operation: Any, account: str
) -> None:
    entry = ledger.Entry(customer_id=asha.id, operation=operation, amount=7, type=type, occurred_at=START)
    [_, outcome] = await make.posted(db, workspace, [make.credit(asha.id, 50, START), entry], START)
    assert isinstance(outcome, Posted)
    async with db.reading() as tx:
        sql = "SELECT from_account, to_account, amount FROM ledger_transfer WHERE workspace_id = $1 AND txn_id = $2"
        rows = [tuple(row) for row in await tx.fetch(sql, workspace.id, outcome.txn.id)]
    assert rows == [(account, "available", 7) if operation == "cr" else ("available", account, 7)]
    assert await make.audited(db, workspace.id) is None


async def test_a_txn_says_what_its_entry_said(
    db: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock
) -> None:
    entry = make.credit(
        asha.id,
        120,
        START - timedelta(days=400),
        title="Welcome",
        description="شكرا \N{PARTY POPPER}",
        reference="firing:1",
        trigger_id=new_id(),
        trigger_version=3,
        actor="key:shop",
        key="welcome",
        expires_at=START + timedelta(days=30),
    )
    [outcome] = await make.posted(db, workspace, [entry], clock.now())
    assert isinstance(outcome, Posted)
    txn = outcome.txn
    assert not outcome.repeated
    assert outcome.event_id is not None
    for field in ("customer_id", "operation", "amount", "type", "occurred_at", "title", "description", "kind"):
        assert getattr(txn, field) == getattr(entry, field), field
    for field in ("reference", "trigger_id", "trigger_version", "actor", "key"):
        assert getattr(txn, field) == getattr(entry, field), field
    assert (txn.seq, txn.status, txn.recorded_at, txn.source_txn_id) == (1, "success", clock.now(), None)
    async with db.reading() as tx:
        assert await ledger.find_txn(tx, workspace.id, txn.id) == txn
        with pytest.raises(NotFound):
            await ledger.find_txn(tx, workspace.id, asha.id)
        with pytest.raises(NotFound):  # of another workspace
            await ledger.find_txn(tx, new_id(), txn.id)


async def test_the_hash_on_the_wire(db: Database, workspace: tenancy.Workspace, asha: Customer) -> None:
    entries = [
        make.credit(asha.id, 1, START),
        make.credit(asha.id, 1, START),
        make.credit(asha.id, 1, START, wire_hash="mine"),
    ]
    txns = [outcome.txn for outcome in await make.posted(db, workspace, entries, START) if isinstance(outcome, Posted)]
    assert [txn.wire_hash for txn in txns[:2]] == [txn.hash.hex()[:40] for txn in txns[:2]]
    assert len({txn.wire_hash for txn in txns}) == 3
    assert txns[2].wire_hash == "mine"


async def test_txns_are_read_newest_first_and_paged(db: Database, workspace: tenancy.Workspace, asha: Customer) -> None:
    entries = [make.credit(asha.id, n, START) for n in range(1, 6)] + [make.debit(asha.id, 2, START, wire_hash="spent")]
    entries += [make.credit(asha.id, 9, START, kind="credits")]
    await make.posted(db, workspace, entries, START)
    async with db.reading() as tx:
        page = await ledger.txns_of(tx, workspace.id, asha.id, limit=4)
        assert [txn.seq for txn in page] == [6, 5, 4, 3]
        page = await ledger.txns_of(tx, workspace.id, asha.id, limit=4, before_seq=3)
        assert [txn.seq for txn in page] == [2, 1]
        assert [txn.seq for txn in await ledger.txns_of(tx, workspace.id, asha.id, operation="dr")] == [6]
        assert [txn.seq for txn in await ledger.txns_of(tx, workspace.id, asha.id, wire_hash="spent")] == [6]
        assert [txn.amount for txn in await ledger.txns_of(tx, workspace.id, asha.id, kind="credits")] == [9]
        assert await ledger.txns_of(tx, workspace.id, new_id()) == []
        assert await ledger.txns_of(tx, new_id(), asha.id) == []


async def test_a_clock_that_is_behind_can_spend_what_another_has_just_earned(
    db: Database, workspace: tenancy.Workspace, asha: Customer
) -> None:
    await make.posted(db, workspace, [make.credit(asha.id, 10, START)], START)
    behind = START - timedelta(seconds=2)
    [outcome] = await make.posted(db, workspace, [make.debit(asha.id, 10, behind)], behind)
    assert isinstance(outcome, Posted)
    assert await make.audited(db, workspace.id) is None


async def test_nothing_to_post(db: Database, workspace: tenancy.Workspace) -> None:
    assert await make.posted(db, workspace, [], START) == []


@pytest.mark.parametrize(
    ("kind", "amount", "on_wire"),
    [
        ("coins", 5, "5"),
        ("credits", 500, "5"),
        ("credits", 550, "5.5"),
        ("credits", 1, "0.01"),
        ("credits", -105, "-1.05"),
    ],
)
def test_amounts_on_the_wire(kind: Any, amount: int, on_wire: str) -> None:
    assert repr(ledger.amount_on_wire(kind, amount)) == on_wire


async def test_times_of_another_zone_are_the_same_times(db: Database, workspace: tenancy.Workspace) -> None:
    people = await make.some_customers(db, workspace, START, "customer-a")
    there = START.astimezone(ZoneInfo("Asia/Kolkata"))
    entry = make.credit(people["customer-a"].id, 5, there, expires_at=there + timedelta(days=1))
    async with db.transaction() as tx:
        await ledger.post(tx, workspace, [entry], there)
    assert await make.audited(db, workspace.id) is None
