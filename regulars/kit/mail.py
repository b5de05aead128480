"""Mail goes out here, by SMTP: one message to one address, one answer, within one deadline.

It promises what `kit.http` does: whatever the other side does comes back as a value, nothing but a checked address is
dialled, and a secure connection is one to the server's name. Without encryption nothing goes further than this machine.
An answer is the server's reply: its code is the status, its words the body, and the header `command` says what it
replied to. A connection that served is kept for a moment, for the next mail by the same server, user and password.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from typing import Any, Literal, cast

import msgspec
from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected, SMTPTimeoutError

from regulars import limits
from regulars.kit import addresses
from regulars.kit.http import Answer, Http, NoAnswer, Request, ended
from regulars.kit.streams import Publication, Streams
from regulars.kit.wires import NoAnswerKind

Security = Literal["tls", "starttls", "none"]
PORTS = frozenset({25, 465, 587})
_BEFORE_SENT = frozenset({"connect", "STARTTLS", "AUTH", "MAIL FROM", "RCPT TO", "DATA"})


class Server(msgspec.Struct, frozen=True):
    """How mail is handed over."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = ""


class Envelope(Request, frozen=True, gc=False, kw_only=True):
    """A mail, complete, in lines that end with CR LF; as a request it is what is kept of it. Without `to` nothing is
    sent: the server is only spoken to, as `user`."""

    server: Server
    sender: str
    to: str
    data: bytes


def envelope(server: Server, sender: str, to: str = "", data: bytes = b"", shown: str = "") -> Envelope:
    """`shown` is what is kept of its text."""
    url = f"{'smtps' if server.security == 'tls' else 'smtp'}://{server.host}:{server.port}"
    head = {"mail-from": sender, "rcpt-to": to}
    return Envelope("SMTP", url, head, shown.encode(), server=server, sender=sender, to=to, data=data)


class _Unreached(Exception):
    def __init__(self, kind: NoAnswerKind, detail: str) -> None:
        self.kind, self.detail = kind, detail


class _Talk(asyncio.Protocol):
    """What a server replies, in its order, to commands of which several may be sent before the first reply."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self.transport, self._left, self._words = transport, b"", b""
        self._replies, self._heard = deque[tuple[int, str]](), asyncio.Event()
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        *lines, self._left = (self._left + data).split(b"\n")
        for line in lines:
            self._words += b"\n" * bool(self._words) + line[4:].strip()
            if line[3:4] != b"-":
                code = int(line[:3]) if line[:3].isdigit() else -1
                self._replies.append((code, self._words.decode("utf-8", "replace")))
                self._words = b""
        if len(self._left) + len(self._words) > limits.SMTP_REPLY_BYTES_MAX or len(self._replies) > 8:
            self.transport.abort()
        self._heard.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard.set()

    def say(self, data: bytes) -> None:
        if self.transport.is_closing() or self._replies:  # what nobody asked for is no reply to what comes next
            self.transport.abort()
            raise SMTPServerDisconnected("Connection lost")
        self.transport.write(data)

    async def reply(self) -> tuple[int, str]:
        while not self._replies:
            if self.transport.is_closing():
                raise SMTPServerDisconnected("Connection lost")
            self._heard.clear()
            await self._heard.wait()
        return self._replies.popleft()


class _Line:
    """A connection to a server. `at` is the command that is being spoken, `mails` how many went over it."""

    talk: _Talk
    timer: asyncio.TimerHandle | None = None

    def __init__(self, smtp: SMTP) -> None:
        self.smtp, self.at, self.mails, self.together = smtp, "MAIL FROM", 0, False

    async def say(self, mail: Envelope) -> tuple[int, str]:
        """The reply that settles it. Raises SMTPException and OSError; `at` tells how far it came."""
        talk, no = self.talk, None
        if not (mail.sender + mail.to).isprintable():
            raise ValueError("an address with a sign that is none")
        spoken = {
            "MAIL FROM": f"MAIL FROM:<{mail.sender}>\r\n",
            "RCPT TO": f"RCPT TO:<{mail.to}>\r\n",
            "DATA": "DATA\r\n",
        }
        if not mail.to:
            spoken = {"NOOP": "NOOP\r\n"}
        self.at = next(iter(spoken))
        try:
            if self.together:
                talk.say("".join(spoken.values()).encode())
            for at, command in spoken.items():
                self.at = self.at if no else at
                if not self.together:
                    talk.say(command.encode())
                said = await talk.reply()
                no = no or (said if said[0] >= 400 else None)
                if no and not self.together:
                    break
            # What was said of nobody is ended, and the next mail begins anew.
            for command in ([".\r\n"] if said[0] == 354 else []) + ["RSET\r\n"] if no else []:
                talk.say(command.encode())
                await talk.reply()
        except SMTPServerDisconnected:
            if no is None:
                raise
        if no or not mail.to:
            return no or said
        self.at, self.mails = "message", self.mails + 1
        talk.say((b"\n" + mail.data).replace(b"\n.", b"\n..")[1:] + b".\r\n")
        return await talk.reply()

    def close(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.smtp.is_connected and self.smtp.protocol is not None:
            self.smtp.protocol.write(b"QUIT\r\n")
        self.smtp.close()


class Outside(Http):
    """All that goes out of this process, by HTTP, by SMTP and into streams."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._lines: dict[Server, list[_Line]] = {}
        self._streams = Streams(self.checked, self.context, self._deadline_s)

    async def send(self, request: Request) -> Answer | NoAnswer:
        if isinstance(request, Publication):
            return await self._streams.send(request)
        return await (self._mail(request) if isinstance(request, Envelope) else super().send(request))

    async def close(self) -> None:
        for lines in self._lines.values():
            for line in lines:
                line.close()
        self._lines.clear()
        await self._streams.close()
        await super().close()

    async def _mail(self, mail: Envelope) -> Answer | NoAnswer:
        began, host = time.monotonic(), mail.server.host
        lines = self._lines.get(mail.server)
        line = lines.pop() if lines else None
        kept = False
        try:
            async with asyncio.timeout(self._deadline_s):
                said = await self._again(line, mail) if line else None
                if said is None:
                    line = _Line(SMTP(hostname=host, timeout=self._deadline_s, use_tls=mail.server.security == "tls"))
                    line.at = "connect"
                    await self._dial(line, mail)
                    said = await line.say(mail)
                kept = line is not None and line.smtp.is_connected and line.mails < limits.MAILS_PER_CONNECTION_MAX
                return self._answered(line, *said, began)
        except SMTPResponseException as reply:
            return self._answered(line, reply.code, reply.message, began)
        except (TimeoutError, SMTPTimeoutError):
            sent = line is not None and line.at not in _BEFORE_SENT
            kind: NoAnswerKind = "timeout_after_sent" if sent else "timeout_before_sent"
            return ended(kind, f"{host} did not answer in time.", began)
        except _Unreached as why:
            return ended(why.kind, why.detail, began)
        except (SMTPException, OSError) as error:
            cause = error if isinstance(error, ssl.SSLError) else error.__cause__
            if isinstance(cause, ssl.SSLError):
                return ended("tls", f"no secure connection to {host}: {cause.reason or cause}.", began)
            if line is None or line.at in _BEFORE_SENT:
                return ended("connect", f"no mail could be handed to {host}: {error}.", began)
            return ended("reset", f"{host} closed the connection without an answer.", began)
        finally:
            if line is not None:
                if kept:
                    self._keep(mail.server, line)
                else:
                    line.close()

    async def _again(self, line: _Line, mail: Envelope) -> tuple[int, str] | None:
        """Over a connection that was kept; None when the server has given it up: then nothing was sent yet."""
        assert line.timer is not None
        line.timer.cancel()
        try:
            said = await line.say(mail)
        except (SMTPServerDisconnected, OSError):
            if line.at != "MAIL FROM":
                raise
            said = (421, "")
        if said[0] != 421 or line.at != "MAIL FROM":
            return said
        line.close()
        return None

    async def _dial(self, line: _Line, mail: Envelope) -> None:
        server, smtp, loop = mail.server, line.smtp, asyncio.get_running_loop()
        found = await self.checked(server.host)
        if not isinstance(found, list):
            raise _Unreached(found.kind, found.detail)
        if server.security == "none" and not all(map(addresses.is_this_machine, found)):
            words = f"{server.host} is another machine, and mail goes there only over a secure connection."
            raise _Unreached("refused_address", words)
        for n, address in enumerate(found := found[: limits.ADDRESSES_TRIED_MAX], start=1):
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            sock.setblocking(False)
            try:
                async with asyncio.timeout(self._connect_s):
                    await loop.sock_connect(sock, (address, server.port))
                break
            except BaseException as error:
                sock.close()
                if n == len(found) or not isinstance(error, OSError | TimeoutError):
                    raise
        tls = self.context() if server.security != "none" else None
        smtp.local_hostname = mail.sender.rpartition("@")[2] or "localhost"
        await smtp.connect(sock=sock, start_tls=False, tls_context=tls)
        await smtp.ehlo()
        if server.security == "starttls":
            line.at = "STARTTLS"
            await smtp.starttls()
            await smtp.ehlo()
        if server.user:
            line.at = "AUTH"
            await smtp.login(server.user, server.password)
        line.talk, line.together = (
            _Talk(cast(asyncio.WriteTransport, smtp.transport)),
            smtp.supports_extension("pipelining"),
        )

    def _answered(self, line: _Line | None, code: int, words: str, began: float) -> Answer | NoAnswer:
        if not 200 <= code < 600:
            return ended("garbage", f"what was answered is not SMTP: {words[:100]}.", began)
        said = words.encode("utf-8", "replace")[: limits.ANSWER_BYTES_MAX]
        took_ms = round((time.monotonic() - began) * 1_000)
        return Answer(code, {"command": line.at if line else "connect"}, said, took_ms)

    def _keep(self, server: Server, line: _Line) -> None:
        lines = self._lines.setdefault(server, [])
        lines.append(line)

        def drop() -> None:
            lines.remove(line)
            line.close()
            if not lines and self._lines.get(server) is lines:
                del self._lines[server]

        line.timer = asyncio.get_running_loop().call_later(limits.CONNECTION_IDLE_S, drop)
