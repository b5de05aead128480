"""The only module that calls out: one request, one answer, within one deadline.

It promises that nothing the other side does can hurt: whatever happens comes back as a value (`Answer` or `NoAnswer`)
within the deadline, a bounded part of an answer is held, and no address is dialled that was not
checked. The host's name is resolved here, every address it has is checked, and the client is tied to a checked one, so
a name that resolves to something else a moment later changes nothing (DNS rebinding). No redirects, no cookies, no
proxies from the environment, no decompression.

It does not know what an answer means, nor when to try again: that is delivery's.

Per origin (scheme, host, port) there is one client with its pool of connections, kept while its resolution is fresh, so
that a call usually costs no look-up and no handshake.
"""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import certifi
import msgspec
import structlog
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BodyDecodeError, BuilderError, DecodeError, RequestError, RequestTimeoutError
from pyreqwest.http import Url
from pyreqwest.response import Response

from regulars import limits
from regulars.kit import addresses

_log = structlog.get_logger()

NoAnswerKind = Literal[
    "connect", "dns", "tls", "timeout_before_sent", "timeout_after_sent", "reset", "refused_address", "garbage"
]


class Request(msgspec.Struct, frozen=True, gc=False):
    """One call, complete: sending it twice sends the same bytes. At most `answer_bytes_max` of its answer are held.

    `secret_headers` names the headers (as spelt in `headers`) whose values are shown as dots wherever the call is kept.
    `note`: what was made to fit, for whoever looks at what was sent. `then` is the call that follows when this one went
    well, `otherwise` the one that is made in its place where it is refused as a stranger's.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    secret_headers: frozenset[str] = frozenset()
    answer_bytes_max: int = limits.ANSWER_BYTES_MAX
    note: str = ""
    then: "Request | None" = None
    otherwise: "Request | None" = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What the other side said. Header names are in lower case; the body is cut."""

    status: int
    headers: dict[str, str]
    body: bytes
    duration_ms: int


class NoAnswer(msgspec.Struct, frozen=True, gc=False):
    """Why there is no answer. `detail` is a sentence for people.

    connect              nobody listens, or the network did not let us through: nothing was sent
    dns                  the name has no address: nothing was sent
    tls                  no trusted encrypted connection: nothing was sent
    timeout_before_sent  the deadline passed before a connection stood: nothing was sent
    timeout_after_sent   the deadline passed while waiting: it may have been received
    reset                the connection broke after it stood: it may have been received
    refused_address      the URL leads to an address that must not be called: nothing was sent
    garbage              what came back is not HTTP: it may have been received
    """

    kind: NoAnswerKind
    detail: str
    duration_ms: int

    @property
    def unclear(self) -> bool:
        """The call may have been received, so that sending it again may do its work twice."""
        return self.kind in ("timeout_after_sent", "reset", "garbage")


class Sender(Protocol):
    async def send(self, request: Request) -> Answer | NoAnswer:
        """Never raises for a fault of the outside world; ends within the deadline."""
        ...


class Unreachable(msgspec.Struct, frozen=True):
    """A route that can't be had, and why; not kept, so that the next call looks again."""

    kind: NoAnswerKind
    detail: str


class _Route:
    """The client for one origin, tied to the first of its checked addresses."""

    __slots__ = ("addresses", "client", "fresh_until")

    def __init__(self, addresses_checked: list[str], client: Client, fresh_until: float) -> None:
        self.addresses = addresses_checked
        self.client = client
        self.fresh_until = fresh_until


class Http:
    """Calls out. One per process; used as an async context manager.

    `allow_loopback` permits this machine's own addresses (the sandbox, tests), nothing else that is private.
    `trusted_pem` adds a certificate authority to those of the system. `resolve` stands in for the system's way from a
    name to its addresses; it raises OSError when there are none.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool,
        deadline_s: float = limits.CALL_TIMEOUT_S,
        dns_fresh_s: float = limits.DNS_FRESH_S,
        trusted_pem: bytes | None = None,
        resolve: Callable[[str], Awaitable[list[str]]] | None = None,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._deadline_s = deadline_s
        self._dns_fresh_s = dns_fresh_s
        # Shorter than the deadline, so that a deadline which passes later means: connected, and perhaps received.
        self._connect_s = min(limits.CONNECT_TIMEOUT_S, deadline_s / 2)
        self._trusted_pem = trusted_pem
        self._resolve = resolve or self._resolve_by_system
        self._routes: OrderedDict[str, _Route] = OrderedDict()
        self._looking: dict[str, asyncio.Task[_Route | Unreachable]] = {}
        # Threads of its own: a name server that hangs must not hold up whoever else uses the loop's threads.
        self._resolvers = ThreadPoolExecutor(limits.DNS_LOOKUPS_MAX, thread_name_prefix="dns")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Calls under way end with a NoAnswer."""
        for task in self._looking.values():
            task.cancel()
        self._resolvers.shutdown(wait=False, cancel_futures=True)
        for route in self._routes.values():
            await route.client.close()
        self._routes.clear()

    async def send(self, request: Request) -> Answer | NoAnswer:
        """Raises pyreqwest's BuilderError when the request itself can't be written (a line break in a header): a bug of
        whoever rendered it. Cancelling it closes the connection."""
        began = time.monotonic()
        target = _aim(request.url)
        if isinstance(target, str):
            return ended("refused_address", target, began)
        url, origin = target
        rest_s = None
        route = self._routes.get(origin)
        if route is None or route.fresh_until < began:
            found = await self._find_route(url, origin, began)
            if isinstance(found, NoAnswer):
                return found
            route = found
            rest_s = self._rest_s(began)
        for _ in range(limits.ADDRESSES_TRIED_MAX):
            client = route.client
            end = await _call(client, url, request, began, rest_s)
            if isinstance(end, Answer) or end.kind not in ("connect", "timeout_before_sent"):
                return end
            # Nothing was sent: another address of the same name may answer, now or at the next call.
            if len(route.addresses) == 1:
                return end
            if route.client is client:
                route.addresses.append(route.addresses.pop(0))
                route.client = self._client(url, route.addresses[0])
            rest_s = self._rest_s(began)
        return end

    def _rest_s(self, began: float) -> float:
        """What is left of the deadline, in seconds; a little more than nothing when it has passed."""
        return max(self._deadline_s - (time.monotonic() - began), 0.001)

    async def _find_route(self, url: Url, origin: str, began: float) -> _Route | NoAnswer:
        """Whoever asks for an origin while it is looked up waits for the same look-up."""
        task = self._looking.get(origin)
        if task is None:
            task = asyncio.create_task(self._look_up(url, origin))
            self._looking[origin] = task
            task.add_done_callback(lambda _: self._looking.pop(origin))
        try:
            async with asyncio.timeout(self._rest_s(began)):
                found = await asyncio.shield(task)
        except TimeoutError:
            return ended("dns", f"{url.host_str} could not be looked up in {self._deadline_s:g} s.", began)
        return ended(found.kind, found.detail, began) if isinstance(found, Unreachable) else found

    async def _look_up(self, url: Url, origin: str) -> _Route | Unreachable:
        host = url.host_str or ""
        found = await self.checked(host)
        if isinstance(found, Unreachable):
            return found
        fresh_until = float("inf") if url.domain is None else time.monotonic() + self._dns_fresh_s
        route = self._routes.get(origin)
        if route is not None and route.addresses[0] in found:
            route.addresses[1:] = [address for address in found if address != route.addresses[0]]
            route.fresh_until = fresh_until
        else:
            route = _Route(found, self._client(url, found[0]), fresh_until)
        self._routes[origin] = route
        self._routes.move_to_end(origin)
        if len(self._routes) > limits.HTTP_CLIENTS_MAX:
            # Not closed: calls under way keep their client alive, and its connections close when the last one ends.
            self._routes.popitem(last=False)
        return route

    async def checked(self, host: str) -> list[str] | Unreachable:
        """The addresses of a name, or the address that `host` is, each of which may be dialled."""
        try:
            found = [str(ip_address(host.strip("[]")))]
        except ValueError:
            try:
                found = await self._resolve(host)
            except (OSError, UnicodeError) as error:
                words = f"the name {host} has no address ({getattr(error, 'strerror', None) or error})."
                return Unreachable("dns", words)
        for address in found:
            why = addresses.refusal(address, allow_loopback=self._allow_loopback)
            if why is not None:
                # Who reads the refusal may not know the network inside; who reads the log does.
                _log.warning("address_refused", host=host, address=address, why=why)
                words = f"{host} leads to an address that is not on the public internet; it is not called."
                return Unreachable("refused_address", words)
        return found

    async def _resolve_by_system(self, host: str) -> list[str]:
        """Addresses without repeats, IPv4 first: a machine without a way out by IPv6 is common, the reverse is not."""
        infos = await asyncio.get_running_loop().run_in_executor(
            self._resolvers, lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        )
        infos.sort(key=lambda info: info[0] != socket.AF_INET)
        return list(dict.fromkeys(str(info[4][0]) for info in infos))

    def _client(self, url: Url, address: str) -> Client:
        """A client that dials `address` for this URL's host, whatever the system's resolver would say."""
        try:
            return self._builder(url, address, self._trusted_pem).build()
        except BuilderError:
            # The machine has no certificates of its own (a slim container): Mozilla's list stands in.
            bundled = Path(certifi.where()).read_bytes()
            return self._builder(url, address, bundled + (self._trusted_pem or b"")).build()

    def _builder(self, url: Url, address: str, trusted_pem: bytes | None) -> ClientBuilder:
        builder = (
            ClientBuilder()
            .no_proxy()
            .follow_redirects(False)
            .referer(False)
            .default_cookie_store(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .timeout(timedelta(seconds=self._deadline_s))
            .connect_timeout(timedelta(seconds=self._connect_s))
            .pool_idle_timeout(timedelta(seconds=limits.CONNECTION_IDLE_S))
            .pool_max_idle_per_host(limits.CONNECTIONS_IDLE_MAX)
            .user_agent("Regulars/1.0")
        )
        if url.domain is not None:
            builder = builder.resolve(url.domain, address, url.port_or_known_default or 0)
        if trusted_pem is not None:
            builder = builder.add_root_certificate_pem(trusted_pem)
        return builder


async def _call(client: Client, url: Url, request: Request, began: float, rest_s: float | None) -> Answer | NoAnswer:
    """One try at one address. `rest_s` replaces the client's own deadline where part of it is used up."""
    builder = client.request(request.method, request.url).headers(request.headers).body_bytes(request.body)
    if rest_s is not None:
        builder = builder.timeout(timedelta(seconds=rest_s))
    try:
        async with builder.streamed_read_buffer_limit(request.answer_bytes_max).build_streamed() as response:
            body = await _read(response, request.answer_bytes_max)
            return Answer(response.status, _headers(response), body, _since_ms(began))
    except BuilderError:
        raise
    except RequestError as error:
        kind, detail = _classify(error, url)
        return ended(kind, detail, began)


async def _read(response: Response, bytes_max: int) -> bytes:
    """The body, cut. Leaving the rest unread closes the connection, so that nobody can make us swallow it."""
    reader = response.body_reader
    length = response.get_header("content-length") or ""
    if length.isdigit() and len(length) < 12 and int(length) <= bytes_max:
        return bytes(await reader.bytes())
    parts: list[bytes] = []
    while bytes_max > 0 and (part := await reader.read(bytes_max)) is not None:
        parts.append(bytes(part))
        bytes_max -= len(part)
    return b"".join(parts)


def _headers(response: Response) -> dict[str, str]:
    try:
        pairs = list(response.headers.items())
    except ValueError:
        # A value that is not ASCII. The library shows no bytes of it, so only the readable ones are kept.
        pairs = [(name, value) for name in dict.fromkeys(response.headers) for value in _readable(response, name)]
    headers: dict[str, str] = {}
    for name, value in pairs:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _readable(response: Response, name: str) -> list[str]:
    try:
        return response.get_header_all(name)
    except ValueError:
        return ["\N{REPLACEMENT CHARACTER}"]


@lru_cache(maxsize=limits.URLS_REMEMBERED_MAX)
def _aim(text: str) -> tuple[Url, str] | str:
    """The URL as the client itself will read it, with its origin; or what is wrong with it, as a sentence.

    Remembered, because making the library's URL objects anew is a tenth of the cost of a call.
    """
    try:
        url = Url(text)
    except ValueError:
        return "This is not the address of a page: expected one such as https://tool.example/hook."
    if url.scheme not in ("http", "https"):
        return f"{url.scheme} addresses can't be called; expected https or http."
    if url.username or url.password is not None:
        return "The address holds a user name or password; it is not called."
    port = url.port
    if port is not None and port < 1024 and port not in (80, 443):
        return f"Port {port} belongs to another service; expected 80, 443, or 1024 and above."
    return url, url.origin_ascii


def url_refusal(text: str) -> str | None:
    """What is wrong with `text` as an address to call, as a sentence, before any look-up; None when nothing is."""
    target = _aim(text)
    if isinstance(target, str):
        return target
    if target[0].scheme != "https" and not addresses.is_this_machine(target[0].host_str or ""):
        return "What is sent holds secrets and customers: expected https, but for an address of this machine itself."
    return None


def _classify(error: RequestError, url: Url) -> tuple[NoAnswerKind, str]:
    """The library's classes don't tell a connection that never stood from one that broke; its chain of causes does."""
    causes = [cause["message"] for cause in error.details.get("causes") or []]
    last = causes[-1] if causes else error.message
    connecting = "client error (Connect)" in causes
    host = url.host_str
    if isinstance(error, RequestTimeoutError):
        if connecting:
            return "timeout_before_sent", f"{host} let no connection be made in time."
        return "timeout_after_sent", f"{host} did not answer in time."
    if connecting:
        if url.scheme == "https" and "tcp connect error" not in causes:
            return "tls", f"no secure connection to {host}: {last}."
        return "connect", f"no connection to {host}: {last}."
    if isinstance(error, BodyDecodeError) and "end of file" in last:
        return "reset", f"{host} closed the connection in the middle of its answer."
    if isinstance(error, DecodeError):
        return "garbage", f"{host} answered something that is not HTTP: {last}."
    return "reset", f"{host} closed the connection without an answer: {last}."


def ended(kind: NoAnswerKind, detail: str, began: float) -> NoAnswer:
    return NoAnswer(kind, detail, _since_ms(began))


def _since_ms(began: float) -> int:
    return round((time.monotonic() - began) * 1_000)
