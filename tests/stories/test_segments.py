"""Segments at the door of programs: made, found, followed by what happens and by time, asked why."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from regulars import dispatch, events, tenancy
from regulars.kit.clock import HandClock
from regulars.people import erase
from regulars.worker.loops import following
from tests import make
from tests.doors import ASHA, Shop, an_order
from tests.stories.test_storefront import FIVE, Page

ORDERS: dict[str, Any] = {
    "done": "order_create",
    "count": {"operator": "at_least", "value": 2},
    "when": {"last_days": 30},
}
BEN = {"customer_id": "shopify-1002", "name": "Ben", "email": "ÉBEN@example.com"}


async def followed(shop: Shop) -> None:
    """All that follows from what happened, and from the time."""
    db, clock = shop.app.db, shop.app.clock
    await make.done(db, clock)
    for one in following(db, clock).values():
        while await one.round() + sum(await one.turns.finish()):
            pass
        assert not one.turns.faults
    await make.done(db, clock)


async def made(shop: Shop, name: str, condition: Any, kind: str = "live") -> dict[str, Any]:
    answer = await shop.manage("POST", "/segments", json={"name": name, "condition": condition, "kind": kind})
    assert answer.status_code == 201, answer.text
    await followed(shop)
    found: dict[str, Any] = answer.json()
    return found


async def members(shop: Shop, segment: dict[str, Any]) -> set[str]:
    items = (await shop.manage("GET", f"/segments/{segment['id']}/members")).json()["items"]
    counted = (await shop.manage("GET", f"/segments/{segment['id']}")).json()["members"]
    assert counted == len(items)
    return {item["customer"]["customer_id"] for item in items}


async def told(shop: Shop) -> list[tuple[str, str, int]]:
    """Who entered and left: topic, segment and depth, oldest first."""
    async with shop.app.db.reading() as tx:
        found = await events.recent(tx, shop.workspace.id, limit=200)
    moves = [one for one in reversed(found) if one.topic.startswith("segment_")]
    return [(one.topic, _name(one), one.depth) for one in moves]


def _name(event: events.Event) -> str:
    return str(msgspec.json.decode(event.body)["segment_name"])


async def order(shop: Shop, reference: str, who: dict[str, Any] = ASHA, amount: str = "50", **more: Any) -> None:
    said = an_order(reference, amount, customer=who, placed_at=shop.app.clock.now().isoformat(), **more)
    assert (await shop.manage("POST", "/orders", json=said)).status_code in (200, 201)


async def customer_id(shop: Shop, who: dict[str, Any] = ASHA) -> str:
    found = (await shop.manage("GET", "/customers", params={"text": who["customer_id"]})).json()["items"]
    return str(found[0]["id"])


async def test_membership_follows_what_happens_and_what_time_changes(shop: Shop, clock: HandClock) -> None:
    await order(shop, "1")
    loyal = await made(shop, "Loyal", ORDERS)
    lapsed = await made(shop, "Lapsed", {"none": [{"done": "order_create", "when": {"last_days": 30}}]})
    rich = await made(
        shop,
        "Rich and loyal",
        {
            "all": [
                {"property": "segments", "operator": "any_of", "value": [loyal["id"]]},
                {"any": [
                    {"done": "order_create", "sum": {"property": "fiat_amount", "operator": "more_than", "value": 120}},
                    {"property": "customer_balance", "operator": "at_least", "value": 1_000_000},
                ]},
            ]
        },
    )  # fmt: skip
    assert [await members(shop, one) for one in (loyal, lapsed, rich)] == [set(), set(), set()]
    clock.advance(days=1)
    await order(shop, "2", amount="80")
    await followed(shop)
    assert [await members(shop, one) for one in (loyal, lapsed, rich)] == [{"shopify-1001"}, set(), {"shopify-1001"}]
    assert await told(shop) == [("segment_enter", "Loyal", 1), ("segment_enter", "Rich and loyal", 1)]
    # A new customer without an order is who has not ordered.
    await shop.manage("POST", "/customers", json=BEN)
    await followed(shop)
    assert await members(shop, lapsed) == {"shopify-1002"}
    # The window moves on: the first order is out of it when its day is over in the shop, and not before.
    clock.advance(days=28)
    await followed(shop)
    assert await members(shop, loyal) == {"shopify-1001"}
    for _ in range(3):
        clock.advance(days=1)
        await followed(shop)
    assert [await members(shop, one) for one in (loyal, lapsed, rich)] == [
        set(),
        {"shopify-1001", "shopify-1002"},
        set(),
    ]
    assert [(topic, name) for topic, name, _ in await told(shop)] == [
        ("segment_enter", "Loyal"), ("segment_enter", "Rich and loyal"), ("segment_enter", "Lapsed"),
        ("segment_leave", "Loyal"), ("segment_leave", "Rich and loyal"), ("segment_enter", "Lapsed")]  # fmt: skip


async def test_an_edge_is_looked_at_at_its_moment(shop: Shop, clock: HandClock) -> None:
    loyal = await made(shop, "Loyal", {"done": "order_create", "when": {"last_days": 1}})
    await order(shop, "1")
    await followed(shop)
    async with shop.app.db.reading() as tx:
        at = await tx.fetchval(
            "SELECT due_at FROM schedule_due WHERE workspace_id = $1 AND kind = 'segments.look'", shop.workspace.id
        )
    clock.advance(seconds=(at - clock.now()).total_seconds() - 1)
    await make.done(shop.app.db, clock)
    assert await members(shop, loyal) == {"shopify-1001"}
    clock.advance(seconds=1)
    await make.done(shop.app.db, clock)
    assert await members(shop, loyal) == set()


async def test_a_static_segment_keeps_whom_it_found_until_it_is_found_anew(shop: Shop) -> None:
    await order(shop, "1")
    once = await made(shop, "Once", {"done": "order_create"}, kind="static")
    await order(shop, "2", BEN)
    await followed(shop)
    assert await members(shop, once) == {"shopify-1001"}
    assert await told(shop) == []
    assert (await shop.manage("POST", f"/segments/{once['id']}/find")).json()["state"] == "finding"
    await followed(shop)
    assert await members(shop, once) == {"shopify-1001", "shopify-1002"}


async def test_a_changed_condition_finds_anew_without_a_word(shop: Shop) -> None:
    await order(shop, "1")
    await order(shop, "2", BEN)
    one = await made(shop, "Some", {"property": "customer_email", "operator": "starts_with", "value": "éb"})
    assert await members(shop, one) == {"shopify-1002"}
    user = await made(
        shop, "Its others", {"none": [{"property": "segments", "operator": "any_of", "value": [one["id"]]}]}
    )
    assert await members(shop, user) == {"shopify-1001"}
    changed = await shop.manage("PATCH", f"/segments/{one['id']}", json={"condition": None, "name": "All"})
    assert changed.json()["sentence"] == "everybody"
    assert changed.json()["version"] == 2
    await followed(shop)
    assert [await members(shop, one), await members(shop, user)] == [{"shopify-1001", "shopify-1002"}, set()]
    assert await told(shop) == []


async def test_the_count_of_one_in_the_making_and_why(shop: Shop) -> None:
    await order(shop, "1")
    await order(shop, "2")
    await order(shop, "3", BEN)
    counted = await shop.manage("POST", "/segments/preview", json={"condition": ORDERS})
    assert counted.json() == {
        "count": 1, "customers": 2, "exact": True,
        "sentence": "an order is created at least 2 times in the last 30 days",
    }  # fmt: skip
    assert (await shop.manage("POST", "/segments/preview", json={"condition": None, "exact": True})).json()[
        "count"
    ] == 2
    loyal = await made(
        shop, "Loyal", {"all": [ORDERS, {"property": "customer_orders", "operator": "at_most", "value": 5}]}
    )
    why = (await shop.manage("GET", f"/segments/{loyal['id']}/why/{await customer_id(shop, BEN)}")).json()
    assert (why["holds"], why["member_since"]) == (False, None)
    done, orders = why["why"]["items"]
    assert (done["kind"], done["holds"], done["found_words"]) == ("done", False, "1 time")
    assert (orders["kind"], orders["holds"], orders["found"]) == ("property", True, 1)
    why = (await shop.manage("GET", f"/segments/{loyal['id']}/why/{await customer_id(shop)}")).json()
    assert why["holds"]
    assert why["member_since"]


async def test_circles_and_faults_are_refused_in_words(shop: Shop) -> None:
    async def refused(method: str, path: str, **body: Any) -> str:
        answer = await shop.manage(method, path, json=body)
        assert answer.status_code in (409, 422), answer.text
        return str(answer.json())

    def of(segment: dict[str, Any]) -> dict[str, Any]:
        return {"property": "segments", "operator": "any_of", "value": [segment["id"]]}

    first = await made(shop, "First", None)
    second = await made(shop, "Second", of(first))
    third = await made(shop, "Third", {"none": [of(second)]})
    assert "circle" in await refused("PATCH", f"/segments/{first['id']}", condition=of(third))
    assert "in a circle" in await refused("PATCH", f"/segments/{first['id']}", condition=of(first))
    assert "Second" in await refused("DELETE", f"/segments/{first['id']}")
    assert "another" not in await refused("POST", "/segments", name="first")
    stranger = {"property": "segments", "operator": "any_of", "value": ["0190a4e2-0000-7000-8000-000000000000"]}
    assert "segments of this shop" in await refused("POST", "/segments", name="Odd", condition=stranger)
    wrong = {
        "any": [
            {"done": "no_such"},
            {**ORDERS, "count": {"operator": "at_least", "value": -1}, "when": {"last_days": 0}},
        ]
    }
    said = await refused("POST", "/segments", name="Odd", condition=wrong)
    assert all(at in said for at in ("condition.any[0].done", "condition.any[1].count.value", "any[1].when.last_days"))
    for one in (third, second, first):
        assert (await shop.manage("DELETE", f"/segments/{one['id']}")).status_code == 204
    assert (await shop.manage("GET", f"/segments/{first['id']}")).status_code == 404


async def test_nothing_waits_for_a_reader_where_no_live_segment_asks(shop: Shop) -> None:
    async def pending() -> set[str]:
        async with shop.app.db.reading() as tx:
            rows = await tx.fetch(
                "SELECT topic FROM events_pending WHERE workspace_id = $1 AND reader = 'engagement'", shop.workspace.id
            )
        return {row["topic"] for row in rows}

    await made(shop, "Once", ORDERS, kind="static")
    await order(shop, "1")
    assert await pending() == set()
    await made(shop, "Loyal", ORDERS)
    await order(shop, "2", BEN)
    assert await pending() == {"lead_create", "order_create"}


async def test_who_is_merged_or_erased_is_in_a_segment_no_more(shop: Shop, clock: HandClock) -> None:
    loyal = await made(shop, "Loyal", ORDERS)
    await order(shop, "1")
    await order(shop, "2", BEN)
    await followed(shop)
    assert await members(shop, loyal) == set()
    asha, ben = await customer_id(shop), await customer_id(shop, BEN)
    assert (await shop.manage("POST", f"/customers/{ben}/merge", json={"into": asha})).status_code == 200
    assert await members(shop, loyal) == {"shopify-1001"}
    out = (await shop.manage("GET", f"/customers/{asha}/export")).json()
    assert out["segments"] == ["Loyal"]
    async with shop.app.db.transaction() as tx:
        await erase(tx, shop.workspace, UUID(asha), clock.now() + timedelta(seconds=1))
    assert await members(shop, loyal) == set()


async def test_an_offer_is_for_members_of_its_segments_and_others_do_not_see_it(shop: Shop, clock: HandClock) -> None:
    page = Page(shop, clock)
    loyal, once = await made(shop, "Loyal", ORDERS), await made(shop, "Once", None, kind="static")
    assert (await shop.manage("POST", "/customers", json=BEN)).status_code == 201
    for who in (ASHA, BEN):
        await order(shop, f"1 {who['name']}", who)
        coins = {"operation": "cr", "amount": 500, "reason": "A gift"}
        await shop.manage("POST", f"/customers/{await customer_id(shop, who)}/transactions", json=coins)
    await order(shop, "2")
    await followed(shop)
    open_to_all, kept = await page.offer("For all"), await page.offer("For some", segments=[loyal["id"], once["id"]])
    assert (await shop.manage("GET", f"/offers/{kept}")).json()["sentence"] == (
        "100 coins buy $5 off, for members of chosen segments."
    )
    stranger = {"name": "Odd", "terms": FIVE | {"segments": ["0190a4e2-0000-7000-8000-000000000000"]}}
    refused = await shop.manage("POST", "/offers", json=stranger)
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["segments"])
    public = await shop.manage("PATCH", f"/offers/{kept}", json={"public": True})
    assert (public.status_code, list(public.json()["fields"])) == (422, ["public"])

    seen = {who["name"]: await page.ask(send={"x-leadtoken": page.token(customer_id=who["customer_id"])})
            for who in (ASHA, BEN)}  # fmt: skip
    assert {name: {one["id"] for one in of.json()["offers"]} for name, of in seen.items()} == {
        "Asha Rao": {open_to_all, kept},
        "Ben": {open_to_all},
    }
    listed = await shop.merchant("GET", "/aggreegatedoffers", key=shop.read_key)
    assert kept not in listed.text

    async def buy(who: dict[str, Any]) -> Any:
        body = {"lead_id": await customer_id(shop, who), "offer_id": kept}
        return await shop.merchant("POST", "/offerredeems", json=body)

    no = await buy(BEN)
    assert (no.status_code, no.json()["data"]["code"]) == (422, "not_eligible")
    assert no.json()["data"]["message"] == "The offer is for members of Loyal or Once."
    assert (await buy(ASHA)).status_code == 200
    assert (await shop.lead(BEN["customer_id"]))["available"] == "500"

    # What they did is too long ago: they see it no more.
    clock.advance(days=40)
    await followed(shop)
    assert kept not in (await page.ask()).text
    assert (await buy(ASHA)).status_code == 422
    asked = await shop.manage("DELETE", f"/segments/{loyal['id']}")
    assert (asked.status_code, asked.json()["detail"]) == (409, "Something asks about it: offer For some.")
    await shop.manage("PATCH", f"/offers/{kept}", json={"terms": {"segments": []}})
    assert (await shop.manage("DELETE", f"/segments/{loyal['id']}")).status_code == 204
    assert (await buy(BEN)).status_code == 200


async def test_triggers_and_rules_ask_who_is_in_a_segment(shop: Shop) -> None:
    loyal = await made(shop, "Loyal", ORDERS)
    asks = {"property": "segments", "operator": "any_of", "value": [loyal["id"]]}
    trigger = await shop.trigger(rule={"condition": asks})
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    tool = {"tool": "webhook", "settings": {"url": "https://tool.example.com/hook"}}
    tool_id = (await shop.manage("POST", "/integrations", json=tool)).json()["integration"]["id"]
    rule = {"topic": "lead_update", "integration_id": tool_id, "condition": asks}
    assert (await shop.manage("POST", "/send-events", json=rule)).status_code == 201
    per_order = {"name": "Purchase", "source": "order", "rule": {"coins_min": 7, "condition": asks}}
    assert (await shop.manage("POST", "/triggers", json=per_order)).status_code == 201
    await order(shop, "1")
    await order(shop, "2")
    await order(shop, "3", BEN)
    assert (await shop.lead(ASHA["customer_id"]))["available"] == "0"
    await followed(shop)
    async with shop.app.db.transaction() as tx:
        await dispatch.fan_out(tx, await tenancy.get_workspace(tx, shop.workspace.id), shop.app.clock.now())
    for who in (ASHA, BEN):
        await shop.reward(trigger, who["customer_id"])
        await shop.manage("PATCH", f"/customers/{await customer_id(shop, who)}", json={"name": "Another"})
    await order(shop, "4")
    await order(shop, "5", BEN)
    assert (await shop.lead(ASHA["customer_id"]))["available"] == "17"
    assert (await shop.lead(BEN["customer_id"]))["available"] == "0"
    async with shop.app.db.transaction() as tx:
        count = await dispatch.fan_out(tx, await tenancy.get_workspace(tx, shop.workspace.id), shop.app.clock.now())
    assert count.deliveries == 1
    asked = await shop.manage("DELETE", f"/segments/{loyal['id']}")
    users = "trigger Bonus, trigger Purchase, rule for lead_update."
    assert (asked.status_code, asked.json()["detail"]) == (409, f"Something asks about it: {users}")
