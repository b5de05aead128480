"""Clients of the older system write bodies as they always did: date-times, nulls, 12.0, forms, details we ignore."""

import asyncio
import json
from typing import Any

import pytest

from tests.doors import Shop

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
