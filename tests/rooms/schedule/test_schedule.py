"""What is due later is done once, at its time; what fails stops nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from regulars import limits, schedule, worker
from regulars.kit.clock import HandClock, SystemClock
from regulars.kit.db import Database, Tx
from regulars.kit.errors import Conflict
from regulars.schedule import Due, Handler
from regulars.tenancy import Workspace
from regulars.worker import Drained
from regulars.worker.doing import Doing
from tests import make
from tests.conftest import fresh_database
from tests.rooms.delivery.street import Street
from tests.rooms.plans import planning


@pytest.fixture(scope="module")
def url(server_url: str) -> str:
    """Of these tests alone: every shop's rows are done."""
    return asyncio.run(fresh_database(server_url))


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    made = await Database.connect(url)
    async with made.transaction() as tx:
        await tx.execute("DROP TABLE IF EXISTS diary")
        await tx.execute("CREATE TABLE diary (workspace_id uuid, due_at timestamptz, said integer)")
        await tx.execute("DELETE FROM schedule_due")
    yield made
    await made.close()


class Diary:
    """A handler that writes down, in a table of the transaction's, what it was handed."""

    def __init__(self, db: Database, clock: HandClock) -> None:
        self.db, self.clock = db, clock
        self.batches: list[int] = []
        self.fails_for: set[str] = set()
        self.again_in: timedelta | None = None

    @property
    def handlers(self) -> dict[str, Handler]:
        return {"diary.note": self}

    async def __call__(self, tx: Tx, workspace: Workspace, due: Sequence[Due], now: datetime) -> None:
        self.batches.append(len(due))
        assert all(one.due_at <= now for one in due)
        await tx.execute(
            "INSERT INTO diary SELECT $1, n.* FROM unnest($2::timestamptz[], $3::integer[]) AS n",
            workspace.id,
            [one.due_at for one in due],
            [one.payload["said"] for one in due],
        )
        for one in due:
            if one.key in self.fails_for:
                raise Conflict(f"{one.key} is in the way.") if one.key == "no" else ValueError("odd")
            if self.again_in:
                await schedule.put(tx, workspace.id, [replace(one, due_at=one.due_at + self.again_in)])

    async def put(
        self, shop: Workspace, *keys: str, in_s: float = 0.0, said: int = 1, kind: str = "diary.note"
    ) -> None:
        async with self.db.transaction() as tx:
            at = self.clock.now() + timedelta(seconds=in_s)
            later = [
                Due(kind, key, at + timedelta(microseconds=n), {"said": said})
                for n, key in enumerate(keys, -len(keys) + 1)
            ]
            await schedule.put(tx, shop.id, later)

    async def drain(self, patience_s: float = 0.0) -> Drained:
        return await worker.drain(
            self.db, Street(), Street(), clock=self.clock, patience_s=patience_s, handlers=self.handlers
        )

    async def noted(self, shop: Workspace) -> list[int]:
        async with self.db.reading() as tx:
            rows = await tx.fetch("SELECT said FROM diary WHERE workspace_id = $1 ORDER BY due_at", shop.id)
        return [row["said"] for row in rows]

    async def aside(self, shop: Workspace) -> list[tuple[str, str]]:
        async with self.db.reading() as tx:
            return [(one.key, one.reason) for one in await schedule.aside(tx, shop.id, limit=10)]

    async def left(self) -> int:
        async with self.db.reading() as tx:
            count: int = await tx.fetchval("SELECT count(*) FROM schedule_due")
        return count


@pytest.fixture
def diary(db: Database, clock: HandClock) -> Diary:
    return Diary(db, clock)


@pytest.fixture
async def shop(db: Database, clock: HandClock) -> Workspace:
    return await make.a_workspace(db, clock.now())


async def test_what_is_due_is_done_once_and_not_before_its_time(diary: Diary, shop: Workspace) -> None:
    await diary.put(shop, "a", in_s=60, said=1)
    await diary.put(shop, "a", "b", in_s=90, said=2)
    await diary.put(shop, "c", in_s=30, said=3)
    assert (await diary.drain()).done == 0
    drained = await diary.drain(patience_s=29.9)
    assert (drained.done, await diary.noted(shop)) == (0, [])
    assert drained.next_at == diary.clock.now() + timedelta(seconds=30)
    assert (await diary.drain(patience_s=89)).done == 1
    assert await diary.noted(shop) == [3]
    diary.clock.advance(hours=1)
    assert (await diary.drain()).done == 2, "a was put anew, so that its first time is no longer one"
    assert await diary.noted(shop) == [3, 2, 2]
    assert (await diary.drain(patience_s=1e6)).done == await diary.left() == 0


async def test_what_is_dropped_is_not_done(diary: Diary, shop: Workspace) -> None:
    await diary.put(shop, "a", "b", "c")
    async with diary.db.transaction() as tx:
        await schedule.put(tx, shop.id, [Due("diary.note", "d", diary.clock.now(), {"said": 4})])
        await schedule.drop(tx, shop.id, "diary.note", ["a", "c", "d", "unknown"])
        await schedule.drop(tx, shop.id, "other.kind", ["b"])
    assert (await diary.drain()).done == 1


async def test_a_handler_may_put_its_next_one(diary: Diary, shop: Workspace) -> None:
    diary.again_in = timedelta(days=1)
    await diary.put(shop, "daily")
    assert (await diary.drain(patience_s=3 * 86_400)).done == 4
    assert await diary.left() == 1


async def test_what_fails_is_set_aside_with_its_reason_and_all_others_are_done(diary: Diary, shop: Workspace) -> None:
    other = await make.a_workspace(diary.db, diary.clock.now())
    diary.fails_for = {"no", "odd"}
    await diary.put(shop, "a", "no", "b", "odd", "c")
    await diary.put(other, "no")
    await diary.drain()
    assert await diary.noted(shop) == [1, 1, 1], "each of them once, and nothing stands of those that failed"
    assert await diary.aside(shop) == [("odd", "A fault inside Regulars: ValueError: odd"), ("no", "no is in the way.")]
    assert [key for key, _ in await diary.aside(other)] == ["no"]
    diary.clock.advance(days=1)
    assert (await diary.drain()).done == 0, "nobody asked for it to be tried again"
    diary.fails_for = {"odd"}
    async with diary.db.transaction() as tx:
        assert await schedule.try_again(tx, shop.id, "other.kind") == 0
        assert await schedule.try_again(tx, shop.id, "diary.note") == 2
        assert await schedule.try_again(tx, other.id) == 1
    await diary.drain()
    assert await diary.noted(shop) == [1] * 4
    assert [key for key, _ in await diary.aside(shop)] == ["odd"]
    assert await diary.aside(other) == []
    await diary.put(shop, "odd", in_s=5)
    assert await diary.aside(shop) == [], "it was put anew"


async def test_what_was_put_while_it_failed_is_not_set_aside_untried(diary: Diary, shop: Workspace) -> None:
    tried = list[str]()

    async def failing(tx: Tx, workspace: Workspace, due: Sequence[Due], now: datetime) -> None:
        tried.extend(one.key for one in due)
        raise ValueError("odd")

    await diary.put(shop, "a", "b")
    doing = Doing(diary.db, diary.clock, {"diary.note": failing})
    said = doing._set_aside

    async def put_before(workspace_id: UUID, due: Due, fault: Exception) -> None:
        if due.key == "a":
            await diary.put(shop, "a", in_s=60, said=2)
        await said(workspace_id, due, fault)

    doing._set_aside = put_before  # type: ignore[method-assign]
    await doing.round()
    await doing.turns.finish()
    assert sorted(tried) == ["a", "a", "b", "b"], "together, then each alone"
    assert [key for key, _ in await diary.aside(shop)] == ["b"]
    assert (await diary.drain(patience_s=61)).done == 1
    assert await diary.noted(shop) == [2]


async def test_what_takes_too_long_is_set_aside_too(
    diary: Diary, shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(tx: Tx, workspace: Workspace, due: Sequence[Due], now: datetime) -> None:
        if any(one.key == "slow" for one in due):
            await tx.execute("SET LOCAL statement_timeout = 50")
            await tx.fetchval("SELECT pg_sleep(30)")
        await diary(tx, workspace, due, now)

    await diary.put(shop, "a", "slow", "b")
    await make.done(diary.db, diary.clock, {"diary.note": slow})
    assert await diary.noted(shop) == [1, 1]
    assert await diary.aside(shop) == [("slow", "It took longer than it may.")]


async def test_a_kind_that_this_version_does_not_know_waits(diary: Diary, shop: Workspace) -> None:
    await diary.put(shop, "a", "b", kind="rooms.to_come")
    await diary.put(shop, "a")
    assert (await diary.drain(patience_s=1e6)).done == 1
    assert await diary.left() == 2
    diary.again_in = None
    done = await worker.drain(diary.db, Street(), Street(), clock=diary.clock, handlers={"rooms.to_come": diary})
    assert done.done == 2


async def test_a_shop_with_many_rows_hides_nobody_elses(
    diary: Diary, shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SCHEDULE_ROWS_MAX", 5)
    monkeypatch.setattr(limits, "SCHEDULE_LOOKED_AT_MAX", 10)
    monkeypatch.setattr(limits, "SCHEDULE_WORKSPACES_MAX", 1)
    small = await make.a_workspace(diary.db, diary.clock.now())
    await diary.put(shop, *map(str, range(100)))
    await diary.put(small, "a", in_s=0.5)
    diary.clock.advance(seconds=1)
    doing = Doing(diary.db, diary.clock, diary.handlers)
    rounds = 0
    while not await diary.noted(small):
        await doing.round()
        rounds += 1
    assert rounds <= 3
    assert len(await diary.noted(shop)) <= 10
    while await doing.round():
        pass
    assert len(await diary.noted(shop)) == 100


async def test_a_shop_that_is_behind_has_two_batches_under_way_when_nobody_else_waits(
    diary: Diary, shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SCHEDULE_ROWS_MAX", 5)
    monkeypatch.setattr(limits, "SCHEDULE_WORKSPACES_MAX", 2)
    small = await make.a_workspace(diary.db, diary.clock.now())
    under_way: list[Workspace] = []
    most: dict[tuple[bool, bool], int] = {}

    async def counted(tx: Tx, workspace: Workspace, due: Sequence[Due], now: datetime) -> None:
        under_way.append(workspace)
        await asyncio.sleep(0.02)
        seen = small in under_way, workspace == shop and len(diary.batches) > 0
        most[seen] = max(most.get(seen, 0), under_way.count(shop))
        await diary(tx, workspace, due, now)
        under_way.remove(workspace)

    await diary.put(shop, *map(str, range(50)))
    doing = Doing(diary.db, diary.clock, {"diary.note": counted})
    await doing.round()
    assert most == {(False, False): 1}  # nobody knows yet that it is behind
    while await diary.left() > 20:
        await doing.round()
    assert most[False, True] == 2
    await diary.put(small, *map(str, range(4)))
    while await doing.round() or await doing.turns.finish():
        pass
    assert (len(await diary.noted(shop)), len(await diary.noted(small))) == (50, 4)
    assert max(count for (beside, _), count in most.items() if beside) == 1


async def test_two_workers_do_each_row_once(diary: Diary, shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCHEDULE_ROWS_MAX", 7)
    await diary.put(shop, *map(str, range(100)))
    workers = [make.done(diary.db, diary.clock, diary.handlers) for _ in range(3)]
    assert sum(await asyncio.gather(*workers)) == 100
    assert await diary.noted(shop) == [1] * 100


async def test_the_loop_rings_at_the_next_time(diary: Diary, shop: Workspace) -> None:
    diary.clock = SystemClock()  # type: ignore[assignment]
    await diary.put(shop, "a", in_s=0.15)
    doing = Doing(diary.db, diary.clock, diary.handlers)
    assert await doing.round() == 0
    assert await doing.bell.wait(limits.WORKER_POLL_S)
    assert await doing.round() + sum(await doing.turns.finish()) == 1


async def test_the_looks_go_by_their_indexes(db: Database, diary: Diary, shop: Workspace) -> None:
    await diary.put(shop, *map(str, range(300)), in_s=5)
    now = diary.clock.now()
    async with planning(db, analysed=False, at_least=6) as spy:
        await schedule.first_due(spy, ["diary.note", "rooms.to_come"])
        await schedule.shops_due(spy, ["diary.note"], now)
        await schedule.run(spy, shop, "diary.note", diary, now)
        await schedule.run(spy, shop, "diary.note", diary, now, key="7")
        await schedule.due_now(spy, shop.id, "diary.note", now)
        await schedule.aside(spy, shop.id, limit=10)
        await schedule.kinds_aside(spy, shop.id)
        await schedule.try_again(spy, shop.id, "diary.note")


async def test_what_is_cut_off_at_the_end_waits_still(diary: Diary, shop: Workspace) -> None:
    async def hanging(tx: Tx, workspace: Workspace, due: Sequence[Due], now: datetime) -> None:
        await asyncio.Event().wait()

    await diary.put(shop, "a")
    doing = Doing(diary.db, diary.clock, {"diary.note": hanging})
    assert await doing.round() == 0
    assert await doing.turns.finish(0.01) == []
    assert await doing.turns.finish() == []
    assert (await diary.drain()).done == 1
