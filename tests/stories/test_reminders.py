"""When customers are reminded of their coins is the shop's to say, on a page or by the API."""

from typing import Any

import pytest

from tests.doors import Shop
from tests.stories.browsing import form_of, person, signed_in

ON = {"unused": "yes", "unused_days": "30", "unused_times": "2", "unused_gap_days": "8", "unused_balance_min": "50"}


async def kept(shop: Shop) -> dict[str, Any]:
    settings: dict[str, Any] = (await shop.manage("GET", "/workspace")).json()["settings"]
    return settings.get("reminders") or {}


async def test_a_page_and_the_api_set_the_same(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    page = (await owner.get("/settings/reminders")).text
    assert "No rule tells of it" in page
    shown = form_of(page, "/settings/reminders")
    assert (shown["at_hour"], shown["expiry_notices"], shown.get("unused")) == ("10", "yes", None)
    assert (await owner.post("/settings/reminders", at_hour="8", **ON)).status_code == 303
    assert await kept(shop) == {
        "at_hour": 8,
        "expiry_notices": False,
        "unused_days": 30,
        "unused_times": 2,
        "unused_gap_days": 8,
        "unused_balance_min": 50,
    }
    changed = {"settings": {"reminders": {"unused_times": 5, "expiry_notices": None}}}
    assert (await shop.manage("PATCH", "/workspace", json=changed)).status_code == 200
    shown = form_of((await owner.get("/settings/reminders")).text, "/settings/reminders")
    assert (shown["at_hour"], shown["expiry_notices"], shown["unused_times"]) == ("8", "yes", "5")
    assert (await owner.post("/settings/reminders", at_hour="10", expiry_notices="yes")).status_code == 303
    assert "unused_days" not in await kept(shop)


@pytest.mark.parametrize(
    ("field", "value"),
    [("unused_days", 46), ("unused_days", 0), ("unused_times", 6), ("unused_gap_days", 0), ("unused_balance_min", 0)],
)
async def test_what_is_out_of_range_is_named_and_changes_nothing(shop: Shop, field: str, value: int) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    wrong = await owner.post("/settings/reminders", at_hour="10", **(ON | {field: str(value)}))
    assert wrong.status_code == 422
    assert f'id="{field}-wrong"' in wrong.text
    answer = await shop.manage("PATCH", "/workspace", json={"settings": {"reminders": {field: value}}})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [f"settings.reminders.{field}"])
    assert await kept(shop) == {}
