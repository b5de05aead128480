"""What is sent next, and when a tool is left in peace: shares, order, slowing and resting, by a clock moved by hand."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from regulars import delivery, limits
from regulars.delivery import LaneHealth, Profile
from regulars.delivery.rate import Bucket, Window
from regulars.kit.http import NoAnswer
from regulars.kit.ids import new_id
from regulars.worker import drain
from tests.rooms.delivery.street import Corner, PlainCarrier, answer

TOOL = "http://tool/"
NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)


async def drained(shop: Corner, patience_s: float = 0.0) -> None:
    await drain(shop.db, shop.street, shop.street, clock=shop.clock, random=lambda: 0.0, patience_s=patience_s)


async def health(shop: Corner) -> LaneHealth:
    async with shop.db.reading() as tx:
        (found,) = await delivery.lane_health(tx, shop.workspace.id, shop.clock.now())
    return found


async def test_what_happens_now_waits_neither_for_a_replay_nor_for_what_is_tried_again(shop: Corner) -> None:
    lane_id = await shop.lane()
    shop.street.always[TOOL] = answer(404)
    old = await shop.queue(lane_id, 120)
    await drained(shop)
    assert set(await shop.states(old)) == {"failed"}
    shop.street.always[TOOL] = answer(500)
    again = await shop.queue(lane_id, limits.LANE_FAILURES_MAX - 1)
    await drained(shop)
    shop.street.always.clear()
    async with shop.db.transaction() as tx:
        await delivery.set_rate(tx, shop.workspace.id, lane_id, 3_000)
        assert await delivery.replay_failed(tx, shop.workspace.id, lane_id, None, shop.clock.now()) == 120
    shop.clock.advance(seconds=10)
    shop.street.received.clear()
    await drained(shop)
    before = len(shop.street.received)
    assert 20 <= before <= 60, "the replay is under way"
    new = await shop.queue(lane_id, 10)
    await drained(shop, patience_s=60)
    order = shop.street.ids(TOOL)
    assert sorted(order) == sorted(map(str, [*old, *again, *new]))
    assert max(order.index(str(one)) for one in new) < before + 20
    assert max(order.index(str(one)) for one in again) < 120
    assert set(await shop.states([*old, *again, *new])) == {"delivered"}


class Keeper(PlainCarrier):
    profile_windows = (Window(2, 1.0), Window(30, 60.0))


async def test_calls_about_profiles_keep_to_windows_of_their_own(shop: Corner) -> None:
    lane_id = await shop.lane(rate_per_minute=60_000)
    shop.street.carriers[lane_id] = Keeper(TOOL)
    shop.street.at = shop.clock.now
    ids = await shop.queue(lane_id, 20)
    events = [(await shop.found(id))[0].event_id for id in ids[:6]]
    profiles = [Profile(lane_id, new_id(), event_id, "walletreward_create") for event_id in events]
    async with shop.db.transaction() as tx:
        await delivery.queue_profiles(tx, shop.workspace.id, profiles, shop.clock.now())
    began = shop.clock.now()
    await drained(shop)
    await drained(shop, patience_s=30)
    assert set(await shop.states(ids)) == {"delivered"}
    told = [
        (at - began).total_seconds()
        for at, (_, id) in zip(shop.street.times, shop.street.received, strict=True)
        if id not in map(str, ids)
    ]
    assert len(told) == 6
    for first in range(4):
        assert told[first + 2] - told[first] > 0.9, told


async def test_a_profile_that_was_told_is_told_anew_in_place_of_one_that_waits(shop: Corner) -> None:
    lane_id, customer_id = await shop.lane(), new_id()
    events = [(await shop.found(id))[0].event_id for id in await shop.queue(lane_id, 2, customer_id=customer_id)]
    ids = delivery.delivery_ids(events, lane_id)

    async def tell(event_id: UUID) -> None:
        async with shop.db.transaction() as tx:
            told = [Profile(lane_id, customer_id, event_id, "walletreward_create")]
            await delivery.queue_profiles(tx, shop.workspace.id, told, shop.clock.now())

    await tell(events[0])
    await drained(shop)
    assert await shop.states(ids[:1]) == ["delivered"]
    for event_id in reversed(events):
        await tell(event_id)
    assert await shop.states(ids) == ["queued", "skipped"]
    await drained(shop)
    assert (await shop.states(ids), len((await shop.found(ids[0]))[1])) == (["delivered", "skipped"], 2)


class Strict(PlainCarrier):
    in_order = True


async def test_where_the_tool_cares_one_customers_events_arrive_in_their_order_whatever_fails(shop: Corner) -> None:
    lane_id = await shop.lane()
    shop.street.carriers[lane_id] = Strict(TOOL)
    asha, ravi = new_id(), new_id()
    shop.street.script[TOOL] = [answer(503)]
    first = await shop.queue(lane_id, 3, customer_id=asha)
    others = await shop.queue(lane_id, 2, customer_id=ravi)
    await drained(shop)
    assert await shop.states([*first, *others]) == ["queued"] * 3 + ["delivered"] * 2
    assert "what happened before" in (await shop.found(first[1]))[0].reason
    later = await shop.queue(lane_id, 2, customer_id=asha)
    await drained(shop)
    assert str(later[0]) not in shop.street.ids(TOOL), "it waits for the first, which is tried again"
    shop.street.script[TOOL] = [answer(503), answer(400)]
    await drained(shop, patience_s=60)
    assert await shop.states([*first, *later]) == ["failed", *["delivered"] * 4], "what is given up holds nobody up"
    assert [one for one in shop.street.ids(TOOL) if one not in map(str, others)] == [
        *map(str, [first[0], first[0], first[0], *first[1:], *later])
    ]


async def test_a_tool_that_fails_again_and_again_rests_and_then_is_asked_once(shop: Corner) -> None:
    lane_id = await shop.lane()
    shop.street.at = shop.clock.now
    shop.street.always[TOOL] = NoAnswer("reset", "closed the connection.", 5)
    ids = await shop.queue(lane_id, 200)
    began = shop.clock.now()
    await drained(shop)
    calls = len(shop.street.received)
    assert limits.LANE_FAILURES_MAX <= calls < limits.LANE_FAILURES_MAX + limits.LANE_CALLS_IN_FLIGHT_MAX
    found = await health(shop)
    assert found.failures_in_a_row == limits.LANE_FAILURES_MAX
    assert found.rests_until == began + timedelta(seconds=limits.LANE_BREAK_FIRST_S)
    await drained(shop, patience_s=300)
    probes = sorted({round((at - began).total_seconds()) for at in shop.street.times[calls:]})
    assert len(shop.street.times) == calls + len(probes), "one at a time"
    assert [b - a for a, b in zip([5, *probes], probes, strict=False)] == pytest.approx(
        [0, 10, 20, 40, 60, 60, 60], abs=1
    )
    untouched = [one for one in ids if str(one) not in shop.street.ids(TOOL)]
    assert len(untouched) > 100, "most have used up no try"
    shop.street.always.clear()
    await drained(shop, patience_s=3_600)
    assert set(await shop.states(ids)) == {"delivered"}
    assert (await health(shop)).failures_in_a_row == 0


async def test_a_refusal_of_one_delivery_is_no_failure_of_the_tool(shop: Corner) -> None:
    lane_id = await shop.lane()
    shop.street.script[TOOL] = [answer(status) for status in [500] * 15 + [400] + [502] * 15]
    await shop.queue(lane_id, 60)
    await drained(shop)
    assert len(shop.street.received) == 60
    async with shop.db.transaction() as tx:
        await delivery.resume_lane(tx, shop.workspace.id, lane_id, shop.clock.now())
    assert (await health(shop)).rests_until is None


def test_a_bucket_is_slowed_to_less_than_what_was_taken_and_regains_its_rate() -> None:
    bucket = Bucket(60_000, [900.0], NOW)
    bucket.slow(100, 2.0)
    assert bucket.pace == pytest.approx(0.7 * 100 / 2 * 60 / 60_000)
    bucket.slow(0, 1.0)
    assert bucket.pace == 6 / 60_000, "one call in ten seconds is asked always"
    again = Bucket(60_000, bucket.tokens, bucket.at, pace=0.5)
    again.ready(NOW + timedelta(seconds=10))
    assert again.pace == pytest.approx(0.5 * 1.02**10)
    again.ready(NOW + timedelta(hours=3))
    assert again.pace == 1.0
    assert again.ready(NOW + timedelta(hours=3, seconds=1)) == 983


async def test_a_429_without_a_wait_slows_the_lane_for_a_while(shop: Corner) -> None:
    lane_id = await shop.lane(rate_per_minute=60_000)
    shop.street.script[TOOL] = [*[answer()] * 30, answer(429)]
    await shop.queue(lane_id, 100)
    await drained(shop)
    found = await health(shop)
    assert found.slowed_to_per_minute == pytest.approx(0.7 * 30 * 60, abs=70)
    shop.clock.advance(seconds=600)
    assert (await health(shop)).slowed_to_per_minute is None


async def test_whoever_takes_up_a_dead_workers_lane_takes_nothing_for_unused(shop: Corner) -> None:
    lane_id, (first, second) = await shop.lane(rate_per_minute=61), (new_id(), new_id())
    await shop.queue(lane_id, 2)
    shop.clock.advance(seconds=60)

    async def leased(worker_id: UUID) -> list[float]:
        async with shop.db.transaction() as tx:
            lane = await delivery.lease_lane(tx, shop.workspace.id, lane_id, worker_id, shop.clock.now())
        assert lane is not None
        assert lane.tokens == [] or lane.tokens_at <= shop.clock.now()
        return Bucket(61, lane.tokens, lane.tokens_at).tokens

    await leased(first)
    shop.clock.advance(seconds=limits.LANE_LEASE_S)
    assert await leased(second) == [0.0]
    async with shop.db.reading() as tx:
        at = await tx.fetchval(
            "SELECT tokens_at FROM delivery_lane WHERE workspace_id = $1 AND id = $2", shop.workspace.id, lane_id
        )
    assert at == shop.clock.now()


async def test_a_clock_that_jumps_an_hour_ahead_and_back_keeps_nothing_waiting(shop: Corner) -> None:
    lane_id = await shop.lane(rate_per_minute=600)
    before = await shop.queue(lane_id, 3)
    shop.clock.advance(hours=1)
    await drained(shop)
    shop.street.script[TOOL] = [answer(500)]
    ahead = await shop.queue(lane_id, 3)
    await drained(shop)
    assert await shop.states(before) == ["delivered"] * 3
    shop.clock.advance(hours=-1, seconds=10)
    now = await shop.queue(lane_id, 3)
    await drained(shop, patience_s=5)
    assert await shop.states(now) == ["delivered"] * 3, "the rate is not used up for an hour"
    await drained(shop, patience_s=3_700)
    assert await shop.states([*before, *ahead, *now]) == ["delivered"] * 9
    sent = shop.street.ids(TOOL)
    assert len(sent) == 10
    assert len(set(sent)) == 9
