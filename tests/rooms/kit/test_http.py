"""Whatever the other side does comes back as a value, in time, without hurting us."""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from regulars import limits, sandbox
from regulars.kit.http import Answer, Http, NoAnswer, Request

DEADLINE_S = 0.6


@pytest.fixture
async def look_alikes() -> AsyncIterator[sandbox.Sandbox]:
    async with sandbox.running() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(allow_loopback=True, deadline_s=DEADLINE_S) as client:
        yield client


@asynccontextmanager
async def serving(
    *parts: bytes, host: str = "127.0.0.1", pause_s: float = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port of a server that answers each call with these bytes, then closes."""

    answering: set[asyncio.Task[None] | None] = set()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    server = await asyncio.start_server(respond, host, 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*(task for task in answering if task is not None))


def post(url: str) -> Request:
    return Request("POST", url, {"content-type": "application/json", "webhook-id": "1"}, b'{"a":1}')


async def test_an_answer_comes_back_with_status_headers_and_body(look_alikes: sandbox.Sandbox, http: Http) -> None:
    answer = await http.send(post(f"{look_alikes.base_url}/webhook/any"))

    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b'{"ok":true}')
    assert answer.headers["content-type"] == "application/json"
    call = look_alikes.memory.newest[-1].call
    assert (call.method, call.body, call.headers["user-agent"]) == ("POST", b'{"a":1}', "Regulars/1.0")
    assert "accept-encoding" not in call.headers, "an answer that is not compressed can't be a decompression bomb"


@pytest.mark.parametrize(
    ("fault", "kind", "unclear"),
    [
        ("hang", "timeout_after_sent", True),
        ("reset", "reset", True),
        ("close", "reset", True),
        ("garbage", "garbage", True),
        ("truncated", "reset", True),
    ],
)
async def test_a_fault_is_a_value(
    look_alikes: sandbox.Sandbox, http: Http, fault: sandbox.faults.Name, kind: str, unclear: bool
) -> None:
    look_alikes.faults.put(sandbox.Fault("webhook", fault, times=1))

    end = await http.send(post(f"{look_alikes.base_url}/webhook/any"))

    assert isinstance(end, NoAnswer), end
    assert (end.kind, end.unclear) == (kind, unclear)
    assert end.detail.endswith(".")
    assert isinstance(await http.send(post(f"{look_alikes.base_url}/webhook/any")), Answer), "the next call is well"


async def test_ten_megabytes_are_cut_and_the_rest_is_not_read(look_alikes: sandbox.Sandbox, http: Http) -> None:
    look_alikes.faults.put(sandbox.Fault("webhook", "huge", times=1))

    answer = await http.send(post(f"{look_alikes.base_url}/webhook/any"))

    assert isinstance(answer, Answer)
    assert answer.status == 200
    assert len(answer.body) == limits.ANSWER_BYTES_MAX


async def test_nul_bytes_come_through_as_they_are(look_alikes: sandbox.Sandbox, http: Http) -> None:
    look_alikes.faults.put(sandbox.Fault("webhook", "nul", times=1))

    answer = await http.send(post(f"{look_alikes.base_url}/webhook/any"))

    assert isinstance(answer, Answer)
    assert answer.body.startswith(b"\x00NUL\x00")


async def test_a_redirect_is_an_answer_and_is_not_followed(look_alikes: sandbox.Sandbox, http: Http) -> None:
    inside = f"{look_alikes.base_url}/webhook/inside"
    look_alikes.faults.put(sandbox.Fault("webhook", "redirect", times=1, location=inside))

    answer = await http.send(post(f"{look_alikes.base_url}/webhook/any"))

    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["location"]) == (302, inside)
    assert [received.call.path for received in look_alikes.memory.newest] == ["/webhook/any"]


async def test_nobody_listens(http: Http) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    end = await http.send(post(f"http://127.0.0.1:{port}/"))

    assert isinstance(end, NoAnswer)
    assert (end.kind, end.unclear) == ("connect", False)


async def test_a_name_that_does_not_exist(http: Http) -> None:
    end = await http.send(post("https://no-such-shop.invalid/hook"))

    assert isinstance(end, NoAnswer)
    assert (end.kind, end.unclear) == ("dns", False)
    assert "no-such-shop.invalid" in end.detail


async def test_a_cancelled_call_ends_at_once_and_the_next_is_well(look_alikes: sandbox.Sandbox, http: Http) -> None:
    look_alikes.faults.put(sandbox.Fault("webhook", "hang", times=1))
    call = asyncio.create_task(http.send(post(f"{look_alikes.base_url}/webhook/any")))
    async with asyncio.timeout(5):
        while not look_alikes.memory.newest:  # noqa: ASYNC110 - the sandbox runs on this very loop
            await asyncio.sleep(0)

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert isinstance(await http.send(post(f"{look_alikes.base_url}/webhook/any")), Answer)


async def test_headers_that_are_not_ascii_do_no_harm(http: Http) -> None:
    answered = b"HTTP/1.1 200 OK\r\nx-name: caf\xe9\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n"
    async with serving(answered) as port:
        answer = await http.send(post(f"http://127.0.0.1:{port}/"))

    assert isinstance(answer, Answer)
    assert answer.headers == {"x-name": "\N{REPLACEMENT CHARACTER}", "x-a": "1, 2", "content-length": "0"}


@pytest.mark.parametrize(
    ("parts", "kind", "body"),
    [
        (
            [
                b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
                b"2\r\nde\r\n0\r\nx-late: 1\r\n\r\n",
            ],
            "",
            b"abcde",
        ),
        ([b"x-a: 1\r\n\r\nas long as", b" it lasts"], "", b"as long as it lasts"),
        ([b"content-length: 2\r\n\r\nokHTTP/1.1 500 Not asked\r\ncontent-length: 0\r\n\r\n"], "", b"ok"),
        ([b"x-a: " + b"a" * limits.ANSWER_HEAD_BYTES_MAX], "garbage", b""),
        ([b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"], "garbage", b""),
    ],
    ids=["in chunks", "without a length", "two for one", "headers without an end", "of two lengths"],
)
async def test_answers_of_every_form(http: Http, parts: list[bytes], kind: str, body: bytes) -> None:
    before = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
    async with serving(before + parts[0], *parts[1:], pause_s=0.01) as port:
        ends = [await http.send(post(f"http://127.0.0.1:{port}/")) for _ in range(2)]

    for end in ends:
        if kind:
            assert isinstance(end, NoAnswer), end
            assert end.kind == kind
        else:
            assert isinstance(end, Answer), end
            assert (end.status, end.body) == (200, body)
            assert "link" not in end.headers


async def test_a_connection_is_used_again_until_the_other_side_ends_it(http: Http) -> None:
    connections, closed = 0, asyncio.Event()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n1")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        closed.set()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    request = Request("POST", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, b"1")
    async with server:
        for n in range(9):
            assert isinstance(await http.send(request), Answer)
            if n % 3 == 2:
                await closed.wait()
                closed.clear()

    assert connections == 3


@pytest.mark.parametrize(
    "header", [("x-a", "1\r\nx-b: 2"), ("x-a: 1\r\nx-b", "2"), ("x-a", "1\n"), ("x a", "1"), ("x", "\0")]
)
async def test_a_header_can_hold_no_other(look_alikes: sandbox.Sandbox, http: Http, header: tuple[str, str]) -> None:
    name, value = header
    with pytest.raises(ValueError, match="header"):
        await http.send(Request("POST", f"{look_alikes.base_url}/webhook/any", {name: value}, b""))
    assert not look_alikes.memory.newest


async def test_what_is_asked_for_is_said_once_and_a_length_where_there_may_be_a_body(
    look_alikes: sandbox.Sandbox, http: Http
) -> None:
    said: list[tuple[str, dict[str, str]]] = [("GET", {}), ("POST", {"accept": "application/json"})]
    for method, headers in said:
        await http.send(Request(method, f"{look_alikes.base_url}/webhook/any", headers, b""))

    got, posted = (received.call.headers for received in look_alikes.memory.newest)
    assert (got["accept"], posted["accept"]) == ("*/*", "application/json")
    assert ("content-length" in got, posted["content-length"]) == (False, "0")


async def test_an_answer_that_drips_ends_at_the_deadline(http: Http) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"
    async with serving(head, *[b"a"] * 30, pause_s=0.05) as port:
        end = await http.send(post(f"http://127.0.0.1:{port}/"))

    assert isinstance(end, NoAnswer)
    assert end.kind == "timeout_after_sent"


CALLER = """
import asyncio, sys
from regulars.kit.http import Http, Request

async def main():
    async with Http(allow_loopback=True) as http:
        print((await http.send(Request("POST", sys.argv[1], {"webhook-id": "1"}, b""))).status)

asyncio.run(main())
"""


async def test_the_environment_can_put_no_proxy_between(look_alikes: sandbox.Sandbox) -> None:
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
    caller = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CALLER,
        f"{look_alikes.base_url}/webhook/any",
        env=os.environ | proxies,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await caller.communicate()

    assert printed.strip() == b"200"


def self_signed(
    name: str, *, until: datetime | None = None, key: ec.EllipticCurvePrivateKey | None = None, by: str = ""
) -> tuple[bytes, bytes]:
    """A certificate and its key, as PEM; signed with that key in the name of another, if one is named."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by or name))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(until or now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=not by, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, form, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return certificate.public_bytes(encoding), key.private_bytes(encoding, form, plain)


async def to_this_machine(host: str) -> list[str]:
    return ["127.0.0.1"]


async def test_a_certificate_must_be_trusted_and_fit_the_name(tmp_path: Path) -> None:
    certificate, key = self_signed("shop.example")
    pem = tmp_path / "server.pem"
    pem.write_bytes(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)

    answered = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
    async with (
        serving(answered, context=context) as port,
        Http(allow_loopback=True, deadline_s=5, trusted_pem=certificate, resolve=to_this_machine) as trusting,
        Http(allow_loopback=True, deadline_s=5, resolve=to_this_machine) as wary,
    ):
        good = await trusting.send(post(f"https://shop.example:{port}/"))
        other_name = await trusting.send(post(f"https://other.example:{port}/"))
        untrusted = await wary.send(post(f"https://shop.example:{port}/"))

    assert isinstance(good, Answer), good
    assert isinstance(other_name, NoAnswer)
    assert isinstance(untrusted, NoAnswer)
    assert (other_name.kind, untrusted.kind) == ("tls", "tls")


async def test_a_certificate_that_expires_is_said_to_have_and_its_next_one_is_taken(tmp_path: Path) -> None:
    """By the outcome it is tried again: see the conformance of carriers."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.num_tickets = 0  # each handshake is a new one
    key = ec.generate_private_key(ec.SECP256R1())
    pem, (authority, private) = tmp_path / "server.pem", self_signed("authority.example", key=key)
    good, gone = (
        self_signed("shop.example", until=until, key=key, by="authority.example")[0]
        for until in (None, datetime.now(UTC) - timedelta(seconds=1))
    )

    def present(certificate: bytes) -> None:
        pem.write_bytes(certificate + private)
        context.load_cert_chain(pem)

    answered = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
    ends = []
    async with (
        serving(answered, context=context) as port,
        Http(allow_loopback=True, deadline_s=5, trusted_pem=authority, resolve=to_this_machine) as http,
    ):
        for certificate in (good, gone, good):
            present(certificate)
            ends.append(await http.send(post(f"https://shop.example:{port}/")))
    before, expired, renewed = ends
    assert isinstance(before, Answer), before
    assert isinstance(expired, NoAnswer)
    assert expired.kind == "tls"
    assert "expired" in expired.detail.lower()
    assert isinstance(renewed, Answer), renewed


async def test_a_name_that_is_served_by_another_of_its_addresses_is_reached(look_alikes: sandbox.Sandbox) -> None:
    """Nobody listens at the first one."""

    async def resolve(host: str) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    port = look_alikes.base_url.rpartition(":")[2]
    async with Http(allow_loopback=True, deadline_s=5, resolve=resolve) as http:
        answer = await http.send(post(f"http://shop.example:{port}/webhook/any"))

    assert isinstance(answer, Answer), answer


async def test_a_name_that_moves_is_followed_once_its_resolution_is_stale(look_alikes: sandbox.Sandbox) -> None:
    addresses = ["127.0.0.1"]

    async def resolve(host: str) -> list[str]:
        return addresses

    url = f"http://shop.example:{look_alikes.base_url.rpartition(':')[2]}/webhook/any"
    async with Http(allow_loopback=True, deadline_s=5, resolve=resolve, dns_fresh_s=0) as http:
        assert isinstance(await http.send(post(url)), Answer)
        addresses = ["10.0.0.1"]
        end = await http.send(post(url))

    assert isinstance(end, NoAnswer)
    assert end.kind == "refused_address"
