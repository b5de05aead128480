"""A shopper who reads the shop's page has its STOREFRONT key and their own proof, and tries what else they get."""

from typing import Any

import pytest

from regulars.api import proofs
from regulars.kit.clock import HandClock
from tests.doors import Shop
from tests.stories.test_merchant_keys import NOBODY, digest_headers, token_of

MUCH = {"trace": {"via_api_for_wallet": {"title": "Mine", "coin_range": {"min": 1_000_000, "max": 1_000_000}}}}


async def test_a_page_does_not_choose_what_an_open_trigger_gives(shop: Shop, clock: HandClock) -> None:
    trigger = await shop.trigger("Visit", open=True, allow_override=True)
    await shop.reward(trigger, "shopify-1001")
    proof = {"x-leadtoken": await token_of(shop, "shopify-1001", clock)}
    for key in (shop.storefront_key, shop.read_key):
        answer = await shop.reward(trigger, "shopify-1001", key=key, send=proof, json=MUCH)
        reward = answer.json()["data"]["wallet_reward"]
        assert (answer.status_code, reward["amount"], reward["title"]) == (200, 10, "Visit")
    by_server = (await shop.reward(trigger, "shopify-1001", json=MUCH)).json()["data"]["wallet_reward"]
    assert (by_server["amount"], by_server["title"]) == (1_000_000, "Mine")


@pytest.mark.parametrize("limit", [{}, {"per_day_max": 0}])
async def test_an_open_trigger_has_a_limit_for_each_customer(shop: Shop, limit: dict[str, int]) -> None:
    body: dict[str, Any] = {"name": "Visit", "source": "api", "open": True}
    rule = {"coins_min": 5, "coins_max": 5}
    refused = await shop.manage("POST", "/triggers", json=body | {"rule": rule | limit})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["per_day_max"])
    made = await shop.manage("POST", "/triggers", json=body | {"rule": rule | {"per_month_max": 1}})
    assert made.status_code == 201
    path = f"/triggers/{made.json()['id']}"
    taken_away = await shop.manage("PATCH", path, json={"rule": {"per_month_max": 0}})
    assert (taken_away.status_code, list(taken_away.json()["fields"])) == (422, ["per_day_max"])
    assert (await shop.manage("PATCH", path, json={"rule": {"per_month_max": 0}, "open": False})).status_code == 200
    assert (await shop.manage("PATCH", path, json={"open": True})).status_code == 422


async def test_a_digest_opens_the_customer_it_names_and_nobody_else(shop: Shop, clock: HandClock) -> None:
    trigger = await shop.trigger()
    mine, victim = [
        (await shop.reward(trigger, customer_id, json={"metadetail": {"email": f"{customer_id}@example.com"}})).json()[
            "data"
        ]["activity"]["lead_id"]
        for customer_id in ("shopify-1001", "shopify-1002")
    ]
    nobody = await digest_headers(shop, "", clock)
    named = await digest_headers(shop, "shopify-1001", clock)
    for query in ({}, {"customer_id": ""}, {"email": "shopify-1002@example.com"}):
        for proof in (nobody, named):
            answer = await shop.merchant("GET", f"/leads/{victim}", key=shop.storefront_key, send=proof, params=query)
            assert answer.status_code in (401, 422)
            assert "leadtoken" not in answer.text
    both = {"customer_id": "shopify-1001", "email": "shopify-1002@example.com"}
    answer = await shop.merchant("GET", f"/leads/{victim}", key=shop.storefront_key, send=named, params=both)
    assert answer.json()["data"]["item"]["_id"] == mine

    token = {"x-leadtoken": answer.headers["x-leadtoken"]}
    for path, query, status in (
        (f"/leads/{victim}", {}, 403),
        (f"/leads/{mine}", {"email": "shopify-1002@example.com"}, 403),
        (f"/leads/{mine}", {"email": "nobody@example.com"}, 403),
        (f"/leads/{victim}", {"email": "shopify-1001@example.com"}, 200),
        (f"/leads/{mine}", {}, 200),
    ):
        asked = await shop.merchant("GET", path, key=shop.storefront_key, send=token, params=query)
        assert asked.status_code == status, (path, query)


async def test_a_token_is_not_exchanged_for_a_fresh_one(shop: Shop, clock: HandClock) -> None:
    await shop.reward(await shop.trigger(), "shopify-1001")
    token = {"x-leadtoken": await token_of(shop, "shopify-1001", clock)}
    clock.advance(seconds=3_590)
    path = f"{NOBODY}?customer_id=shopify-1001"
    answer = await shop.merchant("GET", path, key=shop.storefront_key, send=token)
    assert answer.status_code == 200
    assert "x-leadtoken" not in answer.headers
    assert "leadtoken" not in answer.json()["data"]
    clock.advance(seconds=20)
    assert (await shop.merchant("GET", path, key=shop.storefront_key, send=token)).status_code == 401
    assert await token_of(shop, "shopify-1001", clock)


async def test_while_the_storefront_secret_is_rotated_two_prove(shop: Shop, clock: HandClock) -> None:
    await shop.reward(await shop.trigger(), "shopify-1001")
    path = f"{NOBODY}?customer_id=shopify-1001"

    async def status(proof: dict[str, str]) -> int:
        return (await shop.merchant("GET", path, key=shop.storefront_key, send=proof)).status_code

    old_digest, old_token = (
        await digest_headers(shop, "shopify-1001", clock),
        await token_of(shop, "shopify-1001", clock),
    )
    early = await shop.manage("POST", "/workspace/storefront-secret/retire")
    assert (early.status_code, early.json()["code"]) == (409, "one_secret_alive")
    before = (await shop.manage("GET", "/workspace/storefront-secret")).json()
    rotated = (await shop.manage("POST", "/workspace/storefront-secret/rotate")).json()
    assert (rotated["version"], rotated["previous"]) == (2, before["secret"])
    assert rotated["secret"] != before["secret"]
    again = await shop.manage("POST", "/workspace/storefront-secret/rotate")
    assert (again.status_code, again.json()["code"]) == (409, "two_secrets_alive")
    new_digest, new_token = (
        await digest_headers(shop, "shopify-1001", clock),
        await token_of(shop, "shopify-1001", clock),
    )
    stamp = old_digest["x-timestamp"]
    assert new_digest["x-leaddigest"] == proofs.digest(rotated["secret"], "shopify-1001", stamp)
    for proof in (old_digest, new_digest, {"x-leadtoken": old_token}, {"x-leadtoken": new_token}):
        assert await status(proof) == 200

    retired = (await shop.manage("POST", "/workspace/storefront-secret/retire")).json()
    assert (retired["secret"], retired["previous"]) == (rotated["secret"], None)
    for proof in (old_digest, {"x-leadtoken": old_token}):
        assert await status(proof) == 401
    for proof in (new_digest, {"x-leadtoken": new_token}):
        assert await status(proof) == 200


async def test_a_page_takes_no_idempotency_key_from_the_shops_server_nor_from_another(
    shop: Shop, clock: HandClock
) -> None:
    trigger = await shop.trigger("Visit", open=True)
    tokens = {}
    for customer_id in ("shopify-1001", "shopify-1002"):
        await shop.reward(trigger, customer_id)
        tokens[customer_id] = {"x-leadtoken": await token_of(shop, customer_id, clock)}
    once = {"idempotency-key": "welcome-victim-1"}

    for customer_id, token in tokens.items():
        for hit in (None, "true"):
            by_page = await shop.reward(trigger, customer_id, key=shop.storefront_key, send=token | once)
            assert (by_page.status_code, by_page.headers.get("idempotency-hit")) == (200, hit)
    other = await shop.trigger("Welcome", coins=(70, 70))
    by_server = await shop.reward(other, "shopify-1002", send=once)

    assert (by_server.status_code, by_server.headers.get("idempotency-hit")) == (200, None)
    assert by_server.json()["data"]["wallet_reward"]["amount"] == 70
    reused = await shop.reward(other, "shopify-1001", send=once)
    assert reused.json()["data"]["code"] == "idempotency_key_reused"
