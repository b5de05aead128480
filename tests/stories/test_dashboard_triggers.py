"""At the dashboard: how a trigger is shown in the rewards widget."""

import html

import pytest

from regulars import conditions
from tests.doors import Shop
from tests.stories.browsing import person, signed_in

FORM = {"name": "Follow us", "source": "api", "operation": "cr", "coins_min": "5", "coins_max": "5", "active": "yes"}
CONTENT = {"type": "social", "title": "Follow", "description": "Five coins", "icon": "heart", "link": "/social"}


def in_form(content: dict[str, str]) -> dict[str, str]:
    return {f"content.{name}": value for name, value in content.items()}


async def test_what_the_widget_draws_is_edited_with_the_trigger(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    made = await owner.post("/triggers/new", **FORM, show_in_widget="yes", **in_form(CONTENT))
    assert made.status_code == 303
    (item,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert item["content"] == CONTENT
    page = (await owner.get(f"/triggers/{item['id']}")).text
    assert 'value="Follow"' in page
    assert 'value="/social"' in page
    changed = CONTENT | {"title": "Follow us", "link": "https://social.example"}
    assert (await owner.post(f"/triggers/{item['id']}", **FORM, **in_form(changed))).status_code == 303
    (item,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert (item["content"], item["version"]) == (changed, 1)


@pytest.mark.parametrize("wrong", [{"link": "javascript:alert(1)"}, {"icon": "data:text/html,x"}, {"title": "x" * 201}])
async def test_what_a_widget_can_not_draw_is_said_beside_its_field(shop: Shop, wrong: dict[str, str]) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    answer = await owner.post("/triggers/new", **FORM, **in_form(wrong))
    assert answer.status_code == 422
    assert f'id="content.{next(iter(wrong))}-wrong"' in answer.text
    rule = {"coins_min": 5, "coins_max": 5}
    by_api = await shop.manage("POST", "/triggers", json={"name": "x", "source": "api", "rule": rule, "content": wrong})
    assert (by_api.status_code, list(by_api.json()["fields"])) == (422, [f"content.{next(iter(wrong))}"])


ORDERS = {
    "name": "Tea",
    "source": "order",
    "earn_when": "paid",
    "coins_per_unit": "2",
    "active": "yes",
    "frees_place": "yes",
}
CONDITION = {
    "condition_asked": "yes",
    "condition.match": "all",
    "condition.0.property": "collections",
    "condition.0.shown": "collections",
    "condition.0.operator": "any_of",
    "condition.0.value": "Tea",
}
MORE = {
    "starts_at": "2026-03-01T09:00",
    "after_delta_day": "14",
    "budget_per_day": "1,000",
    "per_month_max": "3",
    "amount_min": "49.90",
    "on_activity_count_reached": "5",
    "campaign_factor": "1.5",
    "campaign_ends_at": "2026-12-24T00:00",
    "first_order_factor": "2",
}


async def test_a_rule_is_built_with_all_its_parts_and_kept_when_something_else_is_saved(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    said = (await owner.post("/triggers/sentence", **ORDERS, **CONDITION, **MORE)).text
    sentence = (
        "When an order is paid and the collections include “Tea”, over $49.9 or more, for each 5 times it happened, "
        "it gives 2 coins per whole $1, times 1.5 until 24 December 2026, times 2 for a first order, 14 days later, at "
        "most 3 times a month per customer, as long as all customers together get no more than 1,000 coins a day from "
        "1 March 2026, 09:00."
    )
    assert sentence in said
    assert (await owner.post("/triggers/new", **ORDERS, **CONDITION, **MORE)).status_code == 303
    (item,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert item["sentence"] == sentence
    page = (await owner.get(f"/triggers/{item['id']}")).text
    for name, value in (MORE | {"budget_per_day": "1000", "amount_min": "49.9"}).items():
        assert f'name="{name}"' in page
        assert f'value="{value}"' in page, name
    # What the page shows, sent as it stands, changes nothing.
    same = ORDERS | CONDITION | MORE | {"budget_per_day": "1000"}
    assert (await owner.post(f"/triggers/{item['id']}", **same)).status_code == 303
    (after,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert after["version"] == 1
    # Nor is anything lost that the form has no place for.
    deep = {"any": [{"all": [{"any": [{"property": "tags", "operator": "any_of", "value": ["vip"]}]}]}]}
    kept = {
        "condition": deep,
        "basis": {"net_of_tax": True},
        "factors": [{"type": "campaign", "factor": n, "starts_at": f"2026-0{n}-01"} for n in (2, 3)],
    }
    await shop.manage("PATCH", f"/triggers/{item['id']}", json={"rule": kept})
    page = (await owner.get(f"/triggers/{item['id']}")).text
    assert 'name="condition.0.0.0.property"' in page
    same = {name: value for name, value in same.items() if not name.startswith("condition.")}
    same |= dict(conditions.to_form(deep)) | {"title": "Tea"}
    assert (await owner.post(f"/triggers/{item['id']}", **same)).status_code == 303
    (after,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert (after["rule"]["condition"], after["rule"]["basis"], len(after["rule"]["factors"])) == (
        deep,
        kept["basis"],
        2,
    )
    page = (await owner.get(f"/triggers/{item['id']}")).text
    assert "Title: empty, then “Tea”" in page


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ends_at": "2026-01-01T00:00"}, "ends_at"),
        ({"campaign_factor": "two"}, "campaign_factor"),
        ({"campaign_factor": "1000"}, "campaign_factor"),
        ({"amount_min": "60", "amount_max": "50"}, "amount_min"),
        ({"after_delta_day": "9999"}, "after_delta_day"),
        ({"coins_min": "5"}, "coins_per_unit"),
    ],
)
async def test_what_is_wrong_with_a_rule_is_said_beside_its_field(
    shop: Shop, wrong: dict[str, str], field: str
) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    answer = await owner.post("/triggers/new", **(ORDERS | CONDITION | MORE | wrong))
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert 'value="14"' in answer.text or "after_delta_day" in wrong
    assert (await shop.manage("GET", "/triggers")).json()["items"] == []


async def test_the_builder_asks_about_what_sets_it_off(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    fact = {"source": "fact", "name": "Game", "fact": "game_won", "properties": "score: number", "coins_min": "5"}
    asked = (await owner.post("/triggers/new", **fact, **{"condition.add_row": "condition"})).text
    assert 'value="score"' in asked
    assert "Reward it only when" in asked
    for source, shown in (("birthday", "Age"), ("order", "Collections"), ("api", "What the call is about")):
        asked = (await owner.post("/triggers/new", source=source, **{"condition.add_row": "condition"})).text
        assert f">{shown}</option>" in asked
    assert (await owner.post("/triggers/new", **fact)).status_code == 303
    wrong = await owner.post("/triggers/new", **(fact | {"properties": "score: numbers"}))
    assert 'id="properties-wrong"' in wrong.text


async def test_a_trigger_gives_a_coupon_of_a_chosen_offer_and_says_so(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    assert 'name="offer_id"' not in (await owner.get("/triggers/new?source=birthday")).text
    terms = {"discount": "percent", "value": 10}
    offer = (await shop.manage("POST", "/offers", json={"name": "Ten off", "terms": terms})).json()
    assert 'name="offer_id"' in (await owner.get("/triggers/new?source=birthday")).text
    form = {
        "name": "Birthday",
        "source": "birthday",
        "active": "yes",
        "kind": "offer",
        "offer_id": offer["id"],
        "coins_min": "7",
    }
    said = "On a customer's birthday, it gives a coupon of “Ten off”."
    assert said in html.unescape((await owner.post("/triggers/sentence", **form)).text)
    made = await owner.post("/triggers/new", **form, campaign_factor="")
    assert made.status_code == 303, made.text
    (item,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert (item["kind"], item["rule"]["offer_id"], item["rule"]["coins_min"]) == ("offer", offer["id"], 0)
    page = (await owner.get(f"/triggers/{item['id']}")).text
    assert (said in html.unescape(page), 'name="coins_min"' in page) == (True, False)
    other = (await shop.manage("POST", "/offers", json={"name": "More off", "terms": terms})).json()
    changed = await owner.post(f"/triggers/{item['id']}", **form | {"offer_id": other["id"], "name": "Cake"})
    assert changed.status_code == 303
    (item,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert (item["name"], item["version"], item["rule"]["offer_id"]) == ("Cake", 2, other["id"])
    nothing = await owner.post(f"/triggers/{item['id']}", **form | {"offer_id": ""})
    assert (nothing.status_code, 'id="offer_id-wrong"' in nothing.text) == (422, True)
    coins = {"name": "Coins", "source": "order", "coins_per_unit": "2", "kind": "wallet", "earn_when": "paid"}
    assert (await owner.post("/triggers/new", **coins)).status_code == 303
    assert (await shop.manage("GET", "/triggers")).json()["items"][-1]["kind"] == "wallet"
