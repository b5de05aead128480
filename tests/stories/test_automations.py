"""Automations at the door of programs: written, published, launched; then people pass through them."""

from typing import Any

import httpx
import pytest

from regulars.kit import HandClock
from tests.doors import ASHA, Shop
from tests.stories.test_messages_sent import BO, Desk
from tests.stories.test_segments import customer_id, followed

DAY = 24 * 3_600
COINS = {"kind": "event", "topic": "walletreward_create"}


@pytest.fixture
async def desk(shop: Shop, client: httpx.AsyncClient, clock: HandClock) -> Desk:
    desk = Desk(shop, client, clock)
    for who in (ASHA, BO):
        assert (await shop.manage("POST", "/customers", json=who)).status_code == 201
    await desk.rules(quiet_from=0, quiet_until=0)
    await desk.letter()
    await desk.ready()
    return desk


async def launched(shop: Shop, definition: dict[str, Any], name: str = "Thanks", **how: Any) -> dict[str, Any]:
    answer = await shop.manage("POST", "/automations", json={"name": name, "definition": definition})
    assert answer.status_code == 201, answer.text
    assert answer.json()["findings"] == []
    return await again(shop, answer.json()["id"], **how)


async def again(shop: Shop, id: str, **how: Any) -> dict[str, Any]:
    for act, body in (("publish", None), ("launch", how)):
        answer = await shop.manage("POST", f"/automations/{id}/{act}", json=body)
        assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def coins(shop: Shop, amount: int = 50, who: dict[str, Any] = ASHA) -> None:
    path = f"/customers/{await customer_id(shop, who)}/transactions"
    answer = await shop.manage("POST", path, json={"operation": "cr", "amount": amount, "reason": "Thanks"})
    assert answer.status_code == 201, answer.text


async def runs(shop: Shop, one: dict[str, Any], **by: Any) -> list[tuple[str, str, str, str]]:
    """Who, at which step, how it stands and why: oldest first."""
    items = (await shop.manage("GET", f"/automations/{one['id']}/runs", params=by)).json()["items"]
    return [
        (run["customer"]["name"].partition(" ")[0], run["at_step"], run["state"], run["reason"])
        for run in reversed(items)
    ]


async def counted(shop: Shop, one: dict[str, Any]) -> dict[str, Any]:
    """By step: how many entered, wait, and what became of the others."""
    items = (await shop.manage("GET", f"/automations/{one['id']}/counts")).json()["items"]
    return {
        item["step_id"]: (
            item["entered"],
            item["waiting"],
            {" ".join(filter(None, (o["outcome"], o["reason"]))): o["people"] for o in item["outcomes"]},
        )
        for item in items
    }


def mail(desk: Desk, id: str = "mail") -> dict[str, Any]:
    return {"id": id, "kind": "message", "template_id": desk.template}


async def test_a_draft_is_kept_as_it_is_and_says_step_by_step_what_is_missing(shop: Shop) -> None:
    async def change(status: int = 200, **body: Any) -> dict[str, Any]:
        answer = await shop.manage("PATCH", f"/automations/{one['id']}", json=body)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    one = (await shop.manage("POST", "/automations", json={"name": " Thanks "})).json()
    assert (one["name"], one["state"], one["version"], one["revision"]) == ("Thanks", "draft", 0, 1)
    assert {f["step"] for f in one["findings"]} == {"trigger"}
    # Or one of the gallery, with the templates and the segment that it names.
    listed = (await shop.manage("GET", "/automations/gallery")).json()["items"]
    (win,) = (entry for entry in listed if entry["key"] == "win_back")
    begun = (await shop.manage("POST", "/automations", json={"from": "win_back", "name": "We miss you"})).json()
    assert (begun["name"], begun["findings"]) == ("We miss you", [])
    made = {path: (await shop.manage("GET", f"/{path}")).json()["items"] for path in ("templates", "segments")}
    assert {t["name"] for t in made["templates"]} == set(win["templates"])
    assert [s["name"] for s in made["segments"]] == [win["segment"]]
    for body, field in (({"from": "no"}, "from"), ({}, "name"), ({"from": "welcome", "definition": {}}, "definition")):
        refused = await shop.manage("POST", "/automations", json=body)
        assert (refused.status_code, list(refused.json()["fields"])) == (422, [field])
    wrong = {
        "trigger": {"kind": "event", "topic": "no_such"},
        "filter": {"property": "no_such", "operator": "is", "value": 1},
        "again": "often",
        "goal": {"topic": "order_create", "where": {"property": "x", "operator": "is", "value": 1}},
        "steps": [
            {"id": "a", "kind": "wait", "for_s": 0},
            {"id": "a", "kind": "exit"},
            {"id": "b", "kind": "wait", "for_s": 60, "until": "09:00"},
            {"id": "c", "kind": "wait", "until": "9 o'clock"},
            {"id": "d", "kind": "branch", "condition": {}, "yes": [{"id": "e", "kind": "dance"}], "no": 1},
            {"id": "f", "kind": "split", "ways": [{"share": 60, "steps": []}, {"share": 50, "steps": []}]},
            {"id": "g", "kind": "message", "template_id": "0190a4e2-0000-7000-8000-000000000000", "colour": "red"},
            {"id": "h", "kind": "wait_event", "topic": "order_create", "came": [], "otherwise": []},
        ],
    }
    drafted = await change(definition=wrong, revision=1)
    assert (drafted["revision"], drafted["definition"]) == (2, wrong)
    found = {(f["step"], f["field"]): f["message"] for f in drafted["findings"]}
    assert found.keys() >= {
        ("trigger", "topic"), ("filter", "property"), ("again", ""), ("goal", "where.property"), ("steps[0]", "id"),
        ("b", "for_s"), ("c", "until"), ("d", "condition.property"), ("e", "kind"), ("d", "no"), ("f", "ways"),
        ("g", "colour"), ("h", "longest_s"),
    }  # fmt: skip
    assert found["c", "until"] == "expected a time by the shop's clock, such as 09:00"
    assert (await change(409, definition={}, revision=1))["code"] == "draft_changed"
    assert "revision" in (await change(422, definition={}))["detail"]
    refused = await shop.manage("POST", f"/automations/{one['id']}/publish")
    assert refused.status_code == 422
    assert "c.until" in refused.json()["fields"]
    assert (await shop.manage("POST", f"/automations/{one['id']}/launch", json={})).status_code == 409
    assert (await change(name="Other"))["name"] == "Other"
    good = {"trigger": COINS, "steps": [{"id": "a", "kind": "wait", "for_s": 60}]}
    assert (await change(definition=good, revision=2))["findings"] == []
    undone = await shop.manage("POST", f"/automations/{one['id']}/undo", json={"revision": 3})
    assert (undone.json()["definition"], undone.json()["revision"]) == (wrong, 4)
    undone = await shop.manage("POST", f"/automations/{one['id']}/undo", json={"revision": 4})
    assert undone.json()["definition"]["steps"] == []
    assert (await shop.manage("POST", f"/automations/{one['id']}/undo", json={"revision": 5})).status_code == 409
    await change(definition=good, revision=5)
    ran = await again(shop, one["id"])
    assert (ran["state"], ran["version"], ran["launched"]) == ("running", 1, 1)
    assert (await again(shop, one["id"]))["version"] == 1
    (version,) = (await shop.manage("GET", f"/automations/{one['id']}/versions")).json()["items"]
    assert version["definition"] == good
    assert (await shop.manage("DELETE", f"/automations/{one['id']}")).status_code == 409
    assert (await shop.manage("POST", f"/automations/{one['id']}/pause")).json()["state"] == "paused"
    assert (await shop.manage("DELETE", f"/automations/{one['id']}")).status_code == 204
    assert (await shop.manage("GET", f"/automations/{one['id']}")).status_code == 404


async def test_coins_wait_a_day_and_are_written_about(desk: Desk, clock: HandClock) -> None:
    shop = desk.shop
    asked = {"property": "amount", "operator": "at_least", "value": 40}
    steps = [
        {"id": "wait", "kind": "wait", "for_s": DAY},
        {
            "id": "rich", "kind": "branch",
            "condition": {"property": "customer_balance", "operator": "at_least", "value": 100},
            "yes": [mail(desk)], "no": [{"id": "out", "kind": "exit"}],
        },
        {"id": "later", "kind": "wait", "until": "09:00", "weekdays": [1]},
    ]  # fmt: skip
    one = await launched(shop, {"trigger": COINS, "filter": asked, "steps": steps})
    await coins(shop, 30, BO)
    await coins(shop, 60)
    await coins(shop, 60)
    await coins(shop, 50, BO)
    await followed(shop)
    assert await runs(shop, one) == [("Asha", "wait", "waiting", ""), ("Bo", "wait", "waiting", "")]
    clock.advance(seconds=DAY - 1)
    await followed(shop)
    assert desk.box.mails == []
    clock.advance(seconds=1)
    await followed(shop)
    await desk.work()
    assert [mail["to"] for mail in desk.box.mails] == [ASHA["email"]]
    assert await runs(shop, one) == [("Asha", "later", "waiting", ""), ("Bo", "out", "left", "exit")]
    assert await counted(shop, one) == {
        "": (2, 0, {"left exit": 1}),
        "wait": (2, 0, {"waited": 2}),
        "rich": (2, 0, {"yes": 1, "no": 1}),
        "mail": (1, 0, {"sent": 1}),
        "out": (1, 0, {}),
        "later": (1, 1, {}),
    }
    assert (await shop.manage("GET", f"/automations/{one['id']}")).json()["people_inside"] == 1
    path = f"/automations/{one['id']}/people"
    (sent,) = (await shop.manage("GET", path, params={"step_id": "mail", "outcome": "sent"})).json()["items"]
    assert sent["customer"]["name"] == ASHA["name"]
    whole = (await shop.manage("GET", f"/messages/{sent['id']}")).json()
    assert (whole["source_kind"], whole["source_id"], whole["state"]) == ("automation", one["id"], "sent")
    clock.advance(days=7)
    await followed(shop)
    assert (await runs(shop, one))[0] == ("Asha", "later", "done", "")
    await coins(shop, 70)
    await followed(shop)
    assert len(await runs(shop, one)) == 2  # never again


async def test_a_message_that_was_reserved_waits_while_its_automation_is_paused(shop: Shop, desk: Desk) -> None:
    one = await launched(shop, {"trigger": COINS, "steps": [mail(desk)]})
    await coins(shop)
    await followed(shop)
    await shop.manage("POST", f"/automations/{one['id']}/pause")
    await desk.work()
    [message] = (await shop.manage("GET", "/messages")).json()["items"]
    assert (desk.box.mails, message["state"], message["reason_code"]) == ([], "queued", "paused")
    await again(shop, one["id"])
    await desk.work()
    assert [letter["to"] for letter in desk.box.mails] == [ASHA["email"]]
