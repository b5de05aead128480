"""Coupons as discounts at the platform where a shop sells: made once, whatever goes wrong between."""

import asyncio
from typing import Any

import pytest

from regulars import limits, worker
from regulars.sandbox import Fault, Sandbox
from regulars.sandbox.couponing import Shelf
from regulars.worker import Carriers
from regulars.worker.loops import callers
from tests.doors import Shop, an_order
from tests.make import audited
from tests.selling import Connected, connected
from tests.stories.browsing import form_of, person, signed_in
from tests.stories.test_coupons import Till

KEYS = {
    "shopify": {"coupons": "yes", "admin_token": "shpat_sandbox", "api_url": "{}/shopify"},
    "woocommerce": {
        "coupons": "yes",
        "url": "{}/woocommerce",
        "consumer_key": "ck_sandbox_key",
        "consumer_secret": "cs_sandbox_key",
    },
}
GIFT = {"discount": "percent", "value": 10, "price": "free", "coins": 0}


class Counter(Till):
    """A till of a shop whose coupons are discounts at a platform, too."""

    def __init__(self, shop: Shop, there: Connected, look_alikes: Sandbox) -> None:
        super().__init__(shop)
        self.there, self.platform, self.look_alikes = there, there.source["platform"], look_alikes

    @property
    def shelf(self) -> Shelf:
        return self.there.seller.shelf

    def fault(self, name: Any, times: int | None = 1) -> None:
        self.look_alikes.faults.put(Fault(self.platform, name, times))

    async def work(self, patience_s: float = 0) -> None:
        """As a worker does what is due."""
        app = self.shop.app
        calls = callers(app.db, app.http, app.box)
        carriers, of = Carriers(app.box), {"clock": app.clock, "patience_s": patience_s}
        await worker.drain(app.db, carriers, app.http, callers=calls, **of)  # type: ignore[arg-type]

    async def coupon(self) -> dict[str, Any]:
        """The newest."""
        found: dict[str, Any] = (await self.shop.manage("GET", "/coupons")).json()["items"][0]
        return found

    async def standing(self) -> tuple[str, str, int, bool]:
        """Of the newest coupon: its status, its discount here, what its customer has, and whether it is there."""
        one = await self.coupon()
        assert await audited(self.shop.app.db, self.shop.workspace.id) is None
        return one["status"], one["discount"], await self.available(), one["code"] in self.shelf.there


async def a_counter(shop: Shop, look_alikes: Sandbox, platform: str) -> Counter:
    keys = {name: value.format(look_alikes.base_url) for name, value in KEYS[platform].items()}
    there = await connected(shop, platform, **keys)
    look_alikes.sellers[platform] = there.seller
    counter = Counter(shop, there, look_alikes)
    await counter.asha()
    return counter


@pytest.fixture(params=["shopify", "woocommerce"])
async def till(shop: Shop, look_alikes: Sandbox, request: pytest.FixtureRequest) -> Counter:
    return await a_counter(shop, look_alikes, request.param)


@pytest.fixture
async def shopify(shop: Shop, look_alikes: Sandbox) -> Counter:
    return await a_counter(shop, look_alikes, "shopify")


async def test_what_is_bought_works_at_the_platforms_checkout_and_goes_when_it_ends(till: Counter) -> None:
    tested = (await till.shop.manage("POST", f"/sources/{till.there.source['id']}/test")).json()
    assert tested["ok"], tested
    bought = await till.buy(await till.offer(minimum_cart=20, expires_after_days=30))
    assert bought.status_code == 200
    code = bought.json()["data"]["item"]["value"]
    assert await till.standing() == ("issued", "made", 150, True)
    said = str(till.shelf.there[code])
    assert ("20.00" in said, "5.00" in said, "2026-" in said) == (True, True, True)
    await till.there.tell("orders", codes=[code])
    assert (await till.standing())[:3] == ("redeemed", "made", 150)
    till.shelf.used[code] += 1
    # Its order is cancelled: it is good again, also where it counts as used.
    await till.there.tell("orders", till.there.order_id, "cancel", codes=[code])
    assert await till.standing() == ("issued", "remaking", 150, True)
    await till.work()
    assert (await till.standing(), till.shelf.used[code]) == (("issued", "made", 150, True), 0)
    await till.shop.manage("POST", f"/coupons/{(await till.coupon())['id']}/cancel")
    await till.work()
    assert await till.standing() == ("cancelled", "gone", 250, False)


async def test_what_is_given_is_made_there_by_the_schedule_and_goes_when_it_expires(till: Counter) -> None:
    offers = [await till.offer(**GIFT, expires_after_days=7), await till.offer(discount="free_shipping", value=0)]
    asha = (await till.shop.lead("shopify-1001"))["_id"]
    till.fault("503", times=2)
    for offer in offers:
        made = await till.shop.manage("POST", "/coupons", json={"offer_id": offer["id"], "customer": asha})
        assert made.json()["discount"] == "making"
    await till.work()
    assert len(till.shelf.there) == 0
    await till.work(limits.DISCOUNT_AGAIN_S + 1)
    assert (len(till.shelf.there), (await till.coupon())["discount"]) == (2, "made")
    await till.work(8 * 24 * 3_600)
    assert [one["discount"] for one in (await till.shop.manage("GET", "/coupons")).json()["items"]] == ["made", "gone"]
    assert len(till.shelf.there) == 1


@pytest.mark.parametrize("fault", ["500_after", "reset", "truncated"])
async def test_a_platform_that_fails_after_it_made_it_makes_it_once_and_coins_are_taken_once(
    till: Counter, fault: str
) -> None:
    offer = await till.offer()
    key = {"Idempotency-Key": "buy-1"}
    till.fault(fault, times=2)  # the look, and if that is asked again, the making
    first = await till.buy(offer, send=key)
    assert (first.status_code, (await till.standing())[:3]) == (200, ("issued", "making", 150))
    again = await till.buy(offer, send=key)
    assert again.headers["idempotency-hit"] == "true"
    await till.work(limits.DISCOUNT_AGAIN_S * 8)
    assert (await till.standing(), len(till.shelf.there)) == (("issued", "made", 150, True), 1)
    txns = (await till.shop.manage("GET", f"/customers/{first.json()['data']['item']['lead_id']}/transactions")).json()
    assert [(one["amount"], one["status"]) for one in txns["items"]] == [(100, "success"), (250, "success")]


async def test_made_and_answered_with_500_it_is_looked_for_before_anything_else(shopify: Counter) -> None:
    shopify.look_alikes.memory.clear()
    offer = await shopify.offer()
    real = shopify.look_alikes.faults.next_for
    calls = iter([None, Fault("shopify", "500_after")])
    shopify.look_alikes.faults.next_for = lambda tool: next(calls, None)  # type: ignore[method-assign]
    await shopify.buy(offer)
    assert await shopify.standing() == ("issued", "making", 150, True)
    shopify.look_alikes.faults.next_for = real  # type: ignore[method-assign]
    await shopify.work(limits.DISCOUNT_AGAIN_S + 1)
    assert await shopify.standing() == ("issued", "made", 150, True)
    asked = [one.call.body for one in shopify.look_alikes.memory.newest]
    assert [b"NodeByCode" in body for body in asked] == [True, False, True]


async def test_refused_for_good_the_coins_are_back_the_coupon_is_cancelled_and_both_are_told(till: Counter) -> None:
    source, at_most = f"/sources/{till.there.source['id']}", {"discount": "percent", "value": 50, "value_max": 10}
    switch = [{"settings": till.there.source["settings"] | {"coupons": said}} for said in ("no", "yes")]
    # An offer of the time before the shop had its coupons made there.
    assert (await till.shop.manage("PATCH", source, json=switch[0])).status_code == 200
    offer = await till.offer(**at_most)
    assert (await till.shop.manage("PATCH", source, json=switch[1])).status_code == 200
    refused = await till.buy(offer, send={"Idempotency-Key": "buy-2"})
    told = refused.json()["data"]
    assert (refused.status_code, told["code"], "a maximum" in told["message"]) == (422, "discount_refused", True)
    assert await till.standing() == ("cancelled", "failed", 250, False)
    events = (await till.shop.manage("GET", "/events")).json()["items"]
    # No code ever worked, so nobody was told of one.
    assert {one["topic"] for one in events[:3]} == {"coupon_update", "walletreward_create", "wallettrasaction_update"}
    assert "coupon_create" not in {one["topic"] for one in events}
    again = await till.buy(offer, send={"Idempotency-Key": "buy-2"})
    assert (again.status_code, again.json()["data"]["code"]) == (422, "discount_refused")


async def test_what_the_platform_has_no_discount_for_is_said_when_the_offer_is_saved(till: Counter) -> None:
    shop, at_most = till.shop, {"discount": "percent", "value": 50, "value_max": 10}
    name = {"shopify": "Shopify", "woocommerce": "WooCommerce"}[till.platform]
    body = {"name": "Half", "terms": at_most}
    refused = await shop.manage("POST", "/offers", json=body)
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["value_max"]), refused.text
    assert f"{name} has no percentage with a maximum." in refused.json()["fields"]["value_max"]
    kept = await till.offer(**GIFT)
    path = f"/offers/{kept['id']}"
    assert (await shop.manage("PATCH", path, json={"terms": at_most})).status_code == 422
    # Codes of a list are the shop's own, and what is not about the terms can be changed whatever they are.
    assert (await shop.manage("PATCH", path, json={"terms": at_most | {"code": "list"}})).status_code == 200
    owner = await signed_in(shop, await person(shop, "ann"))
    blank = form_of((await owner.get("/offers/new")).text, "/offers/new")
    typed = {"name": "Half", "price": "free", "coins": "", "discount": "percent", "value": "50", "value_max": "10"}
    shown = await owner.post("/offers/new", **blank | typed)
    assert (shown.status_code, f"{name} has no percentage with a maximum." in shown.text) == (422, True)


async def test_a_coupon_is_told_of_when_its_code_works(till: Counter) -> None:
    async def told() -> list[str]:
        found = (await till.shop.manage("GET", "/events")).json()["items"]
        return [one["topic"] for one in found if one["topic"].startswith("coupon_")][::-1]

    till.fault("503")
    await till.buy(await till.offer())
    assert await told() == []
    await till.work(limits.DISCOUNT_AGAIN_S + 1)
    assert (await till.standing(), await told()) == (("issued", "made", 150, True), ["coupon_create"])
    # One that is used here before it is there works here.
    till.fault("503")
    code = (await till.buy(await till.offer())).json()["data"]["item"]["value"]
    await till.shop.manage("POST", f"/coupons/{code}/redeem", json={"reference": "c-1"})
    await till.work(limits.DISCOUNT_LATE_S + 1)
    assert await told() == ["coupon_create"] * 2 + ["coupon_update"]


async def test_a_key_that_is_refused_sells_nothing_but_gifts_wait_for_another(till: Counter) -> None:
    till.fault("403", times=None)
    refused = await till.buy(await till.offer())
    assert (refused.json()["data"]["code"], await till.available()) == ("discount_refused", 250)
    gift = await till.offer(**GIFT)
    asha = (await till.shop.lead("shopify-1001"))["_id"]
    await till.shop.manage("POST", "/coupons", json={"offer_id": gift["id"], "customer": asha})
    await till.work(limits.DISCOUNT_TRIES_S + limits.DISCOUNT_AGAIN_MAX_S * 2)
    aside = (await till.shop.manage("GET", "/set-aside")).json()["items"]
    assert [("key was refused" in one["reason"]) for one in aside] == [True]
    till.look_alikes.faults.clear()
    await till.shop.manage("POST", "/set-aside/retry", json={})
    await till.work()
    assert (await till.standing())[:2] == ("issued", "made")


async def test_unclear_for_a_day_the_coins_are_back_and_what_may_be_there_is_taken_away(shopify: Counter) -> None:
    offer = await shopify.offer()
    shopify.fault("500_after", times=None)
    await shopify.buy(offer)
    await shopify.work(limits.DISCOUNT_TRIES_S + limits.DISCOUNT_AGAIN_MAX_S * 2)
    assert (await shopify.standing())[:3] == ("cancelled", "removing", 250)
    shopify.look_alikes.faults.clear()
    await shopify.work(limits.DISCOUNT_AGAIN_MAX_S * 2)
    assert await shopify.standing() == ("cancelled", "gone", 250, False)


async def test_a_door_that_dies_between_its_transactions_leaves_it_to_the_schedule(
    shopify: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> Any:
        raise asyncio.CancelledError

    offer = await shopify.offer()
    monkeypatch.setattr(shopify.shop.app, "have_made", dies)
    with pytest.raises(asyncio.CancelledError):
        await shopify.buy(offer)
    assert await shopify.standing() == ("issued", "making", 150, False)
    await shopify.work(limits.DISCOUNT_DOOR_S + 1)
    assert await shopify.standing() == ("issued", "made", 150, True)


async def test_two_carts_claim_one_coupon_while_it_is_made_and_one_has_it(shopify: Counter) -> None:
    offer = await shopify.offer()
    shopify.fault("503")
    code = (await shopify.buy(offer)).json()["data"]["item"]["value"]
    path, shop = f"/coupons/{code}/redeem", shopify.shop
    carts = [shop.manage("POST", path, json={"reference": reference}) for reference in ("c-1", "c-2")]
    other = shop.manage("POST", "/orders", json=an_order(coupon_codes=[code]))
    answers = await asyncio.gather(*carts, other)
    assert sorted(one.status_code for one in answers[:2])[-1] == 409
    await shopify.work(limits.DISCOUNT_LATE_S + 1)
    status, discount, available, there = await shopify.standing()
    # Used here it can't be used there as well; used there it stays as it is. Paid for it is either way.
    assert (status, available, there) == ("redeemed", 150, discount == "made")


async def test_a_source_says_what_it_lacks_to_make_coupons_there(shop: Shop) -> None:
    for platform, settings, missing in [
        ("shopify", {"shop_domain": "a.myshopify.com", "coupons": "yes"}, ["admin_token"]),
        ("woocommerce", {"url": "https://a.example", "coupons": "yes"}, ["consumer_key", "consumer_secret"]),
    ]:
        answer = await shop.manage("POST", "/sources", json={"platform": platform, "settings": settings})
        assert (answer.status_code, sorted(answer.json()["fields"])) == (422, missing)
