"""A rule is tried on the past before it goes live: what it would have given, beside what was, and not a row of it."""

import asyncio
from typing import Any

import pytest

from regulars import limits, worker
from regulars.kit.clock import HandClock
from regulars.worker import Carriers
from tests.doors import Shop, an_order, per_dollar
from tests.stories.browsing import person, signed_in
from tests.stories.test_simulate import written


async def worked(shop: Shop) -> None:
    app = shop.app
    await worker.drain(app.db, Carriers(app.box), app.http, clock=app.clock, random=lambda: 0.5)


async def read(shop: Shop, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await shop.manage("GET", f"/backtests/{id}")).json()
    return found


async def backtest(shop: Shop, trigger_id: str, **body: Any) -> dict[str, Any]:
    """The back-test, once it is done."""
    begun = await shop.manage("POST", f"/triggers/{trigger_id}/backtests", json=body)
    assert begun.status_code == 202, begun.text
    assert begun.json()["state"] == "waiting"
    await worked(shop)
    return await read(shop, begun.json()["id"])


async def a_past(shop: Shop) -> None:
    orders = [
        an_order("1", "10", placed_at="2026-01-05T09:00:00Z"),
        an_order("2", "20", placed_at="2026-01-05T19:00:00Z"),
        an_order("3", "30", placed_at="2026-02-01T09:00:00Z", customer={"customer_id": "shopify-1002"}),
        an_order("4", "40", placed_at="2026-03-01T09:00:00Z", financial_status="pending"),
        an_order("5", "50", placed_at="2026-03-02T09:00:00Z"),
    ]
    assert (await shop.manage("POST", "/orders", json=orders)).status_code == 200


async def test_a_changed_rule_stands_beside_what_really_happened(shop: Shop) -> None:
    rules = {"book": {"expiry": "per_lot", "expire_after": 30, "expire_unit": "days"}}
    await shop.manage("PATCH", "/workspace", json={"settings": rules})
    trigger_id = await per_dollar(shop)
    await a_past(shop)
    before = await written(shop)
    changed = {"coins_per_unit": 2, "per_day_max": 1, "factors": [{"type": "first_order", "factor": 3}]}
    run = await backtest(shop, trigger_id, rule=changed, name="Twice, once a day")
    after = await written(shop)
    assert {name: after[name] - rows for name, rows in before.items() if after[name] != rows} == {
        "imports_run": 1,
        "tenancy_audit": 1,
    }
    assert (run["state"], run["changed"], run["version"], run["done"]) == ("done", True, 1, 1.0)
    assert (run["orders"], run["rewarded"], run["customers"], run["coins"]) == (5, 3, 2, 60 + 180 + 100)
    assert (run["really_rewarded"], run["really_coins"]) == (4, 110)
    assert [(one["month"], one["coins"], one["really"]) for one in run["months"]] == [
        ("2026-01", 60, 30),
        ("2026-02", 180, 30),
        ("2026-03", 100, 50),
    ]
    assert {one["reason"]: one["orders"] for one in run["reasons"]} == {"day_limit_reached": 1, "order_not_paid": 1}
    # Only March's would still be there.
    assert (run["lasting"], run["lasting_really"], run["liability"]) == (100, 50, 50)
    assert [(one["customer"]["customer_id"], one["coins"]) for one in run["leaders"]] == [
        ("shopify-1002", 180),
        ("shopify-1001", 160),
    ]
    assert run["summary"] == (
        "It would have given 340 coins for 3 orders; it really gave 110 for 4. "
        "That adds 50 coins to what you owe customers, if nobody had spent any."
    )
    # Unchanged it gives what it gave; some of the past is counted alone, and who ordered before is known.
    same = await backtest(shop, trigger_id)
    assert (same["changed"], same["coins"], same["liability"]) == (False, 110, 0)
    late = await backtest(shop, trigger_id, rule=changed, since="2026-02-01T00:00:00Z", until="2026-03-02T00:00:00Z")
    assert (late["orders"], late["rewarded"], late["coins"], late["really_coins"]) == (2, 1, 180, 30)
    names = [one["name"] for one in (await shop.manage("GET", f"/triggers/{trigger_id}/backtests")).json()["items"]]
    assert names == ["", "", "Twice, once a day"]
    for wrong, field in (
        ({"rule": {"coins_per_unit": 0}}, "coins_per_unit"),
        ({"since": "2026-02-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}, "until"),
        ({"name": "\0"}, "name"),
    ):
        answer = await shop.manage("POST", f"/triggers/{trigger_id}/backtests", json=wrong)
        assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])


async def test_it_waits_is_cancelled_and_forgotten(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger_id = await per_dollar(shop)
    await a_past(shop)
    monkeypatch.setattr(limits, "BACKTESTS_WAITING_MAX", 2)
    monkeypatch.setattr(limits, "BACKTESTS_KEPT_MAX", 2)
    path = f"/triggers/{trigger_id}/backtests"
    first, second, third = [await shop.manage("POST", path, json={}) for _ in range(3)]
    assert [first.status_code, second.status_code, third.status_code] == [202, 202, 409]
    assert "Wait for one, or cancel it." in third.json()["detail"]
    id = first.json()["id"]
    assert (await shop.manage("DELETE", f"/backtests/{id}")).status_code == 204
    await worked(shop)
    cancelled, done = await read(shop, id), await read(shop, second.json()["id"])
    assert [(one["state"], one["orders"]) for one in (cancelled, done)] == [("cancelled", 0), ("done", 5)]
    assert "Forget one" in (await shop.manage("POST", path, json={})).json()["detail"]
    assert (await shop.manage("DELETE", f"/backtests/{id}")).status_code == 204
    assert (await shop.manage("GET", f"/backtests/{id}")).status_code == 404
    assert (await shop.manage("DELETE", f"/backtests/{id}")).status_code == 404
    assert (await shop.manage("POST", path, json={})).status_code == 202


async def test_another_worker_begins_again_what_a_killed_one_had(
    shop: Shop, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger_id = await per_dollar(shop)
    await a_past(shop)
    begun = (await shop.manage("POST", f"/triggers/{trigger_id}/backtests", json={})).json()
    # As a worker leaves it that was killed after a batch.
    async with shop.app.db.transaction() as tx:
        await tx.execute(
            "UPDATE imports_run SET state = 'running', size_done = 3, seen_at = $2 WHERE workspace_id = $1",
            shop.workspace.id,
            clock.now(),
        )
    await worked(shop)
    assert (await read(shop, begun["id"]))["state"] == "running"
    clock.advance(seconds=limits.IMPORT_LOST_S + 1)
    await worked(shop)
    assert [(await read(shop, begun["id"]))[name] for name in ("state", "coins")] == ["done", 110]
    # One that is stopped gives it back at once; one that breaks says so.
    begun = (await shop.manage("POST", f"/triggers/{trigger_id}/backtests", json={})).json()
    held = asyncio.Event()

    async def hang(*_: Any) -> list[Any]:
        held.set()
        await asyncio.Event().wait()
        return []

    async def breaks(*_: Any) -> list[Any]:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("regulars.triggers.Past.look", hang)
        task = asyncio.create_task(worked(shop))
        await held.wait()
        assert (await read(shop, begun["id"]))["state"] == "running"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (await read(shop, begun["id"]))["state"] == "waiting"
    with monkeypatch.context() as patch:
        patch.setattr("regulars.triggers.Past.look", breaks)
        await worked(shop)
    assert (await read(shop, begun["id"]))["state"] == "failed"


async def test_an_owner_tries_a_typed_rule_on_the_past_and_compares(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    trigger_id = await per_dollar(shop)
    form = {"source": "order", "name": "Purchase", "coins_per_unit": "2", "earn_when": "paid", "past": "yes"}
    assert "Try it on the past" not in (await owner.get(f"/triggers/{trigger_id}")).text
    await a_past(shop)
    assert "Try it on the past" in (await owner.get(f"/triggers/{trigger_id}")).text
    wrong = await owner.post(f"/triggers/{trigger_id}", **form, **{"past.since": "soon"})
    assert (wrong.status_code, "a day such as 2026-03-14" in wrong.text) == (422, True)
    typed = await owner.post(f"/triggers/{trigger_id}", **form, **{"past.name": "Twice", "past.until": "2026-02-01"})
    address = typed.headers["location"]
    page = (await owner.get(address)).text
    assert "It waits for its turn" in page
    await worked(shop)
    page = (await owner.get(address)).text
    for words in ("It would have given 120 coins for 3 orders; it really gave 60 for 3.", "Month by month", "Twice",
                  "Another rule than is kept", "Really gave", "Who would get most"):  # fmt: skip
        assert words in page
    plain = (await owner.post(f"/triggers/{trigger_id}", **form | {"coins_per_unit": "1"})).headers["location"]
    await owner.post(plain + "/drop")
    assert "It was cancelled." in (await owner.get(plain)).text
    await owner.post(plain + "/drop")
    assert (await owner.get(plain)).status_code == 404
    plain = (await owner.post(f"/triggers/{trigger_id}", **form | {"coins_per_unit": "1"})).headers["location"]
    await worked(shop)
    beside = (await owner.get(f"{plain}?beside={address.rpartition('/')[2]}")).text
    for words in ("Two results", "Twice would have given", ">110<", ">120<"):
        assert words in beside
    assert "Twice" in (await owner.get(f"/triggers/{trigger_id}")).text
    kept = (await shop.manage("GET", f"/triggers/{trigger_id}")).json()
    assert (kept["version"], kept["rule"]["coins_per_unit"]) == (1, 1)
    empty = (await owner.post(f"/triggers/{trigger_id}", **form, **{"past.until": "2020-01-01"})).headers["location"]
    await worked(shop)
    assert "There are no such orders." in (await owner.get(empty)).text
    reader = await signed_in(shop, await person(shop, "ben", "reader"))
    assert "/drop" not in (await reader.get(address)).text
