"""Why, and why not: of an order, a call, a fact, a transaction, an event, or of a customer and a trigger, the whole way
from what happened to who was told, each step with its reason; by the API, and on the pages."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

from regulars import delivery
from regulars.delivery import Attempt, RetryAfter
from regulars.kit.clock import HandClock
from regulars.kit.ids import new_id
from tests import make
from tests.doors import ASHA, Shop, a_shop, an_order, per_dollar
from tests.stories.browsing import person, signed_in
from tests.stories.test_dashboard_sentences import words
from tests.stories.test_earning import fire
from tests.stories.test_earning import make as make_trigger
from tests.stories.test_event_outcomes import a_rule, a_tool, at_least, fan_out, switch

NOTHING = "What it reacts to has not happened to this customer yet, as far as is known."


async def why(shop: Shop, **asked: str) -> dict[str, Any]:
    answer = await shop.manage("GET", "/why", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refused(shop: Shop, **asked: str) -> tuple[int, list[str]]:
    answer = await shop.manage("GET", "/why", params=asked)
    return answer.status_code, sorted(answer.json()["fields"])


def outline(step: dict[str, Any], depth: int = 0) -> list[str]:
    """A line for each step: what it is, what came of it, and why."""
    said = " ".join(part for part in (step["kind"], step["state"], step["code"]) if part)
    ruled = ["  " * (depth + 1) + f"rule {one['what']}" for one in step["rules"]]
    return ["  " * depth + said, *ruled, *(line for one in step["steps"] for line in outline(one, depth + 1))]


def steps(step: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    mine = [step] if step["kind"] == kind else []
    return [*mine, *(found for one in step["steps"] for found in steps(one, kind))]


async def ordered(shop: Shop, *args: Any, **more: Any) -> dict[str, Any]:
    answer = await shop.manage("POST", "/orders", json=an_order(*args, **more))
    item: dict[str, Any] = answer.json()["items"][0]
    assert item["order"], answer.text
    return item


async def tried(shop: Shop, clock: HandClock, tool: str, outcome: Any) -> None:
    now = clock.now()
    async with shop.app.db.transaction() as tx:
        before = now - timedelta(days=1), shop.workspace.id
        (one,) = await delivery.due(tx, shop.workspace.id, UUID(tool), now, [("first", *before, 10)])
        made = Attempt(one.parcel(now), None, None, outcome)
        await delivery.record(tx, shop.workspace.id, UUID(tool), [(made, 0)], now=now, random=random.random)
    clock.advance(seconds=60)


async def test_a_rewarded_order_is_followed_down_to_the_tool_and_back_when_it_is_refunded(
    shop: Shop, clock: HandClock
) -> None:
    by_order, tool = await per_dollar(shop), await a_tool(shop)
    await switch(shop, True)
    await a_rule(shop, tool)
    await a_rule(shop, tool, at_least(1_000))
    await a_rule(shop, tool, topic="order_create", active=False)
    order = (await ordered(shop))["order"]
    await fan_out(shop)
    await tried(shop, clock, tool, RetryAfter(None, "The tool did not answer."))
    found = await why(shop, order_id=order["id"])
    [fact] = found["facts"]
    assert outline(fact) == [
        "order paid",
        "  event order_create",
        "    rule rule_off",
        "  trigger granted granted",
        "    transaction success earn",
        "      event walletreward_create",
        "        rule queued",
        "        rule restricted",
    ]
    assert (found["customer"]["customer_id"], fact["title"]) == (ASHA["customer_id"], "Order #1028 over $129.90")
    [trigger], [txn], event = steps(fact, "trigger"), steps(fact, "transaction"), steps(fact, "event")[-1]
    assert (trigger["trigger_id"], trigger["trigger_version"], trigger["words"]) == (by_order, 1, "129 coins given.")
    assert (txn["amount"], txn["left"], txn["title"], txn["words"]) == (129, 129, "+129 coins", "Purchase. Order #1028")
    sent, restricted = event["rules"]
    assert (sent["words"], sent["attempts"]) == ("The tool did not answer.", 1)
    assert sent["next_at"] > event["at"]
    assert restricted["restrictions"] == [{"asked": "the amount is at least 1,000 coins", "found": "129 coins"}]
    # Asked from the other end it is the same way, and no other.
    [way] = (await why(shop, event_id=event["id"]))["facts"]
    assert outline(way) == [outline(fact)[0], *outline(fact)[3:]]
    assert (await why(shop, txn_id=txn["id"]))["facts"] == (await why(shop, firing_id=trigger["id"]))["facts"] == [way]

    clock.advance(days=1)
    await ordered(shop, financial_status="refunded")
    await fan_out(shop)
    [fact] = (await why(shop, order_id=order["id"]))["facts"]
    said = outline(fact)
    assert said[0] == "order refunded"
    assert said[said.index("  trigger reversed reversed") :][:2] == [
        "  trigger reversed reversed",
        "    transaction reversed earn",
    ]
    assert "      transaction success claw_back" in said
    [trigger], back = steps(fact, "trigger"), steps(fact, "transaction")[1]
    assert trigger["words"] == "129 coins given, and taken back: Order refunded."
    assert (back["words"], back["title"]) == ("Order refunded. Order #1028", "\u2212129 coins")
    assert steps(fact, "transaction")[0]["left"] == 0
    assert "event wallettrasaction_update" in "".join(said)

    owner = await signed_in(shop, await person(shop, "ann"))
    page = words((await owner.get(f"/orders/{order['id']}")).text)
    for text in ("129 coins given, and taken back", "found: 129 coins", "Tool Queued", "Tried once"):
        assert text in page, text
    assert f"/deliveries/{sent['delivery_id']}" in (await owner.get(f"/events/{event['id']}")).text


async def test_whoever_got_nothing_for_an_order_is_told_by_each_trigger_why(shop: Shop, clock: HandClock) -> None:
    capped = await make_trigger(shop, "order", {"coins_min": 10, "per_day_max": 1})
    big = {"property": "amount", "operator": "at_least", "value": 500}
    await make_trigger(shop, "order", {"coins_min": 50, "condition": big})
    late = await make_trigger(shop, "order", {"coins_min": 7, "after_delta_day": 14, "starts_at": "2026-03-01"})
    off = await make_trigger(shop, "order", {"coins_min": 5, "condition": big}, active=False)
    await make_trigger(shop, "order", {"coins_min": 5, "starts_at": "2026-12-01"})
    await make_trigger(shop, "api", {"coins_min": 5})
    await ordered(shop, "1")
    order = (await ordered(shop, "2", "20"))["order"]
    clock.advance(seconds=60)
    await make_trigger(shop, "order", {"coins_min": 3, "coins_max": 9})
    [fact] = (await why(shop, order_id=order["id"]))["facts"]
    assert outline(fact)[2:] == [
        "  trigger refused day_limit_reached",
        "  trigger refused conditions_not_met",
        "  trigger waiting waiting",
        "  trigger not_asked trigger_inactive",
        "    foreseen would_be_refused conditions_not_met",
        "  trigger refused not_started",
        "  trigger not_asked made_later",
        "    foreseen would_be_granted granted",
    ]
    limit, condition, waits, is_off, begins, later = steps(fact, "trigger")
    assert (limit["guard"], limit["value"], limit["threshold"]) == ("limit", 1, 1)
    assert limit["words"] == "The trigger gives at most once a day."
    assert (condition["threshold"], condition["value"]) == (["the order amount is at least 500"], ["20"])
    assert (waits["trigger_id"], waits["next_at"][:10], waits["amount"]) == (late["id"], "2026-03-28", 7)
    assert begins["words"] == "The trigger had not started then."
    assert (is_off["trigger_id"], is_off["id"], is_off["words"]) == (off["id"], None, "The trigger is switched off.")
    [foreseen] = is_off["steps"]
    assert (foreseen["id"], foreseen["trigger_version"], foreseen["value"]) == (None, 1, ["20"])
    assert later["steps"][0]["words"] == "3 to 9 coins would be given."
    assert later["words"].startswith("The trigger was made after this came in.")

    # What would be said now is worked out by the newest version, and writes nothing.
    await shop.manage("PATCH", f"/triggers/{off['id']}", json={"rule": {"condition": None}, "active": True})
    counted = (await shop.manage("GET", "/firings")).json()["items"]
    [fact] = (await why(shop, order_id=order["id"]))["facts"]
    was_off = next(one for one in steps(fact, "trigger") if one["trigger_id"] == off["id"])
    assert (was_off["code"], was_off["steps"][0]["trigger_version"]) == ("not_asked", 2)
    assert was_off["steps"][0]["words"] == "5 coins would be given."
    assert (await shop.manage("GET", "/firings")).json()["items"] == counted

    clock.advance(days=15)
    await make.done(shop.app.db, clock)
    [fact] = (await why(shop, order_id=order["id"]))["facts"]
    given = next(one for one in steps(fact, "trigger") if one["trigger_id"] == late["id"])
    assert outline(given)[:2] == ["trigger granted granted", "  transaction success earn"]

    both = {"customer_id": ASHA["customer_id"], "trigger_id": capped["id"]}
    found = await why(shop, **both)
    assert [steps(one, "trigger")[0]["code"] for one in found["facts"]] == ["day_limit_reached", "granted"]
    assert {one["trigger_id"] for fact in found["facts"] for one in steps(fact, "trigger")} == {capped["id"]}
    assert found["now"]["kind"] == "foreseen"


async def test_a_call_and_a_fact_are_asked_about_by_what_they_were_answered_with(shop: Shop, clock: HandClock) -> None:
    trigger = await make_trigger(shop, "api", {"coins_min": 10, "per_customer_max": 1})
    first = (await fire(shop, trigger["id"])).json()["data"]
    refused_call = (await fire(shop, trigger["id"])).json()["data"]["activity"]
    [fact] = (await why(shop, firing_id=refused_call["_id"]))["facts"]
    assert outline(fact) == ["api", "  trigger refused customer_limit_reached"]
    assert (fact["title"], steps(fact, "trigger")[0]["value"]) == ("A call", 1)
    [fact] = (await why(shop, txn_id=first["wallet_reward"]["_id"]))["facts"]
    assert outline(fact)[:3] == ["api", "  trigger granted granted", "    transaction success earn"]
    assert outline(fact)[3] == "      event walletreward_create"

    rule = {"coins_min": 25, "fact": "game_won", "properties": {"score": "number"}}
    rule |= {"condition": {"property": "score", "operator": "at_least", "value": 100}}
    won = await make_trigger(shop, "fact", rule)
    await make_trigger(shop, "fact", {"coins_min": 5, "fact": "game_lost"})
    told = {"name": "game_won", "customer": {"customer_id": "shopify-1001"}, "properties": {"score": 7}, "id": "r-1"}
    made = (await shop.manage("POST", "/facts", json=told)).json()
    [fact] = (await why(shop, fact_id=made["id"]))["facts"]
    assert outline(fact) == ["fact", "  trigger refused conditions_not_met"]
    assert (fact["id"], steps(fact, "trigger")[0]["value"]) == (made["id"], ["7"])
    now = (await why(shop, customer_id="shopify-1001", trigger_id=won["id"]))["now"]
    assert (now["code"], now["title"]) == ("conditions_not_met", "If it were asked now: “game_won” was reported")

    # A new customer, by the event that tells of them; what nobody's rule gave, by who gave it.
    await make_trigger(shop, "customer_created", {"coins_min": 3})
    ben = (await shop.manage("POST", "/customers", json={"customer_id": "shopify-2002"})).json()
    logged = (await shop.manage("GET", "/events", params={"customer_id": "shopify-2002"})).json()["items"]
    created = next(one for one in logged if one["topic"] == "lead_create")
    [fact] = (await why(shop, event_id=created["id"]))["facts"]
    assert outline(fact) == ["customer_created", "  event lead_create", "    event walletreward_create"]
    welcome = next(one for one in logged if one["topic"] == "walletreward_create")
    [fact] = (await why(shop, event_id=welcome["id"]))["facts"]
    assert outline(fact)[1:3] == ["  trigger granted granted", "    transaction success earn"]
    gift = {"operation": "cr", "amount": 5, "reason": "A late parcel"}
    given = (await shop.manage("POST", f"/customers/{ben['id']}/transactions", json=gift)).json()
    [fact] = (await why(shop, txn_id=given["id"]))["facts"]
    assert outline(fact) == ["transaction success adjust", "  event walletreward_create"]
    assert (fact["title"], fact["words"]) == ("+5 coins", "A late parcel")


async def test_of_a_customer_to_whom_nothing_happened_it_is_said_what_a_trigger_waits_for(
    shop: Shop, clock: HandClock
) -> None:
    asha = {"customer_id": "shopify-1001", "dob": "1990-05-26"}
    await shop.manage("POST", "/customers", json=asha)
    item = (await shop.manage("POST", "/customers", json={"customer_id": "shopify-2002"})).json()
    made = {
        source: (await make_trigger(shop, source, {"coins_min": 5} | more))["id"]
        for source, more in {"order": {}, "fact": {"fact": "game_won"}, "birthday": {}, "anniversary": {}}.items()
    }
    made["api"] = (await make_trigger(shop, "api", {"coins_min": 5}, active=False))["id"]
    made["customer_created"] = (await make_trigger(shop, "customer_created", {"coins_min": 5}))["id"]

    async def now(source: str, customer_id: str = "shopify-2002") -> tuple[str, str]:
        found = await why(shop, customer_id=customer_id, trigger_id=made[source])
        assert found["facts"] == []
        step = found["now"]
        assert step["kind"] == "foreseen"
        return step["code"], step["words"]

    assert await now("order") == ("nothing_happened", NOTHING)
    assert await now("fact") == ("nothing_happened", NOTHING)
    assert (await now("birthday"))[0] == "nothing_happened"
    assert await now("birthday", "shopify-1001") == ("granted", "5 coins would be given.")
    assert (await now("anniversary"))[0] == "granted"
    assert await now("api") == ("trigger_inactive", "The trigger is switched off.")
    assert (await now("customer_created"))[0] == "granted"
    owner = await signed_in(shop, await person(shop, "ann", "reader"))
    page = (await owner.get(f"/customers/{item['id']}")).text
    assert f'<option value="{made["order"]}">' in page
    assert "event_id=" in page
    told = await owner.get(f"/why?customer_id=shopify-2002&trigger_id={made['order']}")
    assert NOTHING in words(told.text)
    assert "never asked about this customer" in words(told.text)


async def test_one_thing_of_ones_own_shop_is_asked_about(shop: Shop, clock: HandClock) -> None:
    order = (await ordered(shop))["order"]
    [fact] = (await why(shop, order_id=order["id"]))["facts"]
    assert (fact["code"], fact["words"]) == ("no_trigger", "No trigger reacts to orders.")
    owner = await signed_in(shop, await person(shop, "ann"))
    assert "No trigger reacts to orders." in (await owner.get(f"/orders/{order['id']}")).text
    trigger = await make_trigger(shop, "api", {"coins_min": 5})
    fired = (await fire(shop, trigger["id"])).json()["data"]
    event = (await shop.manage("GET", "/events")).json()["items"][0]["id"]
    told = {"name": "game_won", "customer": {"customer_id": "shopify-1001"}}
    fact_id = (await shop.manage("POST", "/facts", json=told)).json()["id"]
    other = await a_shop(shop.app, shop.client, clock.now(), "Other Shop")
    mine = {
        "order_id": order["id"],
        "fact_id": fact_id,
        "firing_id": fired["activity"]["_id"],
        "txn_id": fired["wallet_reward"]["_id"],
        "event_id": event,
    }
    for field, id in mine.items():
        assert (await why(shop, **{field: id}))["facts"], field
        assert await refused(other, **{field: id}) == (404, [field])
        assert await refused(shop, **{field: str(new_id())}) == (404, [field])
        assert await refused(shop, **{field: "x"}) == (422, [field])
    both = {"customer_id": ASHA["customer_id"], "trigger_id": trigger["id"]}
    assert (await why(shop, **both))["now"]
    assert await refused(shop, **both | {"customer_id": "shopify-nobody"}) == (404, ["customer_id"])
    assert await refused(shop, **both | {"trigger_id": str(new_id())}) == (404, ["trigger_id"])
    await other.manage("POST", "/customers", json=ASHA)
    assert await refused(other, **both) == (404, ["trigger_id"])
    assert await refused(shop, customer_id=ASHA["customer_id"]) == (422, ["customer_id"])
    assert await refused(shop, order_id=order["id"], txn_id=mine["txn_id"]) == (422, ["order_id", "txn_id"])
    assert len((await refused(shop))[1]) == 7
    assert (await owner.get("/why")).status_code == 422
    assert (await owner.get(f"/why?order_id={new_id()}")).status_code == 404
