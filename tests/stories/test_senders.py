"""Senders, from their setting up to what arrives: at the doors, with look-alikes of what stands behind them."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from regulars import channels, limits, worker
from regulars.channels import Content, Later, Mail, Outgoing, Ready, Skipped, Text, writing
from regulars.delivery import Settled
from regulars.kit.clock import HandClock
from regulars.kit.db import Tx
from regulars.kit.ids import new_id
from regulars.sandbox import Fault
from regulars.tenancy import Workspace
from regulars.wiring import App
from regulars.worker import Carriers
from tests import mailbox
from tests.doors import Shop, a_shop, client_of, opened
from tests.mailbox import Mailboxes
from tests.stories.browsing import form_of, person, signed_in

# The look-alike's library lets its end of a connection be that was closed without waiting for a word.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

HELLO = "hello@blue-cups.example"


class Writer:
    """Stands for the room that writes messages."""

    def __init__(self) -> None:
        self.says: dict[UUID, Ready | Skipped | Later] = {}
        self.settled: list[Settled] = []

    async def prepare(
        self, tx: Tx, workspace: Workspace, ids: Sequence[UUID], now: datetime
    ) -> Mapping[UUID, Ready | Skipped | Later]:
        return {id: self.says[id] for id in ids if id in self.says}

    async def settle(self, tx: Tx, workspace_id: UUID, settled: Sequence[Settled], now: datetime) -> None:
        self.settled += settled


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    made = Writer()
    monkeypatch.setattr(writing, "_authors", [made])
    return made


@pytest.fixture
async def outside() -> AsyncIterator[Mailboxes]:
    async with mailbox.running() as running:
        yield running


@pytest.fixture
async def app(database_url: str, clock: HandClock) -> AsyncIterator[App]:
    async with opened(database_url, clock, allow_loopback=True) as application:
        yield application


@pytest.fixture
async def shop(app: App, clock: HandClock) -> AsyncIterator[Shop]:
    async with client_of(app) as client:
        made = await a_shop(app, client, clock.now())
        yield made
        async with app.db.transaction() as tx:
            await tx.execute("UPDATE delivery_lane SET paused = true WHERE workspace_id = $1", made.workspace.id)


def smtp(outside: Mailboxes, **more: Any) -> dict[str, Any]:
    return {
        "sender_name": "Blue Cups", "sender_email": HELLO, "server": "127.0.0.1", "port": outside.mail_port,
        "security": "none", "user": "blue-cups", "password": "sandbox",
    } | more  # fmt: skip


async def added(shop: Shop, tool: str, settings: dict[str, Any]) -> str:
    made = await shop.manage("POST", "/senders", json={"tool": tool, "settings": settings})
    assert made.status_code == 201, made.text
    id: str = made.json()["sender"]["id"]
    return id


async def ready(shop: Shop, outside: Mailboxes, tool: str = "smtp", settings: dict[str, Any] | None = None) -> str:
    id = await added(shop, tool, settings or smtp(outside))
    outcome = (await shop.manage("POST", f"/senders/{id}/initialize")).json()
    assert outcome["ok"], outcome["sentence"]
    if tool == "smtp":
        code = re.search("[0-9]{6}", outside.shop("blue-cups").memory.messages[-1].subject)
        assert code is not None
        verified = await shop.manage("POST", f"/senders/{id}/verify", json={"code": code[0]})
        assert verified.json()["state"] == "ready", verified.text
        outside.shop("blue-cups").memory.messages.clear()
    shop.app.clock.advance(seconds=10)  # type: ignore[attr-defined]
    return id


async def sent(shop: Shop, writer: Writer, sender_id: str, *contents: Content, patience_s: float = 0.0) -> list[str]:
    """The states in which messages of these contents end, which a worker sends."""
    app, of = shop.app, UUID(sender_id)
    async with app.db.reading() as tx:
        channel = (await channels.get_sender(tx, shop.workspace.id, of)).channel
    now = app.clock.now()
    new = [Outgoing(new_id(), of, new_id(), channel, now) for _ in contents]
    writer.says |= {one.id: Ready(content) for one, content in zip(new, contents, strict=True)}
    async with app.db.transaction() as tx:
        await channels.queue(tx, shop.workspace.id, new, now)
    await worker.drain(app.db, Carriers(app.box), app.http, clock=app.clock, random=lambda: 0.5, patience_s=patience_s)
    return [(await shop.manage("GET", f"/deliveries/{one.id}")).json()["delivery"]["state"] for one in new]


async def test_an_address_sends_nothing_before_the_code_that_was_mailed_there_is_given(
    shop: Shop, outside: Mailboxes, writer: Writer
) -> None:
    id = await added(shop, "smtp", smtp(outside, password="wrong"))
    assert not (await shop.manage("GET", "/senders")).json()["items"][0]["settings"].get("password")
    refused = (await shop.manage("POST", f"/senders/{id}/initialize")).json()
    assert (refused["ok"], refused["sender"]["state"]) == (False, "paused")
    assert "535" in refused["sentence"]
    await shop.manage("PATCH", f"/senders/{id}", json={"settings": {"password": "sandbox"}})
    asked = (await shop.manage("POST", f"/senders/{id}/initialize")).json()
    assert (asked["ok"], asked["sender"]["state"]) == (True, "new")
    inbox = outside.shop("blue-cups").memory.messages
    assert (inbox[-1].to, inbox[-1].sender) == (HELLO, f"Blue Cups <{HELLO}>")
    code = inbox[-1].subject[:6]
    assert await sent(shop, writer, id, Mail("asha@example.com", "Hi", "Hello")) == ["queued"]
    unready = await shop.manage("POST", f"/senders/{id}/test", json={"to": "asha@example.com"})
    assert unready.status_code == 409
    for _ in range(limits.SENDER_CODE_TRIES_MAX - 1):
        wrong = (await shop.manage("POST", f"/senders/{id}/verify", json={"code": "no"})).json()
        assert "not the code" in wrong["state_reason"]
    right = (await shop.manage("POST", f"/senders/{id}/verify", json={"code": code})).json()
    shop.app.clock.advance(seconds=10)  # type: ignore[attr-defined]
    assert (right["state"], right["settings"]["verified_email"]) == ("ready", HELLO)
    assert await sent(shop, writer, id, Mail("asha@example.com", "Hi again", "Hello")) == ["delivered"]
    assert {one.subject for one in inbox} >= {"Hi", "Hi again"}, "what waited went out"

    moved = await shop.manage("PATCH", f"/senders/{id}", json={"settings": {"sender_email": "else@blue-cups.example"}})
    assert moved.json()["state"] == "new"
    await shop.manage("POST", f"/senders/{id}/initialize")
    for _ in range(limits.SENDER_CODE_TRIES_MAX):
        await shop.manage("POST", f"/senders/{id}/verify", json={"code": "000000x"})
    late = (await shop.manage("POST", f"/senders/{id}/verify", json={"code": inbox[-1].subject[:6]})).json()
    assert late["state"] == "new", "five tries, and it is another code's turn"


async def test_what_is_wrong_with_a_sender_is_named_and_nothing_is_kept(shop: Shop, outside: Mailboxes) -> None:
    for settings, field in (
        (smtp(outside, port=22), "port"),
        (smtp(outside, server="mail.example"), "security"),
        (smtp(outside, sender_email="a@b>c"), "sender_email"),
        (smtp(outside, password=""), "password"),
        (smtp(outside, other="x"), "other"),
    ):
        refused = await shop.manage("POST", "/senders", json={"tool": "smtp", "settings": settings})
        assert refused.status_code == 422
        assert list(refused.json()["fields"]) == [field], refused.text
    assert (await shop.manage("POST", "/senders", json={"tool": "fax", "settings": {}})).status_code == 422
    assert (await shop.manage("GET", "/senders")).json()["items"] == []
    kinds = (await shop.manage("GET", "/sender-kinds")).json()["items"]
    assert [kind["tool"] for kind in kinds] == ["smtp"]


async def test_a_mail_is_what_mail_programs_expect(shop: Shop, outside: Mailboxes, writer: Writer) -> None:
    id = await ready(shop, outside, settings=smtp(outside, sender_name="Blåe Cups, Inc."))
    long = "x" * 3_000
    mail = Mail("Asha <script>@example.com", "Wrong", "No address")
    fine = Mail(
        "asha@exämple.com", "Your ✓ coins\r\nBcc: x@y.example", f"Grüße\n.\n{long}", "<p style='color:red'>Grüße</p>",
        {"List-Unsubscribe": "<https://shop.example/u/1>", "Subject": "2", "Bad name": "x", "X-Y": "a\r\nBcc: b@c.d"},
    )  # fmt: skip
    assert await sent(shop, writer, id, mail, fine, Text("+919800000000", "No mail")) == [
        "failed",
        "delivered",
        "failed",
    ]
    (message,) = outside.shop("blue-cups").memory.messages
    assert message.to == "asha@xn--exmple-cua.com"
    assert message.headers["From"] == f'"Blåe Cups, Inc." <{HELLO}>'
    assert message.headers["Subject"] == "Your ✓ coins Bcc: x@y.example"
    assert message.headers["List-Unsubscribe"] == "<https://shop.example/u/1>"
    assert {name.lower() for name in message.headers}.isdisjoint({"bcc", "bad name"})
    assert message.headers["Message-ID"].endswith("@blue-cups.example>")
    assert message.text.splitlines() == ["Grüße", ".", long]
    assert message.html.strip() == "<p style='color:red'>Grüße</p>"
    assert max(map(len, outside.shop("blue-cups").memory.newest[-1].call.body.split(b"\r\n"))) <= 998


async def test_each_answer_of_a_mail_server_has_its_consequence(shop: Shop, outside: Mailboxes, writer: Writer) -> None:
    id = await ready(shop, outside)
    mails = [Mail(f"{name}@example.com", "Hi", "Hello") for name in ("nobody", "later", "drop", "asha")]
    assert await sent(shop, writer, id, *mails) == ["failed", "queued", "uncertain", "delivered"]
    assert {(one.state, one.bounced) for one in writer.settled} == {
        ("failed", True), ("uncertain", False), ("delivered", False),
    }  # fmt: skip
    assert await sent(shop, writer, id, mails[3], patience_s=limits.GREYLISTED_S + 30) == ["delivered"]
    inbox = [one.to for one in outside.shop("blue-cups").memory.messages]
    assert sorted(inbox) == ["asha@example.com"] * 2 + ["drop@example.com", "later@example.com"], "each of them once"
    outside.shop("blue-cups").faults.put(Fault(tool="smtp", fault="slow", times=3, seconds=0.2))
    assert await sent(shop, writer, id, *[mails[3]] * 4) == ["delivered"] * 4
    await shop.manage("PATCH", f"/senders/{id}", json={"settings": {"password": "changed-there"}})
    assert await sent(shop, writer, id, mails[3]) == ["queued"]
    (sender,) = (await shop.manage("GET", "/senders")).json()["items"]
    assert (sender["state"], "535" in sender["state_reason"]) == ("paused", True)
    failed = (await shop.manage("GET", "/deliveries", params={"source": "message", "state": "failed"})).json()["items"]
    assert "5.1.1" in failed[0]["reason"]


async def test_a_sender_is_set_up_and_tried_in_the_dashboard(shop: Shop, outside: Mailboxes, writer: Writer) -> None:
    browser = await signed_in(shop, await person(shop, "asha"))
    assert "No" in (await browser.get("/settings")).text
    gallery = (await browser.get("/senders")).text
    assert "E-mail" in gallery
    page = (await browser.get("/senders/new/smtp")).text
    filled = form_of(page, "/senders/new/smtp") | {name: str(value) for name, value in smtp(outside).items()}
    wrong = await browser.post("/senders/new/smtp", **filled | {"port": "22"})
    assert wrong.status_code == 422
    assert "Give 25, 465, 587" in wrong.text
    made = await browser.post("/senders/new/smtp", **filled)
    here = made.headers["location"].partition("?")[0]
    page = (await browser.get(here)).text
    assert f"A code was mailed to {HELLO}" in page
    await browser.post(f"{here}/verify", code="1")
    assert "That is not the code" in (await browser.get(here)).text
    await browser.post(f"{here}/verify", code=outside.shop("blue-cups").memory.messages[-1].subject[:6])
    page = (await browser.get(here)).text
    assert all(words in page for words in ("Send a test", "Pause", "Remove", 'href="/senders"'))
    tested = await browser.post(f"{here}/test", to="ravi@example.com")
    delivered = (await browser.get(tested.headers["location"])).text
    assert all(words in delivered for words in ("Delivered", "ravi@example.com", "This is a test"))
    listed = (await browser.get("/deliveries")).text
    assert "E-mail" in listed
    await browser.post(f"{here}/pause")
    assert "Paused by asha" in (await browser.get(here)).text
    await browser.post(f"{here}/delete")
    assert (await browser.get(here)).status_code == 404
    assert "A removed sender" in (await browser.get("/deliveries")).text
