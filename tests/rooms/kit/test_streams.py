"""Into streams: what is dialled and what is not, and how a connection ends."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from regulars import sandbox
from regulars.kit.http import Answer, NoAnswer
from regulars.kit.mail import Outside
from regulars.kit.streams import Publication, Servers, publication
from regulars.sandbox import Fault, Sandbox

LOGIN = {"password": "sandbox-token"}
BODY = b'{"type":"x","timestamp":"y","data":{}}'


@pytest.fixture
async def there() -> AsyncIterator[Sandbox]:
    async with sandbox.running() as running:
        yield running


def message(kind: str, at: str, *, secure: bool = False, n: int = 1, **more: str) -> Publication:
    servers = Servers(kind, at, secure, **more)  # type: ignore[arg-type]
    headers = {"webhook-id": str(n), "Nats-Msg-Id": str(n)}
    return publication(servers, "regulars.x" if kind == "nats" else "regulars", headers, BODY, key=b"asha")


async def test_one_connection_serves_all_and_the_next_is_made_when_it_broke(there: Sandbox) -> None:
    at = f"127.0.0.1:{there.nats_port}"
    async with Outside(allow_loopback=True) as http:
        ends = await asyncio.gather(*(http.send(message("nats", at, n=n, **LOGIN)) for n in range(300)))
        assert all(isinstance(end, Answer) and end.status == 200 for end in ends)
        again = await http.send(message("nats", at, n=7, **LOGIN))
        assert isinstance(again, Answer)
        assert b"known already" in again.body
        there.faults.put(Fault("nats", "close", times=1))
        broken = await asyncio.gather(*(http.send(message("nats", at, n=n, **LOGIN)) for n in range(300, 310)))
        assert all(isinstance(end, NoAnswer) and end.unclear for end in broken), "all that were out, and at once"
        assert isinstance(await http.send(message("nats", at, n=300, **LOGIN)), Answer)
    assert there.memory.counts["nats"]["events"] == 301


async def test_a_password_goes_nowhere_but_over_a_secure_connection(there: Sandbox) -> None:
    at = f"127.0.0.1:{there.nats_port}"
    async with Outside(allow_loopback=True, deadline_s=5) as http:
        end = await http.send(message("nats", at, secure=True, **LOGIN))
        assert isinstance(end, NoAnswer)
        assert end.kind == "tls"
        refused = await http.send(message("nats", at, password="wrong"))
        assert isinstance(refused, Answer)
        assert refused.status == 401
    assert there.memory.counts["nats"]["calls"] == 0


@pytest.mark.parametrize("kind", ["nats", "kafka"])
async def test_what_is_not_public_is_not_dialled_nor_another_machine_without_tls(kind: str, there: Sandbox) -> None:
    found = {"inside.example": ["10.0.0.9"], "outside.example": ["93.184.216.34"]}

    async def resolve(host: str) -> list[str]:
        return found[host]

    async with Outside(allow_loopback=False, resolve=resolve, deadline_s=5) as http:
        for at, secure in (
            ("inside.example:4222", True),
            ("127.0.0.1:4222", False),
            ("outside.example:4222", False),
            ("outside.example:25", True),
        ):
            end = await http.send(message(kind, at, secure=secure))
            assert isinstance(end, NoAnswer), end
            assert end.kind == "refused_address", end
            assert end.detail.startswith(at.partition(":")[0])


def text(said: str) -> bytes:
    return struct.pack(">h", len(said)) + said.encode()


@asynccontextmanager
async def broker(advertised: str, rounds: int = 1) -> AsyncIterator[tuple[int, list[int]]]:
    """A broker of one topic, as far as writing to it goes, which says that it is found at another name. What it was
    asked for, by the number of the question."""
    asked: list[int] = []
    port = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := await reader.read(4):
            question = await reader.readexactly(struct.unpack(">i", size)[0])
            kind, _, number = struct.unpack(">hhi", question[:8])
            asked.append(kind)
            at = text(advertised) + struct.pack(">ihi", port, -1, 1)
            partition = struct.pack(">hii ii ii", 0, 0, 1, 1, 1, 1, 1)
            first = re.search(rb"r=([0-9a-f]+)", question)
            words = b"r=%b1,s=AAAA,i=%d" % (first[1] if first else b"", rounds)
            answer = {
                17: struct.pack(">hi", 0, 1) + text("SCRAM-SHA-256"),
                36: struct.pack(">hhi", 0, -1, len(words)) + words,
                18: struct.pack(">hi", 0, 5) + struct.pack(">15h", 0, 0, 7, 3, 1, 1, 17, 0, 1, 18, 0, 0, 36, 0, 0),
                3: struct.pack(">ii", 1, 1)
                + at
                + struct.pack(">ih", 1, 0)
                + text("regulars")
                + struct.pack(">bi", 0, 1)
                + partition,
                0: struct.pack(">i", 1) + text("regulars") + struct.pack(">iihqqqi", 1, 0, 0, 41, -1, 0, 0),
            }[kind]
            writer.write(struct.pack(">ii", len(answer) + 4, number) + answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        yield port, asked


@pytest.mark.parametrize("leads_to", ["127.0.0.1", "10.0.0.9"])
async def test_where_a_broker_says_that_others_are_is_checked_too(leads_to: str) -> None:
    async def resolve(host: str) -> list[str]:
        assert host == "broker.example"
        return [leads_to]

    async with (
        broker("broker.example") as (port, asked),
        Outside(allow_loopback=True, deadline_s=2, resolve=resolve) as http,
    ):
        end = await http.send(message("kafka", f"127.0.0.1:{port}"))
    if leads_to == "127.0.0.1":
        assert isinstance(end, Answer), end
        assert (end.status, end.body) == (200, b"partition 0, offset 41")
        assert 0 in asked
    else:
        assert isinstance(end, NoAnswer), end
        assert end.kind == "refused_address"
        assert 0 not in asked


async def test_a_broker_that_would_have_us_hash_for_ever_is_refused() -> None:
    login = {"user": "regulars", "password": "secret", "mechanism": "SCRAM-SHA-256"}
    async with broker("127.0.0.1", rounds=2**31 - 1) as (port, _), Outside(allow_loopback=True, deadline_s=2) as http:
        end = await http.send(message("kafka", f"127.0.0.1:{port}", **login))
    assert isinstance(end, Answer), end
    assert (end.status, b"2,147,483,647 times" in end.body) == (401, True)
