"""Customers are asked to review what they bought, some days after it was fulfilled."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, an_order
from tests.make import done
from tests.stories.test_reviews import SNOWBOARD, events_of


class Post:
    """An order that goes its way, and who is asked about it."""

    def __init__(self, shop: Shop, clock: HandClock) -> None:
        self.shop, self.clock = shop, clock

    async def order(self, at: int = 0, **more: Any) -> None:
        said = {"updated_at": f"2026-03-14T09:1{at}:00Z", "lines": [SNOWBOARD], **more}
        answer = await self.shop.manage("POST", "/orders", json=an_order(**said))
        assert answer.json()["items"][0]["change"] != "refused", answer.text

    async def rules(self, **rules: Any) -> None:
        answer = await self.shop.manage("PATCH", "/workspace", json={"settings": {"reminders": rules}})
        assert answer.status_code == 200, answer.text

    async def later(self, days: int) -> list[dict[str, Any]]:
        """Who was asked by then."""
        for _ in range(days):
            self.clock.advance(seconds=86_400)
            await done(self.shop.app.db, self.clock)
        return [body for _, body in await events_of(self.shop, "reviewrequest_create")]


@pytest.fixture
def post(shop: Shop, clock: HandClock) -> Post:
    return Post(shop, clock)


async def test_an_order_is_asked_about_as_often_as_the_shop_says_at_its_hour(post: Post) -> None:
    await post.rules(review_days=3, review_times=2, review_gap_days=2, at_hour=10)
    await post.order()
    assert await post.later(4) == []
    await post.order(1, delivery_status="fulfilled")
    await post.order(2, delivery_status="pending")
    await post.order(3, delivery_status="fulfilled", note="Told again")
    assert await post.later(2) == []
    (asked,) = await post.later(2)
    assert (asked["reference_order_name"], asked["delivery_status"]) == ("#1028", "fulfilled")
    assert f"/review/{post.shop.id}/{asked['order_id']}/" in asked["order_review_link"]
    found = (await post.shop.manage("GET", "/events", params={"topic": "reviewrequest_create"})).json()["items"]
    assert datetime.fromisoformat(found[0]["occurred_at"]).hour in (9, 10)
    assert len(await post.later(10)) == 2


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"status": "cancelled"},
        {"financial_status": "refunded"},
        {"refunds": [{"refund_id": "1", "amount": "10.00"}]},
        {"review": True},
        {"rules": {"review_days": None}},
        {"lines": []},
    ],
    ids=["cancelled", "refunded", "partly refunded", "reviewed", "switched off", "no products"],
)
async def test_nobody_is_asked_of_what_went_back_or_is_reviewed(post: Post, meanwhile: dict[str, Any]) -> None:
    await post.rules(review_days=3)
    await post.order(delivery_status="fulfilled")
    if "review" in meanwhile:
        body = {"reference_product_id": "8198", "rating": 5, "customer_id": ASHA["customer_id"]}
        assert (await post.shop.merchant("POST", "/reviews", json=body)).status_code == 200
    elif "rules" in meanwhile:
        await post.rules(**meanwhile["rules"])
    else:
        await post.order(1, delivery_status="fulfilled", **meanwhile)
    assert await post.later(6) == []


async def test_what_was_fulfilled_while_nobody_was_asked_is_not_made_up_for(post: Post) -> None:
    await post.order(delivery_status="fulfilled")
    await post.rules(review_days=1)
    await post.order(1, delivery_status="fulfilled", note="Told again")
    old = (post.clock.now() - timedelta(days=400)).isoformat()
    await post.order(reference_id="7", placed_at=old, delivery_status="fulfilled")
    assert await post.later(4) == []
