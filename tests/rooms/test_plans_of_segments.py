"""Who is in a segment is found by keys, however little PostgreSQL knows of the tables; finding all reads all once."""

from collections.abc import AsyncIterator

import pytest

from regulars import dispatch, events, rewards
from regulars.bench.stage import sql as filling
from regulars.engagement import segments
from regulars.engagement.segments import NewSegment
from regulars.events import NewEvent
from regulars.kit import new_id
from regulars.kit.clock import HandClock
from regulars.rewards import Ask, Terms
from regulars.worker.loops import engage
from tests import make
from tests.rooms.delivery.street import Corner, corner
from tests.rooms.plans import planning, unanalysed

MANY = 1_000
ORDERED = {
    "done": "order_create",
    "where": {"property": "fiat_amount", "operator": "at_least", "value": 20},
    "count": {"operator": "at_least", "value": 1},
    "when": {"last_days": 30},
}


@pytest.fixture
async def shop(server_url: str, clock: HandClock) -> AsyncIterator[Corner]:
    db = await unanalysed(server_url)
    async with corner(db, clock) as made:
        yield made
    await db.close()


async def test_segments_go_by_keys(shop: Corner) -> None:
    db, workspace, now = shop.db, shop.workspace, shop.clock.now()
    people = list((await make.some_customers(db, workspace, now, *(f"Customer{n:04}" for n in range(MANY)))).values())
    ids = [one.id for one in people]

    def ordered(n: int) -> list[NewEvent]:
        return [NewEvent("order_create", id, '{"fiat_amount": 50}', now) for id in ids[:n]]

    async with db.transaction() as tx:
        await events.append(tx, workspace.id, ordered(MANY), now)
        live = await segments.create_segment(tx, workspace, NewSegment(name="Lately", condition=ORDERED), now)
        other = {"property": "segments", "operator": "any_of", "value": [str(live.id)]}
        user = await segments.create_segment(tx, workspace, NewSegment(name="The same", condition=other), now)
        all_ = await segments.create_segment(tx, workspace, NewSegment(name="All", kind="static"), now)
        for _ in range(3):
            await segments.find(tx, workspace, [], now)
        terms = Terms(price="fixed", value=1, coins=1, segments=(live.id, all_.id))
        offer = await rewards.create_offer(tx, workspace, "Some", terms, now)
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=35) as spy:
            assert (await segments.get_segment(spy, workspace.id, live.id)).members == MANY
            await events.append(spy, workspace.id, ordered(50), now)
            assert await engage(spy, workspace, now) == 50
            await segments.look(spy, workspace, [], now)
            assert len(await segments.members_of(spy, workspace.id, user.id, limit=20)) == 20
            assert len(await segments.segments_of(spy, workspace.id, ids[0])) == 3
            assert (await segments.why(spy, workspace, live.id, ids[0], now)).member_since
            assert set((await dispatch.live_segments(spy, workspace.id, ids[:50]))[ids[0]]) == {"Lately", "The same"}
            asks = [Ask(customer_id=id, offer_id=offer.id, type="reward") for id in ids[:50]]
            assert all(isinstance(one, rewards.Issued) for one in await rewards.issue(spy, workspace, asks, now))
            assert list(await rewards.foreseen(spy, workspace, people[0], [offer], now)) == [offer.id]
            await segments.moved(spy, workspace, ids[0], ids[1], now)
            await segments.forget(spy, workspace.id, ids[2:4])
            await segments.change_segment(spy, workspace, live.id, {"name": "Other"}, now)
            await segments.find_again(spy, workspace, all_.id, now)
            await segments.delete_segment(spy, workspace, user.id)


async def test_a_new_shop_beside_a_large_one_is_asked_by_customer(shop: Corner) -> None:
    """Of the new one nothing is known, and of the months to come only that nothing was in them."""
    db, now = shop.db, shop.clock.now()
    new = await make.a_workspace(db, now, "New")
    who = await make.a_customer(db, new, now)
    async with db.transaction() as tx:
        await tx.execute(filling.fill_customers, shop.workspace.id, MANY // 2, now)
        await tx.execute(filling.fill_events, shop.workspace.id, 10, str(new_id())[:24], now)
        await tx.execute("ANALYZE")
        # In large months, which no test fills, it shows: of how many events each shop has, nothing is to be believed.
        believed = "SELECT count(*) FROM pg_stats WHERE tablename LIKE 'events_event_%' AND attname = $1"
        assert [await tx.fetchval(believed, name) for name in ("workspace_id", "topic")] == [0, 1]
        await segments.create_segment(tx, new, NewSegment(name="Lately", condition=ORDERED), now)
        await segments.find(tx, new, [], now)
        await events.append(tx, new.id, [NewEvent("order_create", who.id, '{"fiat_amount": 50}', now)] * 50, now)
    async with planning(db, analysed=False, at_least=10) as spy:
        assert await engage(spy, new, now)
        (lately,) = await segments.list_segments(spy, new.id)
        assert lately.members == 1
