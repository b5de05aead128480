"""The log on a real database: what is appended is read, once, whenever it commits."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from regulars import dispatch, events, limits, tenancy
from regulars.events import Event, NewEvent, Pending
from regulars.kit import partitions
from regulars.kit.clock import HandClock, hours_of_day
from regulars.kit.db import Database, Tx
from regulars.kit.errors import NotFound
from regulars.kit.ids import first_id_at, new_id
from tests import make

AT = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)


def reward(body: str = "{}", **fields: object) -> NewEvent:
    given = {"topic": "walletreward_create", "customer_id": new_id(), "body": body, "occurred_at": AT, **fields}
    return NewEvent(**given)  # type: ignore[arg-type]


@pytest.fixture
async def workspace(db: Database, workspace: tenancy.Workspace) -> tenancy.Workspace:
    """One whose tools are told."""
    async with db.transaction() as tx:
        await make.heard(tx, workspace.id, AT, "walletreward_create")
        return await tenancy.change_workspace(tx, workspace.id, {"events_on": True}, AT)


async def claim_all(tx: Tx, workspace: tenancy.Workspace) -> list[Pending]:
    return await events.claim_pending(tx, workspace.id, "dispatch", 1_000)


async def test_what_is_appended_is_logged_and_pending(db: Database, workspace: tenancy.Workspace) -> None:
    cause = new_id()
    new = reward('{"user_name":"Zoë"}', cause_id=cause, depth=1)
    recorded = AT + timedelta(seconds=2)
    async with db.transaction() as tx:
        [event_id] = await events.append(tx, workspace.id, [new], recorded)
        event = await events.get(tx, workspace.id, event_id)
        assert event == Event(event_id, new.topic, new.customer_id, cause, 1, new.body, AT, recorded)
        pending = await claim_all(tx, workspace)
        assert pending == [Pending(event_id, new.topic)]
        assert await events.bodies(tx, workspace.id, pending) == {event_id: (new.body, recorded)}
        assert await claim_all(tx, workspace) == []


async def test_many_events_keep_their_order_and_given_ids(db: Database, workspace: tenancy.Workspace) -> None:
    given = new_id()
    async with db.transaction() as tx:
        assert await events.append(tx, workspace.id, [], AT) == []
        ids = await events.append(tx, workspace.id, [reward(id=given), *(reward(str(n)) for n in range(300))], AT)
        assert ids[0] == given
        assert ids == sorted(ids)
        claimed = await events.claim_pending(tx, workspace.id, "dispatch", 200)
        claimed += await events.claim_pending(tx, workspace.id, "dispatch", 200)
        bodies = await events.bodies(tx, workspace.id, claimed)
    assert [event.id for event in claimed] == ids
    assert [bodies[id] for id in ids] == [("{}", AT), *((str(n), AT) for n in range(300))]


async def test_too_deep_is_logged_but_not_pending(db: Database, workspace: tenancy.Workspace) -> None:
    deepest, too_deep = reward(depth=limits.EVENT_DEPTH_MAX), reward(depth=limits.EVENT_DEPTH_MAX + 1)
    async with db.transaction() as tx:
        ids = await events.append(tx, workspace.id, [deepest, too_deep], AT)
        assert [event.id for event in await claim_all(tx, workspace)] == ids[:1]
        assert (await events.get(tx, workspace.id, ids[1])).depth == limits.EVENT_DEPTH_MAX + 1


async def test_too_large_is_refused_and_nothing_is_logged(db: Database, workspace: tenancy.Workspace) -> None:
    fits, too_large = "ä" * (limits.EVENT_BODY_BYTES_MAX // 2), "ä" * (limits.EVENT_BODY_BYTES_MAX // 2) + "x"
    async with db.transaction() as tx:
        with pytest.raises(events.EventTooLarge):
            await events.append(tx, workspace.id, [reward(), reward(too_large)], AT)
        assert await events.recent(tx, workspace.id, limit=10) == []
        await events.append(tx, workspace.id, [reward(fits)], AT)


async def test_workspaces_do_not_see_each_other(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    async with db.transaction() as tx:
        other = await tenancy.create_workspace(tx, "Other Shop", now=clock.now())
        [event_id] = await events.append(tx, workspace.id, [reward()], AT)
        assert await claim_all(tx, other) == []
        assert await events.recent(tx, other.id, limit=10) == []
        assert await events.drop_pending(tx, other.id, "dispatch") == 0
        with pytest.raises(NotFound):
            await events.get(tx, other.id, event_id)
        assert [event.id for event in await claim_all(tx, workspace)] == [event_id]


async def test_an_event_that_commits_late_is_read(db: Database, workspace: tenancy.Workspace) -> None:
    async with db.transaction() as slow:
        [late] = await events.append(slow, workspace.id, [reward()], AT)
        async with db.transaction() as quick:
            [early] = await events.append(quick, workspace.id, [reward()], AT)
        assert late < early
        async with db.transaction() as reader:
            assert [event.id for event in await claim_all(reader, workspace)] == [early]
    async with db.transaction() as reader:
        assert [event.id for event in await claim_all(reader, workspace)] == [late]


async def test_what_was_claimed_in_vain_is_pending_again(db: Database, workspace: tenancy.Workspace) -> None:
    async with db.transaction() as tx:
        ids = await events.append(tx, workspace.id, [reward(), reward()], AT)

    async def claim_and_fail() -> None:
        async with db.transaction() as tx:
            await events.claim_pending(tx, workspace.id, "dispatch", 1)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await claim_and_fail()
    async with db.transaction() as tx:
        assert [event.id for event in await claim_all(tx, workspace)] == ids


async def test_two_readers_at_once_share_without_waiting(db: Database, workspace: tenancy.Workspace) -> None:
    async with db.transaction() as tx:
        ids = await events.append(tx, workspace.id, [reward() for _ in range(10)], AT)
    async with db.transaction() as one, db.transaction() as two:
        first = await events.claim_pending(one, workspace.id, "dispatch", 4)
        second = await events.claim_pending(two, workspace.id, "dispatch", 4)
        third = await events.claim_pending(one, workspace.id, "dispatch", 4)
    assert [event.id for event in first + second + third] == ids


async def test_racing_readers_never_get_the_same_event(db: Database, workspace: tenancy.Workspace) -> None:
    async with db.transaction() as tx:
        ids = await events.append(tx, workspace.id, [reward() for _ in range(200)], AT)

    async def read_all() -> list[Event]:
        mine: list[Event] = []
        while True:
            async with db.transaction() as tx:
                claimed = await events.claim_pending(tx, workspace.id, "dispatch", 7)
            if not claimed:
                return mine
            mine += claimed

    shares = await asyncio.gather(*(read_all() for _ in range(4)))
    assert sorted(event.id for share in shares for event in share) == ids


async def test_dropped_events_stay_in_the_log(db: Database, workspace: tenancy.Workspace) -> None:
    async with db.transaction() as tx:
        ids = await events.append(tx, workspace.id, [reward() for _ in range(5)], AT)
        assert await events.drop_pending(tx, workspace.id, "dispatch", 2) == 2
        assert await events.drop_pending(tx, workspace.id, "dispatch") == 3
        assert await events.drop_pending(tx, workspace.id, "dispatch") == 0
        assert await claim_all(tx, workspace) == []
        assert [event.id for event in await events.recent(tx, workspace.id, limit=10)] == ids[::-1]


async def test_an_event_is_pending_for_those_who_read_the_log_there_and_each_reads_its_own(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    """Another reader's row is written here by hand: it stands for a part that reads whatever the switch says."""
    async with db.transaction() as tx:
        [event_id] = await events.append(tx, workspace.id, [reward()], AT)
        await tx.execute(
            "INSERT INTO events_pending (workspace_id, reader, event_id, topic)"
            " SELECT workspace_id, 'another', event_id, topic FROM events_pending WHERE workspace_id = $1",
            workspace.id,
        )
        assert [event.id for event in await claim_all(tx, workspace)] == [event_id]
        assert await claim_all(tx, workspace) == []
        off = await events.switch(tx, workspace.id, False, AT)
        assert (await dispatch.fan_out(tx, off, AT)).events == 0
        await events.append(tx, workspace.id, [reward()], AT)
        assert not await events.still_pending(tx, workspace.id, "dispatch", [event_id])
        await events.switch(tx, workspace.id, True, AT)
        rows = await tx.fetch("SELECT reader, event_id FROM events_pending WHERE workspace_id = $1", workspace.id)
        assert [tuple(row) for row in rows] == [("another", event_id)]
        assert workspace.id not in await events.workspaces_with_pending(tx, "dispatch")
        await events.append(tx, workspace.id, [reward()], AT)
        assert workspace.id in await events.workspaces_with_pending(tx, "dispatch")


async def test_an_event_of_which_nobody_is_to_be_told_waits_for_nobody(
    db: Database, workspace: tenancy.Workspace
) -> None:
    async with db.transaction() as tx:
        await make.heard(tx, workspace.id, AT, "order_create", "order_create", "order_update", "lead_create")
        await tx.execute("UPDATE dispatch_rule SET active = false WHERE topic = 'order_update'")
        await tx.execute("UPDATE dispatch_rule SET deleted_at = $1 WHERE topic = 'lead_create'", AT)
        topics = ("order_create", "order_update", "lead_create", "lead_update", "walletreward_create")
        ids = await events.append(tx, workspace.id, [reward(topic=topic) for topic in topics], AT)
        assert [event.topic for event in await claim_all(tx, workspace)] == ["order_create", "walletreward_create"]
        assert [event.id for event in await events.recent(tx, workspace.id, limit=10)] == ids[::-1]


async def test_workspaces_with_pending_events_are_found(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async with db.transaction() as tx:
        idle = await tenancy.create_workspace(tx, "Idle Shop", now=clock.now())
        busy = await tenancy.create_workspace(tx, "Busy Shop", now=clock.now())
        await tenancy.change_workspace(tx, busy.id, {"events_on": True}, AT)
        await make.heard(tx, busy.id, AT, "walletreward_create")
        await events.append(tx, workspace.id, [reward(), reward()], AT)
        await events.append(tx, busy.id, [reward()], AT)
        found = await events.workspaces_with_pending(tx, "dispatch")
        assert {workspace.id, busy.id} <= set(found)
        assert idle.id not in found
        assert len(found) == len(set(found))
        await claim_all(tx, workspace)
        assert workspace.id not in await events.workspaces_with_pending(tx, "dispatch")


async def test_recent_pages_newest_first_by_topic_and_customer(db: Database, workspace: tenancy.Workspace) -> None:
    anna, ben = new_id(), new_id()
    async with db.transaction() as tx:
        ids = await events.append(
            tx,
            workspace.id,
            [
                reward("0", customer_id=anna),
                reward("1", customer_id=ben),
                reward("2", customer_id=anna, topic="order_create"),
                reward("3", customer_id=anna),
            ],
            AT,
        )

        async def bodies(**which: object) -> str:
            page = await events.recent(tx, workspace.id, **{"limit": 10, **which})  # type: ignore[arg-type]
            return "".join(event.body for event in page)

        assert await bodies() == "3210"
        assert await bodies(limit=2) == "32"
        assert await bodies(before_id=ids[2]) == "10"
        assert await bodies(topic="walletreward_create") == "310"
        assert await bodies(customer_id=anna) == "320"
        assert await bodies(customer_id=anna, topic="walletreward_create") == "30"
        assert await bodies(customer_id=anna, topic="walletreward_create", before_id=ids[3]) == "0"
        (newest,) = await events.recent(tx, workspace.id, topic="walletreward_create", customer_id=anna, limit=1)
        assert newest.body == "3"
        assert await events.recent(tx, workspace.id, topic="order_create", customer_id=ben, limit=1) == []


async def test_events_are_counted_by_topic_and_by_hour(db: Database, workspace: tenancy.Workspace) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    noon = datetime(2026, 3, 14, 12, 0, tzinfo=zone)

    def at(when: datetime, topic: str = "order_create") -> NewEvent:
        return reward(id=first_id_at(when), topic=topic)

    midnight = noon - timedelta(hours=12)
    placed = [at(midnight - timedelta(milliseconds=1)), at(midnight), at(noon), at(noon + timedelta(minutes=59))]
    other = at(noon + timedelta(minutes=30), "walletreward_create")
    async with db.transaction() as tx:
        await partitions.make(tx, midnight)
        await events.append(tx, workspace.id, [*placed, other], AT)
        assert await events.counts_by_topic(tx, workspace.id, midnight) == {"order_create": 3, "walletreward_create": 1}
        moments = hours_of_day(noon.astimezone(UTC), zone)
        hours = await events.counts_between(tx, workspace.id, moments)
        orders = await events.counts_between(tx, workspace.id, moments, topic="order_create")
    assert hours == [1] + [0] * 11 + [3] + [0] * 11
    assert orders == [1] + [0] * 11 + [2] + [0] * 11
    assert (moments[0], moments[-1]) == (midnight, midnight + timedelta(days=1))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_has_the_hours_that_its_clocks_show(day: str, hours: int) -> None:
    moments = hours_of_day(datetime.fromisoformat(f"{day}T15:00:00+00:00"), ZoneInfo("Europe/Berlin"))
    assert len(moments) == hours + 1
    assert {later - at for at, later in pairwise(moments)} == {timedelta(hours=1)}


def test_ids_of_a_stretch_of_time_are_a_stretch_of_the_key() -> None:
    before = datetime.now(UTC)
    made = new_id()
    assert first_id_at(before) <= made < first_id_at(datetime.now(UTC) + timedelta(seconds=1))
    assert first_id_at(AT).version == 7
