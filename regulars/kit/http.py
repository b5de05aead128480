"""The only module that calls out: one request, one answer, within one deadline.

It promises that nothing the other side does can hurt: whatever happens comes back as a value (`Answer` or `NoAnswer`)
within the deadline, a bounded part of an answer is held, and no address is dialled that was not
checked. The host's name is resolved here, every address it has is checked, and a checked one is dialled, so a name that
resolves to something else a moment later changes nothing (DNS rebinding). No redirects, no cookies, no proxies from the
environment, no decompression.

It does not know what an answer means, nor when to try again: that is delivery's.

Per origin (scheme, host, port) there is one pool of connections (`kit.wires`), kept while its resolution is fresh, so
that a call usually costs no look-up and no handshake.
"""

import asyncio
import re
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import ip_address
from types import TracebackType
from typing import Protocol, Self

import certifi
import msgspec
import structlog
from pyreqwest.http import Url

from regulars import limits
from regulars.kit import addresses
from regulars.kit.wires import Lost, NoAnswerKind, Wires

_log = structlog.get_logger()


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


class _Aim(msgspec.Struct, frozen=True):
    """A URL as it was understood. `head` is how a call to it begins, after the method."""

    host: str
    port: int
    secure: bool
    named: bool
    origin: str
    head: str


class _Route:
    """The connections for one origin, to the first of its checked addresses."""

    __slots__ = ("addresses", "fresh_until", "wires")

    def __init__(self, addresses_checked: list[str], wires: Wires, fresh_until: float) -> None:
        self.addresses = addresses_checked
        self.wires = wires
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
        self._tls: ssl.SSLContext | None = None
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
            route.wires.close()
        self._routes.clear()

    async def send(self, request: Request) -> Answer | NoAnswer:
        """Raises ValueError when the request itself can't be written (a line break in a header): a bug of whoever
        rendered it. Cancelling it closes the connection."""
        began = time.monotonic()
        aim = _aim(request.url)
        if isinstance(aim, str):
            return ended("refused_address", aim, began)
        said = _written(aim, request)
        route = self._routes.get(aim.origin)
        if route is None or route.fresh_until < began:
            found = await self._find_route(aim, began)
            if isinstance(found, NoAnswer):
                return found
            route = found
        for _ in range(limits.ADDRESSES_TRIED_MAX):
            wires = route.wires
            try:
                came = await wires.call(said, request.answer_bytes_max, self._rest_s(began))
                return Answer(came.status, came.headers, came.body, _since_ms(began))
            except Lost as lost:
                end = _lost(lost, aim.host, began)
            # Nothing was sent: another address of the same name may answer, now or at the next call.
            if end.kind not in ("connect", "timeout_before_sent") or len(route.addresses) == 1:
                return end
            if route.wires is wires:
                wires.give_up()
                route.addresses.append(route.addresses.pop(0))
                route.wires = self._wires(aim, route.addresses[0])
        return end

    def _rest_s(self, began: float) -> float:
        """What is left of the deadline, in seconds; a little more than nothing when it has passed."""
        return max(self._deadline_s - (time.monotonic() - began), 0.001)

    async def _find_route(self, aim: _Aim, began: float) -> _Route | NoAnswer:
        """Whoever asks for an origin while it is looked up waits for the same look-up."""
        task = self._looking.get(aim.origin)
        if task is None:
            task = self._looking[aim.origin] = asyncio.create_task(self._look_up(aim))
            task.add_done_callback(lambda _: self._looking.pop(aim.origin))
        try:
            async with asyncio.timeout(self._rest_s(began)):
                found = await asyncio.shield(task)
        except TimeoutError:
            return ended("dns", f"{aim.host} could not be looked up in {self._deadline_s:g} s.", began)
        return ended(found.kind, found.detail, began) if isinstance(found, Unreachable) else found

    async def _look_up(self, aim: _Aim) -> _Route | Unreachable:
        found = await self.checked(aim.host)
        if isinstance(found, Unreachable):
            return found
        fresh_until = time.monotonic() + self._dns_fresh_s if aim.named else float("inf")
        route = self._routes.get(aim.origin)
        if route is not None and route.addresses[0] in found:
            route.addresses[1:] = [address for address in found if address != route.addresses[0]]
            route.fresh_until = fresh_until
        else:
            if route is not None:
                route.wires.give_up()
            route = self._routes[aim.origin] = _Route(found, self._wires(aim, found[0]), fresh_until)
        self._routes.move_to_end(aim.origin)
        if len(self._routes) > limits.HTTP_CLIENTS_MAX:
            self._routes.popitem(last=False)[1].wires.give_up()
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

    def _wires(self, aim: _Aim, address: str) -> Wires:
        """To `address`, whatever the system's resolver would say."""
        return Wires(address, aim.port, self.context() if aim.secure else None, aim.host.strip("[]."), self._connect_s)

    def context(self) -> ssl.SSLContext:
        """The system's authorities, Mozilla's where it has none, and the one that was added."""
        if self._tls is None:
            self._tls = ssl.create_default_context(cadata=self._trusted_pem.decode() if self._trusted_pem else None)
            self._tls.load_default_certs()
            self._tls.load_verify_locations(certifi.where())
        return self._tls


_names_header = lru_cache(limits.HEADER_NAMES_REMEMBERED_MAX)(re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch)


def _written(aim: _Aim, request: Request) -> bytes:
    """The call as it goes out. Raises ValueError."""
    lines, headers = [f"{request.method}{aim.head}"], request.headers
    if "accept" not in headers and "Accept" not in headers:
        lines.append("accept: */*")
    if request.body or request.method != "GET":
        lines.append(f"content-length: {len(request.body)}")
    for name, value in headers.items():
        if not _names_header(name):
            raise ValueError(f"a header can't be named {name!r}")
        lines.append(f"{name}: {value}")
    text = "\r\n".join(lines)
    ends = aim.head.count("\n") + len(lines) - 1
    if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
        raise ValueError("a header holds a line break or a NUL")
    return text.encode() + b"\r\n\r\n" + request.body


def _lost(lost: Lost, host: str, began: float) -> NoAnswer:
    says = {"connect": "no connection to {}: ", "tls": "no secure connection to {}: "}
    return ended(lost.kind, says.get(lost.kind, "{} ").format(host) + lost.why, began)


@lru_cache(maxsize=limits.URLS_REMEMBERED_MAX)
def _aim(text: str) -> _Aim | str:
    """The URL as it was understood, or what is wrong with it, as a sentence. Remembered: to read it anew costs
    a tenth of a call."""
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
    target = url.path if url.query_string is None else f"{url.path}?{url.query_string}"
    says = (f" {target} HTTP/1.1", f"host: {url.authority}", "user-agent: Regulars/1.0")
    host, secure = url.host_str or "", url.scheme == "https"
    known_port = url.port_or_known_default or 0
    return _Aim(host, known_port, secure, url.domain is not None, url.origin_ascii, "\r\n".join(says))


def url_refusal(text: str) -> str | None:
    """What is wrong with `text` as an address to call, as a sentence, before any look-up; None when nothing is."""
    aim = _aim(text)
    if isinstance(aim, str):
        return aim
    if not (aim.secure or addresses.is_this_machine(aim.host)):
        return "What is sent holds secrets and customers: expected https, but for an address of this machine itself."
    return None


def ended(kind: NoAnswerKind, detail: str, began: float) -> NoAnswer:
    return NoAnswer(kind, detail, _since_ms(began))


def _since_ms(began: float) -> int:
    return round((time.monotonic() - began) * 1_000)
