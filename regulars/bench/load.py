"""The load generator: each connection sends its next request as soon as the one before is answered. A process of its
own: told what to do in JSON on standard input, it answers in JSON.

It knows as little HTTP as it needs: one request at a time on a connection, answers with a Content-Length.
"""

import asyncio
import re
import resource
import sys
import time
from collections.abc import Mapping
from itertools import cycle
from typing import cast

import msgspec
import uvloop

_SHOWN_BYTES = 1_000
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` are sent in turn over and over for so many seconds, or `once`: each in two parts, between which a name
    of its own is put that begins with `prefix`, which no other task may have."""

    port: int
    connections: int
    seconds: float
    requests: list[tuple[str, str]]
    prefix: str = ""
    once: bool = False


def request(method: str, path: str, headers: Mapping[str, str], body: str = "", *, named: str) -> tuple[str, str]:
    """As a task has it; the header `named` is what the name of its own is put into."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, f"Content-Length: {len(body.encode())}", f"{named}: "])
    return head, f"\r\n\r\n{body}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`rate` is of answers until the last was there. `answered` counts all with a status of success, and `failed` the
    rest, of which some may have been carried out; `why` is the first of those, if one was answered. `cpu_s` is what the
    generator itself used."""

    rate: float
    answered: int
    failed: int
    why: str = ""
    cpu_s: float
    p50_ms: float
    p99_ms: float


class Run:
    def __init__(self, task: Task) -> None:
        self.task = task
        self.began = time.perf_counter()
        self.until = self.began + task.seconds
        self.sent = self.open = 0
        self.latencies_s: list[float] = []
        self.why = ""
        self.over = asyncio.Event()
        parts = [(f"{before}{task.prefix}".encode(), after.encode()) for before, after in task.requests]
        self._parts = iter(parts) if task.once else cycle(parts)

    def request(self) -> bytes | None:
        part = next(self._parts, None)
        if part is None:
            return None
        self.sent += 1
        return b"%b%d%b" % (part[0], self.sent, part[1])


class Connection(asyncio.Protocol):
    def __init__(self, run: Run) -> None:
        self._run = run
        self._parts = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._run.open += 1
        self._next(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        if self._parts:
            data = self._parts + data
        end = data.find(b"\r\n\r\n")
        length = _LENGTH.search(data, 0, end) if end > 0 else None
        if length is None or len(data) < end + 4 + int(length[1]):
            self._parts = data
            return
        self._parts = b""
        run, now = self._run, time.perf_counter()
        if data.startswith(b"HTTP/1.1 20"):
            run.latencies_s.append(now - self._sent_at)
        else:
            run.why = run.why or data[:_SHOWN_BYTES].decode(errors="replace")
        self._next(now)

    def connection_lost(self, error: Exception | None) -> None:
        run = self._run
        run.open -= 1
        if not run.open:
            run.over.set()

    def _next(self, now: float) -> None:
        request = self._run.request() if now < self._run.until else None
        if request is None:
            self._transport.close()
            return
        self._sent_at = now
        self._transport.write(request)


async def generate(task: Task) -> Report:
    """Raises OSError when the server does not take connections."""
    loop = asyncio.get_running_loop()
    used_before_s = cpu_s()
    run = Run(task)
    await asyncio.gather(
        *(loop.create_connection(lambda: Connection(run), "127.0.0.1", task.port) for _ in range(task.connections))
    )
    await run.over.wait()
    ordered = sorted(run.latencies_s) or [0.0]
    return Report(
        rate=len(run.latencies_s) / (time.perf_counter() - run.began),
        answered=len(run.latencies_s),
        failed=run.sent - len(run.latencies_s),
        why=run.why,
        cpu_s=cpu_s() - used_before_s,
        p50_ms=ordered[len(ordered) // 2] * 1_000,
        p99_ms=ordered[len(ordered) * 99 // 100] * 1_000,
    )


def cpu_s(whose: int = resource.RUSAGE_SELF) -> float:
    """What a process used, or its children that have ended."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    _task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(generate(_task))))
