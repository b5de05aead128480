"""Segments as a shop's people make them: rows in rows, what was done, the count beside, and why."""

from tests.doors import ASHA, Shop
from tests.stories.browsing import person, signed_in
from tests.stories.test_segments import BEN, customer_id, followed, members, order

FORM = {
    "condition_asked": "yes",
    "condition.match": "all",
    "condition.0.done": "order_create",
    "condition.0.word": "count",
    "condition.0.operator": "at_least",
    "condition.0.value": "2",
    "condition.0.when": "last_days",
    "condition.0.days": "30",
    "condition.0.where.match": "all",
    "condition.0.where.0.property": "fiat_amount",
    "condition.0.where.0.operator": "at_least",
    "condition.0.where.0.value": "20",
    "condition.1.match": "any",
    "condition.1.0.match": "none",
    "condition.1.0.0.property": "customer_country",
    "condition.1.0.0.operator": "is",
    "condition.1.0.0.value": "ind",
    "condition.1.1.done": "review_create",
    "condition.1.1.word": "average",
    "condition.1.1.of": "rating",
    "condition.1.1.operator": "between",
    "condition.1.1.value": "4",
    "condition.1.1.value_to": "5",
}
TREE = {
    "all": [
        {
            "done": "order_create",
            "count": {"operator": "at_least", "value": 2},
            "where": {"all": [{"property": "fiat_amount", "operator": "at_least", "value": 20}]},
            "when": {"last_days": 30},
        },
        {
            "any": [
                {"none": [{"property": "customer_country", "operator": "is", "value": "ind"}]},
                {"done": "review_create", "average": {"property": "rating", "operator": "between", "value": [4, 5]}},
            ]
        },
    ]
}


async def test_a_nested_segment_is_built_counted_and_explained(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    assert "No segments yet" in (await owner.get("/segments")).text
    for reference, who in (("1", ASHA), ("2", ASHA), ("3", BEN)):
        await order(shop, reference, who)
    asked = await owner.post("/segments/new", name="Loyal", kind="live", **{"condition.add_done": "condition"})
    assert 'name="condition.0.done"' in asked.text
    asked = await owner.post("/segments/new", name="Loyal", **FORM, **{"condition.add_group": "condition.1"})
    assert 'name="condition.1.2.0.property"' in asked.text
    assert 'value="fiat_amount" selected' in asked.text
    counted = (await owner.post("/segments/count", **FORM)).text
    assert "1</strong> of 2 customers" in counted
    assert "at least 2 times" in counted
    assert "Choose" not in counted
    assert "a number" in (await owner.post("/segments/count", **FORM | {"condition.0.value": "many"})).text
    wrong = await owner.post("/segments/new", name="Loyal", kind="live", **FORM | {"condition.1.1.value": "many"})
    assert wrong.status_code == 422
    assert 'id="condition.1.1.value"' in wrong.text
    made = await owner.post("/segments/new", name="Loyal", kind="live", **FORM)
    assert made.status_code == 303
    await followed(shop)
    (segment,) = (await shop.manage("GET", "/segments")).json()["items"]
    assert segment["condition"] == TREE
    assert await members(shop, segment) == {"shopify-1001"}
    page = (await owner.get(made.headers["location"])).text
    assert "Asha Rao" in page
    assert 'name="condition.1.0.0.property"' in page
    saved = await owner.post(made.headers["location"], name="Loyal ones", **FORM)
    assert saved.status_code == 303
    (segment,) = (await shop.manage("GET", "/segments")).json()["items"]
    assert (segment["name"], segment["version"], segment["condition"]) == ("Loyal ones", 1, TREE)
    why = (await owner.get(f"/segments/{segment['id']}/why?customer={await customer_id(shop, BEN)}")).text
    assert "Not in it" in why
    assert "1 time" in why
    assert "Nobody has" in (await owner.get(f"/segments/{segment['id']}/why?customer=nobody@example.com")).text
    assert "asha@example.com" in (await owner.get(f"/segments/members.csv?segment_id={segment['id']}")).text
    assert (await owner.post(f"/segments/{segment['id']}/find")).status_code == 303
    assert (await owner.post(f"/segments/{segment['id']}/delete")).status_code == 303
    assert "No segments yet" in (await owner.get("/segments")).text
