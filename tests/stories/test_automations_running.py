"""People pass through automations: what starts a run, moves it on and ends it, and what survives."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from regulars import events, limits
from regulars.kit import HandClock
from tests import make
from tests.doors import ASHA, Shop, a_shop
from tests.stories.test_automations import COINS, DAY, again, coins, counted, desk, launched, mail, runs
from tests.stories.test_messages_sent import BO, Desk
from tests.stories.test_segments import customer_id, followed, made, order

__all__ = ["desk"]
EXIT = {"id": "out", "kind": "exit"}
ORDERED = {"kind": "event", "topic": "order_create"}


def wait(seconds: int = DAY, id: str = "wait") -> dict[str, Any]:
    return {"id": id, "kind": "wait", "for_s": seconds}


async def test_one_waits_for_an_event_and_what_comes_first_counts(shop: Shop, clock: HandClock) -> None:
    asked = {"property": "fiat_amount", "operator": "at_least", "value": 100}
    waits = {
        "id": "order", "kind": "wait_event", "topic": "order_create", "where": asked, "longest_s": 3 * DAY,
        "came": [wait(60, "soon")], "otherwise": [EXIT],
    }  # fmt: skip
    for who in (ASHA, BO):
        await shop.manage("POST", "/customers", json=who)
    exits = [{"topic": "lead_update"}]
    goal = {"topic": "order_create", "where": {"property": "fiat_amount", "operator": "at_least", "value": 500}}
    definition = {"trigger": COINS, "steps": [waits], "exits": exits, "goal": goal, "again": "always"}
    one = await launched(shop, definition)
    await coins(shop)
    await coins(shop, 50, BO)
    await followed(shop)
    await order(shop, "1", amount="90")
    await order(shop, "2", BO, amount="120")
    await followed(shop)
    assert await runs(shop, one) == [("Asha", "order", "waiting", ""), ("Bo", "soon", "waiting", "")]
    clock.advance(days=3)
    await followed(shop)
    assert await runs(shop, one) == [("Asha", "out", "left", "exit"), ("Bo", "soon", "done", "")]
    await coins(shop)
    await coins(shop, 50, BO)
    await followed(shop)
    await order(shop, "3", amount="600")
    await shop.manage("PATCH", f"/customers/{await customer_id(shop, BO)}", json={"name": "Bob"})
    await followed(shop)
    assert (await runs(shop, one))[2:] == [("Asha", "order", "goal", ""), ("Bob", "order", "left", "lead_update")]
    assert (await counted(shop, one))["order"] == (4, 0, {"came": 1, "otherwise": 1})


async def test_who_enters_a_segment_or_has_a_day_begins_and_how_often(shop: Shop, clock: HandClock) -> None:
    clock.move((clock.now() + timedelta(days=1)).replace(hour=7, minute=0))
    born = f"1990-{clock.now() + timedelta(days=8):%m-%d}"
    for who in (ASHA, BO):
        await shop.manage("POST", "/customers", json={**who, **({"dob": born} if who is BO else {})})
    loyal = await made(shop, "Loyal", {"done": "order_create", "when": {"last_days": 10}})
    split = {"id": "split", "kind": "split", "ways": [{"share": 50, "steps": []}, {"share": 50, "steps": [wait()]}]}
    entered = {"kind": "segment", "segment_id": loyal["id"], "edge": "enter"}
    one = await launched(shop, {"trigger": entered, "again": "after", "again_days": 20, "steps": [split]}, "Loyal")
    left = {"kind": "segment", "segment_id": loyal["id"], "edge": "leave"}
    two = await launched(shop, {"trigger": left, "again": "always", "steps": [EXIT]}, "Left")
    day = {"kind": "date", "property": "birthday", "offset_days": -7, "at": "09:00"}
    three = await launched(shop, {"trigger": day, "steps": [wait(60)]}, "Birthday")
    weekly = {"kind": "schedule", "every": "day", "at": "08:00", "segment_id": loyal["id"]}
    four = await launched(shop, {"trigger": weekly, "again": "always", "steps": [EXIT]}, "Daily")
    await order(shop, "1")
    await followed(shop)
    assert [run[0] for run in await runs(shop, one)] == ["Asha"]
    assert [await runs(shop, other) for other in (two, three, four)] == [[], [], []]
    clock.advance(days=1, hours=1, minutes=30)  # 08:30 of the next day: the schedule once
    await followed(shop)
    assert await runs(shop, four) == [("Asha", "out", "left", "exit")]
    clock.advance(hours=1)  # 09:30, a week before the birthday
    await followed(shop)
    assert await runs(shop, three) == [("Bo", "wait", "waiting", "")]
    clock.advance(days=3)  # Nobody was there for three days: of the starts that were missed, one.
    await followed(shop)
    assert len(await runs(shop, four)) == 2
    clock.advance(days=8)  # out of the window; and in again, too soon
    await followed(shop)
    assert await runs(shop, two) == [("Asha", "out", "left", "exit")]
    await order(shop, "2")
    await followed(shop)
    assert len(await runs(shop, one)) == 1
    clock.advance(days=12)
    await followed(shop)
    await order(shop, "3")
    await followed(shop)
    assert len(await runs(shop, one)) == 2
    assert len(await runs(shop, two)) == 2


async def test_days_that_nobody_went_through_are_made_up_for(shop: Shop, clock: HandClock) -> None:
    ids = []
    for n in range(4):
        born = f"1990-{clock.now() + timedelta(days=n + 1):%m-%d}"
        who = {"customer_id": f"shopify-{n + 10}", "name": f"P{n}", "dob": born}
        ids.append((await shop.manage("POST", "/customers", json=who)).json()["id"])
    trigger = {"kind": "date", "property": "birthday", "at": "00:00"}
    one = await launched(
        shop,
        {"trigger": trigger, "steps": [{"id": "x", "kind": "wait", "until_property": "birthday", "offset_days": 3}]},
    )
    clock.advance(days=3)
    await followed(shop)
    assert sorted(run[0] for run in await runs(shop, one)) == ["P0", "P1", "P2"]
    for _ in range(3):
        await followed(shop)
    assert len(await runs(shop, one)) == 3


async def test_what_starts_itself_comes_to_rest_and_says_so(shop: Shop) -> None:
    trigger = await shop.trigger("Bonus")
    reward = {"id": "more", "kind": "reward", "trigger_id": str(trigger.id)}
    await shop.manage("POST", "/customers", json=ASHA)
    one = await launched(shop, {"trigger": COINS, "again": "always", "steps": [reward]})
    await coins(shop)
    for _ in range(12):
        await followed(shop)
    found = await runs(shop, one)
    assert len(found) == limits.EVENT_DEPTH_MAX + 1
    assert set(found) == {("Asha", "more", "done", "")}
    assert (await counted(shop, one))["more"] == (9, 0, {"granted": 9})
    (words,) = (await shop.manage("GET", f"/automations/{one['id']}")).json()["stuck"]
    assert "came to rest" in words
    assert (await again(shop, one["id"]))["stuck"] == []


async def test_people_stay_on_their_version_or_are_moved_and_wait_as_long_as_that_says(
    shop: Shop, clock: HandClock
) -> None:
    async def another(seconds: int, **how: Any) -> None:
        known = (await shop.manage("GET", f"/automations/{one['id']}")).json()
        body = {"definition": {"trigger": COINS, "steps": [wait(seconds)]}, "revision": known["revision"]}
        await shop.manage("PATCH", f"/automations/{one['id']}", json=body)
        await again(shop, one["id"], **how)

    await shop.manage("POST", "/customers", json=ASHA)
    await shop.manage("POST", "/customers", json=BO)
    one = await launched(shop, {"trigger": COINS, "steps": [wait(), EXIT]})
    await coins(shop)
    await followed(shop)
    await another(10 * DAY)
    await coins(shop, 50, BO)
    async with shop.app.db.transaction() as tx:  # as many more as that, who came to the step when Asha did
        await tx.execute(
            "INSERT INTO automations_run (workspace_id, id, automation_id, version, customer_id, at_step, arrived_at,"
            " state, entered_at, wakes_at) SELECT workspace_id, gen_random_uuid(), automation_id, version,"
            " gen_random_uuid(), at_step, arrived_at, state, entered_at, wakes_at"
            " FROM automations_run CROSS JOIN generate_series(1, 3000)"
        )
    await followed(shop)
    clock.advance(days=1)
    await shop.manage("POST", f"/automations/{one['id']}/pause")
    await followed(shop)
    assert await runs(shop, one, state="done") == []
    await another(2 * DAY, people_inside="move")
    await followed(shop)
    assert (await counted(shop, one))["wait"][1] == 3002
    assert await runs(shop, one, state="done") == []
    clock.advance(days=1)
    await followed(shop)
    assert (await counted(shop, one))["wait"] == (2, 0, {"waited": 3002})
    assert (await counted(shop, one))[""] == (2, 0, {"done": 3002})


async def test_those_inside_go_on_by_the_version_that_they_entered_by(shop: Shop, clock: HandClock) -> None:
    await shop.manage("POST", "/customers", json=ASHA)
    one = await launched(shop, {"trigger": COINS, "steps": [wait(), EXIT]})
    await coins(shop)
    await followed(shop)
    known = (await shop.manage("GET", f"/automations/{one['id']}")).json()
    other = {"trigger": ORDERED, "steps": [{"id": "other", "kind": "wait", "for_s": 60}]}
    await shop.manage("PATCH", f"/automations/{one['id']}", json={"definition": other, "revision": known["revision"]})
    await again(shop, one["id"])
    clock.advance(days=1)
    await followed(shop)
    assert await runs(shop, one) == [("Asha", "out", "left", "exit")]


async def test_a_step_that_cannot_be_done_is_waited_at_and_told_of(
    shop: Shop, client: httpx.AsyncClient, clock: HandClock
) -> None:
    desk = Desk(shop, client, clock)
    await shop.manage("POST", "/customers", json=ASHA)
    await desk.rules(quiet_from=0, quiet_until=0)
    await desk.letter()
    one = await launched(shop, {"trigger": COINS, "steps": [mail(desk)]})
    await coins(shop)
    await followed(shop)
    assert await runs(shop, one) == [("Asha", "mail", "waiting", "no_ready_sender")]
    (words,) = (await shop.manage("GET", f"/automations/{one['id']}")).json()["stuck"]
    assert words == "1 customer can't go on: there is no sender that is ready."
    assert (await shop.manage("GET", "/overview")).json()["automations_stuck"] == [f"Thanks: {words}"]
    await desk.ready()
    clock.advance(seconds=limits.AUTOMATION_AGAIN_S)
    await followed(shop)
    await desk.work()
    assert [mail["to"] for mail in desk.box.mails] == [ASHA["email"]]
    assert await runs(shop, one) == [("Asha", "mail", "done", "")]
    await shop.manage("DELETE", f"/templates/{desk.template}")
    (words,) = (await shop.manage("GET", f"/automations/{one['id']}")).json()["stuck"]
    assert words == "Its step mail needs the id of a template of this shop."


async def test_it_is_asked_again_right_before_a_message_is_sent(desk: Desk, clock: HandClock) -> None:
    shop = desk.shop
    named = {"property": "customer_email", "operator": "contains", "value": "example"}
    gone = {"property": "customer_orders", "operator": "at_least", "value": 1}
    definition = {"trigger": COINS, "filter": named, "exit_when": gone, "steps": [mail(desk), wait(30 * DAY)]}
    one = await launched(shop, definition)
    await desk.rules(quiet_from=0, quiet_until=23)
    for who in (ASHA, BO):
        await coins(shop, 50, who)
    await followed(shop)
    await desk.work()
    assert desk.box.mails == []
    await shop.manage("PATCH", f"/customers/{await customer_id(shop)}", json={"email": "asha@elsewhere.test"})
    await order(shop, "1", BO)
    clock.move((clock.now() + timedelta(days=1)).replace(hour=23, minute=30))
    await desk.work()
    assert desk.box.mails == []
    assert (await counted(shop, one))["mail"] == (2, 0, {"skipped left_before": 1, "skipped no_longer_matches": 1})
    assert ("Bo", "wait", "left", "exit_when") in await runs(shop, one)


async def test_what_waits_while_it_is_paused_does_not_wait_for_ever_when_it_is_removed(desk: Desk) -> None:
    one = await launched(desk.shop, {"trigger": COINS, "steps": [mail(desk)]})
    await coins(desk.shop)
    await followed(desk.shop)
    assert (await desk.shop.manage("POST", f"/automations/{one['id']}/pause")).status_code == 200
    await desk.work()
    assert desk.box.mails == []
    await desk.shop.manage("DELETE", f"/automations/{one['id']}")
    desk.clock.advance(seconds=limits.CAMPAIGN_PAUSED_S)
    await desk.work()
    assert [said["to"] for said in desk.box.mails] == [ASHA["email"]]


async def test_who_came_through_a_step_is_shown_as_long_as_deliveries_are_kept(
    shop: Shop, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.manage("POST", "/customers", json=ASHA)
    one = await launched(shop, {"trigger": COINS, "again": "always", "steps": [wait(60), EXIT]})
    for months in (7, 1):
        async with make.ids_of(shop.app.db, monkeypatch, datetime.now(UTC) - timedelta(days=31 * months)):
            await coins(shop)
            await followed(shop)
            clock.advance(minutes=2)
            await followed(shop)
    path = f"/automations/{one['id']}/people"
    assert len((await shop.manage("GET", path, params={"step_id": "wait"})).json()["items"]) == 1
    assert (await counted(shop, one))["wait"] == (2, 0, {"waited": 2})


async def test_who_is_merged_or_erased_and_the_shops_beside(
    shop: Shop, client: httpx.AsyncClient, clock: HandClock
) -> None:
    other = await a_shop(shop.app, client, clock.now(), "Bakery")
    of = {}
    for one in (shop, other):
        for who in (ASHA, BO):
            await one.manage("POST", "/customers", json=who)
        of[one.id] = await launched(one, {"trigger": COINS, "steps": [wait()]})
    await coins(shop)
    await coins(shop, 50, BO)
    await followed(shop)
    assert await runs(other, of[other.id]) == []
    assert (await other.manage("GET", f"/automations/{of[shop.id]['id']}")).status_code == 404
    bo, asha = await customer_id(shop, BO), await customer_id(shop)
    assert (await shop.manage("POST", f"/customers/{bo}/merge", json={"into": asha})).status_code == 200
    assert sorted(await runs(shop, of[shop.id])) == [
        ("Asha", "wait", "stopped", "merged"),
        ("Asha", "wait", "waiting", ""),
    ]
    export = (await shop.manage("GET", f"/customers/{asha}/export")).json()
    assert [one["automation"] for one in export["automations"]] == ["Thanks", "Thanks"]
    assert (await shop.manage("DELETE", f"/customers/{asha}")).status_code == 204
    clock.advance(days=2)
    await followed(shop)
    assert {run[2:] for run in await runs(shop, of[shop.id])} == {("stopped", "merged"), ("stopped", "erased")}
    assert (await counted(shop, of[shop.id]))["wait"] == (2, 0, {})


async def test_a_draft_is_tried_on_what_happened_and_with_a_customer(desk: Desk, clock: HandClock) -> None:
    shop = desk.shop
    asked = {"property": "amount", "operator": "at_least", "value": 40}
    rich = {"property": "customer_balance", "operator": "at_least", "value": 100}
    waits = {
        "id": "order", "kind": "wait_event", "topic": "order_create", "longest_s": DAY,
        "came": [EXIT], "otherwise": [mail(desk)],
    }  # fmt: skip
    steps = [
        wait(60),
        {"id": "rich", "kind": "branch", "condition": rich, "yes": [], "no": [mail(desk, "poor")]},
        waits,
    ]
    definition = {"trigger": COINS, "filter": asked, "steps": steps}
    made = (await shop.manage("POST", "/automations", json={"name": "Thanks", "definition": definition})).json()
    for _ in range(2):
        await coins(shop, 60)
    await coins(shop, 50, BO)
    clock.advance(minutes=5)
    await order(shop, "1", BO)
    clock.advance(days=1)
    tried = (await shop.manage("POST", f"/automations/{made['id']}/dry-run", json={"days": 7})).json()
    assert (tried["looked_through"], tried["entered"]) == (3, 2)
    assert tried["steps"] == {"wait": 2, "rich": 2, "order": 2, "poor": 1, "mail": 1, "out": 1}
    asha, bo = tried["people"]
    assert [(one["step_id"], one["outcome"]) for one in asha["steps"]] == [
        ("wait", "waited"), ("rich", "yes"), ("order", "otherwise"), ("mail", "")]  # fmt: skip
    assert asha["steps"][-1]["content"]["subject"] == "For Asha Rao"
    assert [one["step_id"] for one in bo["steps"]] == ["wait", "rich", "poor", "order", "out"]
    body = {"customer_id": ASHA["customer_id"], "test_to": "staff@shop.example"}
    way = (await shop.manage("POST", f"/automations/{made['id']}/test", json=body)).json()
    assert [one["step_id"] for one in way["steps"]] == ["wait", "rich", "order", "mail"]
    await desk.work()
    assert [one["to"] for one in desk.box.mails] == ["staff@shop.example"]
    assert await runs(shop, made) == []
    loyal = await made_segment(shop)
    daily = {"kind": "schedule", "every": "day", "segment_id": loyal["id"]}
    body = {"definition": {"trigger": daily, "steps": [wait()]}, "revision": 1}
    await shop.manage("PATCH", f"/automations/{made['id']}", json=body)
    tried = (await shop.manage("POST", f"/automations/{made['id']}/dry-run", json={})).json()
    assert (tried["entered"], tried["steps"]) == (1, {"wait": 1})
    assert tried["people"][0]["event_id"] is None


async def made_segment(shop: Shop) -> dict[str, Any]:
    return await made(shop, "Ordered", {"done": "order_create"})


async def test_a_step_tells_a_tool_of_an_event_of_the_shops_own(shop: Shop) -> None:
    await shop.manage("POST", "/customers", json=ASHA)
    settings = {"url": "https://tool.example/hook", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    tool = (await shop.manage("POST", "/integrations", json={"tool": "webhook", "settings": settings})).json()
    step = {"id": "tell", "kind": "event", "integration_id": tool["integration"]["id"], "name": "vip_welcomed"}
    one = await launched(shop, {"trigger": COINS, "steps": [step]})
    await coins(shop, 50)
    await followed(shop)
    assert (await counted(shop, one))["tell"] == (1, 0, {"queued": 1})
    (sent,) = (await shop.manage("GET", "/deliveries")).json()["items"]
    assert (sent["event_name"], sent["state"]) == ("vip_welcomed", "queued")
    async with shop.app.db.reading() as tx:
        told = await events.get(tx, shop.workspace.id, UUID(sent["event_id"]))
    said = msgspec.json.decode(told.body)
    assert (told.depth, said["amount"], said["user_name"]) == (1, 50, ASHA["name"])
