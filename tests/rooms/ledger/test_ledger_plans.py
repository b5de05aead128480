"""Whatever PostgreSQL knows of the tables, batches go by keys: no statement of a batch reads a workspace or a table as
a whole. On a new database, which has no statistics yet, joins with a batch were once planned that way, and posting took
four times as long."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from regulars import customers, days, ledger, limits, tenancy
from regulars.customers import Customer, NewCustomer, Spending
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, Tx
from regulars.kit.ids import new_id
from regulars.ledger import Ending, Hold, Merge, Posted, Reversal
from regulars.schedule import Due
from tests import make
from tests.rooms.ledger.tables import START
from tests.rooms.plans import planning, unanalysed

PEOPLE = 1_500


@pytest.fixture
async def shop(server_url: str) -> AsyncIterator[tuple[Database, tenancy.Workspace, list[Customer]]]:
    db = await unanalysed(server_url)
    workspace = await make.a_workspace(db, START)
    people: list[Customer] = []
    for first in range(0, PEOPLE, 500):
        wanted = [
            NewCustomer(f"customer-{n}", f"Name {n}", f"u{n}@example.com", f"91{n:08d}", "ind")
            for n in range(first, first + 500)
        ]
        async with db.transaction() as tx:
            answers = await customers.ensure(tx, workspace, wanted, START)
            people += [answer.customer for answer in answers.values() if isinstance(answer, customers.Ensured)]
            entries = [
                make.credit(person.id, 10, START, key=f"{person.id}", expires_at=START + timedelta(days=9))
                for person in people[first:]
            ]
            await ledger.post(tx, workspace, entries, START)
    yield db, workspace, people
    await db.close()


async def test_batches_go_by_keys(shop: tuple[Database, tenancy.Workspace, list[Customer]]) -> None:
    db, workspace, people = shop
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=60) as spy:
            for size in (1, 200):
                some = [person.id for person in people[:: PEOPLE // size][:size]]
                entries = [make.credit(id, 1, START, key=f"{size}-{id}") for id in some]
                entries += [make.debit(id, 2, START, kind=kind) for id in some for kind in ("coins", "credits")]
                await ledger.post(spy, workspace, entries, START)
                await ledger.balances(spy, workspace, some, START)
                await _every_act(spy, workspace, some, size)
                order_ids = [new_id() for _ in some]
                await ledger.txns_of_orders(spy, workspace.id, order_ids)
                await ledger.lots_of(spy, workspace, some[0], START)
                await ledger.txns_of(spy, workspace.id, some[0], before_seq=2)
                await customers.by_ids(spy, workspace.id, some)
                await customers.ensure(
                    spy, workspace, [NewCustomer(f"customer-{size + n}") for n in range(size)], START
                )
                await customers.count_spending(spy, workspace.id, [Spending(id, "usd", 5, 1, START) for id in some])
            for text in ("name 12", "u7@", "9100000001", "customer-11", "nobody", "name 7", "asha@example.com"):
                await customers.search(spy, workspace.id, text)
            await customers.search(spy, workspace.id, before_id=people[100].id)
            await customers.find(spy, workspace.id, email="U7@example.com")
            await customers.find(spy, workspace.id, mobile="9100000007")
            await customers.find(spy, workspace.id, referral_code="x")


async def test_what_expires_on_a_day_is_found_by_that_day(
    shop: tuple[Database, tenancy.Workspace, list[Customer]],
) -> None:
    db, workspace, people = shop
    some = [make.credit(one.id, 3, START, expires_at=START + timedelta(days=40)) for one in people[:20]]
    await make.posted(db, workspace, some, START)
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=2) as spy:
            window = START + timedelta(days=39), START + timedelta(days=41)
            found = await ledger.expiring(spy, workspace, *window, UUID(int=0), 15)
            rest = await ledger.expiring(spy, workspace, *window, found.after or UUID(int=0), 15)
    assert [len(found.coins), len(rest.coins), rest.after] == [15, 5, None]
    assert {one.amount for one in (*found.coins, *rest.coins)} == {3}


async def _every_act(spy: Tx, workspace: tenancy.Workspace, some: list[UUID], size: int) -> None:
    at = {"occurred_at": START}
    earned = await ledger.post(spy, workspace, [make.credit(id, 9, START) for id in some], START)
    spent = await ledger.post(spy, workspace, [make.debit(id, 1, START) for id in some], START)
    asked = [Hold(customer_id=id, amount=2, **at) for id in some for _ in range(3)]
    held = await ledger.hold(spy, workspace, asked, START)
    ids = [[outcome.txn.id for outcome in one if isinstance(outcome, Posted)] for one in (earned, spent, held)]
    assert list(map(len, ids)) == [len(some), len(some), 3 * len(some)]
    await ledger.capture(spy, workspace, [Ending(hold_id=id, **at) for id in ids[2][::3]], START)
    await ledger.void(spy, workspace, [Ending(hold_id=id, **at) for id in ids[2][1::3]], START)
    await ledger.give_back(
        spy, workspace, [Reversal(txn_id=id, target=1, **at) for id in (*ids[1], *ids[2][::3])], START
    )
    await ledger.claw_back(spy, workspace, [Reversal(txn_id=id, target=9, **at) for id in ids[0]], START)
    over = START + timedelta(days=9)
    await ledger.settle(spy, workspace, [Due(ledger.SETTLE, f"{id}:coins", over) for id in some], over)
    await ledger.follow_rules(spy, workspace, [Due(ledger.FOLLOW, "", START)], START)
    await ledger.numbered_page(spy, workspace.id, some[0], kind="coins", limit=20)
    if size > 1:
        await ledger.merge(spy, workspace, [Merge(*pair) for pair in zip(some[::2], some[1::2], strict=True)], over)


async def test_what_is_owed_is_read_of_kept_days_and_not_of_the_book(
    shop: tuple[Database, tenancy.Workspace, list[Customer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the book is: days that are over, the txns of the one that goes on, found by their ids, what stood
    when it began, and who is in debt."""
    db, workspace, people = shop
    now = datetime.now(UTC) + timedelta(days=1)
    async with db.transaction() as tx:
        await ledger.post(tx, workspace, [make.credit(person.id, 10, now) for person in people], now)
        await days.begin(tx, workspace, now)
    await make.done(db, HandClock(now))
    async with db.transaction() as tx:
        await ledger.post(tx, workspace, [make.debit(person.id, 1, now) for person in people[:50]], now)
    monkeypatch.setattr(limits, "LIABILITY_LOTS_LIVE_MAX", 1)
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=8) as spy:
            found = await days.liability(spy, workspace, "coins", now + timedelta(hours=1), 24)
            plans = spy._connection.plans  # type: ignore[attr-defined]
    assert found.outstanding == len(people) * 10
    read = [plan for _, plan in plans if re.search(r"Scan[^\n]* on ledger_(lot|txn|wallet)", plan)]
    assert read
    for plan in read:
        assert "ledger_lot" not in plan, plan
        assert "ledger_wallet" not in plan or "ledger_wallet_owing" in plan, plan
        assert "ledger_txn" not in plan or re.search(r"ledger_txn[^\n]*\n\s+Index Cond: [^\n]*id >= ", plan), plan
