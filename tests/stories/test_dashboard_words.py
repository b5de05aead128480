"""What pages say to a shop's owner, whatever the shop calls its coins and however few there are of a thing."""

import html
import re

import pytest

from regulars.events import TOPICS
from tests.doors import Shop, an_order, per_dollar
from tests.stories.browsing import person, signed_in

ASHA = {"customer_id": "shopify-1001", "name": "Asha Rao", "email": "asha@example.com"}
PAGES = [
    *("/", "/customers", "/orders", "/events", "/rewards", "/deliveries", "/audit", "/triggers", "/orders/import"),
    *("/triggers/new", "/triggers/new?source=api", "/triggers/new?source=order", "/integrations", "/events/send"),
    *("/triggers/new?source=customer_created", "/events?event=lead_create", "/search?q=asha", "/keys", "/start"),
]


def seen(page: str) -> str:
    """What can be read of a page, but for the names of kinds of events."""
    text = html.unescape(re.sub(r"<(script|template|head).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL))
    for topic in TOPICS.values():
        text = text.replace(topic.label, "").replace(topic.description, "")
    return re.sub(r"\s+", " ", text).replace(" ,", ",")


async def test_coins_are_called_what_the_shop_calls_them(shop: Shop) -> None:
    assert (await shop.manage("PATCH", "/workspace", json={"coin_name": "stars"})).status_code == 200
    trigger_id = await per_dollar(shop)
    owner = await signed_in(shop, await person(shop, "ann"))
    empty = [seen((await owner.get(path)).text) for path in PAGES]
    order = an_order("1028", "1.00", customer=ASHA)
    order_id, customer_id = (
        (made := (await shop.manage("POST", "/orders", json=order)).json()["items"][0]["order"])["id"],
        made["customer"]["id"],
    )
    more = [f"/triggers/{trigger_id}", f"/orders/{order_id}", f"/customers/{customer_id}"]
    pages = {path: seen((await owner.get(path)).text) for path in [*PAGES, *more, f"/customers/{customer_id}/coins"]}
    for path, text in [*zip(PAGES, empty, strict=True), *pages.items()]:
        assert re.findall(r"[^.]{0,40}\bcoins?\b[^.]{0,40}", text, re.IGNORECASE) == [], path
    assert "1 star per whole $1" in pages["/triggers"]
    assert "1 star to Asha Rao for order #1028, balance 1" in pages["/events"]


async def test_one_thing_is_not_many(shop: Shop) -> None:
    await per_dollar(shop)
    await shop.manage("POST", "/orders", json=an_order("1028", "1.00", customer=ASHA))
    owner = await signed_in(shop, await person(shop, "ann"))
    for path in PAGES:
        text = seen((await owner.get(path)).text)
        assert re.findall(r"\b1 (?:coins|deliveries|orders|customers|events|rewards)\b", text) == [], path


@pytest.mark.parametrize("url", ["tool.example/hook", "hook", "//tool.example"])
async def test_what_is_no_address_is_told_in_words(shop: Shop, url: str) -> None:
    body = {"tool": "webhook", "name": "Tool", "settings": {"url": url}}
    answer = (await shop.manage("POST", "/integrations", json=body)).json()
    assert "https://" in str(answer["fields"])
    assert "base" not in str(answer["fields"])


async def test_the_shop_is_named_beside_the_menu(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "ann"))
    page = (await owner.get("/orders")).text
    assert '<summary><span class="shop"><bdi>Corner Shop</bdi></span>' in page
