"""Of an event: what each rule made of it, and why, for as long as the event is kept; and of a test, whether the rule
would have sent it by itself."""

from typing import Any

from regulars import dispatch, events, tenancy
from regulars.kit.clock import HandClock
from tests.doors import Shop
from tests.stories.browsing import person, signed_in
from tests.stories.test_segments import made

ASHA = {"customer_id": "shopify-1001", "email": "asha@example.com"}


async def a_tool(shop: Shop) -> str:
    body = {"tool": "webhook", "name": "Tool", "settings": {"url": "https://tool.example/hook"}}
    made = (await shop.manage("POST", "/integrations", json=body)).json()
    return str(made.get("id") or made["integration"]["id"])


async def a_rule(shop: Shop, tool: str, condition: Any = None, **more: Any) -> str:
    body = {"topic": "walletreward_create", "integration_id": tool, "condition": condition} | more
    answer = await shop.manage("POST", "/send-events", json=body)
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def fan_out(shop: Shop) -> None:
    async with shop.app.db.transaction() as tx:
        workspace = await tenancy.get_workspace(tx, shop.workspace.id)
        await dispatch.fan_out(tx, workspace, shop.app.clock.now())


async def rewarded(shop: Shop, clock: HandClock, *, read: bool = True) -> str:
    """The id of a new walletreward_create of 10 coins."""
    clock.advance(seconds=60)
    await shop.manage("POST", "/customers", json=ASHA)
    await shop.reward(await shop.trigger(), ASHA["customer_id"])
    if read:
        await fan_out(shop)
    clock.advance(seconds=60)
    async with shop.app.db.reading() as tx:
        return str((await events.recent(tx, shop.workspace.id, topic="walletreward_create", limit=1))[0].id)


async def outcomes(shop: Shop, event_id: str) -> dict[str, dict[str, Any]]:
    rules = (await shop.manage("GET", f"/events/{event_id}")).json()["rules"]
    return {rule["rule_id"]: rule for rule in rules}


def at_least(amount: int) -> dict[str, Any]:
    return {"property": "amount", "operator": "at_least", "value": amount}


async def switch(shop: Shop, on: bool) -> None:
    assert (await shop.manage("PATCH", "/workspace", json={"events_on": on})).status_code == 200


async def test_each_rule_says_what_it_made_of_an_event(shop: Shop, clock: HandClock) -> None:
    tool = await a_tool(shop)
    await switch(shop, True)
    sends, restricted = await a_rule(shop, tool), await a_rule(shop, tool, {"any": [at_least(100), at_least(50)]})
    none = await a_rule(shop, tool, {"none": [{"all": [at_least(1), at_least(5)]}]})
    off = await a_rule(shop, tool, active=False)
    event_id = await rewarded(shop, clock)
    later = await a_rule(shop, tool)
    found = await outcomes(shop, event_id)
    assert {id: rule["what"] for id, rule in found.items()} == {
        sends: "queued",
        restricted: "restricted",
        none: "restricted",
        off: "rule_off",
        later: "made_later",
    }
    assert found[sends]["delivery_id"]
    assert found[restricted]["restrictions"] == [
        {"asked": "the amount is at least 100 coins", "found": "10 coins"},
        {"asked": "the amount is at least 50 coins", "found": "10 coins"},
    ]
    assert [one["asked"] for one in found[none]["restrictions"]] == [
        "it is not true that the amount is at least 1 coins",
        "it is not true that the amount is at least 5 coins",
    ]
    owner = await signed_in(shop, await person(shop, "asha"))
    page = (await owner.get(f"/events/{event_id}")).text
    assert "the amount is at least 100 coins</b>; found: <b>10 coins" in page
    assert "The rule was made after the event." in page
    assert "or events were off" not in page


async def test_what_was_true_then_is_told_after_the_rules_were_changed(shop: Shop, clock: HandClock) -> None:
    tool = await a_tool(shop)
    await switch(shop, True)
    rule = await a_rule(shop, tool, at_least(100))
    event_id = await rewarded(shop, clock)
    await shop.manage("PATCH", f"/send-events/{rule}", json={"condition": None})
    assert (await outcomes(shop, event_id))[rule]["what"] == "restricted"
    clock.advance(seconds=60)
    await shop.manage("PATCH", f"/send-events/{rule}", json={"active": False})
    second = await rewarded(shop, clock)
    clock.advance(seconds=60)
    await shop.manage("DELETE", f"/send-events/{rule}")
    assert (await outcomes(shop, event_id))[rule]["what"] == "restricted"
    assert "at least 100" in (await outcomes(shop, event_id))[rule]["sentence"]
    assert (await outcomes(shop, second))[rule]["what"] == "rule_off"
    assert rule not in await outcomes(shop, await rewarded(shop, clock))


async def test_events_that_were_off_are_named_as_the_reason(shop: Shop, clock: HandClock) -> None:
    rule = await a_rule(shop, await a_tool(shop))
    while_off = await rewarded(shop, clock)
    assert (await outcomes(shop, while_off))[rule]["what"] == "events_off"
    await switch(shop, True)
    assert (await outcomes(shop, while_off))[rule]["what"] == "events_off"
    unread = await rewarded(shop, clock, read=False)
    assert (await outcomes(shop, unread))[rule]["what"] == "waiting"
    await switch(shop, False)
    await fan_out(shop)
    assert (await outcomes(shop, unread))[rule]["words"] == "Events were switched off before this one was looked at."
    clock.advance(seconds=60)
    await switch(shop, True)
    assert (await outcomes(shop, unread))[rule]["what"] == "events_off"
    assert (await outcomes(shop, await rewarded(shop, clock)))[rule]["what"] == "queued"


async def test_a_rule_stopped_before_an_event_was_looked_at_says_so(shop: Shop, clock: HandClock) -> None:
    rule = await a_rule(shop, await a_tool(shop))
    await switch(shop, True)
    event_id = await rewarded(shop, clock, read=False)
    await shop.manage("PATCH", f"/send-events/{rule}", json={"active": False})
    await fan_out(shop)
    found = (await outcomes(shop, event_id))[rule]
    assert (found["what"], found["words"]) == ("rule_off", "The rule was switched off before the event was looked at.")


async def test_an_event_that_no_rule_asks_for_offers_to_make_one(shop: Shop, clock: HandClock) -> None:
    event_id = await rewarded(shop, clock)
    assert await outcomes(shop, event_id) == {}
    owner = await signed_in(shop, await person(shop, "asha"))
    assert "No rule asks for this event" in (await owner.get(f"/events/{event_id}")).text


async def test_a_test_says_when_the_rule_would_not_send_it_by_itself(shop: Shop, clock: HandClock) -> None:
    await switch(shop, True)
    tool = await a_tool(shop)
    rule, open_rule = await a_rule(shop, tool, at_least(100)), await a_rule(shop, tool)
    await rewarded(shop, clock)
    body = {"by": "email", "address": ASHA["email"]}
    told = (await shop.manage("POST", f"/send-events/{rule}/test", json=body)).json()["rule"]
    assert told["what"] == "restricted"
    assert told["restrictions"] == [{"asked": "the amount is at least 100 coins", "found": "10 coins"}]
    told = (await shop.manage("POST", f"/send-events/{open_rule}/test", json=body)).json()["rule"]
    assert told["what"] == "would_send"
    owner = await signed_in(shop, await person(shop, "asha"))
    page = (await owner.post(f"/events/send/{rule}/test", **body)).text
    assert "By itself the rule would not send it." in page
    assert "found: <b>10 coins" in page
    all_of_them = await made(shop, "Everybody", None)
    inside = {"property": "segments", "operator": "any_of", "value": [all_of_them["id"]]}
    told = (await shop.manage("POST", f"/send-events/{await a_rule(shop, tool, inside)}/test", json=body)).json()[
        "rule"
    ]
    assert told["what"] == "would_send"
    assert "By itself" not in (await owner.post(f"/events/send/{open_rule}/test", **body)).text
