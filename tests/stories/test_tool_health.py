"""How a tool did: hour by hour, how long its calls took, what kept them from arriving, what to do about what failed; by
the API, and on its page."""

import random
from datetime import timedelta
from uuid import UUID

from regulars import delivery
from regulars.delivery import Attempt, Delivered, GaveUp, Outcome, RetryAfter
from regulars.kit.clock import HandClock
from regulars.kit.http import Answer, NoAnswer, Request
from tests.doors import Shop
from tests.stories.browsing import person, signed_in
from tests.stories.test_dashboard_sentences import words
from tests.stories.test_event_outcomes import a_rule, a_tool, fan_out, switch

CALLED = Request("POST", "https://tool.example/hook", {}, b"{}")


def answered(status: int, took_ms: int, outcome: Outcome) -> tuple[Request | None, Answer | NoAnswer | None, Outcome]:
    return CALLED, Answer(status, {}, b"", took_ms), outcome


async def test_a_tools_day_is_drawn_and_what_failed_says_what_to_do(shop: Shop, clock: HandClock) -> None:
    tool = await a_tool(shop)
    path = f"/integrations/{tool}/health"
    nothing = (await shop.manage("GET", path)).json()
    assert (len(nothing["hours"]), nothing["p50_ms"], nothing["troubles"]) == (24, None, {})
    await switch(shop, True)
    await a_rule(shop, tool)
    trigger = await shop.trigger()
    ends = [
        *[answered(200, 40, Delivered())] * 3,
        answered(503, 900, RetryAfter(None, "The tool answered 503.")),
        answered(429, 30, RetryAfter(None, "The tool answered 429.")),
        answered(422, 30, GaveUp("The tool answered 422.")),
        (CALLED, NoAnswer("timeout_after_sent", "No answer.", 10_000), RetryAfter(None, "No answer.")),
        (None, None, GaveUp("There is no e-mail address.")),
    ]
    for _ in ends:
        await shop.reward(trigger, "shopify-1001")
    await fan_out(shop)
    now = clock.now()
    async with shop.app.db.transaction() as tx:
        before = (now - timedelta(days=1), shop.workspace.id)
        dues = await delivery.due(tx, shop.workspace.id, UUID(tool), now, [("first", *before, len(ends))])
        made = [(Attempt(due.parcel(now), *end), 0) for due, end in zip(dues, ends, strict=True)]
        for part in (made[:2], made[2:]):
            await delivery.record(tx, shop.workspace.id, UUID(tool), part, now=now, random=random.random)

    day = (await shop.manage("GET", path)).json()
    assert [(hour["delivered"], hour["not_delivered"]) for hour in day["hours"]] == [(0, 0)] * 23 + [(3, 5)]
    assert (day["p50_ms"], day["p99_ms"]) == (50, 10_000)
    assert day["troubles"] == {"broken": 1, "throttled": 1, "refused": 1, "timeout": 1, "unfit": 1}
    clock.advance(hours=25)
    assert (await shop.manage("GET", path)).json()["troubles"] == {}
    clock.advance(hours=-25)

    failed = {str(due.id): end for due, end in zip(dues, ends, strict=True) if isinstance(end[2], GaveUp)}
    read = [(await shop.manage("GET", f"/deliveries/{id}")).json()["advice"] for id in failed]
    assert [advice.partition(".")[0] for advice in read] == [
        "The tool does not take it as it is",
        "Nothing could be sent",
    ]
    assert (await shop.manage("GET", f"/deliveries/{dues[0].id}")).json()["advice"] == ""

    browser = await signed_in(shop, await person(shop, "asha"))
    listed = words((await browser.get("/deliveries?state=failed")).text)
    assert all(advice in listed for advice in read)
    page = words((await browser.get(f"/integrations/{tool}")).text)
    for said in ("Delivered per hour", "Not delivered per hour", "Too many calls (429)1 try", "takeup to 10.0 s"):
        assert said in page, page[page.index("Not delivered per hour") :][:2_000]
    assert read[0] in words((await browser.get(f"/deliveries/{next(iter(failed))}")).text)
