"""Several processes that answer as one, and patience with those who send slowly."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import uvicorn

from regulars import embedded, limits, tenancy
from regulars.api import AT_ONCE
from regulars.kit.db import Database
from regulars.kit.ports import free_port
from regulars.serving import HOW
from tests.conftest import fresh_database

START_S = 120.0
ROUTE = "/api/v1/workspace"


@dataclass
class Served:
    url: str
    process: subprocess.Popen[bytes]
    workspace_id: str
    key: str

    def call(self, method: str = "GET", path: str = ROUTE, *, key: str = "", json: object = None) -> httpx.Response:
        """Over a connection of its own, so that the kernel chooses who answers."""
        headers = {"x-workspaceid": self.workspace_id, "x-apikey": key or self.key}
        return httpx.request(method, self.url + path, headers=headers, json=json)

    def processes(self) -> set[int]:
        """Those that listen."""
        found = set()
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            found |= {int(pid) for pid in (task / "children").read_text().split()}
        return found

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


def wait_until(said: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not said():
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def a_shop(server_url: str) -> tuple[str, str, str]:
    url, now = await fresh_database(server_url), datetime.now(UTC)
    db = await Database.connect(url)
    async with db.transaction() as tx:
        shop = await tenancy.create_workspace(tx, "Corner Shop", now=now)
        issued = await tenancy.issue_key(
            tx, shop.id, "Till", access="WRITE", areas=tenancy.EVERY_AREA, made_by="cli", now=now
        )
    await db.close()
    return url, str(shop.id), issued.key


@contextmanager
def serving(server_url: str) -> Iterator[Served]:
    url, workspace_id, key = asyncio.run(a_shop(server_url))
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": url,
        "REGULARS_PORT": str(port),
        "REGULARS_WORKERS": "2",
        "REGULARS_SECRET_KEY": "a secret key of forty characters or more.",
    }
    process = subprocess.Popen([sys.executable, "-m", "regulars.cli", "serve"], env=environment)
    served = Served(f"http://127.0.0.1:{port}", process, workspace_id, key)
    try:
        yield served
    finally:
        process.terminate()
        process.wait(START_S)


@pytest.fixture
def starting(server_url: str) -> Iterator[Served]:
    with serving(server_url) as served:
        yield served


@pytest.fixture
def served(starting: Served) -> Iterator[Served]:
    wait_until(starting.ready)
    wait_until(lambda: len(starting.processes()) == 2)
    yield starting
    starting.process.terminate()
    assert starting.process.wait(START_S) == 0


def test_several_processes_answer_as_one(served: Served) -> None:
    given = {"name": "Other", "access": "WRITE", "areas": {"settings": "READ"}}
    other = served.call("POST", "/api/v1/keys", json=given).json()
    assert [served.call(key=other["key"]).status_code for _ in range(12)] == [200] * 12
    assert served.call("DELETE", f"/api/v1/keys/{other['record']['id']}").status_code == 204
    assert [served.call(key=other["key"]).status_code for _ in range(12)] == [401] * 12

    counted = re.compile(rf'regulars_http_request_seconds_count\{{route="GET {ROUTE}",status="200"\}} (\d+)')
    for _ in range(8):
        [count] = counted.findall(httpx.get(f"{served.url}/metrics").text)
        assert float(count) == 12

    assert served.call("PATCH", ROUTE, json={"settings": {"calls_per_minute": 5}}).status_code == 200
    answers = Counter(served.call().status_code for _ in range(12))
    assert answers == {200: 5, 429: 7}


def test_a_process_that_was_killed_is_replaced(served: Served) -> None:
    killed, kept = sorted(served.processes())
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(served.processes() - {killed}) == 2)
    assert kept in served.processes()
    wait_until(served.ready)


def test_one_that_is_held_up_for_a_moment_keeps_what_it_has_in_hand() -> None:
    """On a machine that stands still for seconds nobody is hung. uvicorn kills whoever says nothing for five."""
    assert (
        uvicorn.Config("regulars.serving:application", **HOW).timeout_worker_healthcheck == limits.CHILD_SILENT_S >= 30
    )


def test_one_that_is_replaced_while_the_database_is_away_ends_no_other_and_answers_when_that_is_back() -> None:
    with (
        TemporaryDirectory(prefix="regulars-test-") as directory,
        embedded.running(Path(directory)) as url,
        serving(url) as served,
    ):
        wait_until(served.ready)
        wait_until(lambda: len(served.processes()) == 2)
        killed, kept = sorted(served.processes())
        away = Path(directory) / "socket"
        away.rename(away.with_name("elsewhere"))
        os.kill(killed, signal.SIGKILL)
        tried: set[int] = set()
        wait_until(lambda: tried.update(served.processes() - {killed, kept}) or len(tried) > 1)
        assert kept in served.processes()
        away.with_name("elsewhere").rename(away)
        wait_until(lambda: served.processes() > {kept} and all(served.call().status_code == 200 for _ in range(12)))
        served.process.terminate()
        assert served.process.wait(START_S) == 0


def test_a_server_that_finds_no_database_ends_with_a_failure() -> None:
    nowhere = "postgresql://nobody@/nothing?host=/nowhere"
    environment = os.environ | {"DATABASE_URL": nowhere, "REGULARS_PORT": str(free_port()), "REGULARS_WORKERS": "2"}
    done = subprocess.run([sys.executable, "-m", "regulars.cli", "serve"], env=environment, stdout=subprocess.PIPE)
    assert done.returncode == 1
    assert b"the database can't be used" in done.stdout


def test_killed_while_it_starts_it_leaves_no_orphan_on_its_port(starting: Served) -> None:
    wait_until(lambda: len(starting.processes()) == 2)
    family = starting.processes()
    starting.process.kill()
    starting.process.wait(START_S)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))


async def answering(scope: object, receive: Callable[[], Awaitable[dict[str, object]]], send: object) -> None:
    while scope["path"] == "/" and (await receive()).get("more_body"):  # type: ignore[index]
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


@pytest.fixture
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a server with little patience."""
    for name in ("HTTP_KEEP_ALIVE_S", "HTTP_HEAD_S", "HTTP_BODY_PAUSE_S", "HTTP_REST_S"):
        monkeypatch.setattr(limits, name, 0.1)
    async with at_a_port(answering, timeout_keep_alive=0.1) as port:
        yield port


@asynccontextmanager
async def at_a_port(application: Any, **how: Any) -> AsyncIterator[int]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, port=port, lifespan="off", **{**HOW, **how}))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody when it is
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await task


async def answering_at_once(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"2"), (b"x-said", scope["query_string"].replace(b"/", b"\n"))]
    if not scope[AT_ONCE](200, headers, b"ok"):
        headers[1] = (b"x-said", b"in two")
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


async def test_an_answer_is_written_at_once_unless_there_is_more_to_it() -> None:
    asked = ["GET /?a", "GET /?b", "GET /?b/x-own:%20line", "HEAD /?c", "GET /?d"]
    heads = [f"{one} HTTP/1.1\r\nhost: x\r\n" for one in asked]
    async with at_a_port(answering_at_once) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(("\r\n".join(heads) + "connection: close\r\n\r\n").encode())
        async with asyncio.timeout(10):
            said = (await reader.read()).decode()
        writer.close()
    assert re.findall(r"x-said: (.*)\r", said) == ["a", "b", "in two", "in two", "in two"]
    assert [one.partition("HTTP/1.1 ")[0] for one in said.split("\r\n\r\n")] == ["", "ok", "ok", "ok", "", "ok"]
    assert said.count("date: ") == 5
    assert said.count("connection: close") == 1


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nhost: x\r\n", b""),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc", b""),
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"HTTP/1.1 204"),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc", b"HTTP/1.1 204"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * limits.HTTP_HEAD_BYTES_MAX, b"HTTP/1.1 400"),
    ],
    ids=["nothing", "half a head", "half a body", "a whole request", "a body too", "a head without end"],
)
async def test_nobody_holds_a_connection_by_being_slow(impatient: int, sent: bytes, answer: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient)
    writer.write(sent)
    async with asyncio.timeout(10):
        said = await reader.read()
    assert said[: len(answer) or None] == answer
    writer.close()


@pytest.fixture
async def in_a_hurry(monkeypatch: pytest.MonkeyPatch, impatient: int) -> int:
    """The same, patient between two parts, but not for ever."""
    monkeypatch.setattr(limits, "HTTP_BODY_PAUSE_S", 20)
    monkeypatch.setattr(limits, "HTTP_BODY_S", 0.3)
    return impatient


@pytest.mark.parametrize("target", [b"/", b"/answered-before-it-is-read"])
async def test_a_body_of_a_byte_now_and_then_has_an_end(in_a_hurry: int, target: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", in_a_hurry)
    writer.write(b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: 99999\r\n\r\n" % target)
    async with asyncio.timeout(15):
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.05)
                if target != b"/":
                    await reader.read(1_000)
    writer.close()


async def test_a_large_body_has_the_time_that_it_takes(in_a_hurry: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", in_a_hurry)
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 400000\r\n\r\n")
    for _ in range(10):
        writer.write(b"a" * 40_000)
        await writer.drain()
        await asyncio.sleep(0.1)
    async with asyncio.timeout(15):
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
    writer.close()
