"""HTTP/1.1 as a client speaks it, to one address: connections that are kept, with one call on each at a time.

llhttp (by httptools) reads what comes; here is what it does not know: when a call ends, how much of its answer is held,
and whether the connection is good for another one. What goes wrong is raised as `Lost`, in the words of `NoAnswer`.
"""

import asyncio
import os
import select
import ssl
from typing import Literal, cast

import httptools
import msgspec

from regulars import limits

NoAnswerKind = Literal[
    "connect", "dns", "tls", "timeout_before_sent", "timeout_after_sent", "reset", "refused_address", "garbage"
]

_WHILE_SECURING = (ssl.SSLError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


class Lost(Exception):
    """There is no answer: the kind of it, and why, to be said of a host."""

    def __init__(self, kind: NoAnswerKind, why: str) -> None:
        self.kind, self.why = kind, why


class Came(msgspec.Struct, frozen=True, gc=False):
    """What was answered, cut."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Wire(asyncio.Protocol):
    """A connection. It is `kept` for the next call if the last one left nothing behind."""

    def __init__(self) -> None:
        self.kept = True
        self.idle_since = self.until = 0.0
        self._waiter: asyncio.Future[Came] | None = None
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._came = select.poll()
        self._came.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def close(self) -> None:
        self._transport.abort()

    def quiet(self, now: float) -> bool:
        """Nothing has come since it was put by, not even its end, which may be known only to the system so far."""
        aged = now - self.idle_since > limits.CONNECTION_IDLE_S
        return not (self._transport.is_closing() or aged or self._came.poll(0))

    async def call(self, loop: asyncio.AbstractEventLoop, said: bytes, bytes_max: int) -> Came:
        self.kept = self._headed = self._over = False
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._room, self._head_room = bytes_max, limits.ANSWER_HEAD_BYTES_MAX
        waiter: asyncio.Future[Came] = loop.create_future()
        self._waiter = waiter
        try:
            self._transport.write(said)
            return await waiter
        finally:
            self._waiter = None

    def is_late(self) -> None:
        self._lose("timeout_after_sent", "did not answer in time.")

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            self.kept = False
            self.close()
            return
        self._head_room -= len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end(keep=False)
        except (httptools.HttpParserError, UnicodeDecodeError) as error:
            self._lose("garbage", f"answered something that is not HTTP: {error}.")
        if self._over or (self._headed and self._head_room < 0 and self._room <= 0):
            self._end(keep=False)
        elif self._head_room < 0 and not self._headed:
            self._lose("garbage", "answered with headers that have no end.")

    def on_message_begin(self) -> None:
        if self._waiter is None or self._waiter.done():
            self.kept = False  # more than one answer to one call

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headed:
            return  # behind a body in chunks
        key = name.decode("ascii").lower()
        text = value.decode("ascii") if value.isascii() else "\N{REPLACEMENT CHARACTER}"
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._headed = True

    def on_body(self, part: bytes) -> None:
        self._over = self._over or len(part) > self._room
        self._body.append(part[: self._room])
        self._room -= len(self._body[-1])

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._headed = False  # the answer itself comes after it
            self._headers.clear()
        else:
            self._end(keep=self._parser.should_keep_alive() and not self._over)

    def connection_lost(self, error: Exception | None) -> None:
        self.kept = False
        if self._waiter is None or self._waiter.done():
            return
        if not self._headed:
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is closed"
            self._lose("reset", f"closed the connection without an answer: {why}.")
        elif error is None and self._headers.keys().isdisjoint(("content-length", "transfer-encoding")):
            self._end(keep=False)  # such a body ends with the connection
        else:
            self._lose("reset", "closed the connection in the middle of its answer.")

    def _end(self, *, keep: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self.kept = keep
            self._waiter.set_result(Came(self._parser.get_status_code(), self._headers, b"".join(self._body)))

    def _lose(self, kind: NoAnswerKind, why: str) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Lost(kind, why))


class Wires:
    """All connections to one address. `name` is whose certificate is asked for, if it is to be encrypted."""

    def __init__(self, address: str, port: int, tls: ssl.SSLContext | None, name: str, connect_s: float) -> None:
        self._to = address, port, tls, name
        self._connect_s = connect_s
        self._idle: list[_Wire] = []
        self._out: set[_Wire] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._looks_at = float("inf")
        self._given_up = False

    async def call(self, said: bytes, bytes_max: int, within_s: float) -> Came:
        """Cancelled, it closes the connection. Raises Lost."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        until = began + within_s
        while self._idle:
            wire = self._idle.pop()
            if wire.quiet(began):
                break
            wire.close()
        else:
            wire = await self._dial(loop, within_s)
        wire.until = until
        self._out.add(wire)
        if until < self._looks_at:
            self._watch(loop, until)
        try:
            return await wire.call(loop, said, bytes_max)
        finally:
            self._out.discard(wire)
            if wire.kept and not self._given_up and len(self._idle) < limits.CONNECTIONS_IDLE_MAX:
                wire.idle_since = loop.time()
                self._idle.append(wire)
                if self._sweeping is None:
                    self._sweeping = loop.call_later(limits.CONNECTION_IDLE_S, self._sweep, loop)
            else:
                wire.close()

    def give_up(self) -> None:
        """No call is made any more; those under way go on."""
        self._given_up = True
        for wire in self._idle:
            wire.close()
        self._idle.clear()

    def close(self) -> None:
        """Calls under way end without an answer."""
        self.give_up()
        for wire in self._out:
            wire.close()

    def _watch(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        """One timer for all calls, at the first deadline that there was when it was set: one for each costs more."""
        if self._watching is not None:
            self._watching.cancel()
        self._looks_at, self._watching = at, loop.call_at(at, self._end_late, loop)

    def _end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looks_at, self._watching, now = float("inf"), None, loop.time()
        for wire in self._out:
            if wire.until <= now:
                wire.is_late()
        if waiting := [wire.until for wire in self._out if wire.until > now]:
            self._watch(loop, min(waiting))

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now, idle = loop.time(), self._idle
        self._idle = [wire for wire in idle if wire.quiet(now)]
        for wire in set(idle).difference(self._idle):
            wire.close()
        again = self._idle and not self._given_up
        self._sweeping = loop.call_later(limits.CONNECTION_IDLE_S, self._sweep, loop) if again else None

    async def _dial(self, loop: asyncio.AbstractEventLoop, within_s: float) -> _Wire:
        address, port, tls, name = self._to
        secure = {"ssl": tls, "server_hostname": name, "ssl_handshake_timeout": limits.CALL_TIMEOUT_S} if tls else {}
        try:
            async with asyncio.timeout(min(self._connect_s, within_s)):
                _, wire = await loop.create_connection(_Wire, address, port, **secure)  # type: ignore[call-overload]
        except TimeoutError:
            raise Lost("timeout_before_sent", "let no connection be made in time.") from None
        except OSError as error:
            said = getattr(error, "verify_message", "") or getattr(error, "reason", "") or ""
            why = said or (os.strerror(error.errno) if error.errno else "it was refused")
            raise Lost("tls" if tls and isinstance(error, _WHILE_SECURING) else "connect", f"{why}.") from None
        return cast(_Wire, wire)
