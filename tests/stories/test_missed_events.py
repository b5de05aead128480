"""A tool that is connected late is told of what happened before, by its rules, and of nothing twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars import delivery, events, limits, tenancy
from regulars.dispatch.fanout import REFILL, refill_more
from regulars.events import NewEvent
from regulars.kit import HandClock, first_id_at, kept_since
from regulars.schedule import Due
from tests import make
from tests.doors import Shop
from tests.stories.browsing import person, signed_in
from tests.stories.test_dashboard_sentences import words
from tests.stories.test_event_outcomes import a_rule, a_tool, at_least, fan_out, switch


async def test_a_new_tool_is_told_of_what_its_rules_would_have_sent(
    shop: Shop, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FANOUT_EVENTS_MAX", 2)  # in three batches
    clock.move(datetime.now(UTC))  # ids say when
    known, new = await a_tool(shop), await a_tool(shop)
    await switch(shop, True)
    await a_rule(shop, known)
    few, many = await shop.trigger("Few", coins=(5, 5)), await shop.trigger("Many", coins=(50, 50))
    for trigger in (few, many, many, few, many):
        assert (await shop.reward(trigger, "shopify-1001")).status_code == 200
    for _ in range(3):
        await fan_out(shop)
    rule = await a_rule(shop, new, at_least(10))
    await a_rule(shop, new, topic="lead_create", active=False)

    async def ask(since: datetime) -> Any:
        return await shop.manage("POST", f"/integrations/{new}/send-missed", json={"since": since.isoformat()})

    async def sent(tool: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]]
        items = (await shop.manage("GET", "/deliveries", params={"integration_id": tool})).json()["items"]
        return items

    clock.advance(hours=1)
    too_old = kept_since(shop.workspace.retention.deliveries_months) - timedelta(days=1)
    for wrong in (clock.now() + timedelta(days=1), too_old):
        refused = await ask(wrong)
        assert (refused.status_code, list(refused.json()["fields"])) == (422, ["since"])
    assert (await ask(clock.now() - timedelta(hours=2))).status_code == 200
    browser = await signed_in(shop, await person(shop, "asha"))
    assert "What happened before is being sent" in words((await browser.get(f"/integrations/{new}")).text)
    await make.done(shop.app.db, clock)
    assert [one["rule_id"] for one in await sent(new)] == [rule] * 3
    assert len(await sent(known)) == 5
    assert "is being sent" not in words((await browser.get(f"/integrations/{new}")).text)

    # Again, and by the page: nothing is told twice.
    for wrong in ("", "yesterday", "0001-01-01", "9999-12-31"):
        answer = await browser.post(f"/integrations/{new}/missed", since=wrong)
        assert (answer.status_code, "date" in words(answer.text)) == (422, True), wrong
    yesterday = f"{clock.now() - timedelta(days=1):%Y-%m-%d}"
    answer = await browser.post(f"/integrations/{new}/missed", since=yesterday)
    assert answer.status_code == 303, answer.text
    await make.done(shop.app.db, clock)
    assert len(await sent(new)) == 3
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts.count("integration.send-missed") == 2
    await switch(shop, False)
    refused = await ask(clock.now() - timedelta(hours=2))
    assert (refused.status_code, refused.json()["code"]) == (409, "events_off")
    refused = await browser.post(f"/integrations/{new}/missed", since=yesterday)
    assert "Turn them on, then ask again." in refused.text
    await make.done(shop.app.db, clock)
    assert len(await sent(new)) == 3


async def test_what_no_delivery_is_kept_for_and_what_led_too_deep_is_left_out(
    shop: Shop, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.move(datetime.now(UTC))
    new, db, id = await a_tool(shop), shop.app.db, shop.workspace.id
    await switch(shop, True)
    await a_rule(shop, new, topic="order_create")

    async def log(at: datetime, depth: int = 0) -> None:
        async with make.ids_of(db, monkeypatch, at), db.transaction() as tx:
            event = NewEvent("order_create", id, "{}", at, depth=depth)
            await events.append(tx, id, [event], at, announced=False)

    # By now nobody has a month of deliveries for the first of them.
    await log(clock.now() - timedelta(days=8 * 31))
    async with db.transaction() as tx:
        for table in ("delivery_delivery", "delivery_attempt"):
            await tx.execute(f"DROP TABLE {table}_{clock.now() - timedelta(days=8 * 31):%Y_%m}")
    await log(clock.now() - timedelta(minutes=2))
    await log(clock.now() - timedelta(minutes=1), depth=limits.EVENT_DEPTH_MAX + 1)
    async with db.transaction() as tx:
        workspace = await tenancy.get_workspace(tx, id)
        span = {"after_id": str(UUID(int=0)), "until_id": str(first_id_at(clock.now())), "queued": 0}
        await refill_more(tx, workspace, [Due(REFILL, new, clock.now(), span)], clock.now())
        found = await delivery.search_deliveries(tx, id, lane_id=UUID(new))
    assert len(found.items) == 1
