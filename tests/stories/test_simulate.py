"""A trigger is tried on one thing before it goes live: every guard says what it found, and nothing is written."""

from typing import Any

from regulars.kit.clock import HandClock
from tests.doors import Shop, an_order, per_dollar
from tests.stories.browsing import person, signed_in
from tests.stories.test_earning import make

ASHA = "shopify-1001"


async def written(shop: Shop) -> dict[str, int]:
    """How many rows of the shop each table has, but for that which counts calls."""
    async with shop.app.db.reading() as tx:
        tables = await tx.fetch(
            "SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND relname <> 'kit_allowance' AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid"
            " AND attname = 'workspace_id' AND NOT attisdropped)"
        )
        counts = " UNION ALL ".join(
            f"SELECT '{one['relname']}', count(*) FROM {one['relname']} WHERE workspace_id = $1" for one in tables
        )
        return {row[0]: row[1] for row in await tx.fetch(counts, shop.workspace.id)}


async def simulate(shop: Shop, trigger_id: Any, status: int = 200, **body: Any) -> dict[str, Any]:
    before = await written(shop)
    answer = await shop.manage("POST", f"/triggers/{trigger_id}/simulate", json=body)
    assert answer.status_code == status, answer.text
    assert await written(shop) == before
    found: dict[str, Any] = answer.json()
    return found


def guards(found: dict[str, Any]) -> dict[str, tuple[str, Any, Any]]:
    return {one["field"] or one["guard"]: (one["verdict"], one["value"], one["threshold"]) for one in found["guards"]}


async def order(shop: Shop, *given: Any, **more: Any) -> dict[str, Any]:
    answer = await shop.manage("POST", "/orders", json=an_order(*given, **more))
    made: dict[str, Any] = answer.json()["items"][0]["order"]
    return made


async def test_an_order_meets_each_guard_and_its_coins_are_worked_out(shop: Shop, clock: HandClock) -> None:
    await shop.manage(
        "PATCH",
        "/workspace",
        json={"settings": {"book": {"expiry": "per_lot", "expire_after": 30, "expire_unit": "days"}}},
    )
    rule = {
        "coins_per_unit": 2,
        "factors": [{"type": "first_order", "factor": 2}, {"type": "campaign", "factor": 3, "starts_at": "2030-01-01"}],
        "condition": {"property": "utm_source", "operator": "is", "value": "newsletter"},
        "per_day_max": 1,
        "budget_in_all": 500,
        "after_delta_day": 14,
    }
    trigger = await make(shop, "order", rule, active=False)
    await order(shop, "1", "100", utm_source="newsletter")
    report = an_order("2", "84.95", customer={"customer_id": "nobody-yet"}, utm_source="newsletter")
    found = await simulate(shop, trigger["id"], order=report)
    assert (found["state"], found["reason"], found["coins"]) == ("refused", "trigger_inactive", 0)
    await shop.manage("PATCH", f"/triggers/{trigger['id']}", json={"active": True})
    found = await simulate(shop, trigger["id"], order=report)
    assert (found["state"], found["coins"], found["coins_max"], found["new_customer"]) == ("waiting", 336, 336, True)
    assert [one["holds"] for one in found["factors"]] == [True, False]
    assert found["active_at"][:10] == "2026-03-28"
    assert found["expires_at"][:10] == "2026-04-28"
    assert guards(found) == {
        "once": ("passed", None, None),
        "active": ("passed", True, True),
        "order": ("passed", 84.0, 1),
        "condition": ("passed", ["“newsletter”"], ["the UTM source is “newsletter”"]),
        "per_day_max": ("passed", 0, 1),
        "budget_in_all": ("passed", 336, 500),
    }
    # What it gives for an order that comes in is what was said of it.
    taken = await order(shop, "2", "84.95", customer={"customer_id": "nobody-yet"}, utm_source="newsletter")
    [firing] = (await shop.manage("GET", f"/orders/{taken['id']}")).json()["firings"]
    assert (firing["state"], firing["coins"]) == ("waiting", 336)
    assert firing["due_at"] == found["active_at"]
    another = an_order("3", "99", customer={"customer_id": "nobody-yet"}, utm_source="flyer")
    found = await simulate(shop, trigger["id"], order=another)
    assert (found["state"], found["reason"], found["coins"]) == ("refused", "conditions_not_met", 0)
    said = guards(found)
    assert said["condition"] == ("refused", ["“flyer”"], ["the UTM source is “newsletter”"])
    assert said["per_day_max"] == ("refused", 1, 1)
    assert said["budget_in_all"] == ("refused", 336 + 198, 500)
    # Another rule, for an order that earned: what it earned is set aside.
    changed = {"per_day_max": 0, "after_delta_day": 0, "coins_per_unit": 1, "factors": [], "per_customer_max": 1}
    found = await simulate(shop, trigger["id"], order_id=taken["id"], rule=changed)
    assert (found["state"], found["coins"], found["given_before"]["coins"]) == ("granted", 84, 336)
    assert guards(found)["per_customer_max"] == ("passed", 0, 1)
    found = await simulate(shop, trigger["id"], order_id=taken["id"])
    assert (found["state"], found["reason"], found["explanation"]) == (
        "refused",
        "already_given",
        "The trigger has given for this before.",
    )


async def test_a_new_limit_counts_what_was_given_before_it(shop: Shop) -> None:
    trigger_id = await per_dollar(shop)
    await order(shop, "1", "10")
    later = await order(shop, "2", "20", financial_status="pending")
    tried = {"per_month_max": 1, "budget_per_day": 25, "earn_when": "placed"}
    found = await simulate(shop, trigger_id, order_id=later["id"], rule=tried)
    assert (found["reason"], guards(found)["per_month_max"]) == ("month_limit_reached", ("refused", 1, 1))
    assert guards(found)["budget_per_day"] == ("refused", 30, 25)
    await shop.manage("PATCH", f"/triggers/{trigger_id}", json={"rule": tried})
    again = await simulate(shop, trigger_id, order_id=later["id"])
    assert guards(again) == guards(found)
    wrong = await simulate(shop, trigger_id, 422, order_id=later["id"], rule={"coins_per_unit": 0})
    assert "coins_per_unit" in wrong["fields"]


async def test_calls_facts_and_customers_are_tried_as_they_would_come_in(shop: Shop, clock: HandClock) -> None:
    called = await shop.trigger(coins=(5, 9), allow_override=True)
    await shop.trigger("Another")
    await shop.reward(called, ASHA)
    wallet = {"via_api_for_wallet": {"operation": "dr", "coin_range": {"min": 3, "max": 3}}}
    found = await simulate(shop, called.id, call={"customer_id": ASHA})
    assert (found["state"], found["coins"], found["coins_max"], found["operation"]) == ("granted", 5, 9, "cr")
    found = await simulate(shop, called.id, call={"customer_id": "shopify-1009", "trace": wallet})
    assert (found["coins"], found["operation"], found["new_customer"]) == (3, "dr", True)
    assert (
        "call.trigger_id"
        in (await simulate(shop, called.id, 422, call={"customer_id": ASHA, "trigger_id": shop.id}))["fields"]
    )
    assert "call" in (await simulate(shop, called.id, 422, order=an_order()))["fields"]
    assert (
        "customer_id" in (await simulate(shop, called.id, 422, call={"customer_id": ASHA}, customer_id=ASHA))["fields"]
    )
    game = await make(shop, "fact", {"coins_min": 7, "fact": "game_won", "on_activity_count_reached": 2})
    fact = {"name": "game_won", "customer": {"customer_id": ASHA}, "id": "round-1"}
    await shop.manage("POST", "/facts", json=fact)
    found = await simulate(shop, game["id"], fact=fact | {"id": "round-2"})
    assert (found["state"], guards(found)["on_activity_count_reached"]) == ("granted", ("passed", 2, 2))
    assert "fact.name" in (await simulate(shop, game["id"], 422, fact=fact | {"name": "lost"}))["fields"]
    born = await make(shop, "birthday", {"coins_min": 100})
    assert "customer_id" in (await simulate(shop, born["id"], 422, customer_id=ASHA))["fields"]
    lead = (await shop.manage("GET", "/customers")).json()["items"][0]["id"]
    await shop.manage("PATCH", f"/customers/{lead}", json={"dob": "1990-05-05"})
    assert (await simulate(shop, born["id"], customer_id=ASHA, at="2026-05-05T10:00:00Z"))["coins"] == 100
    await simulate(shop, born["id"], 404, customer_id="nobody-yet")
    await simulate(shop, shop.id, 404, customer_id=ASHA)


async def test_an_owner_tries_a_rule_while_it_is_typed(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    form = {"source": "order", "name": "Purchase", "coins_per_unit": "3", "earn_when": "paid", "active": "yes"}
    page = (await owner.post("/triggers/new", **form, **{"try": "yes"})).text
    assert "There are no orders yet to try it on." in page
    await order(shop, "1028", "10.50")
    trigger_id = await per_dollar(shop)
    await order(shop, "1029", "20", name="#1029")
    before = await written(shop)
    page = (await owner.post("/triggers/new", **form, **{"try": "yes", "try.about": "1028"})).text
    for words in ("would get 30 coins.", "What of the order earns", 'value="3"', "Passes"):
        assert words in page
    wrong = await owner.post("/triggers/new", **form | {"coins_per_unit": "many"}, **{"try": "yes"})
    assert "It can’t be tried like this." in wrong.text
    page = (await owner.post(f"/triggers/{trigger_id}", **form, **{"try": "yes", "try.about": "#1029"})).text
    for words in ("would get 60 coins.", "By the rule as it was, it gave 20 coins"):
        assert words in page
    as_kept = form | {"coins_per_unit": "1", "frees_place": "yes"}
    saved = await owner.post(f"/triggers/{trigger_id}", **as_kept, **{"try": "yes"})
    assert "The trigger has given for this before." in saved.text
    assert await written(shop) == before
    called = await shop.trigger()
    page = (await owner.post(f"/triggers/{called.id}", source="api", name="Call", operation="cr", coins_min="7",
                             active="yes", **{"try": "yes", "try.about": ASHA})).text  # fmt: skip
    assert "would get 7 coins." in page
    game = await make(shop, "fact", {"coins_min": 7, "fact": "game_won", "properties": {"score": "number"}})
    typed = {"source": "fact", "name": "Game", "fact": "game_won", "coins_min": "9", "amount_min": "100"}
    answer = await owner.post(f"/triggers/{game['id']}", **typed, active="yes",
                            **{"try": "yes", "try.properties": "amount: 40"})  # fmt: skip
    assert "The amount is 40, and not at least 100." in answer.text
