"""A tool that is connected late is told of what happened before, by its rules, and of nothing twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from regulars import limits
from regulars.kit import HandClock
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
    for wrong in (clock.now() + timedelta(days=1), clock.now() - timedelta(days=limits.REFILL_DAYS_MAX + 1)):
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
    yesterday = f"{clock.now() - timedelta(days=1):%Y-%m-%d}"
    answer = await browser.post(f"/integrations/{new}/missed", since=yesterday)
    assert answer.status_code == 303, answer.text
    await make.done(shop.app.db, clock)
    assert len(await sent(new)) == 3
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts.count("integration.send-missed") == 2
    await switch(shop, False)
    assert (await ask(clock.now() - timedelta(hours=2))).status_code == 200
    await make.done(shop.app.db, clock)
    assert len(await sent(new)) == 3
