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


async def test_the_named_door_changes_the_same_and_says_what_comes_next(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    changed = await shop.manage("PATCH", "/reminders", json={"coupon_days": 5, "at_hour": 9})
    assert (changed.status_code, changed.json()["rules"]) == (200, {"at_hour": 9, "coupon_days": 5})
    assert await kept(shop) == changed.json()["rules"]
    wrong = await shop.manage("PATCH", "/reminders", json={"coupon_times": 6})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["coupon_times"])
    upcoming = (await shop.manage("GET", "/reminders")).json()["upcoming"]
    assert {one["reminder"]: one["told"] for one in upcoming} == {
        "coins_expire_in_a_month": 0,
        "coins_expire_in_a_week": 0,
        "coins_expire_in_a_day": 0,
        "coins_lie_unused": 0,
        "coupon_lies_unused": 0,
        "reviews_asked_for": 0,
        "friends_have_not_ordered": 0,
    }
    page = (await owner.get("/settings/reminders")).text
    assert "A coupon lies unused" in page
    shown = form_of(page, "/settings/reminders")
    assert (shown["coupon"], shown["coupon_days"], shown.get("unused")) == ("yes", "5", None)
