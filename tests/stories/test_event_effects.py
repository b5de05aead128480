"""What led to an event, and all that it led to: as a tree, by the API and on the event's page."""

from typing import Any

from regulars import limits
from tests.doors import Shop
from tests.stories.browsing import person, signed_in
from tests.stories.test_automations import COINS, coins, desk, launched, mail
from tests.stories.test_dashboard_sentences import words
from tests.stories.test_event_outcomes import a_rule, a_tool, fan_out
from tests.stories.test_messages_sent import Desk
from tests.stories.test_segments import followed
from tests.stories.test_why import outline

__all__ = ["desk"]


async def test_an_event_shows_what_it_set_off_and_each_of_those_what_led_to_it(desk: Desk) -> None:
    shop, tool = desk.shop, await a_tool(desk.shop)
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    rule = await a_rule(shop, tool)
    more = {"id": "more", "kind": "reward", "trigger_id": str((await shop.trigger("More", coins=(7, 7))).id)}
    automation = await launched(shop, {"trigger": COINS, "steps": [mail(desk), more]})
    await coins(shop)
    await followed(shop)
    await fan_out(shop)
    logged = (await shop.manage("GET", "/events", params={"topic": "walletreward_create"})).json()["items"]
    later, first = logged
    assert later["cause_id"] == first["id"]

    read = (await shop.manage("GET", f"/events/{first['id']}")).json()
    assert read["causes"] == []
    assert [line for step in read["effects"] for line in outline(step)] == [
        "event walletreward_create",
        "  rule queued",
        "automation done",
        "  message queued",
    ]
    told, run = read["effects"]
    assert (told["id"], told["rules"][0]["rule_id"], run["automation_id"]) == (later["id"], rule, automation["id"])
    read = (await shop.manage("GET", f"/events/{later['id']}")).json()
    assert [step["id"] for step in read["causes"]] == [first["id"]]
    assert read["effects"] == []
    found = (await shop.manage("GET", "/why", params={"event_id": later["id"]})).json()["facts"]
    assert [line.strip() for line in outline(found[0])][:2] == ["event walletreward_create", "transaction success earn"]

    browser = await signed_in(shop, await person(shop, "asha"))
    page: Any = await browser.get(f"/events/{first['id']}")
    text = words(page.text)
    assert "Thanks Through" in text
    for href in (f"/automations/{automation['id']}", f"/events/{later['id']}", f"/messages/{run['steps'][0]['id']}"):
        assert f'href="{href}"' in page.text
    assert f'href="/events/{first["id"]}"' in (await browser.get(f"/events/{later['id']}")).text


async def test_what_it_led_to_has_a_width(desk: Desk, shop: Shop, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "WHY_EVENTS_MAX", 1)
    more = {"id": "more", "kind": "reward", "trigger_id": str((await shop.trigger("More", coins=(7, 7))).id)}
    await launched(shop, {"trigger": COINS, "steps": [more, {**more, "id": "again"}]})
    await coins(shop)
    await followed(shop)
    logged = (await shop.manage("GET", "/events", params={"topic": "walletreward_create"})).json()["items"]
    assert len(logged) == 3
    read = (await shop.manage("GET", f"/events/{logged[-1]['id']}")).json()
    assert [step["kind"] for step in read["effects"]] == ["event", "automation"]
