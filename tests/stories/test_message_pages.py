"""Messages in the dashboard: templates written, looked at and tested; what went out; who is not written to, and who may
be; the rules of a shop."""

import html
from typing import Any

import httpx
import pytest

from regulars.kit import HandClock
from tests.doors import ASHA, Shop, an_order
from tests.stories.browsing import Browser, form_of, person, signed_in
from tests.stories.test_messages_sent import BO, PERSON, Desk

FORM = {
    "channel": "email",
    "name": "Coins came in",
    "topic": "walletreward_create",
    "subject": "{{ event.amount }} for {{ user_name }}",
    "preheader": "And more",
    "body_type": "html",
    "body": '<style>p { color: #116 }</style><p>Hi {{ customer.first_name }}</p><script>alert(1)</script><a href="https://shop.example/">Shop</a>',
}


@pytest.fixture
async def desk(shop: Shop, client: httpx.AsyncClient, clock: HandClock) -> Desk:
    made = Desk(shop, client, clock)
    for who in (ASHA, BO):
        assert (await shop.manage("POST", "/customers", json=who)).status_code == 201
    await made.rules(quiet_from=0, quiet_until=0)
    return made


async def owner_of(desk: Desk) -> Browser:
    return await signed_in(desk.shop, await person(desk.shop, "ann"))


async def rewarded(desk: Desk, who: dict[str, Any], amount: int) -> str:
    trigger = await desk.shop.trigger(f"Gift {amount}", coins=(amount, amount))
    await desk.shop.reward(trigger, who["customer_id"])
    found = await desk.shop.manage("GET", "/events", params={"topic": "walletreward_create"})
    return str(found.json()["items"][0]["id"])


async def test_a_template_is_written_looked_at_changed_and_brought_back(desk: Desk) -> None:
    owner = await owner_of(desk)
    assert "No templates yet" in (await owner.get("/templates")).text
    event = await rewarded(desk, ASHA, 30)
    await rewarded(desk, BO, 7)
    blank = (await owner.get("/templates/new?channel=sms")).text
    assert ('name="subject"' in blank, 'name="provider_template"' in blank) == (False, True)
    drawn = (await owner.post("/templates/new", **FORM, **{"condition.redraw": "yes"})).text
    assert "{{ event.amount }}" in drawn
    assert "{{ user_name | default: &#39;there&#39; }}" in drawn
    assert "Asha Rao, " in drawn  # whose event it may be looked at with
    wrong = await owner.post("/templates/new", **FORM | {"subject": "{{ user_nam }}", "body": "{% for %}"})
    assert wrong.status_code == 422
    words = html.unescape(wrong.text)
    assert "did you mean user_name?" in words
    assert 'id="body-wrong"' in wrong.text
    looks = await owner.post("/templates/preview", **FORM | {"subject": "{{ user_nam }}"})
    assert "did you mean user_name?" in looks.text
    looks = await owner.post("/templates/preview", **FORM, event_id=event)
    assert looks.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert looks.headers["x-frame-options"] == "SAMEORIGIN"
    assert "img-src data: https:" in looks.headers["content-security-policy"]
    assert "30 for Asha Rao" in looks.text
    assert "<script" not in html.unescape(looks.text)
    assert "Shop (https://shop.example/)" in looks.text  # the part in plain text
    assert "7 for Bo" in (await owner.post("/templates/preview", **FORM, whom=BO["email"])).text
    assert "no such customer" in (await owner.post("/templates/preview", **FORM, whom="nobody")).text
    sms = {"channel": "sms", "name": "", "topic": "", "body": "Hi {{ user_name }}"}
    assert '<p class="bubble">Hi Bo</p>' in (await owner.post("/templates/preview", **sms, whom=BO["email"])).text
    slots = sms | {"channel": "whatsapp", "body": "", "provider_template": "coins", "slots": "{{ user_name }}\n{{ x }}"}
    assert "x is none" in (looks := (await owner.post("/templates/preview", **slots)).text)
    assert "be filled in" in looks
    asked = (await owner.get("/templates/new?topic=walletreward_create")).text
    assert form_of(asked, "/templates/new")["topic"] == "walletreward_create"
    made = await owner.post("/templates/new", **FORM)
    assert made.status_code == 303, made.text
    here = made.headers["location"]
    changed = await owner.post(here, **FORM | {"subject": "Another", "body_type": "text"})
    assert changed.status_code == 303
    page = (await owner.get(here)).text
    assert form_of(page, here)["subject"] == "Another"
    assert "Version 2" in page
    assert "30 for Asha Rao" in (await owner.get(f"{here}/looks?version=1&event_id={event}")).text
    older = form_of((await owner.get(f"{here}?version=1")).text, here)
    assert (older["subject"], older["body_type"]) == (FORM["subject"], "html")
    assert (await owner.post(here, **older)).status_code == 303
    id = here.rpartition("/")[2]
    one = (await desk.shop.manage("GET", f"/templates/{id}")).json()
    assert (one["version"], one["content"]["subject"]) == (3, FORM["subject"])
    kept = (await desk.shop.manage("GET", f"/templates/{id}/versions")).json()["items"]
    assert [(line["version"], line["actor"][:5]) for line in kept] == [(3, "staff"), (2, "staff"), (1, "staff")]
    reader = await signed_in(desk.shop, await person(desk.shop, "rita", "reader"))
    assert "7 for Bo" in (await reader.get(f"{here}/looks?whom={BO['customer_id']}")).text
    assert "Coins came in" in (await owner.get("/templates?channel=email")).text
    assert (await owner.post(f"{here}/delete")).status_code == 303
    assert "No templates yet" in (await owner.get("/templates")).text


async def test_a_test_arrives_and_what_went_out_is_listed_as_it_looked(desk: Desk) -> None:
    owner = await owner_of(desk)
    here = (await owner.post("/templates/new", **FORM)).headers["location"]
    to = {"to": "ann@shop.example", "whom": BO["customer_id"]}
    assert "no sender" in (await owner.post(f"{here}/test", **to)).text
    await desk.ready()
    assert 'id="to-wrong"' in (await owner.post(f"{here}/test", **to | {"to": "ann"})).text
    # Without any such event of theirs, one is made up; then it is of their newest, or of the one that is chosen.
    sent = await owner.post(f"{here}/test", **to)
    assert sent.status_code == 303, sent.text
    await desk.work()
    event = await rewarded(desk, ASHA, 30)
    await rewarded(desk, ASHA, 40)
    for chosen in ({"event_id": event}, {"whom": ASHA["customer_id"]}):
        assert (await owner.post(f"{here}/test", to="ann@shop.example", **chosen)).status_code == 303
        await desk.work()
    subjects = [mail["subject"] for mail in desk.box.mails]
    assert subjects[0].endswith("for Bo")
    assert subjects[1:] == ["30 for Asha Rao", "40 for Asha Rao"]
    template = here.rpartition("/")[2]
    body = {"customer_id": ASHA["customer_id"], "template_id": template}
    of_bo = await desk.shop.manage(
        "POST", "/messages", json=body | {"customer_id": BO["customer_id"], "event_id": event}
    )
    assert of_bo.json()["fields"].keys() == {"event_id"}
    real = (await desk.shop.manage("POST", "/messages", json=body | {"event_id": event})).json()
    await desk.work()
    await desk.consent("no")
    await desk.shop.manage("POST", "/messages", json=body)
    await desk.work()
    page = (await owner.get("/messages")).text
    assert "Coins came in" in page
    assert "does not agree to be written to" in html.unescape((await owner.get("/messages?state=skipped")).text)
    assert page.count("Test") >= 3
    assert "A program" in (await owner.get(f"/messages?customer={real['customer']['id']}")).text
    clicked = desk.link(r'http[^"]*/t/c/[^"]*')
    desk.clock.advance(minutes=5)
    assert (await desk.client.get(clicked, headers=PERSON)).status_code == 303
    one = (await owner.get(f"/messages/{real['id']}")).text
    assert ("1 time, first" in one, f"/events/{event}" in one, f"/messages/{real['id']}/looks" in one) == (True,) * 3
    looks = await owner.get(f"/messages/{real['id']}/looks")
    assert ("30 for Asha Rao" in looks.text, "/t/c/" in looks.text) == (True, False)
    assert looks.headers["content-security-policy"].startswith("sandbox")
    told = (await owner.get("/deliveries?source=message")).text
    assert (told.count(">Asha Rao<"), told.count(">Bo<")) == (4, 1)
    # So does the customer's story, under what led to it, and apart.
    for query in ("", "?show=messages"):
        story = html.unescape((await owner.get(f"/customers/{real['customer']['id']}{query}")).text)
        assert f'<a href="/messages/{real["id"]}">E-mail “Coins came in” was sent, opened, clicked</a>' in story
        assert "E-mail “Coins came in” was not sent" in story
        assert "does not agree to be written to" in story
        assert ('<ul class="notes"' in story) == (not query)
    assert f"/messages/{real['id']}" in (await owner.get(f"/deliveries/{real['id']}")).text
    assert "asha" not in (await owner.get("/messages.csv?state=failed")).text


async def test_who_is_not_written_to_and_what_somebody_agreed_to_is_seen_and_changed(desk: Desk) -> None:
    owner = await owner_of(desk)
    assert "No address is suppressed" in (await owner.get("/messages/suppressed")).text
    new = {"channel": "email", "address": "asha", "reason": "Asked us"}
    assert 'id="address-wrong"' in (await owner.post("/messages/suppressed/new", **new)).text
    assert (await owner.post("/messages/suppressed/new", **new | {"address": ASHA["email"]})).status_code == 303
    found = (await owner.get("/messages/suppressed?q=ASHA@example.com")).text
    assert "Asked us" in found
    (one,) = (await desk.shop.manage("GET", "/suppressions")).json()["items"]
    asha = (await desk.shop.manage("GET", "/customers", params={"text": "Asha"})).json()["items"][0]["id"]
    page = (await owner.get(f"/customers/{asha}")).text
    assert "Nothing is sent to their e-mail address: Asked us" in page
    form = form_of((await owner.get(f"/customers/{asha}/consent")).text, f"/customers/{asha}/consent")
    assert (form["email"], form["sms"]) == ("yes", "yes")
    assert 'id="source-wrong"' in (await owner.post(f"/customers/{asha}/consent", **form | {"sms": "no"})).text
    said = form | {"sms": "no", "source": "On the phone"}
    assert (await owner.post(f"/customers/{asha}/consent", **said)).status_code == 303
    kept = {line["channel"]: line for line in await desk.consent("yes", "whatsapp")}
    assert (kept["sms"]["state"], kept["sms"]["source"]) == ("no", "ann: On the phone")
    assert kept["email"]["source"] == ""
    assert "ann: On the phone" in (await owner.get(f"/customers/{asha}")).text
    assert (await owner.post(f"/messages/suppressed/{one['id']}/remove")).status_code == 303
    assert (await desk.shop.manage("GET", "/suppressions")).json()["items"] == []


async def test_the_rules_of_a_shops_messages_are_set_on_a_page(desk: Desk) -> None:
    owner = await owner_of(desk)
    form = form_of((await owner.get("/settings/messages")).text, "/settings/messages")
    assert (form["cap"], form["cap_days"], form["quiet_from"], form["tracking"]) == ("", "7", "0", "yes")
    given = form | {"cap": "3", "quiet_from": "22", "quiet_until": "7", "double_opt_in": "yes"}
    del given["tracking"]
    assert (await owner.post("/settings/messages", **given)).status_code == 303
    said = (await owner.get("/settings")).text
    assert "At most 3 in 7 days. Quiet from 22:00 to 7:00." in said
    kept = (await desk.shop.manage("GET", "/workspace")).json()["settings"]["messages"]
    assert kept == {"cap": 3, "quiet_from": 22, "quiet_until": 7, "double_opt_in": True, "tracking": False}
    assert 'id="cap_days-wrong"' in (await owner.post("/settings/messages", **given | {"cap_days": "0"})).text


async def test_a_trigger_sends_a_template_that_is_chosen_and_there(desk: Desk) -> None:
    owner = await owner_of(desk)
    assert 'name="kind"' not in (await owner.get("/triggers/new?source=order")).text
    template = await desk.letter()
    form = {"name": "Thanks", "source": "order", "active": "yes", "earn_when": "placed", "kind": "email"}
    assert "Sends a message" in (await owner.get("/triggers/new?source=order")).text
    assert 'id="template_id-wrong"' in (await owner.post("/triggers/new", **form, template_id="")).text
    sentence = (await owner.post("/triggers/sentence", **form, template_id=template)).text
    assert "it sends a message of “Hello”" in html.unescape(sentence)
    made = await owner.post("/triggers/new", **form, template_id=template, coins_per_unit="5")
    assert made.status_code == 303, made.text
    (trigger,) = (await desk.shop.manage("GET", "/triggers")).json()["items"]
    assert (trigger["kind"], trigger["rule"]["template_id"], trigger["rule"]["coins_per_unit"]) == (
        "email",
        template,
        0,
    )
    await desk.ready()
    await desk.shop.manage("POST", "/orders", json=an_order("1"))
    await desk.work()
    assert [mail["subject"] for mail in desk.box.mails] == ["For Asha Rao"]
    assert f'href="/triggers/{trigger["id"]}"' in (await owner.get("/messages")).text
    page = (await owner.get(f"/triggers/{trigger['id']}")).text
    assert form_of(page, f"/triggers/{trigger['id']}")["template_id"] == template
    other = await desk.letter(subject="Other")
    await desk.shop.manage("DELETE", f"/templates/{other}")
    body = {"name": "M", "source": "order", "kind": "email", "rule": {"template_id": other}}
    refused = await desk.shop.manage("POST", "/triggers", json=body)
    assert (refused.status_code, refused.json()["fields"].keys()) == (422, {"template_id"})
    body = {"rule": {"template_id": other}}
    assert (await desk.shop.manage("PATCH", f"/triggers/{trigger['id']}", json=body)).status_code == 422
    tried = await owner.post("/triggers/new", **form, template_id=template, **{"try": "yes"})
    assert "would get a message" in tried.text


async def test_a_test_event_goes_as_a_message_that_is_written_for_it(desk: Desk) -> None:
    owner = await owner_of(desk)
    settings = {"url": "https://shop.example/hooks/regulars"}
    tool = (await desk.shop.manage("POST", "/integrations", json={"tool": "webhook", "settings": settings})).json()
    told = {"topic": "walletreward_create", "integration_id": tool["integration"]["id"]}
    rule = (await desk.shop.manage("POST", "/send-events", json=told)).json()["id"]
    test = f"/events/send/{rule}/test"
    assert 'name="template_id"' not in (page := (await owner.get(test)).text)
    assert 'href="/templates/new?topic=walletreward_create"' in page
    template = (await owner.post("/templates/new", **FORM)).headers["location"].rpartition("/")[2]
    assert "Coins came in" in (await owner.get(test)).text
    given = {"by": "email", "address": ASHA["email"], "template_id": template}
    assert "no sender that is ready" in (await owner.post(test, **given)).text
    await desk.ready()
    sent = await owner.post(test, **given)
    assert sent.headers["location"].startswith("/messages/")
    await desk.work()
    (mail,) = desk.box.mails
    assert (mail["to"], mail["subject"].endswith(" for Asha Rao")) == (ASHA["email"], True)
