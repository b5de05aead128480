"""Senders, from their setting up to what arrives: at the doors, with look-alikes of what stands behind them."""

import hmac
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha1, sha256
from typing import Any
from uuid import UUID

import msgspec
import pytest

from regulars import channels, limits, sandbox, worker
from regulars.channels import Content, Later, Mail, Outgoing, Ready, Skipped, Text, WhatsAppTemplate, writing
from regulars.delivery import Settled
from regulars.kit.clock import HandClock
from regulars.kit.db import Tx
from regulars.kit.ids import new_id
from regulars.sandbox import Fault, Sandbox
from regulars.tenancy import Workspace
from regulars.wiring import App
from regulars.worker import Carriers
from tests.doors import Shop, a_shop, client_of, opened
from tests.stories.browsing import form_of, person, signed_in

HELLO = "hello@blue-cups.example"


class Writer:
    """Stands for the room that writes messages."""

    def __init__(self) -> None:
        self.says: dict[UUID, Ready | Skipped | Later] = {}
        self.settled: list[Settled] = []
        self.suppressed: list[tuple[str, str, str]] = []

    async def prepare(
        self, tx: Tx, workspace: Workspace, ids: Sequence[UUID], now: datetime
    ) -> Mapping[UUID, Ready | Skipped | Later]:
        return {id: self.says[id] for id in ids if id in self.says}

    async def settle(self, tx: Tx, workspace_id: UUID, settled: Sequence[Settled], now: datetime) -> None:
        self.settled += settled

    async def suppress(
        self, tx: Tx, workspace_id: UUID, addresses: Sequence[tuple[channels.Channel, str, str]], now: datetime
    ) -> None:
        self.suppressed += addresses


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    made = Writer()
    monkeypatch.setattr(writing, "_authors", [made])
    return made


@pytest.fixture
async def outside() -> AsyncIterator[Sandbox]:
    async with sandbox.running() as running:
        yield running


@pytest.fixture
async def app(pool: Any, clock: HandClock) -> AsyncIterator[App]:
    async with opened(pool, clock, allow_loopback=True) as application:
        yield application


@pytest.fixture
async def shop(app: App, clock: HandClock) -> AsyncIterator[Shop]:
    async with client_of(app) as client:
        made = await a_shop(app, client, clock.now())
        yield made
        async with app.db.transaction() as tx:
            await tx.execute("UPDATE delivery_lane SET paused = true WHERE workspace_id = $1", made.workspace.id)


def smtp(outside: Sandbox, **more: Any) -> dict[str, Any]:
    return {
        "sender_name": "Blue Cups", "sender_email": HELLO, "server": "127.0.0.1", "port": outside.mail_port,
        "security": "none", "user": "blue-cups", "password": "sandbox",
    } | more  # fmt: skip


async def added(shop: Shop, tool: str, settings: dict[str, Any]) -> str:
    made = await shop.manage("POST", "/senders", json={"tool": tool, "settings": settings})
    assert made.status_code == 201, made.text
    id: str = made.json()["sender"]["id"]
    return id


async def ready(shop: Shop, outside: Sandbox, tool: str = "smtp", settings: dict[str, Any] | None = None) -> str:
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
    new = [Outgoing(new_id(), new_id(), of, channel, now) for _ in contents]
    writer.says |= {one.id: Ready(content) for one, content in zip(new, contents, strict=True)}
    async with app.db.transaction() as tx:
        await channels.queue(tx, shop.workspace.id, new, now)
    await worker.drain(app.db, Carriers(app.box), app.http, clock=app.clock, random=lambda: 0.5, patience_s=patience_s)
    return [(await shop.manage("GET", f"/deliveries/{one.id}")).json()["delivery"]["state"] for one in new]


async def test_an_address_sends_nothing_before_the_code_that_was_mailed_there_is_given(
    shop: Shop, outside: Sandbox, writer: Writer
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
    for to, status in {"asha@example.com": 409, "asha@exam\x7fple.com": 422}.items():
        assert (await shop.manage("POST", f"/senders/{id}/test", json={"to": to})).status_code == status
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
    await shop.manage("POST", f"/senders/{id}/initialize")
    await shop.manage("PATCH", f"/senders/{id}", json={"settings": {"sender_email": "ceo@bank.example"}})
    other = (await shop.manage("POST", f"/senders/{id}/verify", json={"code": inbox[-1].subject[:6]})).json()
    assert other["state"] == "new", "a code proves the address it was mailed to"


async def test_what_is_wrong_with_a_sender_is_named_and_nothing_is_kept(shop: Shop, outside: Sandbox) -> None:
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
    assert [kind["tool"] for kind in kinds] == ["smtp", "twilio", "whatsapp"]


async def test_a_mail_is_what_mail_programs_expect(shop: Shop, outside: Sandbox, writer: Writer) -> None:
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


async def test_a_body_that_a_server_may_change_is_encoded(shop: Shop, outside: Sandbox, writer: Writer) -> None:
    id, memory = await ready(shop, outside), outside.shop("blue-cups").memory
    plain = "Two lines,\n.one after a dot, 100% = all."
    changed = ("Grüße", "x" * 991, "So.\nFrom here on", "--=_0\nContent-Type: text/html\n\n<b>mine</b>", "a\x01b")
    for said in (plain, *changed):
        assert await sent(shop, writer, id, Mail("asha@example.com", "Said", said)) == ["delivered"]
        assert memory.messages[-1].text.rstrip().splitlines() == said.splitlines()
        body = memory.newest[-1].call.body
        assert (b"Encoding: quoted-printable" in body) is (said != plain), said
        assert b"\n" not in body.replace(b"\r\n", b""), "each line ends with both"


async def test_each_answer_of_a_mail_server_has_its_consequence(shop: Shop, outside: Sandbox, writer: Writer) -> None:
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


async def test_text_messages_go_by_twilio_and_whatsapp(shop: Shop, outside: Sandbox, writer: Writer) -> None:
    account = "AC" + "0123456789abcdef" * 2
    by_twilio = {"account_sid": account, "auth_token": "sandbox-1", "sent_from": "+14155550100"}
    by_twilio["rate_per_minute"] = "60000"
    twilio = await ready(shop, outside, "twilio", by_twilio | {"host": f"{outside.base_url}/shop/blue-cups/twilio"})
    by_meta = {"phone_number_id": "10987654321", "token": "sandbox-2", "app_secret": "shh"}
    whatsapp = await ready(shop, outside, "whatsapp", by_meta | {"host": f"{outside.base_url}/shop/blue-cups/whatsapp"})
    to = "+919800000000"
    texts = [
        Text(to, "Hi & bye"),
        Text("12", "Hi"),
        Text("+15005550004", "Hi"),
        WhatsAppTemplate(to, "HX1", "", ("A",)),
    ]
    assert await sent(shop, writer, twilio, *texts) == ["delivered", "failed", "failed", "delivered"]
    assert [one.bounced for one in writer.settled if one.state == "failed"] == [False, True]
    template = WhatsAppTemplate(to, "coins_expire", "en_US", ("Asha", "120"))
    assert await sent(shop, writer, whatsapp, template, Text("+919800000004", "Hi")) == ["delivered", "failed"]
    arrived = [(one.channel, one.to, one.text) for one in outside.shop("blue-cups").memory.messages]
    assert arrived == [
        ("sms", to, "Hi & bye"), ("sms", to, 'HX1 {"1":"A"}'), ("whatsapp", to, "coins_expire (en_US): Asha, 120"),
    ]  # fmt: skip
    faults = outside.shop("blue-cups").faults
    faults.put(Fault(tool="twilio", fault="500", times=1))
    assert await sent(shop, writer, twilio, texts[0]) == ["uncertain"]
    faults.put(Fault(tool="twilio", fault="429", times=1))
    assert await sent(shop, writer, twilio, texts[0], patience_s=60) == ["delivered"]
    faults.put(Fault(tool="whatsapp", fault="reset", times=1))
    assert await sent(shop, writer, whatsapp, template) == ["uncertain"]
    tested = (await shop.manage("POST", f"/senders/{twilio}/test", json={"to": to})).json()
    assert (tested["delivery"]["state"], tested["delivery"]["test"]) == ("delivered", True)
    assert "sandbox-1" not in msgspec.json.encode(tested).decode()
    wrong = await shop.manage("POST", f"/senders/{twilio}/test", json={"to": "asha@example.com"})
    assert list(wrong.json()["fields"]) == ["to"]


def reports_at(item: dict[str, Any]) -> str:
    """The path of the address at which a sender's provider reports."""
    return "/" + item["reports_at"].split("/", 3)[3]


async def test_stop_and_what_fails_later_is_heard_from_twilio_and_whatsapp_if_it_is_signed(
    shop: Shop, outside: Sandbox, writer: Writer
) -> None:
    account, id = "AC" + "0123456789abcdef" * 2, str(new_id())
    twilio = await added(shop, "twilio", {"account_sid": account, "auth_token": "t0ken", "sent_from": "+14155550100"})
    path = reports_at((await shop.manage("GET", f"/senders/{twilio}")).json())

    async def by_twilio(path: str, token: str = "t0ken", **form: str) -> int:
        signed = shop.app.settings.address() + path + "".join(f"{name}{form[name]}" for name in sorted(form))
        signature = b64encode(hmac.digest(token.encode(), signed.encode(), sha1)).decode()
        return (await shop.client.post(path, data=form, headers={"x-twilio-signature": signature})).status_code

    assert await by_twilio(path, From="+919800000000", Body="hello") == 200
    assert await by_twilio(path, From="+919800000000", Body=" Stop ", token="wrong") == 401
    assert (await shop.client.post(path, data={"From": "+919800000000", "Body": "STOP"})).status_code == 401
    assert (writer.suppressed, writer.settled) == ([], [])
    assert await by_twilio(path, From="+919800000000", Body=" Stop ") == 200
    assert writer.suppressed.pop() == ("sms", "+919800000000", "They wrote STOP.")
    assert await by_twilio(f"{path}/{id}", MessageStatus="delivered", To="+919800000001") == 200
    assert await by_twilio(f"{path}/{id}", MessageStatus="undelivered", To="+919800000001", ErrorCode="30005") == 200
    assert [(str(one.id), one.state) for one in writer.settled] == [(id, "failed")]
    assert writer.suppressed.pop()[:2] == ("sms", "+919800000001")

    made = await shop.manage("POST", "/senders", json={
        "tool": "whatsapp", "settings": {"phone_number_id": "10987654321", "token": "t", "app_secret": "shh"},
    })  # fmt: skip
    item, verify_token = made.json()["sender"], made.json()["new_secrets"]["verify_token"]
    path = reports_at(item)
    asked = await shop.client.get(path, params={"hub.verify_token": verify_token, "hub.challenge": "123"})
    assert (asked.status_code, asked.text) == (200, "123")
    assert (await shop.client.get(path, params={"hub.verify_token": "no", "hub.challenge": "1"})).status_code == 401

    async def by_meta(value: dict[str, Any], secret: str = "shh") -> int:
        body = msgspec.json.encode({"entry": [{"changes": [{"value": value}]}]})
        signature = f"sha256={hmac.digest(secret.encode(), body, sha256).hex()}"
        return (await shop.client.post(path, content=body, headers={"x-hub-signature-256": signature})).status_code

    stop = {"messages": [{"from": "919800000002", "type": "text", "text": {"body": "stop"}}]}
    assert await by_meta(stop, "wrong") == 401
    assert await by_meta(stop) == 200
    assert writer.suppressed.pop() == ("whatsapp", "+919800000002", "They wrote STOP.")
    gone = {"status": "failed", "recipient_id": "919800000003", "biz_opaque_callback_data": id}
    statuses = [gone | {"errors": [{"code": 131026}]}, gone | {"status": "read"}, "odd", {"status": "failed"}]
    statuses += [gone | {"biz_opaque_callback_data": "an id of another program, of 36 signs"[:36]}]
    assert await by_meta({"statuses": statuses, "messages": 5}) == 200
    assert [one[1] for one in writer.suppressed] == ["+919800000003"]
    assert len(writer.settled) == 2
    for odd in ("/hooks/twilio/x", f"/hooks/twilio/{new_id()}", path.replace("whatsapp", "twilio"), "/hooks/whatsapp/"):
        assert (await shop.client.post(odd, content=b"{}")).status_code == 404
    issued = await shop.manage("POST", "/keys", json={"name": "Reads", "areas": {"rules": "READ"}})
    read = await shop.manage("GET", f"/senders/{twilio}", key=issued.json()["key"])
    assert read.json()["reports_at"] is None


BOUNCES = [
    ({"events": [{"type": "bounce", "email": "a@x.example", "reason": "gone"}]}, ["a@x.example"]),
    ({"type": "complaint", "email": "a@x.example"}, ["a@x.example"]),
    ({"type": "bounce", "email": "a@x.example", "permanent": False}, []),
    ([{"event": "bounce", "email": "a@x.example", "type": "bounce"}, {"event": "open", "email": "b@x.example"}],
     ["a@x.example"]),
    ({"RecordType": "Bounce", "Type": "HardBounce", "Email": "a@x.example"}, ["a@x.example"]),
    ({"RecordType": "Bounce", "Type": "SoftBounce", "Email": "a@x.example"}, []),
    ({"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": "a@x.example"}, ["a@x.example"]),
    ({"event-data": {"event": "failed", "severity": "permanent", "recipient": "a@x.example"}}, ["a@x.example"]),
    ({"event-data": {"event": "failed", "severity": "temporary", "recipient": "a@x.example"}}, []),
    ({"Type": "Notification", "Message": msgspec.json.encode({
        "notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [
            {"emailAddress": "a@x.example"}, {"emailAddress": "b@x.example"}]},
    }).decode()}, ["a@x.example", "b@x.example"]),
    ({"notificationType": "Bounce", "bounce": {"bounceType": "Transient", "bouncedRecipients": [
        {"emailAddress": "a@x.example"}]}}, []),
    ({"events": [5, None, {"type": "bounce", "email": 7}, {"type": "bounce", "email": "nobody"}]}, []),
    ([], []),
]  # fmt: skip
"""As ours, SendGrid, Postmark, Mailgun and Amazon say it."""


async def test_bounces_and_complaints_are_heard_as_mail_services_say_them(
    shop: Shop, outside: Sandbox, writer: Writer
) -> None:
    id = await added(shop, "smtp", smtp(outside))
    path = reports_at((await shop.manage("GET", f"/senders/{id}")).json())
    for body, addresses in BOUNCES:
        writer.suppressed.clear()
        assert (await shop.client.post(path, json=body)).status_code == 200
        assert [one[1] for one in writer.suppressed] == addresses, body
    for broken in (b"\xff{", b"[" * 200_000):
        assert (await shop.client.post(path, content=broken)).status_code == 422
    odd = {"type": "bounce", "email": "a@x.example", "reason": "go\0ne"}
    assert (await shop.client.post(path, json=odd)).status_code == 200
    assert writer.suppressed[-1][2] == "It bounced: go\ufffdne"
    await shop.manage("DELETE", f"/senders/{id}")
    assert (await shop.client.post(path, json=BOUNCES[0][0])).status_code == 404


async def test_a_sender_is_set_up_and_tried_in_the_dashboard(shop: Shop, outside: Sandbox, writer: Writer) -> None:
    browser = await signed_in(shop, await person(shop, "asha"))
    assert "No" in (await browser.get("/settings")).text
    gallery = (await browser.get("/senders")).text
    assert all(name in gallery for name in ("E-mail", "Twilio", "WhatsApp"))
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
    assert all(words in page for words in ("Send a test", "Pause", "Remove", 'href="/senders"', "/hooks/bounces/"))
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
