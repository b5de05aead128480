"""At the doors: what triggers react to, and what guards them, is said and answered by the API."""

from typing import Any

import httpx

from tests.doors import Shop

ORDER = {
    "source": "shopify",
    "customer": {"customer_id": "shopify-1001"},
    "amount": "20",
    "currency_code": "usd",
    "placed_at": "2026-03-14T09:00:00Z",
}


async def make(shop: Shop, source: str, rule: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await shop.manage("POST", "/triggers", json={"name": "Reward", "source": source, "rule": rule, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def fire(shop: Shop, trigger_id: str) -> httpx.Response:
    body = {"trigger_id": trigger_id, "customer_id": "shopify-1001"}
    return await shop.merchant("POST", "/activities", json=body)


async def test_a_rule_is_taken_and_answered_whole_and_said_in_a_sentence(shop: Shop) -> None:
    rule = {
        "coins_per_unit": 2,
        "factors": [
            {"type": "campaign", "factor": 1.5, "starts_at": "2026-03-01"},
            {"type": "first_order", "factor": 2},
        ],
        "basis": {"net_of_tax": True, "tags_excluded": ["gift"]},
        "condition": {"property": "utm_source", "operator": "is", "value": "newsletter"},
        "on_order_amount_matched": {"min": 10, "max": 500},
        "per_month_max": 3,
        "cool_down_minutes": 60,
        "budget_per_day": 1000,
        "after_delta_day": 14,
        "ends_at": "2026-12-31T18:00",
    }
    made = await make(shop, "order", rule)
    kept = made["rule"]
    assert {name: kept[name] for name in rule if name not in ("basis", "factors", "ends_at")} == {
        name: value for name, value in rule.items() if name not in ("basis", "factors", "ends_at")
    }
    assert kept["basis"] == rule["basis"]
    assert made["sentence"] == (
        "When an order is paid and the UTM source is “newsletter”, over $10 to $500, it gives 2 coins per whole $1, "
        "times 1.5 from 1 March 2026, times 2 for a first order, 14 days later, at most 3 times a month per customer, "
        "not again within 1 hour, as long as all customers together get no more than 1,000 coins a day until "
        "31 December 2026, 18:00."
    )
    changed = {"rule": {"condition": None, "budget_per_day": 0, "factors": []}}
    after = (await shop.manage("PATCH", f"/triggers/{made['id']}", json=changed)).json()
    assert (after["version"], after["rule"]["condition"], after["rule"]["per_month_max"]) == (2, None, 3)
    versions = (await shop.manage("GET", f"/triggers/{made['id']}/versions")).json()["items"]
    assert versions[0]["changed"] == [
        "Factors: times 1.5 from 1 March 2026; times 2 for a first order, then none",
        "Only when: the UTM source is “newsletter”, then none",
        "Budget a day: 1,000, then no limit",
    ]
    assert versions[1]["rule"]["budget_per_day"] == 1000


async def test_every_fault_of_a_rule_is_named(shop: Shop) -> None:
    wrong = {"coins_min": 5, "earn_when": "placed", "starts_at": "soon", "fact": "x", "budget_in_all": 5}
    wrong["condition"] = {"all": [{"property": "moon", "operator": "is", "value": "full"}]}
    answer = await shop.manage("POST", "/triggers", json={"name": "x", "source": "api", "rule": wrong})
    assert (answer.status_code, sorted(answer.json()["fields"])) == (
        422,
        ["condition.all[0].property", "earn_when", "fact", "starts_at"],
    )
    assert (await shop.manage("GET", "/triggers")).json()["items"] == []


async def test_a_refusal_says_which_guard_found_what(shop: Shop) -> None:
    made = await make(shop, "api", {"coins_min": 10, "on_activity_count_reached": 2, "budget_in_all": 15})
    codes = [(await fire(shop, made["id"])).status_code for _ in range(4)]
    assert codes == [422, 200, 422, 422]
    items = (await shop.manage("GET", "/firings", params={"trigger_id": made["id"]})).json()["items"]
    assert [(one["state"], one["guard"], one["value"], one["threshold"]) for one in items[::-1]] == [
        ("refused", "activities", 1, 2),
        ("granted", "", None, None),
        ("refused", "activities", 1, 2),
        ("refused", "budget", 20, 15),
    ]


async def test_a_call_says_what_it_is_about_and_a_page_does_not(shop: Shop) -> None:
    made = await make(shop, "api", {"coins_min": 10, "on_activity_amount_reached": 100, "per_day_max": 9}, open=True)
    about = {"evaluation_id": "0190f3c2-7a44-7cc1-8d2f-5f4b3a2e1d0c", "evaluation_type": "orders", "amount": 100}
    body = {"trigger_id": made["id"], "customer_id": "shopify-1001", "trace": {"params_for_activityrule": about}}
    assert (await shop.merchant("POST", "/activities", json=body, key=shop.read_key)).status_code == 422
    first = await shop.merchant("POST", "/activities", json=body)
    assert first.json()["data"]["activity"]["status"] == "success"
    again = await shop.merchant("POST", "/activities", json=body)
    assert (again.status_code, again.json()) == (200, first.json()), "answered as the first time, and given once"


async def test_a_reward_that_waits_is_pending_on_the_wire(shop: Shop) -> None:
    made = await make(shop, "api", {"coins_min": 10, "after_delta_day": 2})
    data = (await fire(shop, made["id"])).json()["data"]
    assert data["activity"]["status"] == "pending"
    assert "wallet_reward" not in data
    [item] = (await shop.manage("GET", "/firings", params={"state": "waiting"})).json()["items"]
    assert (item["state"], item["coins"], item["due_at"] > item["fired_at"]) == ("waiting", 10, True)


async def test_what_a_condition_may_ask_is_answered(shop: Shop) -> None:
    items = (await shop.manage("GET", "/trigger-properties", params={"source": "order"})).json()["items"]
    known = {item["name"]: item for item in items}
    assert known["collections"]["type"] == "list"
    assert "any_of" in known["collections"]["operators"]
    assert "paid" in known["financial_status"]["choices"]
    assert known["customer_tier"]["type"] == "text"


async def test_a_fact_of_the_shops_own_is_reported_and_earns_once(shop: Shop) -> None:
    rule = {
        "coins_min": 25,
        "fact": "game_won",
        "properties": {"score": "number"},
        "condition": {"property": "score", "operator": "at_least", "value": 100},
    }
    made = await make(shop, "fact", rule)
    assert made["sentence"] == "When your shop reports “game_won” and the score is at least 100, it gives 25 coins."
    fact = {"name": "game_won", "customer": {"customer_id": "shopify-1001"}, "properties": {"score": 120}, "id": "7"}
    first = (await shop.manage("POST", "/facts", json=fact)).json()
    assert (first["coins"], first["repeated"], first["customer"]["customer_id"]) == (25, False, "shopify-1001")
    again = (await shop.manage("POST", "/facts", json=fact)).json()
    assert again == first | {"repeated": True}
    other = await shop.manage("POST", "/facts", json=fact | {"properties": {"score": 1}})
    assert (other.status_code, other.json()["code"]) == (422, "key_taken")
    low = (await shop.manage("POST", "/facts", json=fact | {"properties": {"score": 1}, "id": "8"})).json()
    assert (low["coins"], low["firings"][0]["reason"]) == (0, "conditions_not_met")
    wrong = fact | {
        "name": "Game Won",
        "occurred_at": "2027-01-01T00:00:00Z",
        "customer": {"customer_id": "shopify-1", "email": "x"},
    }
    answer = await shop.manage("POST", "/facts", json=wrong)
    assert (answer.status_code, sorted(answer.json()["fields"])) == (422, ["customer.email", "name", "occurred_at"])
    assert (await shop.lead("shopify-1001"))["available"] == "25"


async def test_every_fifth_order_is_told_with_what_it_earned(shop: Shop) -> None:
    await make(shop, "order", {"coins_min": 50, "on_activity_count_reached": 5})
    reports = [ORDER | {"reference_id": str(n)} for n in range(6)]
    items = (await shop.manage("POST", "/orders", json=reports)).json()["items"]
    assert [item["coins"] for item in items] == [0, 0, 0, 0, 50, 0]
    assert items[0]["firings"][0]["explanation"] == "It is activity 1 of 5."
