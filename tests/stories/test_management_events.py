"""A program manages who is told what: integrations, Send Events rules, deliveries."""

from typing import Any
from uuid import UUID

from regulars import delivery, dispatch, tenancy
from regulars.events import TOPICS
from regulars.kit.ids import new_id
from tests.doors import Shop
from tests.stories.browsing import person, signed_in
from tests.stories.test_event_outcomes import a_rule, a_tool, at_least, fan_out, switch

SETTINGS = {"url": "https://hooks.example.com/regulars"}


async def webhook(shop: Shop) -> dict[str, Any]:
    answer = await shop.manage("POST", "/integrations", json={"tool": "webhook", "settings": SETTINGS})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def rule(shop: Shop, integration_id: str, **more: Any) -> dict[str, Any]:
    body = {"topic": "walletreward_create", "integration_id": integration_id} | more
    answer = await shop.manage("POST", "/send-events", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_the_catalogue_is_told(shop: Shop) -> None:
    topics = (await shop.manage("GET", "/event-topics")).json()["items"]
    assert sorted(topic["topic"] for topic in topics) == sorted(TOPICS)
    emitted = [topic["emitted"] for topic in topics]
    assert emitted == sorted(emitted, reverse=True), "what is sent by this version comes first"
    detail = (await shop.manage("GET", "/event-topics/walletreward_create")).json()
    assert "closing_balance" in detail["schema"]["properties"]
    assert "amount" in [field["name"] for field in detail["restrictions"]]
    assert (await shop.manage("GET", "/event-topics/no_such_event")).status_code == 404


async def test_the_log_is_read(shop: Shop) -> None:
    answer = await shop.reward(await shop.trigger(), "shopify-1001")
    logged = (await shop.manage("GET", "/events", params={"customer_id": "shopify-1001"})).json()["items"]
    assert logged[0]["customer"]["id"] == answer.json()["data"]["activity"]["lead_id"]
    assert [event["topic"] for event in logged] == ["walletreward_create", "lead_create"]
    assert logged[0]["body"]["amount"] == 10
    one = (await shop.manage("GET", f"/events/{logged[0]['id']}")).json()
    assert (one["event"], one["deliveries"]) == (logged[0], [])
    wrong = await shop.manage("GET", "/events", params={"topic": "no_such_event"})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["topic"])


async def test_a_tool_is_connected_and_its_secret_said_once(shop: Shop) -> None:
    tools = (await shop.manage("GET", "/integration-tools")).json()["items"]
    assert {"omnisend", "webhook"} <= {tool["tool"] for tool in tools}
    made = await webhook(shop)
    (secret,) = made["new_secrets"].values()
    id = made["integration"]["id"]
    assert (made["integration"]["state"], made["integration"]["health"]["paused"]) == ("new", True)
    read = await shop.manage("GET", f"/integrations/{id}")
    assert secret not in read.text
    renamed = await shop.manage("PATCH", f"/integrations/{id}", json={"name": "Warehouse"})
    assert (renamed.json()["name"], renamed.json()["settings"]["url"]) == ("Warehouse", SETTINGS["url"])
    field = next(iter(made["new_secrets"]))
    rotated = await shop.manage("POST", f"/integrations/{id}/rotate", json={"field": field})
    assert rotated.json()["new_secrets"][field] != secret
    paused = await shop.manage("POST", f"/integrations/{id}/pause")
    assert (paused.json()["state"], paused.json()["health"]["paused"]) == ("paused", True)
    wrong = await shop.manage("POST", "/integrations", json={"tool": "webhook", "settings": {"url": "x", "zz": 1}})
    assert (wrong.status_code, set(wrong.json()["fields"])) == (422, {"url", "zz"})
    assert (await shop.manage("DELETE", f"/integrations/{id}")).status_code == 204
    assert (await shop.manage("GET", "/integrations")).json()["items"] == []


async def test_initialize_says_in_words_what_is_wrong(shop: Shop) -> None:
    """Addresses of this machine are not called unless a setting allows it, so nothing leaves it here."""
    settings = {"url": "https://127.0.0.1:9/hooks"}
    added = await shop.manage("POST", "/integrations", json={"tool": "webhook", "settings": settings})
    if added.status_code == 422:
        assert list(added.json()["fields"]) == ["url"]
        return
    outcome = (await shop.manage("POST", f"/integrations/{added.json()['integration']['id']}/initialize")).json()
    assert outcome["ok"] is False
    assert outcome["integration"]["state"] == "paused"
    assert outcome["integration"]["state_reason"] == outcome["sentence"]


async def test_rules_are_made_changed_and_deleted(shop: Shop) -> None:
    integration_id = (await webhook(shop))["integration"]["id"]
    condition = {"all": [{"property": "amount", "operator": "at_least", "value": 100}]}
    made = await rule(shop, integration_id, prefix="Shop ", condition=condition)
    assert made["event_name"] == "Shop walletreward_create"
    assert "100" in made["sentence"]
    path = f"/send-events/{made['id']}"
    changed = (await shop.manage("PATCH", path, json={"condition": None, "active": False})).json()
    assert (changed["condition"], changed["active"], changed["prefix"]) == (None, False, "Shop ")
    assert [one["id"] for one in (await shop.manage("GET", "/send-events")).json()["items"]] == [made["id"]]
    wrong = await shop.manage("PATCH", path, json={"condition": {"all": [{"property": "colour"}]}})
    assert wrong.status_code == 422
    assert (await shop.manage("DELETE", path)).status_code == 204
    assert (await shop.manage("GET", "/send-events")).json()["items"] == []
    assert (await shop.manage("DELETE", path)).status_code == 404


async def test_rules_end_with_their_integration(shop: Shop) -> None:
    integration_id = (await webhook(shop))["integration"]["id"]
    await rule(shop, integration_id)
    assert (await shop.manage("DELETE", f"/integrations/{integration_id}")).status_code == 204
    assert (await shop.manage("GET", "/send-events")).json()["items"] == []


async def test_a_test_event_needs_events_on_and_a_customer(shop: Shop) -> None:
    made = await rule(shop, (await webhook(shop))["integration"]["id"])
    body = {"by": "email", "address": "asha@example.com"}
    off = await shop.manage("POST", f"/send-events/{made['id']}/test", json=body)
    assert (off.status_code, off.json()["code"]) == (409, "events_off")
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    nobody = await shop.manage("POST", f"/send-events/{made['id']}/test", json=body)
    assert (nobody.status_code, list(nobody.json()["fields"])) == (404, ["email"])


async def test_a_delivery_names_its_customer_and_says_its_event_wherever_it_stands(shop: Shop) -> None:
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    made = {"tool": "webhook", "settings": {"url": "https://tool.example/hook"}}
    tool = (await shop.manage("POST", "/integrations", json=made)).json()["integration"]["id"]
    await shop.manage("POST", "/send-events", json={"topic": "walletreward_create", "integration_id": tool})
    assert (await shop.reward(await shop.trigger(), "shopify-1001")).status_code == 200
    async with shop.app.db.transaction() as tx:
        await dispatch.fan_out(tx, await tenancy.get_workspace(tx, shop.workspace.id), shop.app.clock.now())
    (one,) = (await shop.manage("GET", "/deliveries")).json()["items"]
    event = (await shop.manage("GET", f"/events/{one['event_id']}")).json()
    assert one["customer"] == event["event"]["customer"]
    assert one["customer"]["customer_id"] == "shopify-1001"
    assert one["sentence"] == event["event"]["sentence"] != ""
    assert one["integration_id"] == tool
    read = (await shop.manage("GET", f"/deliveries/{one['id']}")).json()["delivery"]
    found = (await shop.manage("GET", "/search", params={"text": one["id"]})).json()["deliveries"]
    assert [read, *found, *event["deliveries"]] == [one, one, one]
    as_csv = await shop.manage("GET", "/deliveries", send={"accept": "text/csv"})
    assert "customer.customer_id" in as_csv.text.splitlines()[0]


async def test_events_are_found_by_whom_they_were_told_to_and_what_came_of_it(shop: Shop) -> None:
    await switch(shop, True)
    first, second = await a_tool(shop), await a_tool(shop)
    await a_rule(shop, first)
    await a_rule(shop, first, prefix="Again ")
    await a_rule(shop, second, at_least(50))
    few, many = await shop.trigger(), await shop.trigger("Many", coins=(50, 50))
    for trigger, whom in ((few, "shopify-1001"), (many, "shopify-1001"), (few, "shopify-1002"), (many, "shopify-1002")):
        assert (await shop.reward(trigger, whom)).status_code == 200
    await fan_out(shop)

    async def found(**by: str) -> list[tuple[str, int]]:
        items, by = list[dict[str, Any]](), {"limit": "1", **by}
        while True:
            page = (await shop.manage("GET", "/events", params=by)).json()
            items += page["items"]
            if page["next"] is None:
                return [(one["customer"]["customer_id"], one["body"]["amount"]) for one in items]
            by["before"] = page["next"]

    asha, bo = [("shopify-1001", 50), ("shopify-1001", 10)], [("shopify-1002", 50), ("shopify-1002", 10)]
    assert await found(integration_id=first) == [*bo, *asha], "each once, though two rules tell of it"
    assert await found(state="queued", limit="3") == [*bo, *asha]
    assert await found(integration_id=second) == [bo[0], asha[0]]
    assert await found(integration_id=second, customer_id="shopify-1001") == [asha[0]]
    assert await found(integration_id=second, state="failed") == []
    assert await found(integration_id=second, topic="lead_create") == []
    assert await found(integration_id=second, until="2026-01-01T00:00:00Z") == []
    assert await found(state="queued", since="2026-01-01T00:00:00Z") == [*bo, *asha]
    async with shop.app.db.transaction() as tx:
        told = (await delivery.search_deliveries(tx, shop.workspace.id, lane_id=UUID(second))).items
        failed = "UPDATE delivery_delivery SET state = 'failed' WHERE workspace_id = $1 AND id = $2"
        await tx.execute(failed, shop.workspace.id, told[0].id)
    assert await found(state="failed") == [bo[0]]
    owner = await signed_in(shop, await person(shop, "asha"))
    page = (await owner.get(f"/events?to={second}&state=queued")).text
    assert page.count('class="whole" href="/events/') == 1
    assert "Told: Queued" in page
    for whom, name in (("shopify-1001", "Asha Rao"), ("shopify-1002", "Asha Bo")):
        id = (await shop.manage("GET", "/customers", params={"text": whom})).json()["items"][0]["id"]
        assert (await shop.manage("PATCH", f"/customers/{id}", json={"name": name})).status_code == 200
    assert "Whose events?" in (page := (await owner.get("/events?q=asha")).text)
    assert all(name in page for name in (">Asha Rao<", ">Asha Bo<"))
    page = (await owner.get("/events?q=asha+rao&event=walletreward_create")).text
    assert page.count('class="whole" href="/events/') == 2
    assert "Nothing like this" in (await owner.get("/events?q=nobody")).text


async def test_deliveries_are_searched(shop: Shop) -> None:
    found = (await shop.manage("GET", "/deliveries", params={"state": "failed", "text": "401"})).json()
    assert found == {"items": [], "next": None}
    assert (await shop.manage("GET", f"/deliveries/{new_id()}")).status_code == 404
    assert (await shop.manage("POST", f"/deliveries/{new_id()}/replay")).status_code == 404
    assert (await shop.manage("GET", "/deliveries", params={"state": "lost"})).status_code == 422
