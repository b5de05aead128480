"""A receiver of webhooks that does as little as one can: 200 with nothing in it, and a note of what came when. What
comes to `/hang` it never answers, and from the line `fail` on until any other but an empty one what comes to `/half`
with 500; it notes neither.

A process of its own. Its argument is the port. Each line on its standard input is answered by a report of what came
since the last one, in JSON on one line; when the input ends, so does it.
"""

import asyncio
import sys
import time
from asyncio.subprocess import Process
from typing import cast
from uuid import UUID

import httptools
import msgspec
import uvloop

from regulars.bench.load import cpu_s

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_BROKEN = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"


class Arrivals(msgspec.Struct):
    """The webhook-id of each call and when it was there in full, in seconds since 1970; `cpu_s` is what taking them
    cost."""

    ids: list[UUID]
    at_s: list[float]
    cpu_s: float


class Notes:
    def __init__(self) -> None:
        self.failing = False
        self.ids: list[bytes] = []
        self.at_s: list[float] = []
        self._used_before_s = cpu_s()

    def report(self) -> bytes:
        used_s = cpu_s()
        ids = [one.decode("latin-1") for one in self.ids]
        said = {"ids": ids, "at_s": self.at_s, "cpu_s": used_s - self._used_before_s}
        self.ids.clear()
        self.at_s = []
        line = msgspec.json.encode(said) + b"\n"
        self._used_before_s = cpu_s()
        return line


class Receiver(asyncio.Protocol):
    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._id = self._url = b""
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.Transport, transport).write

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) == 10 and name.lower() == b"webhook-id":
            self._id = value

    def on_message_complete(self) -> None:
        if self._url == b"/hang":
            return
        if self._notes.failing and self._url == b"/half":
            self._write(_BROKEN)
            return
        self._notes.ids.append(self._id)
        self._notes.at_s.append(time.time())
        self._write(_OK)


async def arrivals(sink: Process, say: str = "") -> Arrivals:
    """Ask the process of a sink what came since it was asked last, and tell it something."""
    assert sink.stdin is not None
    assert sink.stdout is not None
    sink.stdin.write(f"{say}\n".encode())
    return msgspec.json.decode(await sink.stdout.readline(), type=Arrivals)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    notes = Notes()
    server = await loop.create_server(lambda: Receiver(notes), "127.0.0.1", port, backlog=1_024)
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    while said := await asked.readline():
        if said != b"\n":
            notes.failing = said == b"fail\n"
        sys.stdout.buffer.write(notes.report())
        sys.stdout.buffer.flush()
    server.close()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
