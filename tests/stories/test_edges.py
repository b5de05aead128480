"""Where days, zones and numbers end: a shop that moves, and amounts as large as they may be."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from regulars import limits
from regulars.kit.clock import HandClock
from tests import make
from tests.doors import ASHA, Shop, an_order, per_dollar

LARGEST = f"{limits.AMOUNT_MINOR_MAX // 100}.00"


async def test_a_shop_that_moves_has_other_days_from_then_on_and_what_was_given_lasts_as_was_said(
    shop: Shop, clock: HandClock
) -> None:
    async def moves_to(zone: str) -> None:
        assert (await shop.manage("PATCH", "/workspace", json={"time_zone": zone})).status_code == 200

    async def asks() -> str:
        await shop.reward(trigger, ASHA["customer_id"])
        (firing,) = (await shop.manage("GET", "/firings", params={"limit": 1})).json()["items"]
        return str(firing["reason"] or firing["state"])

    async def lots() -> list[tuple[int, str]]:
        items = (await shop.manage("GET", f"/customers/{asha}/lots")).json()["items"]
        return sorted((lot["available"], lot["expires_at"]) for lot in items)

    daily = {"expiry": "per_lot", "expire_after": 1, "expire_unit": "days"}
    assert (await shop.manage("PATCH", "/workspace", json={"settings": {"book": daily}})).status_code == 200
    asha = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    trigger = await shop.trigger(rule={"per_day_max": 1})
    await moves_to("Asia/Kolkata")  # where it is 14:56
    assert [await asks(), await asks()] == ["granted", "day_limit_reached"]
    ends = "2026-03-15T18:30:00Z"  # midnight there
    assert await lots() == [(10, ends)]
    await moves_to("Pacific/Auckland")  # 22:26 of the same day
    assert await asks() == "day_limit_reached"
    clock.advance(hours=2)
    assert [await asks(), await asks()] == ["granted", "day_limit_reached"]
    later = "2026-03-16T11:00:00Z"
    await moves_to("Asia/Kolkata")  # the day before once more, which was used up
    assert await asks() == "day_limit_reached"
    assert await lots() == [(10, ends), (10, later)]
    clock.move(datetime.fromisoformat(ends) - timedelta(microseconds=1))
    assert len(await lots()) == 2
    clock.advance(seconds=0.000001)
    await make.done(shop.app.db, clock)
    assert await lots() == [(10, later)]
    assert [await asks(), await asks()] == ["granted", "day_limit_reached"]
    await make.done(shop.app.db, clock)
    assert await make.audited(shop.app.db, shop.workspace.id) is None


@pytest.mark.parametrize("wrong", ["10000000000000.01", 10**13 + 1, 2**63, 10**400, -1, "1e20", 1e300, "NaN", "-0.01"])
async def test_an_order_of_more_than_there_is_is_refused_by_its_field(shop: Shop, wrong: Any) -> None:
    for order in (an_order(amount=wrong), an_order(refunds=[{"refund_id": "r", "amount": wrong}])):
        answer = await shop.manage("POST", "/orders", json=order)
        assert answer.status_code == 422
        assert [field.rpartition(".")[2] for field in answer.json()["fields"]] == ["amount"]
    assert (await shop.manage("GET", "/orders")).json()["items"] == []


async def test_the_largest_amounts_are_taken_and_kept_whole(shop: Shop) -> None:
    await per_dollar(shop)
    refund = {"refund_id": "r", "amount": LARGEST}
    for orders in (an_order("1", LARGEST), an_order("2", LARGEST), an_order("2", LARGEST, refunds=[refund])):
        answer = await shop.manage("POST", "/orders", json=orders)
        assert answer.json()["items"][0]["order"]["amount"] == limits.AMOUNT_MINOR_MAX // 100
    asha = answer.json()["items"][0]["order"]["customer"]["id"]
    for amount, status in ((limits.COINS_MAX, 201), (limits.COINS_MAX + 1, 422), (2**63, 422), (10**30, 422)):
        gift = {"operation": "cr", "amount": amount, "reason": "A late parcel"}
        assert (await shop.manage("POST", f"/customers/{asha}/transactions", json=gift)).status_code == status
        hold = {"amount": amount, "reference": f"cart-{amount}"}
        assert (await shop.manage("POST", f"/customers/{asha}/holds", json=hold)).status_code == status
    customer = (await shop.manage("GET", f"/customers/{asha}")).json()
    assert customer["spent"] == limits.AMOUNT_MINOR_MAX // 100
    coins = customer["wallets"]["coins"]
    assert (coins["available"], coins["held"]) == (limits.AMOUNT_MINOR_MAX // 100, limits.COINS_MAX)
    assert await make.audited(shop.app.db, shop.workspace.id) is None
