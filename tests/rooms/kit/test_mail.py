"""Mail, as HTTP: whatever the server does comes back as a value, and nothing but a checked address is dialled."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Session

from regulars import limits, sandbox
from regulars.kit.http import Answer, NoAnswer
from regulars.kit.mail import Envelope, Outside, Security, Server, envelope
from regulars.sandbox import Fault, Sandbox, inbox
from tests.rooms.kit.test_http import self_signed, to_this_machine

DATA = (
    b"From: Cups <hello@shop.example>\r\nTo: a@b.example\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <%d@shop.example>\r\nSubject: Hi\r\n\r\nOne\r\n.two\r\n..three\r\n"
)


@pytest.fixture
async def mails() -> AsyncIterator[Sandbox]:
    async with sandbox.running() as running:
        yield running


@pytest.fixture
async def post() -> AsyncIterator[Outside]:
    async with Outside(allow_loopback=True, deadline_s=1.5) as client:
        yield client


def mail(mails: Sandbox, to: str, n: int = 1, password: str = "sandbox", host: str = "127.0.0.1") -> Envelope:
    server = Server(host, mails.mail_port, "none", "shop-1", password)
    return envelope(server, "hello@shop.example", to, DATA % n)


def said(end: Answer | NoAnswer) -> tuple[int, str]:
    assert isinstance(end, Answer), end
    return end.status, end.headers["command"]


def kind(end: Answer | NoAnswer) -> str:
    assert isinstance(end, NoAnswer), end
    return end.kind


async def test_a_mail_arrives_as_it_was_and_connections_are_used_again(mails: Sandbox, post: Outside) -> None:
    connected = 0
    before = SMTP.connection_made

    def counted(self: SMTP, transport: asyncio.BaseTransport) -> None:
        nonlocal connected
        connected += 1
        before(self, transport)

    SMTP.connection_made = counted  # type: ignore[method-assign]
    try:
        for n in range(5):
            assert said(await post.send(mail(mails, "asha@shop.example", n))) == (250, "message")
    finally:
        SMTP.connection_made = before  # type: ignore[method-assign]
    assert connected == 1
    first = mails.shop("shop-1").memory.messages[0]
    assert (first.to, first.subject, first.text.split()) == ("asha@shop.example", "Hi", ["One", ".two", "..three"])
    assert not mails.memory.messages, "a shop sees its own mail alone"
    assert said(await post.send(envelope(mail(mails, "").server, "hello@shop.example"))) == (250, "NOOP")


@pytest.mark.parametrize("together", [True, False])
async def test_each_reply_says_what_it_was_the_reply_to(
    mails: Sandbox, post: Outside, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def greets(_: object, __: SMTP, session: Session, ___: object, name: str, replies: list[str]) -> list[str]:
        session.host_name = name
        return [replies[0], "250-PIPELINING", *replies[1:]]

    if together:
        monkeypatch.setattr(inbox._Taken, "handle_EHLO", greets, raising=False)
    assert said(await post.send(mail(mails, "nobody@shop.example"))) == (550, "RCPT TO")
    assert said(await post.send(mail(mails, "later@shop.example"))) == (451, "RCPT TO")
    assert said(await post.send(mail(mails, "later@shop.example"))) == (250, "message")
    assert said(await post.send(mail(mails, "a@shop.example", password="wrong"))) == (535, "AUTH")
    lacking = envelope(mail(mails, "").server, "hello@shop.example", "a@shop.example", b"Subject: x\r\n\r\nx\r\n")
    assert said(await post.send(lacking)) == (550, "message")
    assert said(await post.send(mail(mails, "asha@shop.example", 3))) == (250, "message")
    assert {line.together for lines in post._lines.values() for line in lines} == {together}


async def test_no_reply_after_it_was_handed_over_is_unclear_and_none_before_is_not(
    mails: Sandbox, post: Outside
) -> None:
    dropped = await post.send(mail(mails, "drop@shop.example"))
    assert (kind(dropped), dropped.unclear) == ("reset", True)  # type: ignore[union-attr]
    shop = mails.shop("shop-1")
    shop.faults.put(Fault(tool="smtp", fault="slow", times=1, seconds=5))
    slow = await post.send(mail(mails, "a@shop.example", 2))
    assert (kind(slow), slow.unclear) == ("timeout_after_sent", True)  # type: ignore[union-attr]
    nobody_there = Server("127.0.0.1", 1, "none")
    refused = await post.send(envelope(nobody_there, "hello@shop.example", "a@b.example", DATA % 1))
    assert (kind(refused), refused.unclear) == ("connect", False)  # type: ignore[union-attr]

    callers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, caller: callers.append(caller), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    mute = await post.send(envelope(Server("127.0.0.1", port, "none"), "a@b.example", "c@d.example", DATA % 1))
    assert (kind(mute), mute.unclear) == ("timeout_before_sent", False)  # type: ignore[union-attr]
    silent.close()
    for caller in callers:
        caller.close()


# The library of the look-alike lets a connection be that was closed without a word.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_connection_that_the_server_gave_up_is_made_anew(mails: Sandbox, post: Outside) -> None:
    assert said(await post.send(mail(mails, "asha@shop.example", 1)))[0] == 250
    (lines,) = post._lines.values()
    lines[0].smtp.protocol.transport.close()  # type: ignore[union-attr]
    assert said(await post.send(mail(mails, "asha@shop.example", 2)))[0] == 250
    assert len(mails.shop("shop-1").memory.messages) == 2


async def test_an_idle_connection_is_closed(mails: Sandbox, post: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECTION_IDLE_S", 0.05)
    await post.send(mail(mails, "asha@shop.example"))
    async with asyncio.timeout(5):
        while post._lines:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


async def test_only_checked_addresses_are_dialled_and_the_open_only_on_this_machine(mails: Sandbox) -> None:
    async def resolve(host: str) -> list[str]:
        return {"inside.example": ["10.0.0.7"], "mixed.example": ["93.184.215.14", "127.0.0.1"]}[host]

    async with Outside(allow_loopback=False, deadline_s=1.5, resolve=resolve) as wary:
        for host in ("127.0.0.1", "inside.example", "mixed.example", "169.254.169.254"):
            assert kind(await wary.send(mail(mails, "a@b.example", host=host))) == "refused_address"
    async with Outside(allow_loopback=True, deadline_s=1.5, resolve=resolve) as trying:
        assert kind(await trying.send(mail(mails, "a@b.example", host="mixed.example"))) == "refused_address"
        assert kind(await trying.send(mail(mails, "a@b.example", host="93.184.215.14"))) == "refused_address"


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_secure_connection_is_one_to_the_servers_name(tmp_path: Path, security: Security) -> None:
    certificate, key = self_signed("mail.example")
    pem = tmp_path / "server.pem"
    pem.write_bytes(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)

    class Takes:
        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            return "250 OK"

    def connection() -> SMTP:
        started = {"tls_context": context, "require_starttls": True} if security == "starttls" else {}
        return SMTP(Takes(), loop=asyncio.get_running_loop(), **started)  # type: ignore[arg-type]

    of = context if security == "tls" else None
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0, ssl=of)
    port = server.sockets[0].getsockname()[1]
    async with (
        Outside(allow_loopback=True, deadline_s=5, trusted_pem=certificate, resolve=to_this_machine) as trusting,
        Outside(allow_loopback=True, deadline_s=5, resolve=to_this_machine) as wary,
    ):
        ends = [
            await by.send(envelope(Server(host, port, security), "a@mail.example", "b@mail.example", DATA % 1))
            for by, host in ((trusting, "mail.example"), (trusting, "other.example"), (wary, "mail.example"))
        ]
    server.close()
    assert said(ends[0]) == (250, "message")
    assert [kind(end) for end in ends[1:]] == ["tls", "tls"]
