"""A connection to NATS, by its own client. JetStream says of each message that it has it."""

import asyncio
import ssl
from typing import Any
from urllib.parse import ParseResult, urlparse

import nats.errors
import nats.js.errors
from nats.aio.client import DEFAULT_BUFFER_SIZE, Client
from nats.aio.transport import TcpTransport
from nats.js.client import JetStreamContext

from regulars import limits
from regulars.kit.streams import Dialer, Garbled, Line, NotReached, Publication, Refused, Servers

_NOBODYS = "regulars-asks-only"
_OTHER_STREAM = 10060
"""What JetStream calls it when a message is for another stream than the one that takes its subject."""


class _Wire(TcpTransport):  # type: ignore[misc]
    """Dialled by us, not by the client. Where it has to be secure nothing, no password either, is sent before it is."""

    def __init__(self, secure: bool) -> None:
        super().__init__()
        self._secure, self.unheard = secure, 0

    async def dial(self, address: str, port: int, within_s: float) -> None:
        host = f"[{address}]" if ":" in address else address
        await super().connect(urlparse(f"nats://{host}:{port}"), DEFAULT_BUFFER_SIZE, within_s)

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: float) -> None:
        """It is."""

    async def connect_tls(self, uri: Any, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int) -> None:
        await super().connect_tls(uri, ssl_context, buffer_size, connect_timeout)
        self._secure = False

    def write(self, payload: bytes) -> None:
        if self._secure:
            raise NotReached("tls", "the server offers no secure connection.")
        super().write(payload)

    async def read(self, buffer_size: int) -> bytes:
        data: bytes = await super().read(buffer_size)
        self.unheard += len(data)
        if self.unheard > limits.STREAM_ANSWER_BYTES_MAX:
            raise ConnectionResetError("it sent more than was asked for")
        return data


class NatsLine(Line):
    def __init__(self, wire: _Wire) -> None:
        super().__init__()
        self._wire, self._client = wire, Client()
        self._client._transport = wire
        self._denied = ""

    async def begin(self, servers: Servers, host: str, port: int, tls: ssl.SSLContext) -> None:
        login = {"user": servers.user, "password": servers.password} if servers.user else {"token": servers.password}
        try:
            await self._client.connect(
                [f"nats://{host if ':' not in host else f'[{host}]'}:{port}"],
                name="Regulars",
                allow_reconnect=False,
                tls=tls,
                tls_hostname=host,
                connect_timeout=limits.CONNECT_TIMEOUT_S,
                error_cb=self._told,
                closed_cb=self._closed,
                **(login if servers.password else {}),
            )
        except nats.errors.Error as error:
            words = str(error).removeprefix("nats: ").strip("'")
            if "uthoriz" in words or "uthentic" in words:
                raise Refused(401, words) from None
            raise Garbled from error
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise Garbled from error
        self._stream: JetStreamContext = self._client.jetstream()

    async def _told(self, error: Exception) -> None:
        if "ermissions" in str(error):
            self._denied = str(error).removeprefix("nats: ").strip("'")

    async def _closed(self) -> None:
        self.lose(ConnectionResetError("the connection was closed"))

    async def _publish(self, message: Publication) -> str:
        headers = {"Nats-Expected-Stream": _NOBODYS} if message.trial else message.headers
        try:
            taken = await self._stream.publish(
                message.subject, message.body, timeout=limits.CALL_TIMEOUT_S - 1, headers=headers
            )
        except nats.js.errors.NoStreamResponseError:
            raise Refused(503, f"no stream of JetStream takes the subject {message.subject}") from None
        except nats.js.errors.APIError as no:
            if message.trial and no.err_code == _OTHER_STREAM:
                return ""
            raise Refused(no.code or 500, no.description or "an error without words") from None
        except nats.errors.MaxPayloadError:
            raise Refused(413, "the message is larger than the server takes") from None
        except nats.errors.TimeoutError:
            denied, self._denied = self._denied, ""
            if denied:
                raise Refused(403, denied) from None
            raise TimeoutError from None
        except nats.errors.Error as error:
            raise ConnectionResetError(str(error)) from None
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise Garbled from error
        self._wire.unheard = 0
        return f"stream {taken.stream}, sequence {taken.seq}{', known already' if taken.duplicate else ''}"

    async def close(self) -> None:
        try:
            async with asyncio.timeout(limits.CONNECT_TIMEOUT_S):
                await self._client.close()
        except (nats.errors.Error, OSError):
            self._wire.close()


async def open_line(servers: Servers, dialer: Dialer, deadline_s: float) -> NatsLine:
    """To the first of them that takes us. Raises Refused, Garbled, TimeoutError and OSError."""
    failed: Exception = NotReached("connect", "no server is named.")
    for host, port in servers.each:
        for address in await dialer.addresses(host, port):
            wire = _Wire(servers.secure)
            line = NatsLine(wire)
            try:
                await wire.dial(address, port, min(limits.CONNECT_TIMEOUT_S, deadline_s / 2))
                await line.begin(servers, host, port, dialer.tls)
                return line
            except (Garbled, OSError) as error:
                failed = error
                wire.close()
            except BaseException:
                wire.close()
                raise
    raise failed
