"""One small HTTP server for all look-alikes. It works on the raw connection, because half of what it must be able to do
(reset, garbage, half an answer) no web framework can."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast
from weakref import WeakSet

import httptools
from aiosmtpd.smtp import SMTP

from regulars import limits
from regulars.kit.http import Http, Request
from regulars.kit.processes import run_until_told
from regulars.sandbox.faults import Fault, Faults
from regulars.sandbox.inbox import mail_server
from regulars.sandbox.memory import Call, Memory
from regulars.sandbox.nats import NatsServer
from regulars.sandbox.reply import Reply
from regulars.sandbox.selling import Hook
from regulars.sandbox.settings import Settings
from regulars.sandbox.shops import Sandbox

_GARBAGE = b"\x00\xff\x13\x37 this is not HTTP \x00\r\n\r\n" * 8


class _Connection(asyncio.Protocol):
    """One client. Requests are answered one after the other; while an answer is held back no other is taken."""

    def __init__(self, sandbox: Sandbox, open_connections: set[_Connection]) -> None:
        self._sandbox = sandbox
        self._open = open_connections
        self._parser = httptools.HttpRequestParser(self)
        self._later: asyncio.TimerHandle | None = None
        self._rest: Iterator[bytes] | None = None
        self._paused = False
        self._deaf = False
        self._begin()

    def _begin(self) -> None:
        self._path = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio.Transport in all but name.
        self._transport = cast(asyncio.Transport, transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        self._rest = None
        if self._later is not None:
            self._later.cancel()

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._bytes += len(data)
        if self._bytes > limits.SANDBOX_BODY_BYTES_MAX:
            self._transport.write(Reply.json(413, {"error": "too large"}).wire())
            self._transport.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._transport.close()
        except httptools.HttpParserError:
            self._transport.write(Reply.json(400, {"error": "not HTTP"}).wire())
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        call = Call(method, self._path.decode("latin-1"), self._headers, b"".join(self._body))
        keep = self._parser.should_keep_alive()
        self._begin()
        reply, fault = self._sandbox.answer(call)
        if fault is None or fault.fault[0].isdigit():
            self._send(reply.wire(), keep)
        else:
            self._spoil(reply, fault, keep)

    def _send(self, wire: bytes, keep: bool) -> None:
        self._transport.write(wire)
        if not keep:
            self._transport.close()

    def _spoil(self, reply: Reply, fault: Fault, keep: bool) -> None:
        loop, transport = asyncio.get_running_loop(), self._transport
        match fault.fault:
            case "slow":
                self._later = loop.call_later(fault.seconds, self._resume, reply.wire(), keep)
                transport.pause_reading()
            case "hang":
                # Still read, or a client that has given up would not be noticed and its connection kept.
                self._later = loop.call_later(limits.SANDBOX_HANG_S, transport.abort)
                self._deaf = True
            case "reset":
                # Closing with a linger of zero sends RST instead of FIN.
                transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                transport.abort()
            case "close":
                transport.close()
            case "garbage":
                self._send(_GARBAGE, False)
            case "huge":
                self._transport.write(_head(200, limits.SANDBOX_HUGE_BYTES))
                self._rest = iter([b"a" * 100_000] * (limits.SANDBOX_HUGE_BYTES // 100_000))
                self.resume_writing()
            case "nul":
                body = b"\x00NUL\x00" + reply.body
                self._send(_head(reply.status, len(body)) + body, keep)
            case "truncated":
                self._send(_head(200, 1_000) + b"only the beginning", False)
            case "redirect":
                self._send(Reply(302, b"", headers=f"location: {fault.location}\r\n").wire(), keep)

    def _resume(self, wire: bytes, keep: bool) -> None:
        self._transport.resume_reading()
        self._send(wire, keep)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        """The client has made room for more of a huge answer."""
        self._paused = False
        if self._rest is None:
            return
        for part in self._rest:
            self._transport.write(part)
            if self._paused:
                return
        self._rest = None


def _head(status: int, length: int) -> bytes:
    return f"HTTP/1.1 {status} OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n".encode()


async def _tell(http: Http, hook: Hook) -> None:
    await asyncio.sleep(hook.after_s)
    await http.send(Request("POST", hook.address, hook.headers, hook.body))


@asynccontextmanager
async def running(host: str = "127.0.0.1", port: int = 0, settings: Settings | None = None) -> AsyncIterator[Sandbox]:
    """The sandbox on this loop for the length of the block; port 0 takes a free one. Raises OSError when the port is
    taken."""
    http, sending = Http(allow_loopback=True), set[asyncio.Task[None]]()

    def send(hook: Hook) -> None:
        if len(sending) < limits.SANDBOX_HOOKS_SENDING_MAX:
            task = asyncio.create_task(_tell(http, hook))
            sending.add(task)
            task.add_done_callback(sending.discard)

    sandbox = Sandbox(settings or Settings(), send)
    connections: set[_Connection] = set()
    make_connection = partial(_Connection, sandbox, connections)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make_connection, host, port)

    def shop_of(name: str) -> tuple[Memory, Faults]:
        shop = sandbox.shop(name)
        return shop.memory, shop.faults

    mailing = WeakSet[SMTP]()

    def take_mail() -> SMTP:
        mailing.add(taken := mail_server(shop_of))
        return taken

    mail = await loop.create_server(take_mail, host, port and port + 1)
    sandbox.mail_port = mail.sockets[0].getsockname()[1]
    streaming = WeakSet[NatsServer]()

    def take_messages() -> NatsServer:
        streaming.add(taken := NatsServer(shop_of))
        return taken

    stream = await loop.create_server(take_messages, host, port and port + 2)
    sandbox.nats_port = stream.sockets[0].getsockname()[1]
    sandbox.base_url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield sandbox
    finally:
        server.close()
        mail.close()
        stream.close()
        for task in list(sending):
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await http.close()
        for connection in list(connections):
            connection.close()
        for transport in [*(one.transport for one in mailing), *(one.transport for one in streaming)]:
            if transport is not None:
                transport.close()
        await server.wait_closed()
        # One turn of the loop, in which the connections learn that they are closed.
        await asyncio.sleep(0)


def run(
    host: str = "127.0.0.1",
    port: int = 8899,
    settings: Settings | None = None,
    *,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """As a process of its own, until SIGINT or SIGTERM. `ready` is told the address once it listens. Raises OSError
    when the port is taken."""

    async def until_told() -> None:
        async with running(host, port, settings) as sandbox:
            ready(sandbox.base_url)
            await asyncio.Event().wait()

    run_until_told(until_told())
