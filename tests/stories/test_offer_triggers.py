"""Triggers that give a coupon in place of coins."""

from typing import Any

import pytest

from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, an_order
from tests.make import done

GIFT = {"name": "Gift", "terms": {"discount": "percent", "value": 10}}


class Giving:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def offer(self, **terms: Any) -> str:
        body = GIFT | {"terms": GIFT["terms"] | terms}  # type: ignore[operator]
        id: str = (await self.shop.manage("POST", "/offers", json=body)).json()["id"]
        return id

    async def trigger(self, source: str, offer: str, rule: dict[str, Any] | None = None, **more: Any) -> str:
        body = {"name": "Gift", "kind": "offer", "source": source, "rule": {"offer_id": offer} | (rule or {}), **more}
        made = await self.shop.manage("POST", "/triggers", json=body)
        assert made.status_code == 201, made.text
        id: str = made.json()["id"]
        return id

    async def call(self, trigger: str, **more: Any) -> Any:
        body = {"trigger_id": trigger, "customer_id": ASHA["customer_id"], **more}
        return await self.shop.merchant("POST", "/activities", json=body)

    async def coupons(self) -> list[tuple[str, str]]:
        found = (await self.shop.manage("GET", "/coupons")).json()["items"]
        return [(one["status"], one["name"]) for one in found]

    async def firing(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.shop.manage("GET", "/firings")).json()["items"][0]
        return found


@pytest.fixture
def giving(shop: Shop) -> Giving:
    return Giving(shop)


async def test_a_call_is_answered_with_the_coupon_it_gave_and_again_with_the_same(giving: Giving) -> None:
    offer = await giving.offer(per_customer_max=1)
    trigger = await giving.trigger("api", offer)
    about = {"params_for_activityrule": {"evaluation_id": "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"}}
    first = (await giving.call(trigger, trace=about)).json()["data"]
    assert first["activity"]["status"] == "success"
    assert (first["offer_reward"]["offer_id"], first["offer_reward"]["type"]) == (offer, "reward")
    assert "wallet_reward" not in first
    again = (await giving.call(trigger, trace=about)).json()["data"]
    assert again["offer_reward"] == first["offer_reward"]
    no = await giving.call(trigger)
    assert (no.status_code, no.json()["data"]["code"]) == (422, "offer_limit_reached")
    assert (await giving.firing())["guard"] == "offer"
    assert await giving.coupons() == [("issued", "10% Off coupon")]


async def test_a_call_may_name_another_offer_where_the_trigger_allows_it(giving: Giving) -> None:
    usual, other = await giving.offer(), await giving.offer(value=20)
    trace = {"via_api_for_offer": {"offer_id": other}}
    for allowed, name in ((True, "20% Off coupon"), (False, "10% Off coupon")):
        trigger = await giving.trigger("api", usual, allow_override=allowed)
        assert (await giving.call(trigger, trace=trace)).json()["data"]["offer_reward"]["name"] == name


async def test_an_offer_that_is_no_id_counts_only_where_a_call_may_name_one(giving: Giving) -> None:
    offer = await giving.offer()
    trace = {"via_api_for_offer": {"offer_id": "the-big-one"}}
    allowing, other = await giving.trigger("api", offer, allow_override=True), await giving.trigger("api", offer)
    refused = await giving.call(allowing, trace=trace)
    assert (refused.status_code, refused.json()["data"]["code"]) == (422, "invalid")
    assert (await giving.call(other, trace=trace)).status_code == 200
    # Nor is there anything wrong in coins that nobody is given.
    many = {"via_api_for_wallet": {"coin_range": {"min": 5, "max": 4}}}
    assert (await giving.call(allowing, trace=many)).status_code == 200
    assert len(await giving.coupons()) == 2


async def test_what_an_order_brought_is_cancelled_with_it_unless_it_was_used(
    giving: Giving, shop: Shop, clock: HandClock
) -> None:
    await giving.trigger("order", await giving.offer(), {"on_order_amount_matched": {"min": 100}})
    for name in ("1", "2"):
        await shop.manage("POST", "/orders", json=an_order(name))
    used = (await shop.manage("GET", "/coupons")).json()["items"][0]
    await shop.manage("POST", f"/coupons/{used['code']}/redeem", json={"reference": "7"})
    clock.advance(hours=1)
    for name in ("1", "2"):
        await shop.manage("POST", "/orders", json=an_order(name, status="cancelled"))
    assert sorted(status for status, _ in await giving.coupons()) == ["cancelled", "redeemed"]
    states = [one["state"] for one in (await shop.manage("GET", "/firings")).json()["items"]]
    assert sorted(states) == ["granted", "reversed"]


async def test_a_coupon_is_given_days_later_unless_the_order_is_void_by_then(
    giving: Giving, shop: Shop, clock: HandClock
) -> None:
    await giving.trigger("order", await giving.offer(), {"after_delta_day": 14})
    for name in ("1", "2"):
        await shop.manage("POST", "/orders", json=an_order(name))
    assert await giving.coupons() == []
    clock.advance(hours=1)
    await shop.manage("POST", "/orders", json=an_order("2", status="cancelled"))
    clock.advance(days=14)
    await done(shop.app.db, clock)
    assert await giving.coupons() == [("issued", "10% Off coupon")]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, "offer_id"),
        ({"offer_id": "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"}, "offer_id"),
        ({"offer_id": "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9", "coins_min": 5}, "coins_min"),
    ],
)
async def test_a_rule_that_gives_no_coupon_is_refused_by_field(shop: Shop, rule: dict[str, Any], field: str) -> None:
    body = {"name": "Gift", "kind": "offer", "source": "api", "rule": rule}
    refused = await shop.manage("POST", "/triggers", json=body)
    assert (refused.status_code, set(refused.json()["fields"])) == (422, {field})
