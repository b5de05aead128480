"""What a tool missed, how its day went and what to do about what failed are found by keys, however little PostgreSQL
knows of the tables."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from regulars import delivery, dispatch
from regulars.dispatch.fanout import REFILL, refill, refill_more, refilled
from regulars.kit.clock import HandClock
from regulars.schedule import Due
from tests.rooms.delivery.street import corner
from tests.rooms.plans import planning, unanalysed


async def test_what_a_tool_missed_and_how_it_does_go_by_keys(server_url: str, clock: HandClock) -> None:
    db = await unanalysed(server_url)
    clock.move(datetime.now(UTC))  # ids say when
    async with corner(db, clock) as shop:
        lane_id, id, now = await shop.lane(), shop.workspace.id, clock.now()
        await shop.queue(lane_id, 500)
        again = {"after_id": str(id), "until_id": str(id), "queued": 0}
        for analysed in (False, True):
            async with planning(db, analysed=analysed, at_least=10) as spy:
                page = await delivery.search_deliveries(spy, id, limit=20)
                await delivery.advice(spy, id, [replace(one, state="failed") for one in page.items])
                await delivery.lane_day(spy, id, lane_id, now)
                await delivery.search_deliveries(spy, id, customer_id=id, limit=20)
                await dispatch.search_events(spy, id, lane_id=lane_id, state="queued", limit=20)
                some = [one.id for one in page.items]
                await delivery.replay_chosen(spy, id, some, now + timedelta(days=1), lanes=[lane_id])
                await delivery.give_way(spy, id, [one.id for one in page.items], now)
                await refill(spy, shop.workspace, lane_id, now - timedelta(days=1), now)
                assert await refilled(spy, id, lane_id)
                await refill_more(spy, shop.workspace, [Due(REFILL, str(lane_id), now, again)], now)
    await db.close()
