"""Messages on their way: what stops one, what it says when it is sent, who follows its links, how somebody ends it."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from regulars import limits, worker
from regulars.api.examples import ID
from regulars.engagement import messages
from regulars.kit import HandClock
from regulars.kit.http import Answer, NoAnswer, Request
from regulars.kit.mail import Envelope
from regulars.worker import Carriers
from tests.doors import ASHA, Shop, a_ready_sender, an_order

BO = {"customer_id": "shopify-1002", "name": "Bo", "email": "bo@example.com"}
PERSON = {"user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15"}


class Mailbox:
    """Where all mail arrives, or is refused with `answers`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: dict[str, tuple[int, bytes]] = {}

    async def send(self, request: Request | Envelope) -> Answer | NoAnswer:
        assert isinstance(request, Envelope)
        code, words = self.answers.get(request.to, (250, b"2.0.0 OK"))
        if code == 250:
            self.mails.append(message_from_bytes(request.data, policy=policy.default))  # type: ignore[arg-type]
        return Answer(code, {"command": "message" if code == 250 else "RCPT TO"}, words, 1)


class Desk:
    def __init__(self, shop: Shop, client: httpx.AsyncClient, clock: HandClock) -> None:
        self.shop, self.client, self.clock, self.box = shop, client, clock, Mailbox()
        self.template = ""

    async def ready(self) -> None:
        await a_ready_sender(self.shop, self.clock.now())

    async def letter(self, **content: Any) -> str:
        body = '<p>Hi {{ user_name }}: {{ customer.balance }}</p><a href="https://shop.example/?a=1&b=2">Shop</a>'
        said = {"subject": "For {{ user_name }}", "body": body} | content
        made = await self.shop.manage("POST", "/templates", json={"name": "Hello", "content": said})
        assert made.status_code == 201, made.text
        self.template = made.json()["id"]
        return self.template

    async def send(self, customer_id: str = ASHA["customer_id"], status: int = 201, **more: Any) -> dict[str, Any]:
        body = {"customer_id": customer_id, "template_id": self.template} | more
        answer = await self.shop.manage("POST", "/messages", json=body)
        assert answer.status_code == status, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def work(self) -> None:
        app = self.shop.app
        await worker.drain(app.db, Carriers(app.box), self.box, clock=app.clock, random=lambda: 0.5, patience_s=2.0)

    async def came(self, id: str) -> tuple[str, str]:
        found = (await self.shop.manage("GET", f"/messages/{id}")).json()
        return found["state"], found["reason_code"]

    async def sent(self, **more: Any) -> tuple[str, str]:
        id = (await self.send(**more))["id"]
        await self.work()
        return await self.came(id)

    async def rules(self, **rules: Any) -> None:
        answer = await self.shop.manage("PATCH", "/workspace", json={"settings": {"messages": rules}})
        assert answer.status_code == 200, answer.text

    async def consent(self, state: str, channel: str = "email") -> list[dict[str, Any]]:
        body = {"customer_id": ASHA["customer_id"], "channel": channel, "state": state}
        answer = await self.shop.manage("POST", "/consents", json=body)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def link(self, pattern: str, mail: int = -1) -> str:
        html = self.box.mails[mail].get_body(("html",)).get_content()  # type: ignore[union-attr]
        found = re.search(pattern, html)
        assert found, html
        return found[0].replace("&amp;", "&").partition("//")[2].partition("/")[2].join(("/", ""))


@pytest.fixture
async def desk(shop: Shop, client: httpx.AsyncClient, clock: HandClock) -> Desk:
    made = Desk(shop, client, clock)
    for who in (ASHA, BO):
        assert (await shop.manage("POST", "/customers", json=who)).status_code == 201
    await made.rules(quiet_from=0, quiet_until=0)
    await made.letter()
    await made.work()  # what other shops' tests left to be sent
    made.box.mails.clear()
    return made


async def test_a_message_says_what_is_true_when_it_is_sent_and_how_to_end_it(desk: Desk) -> None:
    assert (await desk.send(status=409))["code"] == "no_ready_sender"
    await desk.ready()
    made = await desk.send()
    assert (made["state"], made["source_kind"], made["customer"]["name"]) == ("queued", "api", "Asha Rao")
    asha = made["customer"]["id"]
    given = {"operation": "cr", "amount": 70, "reason": "Since it was queued"}
    await desk.shop.manage("POST", f"/customers/{asha}/transactions", json=given)
    await desk.work()
    (mail,) = desk.box.mails
    assert (mail["subject"], mail["to"]) == ("For Asha Rao", ASHA["email"])
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "Hi Asha Rao: 70" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    whole = (await desk.shop.manage("GET", f"/messages/{made['id']}")).json()
    assert (whole["state"], whole["reason"], whole["content"]["subject"]) == ("sent", "", "For Asha Rao")
    assert "70" in whole["content"]["html"]
    assert "/t/" not in whole["content"]["html"]
    page = (await desk.shop.manage("GET", "/messages", params={"state": "sent"})).json()["items"]
    assert [one["id"] for one in page] == [made["id"]]
    asked = {"customer_id": ASHA["customer_id"]}
    hers = (await desk.shop.manage("GET", "/deliveries", params=asked)).json()["items"]
    assert [(one["id"], one["source"]) for one in hers] == [(made["id"], "message")]
    test = await desk.send(test_to="staff@shop.example")
    await desk.work()
    assert desk.box.mails[-1]["to"] == "staff@shop.example"
    assert (await desk.came(test["id"])) == ("sent", "")


async def test_what_stops_a_message_is_asked_in_order_and_kept(desk: Desk, clock: HandClock) -> None:
    await desk.ready()
    await desk.shop.manage("POST", "/suppressions", json={"address": ASHA["email"].upper(), "reason": "Phone"})
    assert await desk.sent() == ("skipped", "suppressed")
    await desk.consent("no")
    assert await desk.sent() == ("skipped", "no_consent")
    assert desk.box.mails == []
    assert await desk.sent(customer_id=BO["customer_id"]) == ("sent", "")
    await desk.rules(cap=2, cap_days=3)
    both = [(await desk.send(customer_id=BO["customer_id"]))["id"] for _ in range(2)]
    await desk.work()
    assert [await desk.came(id) for id in both] == [("sent", ""), ("skipped", "capped")]
    clock.advance(days=4)
    assert await desk.sent(customer_id=BO["customer_id"]) == ("sent", "")
    await desk.rules(cap=None)
    await desk.letter(body="{{ coupon.code }}")
    assert await desk.sent(customer_id=BO["customer_id"]) == ("skipped", "incomplete")
    late = (clock.now() - timedelta(minutes=1)).isoformat()
    assert await desk.sent(customer_id=BO["customer_id"], too_late_at=late) == ("skipped", "too_late")


async def test_quiet_hours_are_those_of_where_somebody_lives_and_delay(desk: Desk, clock: HandClock) -> None:
    await desk.ready()
    await desk.shop.manage("PATCH", "/workspace", json={"time_zone": "America/New_York"})
    found = (await desk.shop.manage("GET", "/customers", params={"text": "Bo"})).json()["items"][0]["id"]
    await desk.shop.manage("PATCH", f"/customers/{found}", json={"country": "jpn"})
    await desk.rules(quiet_from=21, quiet_until=8)
    clock.move((clock.now() + timedelta(days=1)).replace(hour=14, minute=0))  # 23:00 in Tokyo, morning in New York
    late = (clock.now() + timedelta(hours=2)).isoformat()
    assert await desk.sent(customer_id=BO["customer_id"], too_late_at=late) == ("skipped", "too_late")
    assert await desk.sent(customer_id=BO["customer_id"]) == ("queued", "quiet_hours")
    clock.advance(hours=8, minutes=59)
    await desk.work()
    assert desk.box.mails == []
    clock.advance(minutes=2)
    await desk.work()
    assert [mail["to"] for mail in desk.box.mails] == [BO["email"]]


async def test_nothing_more_is_sent_to_an_address_that_is_nobodys(desk: Desk) -> None:
    await desk.ready()
    desk.box.answers[ASHA["email"]] = (550, b"5.1.1 User unknown")
    assert await desk.sent() == ("failed", "")
    assert await desk.sent() == ("skipped", "suppressed")
    (stopped,) = (await desk.shop.manage("GET", "/suppressions")).json()["items"]
    assert stopped["address"] == ASHA["email"]
    assert "5.1.1" in stopped["reason"]


async def test_one_press_ends_it_and_the_page_says_what_there_is(desk: Desk) -> None:
    await desk.ready()
    await desk.sent()
    way = desk.box.mails[0]["list-unsubscribe"].strip("<>").partition("/u/")[2]
    page = await desk.client.get(f"/u/{way}", headers={"accept-language": "de-AT,en"})
    assert (page.status_code, "Was du bekommst" in page.text, 'lang="de"' in page.text) == (200, True, True)
    rtl = await desk.client.get(f"/u/{way}", headers={"accept-language": "ar"})
    assert 'dir="rtl"' in rtl.text
    states = {one["channel"]: one["state"] for one in await desk.consent("yes", "sms")}
    assert states["email"] == "yes"  # looking changed nothing
    ended = await desk.client.post(f"/u/{way}", data={"List-Unsubscribe": "One-Click"})
    assert ended.status_code == 200
    assert await desk.sent() == ("skipped", "no_consent")
    back = {"had_email": "1", "had_sms": "1", "had_whatsapp": "1", "email": "1", "whatsapp": "1"}
    saved = await desk.client.post(f"/u/{way}", data=back)
    assert "Saved" in saved.text
    told = (await desk.shop.manage("GET", "/consents", params={"customer_id": ASHA["customer_id"]})).json()["items"]
    assert {one["channel"]: (one["state"], one["source"]) for one in told}["sms"] == ("no", "Preference page")
    assert {one["channel"]: one["state"] for one in told}["email"] == "yes"
    for forged in (way[:-4] + "AAA=", "x", "%00"):
        assert (await desk.client.post(f"/u/{forged}", data=back)).status_code in (400, 404)


async def test_clicks_of_people_are_told_from_those_of_programs_and_lead_nowhere_else(
    desk: Desk, clock: HandClock
) -> None:
    await desk.ready()
    made = await desk.send()
    await desk.work()
    click, pixel = desk.link(r'http[^"]*/t/c/[^"]*'), desk.link(r'http[^"]*/t/o/[^"]*')

    async def counts() -> tuple[int, int, int]:
        one = (await desk.shop.manage("GET", f"/messages/{made['id']}")).json()
        return one["opens"], one["clicks"], one["scans"]

    there = await desk.client.get(click, headers=PERSON)
    assert (there.status_code, there.headers["location"]) == (303, "https://shop.example/?a=1&b=2")
    assert await counts() == (0, 0, 1)  # within a second of its delivery
    clock.advance(minutes=5)
    assert (await desk.client.get(pixel, headers=PERSON)).headers["content-type"] == "image/gif"
    await desk.client.get(click, headers=PERSON)
    assert await counts() == (1, 1, 1)
    await desk.client.get(click, headers=PERSON)  # and another link at once: a program follows them all
    assert await counts() == (1, 0, 3)
    clock.advance(minutes=5)
    await desk.client.head(click, headers=PERSON)
    await desk.client.get(click, headers={"user-agent": "Barracuda Sentinel"})
    await desk.client.get(pixel, headers=PERSON | {"sec-purpose": "prefetch"})
    assert await counts() == (1, 0, 6)
    elsewhere = click.partition("?u=")[0] + "?u=https%3A%2F%2Fevil.example"
    assert (await desk.client.get(elsewhere, headers=PERSON)).status_code == 404
    await desk.rules(tracking=False)
    await desk.sent()
    html = desk.box.mails[-1].get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "/t/" not in html
    assert 'href="https://shop.example/?a=1&amp;b=2"' in html


async def test_a_link_in_other_letters_leads_where_it_says(desk: Desk) -> None:
    await desk.ready()
    await desk.letter(body='<a href="https://shop.example/кофе?q=é">Coffee</a>')
    assert await desk.sent() == ("sent", "")
    there = await desk.client.get(desk.link(r'https?://[^"]*/t/c/[^"]*'), headers=PERSON)
    coffee = "https://shop.example/%D0%BA%D0%BE%D1%84%D0%B5?q=%C3%A9"
    assert (there.status_code, there.headers["location"]) == (303, coffee)


async def test_double_opt_in_asks_by_mail_and_only_a_press_agrees(desk: Desk) -> None:
    await desk.ready()
    await desk.rules(double_opt_in=True)
    await desk.shop.manage("PATCH", "/storefront", json={"language": "fr"})
    assert await desk.sent() == ("skipped", "no_consent")
    assert (await desk.consent("yes"))[0]["state"] == "asked"
    await desk.work()
    (mail,) = desk.box.mails
    assert mail["subject"] == "Veuillez confirmer votre adresse e-mail"
    way = mail["list-unsubscribe"].strip("<>").partition("/u/")[2]
    assert "Oui" in (await desk.client.get(f"/u/{way}")).text
    assert await desk.sent() == ("skipped", "no_consent")
    await desk.client.post(f"/u/{way}", data={"confirm": "1"})
    assert await desk.sent() == ("sent", "")


async def test_only_who_reads_mail_at_the_address_they_have_confirms_it(desk: Desk) -> None:
    def link() -> str:
        return "/u/" + str(desk.box.mails[-1]["list-unsubscribe"]).strip("<>").partition("/u/")[2]

    async def press(way: str, **form: str) -> str:
        answer = await desk.client.post(way, data=form)
        assert answer.status_code == 200, answer.text
        return str((await desk.shop.manage("GET", "/consents", params=who)).json()["items"][0]["state"])

    who = {"customer_id": ASHA["customer_id"]}
    await desk.ready()
    assert await desk.sent() == ("sent", "")
    older = link()
    await desk.rules(double_opt_in=True)
    assert (await desk.consent("yes"))[0]["state"] == "asked"
    await desk.work()
    asking = link()
    assert "Yes" not in (await desk.client.get(older)).text
    assert await press(older, confirm="1") == "asked"
    for _ in range(limits.OPT_INS_PER_DAY_MAX + 1):
        assert await press(older, had_email="1", email="1") == "asked"
    await desk.work()
    assert len(desk.box.mails) == 1 + limits.OPT_INS_PER_DAY_MAX, "nobody has somebody flooded with questions"
    asha = (await desk.shop.manage("GET", "/customers", params={"text": "Asha"})).json()["items"][0]["id"]
    for email, state in (("victim@elsewhere.example", "asked"), ("ASHA@example.com", "yes")):
        assert (await desk.shop.manage("PATCH", f"/customers/{asha}", json={"email": email})).is_success
        assert await press(asking, confirm="1") == state
    assert await desk.sent() == ("sent", "")
    await desk.shop.manage("PATCH", f"/customers/{asha}", json={"email": "victim@elsewhere.example"})
    assert await desk.sent() == ("skipped", "no_consent")


async def test_an_address_is_one_however_its_domain_is_written(desk: Desk) -> None:
    await desk.ready()
    wide = "asha@\uff45xample\u3002com"
    stopped = await desk.shop.manage("POST", "/suppressions", json={"address": wide, "reason": "Asked us."})
    assert stopped.status_code == 201, stopped.text
    assert await desk.sent() == ("skipped", "suppressed")
    made = await desk.shop.manage("POST", "/customers", json={"customer_id": "shopify-9", "email": f" {wide}"})
    assert made.json()["email"] == "asha@example.com"
    for written in ("asha@B\u00fccher.example", "asha@xn--bcher-kva.example"):
        assert messages.hash_of("email", written) == messages.hash_of("email", "asha@b\u00fccher.example")


async def test_an_email_trigger_sends_a_message_or_says_why_it_can_not(desk: Desk) -> None:
    refused = await desk.shop.manage(
        "POST", "/triggers", json={"name": "M", "kind": "email", "rule": {"offer_id": ID}, "source": "order"}
    )
    assert {"template_id", "offer_id"} <= {name.rpartition(".")[2] for name in refused.json()["fields"]}
    body = {"name": "M", "source": "order", "kind": "email", "rule": {"template_id": desk.template}}
    trigger = (await desk.shop.manage("POST", "/triggers", json=body)).json()
    await desk.shop.manage("POST", "/orders", json=an_order("1"))
    (no,) = (await desk.shop.manage("GET", "/firings", params={"trigger_id": trigger["id"]})).json()["items"]
    assert (no["state"], no["reason"], no["guard"]) == ("refused", "no_ready_sender", "message")
    await desk.ready()
    await desk.shop.manage("POST", "/orders", json=an_order("2"))
    await desk.work()
    assert [mail["subject"] for mail in desk.box.mails] == ["For Asha Rao"]
    fired = (await desk.shop.manage("GET", "/firings", params={"trigger_id": trigger["id"]})).json()["items"][0]
    assert (fired["state"], await desk.came(fired["id"])) == ("granted", ("sent", ""))
    delayed = {"rule": {"after_delta_day": 2}}
    await desk.shop.manage("PATCH", f"/triggers/{trigger['id']}", json=delayed)
    await desk.shop.manage("POST", "/orders", json=an_order("3"))
    await desk.work()
    assert len(desk.box.mails) == 1
    desk.clock.advance(days=3)
    await desk.work()
    assert len(desk.box.mails) == 2


async def test_messages_go_with_their_customer_when_merged_taken_out_and_erased(desk: Desk) -> None:
    await desk.ready()
    sent = await desk.send()
    await desk.work()
    asha = sent["customer"]["id"]
    bo = (await desk.shop.manage("GET", "/customers", params={"text": "Bo"})).json()["items"][0]["id"]
    await desk.consent("no", "whatsapp")
    assert (await desk.shop.manage("POST", f"/customers/{asha}/merge", json={"into": bo})).status_code == 200
    person = (await desk.shop.manage("GET", f"/customers/{bo}/export")).json()
    assert [one["id"] for one in person["messages"]] == [sent["id"]]
    assert {one["channel"]: one["state"] for one in person["consents"]}["whatsapp"] == "no"
    await desk.shop.manage("POST", "/suppressions", json={"address": BO["email"]})
    waits = await desk.send(customer_id=BO["customer_id"])
    assert (await desk.shop.manage("DELETE", f"/customers/{bo}")).status_code == 204
    await desk.work()
    assert len(desk.box.mails) == 1
    assert (await desk.came(waits["id"]))[0] == "skipped"
    assert (await desk.shop.manage("GET", f"/messages/{sent['id']}")).json()["content"] is None
    assert (await desk.shop.manage("GET", "/suppressions")).json()["items"][0]["address"] == ""
    async with desk.shop.app.db.reading() as tx:
        for table in ("messages_message", "messages_consent", "messages_suppression", "delivery_attempt"):
            rows = await tx.fetch(f"SELECT t::text FROM {table} t WHERE workspace_id = $1", desk.shop.workspace.id)
            assert not [row for row in rows if "example.com" in row[0]], table


async def test_a_message_that_names_parts_of_a_list_can_be_read_again(desk: Desk) -> None:
    await desk.ready()
    made = await desk.send()
    await desk.shop.manage("PATCH", f"/customers/{made['customer']['id']}", json={"tags": ["VIP", "New"]})
    await desk.letter(body="{{ customer.tags[0] }}, {{ customer.tags.last }}, {{ customer.tags | join: '+' }}")
    sent = await desk.send()
    await desk.work()
    assert "VIP, New, VIP+New" in (await desk.shop.manage("GET", f"/messages/{sent['id']}")).json()["content"]["html"]
