"""A program manages customers and triggers."""

from regulars.api.documents import openapi
from regulars.api.management import management
from regulars.kit.ids import new_id
from tests.doors import ASHA, Shop, an_order, per_dollar


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
        found = (await shop.manage("GET", "/customers", params={"text": text})).json()
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
    assert (first.json()["type"], first.json()["actor"]) == ("adjust", "key:Office")
    too_much = await shop.manage("POST", path, json={**body, "operation": "dr", "amount": 31})
    assert (too_much.status_code, too_much.json()["code"]) == (422, "insufficient_balance")
    await shop.manage("POST", path, json={**body, "operation": "dr", "amount": 10})
    wallet = (await shop.manage("GET", path, params={"limit": 1})).json()
    assert ([one["amount"] for one in wallet["items"]], wallet["next"]) == ([10], 2)
    older = (await shop.manage("GET", path, params={"before": wallet["next"]})).json()
    assert ([one["amount"] for one in older["items"]], older["next"]) == ([30], None)
    assert (await shop.manage("GET", f"/customers/{id}")).json()["wallets"]["coins"]["available"] == 20


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
        (2, "key:Office", 60),
        (1, "key:Office", 50),
    ]
    assert [one["id"] for one in (await shop.manage("GET", "/triggers")).json()["items"]] == [made["id"]]
    wrong = await shop.manage("PATCH", path, json={"rule": {"coins_max": 40}})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["coins_max"])
    assert (await shop.manage("GET", f"/triggers/{new_id()}")).status_code == 404


async def test_a_customers_story_has_every_kind_of_fact(shop: Shop) -> None:
    await per_dollar(shop)
    await shop.manage("POST", "/orders", json=[an_order("1", "10"), an_order("2", "0")])
    id = (await shop.lead("shopify-1001"))["_id"]
    facts = (await shop.manage("GET", f"/customers/{id}/timeline")).json()["items"]
    assert {fact["kind"] for fact in facts} == {"order", "transaction", "firing", "event"}
    assert all(set(fact) == {"at", "booked_at", "kind", fact["kind"]} for fact in facts)
    of = {"customer_id": "shopify-1001", "state": "refused"}
    refused = (await shop.manage("GET", "/firings", params=of)).json()["items"]
    assert [one["explanation"] for one in refused] == ["The order's amount is $0."]


async def test_a_customers_two_ids_have_one_name_each_wherever_they_stand(shop: Shop) -> None:
    await per_dollar(shop)
    made = (await shop.manage("POST", "/orders", json=an_order("1", "10"))).json()["items"][0]
    customer = made["order"]["customer"]
    assert customer == {
        "id": (await shop.lead("shopify-1001"))["_id"],
        "customer_id": "shopify-1001",
        "name": "Asha Rao",
    }
    for path in ("/orders", "/firings", "/events"):
        mine, nobodys = [
            (await shop.manage("GET", path, params={"customer_id": id})).json()["items"]
            for id in ("shopify-1001", "shopify-9999")
        ]
        assert mine
        assert all(one["customer"] == customer for one in mine)
        assert nobodys == []
    wallet = (await shop.manage("GET", f"/customers/{customer['id']}/transactions")).json()["items"]
    assert [one["customer"] for one in wallet] == [customer]
    schemas = openapi([management])["components"]["schemas"]
    fields = [(name, of) for schema in schemas.values() for name, of in schema.get("properties", {}).items()]
    assert [name for name, of in fields if name == "lane_id"] == []
    assert [of for name, of in fields if name == "customer_id" and of.get("format") == "uuid"] == []
