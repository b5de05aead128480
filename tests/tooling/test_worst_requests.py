"""The worst that a stranger can send to each door of a real process: how long a core works on it, and what stays."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from regulars import limits
from regulars.kit.ports import free_port
from tests.tooling.test_serving import START_S, Served, a_shop, wait_until

TIMES = 30
CPU_S_MAX = 0.25  # for one request, on a machine that is busy with others
KEPT_BYTES_MAX = 25_000_000
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


@pytest.fixture(scope="module")
def served(server_url: str) -> Iterator[Served]:
    url, workspace_id, key = asyncio.run(a_shop(server_url))
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": url,
        "REGULARS_PORT": str(port),
        "REGULARS_WORKERS": "1",
        "REGULARS_SECRET_KEY": "a secret key of forty characters or more.",
    }
    process = subprocess.Popen([sys.executable, "-m", "regulars.cli", "serve"], env=environment)
    found = Served(f"http://127.0.0.1:{port}", process, workspace_id, key)
    try:
        wait_until(found.ready)
        yield found
    finally:
        process.terminate()
        process.wait(START_S)


def sent(served: Served, raw: bytes) -> bytes:
    """The first line of the answer."""
    with socket.create_connection(("127.0.0.1", httpx.URL(served.url).port), timeout=60) as connection:
        connection.settimeout(60)
        connection.sendall(raw)
        return connection.recv(65_536).partition(b"\r\n")[0]


def cpu_s(served: Served) -> float:
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(served: Served) -> int:
    return int(Path(f"/proc/{served.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("case", WORST)
def test_the_worst_request_costs_little_and_leaves_nothing(served: Served, case: str) -> None:
    made = WORST[case]
    first = sent(served, made(0))
    assert first.startswith(b"HTTP/1.1 ")
    assert first.split()[1][:1] in (b"2", b"3", b"4"), first
    for n in range(1, 4):
        sent(served, made(n))
    began_s, kept = cpu_s(served), memory_bytes(served)
    for n in range(TIMES):
        sent(served, made(n + 10))
    assert (cpu_s(served) - began_s) / TIMES < CPU_S_MAX
    assert memory_bytes(served) - kept < KEPT_BYTES_MAX


def test_a_health_check_does_not_wait_behind_them(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(served.url).port)) as connection:
        connection.sendall(WORST["one name too often"](0))
        began_s = time.monotonic()
        assert httpx.get(f"{served.url}/healthz", timeout=60).status_code == 200
        assert time.monotonic() - began_s < limits.HTTP_REST_S
