"""Messages in lanes: prepared right before they are sent, and never sent twice unasked."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import pytest

from regulars import delivery, limits, tenancy
from regulars.delivery import GaveUp, Later, Outcome, Outgoing, Parcel, Skipped, Uncertain
from regulars.delivery.store import sql
from regulars.kit.errors import Conflict
from regulars.kit.http import Answer, NoAnswer
from regulars.kit.ids import new_id
from regulars.worker import drain
from tests.rooms.delivery.street import Corner, PlainCarrier, answer
from tests.rooms.plans import planning

SENDER = "http://sender/"


class Messenger(PlainCarrier):
    source: delivery.SourceKind = "message"
    at_once = 8

    def read(self, answer: Answer) -> Outcome:
        return GaveUp("Nobody has this address.", bounced=True) if answer.status == 550 else super().read(answer)

    def unanswered(self, parcel: Parcel, end: NoAnswer) -> Outcome:
        return Uncertain(end.detail) if end.unclear else super().unanswered(parcel, end)


async def sender(shop: Corner) -> UUID:
    lane_id = await shop.lane("sender")
    shop.street.carriers[lane_id] = Messenger(SENDER)
    return lane_id


async def queued(shop: Corner, lane_id: UUID, count: int, due_at: datetime | None = None) -> list[UUID]:
    now = shop.clock.now()
    new = [Outgoing(new_id(), new_id(), lane_id, "email", due_at or now) for _ in range(count)]
    async with shop.db.transaction() as tx:
        await delivery.queue_messages(tx, shop.workspace.id, new, now)
    return [one.id for one in new]


async def drained(shop: Corner, patience_s: float = 0.0) -> None:
    await drain(shop.db, shop.street, shop.street, clock=shop.clock, random=lambda: 0.0, patience_s=patience_s)


def settled(shop: Corner, ids: Sequence[UUID]) -> list[tuple[str, str]]:
    by_id = {one.id: (one.state, one.reason) for one in shop.street.settled}
    assert len(by_id) == len(shop.street.settled), "each is told of once"
    return [by_id[one] for one in ids]


async def test_what_is_prepared_is_sent_and_what_is_not_says_why_or_waits(shop: Corner) -> None:
    """Events may be off: they are not what is sent here."""
    async with shop.db.transaction() as tx:
        await tenancy.change_workspace(tx, shop.workspace.id, {"events_on": False}, shop.clock.now())
    lane_id = await sender(shop)
    ids = await queued(shop, lane_id, limits.LANE_IN_HAND_MAX * 2 + 5)
    at = shop.clock.now().replace(microsecond=0, hour=23)
    shop.street.prepared = {
        **{one: Skipped(one, "No consent.") for one in ids[:40]},
        **{one: Later(one, at, "Quiet hours.") for one in ids[40:50]},
    }
    await drained(shop)
    assert await shop.states(ids) == ["skipped"] * 40 + ["queued"] * 10 + ["delivered"] * (len(ids) - 50)
    assert sorted(shop.street.ids(SENDER)) == sorted(map(str, ids[50:])), "in one try each"
    skipped, none = await shop.found(ids[0])
    assert (skipped.source, skipped.topic, skipped.reason, none) == ("message", "email", "No consent.", [])
    assert skipped.event_id == ids[0]
    waits, _ = await shop.found(ids[45])
    assert (waits.due_at, waits.reason) == (at, "Quiet hours.")
    assert settled(shop, [ids[0], ids[60]]) == [("skipped", "No consent."), ("delivered", "")]
    shop.street.prepared.clear()
    await drained(shop, patience_s=86_400)
    assert set(await shop.states(ids[40:50])) == {"delivered"}
    full = limits.PAGE_ITEMS_MAX
    for of, expected in (({"source": "message"}, full), ({"source": "event"}, 0), ({"state": "skipped"}, 40)):
        async with shop.db.reading() as tx:
            page = await delivery.search_deliveries(tx, shop.workspace.id, **of, limit=full)  # type: ignore[arg-type]
        assert len(page.items) == expected


async def test_one_that_may_have_arrived_is_never_sent_again_unasked(shop: Corner) -> None:
    lane_id = await sender(shop)
    (lost, refused, nobody) = await queued(shop, lane_id, 3)
    gone = NoAnswer("timeout_after_sent", "did not answer in time.", 10_000)
    shop.street.script[SENDER] = [gone, answer(451), answer(550)]
    await drained(shop, patience_s=86_400)
    found, (attempt,) = await shop.found(lost)
    assert (found.state, attempt.outcome, found.reason) == ("uncertain", "uncertain", "did not answer in time.")
    assert await shop.states([refused, nobody]) == ["failed", "failed"]
    assert shop.street.ids(SENDER).count(str(lost)) == 1
    assert [one.bounced for one in shop.street.settled if one.id == nobody] == [True]
    async with shop.db.transaction() as tx:
        assert await delivery.replay_failed(tx, shop.workspace.id, lane_id, None, shop.clock.now()) == 2
    await drained(shop)
    assert shop.street.ids(SENDER).count(str(lost)) == 1, "what is uncertain is no failure to be sent again with others"
    async with shop.db.transaction() as tx:
        await delivery.replay(tx, shop.workspace.id, lost, shop.clock.now())
    await drained(shop)
    assert await shop.states([lost, refused, nobody]) == ["delivered"] * 3


async def test_what_came_of_messages_is_written_down_when_others_changed_them_meanwhile(shop: Corner) -> None:
    lane_id, here = await sender(shop), shop.workspace.id
    ids, now = await queued(shop, lane_id, 200), shop.clock.now()
    parcel = Parcel(ids[0], ids[0], "email", "email", now, "{}", False, 1, now)
    said = [msgspec.structs.replace(parcel, delivery_id=id) for id in ids]
    made = [(delivery.Attempt(one, None, None, delivery.Delivered()), 0) for one in said]

    async def record() -> None:
        async with shop.db.transaction() as tx:
            for some in (*[ids[:1]] * 6, ids):  # from the sixth time on by a plan for any
                await tx.execute(sql.lock_deliveries, here, lane_id, some)
            await delivery.record(tx, here, lane_id, made, now=now, random=random.random)

    for _ in range(3):
        async with shop.db.transaction() as tx:
            changed = "UPDATE delivery_delivery SET reason = 'x' WHERE workspace_id = $1 AND id = ANY ($2::uuid[])"
            await tx.execute(changed, here, ids[50:60])
            recording = asyncio.create_task(record())
            while not await tx.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
            ):
                assert not recording.done(), "it waits for what is being changed"
        await recording
    assert await shop.states(ids) == ["delivered"] * len(ids)


async def test_what_a_dead_worker_had_in_hand_is_uncertain_and_nothing_else_is(shop: Corner) -> None:
    lane_id = await sender(shop)
    ids = await queued(shop, lane_id, limits.LANE_IN_HAND_MAX + 10)
    here = (shop.workspace.id, lane_id)
    async with shop.db.transaction() as tx:
        dead = await delivery.take_up(tx, shop.street, *here, new_id(), shop.clock.now())
    assert dead is not None
    async with shop.db.transaction() as tx:
        fresh = await dead.read(tx, shop.street, shop.clock.now())
        assert not len(dead.lineup), "nothing is sent before it is committed that it may be"
    dead.line_up(fresh)
    async with shop.db.transaction() as tx:
        with pytest.raises(Conflict):
            await delivery.replay(tx, shop.workspace.id, ids[0], shop.clock.now())
    in_hand = len(dead.lineup)
    assert in_hand >= limits.LANE_IN_HAND_MAX // 2
    shop.clock.advance(seconds=limits.LANE_LEASE_S + 1)
    await drained(shop)
    assert await shop.states(ids[in_hand:]) == ["queued"] * (len(ids) - in_hand), (
        "what it used of the rate is not known"
    )
    await drained(shop, patience_s=1)
    states = await shop.states(ids)
    assert states == ["uncertain"] * in_hand + ["delivered"] * (len(ids) - in_hand)
    assert not set(shop.street.ids(SENDER)) & set(map(str, ids[:in_hand]))
    (state, why), *_ = settled(shop, ids)
    assert state == "uncertain"
    assert "may have arrived" in why
    # The worker was not dead, only slow: what it then writes down is what happened.
    due = dead.lineup.next()
    assert due is not None
    made = await delivery.attempt(Messenger(SENDER), shop.street, due.parcel(shop.clock.now()))
    shop.street.settled.clear()
    async with shop.db.transaction() as tx:
        await dead.record(tx, shop.street, [(made, 0)], shop.clock.now(), random.random)
    assert await shop.states(ids[:2]) == ["delivered", "uncertain"]


async def test_what_was_in_hand_and_not_begun_goes_back_when_a_turn_ends(shop: Corner) -> None:
    lane_id = await sender(shop)
    ids = await queued(shop, lane_id, 20)
    async with shop.db.transaction() as tx:
        turn = await delivery.take_up(tx, shop.street, shop.workspace.id, lane_id, new_id(), shop.clock.now())
    assert turn is not None
    async with shop.db.transaction() as tx:
        fresh = await turn.read(tx, shop.street, shop.clock.now())
        turn.end("turn is over")
    turn.line_up(fresh)
    assert not len(turn.lineup), "it ended meanwhile"
    async with shop.db.transaction() as tx:
        await turn.put_down(tx, shop.clock.now())
    await drained(shop)
    assert set(await shop.states(ids)) == {"delivered"}


async def test_a_messages_test_that_nobody_recorded_is_uncertain(shop: Corner) -> None:
    lane_id = await sender(shop)
    async with shop.db.transaction() as tx:
        parcel = await delivery.queue_test(
            tx, shop.workspace.id, delivery.Addressee(lane_id, lane_id, "", "email"), None,
            "{}", occurred_at=shop.clock.now(), now=shop.clock.now(), source="message",
        )  # fmt: skip
    await drained(shop)
    assert await shop.states([parcel.delivery_id]) == ["queued"], "whoever queued it sends it"
    await drained(shop, patience_s=120)
    assert await shop.states([parcel.delivery_id]) == ["uncertain"]
    assert not shop.street.received


@pytest.mark.parametrize("analysed", [False, True])
async def test_messages_are_found_by_keys(shop: Corner, analysed: bool) -> None:
    lane_id = await sender(shop)
    ids = await queued(shop, lane_id, 300)
    shop.street.prepared = {one: Skipped(one, "No.") for one in ids[:10]}
    async with planning(shop.db, analysed=analysed, at_least=10) as spy:
        turn = await delivery.take_up(spy, shop.street, shop.workspace.id, lane_id, new_id(), shop.clock.now())
        assert turn is not None
        await turn.read(spy, shop.street, shop.clock.now())
        turn.end("turn is over")
        await turn.put_down(spy, shop.clock.now())
