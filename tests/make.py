"""What tests begin with, made by the rooms' own functions: customers, txns, a trigger."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from regulars import customers, ledger, tenancy
from regulars.customers import Customer, NewCustomer
from regulars.kit import ids, partitions
from regulars.kit.clock import Clock
from regulars.kit.db import Database, Tx
from regulars.kit.ids import new_id
from regulars.ledger import Break, Entry
from regulars.schedule import Handler
from regulars.tenancy.staff import Session
from regulars.worker.doing import Doing
from regulars.worker.loops import HANDLERS


async def a_workspace(db: Database, now: datetime, name: str = "Book Shop", **fields: Any) -> tenancy.Workspace:
    async with db.transaction() as tx:
        return await tenancy.create_workspace(tx, name, now=now, **fields)


async def heard(tx: Tx, workspace_id: UUID, now: datetime, *topics: str) -> None:
    """Somebody is to be told of these topics, by a rule of a tool that never was."""
    for topic in topics:
        await tx.execute(
            "INSERT INTO dispatch_rule (workspace_id, id, topic, integration_id, created_at, updated_at)"
            " VALUES ($1, $2, $3, $2, $4, $4)",
            workspace_id,
            new_id(),
            topic,
            now,
        )


async def some_customers(db: Database, workspace: tenancy.Workspace, now: datetime, *names: str) -> dict[str, Customer]:
    """By name; each name is the start of the e-mail address and the end of the customer_id too."""
    async with db.transaction() as tx:
        return {
            name: await customers.create(
                tx,
                workspace,
                NewCustomer(customer_id=f"shopify-{name.lower()}", name=name, email=f"{name.lower()}@example.com"),
                now,
            )
            for name in names
        }


@asynccontextmanager
async def ids_of(db: Database, monkeypatch: pytest.MonkeyPatch, at: datetime) -> AsyncIterator[None]:
    """The machine's clock, which ids hold, moved by hand; there are months for them."""
    with monkeypatch.context() as patch:
        patch.setattr(ids, "_last", 0)
        patch.setattr(time, "time_ns", lambda: int(at.timestamp() * 1e9))
        async with db.transaction() as tx:
            await partitions.make(tx, at)
        yield


async def a_customer(db: Database, workspace: tenancy.Workspace, now: datetime, name: str = "Asha") -> Customer:
    return (await some_customers(db, workspace, now, name))[name]


@cache
def hashed(password: str) -> tenancy.Hashed:
    """What is stored of it, made in no time."""
    return tenancy.Hashed(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password))


async def signed_in(tx: Tx, email: str, password: str, now: datetime) -> Session:
    """As at the door, in one transaction. Raises Unauthenticated."""
    known = await tenancy.known_by_email(tx, email)
    return await tenancy.open_session(tx, await tenancy.proven(known, password), now)


def credit(customer_id: UUID, amount: int, at: datetime, **fields: Any) -> Entry:
    given = {"customer_id": customer_id, "amount": amount, "type": "reward", "occurred_at": at, **fields}
    return Entry(operation="cr", **given)


def debit(customer_id: UUID, amount: int, at: datetime, **fields: Any) -> Entry:
    given = {"customer_id": customer_id, "amount": amount, "type": "redeem", "occurred_at": at, **fields}
    return Entry(operation="dr", **given)


async def posted(
    db: Database, workspace: tenancy.Workspace, entries: Sequence[Entry], now: datetime
) -> list[ledger.Outcome]:
    """One batch, committed."""
    async with db.transaction() as tx:
        return await ledger.post(tx, workspace, entries, now)


async def audited(db: Database, workspace_id: UUID) -> Break | None:
    """The first break of the workspace's book."""
    async with db.snapshot() as tx:
        return await ledger.verify(tx, workspace_id)


async def done(db: Database, clock: Clock, handlers: Mapping[str, Handler] = HANDLERS) -> int:
    """Do all that is due by the clock, in every workspace; how many rows of the schedule that were."""
    doing, rows = Doing(db, clock, handlers), 0
    while did := await doing.round() + sum(await doing.turns.finish()):
        rows += did
    assert not doing.turns.faults
    return rows


async def waiting(db: Database) -> int:
    """How many connections of this database wait for a lock that another holds. Asked outside of any transaction, which
    would see the same answer for as long as it lasts."""
    async with db.reading() as tx:
        sql = """SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"""
        count: int = await tx.fetchval(sql)
    return count


async def until_waiting(db: Database, count: int = 1, *, or_done: asyncio.Task[None] | None = None) -> None:
    """Until so many connections wait, or the task is done."""
    async with asyncio.timeout(30):
        while await waiting(db) < count and not (or_done and or_done.done()):
            pass


@contextmanager
def counted() -> Iterator[list[int]]:
    """How often a function, of Python or in C, begins or ends here: how much is done, however long a busy machine takes
    for it."""
    steps = [0]

    def count(*_: object) -> None:
        steps[0] += 1

    sys.setprofile(count)
    try:
        yield steps
    finally:
        sys.setprofile(None)
