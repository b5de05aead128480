"""Who may call the merchant API, for whom, and how often."""

import jwt
import pytest

from regulars.api import proofs
from regulars.kit.clock import HandClock
from regulars.kit.secrets import storefront_secret
from tests.doors import SECRET_KEY, Shop, a_shop

NOBODY = "/leads/00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"x-apikey": ""}, 401, "x-apikey"),
        ({"x-apikey": "rg_write_guessed"}, 401, "x-apikey"),
        ({"x-apikey": "né"}, 401, "x-apikey"),
        ({"x-workspaceid": ""}, 401, "x-workspaceid"),
        ({"x-workspaceid": "no-uuid"}, 401, "x-apikey"),
        ({"x-source": ""}, 422, "x-source"),
        ({"x-source": "desktop"}, 422, "x-source"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/activities"), ("GET", "/triggers")])
async def test_the_three_headers_are_compulsory(
    shop: Shop, method: str, path: str, wrong: dict[str, str], status: int, field: str
) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in (shop.headers() | wrong).items()]
    answer = await shop.client.request(method, f"/api/v2/merchant{path}", headers=sent)
    assert answer.status_code == status
    assert field in answer.json()["data"]["fields"]


async def test_a_key_of_another_shop_is_unknown(shop: Shop, clock: HandClock) -> None:
    other = await a_shop(shop.app, shop.client, clock.now(), "Other Shop")
    assert (await shop.merchant("GET", "/triggers", key=other.write_key)).status_code == 401


async def test_a_revoked_key_stops_working(shop: Shop) -> None:
    assert (await shop.merchant("GET", "/triggers", key=shop.read_key)).status_code == 200
    key_id = next(k["id"] for k in (await shop.manage("GET", "/keys")).json()["items"] if k["name"] == "Report")
    assert (await shop.manage("DELETE", f"/keys/{key_id}")).status_code == 204
    assert (await shop.merchant("GET", "/triggers", key=shop.read_key)).status_code == 401
    assert (await shop.manage("DELETE", f"/keys/{key_id}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/leads", {"customer_id": "shopify-1001", "metadetail": {"email": "asha@example.com"}}),
        ("POST", "/wallettransactions", {"customer_id": "shopify-1001", "title": "x", "amount": 1, "operation": "cr"}),
    ],
)
async def test_a_read_key_changes_nothing(shop: Shop, method: str, path: str, body: dict[str, object]) -> None:
    answer = await shop.merchant(method, path, key=shop.read_key, json=body)
    assert (answer.status_code, answer.json()["data"]["code"]) == (403, "forbidden")


async def test_a_read_key_completes_only_the_customer_who_is_proven(shop: Shop, clock: HandClock) -> None:
    for customer_id in ("shopify-1001", "shopify-1002"):
        await shop.reward(await shop.trigger(), customer_id)
    token = {"x-leadtoken": await token_of(shop, "shopify-1001", clock)}
    body = {"name": "Asha Rao", "metadetail": {"dob": "1990-05-26"}}
    for key in (shop.read_key, shop.storefront_key):
        for customer_id, proof, status in (
            ("shopify-1001", {}, 401),
            ("shopify-1002", token, 403),
            ("shopify-9999", token, 403),
            ("shopify-1001", token, 200),
        ):
            path = f"{NOBODY}?customer_id={customer_id}"
            assert (await shop.merchant("PUT", path, key=key, json=body, send=proof)).status_code == status
    assert [(await shop.lead(f"shopify-100{n}"))["name"] for n in (1, 2)] == ["Asha Rao", ""]


async def test_too_many_calls_are_told_when_to_come_back(shop: Shop, clock: HandClock) -> None:
    await shop.manage("PATCH", "/workspace", json={"settings": {"calls_per_minute": 6}})
    trigger = await shop.trigger()
    answers = [await shop.reward(trigger, "shopify-1001") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429]
    assert answers[-1].headers["retry-after"] == "10"
    assert answers[-1].json()["data"]["code"] == "too_many_requests"
    assert (await shop.merchant("GET", "/triggers", key=shop.read_key)).status_code == 200
    clock.advance(seconds=10)
    assert (await shop.reward(trigger, "shopify-1001")).json()["data"]["wallet_reward"]["closing_balance"] == 70
    assert (await shop.reward(trigger, "shopify-1001")).status_code == 429


async def digest_headers(shop: Shop, customer_id: str, clock: HandClock) -> dict[str, str]:
    """What the shop's own server puts into a page."""
    secret = (await shop.manage("GET", "/workspace/storefront-secret")).json()["secret"]
    stamp = str(int(clock.now().timestamp()))
    return {"x-timestamp": stamp, "x-leaddigest": proofs.digest(secret, customer_id, stamp)}


async def token_of(shop: Shop, customer_id: str, clock: HandClock) -> str:
    proof = await digest_headers(shop, customer_id, clock)
    answer = await shop.merchant("GET", f"{NOBODY}?customer_id={customer_id}", key=shop.storefront_key, send=proof)
    assert answer.json()["data"]["leadtoken"] == answer.headers["x-leadtoken"]
    return answer.headers["x-leadtoken"]


async def test_only_open_triggers_are_fired_by_a_read_key(shop: Shop, clock: HandClock) -> None:
    await shop.reward(await shop.trigger(), "shopify-1001")
    closed = await shop.trigger("Closed")
    proof = {"x-leadtoken": await token_of(shop, "shopify-1001", clock)}
    answer = await shop.reward(closed, "shopify-1001", key=shop.read_key, send=proof)
    assert (answer.status_code, answer.json()["data"]["code"]) == (403, "trigger_not_open")


async def test_an_open_trigger_takes_the_customers_proof_from_a_page(shop: Shop, clock: HandClock) -> None:
    trigger = await shop.trigger("Visit", open=True)
    await shop.reward(trigger, "shopify-1001")
    await shop.reward(trigger, "shopify-1002")
    read = shop.storefront_key
    bare = await shop.reward(trigger, "shopify-1001", key=read)
    assert (bare.status_code, bare.json()["data"]["code"]) == (401, "customer_proof_missing")
    proof = {"x-leadtoken": await token_of(shop, "shopify-1001", clock)}
    proven = await shop.reward(trigger, "shopify-1001", key=read, send=proof)
    assert proven.json()["data"]["wallet_reward"]["closing_balance"] == 20
    for somebody_else in ("shopify-1002", "shopify-9999"):
        other = await shop.reward(trigger, somebody_else, key=read, send=proof)
        assert (other.status_code, other.json()["data"]["code"]) == (403, "customer_proof_of_another")
    clock.advance(seconds=3_601)
    late = await shop.reward(trigger, "shopify-1001", key=read, send=proof)
    assert (late.status_code, late.json()["data"]["code"]) == (401, "customer_proof_wrong")


async def test_a_shop_can_do_without_the_proof(shop: Shop) -> None:
    trigger = await shop.trigger("Visit", open=True)
    await shop.manage("PATCH", "/workspace", json={"settings": {"open_triggers_need_proof": False}})
    assert (await shop.reward(trigger, "shopify-1001", key=shop.storefront_key)).status_code == 200


async def test_a_token_signed_by_the_shop_itself_is_as_good(shop: Shop, clock: HandClock) -> None:
    trigger = await shop.trigger("Visit", open=True)
    lead_id = (await shop.reward(trigger, "shopify-1001")).json()["data"]["activity"]["lead_id"]
    secret = storefront_secret(SECRET_KEY, shop.workspace.id, 1)
    soon = int(clock.now().timestamp()) + 600
    for claims, signed_by, status in (
        ({"lead_id": lead_id, "exp": soon}, secret, 200),
        ({"lead_id": lead_id, "exp": soon + 86_400}, secret, 401),
        ({"lead_id": lead_id}, secret, 401),
        ({"lead_id": lead_id, "exp": soon}, "another secret of forty characters or more", 401),
        ({"lead_id": [lead_id], "exp": "soon"}, secret, 401),
    ):
        token = jwt.encode(claims, signed_by, algorithm="HS256")
        answer = await shop.reward(trigger, "shopify-1001", key=shop.storefront_key, send={"x-leadtoken": token})
        assert answer.status_code == status


async def test_a_storefront_key_sees_only_its_customer(shop: Shop, clock: HandClock) -> None:
    trigger = await shop.trigger()
    lead_ids = {}
    for customer_id in ("shopify-1001", "shopify-1002"):
        answer = await shop.reward(trigger, customer_id)
        lead_ids[customer_id] = answer.json()["data"]["activity"]["lead_id"]
    token = {"x-leadtoken": await token_of(shop, "shopify-1001", clock)}
    calls = {
        f"{NOBODY}?customer_id=shopify-1001": (401, 200),
        f"{NOBODY}?customer_id=shopify-1002": (401, 403),
        f"{NOBODY}?customer_id=shopify-9999": (401, 403),
        f"/wallettransactions?lead_id={lead_ids['shopify-1001']}": (401, 200),
        f"/wallettransactions?lead_id={lead_ids['shopify-1002']}": (401, 403),
        "/triggers": (200, 200),
    }
    for path, (bare, with_token) in calls.items():
        assert (await shop.merchant("GET", path, key=shop.storefront_key)).status_code == bare
        assert (await shop.merchant("GET", path, key=shop.storefront_key, send=token)).status_code == with_token


async def test_a_digest_is_of_one_customer_and_of_now(shop: Shop, clock: HandClock) -> None:
    await shop.reward(await shop.trigger(), "shopify-1001")
    good = await digest_headers(shop, "shopify-1001", clock)
    path = f"{NOBODY}?customer_id=shopify-1001"
    for wrong in (
        {"x-leaddigest": "0" * 64},
        {"x-timestamp": "1"},
        {"x-timestamp": str(int(good["x-timestamp"]) - 1)},
        {"x-timestamp": "²" * 10},
    ):
        sent = [(name.encode(), value.encode("latin-1")) for name, value in (good | wrong).items()]
        headers = [(n.encode(), v.encode()) for n, v in shop.headers(shop.storefront_key).items()] + sent
        assert (await shop.client.get(f"/api/v2/merchant{path}", headers=headers)).status_code == 401
    other = await shop.merchant("GET", f"{NOBODY}?customer_id=shopify-1002", key=shop.storefront_key, send=good)
    assert other.status_code == 401
    clock.advance(hours=2)
    assert (await shop.merchant("GET", path, key=shop.storefront_key, send=good)).status_code == 401


async def test_pages_of_a_shop_may_call_from_a_browser(shop: Shop) -> None:
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    preflight = await shop.client.options("/api/v2/merchant/activities", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "x-leadtoken" in preflight.headers["access-control-allow-headers"]
    answer = await shop.merchant("GET", "/triggers")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in (await shop.manage("GET", "/workspace")).headers
