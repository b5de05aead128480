"""Lanes driven by a clock that is moved by hand."""

import asyncio
import random
from datetime import timedelta

import pytest

from regulars import delivery, limits, tenancy
from regulars.delivery import Attempt, GaveUp, Outcome, Parcel
from regulars.kit.errors import Conflict, Invalid, NotFound
from regulars.kit.http import Answer, NoAnswer, Request
from regulars.kit.ids import new_id
from regulars.kit.presence import Presence
from regulars.worker import drain
from regulars.worker.turns import Running
from tests.rooms.delivery.street import Corner, PlainCarrier, answer

TOOL = "http://tool/"


async def drained(shop: Corner, patience_s: float = 0.0) -> None:
    await drain(shop.db, shop.street, shop.street, clock=shop.clock, random=lambda: 0.0, patience_s=patience_s)


async def test_what_is_queued_is_sent_once_and_its_attempt_kept(shop: Corner) -> None:
    lane_id = await shop.lane()
    ids = await shop.queue(lane_id, 700)
    await drained(shop)
    assert sorted(shop.street.ids(TOOL)) == sorted(str(one) for one in ids)
    found, (attempt,) = await shop.found(ids[0])
    assert (found.state, found.attempts_made, found.event_name) == ("delivered", 1, "Shop:walletreward_create")
    assert (attempt.number, attempt.status, attempt.outcome, attempt.answer_body) == (1, 200, "delivered", "ok")
    assert attempt.request_headers == {"delivery-id": str(ids[0]), "authorization": "••••••"}
    assert '"amount":120' in attempt.request_body
    assert attempt.answer_headers == {"content-type": "text/plain"}


async def test_retries_wait_longer_each_time_until_it_is_given_up(shop: Corner) -> None:
    lane_id = await shop.lane()
    (one,) = await shop.queue(lane_id)
    shop.street.always[TOOL] = answer(500, b"oops")
    began = shop.clock.now()
    await drained(shop, patience_s=86_400)
    found, attempts = await shop.found(one)
    assert found.state == "failed"
    assert found.attempts_made == 1 + limits.RETRIES_MAX == len(attempts)
    waited = [(attempt.started_at - began).total_seconds() for attempt in attempts]
    assert waited == pytest.approx([0, 5, 25, 105, 425, 1705], abs=0.5)
    assert [attempt.outcome for attempt in attempts] == ["retry"] * 5 + ["gave_up"]
    assert attempts[0].next_at == began + timedelta(seconds=5)
    assert found.reason == "The tool answered 500: oops Given up after 6 tries."
    assert set(shop.street.ids(TOOL)) == {str(one)}


async def test_a_replay_gets_fresh_tries_and_its_numbers_go_on(shop: Corner) -> None:
    lane_id = await shop.lane()
    (one,) = await shop.queue(lane_id)
    shop.street.script[TOOL] = [answer(400, b"bad"), answer(500)]
    await drained(shop)
    assert (await shop.found(one))[0].state == "failed"
    async with shop.db.transaction() as tx:
        await delivery.replay(tx, shop.workspace.id, one, shop.clock.now())
    await drained(shop, patience_s=60)
    found, attempts = await shop.found(one)
    assert found.state == "delivered"
    assert found.reason == ""
    assert [(attempt.number, attempt.outcome) for attempt in attempts] == [
        (1, "gave_up"),
        (2, "retry"),
        (3, "delivered"),
    ]


async def test_a_replay_of_nothing_or_of_what_is_due_is_refused(shop: Corner) -> None:
    lane_id = await shop.lane()
    (one,) = await shop.queue(lane_id)
    async with shop.db.transaction() as tx:
        with pytest.raises(NotFound):
            await delivery.replay(tx, shop.workspace.id, new_id(), shop.clock.now())
        with pytest.raises(Conflict):
            await delivery.replay(tx, shop.workspace.id, one, shop.clock.now())
        with pytest.raises(NotFound):
            await delivery.replay(tx, new_id(), one, shop.clock.now())


async def test_a_401_pauses_the_lane_and_loses_nothing(shop: Corner) -> None:
    lane_id = await shop.lane()
    ids = await shop.queue(lane_id, 200)
    shop.street.always[TOOL] = answer(401, b"who are you?")
    await drained(shop, patience_s=3_600)
    assert shop.street.paused_lanes == {lane_id: "The tool answered 401: who are you?"}
    assert len(shop.street.ids(TOOL)) <= limits.LANE_CALLS_IN_FLIGHT_MAX
    assert set(await shop.states(ids)) == {"queued"}
    shop.street.always.clear()
    await shop.queue(lane_id)
    await drained(shop)
    async with shop.db.transaction() as tx:
        await delivery.resume_lane(tx, shop.workspace.id, lane_id, shop.clock.now())
    await drained(shop)
    assert set(await shop.states(ids)) == {"delivered"}
    found, attempts = await shop.found(ids[0])
    assert [attempt.outcome for attempt in attempts][-1] == "delivered"
    assert found.attempts_made == len(attempts)


async def test_a_lane_paused_by_hand_keeps_its_queue(shop: Corner) -> None:
    lane_id = await shop.lane()
    async with shop.db.transaction() as tx:
        await delivery.pause_lane(tx, shop.workspace.id, lane_id, "Paused by Asha.")
    ids = await shop.queue(lane_id, 3)
    await drained(shop, patience_s=3_600)
    assert shop.street.received == []
    async with shop.db.transaction() as tx:
        await delivery.resume_lane(tx, shop.workspace.id, lane_id, shop.clock.now())
    await drained(shop)
    assert await shop.states(ids) == ["delivered"] * 3


async def test_while_events_are_off_nothing_is_sent(shop: Corner) -> None:
    lane_id = await shop.lane()
    ids = await shop.queue(lane_id, 3)
    async with shop.db.transaction() as tx:
        await tenancy.change_workspace(tx, shop.workspace.id, {"events_on": False}, shop.clock.now())
    await drained(shop, patience_s=20)
    assert shop.street.received == []
    async with shop.db.transaction() as tx:
        await tenancy.change_workspace(tx, shop.workspace.id, {"events_on": True}, shop.clock.now())
    await drained(shop, patience_s=5)
    assert await shop.states(ids) == ["delivered"] * 3


async def test_a_lane_keeps_to_its_rate(shop: Corner) -> None:
    lane_id = await shop.lane(rate_per_minute=122)
    shop.street.at = shop.clock.now
    await shop.queue(lane_id, 9)
    began = shop.clock.now()
    await drained(shop, patience_s=60)
    at = [(time - began).total_seconds() for time in shop.street.times]
    assert at == pytest.approx([0, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], abs=0.02)


async def test_a_429_with_a_wait_rests_the_whole_lane(shop: Corner) -> None:
    lane_id = await shop.lane(rate_per_minute=61)
    shop.street.at = shop.clock.now
    shop.street.script[TOOL] = [answer(429, retry_after="30")]
    ids = await shop.queue(lane_id, 3)
    began = shop.clock.now()
    await drained(shop, patience_s=120)
    assert await shop.states(ids) == ["delivered"] * 3
    at = [(time - began).total_seconds() for time in shop.street.times]
    assert at == pytest.approx([0, 31, 32, 33], abs=0.1)


async def test_a_lease_that_ran_out_is_taken_up_by_another(shop: Corner) -> None:
    lane_id = await shop.lane()
    await shop.queue(lane_id)
    first, second = new_id(), new_id()
    async with shop.db.transaction() as tx:
        now = shop.clock.now()
        lane = await delivery.lease_lane(tx, shop.workspace.id, lane_id, first, now)
        assert lane is not None
        assert await delivery.lease_lane(tx, shop.workspace.id, lane_id, second, now) is None
        assert (shop.workspace.id, lane_id) not in await delivery.awake_lanes(tx, second, now, 100)
    now = shop.clock.advance(seconds=limits.LANE_LEASE_S)
    async with shop.db.transaction() as tx:
        assert (shop.workspace.id, lane_id) in await delivery.awake_lanes(tx, second, now, 100)
        assert await delivery.lease_lane(tx, shop.workspace.id, lane_id, second, now) is not None
        assert not await delivery.renew_lease(tx, lane, first, now)
        # The first one, come back to life, gives back what is no longer its own: nothing happens.
        await delivery.release_lane(tx, lane, first, delivery.Bucket(60, [0.0], now), now)
        assert await delivery.renew_lease(tx, lane, second, now)


async def test_a_lane_whose_worker_is_gone_is_taken_up_at_once(shop: Corner) -> None:
    lane_id = await shop.lane()
    await shop.queue(lane_id)
    first, second, now, presence = new_id(), new_id(), shop.clock.now(), Presence(shop.db)
    assert await presence.show()
    assert presence.lock is not None
    async with shop.db.transaction() as tx:
        held = await delivery.lease_lane(tx, shop.workspace.id, lane_id, first, now, lock=presence.lock)
        assert held is not None
        assert presence.lock not in await delivery.gone_holders(tx, now)
    lock = presence.lock
    async with shop.db.transaction() as tx:
        ended = (
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'"
            "   AND (classid::bigint << 32 | objid::bigint) = $1"
        )
        assert await tx.fetchval(ended, lock)
        gone = await delivery.gone_holders(tx, now)
        assert lock in gone
        assert (shop.workspace.id, lane_id) in await delivery.awake_lanes(tx, second, now, 100, gone=gone)
        assert await delivery.lease_lane(tx, shop.workspace.id, lane_id, second, now, gone=gone) is not None
        assert not await delivery.renew_lease(tx, held, first, now)
        assert lock not in await delivery.gone_holders(tx, now), "a lease without a lock has to run out"


async def test_a_worker_that_lost_its_lease_sends_nothing_more(shop: Corner) -> None:
    lane_id = await shop.lane()
    ids = await shop.queue(lane_id)
    first, street = new_id(), shop.street
    async with shop.db.transaction() as tx:
        turn = await delivery.take_up(tx, street, shop.workspace.id, lane_id, first, shop.clock.now())
    assert turn is not None
    running = Running(shop.db, turn, street, street, lock=lambda: None, clock=shop.clock, random=random.random)
    now = shop.clock.advance(seconds=limits.LANE_LEASE_S)
    async with shop.db.transaction() as tx:
        await delivery.lease_lane(tx, shop.workspace.id, lane_id, new_id(), now)
    assert await running.work() == 0
    assert turn.ended == "lost or paused"
    assert await shop.states(ids) == ["queued"]


async def test_an_attempt_that_comes_too_late_is_kept_but_moves_nothing(shop: Corner) -> None:
    lane_id = await shop.lane()
    (one,) = await shop.queue(lane_id)
    await drained(shop)
    found, _ = await shop.found(one)
    parcel = Parcel(one, found.event_id, "x", "x", shop.clock.now(), "{}", False, 1, shop.clock.now())
    late = Attempt(parcel, None, NoAnswer("reset", "broke", 3), GaveUp("It broke."))
    async with shop.db.transaction() as tx:
        now = shop.clock.now()
        await delivery.record(tx, shop.workspace.id, lane_id, [(late, 0)], now=now, random=random.random)
    found, attempts = await shop.found(one)
    assert (found.state, found.reason) == ("delivered", "")
    assert [attempt.number for attempt in attempts] == [1, 2]


async def test_queueing_twice_changes_nothing(shop: Corner) -> None:
    lane_id = await shop.lane()
    addressee, event_id = delivery.Addressee(lane_id, new_id(), "", "order_create"), new_id()
    async with shop.db.transaction() as tx:
        assert await delivery.queue(tx, shop.workspace.id, [(addressee, [event_id])], shop.clock.now()) == 1
        assert await delivery.queue(tx, shop.workspace.id, [(addressee, [event_id] * 2)], shop.clock.now()) == 0


class BrokenCarrier(PlainCarrier):
    """Can't make a call of some, nor read the answer to others."""

    def render(self, parcel: Parcel) -> Request | GaveUp:
        if "poison" in parcel.body:
            raise KeyError("poison")
        return super().render(parcel)

    def read(self, answer: Answer) -> Outcome:
        if answer.status == 299:
            raise KeyError("status")
        return super().read(answer)


async def test_a_bug_in_a_carrier_costs_one_delivery_which_is_tried_again_if_nothing_was_sent(shop: Corner) -> None:
    lane_id = await shop.lane()
    shop.street.carriers[lane_id] = BrokenCarrier(TOOL)
    before = await shop.queue(lane_id, 2)
    poisoned = await shop.queue(lane_id, 1, body='{"poison":1}')
    after = await shop.queue(lane_id, 2)
    await drained(shop)
    assert await shop.states(before + after) == ["delivered"] * 4
    found, (attempt,) = await shop.found(poisoned[0])
    assert (found.state, attempt.url) == ("queued", "")
    assert "KeyError" in attempt.reason
    # The version that can make it is here, within the usual tries.
    shop.street.carriers[lane_id] = PlainCarrier(TOOL)
    await drained(shop, patience_s=10)
    assert await shop.states(poisoned) == ["delivered"]
    # What was sent may have arrived, so it is not sent again.
    shop.street.carriers[lane_id] = BrokenCarrier(TOOL)
    shop.street.script[TOOL] = [answer(299)]
    sent = await shop.queue(lane_id)
    await drained(shop, patience_s=60)
    found, (attempt,) = await shop.found(sent[0])
    assert found.state == "failed"
    assert "KeyError" in attempt.reason


async def test_a_lane_opened_after_its_deliveries_still_sends_them(shop: Corner) -> None:
    lane_id = new_id()
    ids = await shop.queue(lane_id)
    shop.street.carriers[lane_id] = PlainCarrier(TOOL)
    async with shop.db.transaction() as tx:
        await delivery.open_lane(tx, shop.workspace.id, lane_id, "webhook", 60, shop.clock.now())
    shop.clock.advance(seconds=2)
    await drained(shop)
    assert await shop.states(ids) == ["delivered"]


async def test_rates_and_lanes_are_checked(shop: Corner) -> None:
    lane_id = await shop.lane()
    async with shop.db.transaction() as tx:
        for rate in (0, -1, limits.RATE_PER_MINUTE_MAX + 1):
            with pytest.raises(Invalid) as refused:
                await delivery.set_rate(tx, shop.workspace.id, lane_id, rate)
            assert list(refused.value.fields) == ["rate_per_minute"]
        for act in (
            delivery.set_rate(tx, shop.workspace.id, new_id(), 5),
            delivery.pause_lane(tx, new_id(), lane_id, "x"),
            delivery.resume_lane(tx, new_id(), lane_id, shop.clock.now()),
        ):
            with pytest.raises(NotFound):
                await act


async def test_health_tells_what_a_lane_is_doing(shop: Corner) -> None:
    lane_id = await shop.lane()
    shop.street.script[TOOL] = [answer(400, b"bad")]
    await shop.queue(lane_id, 1)
    await drained(shop)
    await shop.queue(lane_id, 3)
    await drained(shop)
    await shop.queue(lane_id, 2)
    async with shop.db.reading() as tx:
        (health,) = await delivery.lane_health(tx, shop.workspace.id, shop.clock.now())
        totals = await delivery.delivery_totals(tx, shop.workspace.id)
        hour = timedelta(hours=1)
        around = [shop.clock.now() - hour, shop.clock.now() + hour, shop.clock.now() + 2 * hour]
        delivered = await delivery.delivered_between(tx, shop.workspace.id, around)
    assert (health.queued, health.failed) == (2, 1)
    assert (health.delivered_last_hour, health.failed_last_hour, health.retried_last_hour) == (3, 1, 0)
    assert health.mean_ms_last_hour == 7
    assert health.last_error == "The tool answered 400: bad"
    assert health.oldest_due_at == shop.clock.now()
    assert totals == {lane_id: (3, 1)}
    assert delivered == [3, 0]


async def test_sending_and_replaying_take_their_locks_in_one_order(shop: Corner) -> None:
    lane_id = await shop.lane()
    (one,) = await shop.queue(lane_id)
    now, workspace_id = shop.clock.now(), shop.workspace.id
    async with shop.db.reading() as tx:
        (due,) = await delivery.due(tx, workspace_id, lane_id, now, [("first", now - timedelta(days=1), new_id(), 1)])
    failed = delivery.Attempt(due.parcel(now), None, None, delivery.GaveUp("No."))
    async with shop.db.transaction() as tx:
        await delivery.record(tx, workspace_id, lane_id, [(failed, 0)], now=now, random=random.random)

    async def replay(how: str) -> None:
        async with shop.db.transaction() as tx:
            if how == "one":
                await delivery.replay(tx, workspace_id, one, now)
            else:
                await delivery.replay_failed(tx, workspace_id, lane_id, None, now)

    for how in ("one", "all"):
        async with shop.db.transaction() as tx:
            # As sending does when the tool's answer pauses the lane: first the lane, then what was sent.
            await delivery.pause_lane(tx, workspace_id, lane_id, "Paused.")
            replaying = asyncio.create_task(replay(how))
            while not await tx.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
            ):
                assert not replaying.done(), "it waits for the lane"
            await delivery.record(tx, workspace_id, lane_id, [(failed, 0)], now=now, random=random.random)
        await replaying
        assert await shop.states([one]) == ["queued"]
        async with shop.db.transaction() as tx:
            await delivery.record(tx, workspace_id, lane_id, [(failed, 0)], now=now, random=random.random)
