"""A new shop's first pages, and the figures of its days, without a browser."""

import re
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from regulars.kit.clock import HandClock
from tests.doors import Shop
from tests.stories.browsing import person, signed_in


@pytest.mark.parametrize(
    ("path", "way_on"),
    [
        ("/customers", "/customers/import"),
        ("/customers", "/customers/new"),
        ("/orders", "/orders/import"),
        ("/triggers", "/triggers/new"),
        ("/events/send", "/integrations"),
    ],
)
async def test_an_empty_list_says_how_to_fill_it(shop: Shop, path: str, way_on: str) -> None:
    owner = await signed_in(shop, await person(shop, "olga"))
    empty = re.search(r'<div class="empty">.*?</div></div>', (await owner.get(path)).text, re.DOTALL)
    assert empty is not None
    assert f'href="{way_on}"' in empty[0]


async def test_days_stand_beside_the_days_before(shop: Shop) -> None:
    # Ids hold the system's time, so the shop's clock is put to the day after it.
    made = datetime.now(UTC).date()
    clock = cast("HandClock", shop.app.clock)
    clock.advance(days=(made - clock.now().date()).days + 1)
    for number in range(3):
        body = {"customer_id": f"shopify-{number:05d}", "email": f"c{number}@example.com"}
        assert (await shop.manage("POST", "/customers", json=body)).status_code == 201
    owner = await signed_in(shop, await person(shop, "olga"))

    async def figures(address: str) -> str:
        return re.sub(r"<[^>]*>|\s+", " ", (await owner.get(address)).text)

    assert re.search(r"New customers +0 +3 yesterday", await figures("/"))
    week = await figures("/?days=7")
    assert re.search(r"7 days, with today so far .* New customers +3 +0 in the 7 days before", week)
    assert re.search(rf"{made.day} {made:%b} +3 ", week), "the day itself, among the numbers of the drawing"
    clock.advance(days=7)
    assert re.search(r"New customers +0 +3 in the 7 days before", await figures("/?days=7"))
    assert re.search(r"New customers +3 +0 in the 90 days before", await figures("/?days=90"))
    assert (await owner.get("/?days=many")).status_code == 200
    told = (await shop.manage("GET", "/overview", params={"days": 30})).json()["days"]
    on = next(day for day in told if day["customers"])
    assert (on["customers"], on["events"]) == (3, 3)
    assert datetime.fromisoformat(on["starts_at"]).date() == made
    assert datetime.fromisoformat(on["ends_at"]) - datetime.fromisoformat(on["starts_at"]) == timedelta(days=1)


async def test_a_press_that_cannot_be_done_changes_nothing(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "olga"))
    wrong = await owner.post(
        "/start/shop", name="Books", coin_name="stars", currency_code="xxq", time_zone="Nowhere/At"
    )
    assert wrong.status_code == 422
    assert 'value="stars"' in wrong.text, "what was typed is still there"
    assert (await shop.manage("GET", "/workspace")).json()["name"] == "Corner Shop"
    done = await owner.post("/start/sandbox")
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert (await shop.manage("GET", "/integrations")).json()["items"] == [], "no sandbox runs here"
    assert (await owner.post("/start/earn", example="everything")).status_code == 422


async def test_an_example_that_is_pressed_twice_earns_once(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "olga"))
    for _ in range(2):
        assert (await owner.post("/start/earn", example="welcome")).status_code == 303
    made = (await shop.manage("GET", "/triggers")).json()["items"]
    assert [one["sentence"] for one in made] == ["When a customer is created, it gives 50 coins, once."]
