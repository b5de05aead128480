"""Many at once: calls for the same wallets take turns, lose nothing, and never wait in a circle."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from uuid import UUID

import asyncpg
import pytest

from regulars import ledger, tenancy
from regulars.customers import Customer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, Tx
from regulars.ledger import KeyTaken, Posted
from tests import make

TASKS = 50


@pytest.fixture
async def wide(database_url: str) -> AsyncIterator[Database]:
    """Connections enough for many to wait."""
    database = await Database.connect(database_url, connections_max=16)
    yield database
    await database.close()


async def test_a_crowd_on_a_few_wallets(wide: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    now = clock.now()
    people = [
        c.id for c in (await make.some_customers(wide, workspace, now, *map("customer-{}".format, range(5)))).values()
    ]
    # Two wallets exist, the others are opened by the crowd.
    await make.posted(wide, workspace, [make.credit(people[0], 100, now), make.credit(people[1], 100, now)], now)
    left = Counter({people[0]: 100, people[1]: 100})

    async def one(task: int) -> None:
        random = Random(task)
        for _ in range(3):
            chosen = random.sample(people, random.randint(1, 5))
            entries = [
                (make.credit if random.random() < 0.5 else make.debit)(customer_id, random.randint(1, 9), now)
                for customer_id in chosen * 2
            ]
            outcomes = await make.posted(wide, workspace, entries, now)
            for entry, outcome in zip(entries, outcomes, strict=True):
                if isinstance(outcome, Posted):
                    left[entry.customer_id] += entry.amount if entry.operation == "cr" else -entry.amount

    await asyncio.gather(*map(one, range(TASKS)))
    async with wide.reading() as tx:
        balances = await ledger.balances(tx, workspace, people, now)
    assert {customer_id: balances[customer_id]["coins"].available for customer_id in people} == dict(left)
    assert await make.audited(wide, workspace.id) is None


async def test_the_last_coins_are_spent_once(
    wide: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock
) -> None:
    now = clock.now()
    await make.posted(wide, workspace, [make.credit(asha.id, 100, now)], now)
    tries = [make.posted(wide, workspace, [make.debit(asha.id, 30, now)], now) for _ in range(20)]
    outcomes = [outcome for [outcome] in await asyncio.gather(*tries)]
    assert sum(isinstance(outcome, Posted) for outcome in outcomes) == 3
    assert await make.audited(wide, workspace.id) is None


async def test_the_same_key_at_once_is_one_txn(
    wide: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock
) -> None:
    now = clock.now()
    tries = [make.posted(wide, workspace, [make.credit(asha.id, 10, now, key="once")], now) for _ in range(20)]
    outcomes = [outcome for [outcome] in await asyncio.gather(*tries)]
    posted = [outcome for outcome in outcomes if isinstance(outcome, Posted)]
    assert len({outcome.txn.id for outcome in posted}) == 1
    assert [outcome.repeated for outcome in posted].count(False) == 1
    assert await make.audited(wide, workspace.id) is None


async def test_a_key_raced_for_two_customers_is_refused_at_the_second_try(
    wide: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    now = clock.now()
    a, b = (c.id for c in (await make.some_customers(wide, workspace, now, "customer-a", "customer-b")).values())
    async with wide.transaction() as first:
        [won] = await ledger.post(first, workspace, [make.credit(a, 1, now, key="raced")], now)
        await first.send()
        second = asyncio.create_task(make.posted(wide, workspace, [make.credit(b, 2, now, key="raced")], now))
        await make.until_waiting(wide)
    with pytest.raises(asyncpg.UniqueViolationError):
        await second
    [again] = await make.posted(wide, workspace, [make.credit(b, 2, now, key="raced")], now)
    assert isinstance(won, Posted)
    assert isinstance(again, KeyTaken)
    assert await make.audited(wide, workspace.id) is None


async def test_a_wallet_opened_by_another_call_meanwhile_makes_no_circle(
    wide: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    """Once a deadlock: a call that held the third wallet went to open the second, which another call had opened
    meanwhile, and a third one had locked on its way to the third."""
    now = clock.now()
    ids = sorted(
        c.id for c in (await make.some_customers(wide, workspace, now, *map("customer-{}".format, range(4)))).values()
    )
    one, two, between, three = ids
    await make.posted(wide, workspace, [make.credit(id, 1, now) for id in (one, between, three)], now)

    async def post(*customer_ids: UUID) -> None:
        await make.posted(wide, workspace, [make.credit(id, 1, now) for id in customer_ids], now)

    async with asyncio.TaskGroup() as calls, _held(wide, workspace, between):
        async with _held(wide, workspace, one):
            first = calls.create_task(post(one, two, three))
            await make.until_waiting(wide)
            opening = calls.create_task(post(two))
            await make.until_waiting(wide, 2, or_done=opening)
            passing = calls.create_task(post(two, between, three))
            await make.until_waiting(wide, 2, or_done=passing)
        await make.until_waiting(wide, 2, or_done=first)
    assert await make.audited(wide, workspace.id) is None


@asynccontextmanager
async def _held(db: Database, workspace: tenancy.Workspace, customer_id: UUID) -> AsyncIterator[None]:
    """The customer's coins are locked by another call."""
    async with db.transaction() as tx:
        await ledger.lock(tx, workspace.id, [(customer_id, "coins")])
        yield


async def test_a_call_that_ends_in_nothing_leaves_nothing(
    wide: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock
) -> None:
    now = clock.now()

    async with wide.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SET TRANSACTION READ WRITE")
        tx = Tx(connection)
        await ledger.post(tx, workspace, [make.credit(asha.id, 5, now), make.debit(asha.id, 3, now)], now)
        written = {"wallet": 1, "txn": 2, "transfer": 2, "lot": 1, "event": 2, "pending": 2}
        assert await _counts(tx, workspace) == written
        await transaction.rollback()
        assert await _counts(tx, workspace) == dict.fromkeys(written, 0)


async def _counts(tx: Tx, workspace: tenancy.Workspace) -> dict[str, int]:
    """Rows in the book, and events of coins."""
    tables = {name: f"ledger_{name} WHERE" for name in ("wallet", "txn", "transfer", "lot")}
    tables["event"] = "events_event WHERE topic = 'walletreward_create' AND"
    tables["pending"] = """events_pending WHERE event_id IN (
        SELECT id FROM events_event WHERE topic = 'walletreward_create') AND"""
    return {
        name: await tx.fetchval(f"SELECT count(*) FROM {table} workspace_id = $1", workspace.id)
        for name, table in tables.items()
    }
