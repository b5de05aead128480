"""Coupons as a store and a program get and use them."""

import asyncio
from typing import Any

import pytest

from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, an_order
from tests.make import audited

OFFER = {"name": "Five off", "terms": {"discount": "amount", "value": 5, "price": "fixed", "coins": 100}}
NOBODY = "00000000-0000-0000-0000-000000000000"


class Till:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def offer(self, **terms: Any) -> dict[str, Any]:
        made = await self.shop.manage("POST", "/offers", json=OFFER | {"terms": OFFER["terms"] | terms})  # type: ignore[operator]
        assert made.status_code == 201, made.text
        offer: dict[str, Any] = made.json()
        return offer

    async def asha(self, coins: int = 250) -> str:
        id: str = (await self.shop.manage("POST", "/customers", json=ASHA)).json()["id"]
        body = {"operation": "cr", "amount": coins, "reason": "A gift"}
        await self.shop.manage("POST", f"/customers/{id}/transactions", json=body)
        return id

    async def buy(self, offer: dict[str, Any], **more: Any) -> Any:
        body = {"offer_id": offer["id"], "customer_id": ASHA["customer_id"]} | more.pop("json", {})
        return await self.shop.merchant("POST", "/offerredeems", json=body, **more)

    async def available(self) -> int:
        found: int = (await self.shop.lead(ASHA["customer_id"]))["wallet"]["available"]
        return found


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop)


async def test_a_store_sells_a_coupon_and_an_order_uses_it(shop: Shop, till: Till) -> None:
    offer, lead_id = await till.offer(minimum_cart=20), await till.asha()
    assert offer["sentence"] == "100 coins buy $5 off, from a cart of $20."
    bought = (await till.buy(offer, json={"coin_amount": 100})).json()["data"]["item"]
    assert (
        bought.items()
        >= {
            "lead_id": lead_id,
            "name": "$5 Off coupon",
            "description": "Minimum cart amount of $20",
            "type": "manual_redeem",
            "status": "issued",
            "fiat_class": "amount",
            "fiat_value": 5,
            "fiat_target": "cart",
            "minimumcart_amount": 20,
            "coin_amount": 100,
        }.items()
    )
    listed = (await shop.merchant("GET", "/coupons", params={"lead_id": lead_id})).json()["data"]
    assert listed == {"items": [bought], "count": 1}
    for asked, found in (({}, [bought]), ({"offer_id": NOBODY}, []), ({"id": NOBODY}, [])):
        one = {"lead_id": lead_id, "id": bought["_id"], **asked}
        assert (await shop.merchant("GET", "/coupons", params=one)).json()["data"]["items"] == found
    code = bought["value"]
    small = await shop.manage("POST", f"/coupons/{code}/validate", json={"cart": {"amount": "19.99"}})
    assert (small.status_code, small.json()["code"]) == (422, "not_eligible")
    fits = await shop.manage("POST", f"/coupons/{code.lower()}/validate", json={"cart": {"amount": "20.00"}})
    assert fits.json()["taken_off"] == 5
    await shop.manage("POST", "/orders", json=an_order(coupon_codes=[code]))
    used = (await shop.manage("GET", f"/coupons/{bought['_id']}")).json()
    assert (used["status"], used["reference"]) == ("redeemed", "1028")
    again = await shop.manage("POST", f"/coupons/{code}/redeem", json={"reference": "1029"})
    assert (again.status_code, again.json()["code"]) == (409, "coupon_used")
    same = await shop.manage("POST", f"/coupons/{code}/redeem", json={"reference": "1028"})
    assert same.status_code == 200


async def test_a_purchase_that_is_sent_again_buys_once(till: Till) -> None:
    offer = await till.offer()
    await till.asha()
    key = {"Idempotency-Key": "buy-1"}
    answers = await asyncio.gather(*(till.buy(offer, send=key) for _ in range(5)))
    assert {one.json()["data"]["item"]["_id"] for one in answers} == {answers[0].json()["data"]["item"]["_id"]}
    assert await till.available() == 150
    assert (await till.buy(offer, send=key)).headers["idempotency-hit"] == "true"
    other = await till.buy(offer, send=key, json={"coin_amount": 100})
    assert (other.status_code, other.json()["data"]["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"coin_amount": 99}, 422, "price_changed"),
        ({"offer_id": NOBODY}, 422, "offer_unknown"),
        ({"customer_id": "shopify-nobody"}, 422, "not_found"),
        ({"step": 0}, 422, "invalid"),
    ],
)
async def test_what_can_not_be_bought_says_why_and_takes_nothing(
    till: Till, sent: dict[str, Any], status: int, code: str
) -> None:
    offer = await till.offer()
    await till.asha()
    answer = await till.buy(offer, json=sent)
    assert (answer.status_code, answer.json()["data"]["code"]) == (status, code)
    assert await till.available() == 250


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"coin_amount": 100.0, "step": None, "lead_id": None}},
        {"json": {"coin_amount": "100"}},
        {"data": {"coin_amount": "100"}},
    ],
)
async def test_an_older_client_buys_as_it_is_used_to(shop: Shop, till: Till, sent: dict[str, Any]) -> None:
    offer = await till.offer()
    lead_id = await till.asha()
    whose = {"offer_id": offer["id"], "customer_id": ASHA["customer_id"]}
    answer = await shop.merchant("POST", "/offerredeems", **{kind: whose | body for kind, body in sent.items()})
    taken = answer.status_code == 200
    assert taken or answer.json()["data"]["fields"].keys() == {"coin_amount"}, "a text in JSON is refused in words"
    page = {"lead_id": lead_id, "page": 1, "limit": 6, "sort": "created_at", "sort_op": "DESC"}
    listed = (await shop.merchant("GET", "/coupons", params=page)).json()
    assert (listed["meta"]["status"], listed["data"]["count"]) == ("success", int(taken))


async def test_codes_are_uploaded_rehearsed_first(shop: Shop, till: Till) -> None:
    offer = await till.offer(code="list", coins=1)
    await till.asha()
    raw, path = b"SPRING-1\nSPRING-2\n\nspring-1\n", f"/offers/{offer['id']}/codes"
    for rehearse, left in (("true", None), ("false", 2)):
        said = await shop.manage("POST", path, params={"rehearse": rehearse}, content=raw)
        assert said.json() == {
            "added": 2,
            "refused": 1,
            "named": [{"line": 4, "code": "spring-1", "why": "stands in line 1 already"}],
            "left": 2,
        }
        there = (await shop.manage("GET", f"/offers/{offer['id']}")).json()["codes_left"]
        assert there == (left or 0)
    assert [(await till.buy(offer)).json()["data"]["item"]["value"] for _ in range(2)] == ["SPRING-1", "SPRING-2"]
    assert (await till.buy(offer)).json()["data"]["code"] == "codes_out"


async def test_an_offer_changes_in_versions_and_a_given_one_is_cancelled(
    shop: Shop, till: Till, clock: HandClock
) -> None:
    offer, id = await till.offer(), await till.asha()
    body = {"offer_id": offer["id"], "customer": id, "bought": True}
    coupon = (await shop.manage("POST", "/coupons", json=body)).json()
    first = await till.offer()
    moved = await shop.manage("PATCH", f"/offers/{first['id']}", json={"place": 1})
    assert moved.json()["place"] == 1
    assert [one["id"] for one in (await shop.manage("GET", "/offers")).json()["items"]] == [first["id"], offer["id"]]
    changed = await shop.manage("PATCH", f"/offers/{offer['id']}", json={"terms": {"value": 7}, "active": False})
    assert (changed.json()["version"], changed.json()["terms"]["coins"]) == (2, 100)
    kept = (await shop.manage("GET", f"/coupons/{coupon['id']}")).json()
    assert (kept["fiat_value"], kept["offer_version"]) == (5, 1)
    assert (await till.buy(offer)).json()["data"]["code"] == "offer_closed"
    cancelled = (await shop.manage("POST", f"/coupons/{coupon['id']}/cancel")).json()
    assert cancelled["status"] == "cancelled"
    assert await till.available() == 250
    versions = (await shop.manage("GET", f"/offers/{offer['id']}/versions")).json()["items"]
    assert [one["sentence"] for one in versions] == ["100 coins buy $7 off.", "100 coins buy $5 off."]
    assert await audited(shop.app.db, shop.workspace.id) is None


async def test_a_page_buys_for_its_own_customer_alone(shop: Shop, till: Till) -> None:
    offer = await till.offer()
    await till.asha()
    answer = await till.buy(offer, key=shop.storefront_key)
    assert answer.status_code == 401


async def test_the_ladder_is_changed_looked_at_and_stood_on(shop: Shop, till: Till) -> None:
    id = await till.asha()
    steps = [{"key": "gold", "name": "Gold", "enter": {"spent": 100}}]
    body = {"ladder": {"tiers": steps}}
    await shop.manage("POST", "/orders", json=an_order())
    foreseen = (await shop.manage("POST", "/tiers/preview", json=body)).json()
    assert foreseen["moved"] == [{"from_tier": "", "to_tier": "gold", "direction": "up", "customers": 1}]
    made = (await shop.manage("PUT", "/tiers", json=body)).json()
    assert (made["version"], made["judging"]["done"]) == (1, 0)
    wrong = await shop.manage(
        "PUT", f"/customers/{id}/tier", json={"tier": "tin", "reason": "x", "until": "2020-01-01T00:00:00Z"}
    )
    assert wrong.json()["fields"].keys() == {"tier", "until"}
    placing = {"tier": "gold", "reason": "A friend", "until": "2030-01-01T00:00:00Z"}
    stands = (await shop.manage("PUT", f"/customers/{id}/tier", json=placing)).json()
    assert (stands["tier"], stands["placed_reason"], stands["reached"]["spent"]) == ("gold", "A friend", 129.9)
    members = (await shop.manage("GET", "/tiers/members", params={"tier": "gold"})).json()["items"]
    assert [one["customer"]["id"] for one in members] == [id]
    released = (await shop.manage("DELETE", f"/customers/{id}/tier")).json()
    assert (released["tier"], len(released["moves"])) == ("gold", 1), "they qualify anyway"
