"""No address is dialled that must not be."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from regulars import sandbox
from regulars.kit import addresses
from regulars.kit.http import Answer, Http, NoAnswer, Request, url_refusal

REFUSED = [
    "127.0.0.1",
    "127.8.9.10",
    "::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.254",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "2002:7f00:1::",
    "100::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "nonsense",
]

ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    assert addresses.refusal(address, allow_loopback=False)


@pytest.mark.parametrize("address", ALLOWED)
def test_allowed(address: str) -> None:
    assert addresses.refusal(address, allow_loopback=False) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_by_the_setting(address: str) -> None:
    assert addresses.refusal(address, allow_loopback=True) is None


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.1", "169.254.169.254", "::", "::ffff:10.0.0.1", "::127.0.0.1"])
def test_the_setting_allows_nothing_else(address: str) -> None:
    assert addresses.refusal(address, allow_loopback=True)


@pytest.fixture
async def look_alikes() -> AsyncIterator[sandbox.Sandbox]:
    async with sandbox.running() as running:
        yield running


HOSTS = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0x7f.1",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "0.0.0.0",
    "0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost%2e",
    "127.0.0.1.",
    "１２７.0.0.1",
    "127。0。0。1",
    "loc%61lhost",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_every_way_to_write_this_machine_is_refused(look_alikes: sandbox.Sandbox, host: str) -> None:
    port = look_alikes.base_url.rpartition(":")[2]
    async with Http(allow_loopback=False, deadline_s=5) as http:
        end = await http.send(Request("POST", f"http://{host}:{port}/webhook/any", {}, b""))

    assert isinstance(end, NoAnswer), end
    # A machine may not know every spelling as a name of its own; what matters is that nothing was dialled.
    assert end.kind in ("refused_address", "dns"), end
    assert not look_alikes.memory.newest


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.1", "2130706433", "loc%61lhost"])
async def test_the_setting_lets_the_sandbox_be_called(look_alikes: sandbox.Sandbox, host: str) -> None:
    port = look_alikes.base_url.rpartition(":")[2]
    async with Http(allow_loopback=True, deadline_s=5) as http:
        assert isinstance(await http.send(Request("POST", f"http://{host}:{port}/webhook/any", {}, b"")), Answer)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example/",
        "file:///etc/passwd",
        "http://",
        "not a url",
        "",
        "//shop.example/",
        "https://user@shop.example/",
        "https://user:word@shop.example/",
        "http://shop.example:22/",
        "http://shop.example:0/",
        "http://shop.example:99999/",
        "javascript:alert(1)",
    ],
)
async def test_urls_that_are_no_address_to_call(url: str) -> None:
    assert url_refusal(url)
    async with Http(allow_loopback=True) as http:
        end = await http.send(Request("POST", url, {}, b""))
    assert isinstance(end, NoAnswer)
    assert end.kind == "refused_address"


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook?a=1",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost:8080",
        "https://shop.example:8443",
        "https://münchen.example/",
    ],
)
def test_urls_that_may_be_given(url: str) -> None:
    assert url_refusal(url) is None


@pytest.mark.parametrize("url", ["http://shop.example/hook", "http://93.184.216.34/", "http://localhost.example/"])
def test_only_this_machine_is_called_without_encryption(url: str) -> None:
    assert "https" in (url_refusal(url) or "")


async def test_the_dialled_address_is_the_checked_one() -> None:
    """A name whose addresses change between the check and the call would get past a check; here the call goes to the
    address that was checked, whatever the name says by then. These names resolve nowhere at all."""

    async def resolve(host: str) -> list[str]:
        return ["127.0.0.1"]

    async with sandbox.running() as look_alikes, Http(allow_loopback=True, deadline_s=5, resolve=resolve) as http:
        port = look_alikes.base_url.rpartition(":")[2]
        for host in ("pinned.example", "PINNED.example", "pinned.example.", "münchen.example"):
            answer = await http.send(Request("POST", f"http://{host}:{port}/webhook/{len(host)}", {}, b""))
            assert isinstance(answer, Answer), (host, answer)
        assert len(look_alikes.memory.newest) == 4


async def test_one_private_address_among_public_ones_refuses_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    async def resolve(host: str) -> list[str]:
        return ["1.1.1.1", "10.0.0.1"]

    async with Http(allow_loopback=False, deadline_s=5, resolve=resolve) as http:
        end = await http.send(Request("POST", "https://mixed.example/", {}, b""))

    assert isinstance(end, NoAnswer)
    assert end.kind == "refused_address"
    assert "not on the public internet" in end.detail
    assert "10.0.0.1" not in end.detail, "which network is inside is not for who reads it"
    assert "10.0.0.1" in capsys.readouterr().out, "but for who runs the server"


async def test_a_name_server_that_hangs_ends_at_the_deadline_and_is_asked_once() -> None:
    asked = 0

    async def resolve(host: str) -> list[str]:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        raise AssertionError

    async with Http(allow_loopback=False, deadline_s=0.2, resolve=resolve) as http:
        ends = await asyncio.gather(*(http.send(Request("POST", "https://slow.example/", {}, b"")) for _ in range(20)))

    assert {end.kind for end in ends if isinstance(end, NoAnswer)} == {"dns"}
    assert asked == 1
