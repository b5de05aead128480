"""A program manages customers, triggers and orders."""

from __future__ import annotations

from typing import Any

import pytest

from regulars.kit.ids import new_id
from tests.doors import Shop

ASHA = {"customer_id": "shopify-1001", "name": "Asha Rao", "email": "asha@example.com"}


async def test_a_customer_is_created_changed_and_found(shop: Shop) -> None:
    made = await shop.manage("POST", "/customers", json=ASHA)
    assert made.status_code == 201
    id = made.json()["id"]
    again = await shop.manage("POST", "/customers", json=ASHA)
    assert (again.status_code, again.json()["code"]) == (409, "customer_exists")
    changed = await shop.manage("PATCH", f"/customers/{id}", json={"mobile": "9876543210", "country": "ind"})
    assert (changed.json()["mobile"], changed.json()["name"]) == ("9876543210", "Asha Rao")
    cleared = await shop.manage("PATCH", f"/customers/{id}", json={"dob": None, "name": ""})
    assert (cleared.json()["dob"], cleared.json()["name"]) == (None, "")
    for text in ("asha@", "98765", "shopify-10", changed.json()["referral_code"]):
        found = (await shop.manage("GET", "/customers", params={"search": text})).json()
        assert [one["id"] for one in found["items"]] == [id]
    assert (await shop.manage("GET", f"/customers/{new_id()}")).status_code == 404
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts == ["customer.update", "customer.update", "customer.create"]


async def test_customers_are_listed_in_pages(shop: Shop) -> None:
    for n in range(5):
        await shop.manage("POST", "/customers", json={"customer_id": f"shopify-100{n}"})
    seen: list[str] = []
    before: str | None = None
    while True:
        query = {"limit": "2"} | ({"before": before} if before else {})
        page = (await shop.manage("GET", "/customers", params=query)).json()
        seen += [one["customer_id"][-1] for one in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert seen == list("43210")


async def test_coins_are_given_and_taken_by_hand(shop: Shop) -> None:
    id = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    path = f"/customers/{id}/transactions"
    body = {"operation": "cr", "amount": 30, "reason": "A late parcel"}
    first = await shop.manage("POST", path, json=body, send={"idempotency-key": "k"})
    again = await shop.manage("POST", path, json=body, send={"idempotency-key": "k"})
    assert (first.status_code, again.status_code, again.headers["idempotency-hit"]) == (201, 201, "true")
    assert again.json() == first.json()
    assert (first.json()["type"], first.json()["actor"]) == ("adjust", "key:Till")
    too_much = await shop.manage("POST", path, json={**body, "operation": "dr", "amount": 31})
    assert (too_much.status_code, too_much.json()["code"]) == (422, "insufficient_balance")
    await shop.manage("POST", path, json={**body, "operation": "dr", "amount": 10})
    wallet = (await shop.manage("GET", path, params={"limit": 1})).json()
    assert ([one["amount"] for one in wallet["items"]], wallet["next"]) == ([10], 2)
    older = (await shop.manage("GET", path, params={"before": wallet["next"]})).json()
    assert ([one["amount"] for one in older["items"]], older["next"]) == ([30], None)
    assert (await shop.manage("GET", f"/customers/{id}")).json()["coins"]["available"] == 20


async def test_triggers_are_versioned(shop: Shop) -> None:
    body = {"name": "Birthday", "source": "api", "rule": {"coins_min": 50, "coins_max": 50}}
    made = (await shop.manage("POST", "/triggers", json=body)).json()
    assert (made["version"], made["sentence"]) == (1, "When your shop calls it, it gives 50 coins.")
    path = f"/triggers/{made['id']}"
    switched = (await shop.manage("PATCH", path, json={"active": False})).json()
    assert (switched["version"], switched["active"]) == (1, False)
    richer = (await shop.manage("PATCH", path, json={"rule": {"coins_max": 60}, "active": True})).json()
    assert (richer["version"], richer["rule"]["coins_min"], richer["rule"]["coins_max"]) == (2, 50, 60)
    versions = (await shop.manage("GET", f"{path}/versions")).json()["items"]
    assert [(one["version"], one["actor"], one["rule"]["coins_max"]) for one in versions] == [
        (2, "key:Till", 60),
        (1, "key:Till", 50),
    ]
    assert [one["id"] for one in (await shop.manage("GET", "/triggers")).json()["items"]] == [made["id"]]
    wrong = await shop.manage("PATCH", path, json={"rule": {"coins_max": 40}})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["coins_max"])
    assert (await shop.manage("GET", f"/triggers/{new_id()}")).status_code == 404


def an_order(reference_id: str = "1028", amount: Any = "129.90", **more: Any) -> dict[str, Any]:
    return {
        "source": "shopify",
        "reference_id": reference_id,
        "name": f"#{reference_id}",
        "customer": ASHA,
        "amount": amount,
        "currency_code": "usd",
        "placed_at": "2026-03-14T09:00:00Z",
        **more,
    }


async def per_dollar(shop: Shop, coins: int = 1) -> str:
    body = {"name": "Purchase", "source": "order", "rule": {"coins_per_unit": coins}}
    return str((await shop.manage("POST", "/triggers", json=body)).json()["id"])


async def test_an_order_earns_once_however_often_it_is_reported(shop: Shop) -> None:
    trigger_id = await per_dollar(shop)
    first = (await shop.manage("POST", "/orders", json=an_order())).json()["items"][0]
    assert (first["change"], first["coins"], first["order"]["amount"]) == ("created", 129, 129.9)
    assert [(one["trigger_id"], one["state"]) for one in first["firings"]] == [(trigger_id, "granted")]
    again = (await shop.manage("POST", "/orders", json=an_order())).json()["items"][0]
    assert (again["change"], again["coins"]) == ("unchanged", 0)
    update = an_order(delivery_status="fulfilled", updated_at="2026-03-15T09:00:00Z")
    newer = (await shop.manage("POST", "/orders", json=update)).json()["items"][0]
    assert (newer["change"], newer["coins"]) == ("updated", 0)
    stale = an_order(delivery_status="pending", updated_at="2026-03-14T10:00:00Z")
    assert (await shop.manage("POST", "/orders", json=stale)).json()["items"][0]["change"] == "stale"
    assert (await shop.lead("shopify-1001"))["available"] == "129"
    one = (await shop.manage("GET", f"/orders/{first['order']['id']}")).json()
    assert (one["order"]["delivery_status"], one["order"]["coins_rewarded"]) == ("fulfilled", 129)
    assert [firing["state"] for firing in one["firings"]] == ["granted"]


async def test_a_list_is_answered_one_by_one(shop: Shop) -> None:
    await per_dollar(shop)
    reports = [
        an_order("1", "10"),
        an_order("2", "0.00"),
        an_order("3", "10", customer={"customer_id": "shopify-1002", "email": "no address"}),
        an_order("4", 20.5),
        an_order("1", "10"),
        an_order("5", "1.234"),
    ]
    items = (await shop.manage("POST", "/orders", json=reports)).json()["items"]
    assert [item["change"] for item in items] == ["created", "created", "refused", "created", "unchanged", "refused"]
    assert [item["coins"] for item in items] == [10, 0, 0, 20, 0, 0]
    assert items[1]["firings"][0]["reason"] == "order_amount_zero"
    assert items[2]["refusal"]["fields"] == {"email": "expected an e-mail address"}
    assert list(items[5]["refusal"]["fields"]) == ["amount"]
    listed = (await shop.manage("GET", "/orders", params={"limit": 2})).json()
    assert [order["reference_id"] for order in listed["items"]] == ["4", "2"]
    older = (await shop.manage("GET", "/orders", params={"limit": 2, "before": listed["next"]})).json()
    assert ([order["reference_id"] for order in older["items"]], older["next"]) == (["1"], None)
    named = (await shop.manage("GET", "/orders", params={"reference_id": "2"})).json()["items"]
    assert [order["reference_id"] for order in named] == ["2"]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (an_order(amount="1.234"), "amount"),
        (an_order(amount="-1"), "amount"),
        (an_order(amount=-1), "amount"),
        (an_order(currency_code="USD"), "currency_code"),
        (an_order(placed_at="2026-03-14T09:00:00"), "placed_at"),
        (an_order(placed_at="0001-01-01T00:00:00+23:59"), "placed_at"),
        (an_order(status="lost"), "status"),
        (an_order(customer={"customer_id": "short"}), "customer.customer_id"),
        (an_order(colour="red"), "colour"),
        ([an_order(), an_order(status="lost")], "[1].status"),
        ([], "body"),
    ],
)
async def test_an_order_that_can_not_be_taken_says_why(shop: Shop, order: Any, field: str) -> None:
    answer = await shop.manage("POST", "/orders", json=order)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]
    assert (await shop.manage("GET", "/orders")).json()["items"] == []


async def test_a_customers_story_has_every_kind_of_fact(shop: Shop) -> None:
    await per_dollar(shop)
    await shop.manage("POST", "/orders", json=[an_order("1", "10"), an_order("2", "0")])
    id = (await shop.lead("shopify-1001"))["_id"]
    facts = (await shop.manage("GET", f"/customers/{id}/timeline")).json()["items"]
    assert {fact["kind"] for fact in facts} == {"order", "transaction", "firing", "event"}
    assert all(set(fact) == {"at", "kind", fact["kind"]} for fact in facts)
    refused = (await shop.manage("GET", "/firings", params={"customer_id": id, "state": "refused"})).json()["items"]
    assert [one["explanation"] for one in refused] == ["The order's amount is $0."]
