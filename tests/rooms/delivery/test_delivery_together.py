"""One call that carries many: when it is made, what it costs of the rate, and what becomes of each."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

import pytest

from regulars import limits
from regulars.delivery import Together
from regulars.delivery.lineup import Lineup
from regulars.delivery.rate import Window
from regulars.kit.http import Answer, NoAnswer, Request
from regulars.kit.ids import new_id
from tests.rooms.delivery.street import Corner, PlainCarrier, answer
from tests.rooms.delivery.test_delivery_turns import drained

TOOL, MANY = "http://tool/", "http://tool/many"
LEAST = 10


class Bulky(PlainCarrier):
    def __init__(self, *, keeps_profiles: bool = False, most: int = 1_000) -> None:
        super().__init__(TOOL)
        self.keeps_profiles = keeps_profiles
        self.together = Together(most, LEAST, (Window(2, 1.0), Window(30, 60.0)), self.render, self.joined)

    def joined(self, parts: Sequence[Request]) -> Request:
        ids = ",".join(part.headers["delivery-id"] for part in parts)
        return Request("POST", MANY, {"delivery-id": ids}, b"[%s]" % b",".join(part.body for part in parts))


async def lane(shop: Corner, carrier: Bulky, rate_per_minute: int = 600) -> UUID:
    lane_id = await shop.lane(rate_per_minute=rate_per_minute)
    shop.street.carriers[lane_id] = carrier
    await drained(shop)
    shop.clock.advance(seconds=2)
    return lane_id


async def test_a_backlog_goes_in_few_calls_and_each_delivery_has_its_own_attempt(shop: Corner) -> None:
    lane_id = await lane(shop, Bulky())
    shop.street.at = shop.clock.now
    ids = await shop.queue(lane_id, 60)
    await drained(shop, patience_s=60)
    assert set(await shop.states(ids)) == {"delivered"}
    many = [(at, sent) for at, (url, sent) in zip(shop.street.times, shop.street.received, strict=True) if url == MANY]
    assert len(many) >= 2
    assert all((after[0] - before[0]).total_seconds() > 0.9 for before, after in pairwise(many[::2]))
    assert all(sent.count(",") + 1 >= LEAST for _, sent in many)
    sent = [one for _, some in shop.street.received for one in some.split(",")]
    assert sorted(sent) == sorted(map(str, ids)), "each went out once"
    found, (attempt,) = await shop.found(next(one for one in ids if str(one) in many[0][1]))
    assert found.reason == f"It was one of {many[0][1].count(',') + 1} in one call."
    assert attempt.request_headers["delivery-id"] == str(found.id)


async def test_few_go_alone_and_so_does_what_is_tried_again(shop: Corner) -> None:
    lane_id = await lane(shop, Bulky())
    ids = await shop.queue(lane_id, LEAST - 1)
    await drained(shop, patience_s=5)
    assert shop.street.ids(MANY) == []
    shop.street.script[MANY] = [answer(500)]
    more = await shop.queue(lane_id, 2 * LEAST)
    shop.clock.advance(seconds=1)
    await drained(shop)
    assert "tool answered 500" in (await shop.found(more[0]))[0].reason
    await drained(shop, patience_s=60)
    assert set(await shop.states([*ids, *more])) == {"delivered"}
    assert len(shop.street.ids(MANY)) == 1
    assert sorted(shop.street.ids(TOOL)) == sorted(map(str, [*ids, *more]))


async def test_a_refusal_of_many_is_none_of_each(shop: Corner) -> None:
    lane_id = await lane(shop, Bulky(), rate_per_minute=6_000_000)
    shop.street.always = {MANY: answer(400, b"One is wrong."), TOOL: answer(422, b"This one.")}
    ids = await shop.queue(lane_id, 3 * LEAST)
    await drained(shop, patience_s=1)
    assert set(await shop.states(ids)) == {"failed"}
    refused = shop.street.ids(MANY)[0].split(",")
    found, (together, alone) = await shop.found(UUID(refused[0]))
    assert together.reason == (
        f"The tool answered 400: One is wrong. It was one of {len(refused)} in one call, and is sent alone."
    )
    assert found.reason == alone.reason == "The tool answered 422: This one."


@pytest.mark.parametrize("ended", [answer(503), NoAnswer("timeout_after_sent", "It hung.", 10_000)])
async def test_a_tool_that_fails_is_asked_with_one_until_it_takes_it(shop: Corner, ended: Answer | NoAnswer) -> None:
    lane_id = await lane(shop, Bulky(most=LEAST), rate_per_minute=6_000_000)
    shop.street.always = {MANY: ended, TOOL: ended}
    ids = await shop.queue(lane_id, 6 * LEAST)
    await drained(shop)
    assert len(shop.street.ids(MANY)) == 1, "it counts as one failure, and what follows goes alone"
    assert len(shop.street.ids(TOOL)) >= limits.LANE_FAILURES_MAX - 1
    shop.street.always.clear()
    await drained(shop, patience_s=60)
    assert set(await shop.states(ids)) == {"delivered"}


async def test_what_a_call_of_many_does_not_say_of_the_customers_is_told_by_itself(shop: Corner) -> None:
    lane_id = await lane(shop, Bulky(keeps_profiles=True), rate_per_minute=6_000_000)
    asha = new_id()
    ids = [*await shop.queue(lane_id, 3 * LEAST), *await shop.queue(lane_id, 2, customer_id=asha)]
    await drained(shop)
    assert set(await shop.states(ids)) == {"delivered"}
    calls, alone = [one.split(",") for one in shop.street.ids(MANY)], shop.street.ids(TOOL)
    assert calls
    assert all(len(set(map(str, ids[-2:])) & set(call)) < 2 for call in calls), "one customer's go one by one"
    told = set(alone) - set(map(str, ids))
    assert sum(map(len, calls)) - 1 <= len(told) <= sum(map(len, calls)), "a profile of each"


def test_nothing_is_read_where_nothing_is_wanted() -> None:
    lineup = Lineup(in_order=False)
    asked = lineup.begin(100, 10, 0)
    assert {share for share, *_ in asked} == {"first", "retry", "replay"}
    assert lineup.begin(100, 10, 0) == [], "profiles are all that is not exhausted, and none may be sent"


async def test_a_worker_that_dies_meanwhile_loses_nothing(shop: Corner) -> None:
    lane_id = await lane(shop, Bulky(most=LEAST), rate_per_minute=6_000_000)
    shop.street.gates[MANY] = asyncio.Event()
    ids = await shop.queue(lane_id, 3 * LEAST)
    dies = asyncio.create_task(drained(shop))
    await shop.street.until_received(MANY, 1)
    dies.cancel()
    await asyncio.gather(dies, return_exceptions=True)
    del shop.street.gates[MANY]
    out, before = shop.street.ids(MANY)[0], len(shop.street.received)
    shop.clock.advance(seconds=limits.LANE_LEASE_S)
    await drained(shop, patience_s=60)
    assert set(await shop.states(ids)) == {"delivered"}
    sent = [one for _, some in shop.street.received[before:] for one in some.split(",")]
    assert set(out.split(",")) <= set(sent), "what was out is sent again, under the same ids"
