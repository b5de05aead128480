"""Clients of the older system call as they always did, with only the base URL changed."""

import json
from typing import Any

import pytest

from regulars import events
from regulars.kit.clock import HandClock
from tests.doors import Shop, a_shop
from tests.stories.browsing import person, signed_in

ORDER = {
    "source": "shopify",
    "reference_id": "5372084388133",
    "customer": {"customer_id": "shopify-1001", "name": "Asha Rao", "email": "asha@example.com"},
    "amount": "849.54",
    "currency_code": "usd",
    "placed_at": "2026-03-10T08:00:00Z",
    "updated_at": "2026-03-10T08:00:00Z",
    "financial_status": "pending",
    "redirect_link": "https://corner.example/orders/6792?key=100a",
    "order_driven_by": "nector_but_code",
    "couponredeem_driven_by": "manual_slide",
}


async def newest(shop: Shop, topic: str) -> tuple[events.Event, dict[str, Any]]:
    async with shop.app.db.reading() as tx:
        event = (await events.recent(tx, shop.workspace.id, topic=topic, limit=1))[0]
    return event, json.loads(event.body)


async def test_every_event_names_the_business_and_its_own_thing_beside(shop: Shop) -> None:
    answer = (await shop.reward(await shop.trigger(), "shopify-1001")).json()
    order = (await shop.manage("POST", "/orders", json=ORDER)).json()["items"][0]["order"]
    own = {
        "lead_create": ("lead_id", answer["data"]["activity"]["lead_id"]),
        "walletreward_create": ("wallettransaction_id", answer["data"]["wallet_reward"]["_id"]),
        "order_create": ("order_id", order["id"]),
    }
    for topic, (name, id) in own.items():
        _, body = await newest(shop, topic)
        assert (body["entity_id"], body[name]) == (shop.id, id)


async def test_an_order_says_what_led_to_it_and_tags_its_link(shop: Shop) -> None:
    await shop.manage("POST", "/orders", json=ORDER)
    _, body = await newest(shop, "order_create")
    assert (body["order_driven_by"], body["couponredeem_driven_by"]) == ("nector_but_code", "manual_slide")
    link = "https://corner.example/orders/6792?key=100a&utm_source={}&utm_medium=email&utm_campaign=transactional"
    assert body["meta__redirect_link"] == link.format("regulars")
    await shop.manage("PATCH", "/workspace", json={"settings": {"utm_source": "corner-club"}})
    await shop.manage(
        "POST", "/orders", json=ORDER | {"updated_at": "2026-03-11T08:00:00Z", "financial_status": "paid"}
    )
    _, body = await newest(shop, "order_update")
    assert body["meta__redirect_link"] == link.format("corner-club")


async def test_an_update_occurs_when_it_was_updated(shop: Shop, clock: HandClock) -> None:
    bare = {name: value for name, value in ORDER.items() if name != "updated_at"}
    await shop.manage("POST", "/orders", json=ORDER)
    placed, _ = await newest(shop, "order_create")
    assert placed.occurred_at.isoformat() == "2026-03-10T08:00:00+00:00"
    await shop.manage(
        "POST", "/orders", json=ORDER | {"updated_at": "2026-03-12T10:00:00Z", "financial_status": "paid"}
    )
    paid, _ = await newest(shop, "order_update")
    assert paid.occurred_at.isoformat() == "2026-03-12T10:00:00+00:00"
    clock.advance(minutes=5)
    await shop.manage("POST", "/orders", json=bare | {"financial_status": "refunded"})
    refunded, _ = await newest(shop, "order_update")
    assert refunded.occurred_at == clock.now()


async def test_every_answer_fills_its_meta(shop: Shop) -> None:
    trigger = await shop.trigger()
    for answer, status, code in (
        (await shop.reward(trigger, "shopify-1001"), "success", 200),
        (await shop.reward(await shop.trigger(active=False), "shopify-1001"), "error", 422),
        (await shop.merchant("GET", "/triggers"), "success", 200),
        (await shop.merchant("GET", "/triggers", key="rg_guessed"), "error", 401),
        (await shop.merchant("POST", "/leads", json={}), "error", 422),
        (await shop.merchant("GET", "/nowhere"), "error", 404),
    ):
        assert (answer.status_code, answer.json()["meta"]) == (code, {"status": status, "code": code})


async def test_a_widget_pages_through_the_ways_to_earn(shop: Shop, clock: HandClock) -> None:
    made = []
    for number in range(8):
        made.append(await shop.trigger(f"Way {number}", show_in_widget=True, open=True))
        clock.advance(minutes=1)
    await shop.trigger("Hidden")
    content = {
        "type": "social",
        "title": "Follow us",
        "description": "50 coins for following",
        "icon": "https://cdn.example/heart.svg",
        "link": "https://social.example/corner",
    }
    await shop.manage("PATCH", f"/triggers/{made[7].id}", json={"content": content})
    query = {"page": "1", "limit": "6", "sort": "created_at", "sort_op": "DESC"}
    for key in (shop.read_key, shop.storefront_key):
        data = (await shop.merchant("GET", "/triggers", key=key, params=query)).json()["data"]
        assert (data["count"], [item["name"] for item in data["items"]]) == (8, [f"Way {n}" for n in range(7, 1, -1)])
        assert data["items"][0]["content"] == content
        assert data["items"][1]["content"] == content | {
            "type": "earn",
            "title": "Way 6",
            "description": "",
            "icon": "",
            "link": "",
        }
        assert data["items"][0]["coin_range"] == {"min": 10, "max": 10}
    rest = (await shop.merchant("GET", "/triggers", params=query | {"page": "2"})).json()["data"]["items"]
    assert [item["name"] for item in rest] == ["Way 1", "Way 0"]
    changed = await shop.merchant("GET", "/triggers", params={"sort": "updated_at", "sort_op": "ASC", "limit": "1"})
    assert changed.json()["data"]["items"][0]["name"] == "Way 0"
    one = (await shop.merchant("GET", "/triggers", params={"id": str(made[3].id)})).json()["data"]
    assert (one["count"], one["items"][0]["_id"]) == (1, str(made[3].id))


async def test_a_server_fires_an_open_trigger_with_a_read_key(shop: Shop) -> None:
    trigger = await shop.trigger("Visit", open=True)
    answer = await shop.reward(trigger, "shopify-1001", key=shop.read_key, json={"name": "Asha Rao"})
    assert (answer.status_code, answer.json()["data"]["wallet_reward"]["amount"]) == (200, 10)
    page = await shop.reward(trigger, "shopify-1001", key=shop.storefront_key)
    assert (page.status_code, page.json()["data"]["code"]) == (401, "customer_proof_missing")


async def test_a_range_may_begin_at_nothing(shop: Shop) -> None:
    trigger = await shop.trigger(allow_override=True, rule={"per_day_max": 2})
    for coins, available in ((0, "0"), (7, "7")):
        trace = {"via_api_for_wallet": {"coin_range": {"min": coins, "max": coins}}}
        answer = await shop.reward(trigger, "shopify-1001", json={"trace": trace})
        assert (answer.status_code, answer.json()["data"]["activity"]["status"]) == (200, "success")
        assert ("wallet_reward" in answer.json()["data"]) == (coins > 0)
        assert (await shop.lead("shopify-1001"))["available"] == available
    assert (await shop.reward(trigger, "shopify-1001")).json()["data"]["code"] == "day_limit_reached"
    rule = {"coins_min": 0, "coins_max": 3}
    made = await shop.manage("POST", "/triggers", json={"name": "Luck", "source": "api", "rule": rule})
    assert made.status_code == 201


async def test_a_server_finds_a_transaction_by_its_id_alone(shop: Shop) -> None:
    reward = (await shop.reward(await shop.trigger(), "shopify-1001")).json()["data"]["wallet_reward"]
    path = f"/wallettransactions/{reward['_id']}"
    for key in (shop.write_key, shop.read_key):
        assert (await shop.merchant("GET", path, key=key)).json()["data"]["item"] == reward
    page = await shop.merchant("GET", path, key=shop.storefront_key)
    assert (page.status_code, list(page.json()["data"]["fields"])) == (422, ["lead_id"])


@pytest.mark.parametrize(
    "id",
    [
        "00000000-0000-0000-0000-000000000000",
        "449ebf4f-f3e2-471a-a21f-47d8e148f259",
        "2C1ACEB6-7EC7-1246-89D0-25775AFCD649",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
)
async def test_ids_are_uuids_of_any_version(shop: Shop, id: str) -> None:
    body = {"trigger_id": id, "customer_id": "shopify-1001"}
    assert (await shop.merchant("POST", "/activities", json=body)).json()["data"][
        "message"
    ] == "This trigger does not exist."
    await shop.reward(await shop.trigger(), "shopify-1001")
    found = await shop.merchant("GET", f"/leads/{id}", params={"customer_id": "shopify-1001"})
    assert found.json()["data"]["item"]["customer_id"] == "shopify-1001"
    assert (await shop.merchant("GET", f"/leads/{id}")).json()["data"]["message"] == "Lead does not exists"


async def test_a_workspace_is_called_by_the_id_it_chose(shop: Shop, clock: HandClock) -> None:
    chosen = await a_shop(shop.app, shop.client, clock.now(), "Corner Books", chosen_id="shopify-corner.books_2")
    for id, status in ((chosen.id, 200), ("shopify-corner.books_2", 200), ("shopify-corner", 401), ("SHOPIFY", 401)):
        for method, path in (("GET", "/triggers"), ("POST", "/activities")):
            answer = await chosen.merchant(method, path, send={"x-workspaceid": id}, json={})
            assert answer.status_code == (422 if status == 200 and method == "POST" else status)
    workspace = (await chosen.manage("GET", "/workspace", send={"x-workspaceid": "shopify-corner.books_2"})).json()
    assert (workspace["id"], workspace["chosen_id"]) == (chosen.id, "shopify-corner.books_2")
    for key in (shop.write_key, shop.read_key):
        other = await shop.merchant("GET", "/triggers", key=key, send={"x-workspaceid": "shopify-corner.books_2"})
        assert other.status_code == 401
    owner = await signed_in(chosen, await person(chosen, "asha"))
    assert 'data-copy="shopify-corner.books_2"' in (await owner.get("/settings")).text
    await chosen.reward(await chosen.trigger(), "shopify-1001")
    _, body = await newest(chosen, "lead_create")
    assert body["entity_id"] == chosen.id


async def test_a_key_stays_known_by_either_id_until_it_is_revoked(shop: Shop, clock: HandClock) -> None:
    chosen = await a_shop(shop.app, shop.client, clock.now(), "Corner Books", chosen_id="shopify-by-either")
    ids = (chosen.id, "shopify-by-either")
    asked = [await chosen.merchant("GET", "/triggers", key=chosen.read_key, send={"x-workspaceid": id}) for id in ids]
    assert [answer.status_code for answer in asked] == [200, 200]
    key_id = next(k["id"] for k in (await chosen.manage("GET", "/keys")).json()["items"] if k["name"] == "Report")
    assert (await chosen.manage("DELETE", f"/keys/{key_id}")).status_code == 204
    asked = [await chosen.merchant("GET", "/triggers", key=chosen.read_key, send={"x-workspaceid": id}) for id in ids]
    assert [answer.status_code for answer in asked] == [401, 401]
