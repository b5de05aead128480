"""One box finds customers, orders, and anything by its id."""

from typing import Any

import pytest

from regulars.kit.clock import HandClock
from regulars.kit.ids import new_id
from tests.doors import Shop, a_shop, an_order, per_dollar
from tests.stories.browsing import person, signed_in

ZOE = {"customer_id": "shopify-7029064106277", "name": "Zoë Müller", "mobile": "0151 12345678", "country": "deu"}


async def found(shop: Shop, text: str) -> dict[str, Any]:
    answer = await shop.manage("GET", "/search", params={"text": text})
    assert answer.status_code == 200
    kinds: dict[str, Any] = {kind: items for kind, items in answer.json().items() if items}
    return kinds


@pytest.mark.parametrize(
    "text", ["zoe", "mull", "MÜLLER zo", "64106", "4915112", "0151-1234", "5678", "#7029064106277"]
)
async def test_a_customer_is_found_by_any_word_or_digits(shop: Shop, text: str) -> None:
    await shop.manage("POST", "/customers", json={"customer_id": "shopify-1001", "name": "Asha Rao"})
    id = (await shop.manage("POST", "/customers", json=ZOE)).json()["id"]
    assert [one["id"] for one in (await found(shop, text))["customers"]] == [id]
    listed = (await shop.manage("GET", "/customers", params={"text": text.lstrip("#")})).json()
    assert [one["id"] for one in listed["items"]] == [id]


async def test_what_changed_is_found_by_what_it_is_now(shop: Shop) -> None:
    id = (await shop.manage("POST", "/customers", json=ZOE)).json()["id"]
    await shop.manage("PATCH", f"/customers/{id}", json={"name": "Zoë Schmidt"})
    assert await found(shop, "müller") == {}
    assert [one["id"] for one in (await found(shop, "schmidt"))["customers"]] == [id]


async def test_orders_are_found_by_id_and_name_and_anything_by_its_own(shop: Shop) -> None:
    await per_dollar(shop)
    order = an_order("5012340000001", name="#1028")
    await shop.manage("POST", "/orders", json=[order])
    (made,) = (await shop.manage("GET", "/orders")).json()["items"]
    for text in ("5012340000001", "1028", "#1028", made["id"]):
        assert [one["id"] for one in (await found(shop, text))["orders"]] == [made["id"]]
    event = (await shop.manage("GET", "/events")).json()["items"][0]
    assert [one["id"] for one in (await found(shop, event["id"]))["events"]] == [event["id"]]
    assert await found(shop, str(new_id())) == {}
    assert await found(shop, "%' OR 1=1 --") == {}


async def test_another_shops_things_are_not_found(shop: Shop, clock: HandClock) -> None:
    other_shop = await a_shop(shop.app, shop.client, clock.now())
    id = (await shop.manage("POST", "/customers", json=ZOE)).json()["id"]
    assert await found(other_shop, "müller") == {}
    assert await found(other_shop, id) == {}


async def test_the_box_at_the_top_asks_everywhere(shop: Shop) -> None:
    id = (await shop.manage("POST", "/customers", json=ZOE)).json()["id"]
    reader = await signed_in(shop, await person(shop, "rita", "reader"))
    assert 'action="/search"' in (await reader.get("/customers")).text
    page = (await reader.get("/search?q=muller")).text
    assert f'href="/customers/{id}"' in page
    assert "Nothing found for" in (await reader.get("/search?q=nobody")).text
    assert "Nothing found for" not in (await reader.get("/search")).text
