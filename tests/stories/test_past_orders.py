"""Orders that were in before the trigger that rewards them: why they earned nothing, and how they earn after all."""

import asyncio
from typing import Any

import pytest

from regulars import ledger, limits
from regulars.kit.clock import HandClock
from tests import make
from tests.doors import ASHA, Shop, an_order, per_dollar
from tests.stories.browsing import person, signed_in
from tests.stories.test_backtest import backtest, worked

NO_TRIGGER = "No trigger rewarded orders when this came in."
BEN = {"customer_id": "shopify-1002"}
KEPT = ("orders_order", "triggers_firing", "ledger_txn", "ledger_wallet", "events_event", "events_pending")


async def begin(shop: Shop, trigger_id: str, **body: Any) -> dict[str, Any]:
    """The application, once it has ended."""
    begun = await shop.manage("POST", f"/triggers/{trigger_id}/applications", json=body)
    assert begun.status_code == 202, begun.text
    await asyncio.gather(*shop.app.tasks)
    run: dict[str, Any] = (await shop.manage("GET", f"/runs/{begun.json()['id']}")).json()
    return run


async def kept(shop: Shop) -> list[list[tuple[Any, ...]]]:
    async with shop.app.db.reading() as tx:
        return [
            sorted(map(repr, await tx.fetch(f"SELECT * FROM {table} WHERE workspace_id = $1", shop.workspace.id)))
            for table in KEPT
        ]


async def available(shop: Shop, customer_id: str = "shopify-1001") -> int:
    return int((await shop.lead(customer_id))["available"])


async def sound(shop: Shop) -> bool:
    async with shop.app.db.snapshot() as tx:
        return await ledger.verify(tx, shop.workspace.id) is None


async def some_orders(shop: Shop) -> list[dict[str, Any]]:
    reports = [
        an_order("1", "10.50", placed_at="2026-03-02T09:00:00Z"),
        an_order("2", "20", placed_at="2026-03-01T09:00:00Z"),
        an_order("3", "30", customer=BEN),
        an_order("4", "40", financial_status="pending"),
        an_order("5", "50", status="cancelled", customer=BEN),
        an_order("6", "0.40"),
        an_order("7", "70", currency_code="eur"),
    ]
    items: list[dict[str, Any]] = (await shop.manage("POST", "/orders", json=reports)).json()["items"]
    return [item["order"] for item in items]


async def test_an_order_that_no_trigger_saw_says_so_wherever_it_is_looked_at(shop: Shop, clock: HandClock) -> None:
    [first, *_] = await some_orders(shop)
    one = (await shop.manage("GET", f"/orders/{first['id']}")).json()
    assert (one["firings"], one["explanation"]) == ([], NO_TRIGGER)
    owner = await signed_in(shop, await person(shop, "asha"))
    assert "No trigger reacts to orders." in (await owner.get(f"/orders/{first['id']}")).text
    assert (await owner.get(f"/customers/{first['customer']['id']}")).text.count(NO_TRIGGER) == 5
    clock.advance(seconds=60)
    await per_dollar(shop)
    assert "It can be applied to past orders on its page." in (await owner.get(f"/orders/{first['id']}")).text
    later = (await shop.manage("POST", "/orders", json=an_order("8", "80"))).json()["items"][0]["order"]
    assert (await shop.manage("GET", f"/orders/{later['id']}")).json()["explanation"] == ""
    assert (await owner.get(f"/customers/{first['customer']['id']}")).text.count(NO_TRIGGER) == 5


async def test_a_rehearsal_tells_what_would_come_of_it_and_leaves_no_trace(shop: Shop) -> None:
    await some_orders(shop)
    trigger_id = await per_dollar(shop, 2)
    await shop.manage("PATCH", f"/triggers/{trigger_id}", json={"active": False})
    before = await kept(shop)
    run = await backtest(shop, trigger_id, further=True)
    assert await kept(shop) == before
    assert (run["further"], run["state"], run["done"], run["orders"]) == (True, "done", 1.0, 7)
    assert (run["rewarded"], run["customers"], run["coins"], run["refused"]) == (3, 2, 2 * 60, 4)
    reasons = {one["reason"]: (one["orders"], one["explanation"]) for one in run["reasons"]}
    assert set(reasons) == {*("order_not_paid", "order_cancelled", "order_amount_below_unit", "order_other_currency")}
    assert reasons["order_not_paid"] == (1, "The order is not paid yet; it earns when it is.")
    refused = await shop.manage("POST", f"/triggers/{trigger_id}/applications", json={})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "The trigger is switched off. Switch it on, then apply it.",
    )


async def test_applied_each_order_earns_once_as_it_would_have_earned_then(shop: Shop, clock: HandClock) -> None:
    orders = await some_orders(shop)
    trigger_id = await per_dollar(shop)
    await shop.manage("POST", "/orders", json=an_order("8", "80"))
    run = await begin(shop, trigger_id)
    assert (run["rewarded"], run["customers"], run["coins"], run["unchanged"]) == (3, 2, 60, 1)
    assert (await available(shop), await available(shop, "shopify-1002")) == (110, 30)
    one = (await shop.manage("GET", f"/orders/{orders[0]['id']}")).json()
    assert (one["order"]["coins_rewarded"], [firing["state"] for firing in one["firings"]]) == (10, ["granted"])
    wallet = (await shop.manage("GET", f"/customers/{orders[0]['customer']['id']}/transactions")).json()["items"]
    assert [line["amount"] for line in wallet] == [10, 20, 80]
    assert wallet[0]["occurred_at"] == "2026-03-02T09:00:00Z"
    unpaid = (await shop.manage("GET", f"/orders/{orders[3]['id']}")).json()
    assert [firing["reason"] for firing in unpaid["firings"]] == ["order_not_paid"]
    assert await sound(shop)
    # Again it gives nothing, keeps nothing, and says why.
    before = await kept(shop)
    ahead = await backtest(shop, trigger_id, further=True)
    assert (ahead["rewarded"], ahead["coins"], ahead["unchanged"], ahead["refused"]) == (0, 0, 4, 4)
    again = await begin(shop, trigger_id)
    assert (again["rewarded"], again["coins"], again["unchanged"], again["refused"]) == (0, 0, 4, 4)
    assert await kept(shop) == before
    # What could not earn then earns when it is as far.
    clock.advance(minutes=1)
    paid = (await shop.manage("POST", "/orders", json=an_order("4", "40"))).json()["items"][0]
    assert paid["coins"] == 40
    audit = (await shop.manage("GET", "/audit")).json()["items"]
    assert [line["act"] for line in audit].count("trigger.apply") == 2
    runs = (await shop.manage("GET", f"/triggers/{trigger_id}/runs")).json()["items"]
    assert len(runs) == 2


@pytest.mark.parametrize("announced", [True, False])
async def test_tools_are_told_or_not_as_one_chooses(shop: Shop, announced: bool) -> None:
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    async with shop.app.db.transaction() as tx:
        await make.heard(tx, shop.workspace.id, shop.app.clock.now(), "walletreward_create")
    await some_orders(shop)
    trigger_id = await per_dollar(shop)

    async def count(table: str) -> int:
        sql = f"SELECT count(*) FROM {table} WHERE workspace_id = $1"
        async with shop.app.db.reading() as tx:
            found: int = await tx.fetchval(sql, shop.workspace.id)
        return found

    logged, pending = await count("events_event"), await count("events_pending")
    await begin(shop, trigger_id, announced=announced)
    assert (await count("events_event") - logged, await count("events_pending") - pending) == (3, 3 * announced)


async def test_stopped_in_the_middle_it_is_begun_again_and_gives_nothing_twice(shop: Shop) -> None:
    for part in range(4):
        reports = [an_order(f"{part}-{n}", "1", customer={"customer_id": f"shopper-{n % 7}"}) for n in range(500)]
        await shop.manage("POST", "/orders", json=reports)
    trigger_id = await per_dollar(shop)
    begun = (await shop.manage("POST", f"/triggers/{trigger_id}/applications", json={})).json()
    while not (await shop.manage("GET", f"/runs/{begun['id']}")).json()["rewarded"]:
        pass
    for task in list(shop.app.tasks):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    half = (await shop.manage("GET", f"/runs/{begun['id']}")).json()
    assert half["state"] == "stopped"
    assert half["rewarded"] == limits.IMPORT_ORDERS_PER_COMMIT
    rest = await begin(shop, trigger_id)
    assert (rest["state"], rest["rewarded"], rest["unchanged"]) == ("done", 1_000, 1_000)
    assert sum([await available(shop, f"shopper-{n}") for n in range(7)]) == 2_000
    assert await sound(shop)


async def test_two_at_once_and_a_trigger_that_is_called_are_refused(shop: Shop) -> None:
    await some_orders(shop)
    trigger_id, called = await per_dollar(shop), await shop.trigger()
    async with shop.app.db.transaction() as tx:
        # The first is not done before the second comes.
        await tx.fetch("SELECT id FROM orders_order WHERE workspace_id = $1 FOR UPDATE", shop.workspace.id)
        begun = await asyncio.gather(
            *(shop.manage("POST", f"/triggers/{trigger_id}/applications", json={"announced": False}) for _ in range(2))
        )
    assert sorted(answer.status_code for answer in begun) == [202, 409]
    await asyncio.gather(*shop.app.tasks)
    for what in ("backtests", "applications"):
        answer = await shop.manage("POST", f"/triggers/{called.id}/{what}", json={})
        assert answer.status_code == 409
        assert (await shop.manage("POST", f"/triggers/{shop.id}/{what}", json={})).status_code == 404


async def test_at_the_dashboard_one_rehearses_looks_and_applies(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    trigger_id = await per_dollar(shop)
    assert "Orders that are in already" not in (await owner.get(f"/triggers/{trigger_id}")).text
    await shop.manage("PATCH", f"/triggers/{trigger_id}", json={"active": False})
    await some_orders(shop)
    await shop.manage("PATCH", f"/triggers/{trigger_id}", json={"active": True})
    assert "Orders that are in already" in (await owner.get(f"/triggers/{trigger_id}")).text
    address = (await owner.post(f"/triggers/{trigger_id}/backtests")).headers["location"]
    await worked(shop)
    page = (await owner.get(address)).text
    for words in ("Applied now, it would give 60 coins", "to 2 customers", "Give 60 coins", "The order is in eur"):
        assert words in page
    assert await available(shop) == 0
    address = (await owner.post(f"/triggers/{trigger_id}/applications", announced="yes")).headers["location"]
    await asyncio.gather(*shop.app.tasks)
    assert "It is applied." in (await owner.get(address)).text
    assert await available(shop) == 30
    assert (await owner.get(f"/triggers/{trigger_id}")).text.count("60 coins for 3 orders") == 2
    reader = await signed_in(shop, await person(shop, "ben", "reader"))
    assert "/applications" not in (await reader.get(address)).text
    assert (await reader.post(f"/triggers/{trigger_id}/applications")).status_code == 403


async def test_a_shop_with_orders_changes_its_currency_knowingly(shop: Shop) -> None:
    trigger_id = await per_dollar(shop)
    for code in ("usd", "eur", "usd"):
        assert (await shop.manage("PATCH", "/workspace", json={"currency_code": code})).status_code == 200
    orders = [an_order("1", "84.95"), an_order("2", "7", currency_code="eur")]
    await shop.manage("POST", "/orders", json=orders)
    refused = await shop.manage("PATCH", "/workspace", json={"currency_code": "EUR"})
    assert (refused.status_code, refused.json()["code"]) == (409, "currency_in_use")
    for words in ("what they spent in USD is kept", "nothing for orders in USD", "look through them"):
        assert words in refused.json()["detail"]
    owner = await signed_in(shop, await person(shop, "asha"))
    form = {"name": "Corner Shop", "uri": "", "coin_name": "coins", "currency_code": "eur", "time_zone": "UTC"}
    asked = await owner.post("/settings/shop", **form)
    assert (asked.status_code, 'name="currency_confirmed"' in asked.text) == (422, True)
    assert (await shop.manage("GET", "/workspace")).json()["currency_code"] == "usd"
    assert (await owner.post("/settings/shop", **form, currency_confirmed="yes")).status_code == 303
    lead = (await shop.manage("GET", "/customers")).json()["items"][0]
    assert (lead["spent"], lead["spent_in"]) == (7, {"usd": 84.95, "eur": 7})
    # What was refused for its currency earns when the trigger is applied, and what earned before keeps it.
    run = await begin(shop, trigger_id)
    assert (run["rewarded"], run["coins"], run["unchanged"]) == (1, 7, 1)
    assert await available(shop, ASHA["customer_id"]) == 84 + 7
    change = {"currency_code": "usd", "currency_confirmed": True}
    assert (await shop.manage("PATCH", "/workspace", json=change)).json()["currency_code"] == "usd"
