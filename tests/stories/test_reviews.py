"""Reviews and questions, as a store's page, a program and the owner meet them."""

from typing import Any

import pytest

from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, an_order

SNOWBOARD = {"product_id": "8198", "title": "The Snowboard", "quantity": 1, "amount": "129.90"}
BEN = {"customer_id": "shopify-1002", "name": "Ben", "email": "ben@example.com"}


async def events_of(shop: Shop, *topics: str) -> list[tuple[str, dict[str, Any]]]:
    """Oldest first."""
    found = (await shop.manage("GET", "/events", params={"limit": 100})).json()["items"]
    return [(one["topic"], one["body"]) for one in reversed(found) if one["topic"] in topics]


class Counter:
    """Where reviews are written and judged."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def bought(self, reference: str = "1028", **more: Any) -> str:
        order = an_order(reference, lines=[SNOWBOARD], **more)
        return str((await self.shop.manage("POST", "/orders", json=order)).json()["items"][0]["order"]["id"])

    async def write(self, rating: int = 5, **more: Any) -> Any:
        said = {"reference_product_id": "8198", "reference_product_source": "shopify", "rating": rating}
        body = said | {"description": "It holds the edge.", "customer_id": ASHA["customer_id"]} | more
        return await self.shop.merchant("POST", "/reviews", json=body, key=self.shop.read_key)

    async def written(self, rating: int = 5, **more: Any) -> dict[str, Any]:
        answer = await self.write(rating, **more)
        assert answer.status_code == 200, answer.text
        item: dict[str, Any] = answer.json()["data"]["item"]
        return item

    async def judge(self, id: str, verb: str, **body: Any) -> dict[str, Any]:
        answer = await self.shop.manage("POST", f"/reviews/{id}/{verb}", **({"json": body} if body else {}))
        assert answer.status_code == 200, answer.text
        item: dict[str, Any] = answer.json()
        return item

    async def rules(self, **rules: Any) -> None:
        answer = await self.shop.manage("PATCH", "/workspace", json={"settings": {"reviews": rules}})
        assert answer.status_code == 200, answer.text

    async def coins(self) -> int:
        found: int = (await self.shop.lead(ASHA["customer_id"]))["wallet"]["available"]
        return found

    async def trigger(self, coins: int, **rule: Any) -> None:
        body = {"name": "Review", "source": "review", "rule": {"coins_min": coins, **rule}}
        made = await self.shop.manage("POST", "/triggers", json=body)
        assert made.status_code == 201, made.text


@pytest.fixture
def counter(shop: Shop) -> Counter:
    return Counter(shop)


@pytest.mark.parametrize("product", [8198, 8198.0])
async def test_ids_may_be_numbers_as_platforms_have_them(shop: Shop, counter: Counter, product: float) -> None:
    await counter.bought()
    item = await counter.written(5, reference_product_id=product, order_id=1028)
    assert (item["reference_product_id"], item["is_verified"]) == ("8198", True)
    question = {"reference_product_id": product, "question": "Is it warm?", "customer_id": ASHA["customer_id"]}
    asked = await shop.merchant("POST", "/qnas", json=question, key=shop.read_key)
    assert asked.json()["data"]["item"]["reference_product_id"] == "8198"
    broken = await counter.write(5, reference_product_id=8198.5)
    assert (broken.status_code, broken.json()["data"]["fields"]) == (422, {"reference_product_id": "expected text"})


async def test_a_review_waits_is_approved_featured_and_answered_and_each_is_told(shop: Shop, counter: Counter) -> None:
    order_id = await counter.bought()
    item = await counter.written(4, title="Fast")
    assert (item["is_verified"], item["is_approved"], item["lead_id"]) == (True, False, "")
    assert (item["reference_product_name"], item["name"]) == ("The Snowboard", "Asha Rao")
    product = {"reference_product_id": "8198"}
    nothing = (await shop.merchant("GET", "/reviews", params=product)).json()["data"]
    assert (nothing["items"], nothing["count"]) == ([], 0)
    (waits,) = (await shop.manage("GET", "/reviews", params={"status": "posted"})).json()["items"]
    assert (waits["id"], waits["order_id"], waits["customer"]["name"]) == (item["_id"], order_id, "Asha Rao")
    refused = await shop.manage("POST", f"/reviews/{item['_id']}/feature")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_approved")
    await counter.judge(item["_id"], "approve")
    await counter.judge(item["_id"], "feature")
    replied = await counter.judge(item["_id"], "reply", reply="Thank you!")
    assert (replied["reply"], replied["status"], replied["featured"]) == ("Thank you!", "approved", True)
    shown = (await shop.merchant("GET", "/reviews", params=product | {"is_featured": "true"})).json()["data"]
    assert (shown["count"], shown["items"][0]["reply"]) == (1, "Thank you!")
    assert [one for one in shown["stats"] if one["count"]] == [{"rating": 4, "count": 1}]
    assert (await shop.merchant("GET", "/reviews", params={"is_verified": "false"})).json()["data"]["count"] == 0
    told = await events_of(shop, "review_create", "review_update")
    assert [(topic, body["is_approved"], body["is_featured"]) for topic, body in told] == [
        ("review_create", "", ""),
        ("review_update", True, ""),
        ("review_update", True, True),
        ("review_update", True, True),
    ]
    assert told[0][1]["review_id"] == item["_id"]
    assert told[0][1]["order_id"] == order_id
    acts = [one["act"] for one in (await shop.manage("GET", "/audit")).json()["items"]]
    assert [act for act in acts if act.startswith("review")] == ["review.reply", "review.feature", "review.approve"]
    # Said again, it changes nothing and is told to nobody.
    await counter.judge(item["_id"], "approve")
    assert len(await events_of(shop, "review_update")) == 3


async def test_stars_are_counted_as_reviews_are_shown_and_not_asked_for(shop: Shop, counter: Counter) -> None:
    for reference, rating in (("1", 5), ("2", 4), ("3", 1)):
        await counter.bought(reference)
        item = await counter.written(rating, order_id=f"#{reference}")
        await counter.judge(item["_id"], "approve")
    other = await counter.written(2, reference_product_id="77")
    await counter.judge(other["_id"], "approve")
    of = {"reference_product_id": "8198"}
    count = (await shop.merchant("GET", "/reviews-count", params=of)).json()["data"]
    assert count["countsum"] == {"count": 3, "sum": 10}
    assert (await shop.merchant("GET", "/reviews-count")).json()["data"]["countsum"] == {"count": 4, "sum": 12}
    await counter.judge(item["_id"], "reject", reason="Of another product")
    summary = (await shop.manage("GET", "/reviews/summary", params={"product_id": "8198"})).json()
    assert summary == {"stars": {"5": 1, "4": 1, "3": 0, "2": 0, "1": 0}, "count": 2, "sum": 9, "average": 4.5,
                       "questions": 0}  # fmt: skip


async def test_there_is_one_review_of_a_product_and_order_and_an_order_of_another_is_refused(
    shop: Shop, counter: Counter
) -> None:
    await counter.bought("1")
    await counter.bought("2", customer=BEN)
    await counter.written(order_id="1")
    again = await counter.write(order_id="1")
    assert (again.status_code, again.json()["data"]["code"]) == (422, "review_exists")
    assert (await counter.write(order_id="2")).json()["data"]["code"] == "invalid"
    assert (await counter.write(order_id="nowhere")).status_code == 422
    assert (await counter.write(customer_id=BEN["customer_id"], order_id="2")).status_code == 200
    # What nobody bought is not verified, however it is said; nor what was cancelled.
    assert (await counter.written(reference_product_id="99"))["is_verified"] is False
    await counter.bought("3", customer=BEN | {"customer_id": "shopify-1003"}, status="cancelled")
    assert (await counter.written(customer_id="shopify-1003"))["is_verified"] is False


async def test_a_page_writes_for_its_proven_customer_alone_and_sees_what_is_shown(shop: Shop, counter: Counter) -> None:
    await counter.bought()
    body = {"reference_product_id": "8198", "rating": 5, "customer_id": ASHA["customer_id"]}
    no = await shop.merchant("POST", "/reviews", json=body, key=shop.storefront_key)
    assert (no.status_code, no.json()["data"]["code"]) == (401, "customer_proof_missing")
    item = await counter.written()
    unseen = await shop.merchant("GET", f"/reviews/{item['_id']}", key=shop.storefront_key)
    assert unseen.status_code == 422
    assert (await shop.merchant("GET", f"/reviews/{item['_id']}")).json()["data"]["item"]["lead_id"]
    await counter.judge(item["_id"], "approve")
    seen = await shop.merchant("GET", f"/reviews/{item['_id']}", key=shop.storefront_key)
    assert seen.json()["data"]["item"]["lead_id"] == ""


@pytest.mark.parametrize(
    ("rules", "rating", "more", "shown"),
    [
        ({"approve_from": 4}, 4, {}, True),
        ({"approve_from": 4}, 3, {}, False),
        ({"approve_from": 1}, 5, {"reference_product_id": "99"}, False),
        ({"approve_from": 1, "hold_words": ["Casino"]}, 5, {"description": "Win at my casino"}, False),
        ({}, 5, {}, False),
    ],
)
async def test_what_is_shown_at_once_is_what_the_shops_rules_say(
    counter: Counter, rules: dict[str, Any], rating: int, more: dict[str, Any], shown: bool
) -> None:
    await counter.rules(**rules)
    await counter.bought()
    assert (await counter.written(rating, **more))["is_approved"] is shown


async def test_a_review_earns_when_it_is_shown_and_gives_back_when_it_is_rejected(
    shop: Shop, counter: Counter, clock: HandClock
) -> None:
    await counter.trigger(50, per_month_max=1)
    await counter.trigger(
        20,
        condition={"property": "has_pictures", "operator": "is", "value": True},
        after_delta_day=0,
        title="With a picture",
    )
    await counter.bought("1")
    await counter.bought("2")
    first, second = await counter.written(order_id="1"), await counter.written(order_id="2")
    assert await counter.coins() == 0
    assert (await counter.judge(first["_id"], "approve"))["coins"] == 50
    assert (await counter.judge(second["_id"], "approve"))["coins"] == 0
    assert await counter.coins() == 50
    assert (await counter.judge(first["_id"], "reject", reason="Spam"))["coins"] == 0
    assert await counter.coins() == 0
    assert [body["meta__coin_reward"] for _, body in await events_of(shop, "review_update")] == [50, 0, 0]
    assert (await counter.judge(first["_id"], "approve"))["coins"] == 50
    assert await counter.coins() == 50
    refused = (await shop.manage("GET", "/firings", params={"state": "refused"})).json()["items"]
    assert {one["reason"] for one in refused} == {"month_limit_reached", "conditions_not_met"}


async def test_an_older_client_writes_as_it_is_used_to(shop: Shop, counter: Counter) -> None:
    await counter.bought()
    form = {"reference_product_id": "8198", "rating": "5.0", "metadetail[email]": ASHA["email"], "name": "A."}
    by_form = await shop.merchant("POST", "/reviews", data=form)
    assert (by_form.status_code, by_form.json()["meta"]["status"]) == (200, "success")
    item = await counter.written(5.0, customer_id=None, order_id=None, metadetail={"email": ASHA["email"]},  # type: ignore[arg-type]
                                 reference_product_id="77")  # fmt: skip
    await counter.judge(item["_id"], "approve")
    pages = {"page": "1", "limit": "6", "sort": "created_at", "sort_op": "DESC"}
    listed = (await shop.merchant("GET", "/reviews", params=pages)).json()
    assert listed["data"]["items"] == [item | {"is_approved": True, "lead_id": listed["data"]["items"][0]["lead_id"],
                                               "updated_at": listed["data"]["items"][0]["updated_at"]}]  # fmt: skip
    nobody = await shop.merchant("POST", "/reviews", json={"reference_product_id": "1", "rating": 5})
    assert nobody.json()["data"]["code"] == "invalid"


async def test_a_question_is_shown_with_its_answer(shop: Shop, counter: Counter) -> None:
    await counter.bought()
    body = {"reference_product_id": "8198", "question": "Is it warm?", "customer_id": ASHA["customer_id"]}
    asked = (await shop.merchant("POST", "/qnas", json=body)).json()["data"]["item"]
    assert (await shop.merchant("GET", "/qnas")).json()["data"] == {"items": [], "count": 0}
    (waits,) = (await shop.manage("GET", "/questions")).json()["items"]
    assert (await shop.manage("GET", f"/reviews/{waits['id']}")).status_code == 404
    done = await shop.manage("POST", f"/questions/{waits['id']}/answer", json={"reply": "It is a board."})
    assert (done.json()["status"], done.json()["reply"]) == ("answered", "It is a board.")
    (listed,) = (await shop.merchant("GET", "/qnas")).json()["data"]["items"]
    assert (listed["_id"], listed["answer"]) == (asked["_id"], "It is a board.")
    assert (await shop.merchant("GET", "/qnas-count")).json()["data"]["countsum"] == {"count": 1, "sum": 0}
    assert (await shop.merchant("GET", "/reviews-count")).json()["data"]["countsum"] == {"count": 0, "sum": 0}


async def test_what_somebody_wrote_goes_with_them_when_they_are_merged_taken_out_and_erased(
    shop: Shop, counter: Counter
) -> None:
    await counter.bought("1")
    await counter.bought("2", customer=BEN)
    for who in (ASHA, BEN):
        for product in ("8198", "99"):
            item = await counter.written(customer_id=who["customer_id"], reference_product_id=product, title="Mine")
            await counter.judge(item["_id"], "approve")
    ben, asha = [(await shop.lead(who["customer_id"]))["_id"] for who in (BEN, ASHA)]
    merged = await shop.manage("POST", f"/customers/{ben}/merge", json={"into": asha})
    assert merged.status_code == 200
    person = (await shop.manage("GET", f"/customers/{asha}/export")).json()
    assert sorted(one["product_id"] for one in person["reviews"]) == ["8198", "8198", "99", "99"]
    assert (await counter.write(reference_product_id="99")).status_code == 422
    assert (await shop.manage("DELETE", f"/customers/{asha}")).status_code == 204
    assert (await shop.manage("GET", "/reviews")).json()["items"] == []
    assert (await shop.merchant("GET", "/reviews-count")).json()["data"]["countsum"] == {"count": 0, "sum": 0}
    assert {
        (body["title"], body["description"], body["name"]) for _, body in await events_of(shop, "review_create")
    } == {("", "", "")}
