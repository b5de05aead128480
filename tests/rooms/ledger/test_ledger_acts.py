"""What stands in each account after each act: the tables of `acts/`, a case for each hard one."""

import asyncio

import pytest

from regulars import ledger, tenancy
from regulars.customers import Customer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, again_when_raced
from regulars.ledger import Posted, Reversal
from tests import make
from tests.rooms.ledger.acting import Step, Table, cases
from tests.rooms.ledger.tables import START

CASES = dict(cases())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_table(db: Database, workspace: tenancy.Workspace, case: list[Step]) -> None:
    people = await make.some_customers(db, workspace, START, "customer-asha", "customer-bela")
    table = Table(db, workspace, {name.removeprefix("customer-"): one.id for name, one in people.items()})
    for step in case:
        await table.take(step)


async def test_what_is_asked_of_one_txn_at_the_same_instant_ends_as_the_last_one_said(
    database_url: str, db: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock
) -> None:
    now = clock.now()
    [earned] = await make.posted(db, workspace, [make.credit(asha.id, 100, now)], now)
    assert isinstance(earned, Posted)
    wide = await Database.connect(database_url, connections_max=8)

    async def refund(target: int) -> None:
        async with wide.transaction() as tx:
            asked = Reversal(txn_id=earned.txn.id, target=target, occurred_at=now)
            await ledger.claw_back(tx, workspace, [asked], now)

    await asyncio.gather(*(again_when_raced(lambda target=target: refund(target)) for target in (30, 70, 30, 70, 50)))
    await wide.close()
    async with db.reading() as tx:
        balance = (await ledger.balances(tx, workspace, [asha.id], now))[asha.id]["coins"]
        line = await ledger.find_txn(tx, workspace.id, earned.txn.id)
        last = "SELECT target FROM ledger_txn WHERE workspace_id = $1 AND target IS NOT NULL ORDER BY seq DESC LIMIT 1"
        said = await tx.fetchval(last, workspace.id)
    assert said in (30, 70, 50)
    assert (balance.available, balance.debited - balance.credited, line.status) == (100 - said, said - 100, "success")
    assert await make.audited(db, workspace.id) is None
