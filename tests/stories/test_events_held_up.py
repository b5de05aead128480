"""Events that can't be carried away yet are told of where somebody looks: on the rule's page, on the Events page, and
by the API."""

from datetime import timedelta
from uuid import UUID

from regulars import dispatch, limits, tenancy
from regulars.kit.ids import first_id_at
from tests.doors import Shop
from tests.stories.browsing import person, signed_in


async def a_rule(shop: Shop) -> UUID:
    given = {"tool": "webhook", "name": "Hook", "settings": {"url": "https://hook.example/in"}}
    tool = (await shop.manage("POST", "/integrations", json=given)).json()["integration"]
    body = {"topic": "walletreward_create", "integration_id": tool["id"]}
    return UUID((await shop.manage("POST", "/send-events", json=body)).json()["id"])


async def test_a_rule_that_a_newer_version_has_stored_says_why_events_wait_for_it(shop: Shop) -> None:
    rule_id = await a_rule(shop)
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    await shop.reward(await shop.trigger(), "customer-0001")
    async with shop.app.db.transaction() as tx:
        await tx.execute(
            "UPDATE dispatch_rule SET condition = $3 WHERE workspace_id = $1 AND id = $2",
            shop.workspace.id,
            rule_id,
            {"property": "mood", "operator": "is", "value": "good"},
        )
        workspace = await tenancy.change_workspace(tx, shop.workspace.id, {"events_on": True}, shop.app.clock.now())
        assert (await dispatch.fan_out(tx, workspace, shop.app.clock.now())).deliveries == 0
    said = (await shop.manage("GET", f"/send-events/{rule_id}")).json()
    assert said["waiting"] == 1
    assert "mood" in said["problem"] or "condition" in said["problem"]
    browser = await signed_in(shop, await person(shop, "held-up"))
    page = (await browser.get(f"/events/send/{rule_id}")).text
    assert "Waiting for this rule: 1 event." in page
    assert "Waits" in (await browser.get("/events/send")).text
    # And one on an event that this version has never heard of: its pages say so, and it can still be stopped.
    async with shop.app.db.transaction() as tx:
        await tx.execute(
            "UPDATE dispatch_rule SET topic = 'parcel_lost' WHERE workspace_id = $1 AND id = $2",
            shop.workspace.id,
            rule_id,
        )
    assert "does not know the event parcel_lost" in (await browser.get(f"/events/send/{rule_id}")).text
    assert "parcel_lost" in (await browser.get("/events/send")).text
    assert (await browser.get(f"/events/send/{rule_id}/delete")).status_code == 200
    test = {"by": "email", "address": "asha@example.com"}
    assert (await shop.manage("POST", f"/send-events/{rule_id}/test", json=test)).status_code == 422
    stopped = await shop.manage("PATCH", f"/send-events/{rule_id}", json={"active": False})
    assert stopped.json()["active"] is False


async def test_events_that_wait_longer_than_they_should_are_told_of(shop: Shop) -> None:
    browser = await signed_in(shop, await person(shop, "waiting"))
    assert (await shop.manage("GET", "/overview")).json()["events_late_since"] is None
    assert "Events wait to be sent" not in (await browser.get("/events")).text
    since = shop.app.clock.now() - timedelta(seconds=limits.EVENTS_LATE_S + 1)
    async with shop.app.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO events_pending (workspace_id, reader, event_id, topic)"
            " VALUES ($1, 'dispatch', $2, 'lead_create')",
            shop.workspace.id,
            first_id_at(since),
        )
    late = (await shop.manage("GET", "/overview")).json()["events_late_since"]
    assert late is not None
    for path in ("/events", "/events/send"):
        assert "Events wait to be sent" in (await browser.get(path)).text
