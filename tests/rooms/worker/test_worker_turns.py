"""Workers as they run: real time, several at once, stopped and killed."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from regulars import delivery, limits
from regulars.delivery import GaveUp, Parcel
from regulars.kit.clock import HandClock, SystemClock
from regulars.kit.db import Database, Tx
from regulars.kit.http import Answer, NoAnswer, Request, Sender
from regulars.kit.ids import new_id
from regulars.kit.mail import Outside
from regulars.kit.secrets import SecretBox
from regulars.worker import work
from regulars.worker.turns import Running
from tests.rooms.delivery.street import Corner, PlainCarrier, Street, answer, corner


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Corner]:
    """Lanes are opened a minute ago, so that workers by the real clock find their rates filled."""
    async with corner(db, HandClock(datetime.now(UTC))) as made:
        made.clock.advance(seconds=-60)
        yield made


class ProfileKeeper(PlainCarrier):
    """Remembers with which state each was rendered."""

    keeps_profiles = True

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.profiles: list[tuple[UUID, Mapping[str, Any]]] = []

    def render(self, parcel: Parcel) -> Request | GaveUp:
        assert parcel.profile is not None
        self.profiles.append((parcel.delivery_id, parcel.profile))
        return super().render(parcel)


@asynccontextmanager
async def worker(shop: Corner, sender: Sender | None = None) -> AsyncIterator[asyncio.Task[None]]:
    """Told to stop at the end, it records what it has sent: what was received is known to be stored after that."""
    task = asyncio.create_task(
        work(shop.db, shop.street, sender or shop.street, SecretBox("k" * 40), clock=SystemClock())
    )
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_lane_that_hangs_slows_no_other(shop: Corner) -> None:
    hanging, quick = await shop.lane("hanging"), await shop.lane("quick")
    shop.street.gates["http://hanging/"] = asyncio.Event()
    stuck = await shop.queue(hanging, 300)
    async with worker(shop):
        await shop.street.until_received("http://hanging/", 10)
        ids = await shop.queue(quick, 300)
        await shop.street.until_received("http://quick/", 300)
        assert set(await shop.states(stuck)) == {"queued"}
        assert len(shop.street.ids("http://hanging/")) <= limits.LANE_CALLS_IN_FLIGHT_MAX
        shop.street.gates["http://hanging/"].set()
        await shop.street.until_received("http://hanging/", 300)
    assert set(await shop.states(stuck + ids)) == {"delivered"}


async def test_timeouts_narrow_the_window_of_calls(shop: Corner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LANE_FAILURES_MAX", 1_000)
    lane_id = await shop.lane()
    ids = await shop.queue(lane_id, 200)
    shop.street.always["http://tool/"] = NoAnswer("timeout_after_sent", "did not answer in time.", 10_000)
    at_once = most = 0

    class Counting:
        async def send(self, request: Request) -> Answer | NoAnswer:
            nonlocal at_once, most
            at_once += 1
            if len(shop.street.received) > 100:
                most = max(most, at_once)
            await asyncio.sleep(0)
            end = await shop.street.send(request)
            at_once -= 1
            return end

    async with worker(shop, Counting()):
        await shop.street.until_received("http://tool/", 200)
    assert most == limits.LANE_CALLS_IN_FLIGHT_MIN
    assert set(await shop.states(ids)) == {"queued"}


async def test_calls_about_one_customer_are_made_one_by_one_where_the_tool_keeps_profiles(shop: Corner) -> None:
    lane_id = await shop.lane()
    keeper = ProfileKeeper("http://tool/")
    shop.street.carriers[lane_id] = keeper
    asha, ravi = new_id(), new_id()
    first = await shop.queue(lane_id, 3, customer_id=asha)
    others = await shop.queue(lane_id, 1, customer_id=ravi)
    gate = shop.street.gates["http://tool/"] = asyncio.Event()
    async with worker(shop):
        await shop.street.until_received("http://tool/", 2)
        later = await shop.queue(lane_id, 2, customer_id=asha)
        assert shop.street.ids("http://tool/") == [str(first[0]), str(others[0])], "one of each, however many wait"
        gate.set()
        await shop.street.until_received("http://tool/", 6)
    assert [one for one in shop.street.ids("http://tool/") if one != str(others[0])] == [str(i) for i in first + later]
    assert await shop.states(first + later + others) == ["delivered"] * 6
    of_asha = [profile["read"] for delivery_id, profile in keeper.profiles if delivery_id != others[0]]
    assert of_asha == sorted(of_asha), "none arrives with an older state than one before it"
    assert sorted([asha, ravi]) in shop.street.profiles_read, (
        "a page's customers are read once, however many deliveries they have"
    )


async def test_a_turn_that_ends_leaves_what_waits_behind_a_call_in_the_queue(shop: Corner) -> None:
    lane_id = await shop.lane()
    shop.street.carriers[lane_id] = ProfileKeeper("http://tool/")
    ids = await shop.queue(lane_id, 4, customer_id=new_id())
    shop.street.always["http://tool/"] = answer(401)
    async with worker(shop):
        await shop.street.until_received("http://tool/", 1)
    assert list(shop.street.paused_lanes) == [lane_id]
    assert shop.street.ids("http://tool/") == [str(ids[0])]
    assert await shop.states(ids) == ["queued"] * 4


async def test_a_call_that_was_the_last_of_its_window_rests_the_lane(shop: Corner) -> None:
    lane_id = await shop.lane(rate_per_minute=61)
    shop.street.script["http://tool/"] = [answer(ratelimit_remaining="0", ratelimit_reset="30")]
    ids = await shop.queue(lane_id, 2)
    async with worker(shop):
        await shop.street.until_received("http://tool/", 1)
    assert await shop.states(ids) == ["delivered", "queued"]
    async with shop.db.reading() as tx:
        rest = await tx.fetchval(
            "SELECT tokens_at FROM delivery_lane WHERE workspace_id = $1 AND id = $2", shop.workspace.id, lane_id
        )
    assert 25 < (rest - datetime.now(UTC)).total_seconds() <= 30


async def test_two_workers_share_lanes_and_send_each_delivery_once(shop: Corner) -> None:
    lane_ids = [await shop.lane(f"tool{n}") for n in range(6)]
    ids = [one for lane_id in lane_ids for one in await shop.queue(lane_id, 150)]
    async with worker(shop), worker(shop):
        for n in range(6):
            await shop.street.until_received(f"http://tool{n}/", 150)
        more = [one for lane_id in lane_ids for one in await shop.queue(lane_id, 50)]
        for n in range(6):
            await shop.street.until_received(f"http://tool{n}/", 200)
    assert set(await shop.states(ids + more)) == {"delivered"}
    sent = [delivery_id for _, delivery_id in shop.street.received]
    assert sorted(sent) == sorted(str(one) for one in ids + more)


async def test_a_worker_that_loses_its_connection_lets_go_of_its_lanes(shop: Corner) -> None:
    lane_id = await shop.lane("first")
    shop.street.gates["http://first/"] = asyncio.Event()
    ids = await shop.queue(lane_id, 100)
    async with worker(shop):
        await shop.street.until_received("http://first/", limits.LANE_CALLS_IN_FLIGHT_MAX // 4)
        async with shop.db.transaction() as tx:
            await tx.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                "   AND (classid::bigint << 32 | objid::bigint) ="
                " (SELECT leased_lock FROM delivery_lane WHERE workspace_id = $1 AND id = $2)",
                shop.workspace.id,
                lane_id,
            )
        async with worker(shop):
            # The calls of the first are still out, and its lease would be its own for half a minute.
            await shop.street.until_received("http://first/", limits.LANE_CALLS_IN_FLIGHT_MAX // 2)
            shop.street.gates["http://first/"].set()
            await shop.street.until_received("http://first/", 100)
    assert set(await shop.states(ids)) == {"delivered"}


async def test_a_worker_told_to_stop_finishes_what_it_has_begun(shop: Corner) -> None:
    lane_id = await shop.lane()
    shop.street.gates["http://tool/"] = asyncio.Event()
    ids = await shop.queue(lane_id, 100)
    async with worker(shop) as task:
        await shop.street.until_received("http://tool/", 16)
        task.cancel()
        await asyncio.sleep(0)
        shop.street.gates["http://tool/"].set()
        with suppress(asyncio.CancelledError):
            await task
    begun = set(shop.street.ids("http://tool/"))
    states = dict(zip(map(str, ids), await shop.states(ids), strict=True))
    assert {one for one, state in states.items() if state == "delivered"} == begun
    assert 16 <= len(begun) < 100
    async with shop.db.reading() as tx:
        lane = await tx.fetchrow(
            "SELECT leased_by, wake_at FROM delivery_lane WHERE workspace_id = $1 AND id = $2",
            shop.workspace.id,
            lane_id,
        )
    assert lane is not None
    assert lane["leased_by"] is None
    assert lane["wake_at"] is not None


async def test_what_a_killed_worker_had_in_hand_is_sent_again_under_the_same_id(shop: Corner) -> None:
    lane_id = await shop.lane()
    ids = await shop.queue(lane_id, 3)
    now = datetime.now(UTC)
    async with shop.db.transaction() as tx:
        turn = await delivery.take_up(tx, shop.street, shop.workspace.id, lane_id, shop.workspace.id, now)
    assert turn is not None
    running = Running(
        shop.db, turn, shop.street, shop.street, lock=lambda: None, clock=SystemClock(), random=random.random
    )
    shop.street.gates["http://tool/"] = asyncio.Event()
    killed = asyncio.create_task(running.work())
    await shop.street.until_received("http://tool/", 3)
    killed.cancel()
    with suppress(asyncio.CancelledError):
        await killed
    assert await shop.states(ids) == ["queued"] * 3
    del shop.street.gates["http://tool/"]
    async with shop.db.transaction() as tx:
        # The lease runs out.
        await tx.execute("UPDATE delivery_lane SET leased_until = now() WHERE workspace_id = $1", shop.workspace.id)
    async with worker(shop):
        await shop.street.until_received("http://tool/", 6)
    assert await shop.states(ids) == ["delivered"] * 3
    assert sorted(shop.street.ids("http://tool/")) == sorted([str(one) for one in ids] * 2)


async def test_a_lane_that_can_not_be_taken_up_is_left_alone_for_a_while(shop: Corner) -> None:
    broken, sound = await shop.lane("broken"), await shop.lane("sound")
    asked = 0
    carrier_of = shop.street.carrier_of

    class Broken(Street):
        async def carrier_of(self, tx: Tx, workspace_id: UUID, integration_id: UUID) -> delivery.Carrier | None:
            nonlocal asked
            if integration_id == broken:
                asked += 1
                raise KeyError("settings")
            return await carrier_of(tx, workspace_id, integration_id)

    stuck, ids = await shop.queue(broken, 5), await shop.queue(sound, 200)
    task = asyncio.create_task(work(shop.db, Broken(), shop.street, SecretBox("k" * 40), clock=SystemClock()))
    await shop.street.until_received("http://sound/", 200)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert set(await shop.states(ids)) == {"delivered"}
    assert set(await shop.states(stuck)) == {"queued"}
    assert asked <= 2


class Server:
    """Says the same to everybody, and counts how often it was asked."""

    def __init__(self, reply: bytes, *, then_reset: bool) -> None:
        self._reply, self._then_reset = reply, then_reset
        self._asked = asyncio.Semaphore(0)

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(20):
            for _ in range(count):
                await self._asked.acquire()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self._asked.release()
            writer.write(self._reply)
            await writer.drain()
        if self._then_reset:
            writer.transport.abort()
        writer.close()


async def test_whatever_a_tool_answers_the_others_of_its_batch_are_recorded(shop: Corner) -> None:
    big = 10_000_000
    replies = {
        "garbage": (b"\x00\xff\xfe not http at all\r\n\r\n", False),
        "nul": (b"HTTP/1.1 400 Bad\r\nx-odd: \xff\xfe\r\ncontent-length: 7\r\n\r\n\x00a\xff\xed\xa0\x80b", False),
        "huge": (b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % big + b"x" * big, False),
        "reset": (b"", True),
        "silent": (b"", False),
        "torn": (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", True),
    }
    ids: dict[str, list[UUID]] = {}
    servers = [Server(reply, then_reset=then_reset) for reply, then_reset in replies.values()]
    for name, server in zip(replies, servers, strict=True):
        lane_id = await shop.lane(name)
        shop.street.carriers[lane_id] = PlainCarrier(await server.start())
        ids[name] = await shop.queue(lane_id, 5)
    async with Outside(allow_loopback=True) as http, worker(shop, http):
        for server in servers:
            await server.until_asked(5)
    for server in servers:
        await server.stop()
    first = {name: (await shop.found(every[0])) for name, every in ids.items()}
    assert {name: found.state for name, (found, _) in first.items()} == {
        "garbage": "queued",
        "nul": "failed",
        "huge": "delivered",
        "reset": "queued",
        "silent": "queued",
        "torn": "queued",
    }
    nul = first["nul"][1][0]
    assert nul.answer_body.startswith("\ufffda")
    assert "\0" not in nul.answer_body
    assert len(first["huge"][1][0].answer_body) == limits.ANSWER_BYTES_STORED_MAX


async def test_answers_with_anything_in_them_are_stored(shop: Corner) -> None:
    lane_id = await shop.lane()
    ids = await shop.queue(lane_id, 4)
    shop.street.script["http://tool/"] = [
        answer(400, b"\0" * 10_000),
        answer(999, bytes(range(256)) * 100),
        answer(500, "\ud800".encode("utf-8", "surrogatepass"), x="y" * 10_000),
        NoAnswer("garbage", "what came back: \0\ud800 \U0001f9ff", 2**31 - 1),
    ]
    async with worker(shop):
        await shop.street.until_received("http://tool/", 4)
    assert {(await shop.found(one))[0].attempts_made for one in ids} == {1}
