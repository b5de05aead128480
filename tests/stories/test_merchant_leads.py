"""A store makes its customers known, and looks them up."""

from typing import Any
from uuid import UUID

import pytest

from regulars import events
from regulars.kit.ids import new_id
from tests.doors import Shop

NOBODY = f"/leads/{UUID(int=0)}"
ASHA: dict[str, Any] = {
    "customer_id": "shopify-1001",
    "name": "Asha Rao",
    "metadetail": {"email": "asha@example.com", "mobile": "9876543210", "country": "ind"},
}


async def asha(shop: Shop) -> dict[str, Any]:
    answer = await shop.merchant("POST", "/leads", json=ASHA)
    assert answer.status_code == 200
    item: dict[str, Any] = answer.json()["data"]["item"]
    return item


async def test_a_customer_is_created_and_announced(shop: Shop) -> None:
    item = await asha(shop)
    assert item | {"_id": "", "referral_code": ""} == {
        "_id": "",
        "customer_id": "shopify-1001",
        "name": "Asha Rao",
        "email": "asha@example.com",
        "mobile": "9876543210",
        "country": "ind",
        "gender": "",
        "dob": None,
        "tier": "",
        "available": "0",
        "pending": 0,
        "wallet": {"available": 0},
        "creditwallet": {"available": 0},
        "mid": events.mid("9876543210"),
        "eid": events.eid("asha@example.com"),
        "referral_code": "",
        "referred_by_referral_code": "",
        "entity_id": shop.id,
        "created_at": "2026-03-14T09:26:53.589Z",
        "updated_at": "2026-03-14T09:26:53.589Z",
    }
    async with shop.app.db.reading() as tx:
        logged = await events.recent(tx, shop.workspace.id, limit=10)
    assert [event.topic for event in logged] == ["lead_create"]


async def test_a_known_customer_is_not_created_again(shop: Shop) -> None:
    await asha(shop)
    again = await shop.merchant("POST", "/leads", json=ASHA)
    assert (again.status_code, again.json()["data"]["message"]) == (422, "Lead already exists")
    kept = await shop.merchant(
        "POST", "/leads", json=ASHA | {"customer_id": "shopify-1002"}, send={"idempotency-key": "k"}
    )
    retried = await shop.merchant(
        "POST", "/leads", json=ASHA | {"customer_id": "shopify-1002"}, send={"idempotency-key": "k"}
    )
    assert (retried.status_code, retried.headers["idempotency-hit"], retried.content) == (200, "true", kept.content)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"metadetail": {}}, "metadetail"),
        ({"metadetail": {"mobile": "9876543210"}}, "metadetail.country"),
        ({"metadetail": {"mobile": "987", "country": "ind"}}, "metadetail.mobile"),
        ({"metadetail": {"mobile": "1" * 16, "country": "ind"}}, "metadetail.mobile"),
        ({"metadetail": {"email": "asha"}}, "metadetail.email"),
        ({"metadetail": {"email": "asha@example.com", "country": "IND"}}, "metadetail.country"),
        ({"metadetail": {"email": "asha@example.com", "country": "xyz"}}, "metadetail.country"),
        ({"metadetail": {"email": "asha@example.com", "dob": "26-05-1990"}}, "metadetail.dob"),
        ({"metadetail": {"email": "asha@example.com", "dob": "0001-01-01"}}, "metadetail.dob"),
        ({"metadetail": {"email": "asha@example.com", "city": "Pune"}}, "metadetail.city"),
        ({"name": "x" * 201}, "name"),
        ({"customer_id": "x" * 129}, "customer_id"),
        ({"customer_id": None}, "customer_id"),
        ({"referral_code": "a b"}, "referral_code"),
    ],
)
async def test_what_is_wrong_is_named_by_its_path(shop: Shop, changes: dict[str, Any], field: str) -> None:
    answer = await shop.merchant("POST", "/leads", json=ASHA | changes)
    assert answer.status_code == 422
    assert list(answer.json()["data"]["fields"]) == [field]


async def test_a_lead_is_found_by_the_first_that_is_given(shop: Shop) -> None:
    item = await asha(shop)
    other = {"customer_id": "shopify-1002", "metadetail": {"email": "ben@example.com"}}
    ben = (await shop.merchant("POST", "/leads", json=other)).json()["data"]["item"]
    for query, wanted in (
        ({}, item),
        ({"mobile": "9876543210"}, item),
        ({"email": "ben@example.com", "mobile": "9876543210"}, ben),
        ({"referral_code": item["referral_code"], "email": "ben@example.com"}, item),
        ({"customer_id": "shopify-1002", "referral_code": item["referral_code"]}, ben),
    ):
        found = await shop.merchant("GET", f"/leads/{item['_id']}", params=query)
        assert found.json()["data"]["item"]["_id"] == wanted["_id"]
    for query in ({}, {"customer_id": "shopify-9999"}, {"email": "nobody@example.com"}):
        missing = await shop.merchant("GET", NOBODY, params=query)
        assert (missing.status_code, missing.json()["data"]["message"]) == (422, "Lead does not exists")


async def test_read_keys_see_masks(shop: Shop) -> None:
    item = await asha(shop)
    answer = await shop.merchant("GET", f"/leads/{item['_id']}", key=shop.read_key)
    seen = answer.json()["data"]["item"]
    assert (seen["email"], seen["mobile"]) == ("a***@example.com", "******10")
    assert "asha@" not in answer.text
    assert "9876" not in answer.text
    # Whoever hashes every number there is finds the one behind a hash.
    assert (seen["mid"], seen["eid"]) == ("", "")
    full = (await shop.merchant("GET", f"/leads/{item['_id']}")).json()["data"]["item"]
    assert "" not in (full["mid"], full["eid"])
    assert full["mid"] not in answer.text
    assert full["eid"] not in answer.text


async def test_a_birthday_is_completed_but_not_overwritten(shop: Shop) -> None:
    item = await asha(shop)
    path, body = f"/leads/{item['_id']}", {"metadetail": {"dob": "1990-05-26"}}
    assert (await shop.merchant("PUT", path, json=body)).json()["data"]["item"]["dob"] == "1990-05-26"
    later = await shop.merchant("PUT", path, json={"metadetail": {"dob": "2000-01-01"}})
    assert later.json()["data"]["item"]["dob"] == "1990-05-26"
    by_customer_id = await shop.merchant("PUT", f"{NOBODY}?customer_id=shopify-1001", json=body)
    assert by_customer_id.json()["data"]["item"]["_id"] == item["_id"]
    unknown = await shop.merchant("PUT", f"/leads/{new_id()}", json=body)
    assert (unknown.status_code, unknown.json()["data"]["message"]) == (422, "Lead does not exists")


async def test_what_is_known_is_completed_but_not_overwritten(shop: Shop) -> None:
    item = await asha(shop)
    path = f"/leads/{item['_id']}"
    await shop.merchant("PUT", path, json={"metadetail": {"gender": "female"}})
    body = {
        "name": "Somebody Else",
        "metadetail": {"email": "other@example.com", "mobile": "1", "gender": "male", "dob": "1990-05-26"},
    }
    seen = (await shop.merchant("PUT", path, json=body)).json()["data"]["item"]
    assert (seen["name"], seen["email"], seen["mobile"]) == ("Asha Rao", "asha@example.com", "9876543210")
    assert (seen["gender"], seen["dob"]) == ("female", "1990-05-26")
    bare = {"customer_id": "shopify-1002", "metadetail": {"email": "ben@example.com"}}
    ben = (await shop.merchant("POST", "/leads", json=bare)).json()["data"]["item"]
    for metadetail, field in (
        ({"mobile": "9876500000"}, "country"),
        ({"country": "xyz"}, "country"),
        ({"dob": "0001-01-01"}, "dob"),
    ):
        wrong = await shop.merchant("PUT", f"/leads/{ben['_id']}", json={"metadetail": metadetail})
        assert (wrong.status_code, list(wrong.json()["data"]["fields"])) == (422, [f"metadetail.{field}"])
    body = {"name": "Ben", "metadetail": {"mobile": "9876500000", "country": "usa"}}
    seen = (await shop.merchant("PUT", f"/leads/{ben['_id']}", json=body)).json()["data"]["item"]
    assert (seen["name"], seen["mobile"], seen["country"]) == ("Ben", "9876500000", "usa")


@pytest.mark.parametrize(
    "spelling", ["+919876543210", "91 98765 43210", "+91 98765 43210", "98765-43210", "0091 9876543210"]
)
async def test_a_mobile_is_found_by_any_spelling(shop: Shop, spelling: str) -> None:
    await shop.manage("PATCH", "/workspace", json={"settings": {"country": "ind"}})
    lead = {**ASHA, "metadetail": {"mobile": "+91 98765 43210", "country": "ind"}}
    made = (await shop.merchant("POST", "/leads", json=lead)).json()["data"]["item"]
    item = (await shop.merchant("GET", NOBODY, params={"mobile": spelling})).json()["data"]["item"]
    assert (item["_id"], item["mobile"]) == (made["_id"], "+91 98765 43210")
    async with shop.app.db.reading() as tx:
        body = (await events.recent(tx, shop.workspace.id, topic="lead_create", limit=1))[0].body
    assert '"mobile":"+919876543210"' in body
    assert '"user_mobile":"+919876543210"' in body
