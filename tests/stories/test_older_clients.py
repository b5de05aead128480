"""Clients of the older system call as they always did, with only the base URL changed."""

from __future__ import annotations

import asyncio
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
    ] == "Trigger does not exists"
    await shop.reward(await shop.trigger(), "shopify-1001")
    found = await shop.merchant("GET", f"/leads/{id}", params={"customer_id": "shopify-1001"})
    assert found.json()["data"]["item"]["customer_id"] == "shopify-1001"
    assert (await shop.merchant("GET", f"/leads/{id}")).json()["data"]["message"] == "Lead does not exists"


ASHA = {"email": "asha@example.com", "mobile": "9876543210", "country": "ind", "gender": "female"}


@pytest.mark.parametrize(
    ("dob", "day"),
    [
        ("1990-05-26", "1990-05-26"),
        ("1990-05-26T00:00:00.000Z", "1990-05-26"),
        ("1990-05-26T00:00:00", "1990-05-26"),
        ("1990-05-26T23:30:00-05:00", "1990-05-27"),
        ("1990-05-26T02:00:00+05:30", "1990-05-25"),
    ],
)
async def test_a_birthday_may_be_written_as_a_date_time(shop: Shop, dob: str, day: str) -> None:
    body = {"customer_id": "shopify-1001", "metadetail": ASHA | {"dob": dob}}
    assert (await shop.merchant("POST", "/leads", json=body)).json()["data"]["item"]["dob"] == day
    more = {"customer_id": "shopify-1002", "metadetail": ASHA}
    lead_id = (await shop.merchant("POST", "/leads", json=more)).json()["data"]["item"]["_id"]
    change = {"metadetail": {"dob": dob}}
    assert (await shop.merchant("PUT", f"/leads/{lead_id}", json=change)).json()["data"]["item"]["dob"] == day
    await shop.reward(await shop.trigger(), "shopify-1003", json={"metadetail": {"dob": dob}})
    assert (await shop.lead("shopify-1003"))["dob"] == day
    made = await shop.manage("POST", "/customers", json={"customer_id": "shopify-1004", "dob": dob})
    assert made.json()["dob"] == day


async def test_a_whole_number_is_whole_however_it_is_written(shop: Shop) -> None:
    trigger = await shop.trigger(allow_override=True)
    trace = {"via_api_for_wallet": {"coin_range": {"min": 12.0, "max": 12.0}}}
    reward = (await shop.reward(trigger, "shopify-1001", json={"trace": trace})).json()["data"]["wallet_reward"]
    assert reward["amount"] == 12
    body = {"lead_id": reward["lead_id"], "title": "x", "amount": 12.0, "operation": "cr"}
    item = (await shop.merchant("POST", "/wallettransactions", json=body)).json()["data"]["item"]
    assert (item["amount"], item["closing_balance"]) == (12, 24)
    broken = await shop.merchant("POST", "/wallettransactions", json=body | {"amount": 12.5})
    assert (broken.status_code, broken.json()["data"]["fields"]) == (422, {"amount": "expected a whole number"})
    query = {"lead_id": reward["lead_id"], "page": "1.0", "limit": "1.0"}
    assert len((await shop.merchant("GET", "/wallettransactions", params=query)).json()["data"]["items"]) == 1
    rule = {"coins_min": 5.0, "coins_max": 6.0}
    made = await shop.manage("POST", "/triggers", json={"name": "Range", "source": "api", "rule": rule})
    assert (made.status_code, made.json()["rule"]["coins_min"]) == (201, 5)
    gift = {"operation": "cr", "amount": 3.0, "reason": "Late"}
    given = await shop.manage("POST", f"/customers/{reward['lead_id']}/transactions", json=gift)
    assert given.json()["amount"] == 3


async def test_null_is_a_key_left_out(shop: Shop) -> None:
    trigger = await shop.trigger()
    nulls = {
        "lead_id": None,
        "referral_code": None,
        "name": None,
        "metadetail": {"email": "asha@example.com", "mobile": None, "country": None, "gender": None, "dob": None},
        "trace": {"via_api_for_wallet": None, "params_for_activityrule": None, "params_for_email": {"x": None}},
    }
    assert (await shop.reward(trigger, "shopify-1001", json=nulls)).status_code == 200
    lead = await shop.lead("shopify-1001")
    assert (lead["email"], lead["name"], len(lead["referral_code"])) == ("asha@example.com", "", 10)
    body = {"customer_id": "shopify-1002", "name": None, "metadetail": {"email": "b@example.com", "mobile": None}}
    assert (await shop.merchant("POST", "/leads", json=body)).status_code == 200
    body = {"customer_id": "shopify-1002", "title": "x", "amount": 1, "operation": "cr", "hash": None}
    assert (await shop.merchant("POST", "/wallettransactions", json=body | {"description": None})).status_code == 200
    no_id = await shop.merchant("POST", "/activities", json={"trigger_id": None, "customer_id": "shopify-1001"})
    assert no_id.json()["data"]["message"] == "trigger_id: expected a value: this field is required"
    unknown = await shop.reward(trigger, "shopify-1001", json={"colour": None})
    assert (unknown.status_code, list(unknown.json()["data"]["fields"])) == (422, ["colour"])


async def test_null_sets_back_what_can_be_set_back(shop: Shop) -> None:
    """In the management API too it is as if left out, but where null is a value."""
    body = {"customer_id": "shopify-1001", "name": "Asha", "dob": "1990-05-26"}
    made = (await shop.manage("POST", "/customers", json=body)).json()
    changed = await shop.manage(
        "PATCH", f"/customers/{made['id']}", json={"name": None, "dob": None, "gender": "female"}
    )
    assert [changed.json()[name] for name in ("name", "dob", "gender")] == ["Asha", None, "female"]


@pytest.mark.parametrize(
    "ignored",
    [
        {"email": "no address"},
        {"mobile": "9876543210"},
        {"country": "IND"},
        {"gender": "Female"},
        {"dob": "26.5.1990"},
        {"email": 7},
        [],
    ],
)
async def test_details_of_a_known_customer_are_no_reason_to_refuse(shop: Shop, ignored: Any) -> None:
    trigger = await shop.trigger()
    refused = await shop.reward(trigger, "shopify-1001", json={"metadetail": ignored})
    assert refused.status_code == 422
    assert all(field.startswith("metadetail") for field in refused.json()["data"]["fields"])
    assert (await shop.reward(trigger, "shopify-1001", json={"metadetail": ASHA})).status_code == 200
    again = await shop.reward(trigger, "shopify-1001", json={"metadetail": ignored})
    assert (again.status_code, again.json()["data"]["wallet_reward"]["closing_balance"]) == (200, 20)
    assert (await shop.lead("shopify-1001"))["email"] == "asha@example.com"


@pytest.mark.parametrize(
    "ignored",
    [
        {"via_api_for_wallet": {"coin_range": {"min": 5, "max": 4}}},
        {"via_api_for_wallet": {"coin_range": {"min": -1, "max": "many"}}},
        {"via_api_for_wallet": {"operation": "credit"}},
    ],
)
async def test_an_override_counts_only_where_it_is_allowed(shop: Shop, ignored: dict[str, Any]) -> None:
    closed, free = await shop.trigger("Closed"), await shop.trigger("Free", allow_override=True)
    assert (await shop.reward(closed, "shopify-1001", json={"trace": ignored})).status_code == 200
    refused = await shop.reward(free, "shopify-1001", json={"trace": ignored})
    assert refused.status_code == 422
    assert next(iter(refused.json()["data"]["fields"])).startswith("trace.via_api_for_wallet.")
    other = {"via_api_for_offer": {"offer_id": "none"}, "via_api_for_webhook": {"webhook_uri": 7}}
    assert (await shop.reward(free, "shopify-1001", json={"trace": other})).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"metadetail": {"city": "Pune"}}, "metadetail.city"),
        ({"trace": {"via_api_for_wallet": {"coins": 5}}}, "trace.via_api_for_wallet.coins"),
        (
            {"trace": {"via_api_for_wallet": {"coin_range": {"min": 1, "max": 2, "step": 1}}}},
            "trace.via_api_for_wallet.coin_range.step",
        ),
        ({"trace": {"via_api_for_sms": {}}}, "trace.via_api_for_sms"),
        ({"trace.via_api_for_wallet": {}}, "trace.via_api_for_wallet"),
        ({"metadetail.email": 1, "metadetail": {"gender": 1}}, "metadetail.email"),
        ({"trace": {"params_for_activityrule": {"count": 0}}}, "trace.params_for_activityrule.count"),
    ],
)
async def test_keys_that_are_not_known_are_named_all_the_same(shop: Shop, body: dict[str, Any], field: str) -> None:
    trigger = await shop.trigger()
    await shop.reward(trigger, "shopify-1001")
    answer = await shop.reward(trigger, "shopify-1001", json=body)
    assert (answer.status_code, list(answer.json()["data"]["fields"])) == (422, [field])


async def test_calls_that_share_a_commit_do_not_share_their_faults(shop: Shop) -> None:
    trigger = await shop.trigger()
    wrong = {"metadetail": {"email": "no address"}}
    answers = await asyncio.gather(
        *(shop.reward(trigger, "shopify-1001", json=wrong if n % 2 else {"metadetail": ASHA}) for n in range(8)),
        *(shop.reward(trigger, "shopify-1002", json=wrong) for _ in range(4)),
    )
    assert {answer.status_code for answer in answers[0:8:2]} == {200}
    assert {answer.status_code for answer in answers[8:]} == {422}
    assert (await shop.lead("shopify-1001"))["email"] == "asha@example.com"


@pytest.mark.parametrize(
    "form",
    [
        {
            "metadetail[email]": "asha@example.com",
            "metadetail[mobile]": "9876543210",
            "metadetail[country]": "ind",
            "metadetail[dob]": "1990-05-26T00:00:00.000Z",
            "metadetail[gender]": "",
            "trace[via_api_for_wallet][coin_range][min]": "12.0",
            "trace[via_api_for_wallet][coin_range][max]": "12",
        },
        {
            "metadetail": json.dumps(ASHA | {"dob": "1990-05-26", "gender": None}),
            "trace": json.dumps({"via_api_for_wallet": {"coin_range": {"min": 12, "max": 12.0}}}),
        },
    ],
)
async def test_a_body_may_be_a_form(shop: Shop, form: dict[str, str]) -> None:
    trigger = await shop.trigger(allow_override=True)
    body = {"trigger_id": str(trigger.id), "customer_id": "shopify-1001", "lead_id": "", "name": "Asha Räo", **form}
    answer = await shop.merchant("POST", "/activities", data=body)
    assert (answer.status_code, answer.json()["data"]["wallet_reward"]["amount"]) == (200, 12)
    lead = await shop.lead("shopify-1001")
    assert [lead[name] for name in ("name", "email", "mobile", "dob")] == [
        "Asha Räo",
        "asha@example.com",
        "9876543210",
        "1990-05-26",
    ]
    details = {name: value for name, value in form.items() if name.startswith("metadetail")}
    made = await shop.merchant("POST", "/leads", data={"customer_id": "shopify-1002", **details})
    assert (made.status_code, made.json()["data"]["item"]["dob"]) == (200, "1990-05-26")
    change = await shop.merchant("PUT", f"/leads/{made.json()['data']['item']['_id']}", data={"name": "Ben"})
    assert change.json()["data"]["item"]["name"] == "Ben"
    txn = {"customer_id": "shopify-1002", "title": "Thanks", "amount": "25", "operation": "cr", "hash": "thanks-1"}
    assert (await shop.merchant("POST", "/wallettransactions", data=txn)).json()["data"]["item"]["amount"] == 25
    wrong = await shop.merchant("POST", "/wallettransactions", data=txn | {"amount": "12.5", "colour": "red"})
    assert wrong.status_code == 422
    known = body | {"metadetail[email]" if "metadetail" not in form else "metadetail": "no address"}
    assert (await shop.merchant("POST", "/activities", data=known)).status_code == 200


async def test_a_form_is_no_body_of_the_management_api(shop: Shop) -> None:
    assert (await shop.manage("POST", "/customers", data={"customer_id": "shopify-1001"})).status_code == 415


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
