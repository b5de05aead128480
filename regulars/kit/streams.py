"""Into streams, NATS (JetStream) and Kafka, things go out here: one message, one answer, within one deadline.

It promises what `kit.http` does: whatever the other side does comes back as a value, nothing but a checked address is
dialled, also where a server names others, and a secure connection is one to the server's name. Without encryption
nothing goes further than this machine. An answer's status is what HTTP would call it: 200 for a message that the stream
has, 401 for a password that is refused, 403 for a subject that may not be written to, 503 for what may go well later.

One connection serves all messages to the same servers by the same user. It is closed when nothing went over it for a
while, and opened anew by the next message when it broke: no library reconnects on its own to where it was told to.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from regulars import limits
from regulars.kit import addresses
from regulars.kit.http import Answer, NoAnswer, Request, Unreachable, ended
from regulars.kit.wires import NoAnswerKind


class Servers(msgspec.Struct, frozen=True):
    """Those of one cluster, as HOST:PORT with commas between them, and who writes there; without a `user`, NATS takes
    the `password` for a token. `mechanism` is how Kafka is told a password, '' where it asks for none."""

    kind: Literal["nats", "kafka"]
    at: str
    secure: bool
    user: str = ""
    password: str = ""
    mechanism: str = ""

    @property
    def each(self) -> list[tuple[str, int]]:
        return [(host.strip("[] "), int(port)) for host, _, port in (one.rpartition(":") for one in self.at.split(","))]


class Publication(Request, frozen=True, gc=False, kw_only=True):
    """A message, complete; as a request it is what is kept of it. `key` says to Kafka what stays in order. `trial`: it
    is only asked whether it would be taken."""

    servers: Servers
    subject: str
    key: bytes = b""
    trial: bool = False


def publication(
    servers: Servers, subject: str, headers: dict[str, str], body: bytes, *, key: bytes = b"", trial: bool = False
) -> Publication:
    url = f"{servers.kind}://{servers.at}/{subject}"
    return Publication("PUBLISH", url, headers, body, servers=servers, subject=subject, key=key, trial=trial)


class Refused(Exception):
    """The servers said no."""

    def __init__(self, status: int, words: str) -> None:
        self.status, self.words = status, words


class NotReached(OSError):
    """Nothing was sent."""

    def __init__(self, kind: NoAnswerKind, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


class Garbled(Exception):
    """What came back is not what these servers say."""


class Line:
    """A connection. `lost` says why it can't be used any more."""

    def __init__(self) -> None:
        self.lost: Exception | None = None
        self._asked = set[asyncio.Task[str]]()

    async def publish(self, message: Publication) -> str:
        """What the stream said of it. Raises Refused, Garbled, TimeoutError and OSError."""
        asked = asyncio.create_task(self._publish(message))
        self._asked.add(asked)
        try:
            return await asked
        except asyncio.CancelledError:
            if self.lost is not None:
                raise self.lost from None
            raise
        finally:
            self._asked.discard(asked)

    def lose(self, why: Exception) -> None:
        """Whatever is out ends with this."""
        self.lost = self.lost or why
        for asked in self._asked:
            asked.cancel()

    async def _publish(self, message: Publication) -> str:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class Dialer:
    """Who may be dialled for these servers, and how."""

    def __init__(
        self, checked: Callable[[str], Awaitable[list[str] | Unreachable]], tls: ssl.SSLContext, secure: bool
    ) -> None:
        self._checked, self.tls, self._secure = checked, tls, secure

    async def addresses(self, host: str, port: int) -> list[str]:
        """Those to try. Raises NotReached."""
        if port < 1024 and port != 443:
            raise NotReached("refused_address", f"{host}:{port} is another service's port; it is not called.")
        found = await self._checked(host)
        if isinstance(found, Unreachable):
            raise NotReached(found.kind, found.detail)
        if not self._secure and not all(map(addresses.is_this_machine, found)):
            words = f"{host} is another machine, and events go there only over a secure connection."
            raise NotReached("refused_address", words)
        return found[: limits.ADDRESSES_TRIED_MAX]


class Streams:
    """The lines that are open. `checked` and `tls` are those of whoever calls out."""

    def __init__(
        self,
        checked: Callable[[str], Awaitable[list[str] | Unreachable]],
        tls: Callable[[], ssl.SSLContext],
        deadline_s: float,
    ) -> None:
        self._checked, self._tls, self._deadline_s = checked, tls, deadline_s
        self._lines: dict[Servers, asyncio.Task[Line]] = {}
        self._timers: dict[Servers, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def send(self, message: Publication) -> Answer | NoAnswer:
        began, where = time.monotonic(), message.servers.at
        line: Line | None = None
        kind: NoAnswerKind = "reset"
        try:
            async with asyncio.timeout(self._deadline_s):
                line = await self._line(message.servers)
                said = await line.publish(message)
            return _answer(200, said, began)
        except Refused as no:
            return _answer(no.status, no.words, began)
        except NotReached as why:
            kind, detail = why.kind, why.detail
        except Garbled:
            kind, detail = "garbage", f"{where} answered something that is not {message.servers.kind}."
        except TimeoutError:
            kind, detail = "timeout_after_sent" if line else "timeout_before_sent", f"{where} did not answer in time."
        except ssl.SSLError as error:
            kind, detail = "tls", f"no secure connection to {where}: {error.reason or error}."
        except OSError as error:
            words = error.strerror or str(error) or "it broke"
            kind, detail = (
                ("reset", f"{where} closed the connection without an answer: {words}.")
                if line
                else ("connect", f"no connection to {where}: {words}.")
            )
        if line is not None:
            self._drop(message.servers, line)
        return ended(kind, detail, began)

    async def close(self) -> None:
        for servers in list(self._lines):
            self._drop(servers)
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _line(self, servers: Servers) -> Line:
        task = self._lines.get(servers)
        line = _stands(task)
        if task is None or (task.done() and (line is None or line.lost)):
            self._drop(servers)
            task = self._lines[servers] = asyncio.create_task(self._dial(servers))
        if timer := self._timers.pop(servers, None):
            timer.cancel()
        later = asyncio.get_running_loop().call_later
        self._timers[servers] = later(limits.STREAM_IDLE_S, self._drop, servers)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise ConnectionResetError("it was closed") from None
            raise

    async def _dial(self, servers: Servers) -> Line:
        # Whoever has no streams does not pay for their libraries.
        from regulars.kit import kafka, nats

        open_line = nats.open_line if servers.kind == "nats" else kafka.open_line
        async with asyncio.timeout(self._deadline_s):
            return await open_line(servers, Dialer(self._checked, self._tls(), servers.secure), self._deadline_s)

    def _drop(self, servers: Servers, line: Line | None = None) -> None:
        """Unless another line has taken the place of this one."""
        task = self._lines.get(servers)
        if task is None or (line is not None and _stands(task) is not line):
            return
        del self._lines[servers]
        if timer := self._timers.pop(servers, None):
            timer.cancel()
        closing = asyncio.create_task(_closed(task))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _stands(task: asyncio.Task[Line] | None) -> Line | None:
    """What was dialled; None while it is, and where that failed."""
    well = task is not None and task.done() and not task.cancelled() and task.exception() is None
    return task.result() if task and well else None


async def _closed(task: asyncio.Task[Line]) -> None:
    task.cancel()
    (line,) = await asyncio.gather(task, return_exceptions=True)
    if not isinstance(line, BaseException):
        await line.close()


def _answer(status: int, words: str, began: float) -> Answer:
    said = words.encode("utf-8", "replace")[: limits.ANSWER_BYTES_MAX]
    return Answer(status, {}, said, round((time.monotonic() - began) * 1_000))
