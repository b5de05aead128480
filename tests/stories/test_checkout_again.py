"""Orders that counted for nothing and count again take again what paid for them."""

from typing import Any

import pytest

from tests.doors import ASHA, Shop, an_order
from tests.make import audited
from tests.stories.test_checkout import RULES, Till, credited, has, till

__all__ = ["till"]


@pytest.mark.parametrize(
    ("takes", "rule", "ends"), [("hold", "debt", 0), ("debit", "debt", 0), ("debit", "balance", 0)]
)
async def test_an_order_that_counts_again_takes_again_what_it_gave_back(
    shop: Shop, till: Till, takes: str, rule: str, ends: int
) -> None:
    assert (
        await shop.manage("PATCH", "/workspace", json={"settings": {"book": {"claw_back": rule}}})
    ).status_code == 200
    await shop.manage("PUT", "/checkout", json={**RULES, "takes": takes})
    id = await credited(shop, 1_000, 10)
    await till.says("perform", "5012", amount=15)
    at = (f"2026-03-14T09:{minute}:00Z" for minute in range(10, 60))

    async def told(**more: Any) -> dict[str, Any]:
        for _ in range(2):  # told twice it is the same
            order = an_order("5012", "60.00", updated_at=(moment := next(at)), **more)
            assert (await shop.manage("POST", "/orders", json=order)).status_code == 200
        assert moment
        found: dict[str, Any] = (await shop.manage("GET", "/orders?reference_id=5012")).json()["items"][0]
        return found

    refund = [{"refund_id": "r1", "amount": "15.00", "refunded_at": "2026-03-14T09:05:00Z"}]
    assert (await told())["coins_spent"] == 500
    for _ in range(2):
        assert (await told(status="cancelled"))["coins_spent"] == 0
        assert await has(shop) == (1_000, 10)
        refused = await till.post(
            action="perform", customer_id=ASHA["customer_id"], reference_order_id="5012", amount=15
        )
        assert refused.json()["data"]["code"] == "checkout_reverted"
        assert (await told(status="pending"))["coins_spent"] == 500
        assert await has(shop) == (500, 0)
    assert (await told(status="pending", refunds=refund))["coins_spent"] == 375
    await told(status="cancelled", refunds=refund)
    assert (await till.says("perform", "other", amount=18))["coins"]["used"] == 800
    await told(status="pending", refunds=refund)
    wallets = (await shop.manage("GET", f"/customers/{id}")).json()["wallets"]
    assert wallets["coins"]["available"] == ends
    assert wallets["coins"]["debt"] == (175 if rule == "debt" else 0)
    await told(status="cancelled", refunds=refund)
    await till.says("revert", "5012")
    before = await has(shop)
    await told(status="pending", refunds=[])
    assert await has(shop) == before
    assert await audited(shop.app.db, shop.workspace.id) is None


async def test_a_dropped_hold_takes_what_there_is_when_its_order_counts_after_all(shop: Shop, till: Till) -> None:
    await credited(shop, 1_000)
    await till.says("perform", "5012", amount=6)
    placed = {"updated_at": "2026-03-14T09:10:00Z"}
    await shop.manage("POST", "/orders", json=an_order("5012", "60.00", status="cancelled", **placed))
    assert await has(shop) == (1_000, 0)
    await till.says("perform", "5013", amount=5)
    for minute in (12, 14):
        again = {"updated_at": f"2026-03-14T09:{minute}:00Z", "status": "pending"}
        await shop.manage("POST", "/orders", json=an_order("5012", "60.00", **again))
        assert await has(shop) == (0, 0)
    found = (await shop.manage("GET", "/orders?reference_id=5012")).json()["items"][0]
    assert found["coins_spent"] == 500
    assert await audited(shop.app.db, shop.workspace.id) is None
