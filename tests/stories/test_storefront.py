"""What a shop's own pages show a customer, and sell them."""

import asyncio
from typing import Any

import httpx
import jwt
import pytest

from regulars import limits, triggers
from regulars.api import proofs
from regulars.kit.clock import HandClock
from regulars.kit.db import Reading
from regulars.kit.secrets import storefront_secret
from tests.doors import ASHA, SECRET_KEY, Shop, a_shop, an_order, per_dollar
from tests.stories.test_reviews import SNOWBOARD

FIVE = {"discount": "amount", "value": 5, "price": "fixed", "coins": 100}


class Page:
    """A page of the shop, as its server opens it for a customer."""

    def __init__(self, shop: Shop, clock: HandClock) -> None:
        self.shop, self.clock = shop, clock

    def token(self, **claims: Any) -> str:
        secret = storefront_secret(SECRET_KEY, self.shop.workspace.id, 1)
        said = {"customer_id": ASHA["customer_id"], "exp": self.clock.now().timestamp() + 600}
        return jwt.encode(said | claims, secret, algorithm="HS256")

    async def ask(self, path: str = "/me", method: str = "GET", **more: Any) -> httpx.Response:
        headers = {"x-workspaceid": self.shop.id, "x-leadtoken": self.token()} | more.pop("send", {})
        return await self.shop.client.request(method, f"/storefront/v1{path}", headers=headers, **more)

    async def me(self) -> dict[str, Any]:
        answer = await self.ask()
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def redeem(self, offer: str, key: str = "one", **more: Any) -> httpx.Response:
        return await self.ask("/redeem", "POST", json={"offer_id": offer} | more, send={"idempotency-key": key})

    async def offer(self, name: str = "Five off", **terms: Any) -> str:
        made = await self.shop.manage("POST", "/offers", json={"name": name, "terms": FIVE | terms})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def give(self, coins: int) -> str:
        """Asha's id."""
        made = await self.shop.manage("POST", "/customers", json=ASHA)
        id: str = made.json()["id"] if made.is_success else (await self.shop.lead(ASHA["customer_id"]))["_id"]
        body = {"operation": "cr", "amount": coins, "reason": "A gift"}
        assert (await self.shop.manage("POST", f"/customers/{id}/transactions", json=body)).is_success
        return id


@pytest.fixture
def page(shop: Shop, clock: HandClock) -> Page:
    return Page(shop, clock)


async def test_a_customer_sees_all_that_they_have(shop: Shop, page: Page, clock: HandClock) -> None:
    await shop.manage("PATCH", "/workspace", json={"uri": "https://corner.example"})
    rule = {"per_day_max": 2, "per_customer_max": 5}
    content = triggers.Content(title="Come and look", icon="gift")
    visit = await shop.trigger("Visit", rule=rule, show_in_widget=True, content=content)
    await shop.trigger("Hidden", show_in_widget=False)
    await shop.manage("PATCH", f"/triggers/{await per_dollar(shop)}", json={"show_in_widget": True})
    tier = {"key": "gold", "name": "Gold", "enter": {"spent": 500, "orders": 9}, "perks": ["Free shipping"]}
    await shop.manage("PUT", "/tiers", json={"ladder": {"tiers": [tier]}})
    book = {"expiry": "per_lot", "expire_after": 30, "expire_unit": "days"}
    await shop.manage("PATCH", "/workspace", json={"settings": {"book": book}})
    near, far = await page.offer(), await page.offer("Ten off", value=10, coins=260)
    gold, gone = await page.offer("Gold only", tiers=["Gold"]), await page.offer("Two a head", per_customer_max=1)
    await page.offer("Given", price="free", coins=0)
    await page.give(20)
    await shop.reward(visit, ASHA["customer_id"])
    await shop.manage("POST", "/orders", json=an_order(financial_status="paid"))
    bought = (await page.redeem(gone, "a")).json()

    shown = await page.me()
    assert (shown["name"], shown["coin_name"], shown["language"], shown["words"]["title"]) == (
        "Corner Shop", "coins", "en", "Your rewards",
    )  # fmt: skip
    has = shown["me"]
    balance = has["purse"]["balance"]
    assert (has["customer"], balance["available"], balance["pending"], balance["debt"]) == ("Asha Rao", 59, 0, 0)
    assert [coins for _, coins in has["purse"]["expires"]] == [59]
    assert [(one["operation"], one["amount"], one["type"]) for one in has["history"]] == [
        ("dr", 100, "redeem"), ("cr", 129, "reward"), ("cr", 10, "reward"), ("cr", 20, "adjust"),
    ]  # fmt: skip
    ways = {one["trigger"]["content"]["title"]: one for one in shown["ways"]}
    assert set(ways) == {"Come and look", "Purchase"}
    assert ways["Come and look"]["left"] == {"day": 1, "customer": 4}
    assert (ways["Come and look"]["done"], ways["Purchase"]["trigger"]["coins_per_unit"]) == (False, 1)
    offers = {one["id"]: (one["can"], one["missing"], one["why"]) for one in shown["offers"]}
    assert offers == {
        near: (False, 41, ""),
        far: (False, 201, ""),
        gold: (False, 0, "not_eligible"),
        gone: (False, 0, "offer_limit_reached"),
    }
    assert [(one["code"], one["status"], one["value"]) for one in has["coupons"]] == [(bought["code"], "issued", 5)]
    (order,) = has["orders"]
    assert (order["name"], order["amount_minor"], order["coins_rewarded"]) == ("#1028", 12_990, 129)
    assert (shown["tiers"][0]["name"], shown["tiers"][0]["perks"]) == ("Gold", ["Free shipping"])
    assert (has["tier"], has["next_tier"], has["reached"]["spent"], has["reached"]["orders"]) == ("", "gold", 129.9, 1)
    assert has["referral_link"] == f"{shop.app.settings.address()}/r/{has['referral_code']}?shop={shop.id}"


async def test_a_customer_is_led_to_what_they_bought_and_have_not_reviewed(shop: Shop, page: Page) -> None:
    ski = SNOWBOARD | {"product_id": "8199", "title": "The Ski"}
    for at, lines in ((1, [SNOWBOARD]), (2, [SNOWBOARD, ski])):
        order = an_order(f"{at}", lines=lines, delivery_status="fulfilled", placed_at=f"2026-03-14T09:0{at}:00Z")
        assert (await shop.manage("POST", "/orders", json=order)).is_success
    on_its_way = an_order("3", lines=[ski | {"product_id": "8200"}], delivery_status="pending")
    await shop.manage("POST", "/orders", json=on_its_way)
    for _ in range(2):
        left = (await page.me())["me"]["to_review"]
        assert {one["name"] for one in left} == {"The Snowboard", "The Ski"}
    (link,) = {one["link"] for one in left}
    assert link.startswith(f"{shop.app.settings.address()}/review/")
    written = await shop.client.get(link.removeprefix(shop.app.settings.address()))
    assert (written.status_code, "The Ski" in written.text) == (200, True)
    said = {
        "customer": (await shop.lead(ASHA["customer_id"]))["_id"],
        "product_id": "8199",
        "rating": 5,
        "text": "Fast",
    }
    made = await shop.manage("POST", "/reviews", json=said)
    assert made.is_success, made.text
    assert [one["name"] for one in (await page.me())["me"]["to_review"]] == ["The Snowboard"]


async def test_coins_on_their_way_and_a_wallet_that_expires_whole_are_told(shop: Shop, page: Page) -> None:
    book = {"expiry": "inactivity", "expire_after": 2, "expire_unit": "days"}
    await shop.manage("PATCH", "/workspace", json={"settings": {"book": book}})
    later = await shop.trigger("Later", rule={"after_delta_day": 3})
    await page.give(70)
    await shop.reward(later, ASHA["customer_id"])
    has = (await page.me())["me"]
    assert (has["purse"]["balance"]["available"], [coins for _, coins in has["purse"]["expires"]]) == (70, [70])
    page.clock.advance(days=4)
    assert (await page.me())["me"]["purse"]["balance"]["available"] == 0


async def test_only_a_proof_of_this_shop_opens_it(shop: Shop, page: Page, clock: HandClock) -> None:
    id = await page.give(10)
    other = Page(await a_shop(shop.app, shop.client, clock.now(), "Other Shop"), clock)
    now = clock.now().timestamp()
    for proof in (
        {"x-leadtoken": ""},
        {"x-leadtoken": "e30.e30.e30"},
        {"x-leadtoken": other.token()},
        {"x-leadtoken": page.token(exp=now - 1)},
        {"x-leadtoken": page.token(exp=now + 100_000)},
        {"x-leadtoken": page.token(customer_id="")},
        {"x-leadtoken": page.token(customer_id="a\x00b")},
        {"x-leadtoken": page.token(customer_id="shopify-nobody")},
        {"x-leadtoken": page.token(lead_id="no-id")},
        {"x-leadtoken": "", "x-leaddigest": "0" * 64, "x-timestamp": str(int(now))},
    ):
        answer = await page.ask(params={"customer_id": ASHA["customer_id"]}, send=proof)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "*"), proof
    assert (await page.ask(send={"x-leadtoken": page.token(lead_id=id)})).json()["me"]["purse"]["balance"][
        "available"
    ] == 10
    assert (await page.ask(send={"x-workspaceid": "no-shop"})).status_code == 404
    assert (await page.ask(send={"x-workspaceid": other.shop.id})).status_code == 401


async def test_a_digest_is_good_for_a_token(shop: Shop, page: Page, clock: HandClock) -> None:
    await page.give(10)
    stamp = str(int(clock.now().timestamp()))
    digest = proofs.digest(storefront_secret(SECRET_KEY, shop.workspace.id, 1), ASHA["customer_id"], stamp)
    proof = {"x-leadtoken": "", "x-leaddigest": digest, "x-timestamp": stamp}
    shown = (await page.ask(params={"customer_id": ASHA["customer_id"]}, send=proof)).json()
    assert shown["me"]["purse"]["balance"]["available"] == 10
    assert (await page.ask(send={"x-leadtoken": shown["token"]})).json()["token"] == ""
    assert (await page.ask(params={"customer_id": "shopify-another"}, send=proof)).status_code == 401


async def test_an_offer_is_bought_once_for_each_key(shop: Shop, page: Page) -> None:
    offer = await page.offer()
    await page.give(250)
    again = await asyncio.gather(*(page.redeem(offer) for _ in range(5)))
    assert {one.status_code for one in again} == {200}
    assert len({one.json()["code"] for one in again}) == 1
    assert sum("idempotency-hit" in one.headers for one in again) == 4
    assert (await page.me())["me"]["purse"]["balance"]["available"] == 150
    wrong = await page.redeem(offer, "two", coin_amount=90)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "price_changed")
    assert (await page.redeem(offer, "three", step=2)).json()["code"] == "price_changed"
    assert (await page.redeem(offer, "four", coin_amount=100)).status_code == 200
    assert (await page.redeem(offer, "five")).json()["code"] == "insufficient_balance"
    without = await page.ask("/redeem", "POST", json={"offer_id": offer})
    assert (without.status_code, list(without.json()["fields"])) == (422, ["Idempotency-Key"])
    assert (await page.redeem(offer, "six", price=1)).status_code == 422
    huge = await page.ask("/redeem", "POST", content=b"x" * 5_000, send={"content-type": "application/json"})
    assert huge.status_code == 413
    assert (await page.me())["me"]["purse"]["balance"]["available"] == 50


async def test_a_customer_has_an_allowance_of_calls(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STOREFRONT_CALLS_PER_MINUTE", 2)
    await page.give(10)
    assert [(await page.ask()).status_code for _ in range(3)] == [200, 200, 429]
    page.clock.advance(seconds=30)
    assert (await page.ask()).status_code == 200


async def test_a_stranger_sees_the_programme_and_nobody_in_it(shop: Shop, page: Page) -> None:
    await page.offer()
    await page.give(10)
    shown = await page.ask("/shop", send={"x-leadtoken": "", "accept-language": "fr-CA, en;q=0.8"})
    said = shown.json()
    assert (said["me"], len(said["offers"]), said["language"]) == (None, 1, "fr")
    assert "Asha" not in shown.text
    for path, more in (("/shop", {}), ("/reviews", {"product_id": "1"})):
        cached = await page.ask(path, params={"shop": shop.id} | more, send={"x-workspaceid": "another"})
        assert (cached.status_code, cached.headers["cache-control"]) == (200, "public, max-age=60")
        assert {"x-workspaceid", "origin", "accept-language"} <= {*cached.headers["vary"].split(", ")}
    arabic = (await page.ask("/shop", params={"language": "ar"})).json()
    assert (arabic["right_to_left"], arabic["words"]["coupons"]) == (True, "قسائمك")


async def test_a_page_that_is_none_of_the_shops_is_refused(shop: Shop, page: Page) -> None:
    await page.give(10)
    for origin in ("https://corner.example", "https://evil.example"):
        assert (await page.ask(send={"origin": origin})).headers["access-control-allow-origin"] == "*"
    asked = {"access-control-request-method": "GET", "access-control-request-headers": "x-leadtoken", "origin": "x"}
    preflight = await shop.client.options("/storefront/v1/me", headers=asked)
    assert (preflight.status_code, "x-leadtoken" in preflight.headers["access-control-allow-headers"]) == (204, True)
    changed = await shop.manage("PATCH", "/storefront", json={"origins": ["https://corner.example"]})
    assert changed.json()["origins"] == ["https://corner.example"]
    ours = await page.ask(send={"origin": "https://corner.example"})
    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (200, "https://corner.example")
    theirs = await page.ask(send={"origin": "https://evil.example"})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "origin_refused")
    assert "set-cookie" not in ours.headers
    assert "access-control-allow-credentials" not in ours.headers


async def test_an_older_widget_asks_for_all_at_once(shop: Shop, page: Page) -> None:
    five, gold = await page.offer(), await page.offer("Gold", tiers=["Gold"])
    await page.offer("Over", ends_at="2020-01-01")
    await shop.trigger("Visit", show_in_widget=True)
    await shop.manage("PATCH", "/storefront", json={"accent": "#aa0000", "words": {"title": "The club"}})
    answer = await shop.merchant("GET", "/aggreegateddetails", key=shop.storefront_key)
    assert answer.status_code == 200, answer.text
    details = answer.json()["data"]["item"]
    assert (details["theme"]["accent"], details["words"]["title"], details["me"]) == ("#aa0000", "The club", None)
    assert ([one["trigger"]["name"] for one in details["ways"]], len(details["offers"])) == (["Visit"], 2)
    for tier, there in (("gold", [five, gold]), ("silver", [five])):
        found = await shop.merchant("GET", "/aggreegatedoffers", key=shop.read_key, params={"tier": tier})
        listed = found.json()["data"]
        assert ([one["id"] for one in listed["items"]], listed["count"]) == (there, len(there))


async def test_what_can_be_no_theme_is_refused(shop: Shop) -> None:
    for wrong, field in (
        ({"accent": "red"}, "accent"),
        ({"corners": 99}, "corners"),
        ({"logo": "javascript:alert(1)"}, "logo"),
        ({"origins": ["https://corner.example/path"]}, "origins"),
        ({"words": {"nonsense": "x"}}, "words.nonsense"),
        ({"words": {"title": "x" * 301}}, "words[...]"),
        ({"language": "xx"}, "language"),
    ):
        answer = await shop.manage("PATCH", "/storefront", json=wrong)
        assert (answer.status_code, list(answer.json()["fields"])) == (422, [field]), wrong
    await shop.manage(
        "PATCH", "/storefront", json={"accent": "#aa0000", "words": {"title": "Club", "launcher": "Join"}}
    )
    changed = await shop.manage("PATCH", "/storefront", json={"accent": None, "words": {"title": None}})
    assert (changed.json()["accent"], changed.json()["words"]) == ("#0f6b4f", {"launcher": "Join"})


async def test_the_page_keeps_what_proves_to_itself(shop: Shop, page: Page) -> None:
    token = f'{page.token()}"><script>'
    opened = await shop.client.get("/storefront/v1/page", params={"shop": shop.id, "token": token, "language": "de"})
    policy = opened.headers["content-security-policy"]
    assert ("default-src 'none'" in policy, "frame-ancestors 'none'" in policy) == (True, True)
    assert (opened.headers["referrer-policy"], opened.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "Deine Prämien" in opened.text
    assert token not in opened.text
    script = await shop.client.get("/storefront/v1/widget.js")
    again = await shop.client.get("/storefront/v1/widget.js", headers={"if-none-match": script.headers["etag"]})
    assert (script.headers["content-type"], again.status_code, again.content) == (
        "text/javascript; charset=utf-8",
        304,
        b"",
    )


async def test_it_takes_as_many_questions_for_much_as_for_little(
    shop: Shop, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch = Reading.fetch

    async def noted(self: Reading, statement: str, *arguments: Any) -> Any:
        asked.append(statement)
        return await fetch(self, statement, *arguments)

    async def grown() -> None:
        trigger = await shop.trigger("Visit", show_in_widget=True, rule={"per_day_max": 5})
        await shop.reward(trigger, ASHA["customer_id"])
        await page.redeem(await page.offer("Five off", per_customer_max=3), f"key-{trigger.id}")

    monkeypatch.setattr(Reading, "fetch", noted)
    await page.give(1_000)
    counts = []
    for n in (1, 3):
        for _ in range(n):
            await grown()
        asked.clear()
        await page.me()
        counts.append(len(asked))
    assert counts[0] == counts[1]
