"""Referrals on pages: the one that a friend sees, and those of the shop's owner."""

import re
from typing import Any

import httpx
import pytest

from regulars import limits
from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, a_shop, an_order
from tests.stories.browsing import Browser, form_of, person, signed_in

FIVE = {"name": "Five off", "terms": {"discount": "amount", "value": 5, "code_prefix": "HELLO-"}}


@pytest.fixture
async def owner(shop: Shop) -> Browser:
    return await signed_in(shop, await person(shop, "ann"))


async def opened(shop: Shop, owner: Browser, **more: str) -> dict[str, Any]:
    """Referrals are set up by the form; a customer who refers."""
    offer = (await shop.manage("POST", "/offers", json=FIVE)).json()["id"]
    form = form_of((await owner.get("/settings/referrals")).text, "/settings/referrals")
    form |= {"on": "yes", "friend_offer": offer, "reward": "coins", "coins": "500", "modes": "link"} | more
    answer = await owner.post("/settings/referrals", **form)
    assert answer.status_code == 303, re.findall(r'class="wrong"[^<]*<svg.*?</svg>([^<]*)', answer.text)
    made: dict[str, Any] = (await shop.manage("POST", "/customers", json=ASHA)).json()
    return made


class Friend:
    """A browser of a stranger, at an address of the internet."""

    def __init__(self, shop: Shop, code: str, address: str = "8.8.8.8") -> None:
        self.shop, self.path, self.address, self.cookies = shop, f"/r/{code}", address, ""

    async def call(self, method: str, **more: Any) -> httpx.Response:
        self.shop.client.cookies.clear()
        headers = {"cookie": self.cookies} if self.cookies else {}
        transport: Any = self.shop.client._transport
        transport.client = (self.address, 1234)
        answer = await self.shop.client.request(method, self.path, headers=headers, **more)
        if kept := re.search(r"(regulars_friend=[^;]+)", answer.headers.get("set-cookie", "")):
            self.cookies = kept[1]
        return answer

    async def claim(self, email: str, name: str = "Ravi") -> httpx.Response:
        page = await self.call("GET")
        token = re.search(r'name="_csrf" value="(\w+)"', page.text)
        return await self.call("POST", data={"_csrf": token[1] if token else "", "email": email, "name": name})


async def test_a_friend_sees_what_they_get_claims_it_and_orders(shop: Shop, owner: Browser, clock: HandClock) -> None:
    asha = await opened(shop, owner)
    friend = Friend(shop, asha["referral_code"])
    page = await friend.call("GET")
    assert page.status_code == 200
    assert "Asha</bdi> has something for you" in page.text
    assert "$5 Off coupon" in page.text
    assert "Rao" not in page.text, "a first name is enough"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    claimed = await friend.claim("ravi@example.com")
    (code,) = set(re.findall(r"HELLO-\w+", claimed.text))
    assert (await friend.claim("ravi@example.com")).text.count(code), "shown again in the same browser"
    other = await Friend(shop, asha["referral_code"], "8.8.4.4").claim("ravi@example.com")
    assert code not in other.text, "and to nobody else who knows the address"
    used = an_order(customer={"customer_id": "shopify-1", "email": "ravi@example.com"}, coupon_codes=[code])
    await shop.manage("POST", "/orders", json=used)
    (found,) = (await shop.manage("GET", "/referrals")).json()["items"]
    assert (found["state"], found["mode"], found["verdicts"]) == ("qualified", "link", {})


async def test_what_a_friend_can_not_claim_is_said_beside_the_form(shop: Shop, owner: Browser) -> None:
    asha = await opened(shop, owner)
    friend = Friend(shop, asha["referral_code"])
    said = await friend.claim("a.sha+friend@example.com")
    assert (said.status_code, "Nobody can refer themselves" in said.text) == (422, True)
    said = await friend.claim("nobody")
    assert (said.status_code, 'value="nobody"' in said.text) == (422, True)
    forged = await friend.call("POST", data={"_csrf": "x", "email": "ravi@example.com"})
    assert forged.status_code == 403
    assert (await Friend(shop, "nobody-has-this").call("GET")).status_code == 404
    assert (await shop.manage("GET", "/referrals")).json()["items"] == []


async def test_a_browser_that_claims_for_two_waits_and_an_address_claims_only_so_often(
    shop: Shop, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asha = await opened(shop, owner)
    monkeypatch.setattr(limits, "CLAIMS_FROM_MAX", 3)
    friend = Friend(shop, asha["referral_code"])
    await friend.claim("ravi@example.com")
    second = await friend.claim("mira@example.com", name="")
    assert "The shop looks at this first" in second.text
    assert "HELLO-" not in second.text
    await friend.claim("mira@example.com")
    many = await friend.claim("otto@example.com")
    assert (many.status_code, "retry-after" in many.headers) == (429, True)
    queue = await owner.get("/referrals?review=waiting")
    assert "The same browser claimed 1 other before." in queue.text
    (id,) = set(re.findall(r"/referrals/([0-9a-f-]{36})\"", queue.text))
    page = (await owner.get(f"/referrals/{id}")).text
    assert "Nobody gets anything before you decide." in page
    assert "<h1>mira@example.com</h1>" in page, "who gave no name is called what is known of them"
    reader = await signed_in(shop, await person(shop, "bob", "reader"))
    assert (await reader.post(f"/referrals/{id}/approve")).status_code == 403
    assert (await owner.post(f"/referrals/{id}/approve")).status_code == 303
    assert (await shop.manage("GET", f"/referrals/{id}")).json()["friend_coupon_id"]
    assert (await owner.post(f"/referrals/{id}/reject", reason="Twins")).status_code == 303
    one = (await shop.manage("GET", f"/referrals/{id}")).json()
    assert (one["state"], one["reason"], one["actor"].partition(":")[0]) == ("rejected", "Twins", "staff")
    listed = (await owner.get("/referrals")).text
    assert "How far friends come" in listed
    assert "Twins" in listed


async def test_what_both_get_is_asked_for_before_it_is_on(shop: Shop, owner: Browser) -> None:
    form = form_of((await owner.get("/settings/referrals")).text, "/settings/referrals")
    answer = await owner.post("/settings/referrals", **form | {"on": "yes", "reward": "coins", "coins": "0"})
    assert answer.status_code == 422
    assert "the offer of which friends get a coupon" in answer.text
    assert "at least 1" in answer.text
    # How friends come is chosen already, and stays so; of none it is said beside the boxes.
    assert form["modes"] == form_of(answer.text, "/settings/referrals")["modes"] == "mobile"
    none = await owner.post("/settings/referrals", **{name: form[name] for name in form if name != "modes"}, on="yes")
    assert "Something here needs another look." in none.text
    assert "at least one of link, email" in none.text


async def test_a_shop_that_takes_anothers_code_takes_none_of_its_friends(shop: Shop, owner: Browser) -> None:
    asha = await opened(shop, owner)
    other = await a_shop(shop.app, shop.client, shop.app.clock.now())
    await opened(other, await signed_in(other, await person(other, "mallory")))
    taken = {"customer_id": "shopify-666", "name": "Mallory", "referral_code": asha["referral_code"]}
    assert (await other.manage("POST", "/customers", json=taken)).status_code == 201
    for base in (shop.app.settings.address(), "http://shop.test"):
        await other.manage("PATCH", "/workspace", json={"settings": {"referral_link_base": base}})
        friend = Friend(shop, f"{asha['referral_code']}?shop={shop.id}", "9.9.9.10")
        assert "Asha</bdi> has something for you" in (await friend.call("GET")).text
        assert "HELLO-" in (await friend.claim(f"friend{len(base)}@example.com")).text
    # An address of the shop's own was its own first.
    await shop.manage("PATCH", "/workspace", json={"settings": {"referral_link_base": "http://shop.test"}})
    friend = Friend(shop, asha["referral_code"], "9.9.9.11")
    assert "Asha</bdi> has something for you" in (await friend.call("GET")).text
