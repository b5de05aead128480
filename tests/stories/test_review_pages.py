"""The page of an order that a link opens, what product pages ask for, and the owner's inbox."""

import json
import re
from typing import Any

import pytest

from regulars import reviews, tenancy
from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop
from tests.make import done
from tests.stories.browsing import person, signed_in
from tests.stories.test_review_pictures import picture
from tests.stories.test_reviews import SNOWBOARD, Counter, counter, events_of

__all__ = ["counter"]
GLOVES = {"product_id": "77", "title": "Gloves <b>", "quantity": 2, "amount": "20.00"}


@pytest.fixture
async def link(shop: Shop, counter: Counter, clock: HandClock) -> str:
    """The path of the page that Asha was sent."""
    await shop.manage("PATCH", "/workspace", json={"settings": {"reminders": {"review_days": 1}}})
    body = {"source": "shopify", "reference_id": "1028", "name": "#1028", "customer": ASHA, "amount": "149.90"}
    more = {"currency_code": "usd", "placed_at": "2026-03-14T09:00:00Z", "delivery_status": "fulfilled"}
    await shop.manage("POST", "/orders", json={**body, **more, "lines": [SNOWBOARD, GLOVES]})
    clock.advance(seconds=2 * 86_400)
    await done(shop.app.db, clock)
    ((_, asked),) = await events_of(shop, "reviewrequest_create")
    return str(asked["order_review_link"])


async def test_all_of_an_order_is_reviewed_on_the_page_that_its_link_opens(shop: Shop, link: str) -> None:
    page = await shop.client.get(link)
    assert page.status_code == 200
    assert "Gloves &lt;b&gt;" in page.text
    assert "script" not in page.headers["content-security-policy"]
    form = {"name": "Asha R.", "rating_0": "5", "text_0": "It holds.", "rating_1": "2", "title_1": "Thin"}
    files = [("pictures_0", (f"{n}.jpg", picture(60, 40), "image/jpeg")) for n in range(2)]
    sent = await shop.client.post(link, data=form, files=files)
    assert sent.status_code == 303, sent.text
    thanks = (await shop.client.get(sent.headers["location"])).text
    assert ("Thank you!" in thanks, "<form" in thanks) == (True, False)
    kept = (await shop.manage("GET", "/reviews")).json()["items"]
    assert [(one["rating"], one["verified"], len(one["pictures"]), one["name"]) for one in reversed(kept)] == [
        (5, True, 2, "Asha R."),
        (2, True, 0, "Asha R."),
    ]
    # Sent again, as by a button that is pressed twice, nothing is written.
    again = await shop.client.post(link, data=form)
    assert again.status_code == 422
    assert len((await shop.manage("GET", "/reviews")).json()["items"]) == 2


@pytest.mark.parametrize(
    ("form", "file", "words"),
    [
        ({"rating_0": "5", "text_1": "No stars"}, None, "Choose from one to five stars."),
        ({"rating_0": "5"}, b"<svg onload=alert(1)>", "no picture"),
        ({}, None, "Choose stars for at least one product."),
        ({"rating_0": "5", "text_0": "x" * 6_000}, None, "at most 5,000 characters"),
    ],
)
async def test_what_is_wrong_is_said_beside_it_and_nothing_is_sent(
    shop: Shop, link: str, form: dict[str, str], file: bytes | None, words: str
) -> None:
    files = {"pictures_0": ("a.png", file or b"", "image/png")} if file else None
    answer = await shop.client.post(link, data=form, files=files)
    assert (answer.status_code, words in answer.text) == (422, True), answer.text
    assert (await shop.manage("GET", "/reviews")).json()["items"] == []


async def test_no_other_link_opens_it(shop: Shop, link: str) -> None:
    for other in (link[:-1] + ("A" if link[-1] != "A" else "B"), link.replace("review/", "review/x"), "/review/a/b/c"):
        for method in ("GET", "POST"):
            assert (await shop.client.request(method, other)).status_code == 404
    cancelled = {"status": "cancelled", "updated_at": "2026-03-15T00:00:00Z", "delivery_status": "fulfilled"}
    body = {"source": "shopify", "reference_id": "1028", "customer": ASHA, "amount": "149.90", "currency_code": "usd"}
    await shop.manage("POST", "/orders", json={**body, "placed_at": "2026-03-14T09:00:00Z", **cancelled})
    assert "cancelled or paid back" in (await shop.client.get(link)).text


async def test_a_products_page_shows_stars_and_what_search_engines_read(shop: Shop, counter: Counter) -> None:
    await counter.bought("1")
    await counter.bought("2")
    for rating, order in ((5, "1"), (4, "2")):
        item = await counter.written(rating, order_id=order, reference_product_name="Board </script>")
        await counter.judge(item["_id"], "approve")
    await counter.written(1, reference_product_id="99")
    asked = {"shop": shop.id, "product_id": "8198", "sort": "highest"}
    answer = await shop.client.get("/storefront/v1/reviews", params=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    shown = answer.json()
    assert (shown["count"], shown["average"], [one["rating"] for one in shown["items"]]) == (2, 4.5, [5, 4])
    assert not {"customer_id", "order_id", "coins"} & shown["items"][0].keys()
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', shown["snippet"])
    assert json.loads(data) == shown["jsonld"]
    assert shown["jsonld"]["aggregateRating"] == {
        "@type": "AggregateRating", "ratingValue": 4.5, "reviewCount": 2, "bestRating": 5,
    }  # fmt: skip
    assert shown["jsonld"]["name"] == "Board </script>"
    nothing = (await shop.client.get("/storefront/v1/reviews", params=asked | {"product_id": "99"})).json()
    assert (nothing["count"], nothing["jsonld"], nothing["snippet"]) == (0, None, "")
    assert (await shop.client.get("/storefront/v1/reviews", params={"shop": shop.id})).status_code == 422


async def test_an_owner_goes_through_what_waits(shop: Shop, counter: Counter) -> None:
    await counter.bought()
    item = await counter.written(3, title="<i>Slow</i>")
    owner = await signed_in(shop, await person(shop, "owner"))
    inbox = (await owner.get("/reviews?status=posted")).text
    assert "&lt;i&gt;Slow&lt;/i&gt;" in inbox
    assert 'data-key="a"' in inbox
    judge = f"/reviews/{item['_id']}/judge"
    approved = await owner.post(judge, verb="approve", waiting="1")
    assert (approved.status_code, approved.headers["location"]) == (303, "/reviews?status=posted")
    for verb, more in (("feature", {}), ("reply", {"reply": "We are sorry."})):
        assert (await owner.post(judge, verb=verb, **more)).status_code == 303
    kept = (await shop.manage("GET", f"/reviews/{item['_id']}")).json()
    assert (kept["status"], kept["featured"], kept["reply"]) == ("approved", True, "We are sorry.")
    rows = (await owner.get("/reviews.csv")).text.splitlines()
    assert len(rows) == 2
    assert "We are sorry." in rows[1]
    assert "Wrong" not in (await owner.get("/reviews?kind=question")).text
    reader = await signed_in(shop, await person(shop, "reader", "reader"))
    assert "/judge" not in (await reader.get("/reviews")).text
    saved = await owner.post("/settings/reviews", approve_from="4", hold_words="casino\nbitcoin")
    assert saved.status_code == 303
    async with shop.app.db.reading() as tx:
        rules: Any = reviews.review_rules(await tenancy.get_workspace(tx, shop.workspace.id))
    assert (rules.approve_from, rules.hold_words) == (4, ("casino", "bitcoin"))
