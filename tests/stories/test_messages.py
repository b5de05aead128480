"""What is said to customers: templates, what they come to, and who agreed to them."""

from typing import Any

import pytest

from tests.doors import ASHA, Shop

NAMED = "Asha <b onmouseover=alert(1)>Rao</b>\r\nBcc: all@example.com"


async def a_template(shop: Shop, status: int = 201, **more: Any) -> dict[str, Any]:
    content = {
        "subject": "Hello {{ user_name }}",
        "body": "<p>You have {{ customer.balance }} {{ business.coin_name }}</p>",
    }
    answer = await shop.manage("POST", "/templates", json={"name": "Welcome", "content": content} | more)
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def previewed(shop: Shop, body: str, status: int = 200, **more: Any) -> dict[str, Any]:
    content = {"subject": "A subject", "body": body} | more.pop("content", {})
    asked = {"customer_id": ASHA["customer_id"], "content": content} | more
    answer = await shop.manage("POST", "/templates/preview", json=asked)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
async def asha(shop: Shop) -> str:
    made = await shop.manage("POST", "/customers", json=ASHA)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_a_template_is_checked_kept_in_versions_and_filled_in_with_what_is_true(shop: Shop, asha: str) -> None:
    made = await a_template(shop)
    assert (made["version"], made["channel"], made["topic"]) == (1, "email", "")
    wrong = {"subject": "{{ user_nam }}", "body": "{{ event.amount }}{% for x in %}", "slots": ["{{ customer.shoe }}"]}
    wrong["preheader"] = "{{ customer.properties.shoe }}"
    refused = await a_template(shop, 422, content=wrong, topic="nothing_create", name=" ")
    assert refused["fields"].keys() == {"name", "topic", "subject", "preheader", "body", "slots", "slots[0]"}
    assert "did you mean user_name?" in refused["fields"]["subject"]
    assert "missing" in refused["fields"]["body"] or "Liquid that can be read" in refused["fields"]["body"]
    of_event = {
        "subject": "{{ event.amount | default: 'some' }}",
        "body": "{% assign n = event.amount | plus: 1 %}{{ n }}",
    }
    changed = await shop.manage(
        "PATCH", f"/templates/{made['id']}", json={"content": of_event, "topic": "walletreward_create"}
    )
    assert (changed.status_code, changed.json()["version"]) == (200, 2), changed.text
    assert (await shop.manage("PATCH", f"/templates/{made['id']}", json={"topic": "lead_create"})).status_code == 422
    adjusted = {"operation": "cr", "amount": 50, "reason": "Hello"}
    await shop.manage("POST", f"/customers/{asha}/transactions", json=adjusted)
    said = await previewed(shop, "<p>{{ customer.first_name }}: {{ user_available_balance }} {{ coupon.code }}</p>")
    assert "<p>Asha: 50 GIFT-2345</p>" in said["html"]
    assert (await previewed(shop, "Hello", 422, topic="nothing_create"))["fields"].keys() == {"topic"}
    asked = await shop.manage("GET", "/template-variables", params={"topic": "nothing_create"})
    assert (asked.status_code, asked.json()["fields"].keys()) == (422, {"topic"})
    assert said["text"].startswith("Asha: 50 GIFT-2345")
    told = (await shop.manage("GET", "/template-variables", params={"topic": "walletreward_create"})).json()["items"]
    tags = {one["name"]: one["tag"] for one in told}
    assert tags["user_name"] == "{{ user_name | default: 'there' }}"
    assert "event.amount" in tags
    assert (await shop.manage("DELETE", f"/templates/{made['id']}")).status_code == 204
    assert (await shop.manage("GET", f"/templates/{made['id']}")).status_code == 404


async def test_what_a_customer_is_called_breaks_out_of_nothing(shop: Shop, asha: str) -> None:
    await shop.manage("PATCH", f"/customers/{asha}", json={"name": NAMED})
    body = (
        "<style>p { color: red } @import url(http://x.example/a.css);</style><script>alert(1)</script>"
        '<p class="{{ user_name }}">{{ user_name }}</p><a href="javascript:alert(1)">x</a>'
        '<a href="https://shop.example/?a=1&b=2" onclick="x()">Shop</a><iframe src="https://x.example"></iframe>'
    )
    said = await previewed(shop, body, content={"subject": "To {{ user_name }}", "preheader": "{{ user_name }}"})
    html = said["html"]
    for bad in ("<script", "onmouseover=alert(1)>Rao</b>", "javascript:", "onclick", "<iframe", "@import", "<b "):
        assert bad not in html, bad
    assert 'style="color: red' in html
    assert "&lt;b onmouseover" in html
    assert said["subject"].startswith("To Asha")
    assert said["preheader"].startswith("Asha")
    assert said["subject"].isprintable()
    assert "Shop (https://shop.example/?a=1&b=2)" in said["text"]
    text = await previewed(shop, "Hi {{ user_name }}\n\nhttps://shop.example", content={"body_type": "text"})
    assert '<a href="https://shop.example">https://shop.example</a>' in text["html"]
    assert "<b " not in text["html"]


MJML = """<mjml>
  <mj-head><mj-preview>Look</mj-preview><mj-style>.big { color: red }</mj-style></mj-head>
  <mj-body><mj-raw>{% if customer.balance > 5 %}</mj-raw><mj-section><mj-column>
    <mj-text css-class="big">Hi {{ user_name }} <script>alert(1)</script></mj-text>
    <mj-button href="https://shop.example/?c={{ customer.country }}">Go</mj-button>
  </mj-column></mj-section><mj-raw>{% endif %}</mj-raw></mj-body>
</mjml>"""


async def test_mjml_is_made_html_as_harmless_as_any_and_a_fault_says_its_line(shop: Shop, asha: str) -> None:
    await shop.manage("PATCH", f"/customers/{asha}", json={"name": NAMED})
    kind = {"body_type": "mjml"}
    assert "Hi" not in (await previewed(shop, MJML, content=kind))["text"]
    await shop.manage("POST", f"/customers/{asha}/transactions", json={"operation": "cr", "amount": 9, "reason": "x"})
    said = await previewed(shop, MJML, content=kind)
    html = said["html"]
    for bad in ("<script", "<mj-", "onmouseover=alert(1)>Rao", "fonts.googleapis", "<!--"):
        assert bad not in html, bad
    assert "@media only screen and (min-width:480px)" in html
    assert "color: red" in html
    assert "&lt;b onmouseover" in html
    assert "Go (https://shop.example/?c=" in said["text"]
    for body, words in (
        (MJML.replace("</mj-column>", "</mj-colum>"), "line 6"),
        (MJML.replace("<mj-button", "<mj-buton"), "line 5: there is no mj-buton"),
        (MJML.replace('href="https', "href=https"), "line 5"),
        (
            MJML.replace("<mj-raw>", "<mj-include path='file:///etc/passwd'/><mj-raw>", 1),
            "line 3: there is no mj-include",
        ),
        ("<p>x</p>", "MJML that can be read"),
        ("<mjml><mj-body>" + "<mj-wrapper>" * 8_000, "more than 2,000 tags"),
    ):
        content = {"subject": "A subject", "body": body} | kind
        refused = await a_template(shop, 422, content=content)
        assert words in refused["fields"]["body"], refused
    assert (await a_template(shop, content={"subject": "A subject", "body": MJML} | kind))["content"]["body"] == MJML


@pytest.mark.parametrize(
    "body",
    [
        "{% for i in (1..1000000000) %}{{ i }}{% endfor %}",
        "{% assign x = 'aaaaaaaaaa' %}" + "{% assign x = x | append: x %}" * 40,
        "{% assign x = 'aaaaaaaaaaaaaaaaaaaa' %}{{ x" + " | replace: 'a', x" * 10 + " }}",
        "{% for i in (1..1000) %}" + "{% assign y = i | times: 3 %}" * 2_000 + "{% endfor %}",
        "{{ (1..100000000) | join: 'x' }}",
        "{% assign n = 9 %}" + "{% assign n = n | times: n %}" * 30,
    ],
)
async def test_a_template_without_an_end_ends_in_words(shop: Shop, asha: str, body: str) -> None:
    said = await previewed(shop, body)
    assert said.keys() == {"problem"}
    assert "too long or gets too large" in said["problem"]


async def test_a_variable_that_is_missing_is_said_and_other_channels_say_text(shop: Shop, asha: str) -> None:
    missing = await previewed(shop, "{{ event.amount }}")
    assert "'event' is undefined" in missing["problem"]
    sms = await previewed(shop, "Hi {{ user_name }} <b>", channel="sms", content={"subject": ""})
    assert sms == {"text": "Hi Asha Rao <b>"}
    slots = {
        "subject": "",
        "provider_template": "coins",
        "language": "en",
        "slots": ["{{ user_name }}", "{{ user_tier }}"],
    }
    assert "slot 2" in (await previewed(shop, "", channel="whatsapp", content=slots))["problem"]
    await a_template(shop, channel="whatsapp", content={**slots, "slots": ["{{ user_name }}"]})
    assert (await a_template(shop, 422, channel="sms", content={"body": ""}))["fields"].keys() == {"body"}


async def test_consent_is_kept_by_channel_and_a_no_outlives_what_the_platform_says(shop: Shop, asha: str) -> None:
    async def states(**given: Any) -> dict[str, str]:
        body = {"customer_id": ASHA["customer_id"], **given}
        answer = await (shop.manage("POST", "/consents", json=body) if given else
                        shop.manage("GET", "/consents", params=body))  # fmt: skip
        assert answer.status_code == 200, answer.text
        return {one["channel"]: one["state"] for one in answer.json()["items"]}

    assert await states() == {"email": "yes", "sms": "yes", "whatsapp": "yes"}
    assert (await states(channel="email", state="no", source="Phone"))["email"] == "no"
    assert (await shop.manage("GET", f"/customers/{asha}")).json()["accept_email"] is False
    await shop.manage("PATCH", f"/customers/{asha}", json={"accept_email": True, "accept_mobile": False})
    assert await states() == {"email": "no", "sms": "no", "whatsapp": "no"}
    # Who agrees to one of two channels that the shop knows one word of does not agree to the other.
    assert await states(channel="sms", state="yes") == {"email": "no", "sms": "yes", "whatsapp": "no"}
    assert (await shop.manage("GET", f"/customers/{asha}")).json()["accept_mobile"] is True
    assert (await states(channel="email", state="yes"))["email"] == "yes"
    await shop.manage("PATCH", f"/customers/{asha}", json={"accept_email": False})
    assert (await states())["email"] == "no"


async def test_addresses_that_nothing_is_sent_to_are_found_however_they_are_written(shop: Shop) -> None:
    made = await shop.manage("POST", "/suppressions", json={"address": " Asha@Example.com", "reason": "Phone"})
    assert made.status_code == 201, made.text
    again = await shop.manage("POST", "/suppressions", json={"address": "asha@example.com", "reason": "Twice"})
    assert (again.json()["id"], again.json()["reason"]) == (made.json()["id"], "Phone")
    assert (await shop.manage("POST", "/suppressions", json={"address": "nobody"})).status_code == 422
    await shop.manage("POST", "/suppressions", json={"address": "+91 98000 00000", "channel": "sms"})
    found = (await shop.manage("GET", "/suppressions", params={"address": "ASHA@example.com"})).json()["items"]
    assert [one["id"] for one in found] == [made.json()["id"]]
    page = (await shop.manage("GET", "/suppressions", params={"limit": 1})).json()
    assert page["items"][0]["channel"] == "sms"
    assert page["next"]
    assert (await shop.manage("DELETE", f"/suppressions/{made.json()['id']}")).status_code == 204
    assert (await shop.manage("DELETE", f"/suppressions/{made.json()['id']}")).status_code == 404
