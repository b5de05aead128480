"""Concurrent calls share a commit, each happens once per key, and what one of them can't have costs no other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import pytest

from regulars import ledger, limits, triggers
from regulars.customers import Customer, NewCustomer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, Tx
from regulars.kit.errors import Refusal
from regulars.kit.mail import Outside
from regulars.kit.once import KeyReused, fingerprint
from regulars.kit.secrets import SecretBox
from regulars.kit.settings import Settings
from regulars.ledger import Entry, Posted
from regulars.tenancy import Workspace
from regulars.triggers import Fire, Rule, store
from regulars.wiring import Answered, App, Call, Gathered
from tests import make

Act = Callable[[Tx, Workspace, Sequence[Entry], datetime], Any]


@pytest.fixture
async def other_db(database_url: str) -> AsyncIterator[Database]:
    """Another server process, as it were."""
    database = await Database.connect(database_url)
    yield database
    await database.close()


@pytest.fixture
async def asha(db: Database, workspace: Workspace, clock: HandClock) -> Customer:
    return await make.a_customer(db, workspace, clock.now())


def posting(workspace: Workspace, customer: Customer, amount: int, key: str = "", **fields: Any) -> Call[Entry, Posted]:
    entry = Entry(
        customer_id=customer.id, operation="cr", amount=amount, type="reward", occurred_at=customer.created_at, **fields
    )
    mark = fingerprint(bytes(32), "POST /credits", f"{customer.id} {amount}".encode())
    return Call(workspace, entry, lambda posted: (200, f"{posted.txn.id} {posted.txn.amount}"), key, mark)


async def coins(db: Database, workspace: Workspace, customer: Customer, clock: HandClock) -> int:
    async with db.reading() as tx:
        balances = await ledger.balances(tx, workspace, [customer.id], clock.now())
    return balances[customer.id]["coins"].available


async def answers_of(calls: Sequence[Any]) -> list[Any]:
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def transactions_of_txns(db: Database, workspace: Workspace) -> int:
    async with db.reading() as tx:
        found: int = await tx.fetchval(
            "SELECT count(DISTINCT xmin::text) FROM ledger_txn WHERE workspace_id = $1", workspace.id
        )
        return found


async def test_many_callers_share_few_commits(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    post = Gathered(db, clock, ledger.post)
    answers = await answers_of([post(posting(workspace, asha, 1, f"key-{n}")) for n in range(600)])
    assert all(isinstance(answer, Answered) and not answer.hit for answer in answers)
    assert len({answer.body for answer in answers}) == 600
    # The first leaves alone, or with what came at the same moment; the rest wait for a flush together.
    assert await transactions_of_txns(db, workspace) <= 600 / limits.GATHER_ITEMS_MAX + 1
    assert await coins(db, workspace, asha, clock) == 600
    assert await make.audited(db, workspace.id) is None


async def test_one_key_in_one_batch_acts_once(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    post = Gathered(db, clock, ledger.post)
    answers = await answers_of([post(posting(workspace, asha, 5, "same")) for _ in range(20)])
    assert [answer.hit for answer in answers].count(False) == 1
    assert len({(answer.status, answer.body) for answer in answers}) == 1
    [later] = await answers_of([post(posting(workspace, asha, 5, "same"))])
    assert later == Answered(200, answers[0].body, hit=True)
    assert await coins(db, workspace, asha, clock) == 5


async def test_a_key_with_another_request_is_refused(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    post = Gathered(db, clock, ledger.post)
    first, other, none = await answers_of(
        [post(posting(workspace, asha, amount, key)) for amount, key in ((5, "same"), (6, "same"), (7, ""))]
    )
    assert isinstance(first, Answered)
    assert isinstance(other, KeyReused)
    assert isinstance(none, Answered)
    assert isinstance((await answers_of([post(posting(workspace, asha, 6, "same"))]))[0], KeyReused)
    assert await coins(db, workspace, asha, clock) == 12


async def test_a_refusal_keeps_no_answer(db: Database, workspace: Workspace, clock: HandClock, asha: Customer) -> None:
    post = Gathered(db, clock, ledger.post)
    one, twin, other = await answers_of([post(posting(workspace, asha, n, "same")) for n in (0, 0, 9)])
    assert isinstance(one, Refusal)
    assert isinstance(twin, Refusal)
    assert one.code == twin.code == "invalid"
    assert isinstance(other, KeyReused)
    assert (await post(posting(workspace, asha, 9, "same"))).hit is False
    assert await coins(db, workspace, asha, clock) == 9


async def test_what_was_answered_is_answered_again_even_if_it_would_be_refused_now(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    async def refuse(tx: Tx, workspace: Workspace, entries: Sequence[Entry], now: datetime) -> list[Refusal]:
        return [Refusal("No more coins.") for _ in entries]

    first = await Gathered(db, clock, ledger.post)(posting(workspace, asha, 5, "known"))
    later = Gathered(db, clock, refuse)  # type: ignore[arg-type]
    answers = await answers_of([later(posting(workspace, asha, 5, key)) for key in ("new", "known", "")])
    assert [isinstance(answer, Refusal) for answer in answers] == [True, False, True]
    assert answers[1] == Answered(200, first.body, hit=True)
    assert isinstance((await answers_of([later(posting(workspace, asha, 6, "known"))]))[0], KeyReused)


async def test_one_key_from_two_processes_acts_once(
    db: Database, other_db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    doors = [Gathered(db, clock, ledger.post), Gathered(other_db, clock, ledger.post)]
    calls = [door(posting(workspace, asha, 1, f"key-{n}")) for n in range(40) for door in (*doors, doors[n % 2])]
    answers = await answers_of(calls)
    assert all(isinstance(answer, Answered) for answer in answers)
    assert [answer.hit for answer in answers].count(False) == 40
    assert len({answer.body for answer in answers}) == 40
    assert await coins(db, workspace, asha, clock) == 40


async def test_callers_who_give_up_do_not_stop_the_others(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    post = Gathered(db, clock, ledger.post)
    tasks = [asyncio.create_task(post(posting(workspace, asha, 1, f"key-{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await answers_of(tasks)
    assert [isinstance(answer, Answered) for answer in answers] == [False, True] * 25
    assert (await post(posting(workspace, asha, 1, "key-0"))).status == 200
    assert await coins(db, workspace, asha, clock) == 50


def once_failing(error: Exception) -> Act:
    errors = [error]

    async def act(tx: Tx, workspace: Workspace, entries: Sequence[Entry], now: datetime) -> Any:
        posted = await ledger.post(tx, workspace, entries, now)
        if errors:
            raise errors.pop()
        return posted

    return act


@pytest.mark.parametrize("error", [asyncpg.UniqueViolationError(""), asyncpg.DeadlockDetectedError("")])
async def test_what_was_raced_is_run_again(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer, error: Exception
) -> None:
    post = Gathered(db, clock, once_failing(error))
    answers = await answers_of([post(posting(workspace, asha, 1, f"key-{n}")) for n in range(10)])
    assert all(isinstance(answer, Answered) for answer in answers)
    assert await coins(db, workspace, asha, clock) == 10
    assert await make.audited(db, workspace.id) is None


async def test_what_can_not_be_stored_fails_alone(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    post = Gathered(db, clock, ledger.post)
    calls = [posting(workspace, asha, 1, f"key-{n}", title="\x00" if n == 7 else "fine") for n in range(20)]
    answers = await answers_of([post(call) for call in calls])
    assert [n for n, answer in enumerate(answers) if not isinstance(answer, Answered)] == [7]
    assert isinstance(answers[7], asyncpg.DataError)
    assert await coins(db, workspace, asha, clock) == 19


async def test_of_a_bug_every_caller_of_the_batch_hears_and_the_next_batch_is_sound(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    post = Gathered(db, clock, once_failing(RuntimeError("a bug")))
    answers = await answers_of([post(posting(workspace, asha, 1)) for _ in range(3)])
    assert all(isinstance(answer, RuntimeError) for answer in answers)
    assert (await post(posting(workspace, asha, 1))).status == 200
    assert await coins(db, workspace, asha, clock) == 1


async def test_shops_do_not_share_a_commit(
    db: Database, workspace: Workspace, clock: HandClock, asha: Customer
) -> None:
    other = await make.a_workspace(db, clock.now())
    ravi = await make.a_customer(db, other, clock.now(), "Ravi")
    post = Gathered(db, clock, ledger.post)
    calls = [post(posting(shop, who, 3, "same")) for shop, who in ((workspace, asha), (other, ravi))]
    assert [answer.hit for answer in await answers_of(calls)] == [False, False]
    assert [await coins(db, shop, who, clock) for shop, who in ((workspace, asha), (other, ravi))] == [3, 3]


async def test_keys_in_turn_do_not_read_a_shops_triggers_anew(
    db: Database, workspace: Workspace, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(
        Settings(), db, clock, Outside(allow_loopback=True), SecretBox("a secret key of forty characters or more.")
    )
    async with db.transaction() as tx:
        made = await triggers.create_trigger(tx, workspace, "Bonus", "api", Rule(coins_min=1, coins_max=1), clock.now())
    read: list[int] = []
    by_ids = store.by_ids

    async def counting(*arguments: Any) -> Any:
        read.append(1)
        return await by_ids(*arguments)

    monkeypatch.setattr(store, "by_ids", counting)

    async def fire(key_of_workspace: Workspace) -> int:
        fire = Fire(trigger_id=made.id, customer=NewCustomer("customer-1"))
        answer = await app.fire(Call(key_of_workspace, fire, lambda fired: (200, str(fired.firing.amount))))
        return int(answer.body)

    # Each key has the workspace as it was found with it.
    mine, others = msgspec.structs.replace(workspace), msgspec.structs.replace(workspace)
    assert [await fire(one) for one in (mine, others, mine, others)] == [1, 1, 1, 1]
    assert len(read) == 1
    async with db.transaction() as tx:
        rule = Rule(coins_min=5, coins_max=5)
        await triggers.change_trigger(tx, workspace, made.id, {"rule": rule}, clock.now())
    assert [await fire(mine), await fire(others)] == [5, 5]
    assert len(read) == 2
    clock.advance(seconds=limits.KEY_CACHE_S)
    assert await fire(mine) == 5
    assert len(read) == 3, "a change of another process may not have been heard of"
