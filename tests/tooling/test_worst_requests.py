"""The worst that a stranger can send to each door, over real HTTP: how much is done for it, and what stays."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from regulars.api.app import Doors
from regulars.kit.clock import HandClock
from regulars.kit.ports import free_port
from regulars.serving import HOW
from tests import make
from tests.doors import opened

TIMES = 12
STEPS_MAX = 200_000  # functions that begin or end, for one request
KEPT_BYTES_MAX = 8_000_000
API = b"/api/v1/workspace"
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=line"
PART = b'--line\r\ncontent-disposition: form-data; name="%d"\r\n\r\n1\r\n'


def request(method: str, target: bytes, headers: bytes = b"", body: bytes = b"", type_: str = FORM) -> bytes:
    length = b"content-type: %s\r\ncontent-length: %d\r\n" % (type_.encode(), len(body)) if body else b""
    return (
        b"%s %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n%s%s\r\n" % (method.encode(), target, length, headers)
        + body
    )


def many(n: int, size: int, with_: bytes = b"&") -> bytes:
    """So many bytes of names that differ, from each other and from those of another `n`."""
    return with_.join(b"%d_%d" % (n, at) for at in range(size // 9))[:size]


WORST = {
    "one name in a form": lambda n: request("POST", b"/sign-in", body=b"a&" * 8_000),
    "names in a form": lambda n: request("POST", b"/sign-in", body=many(n, 16_000)),
    "a form too long": lambda n: request("POST", b"/sign-in", body=many(n, 920_000)),
    "one name too often": lambda n: request("POST", b"/sign-in", body=b"a&" * 460_000),
    "parts": lambda n: request(
        "POST", b"/sign-in", body=b"".join(PART % (n * 1000 + i) for i in range(240)), type_=PARTS
    ),
    "a part of line ends": lambda n: request("POST", b"/sign-in", body=PART % n + b"\r\n-" * 4_000, type_=PARTS),
    "a form to another door": lambda n: request("POST", b"/triggers/new", body=many(n, 920_000)),
    "a query": lambda n: request("GET", b"/sign-in?" + many(n, 60_000)),
    "a query of a page": lambda n: request("GET", b"/customers?" + many(n, 60_000)),
    "a query of the API": lambda n: request("GET", b"/api/v2/merchant/leads?" + many(n, 60_000)),
    "a query of a reward": lambda n: request("POST", b"/api/v2/merchant/activities?" + many(n, 60_000)),
    "raw bytes": lambda n: request("GET", b"/sign-in?%d=" % n + b"\xff" * 50_000),
    "an address": lambda n: request("GET", b"/api/v2/merchant/leads/" + many(n, 60_000, b"-")),
    "slashes": lambda n: request("GET", b"/%d" % n + b"/" * 60_000),
    "escapes in an address": lambda n: request("GET", b"/%d" % n + b"%41" * 20_000),
    "cookies": lambda n: request("GET", b"/", b"cookie: " + many(n, 60_000, b";") + b"\r\n"),
    "a session": lambda n: request("GET", b"/", b"cookie: regulars_session=" + many(n, 60_000, b"_") + b"\r\n"),
    "headers": lambda n: request("GET", b"/sign-in", b"".join(b"x%d_%d: 1\r\n" % (n, i) for i in range(4_500))),
    "what is accepted": lambda n: request("GET", b"/nowhere", b"accept: " + b"a/b;q=0.1," * 6_000 + b"\r\n"),
    "a type": lambda n: request("POST", b"/sign-in", b"content-type: multipart/form-data" + b';a="' * 15_000 + b"\r\n"),
    "whoever called": lambda n: request("POST", b"/sign-in", b"x-forwarded-for: " + b"10.0.0.1," * 6_000 + b"\r\n"),
    "a key": lambda n: request(
        "GET", b"/api/v1/workspace", b"authorization: Bearer " + many(n, 60_000, b"_") + b"\r\n"
    ),
    "a workspace": lambda n: request(
        "GET", b"/api/v1/workspace", b"x-apikey: a\r\nx-workspaceid: " + b"-" * 60_000 + b"\r\n"
    ),
    "a body nobody reads": lambda n: request("POST", b"/healthz", body=many(n, 900_000)),
}


@pytest.fixture
async def port(pool: Any) -> AsyncIterator[int]:
    """Where the application listens as it does in a shop, in one process."""
    async with opened(pool, HandClock(datetime.now(UTC))) as app:
        port = free_port()
        server = uvicorn.Server(uvicorn.Config(Doors(app), port=port, lifespan="off", **HOW))
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody when it is
            await asyncio.sleep(0)
        yield port
        server.should_exit = True
        await serving


async def sent(port: int, raw: bytes) -> bytes:
    """The first line of the answer."""
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        line = await reader.readline()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return line


def memory_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("case", WORST)
async def test_the_worst_request_costs_little_and_leaves_nothing(port: int, case: str) -> None:
    made = WORST[case]
    first = await sent(port, made(0))
    assert first.startswith(b"HTTP/1.1 ")
    assert first.split()[1][:1] in (b"2", b"3", b"4"), first
    for n in range(1, 4):
        await sent(port, made(n))
    requests, kept = [made(n + 10) for n in range(TIMES)], memory_bytes()
    with make.counted() as steps:
        for raw in requests:
            await sent(port, raw)
    assert steps[0] / TIMES < STEPS_MAX, steps
    assert memory_bytes() - kept < KEPT_BYTES_MAX


async def test_a_health_check_does_not_wait_for_a_form_that_is_still_being_sent(port: int) -> None:
    whole = WORST["one name too often"](0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(whole[: len(whole) // 2])
    await writer.drain()
    assert (await sent(port, request("GET", b"/healthz"))).startswith(b"HTTP/1.1 200")
    writer.write(whole[len(whole) // 2 :])
    with suppress(ConnectionError):  # it may be cut off before what it is answered is read
        assert (await reader.readline()).startswith(b"HTTP/1.1 4")
    writer.close()
