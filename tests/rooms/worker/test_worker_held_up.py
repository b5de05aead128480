"""What a worker can't read is set aside with a reason, holds nothing else up, and is taken up once it can be read."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest

from regulars import delivery, limits
from regulars.kit.clock import HandClock, SystemClock
from regulars.kit.db import Database, Tx
from regulars.kit.errors import Conflict
from regulars.kit.secrets import SecretBox
from regulars.worker import drain, work
from tests.rooms.delivery.street import Corner, Street, corner


class Puzzling(Street):
    """`faults` are the lanes whose carriers can't be made, and what is raised then."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[UUID, Exception] = {}

    async def carrier_of(self, tx: Tx, workspace_id: UUID, integration_id: UUID) -> delivery.Carrier:
        if integration_id in self.faults:
            raise self.faults[integration_id]
        return await super().carrier_of(tx, workspace_id, integration_id)


async def held_up(shop: Corner, lane_id: UUID) -> str:
    async with shop.db.reading() as tx:
        lanes = await delivery.lane_health(tx, shop.workspace.id, shop.clock.now())
    return next(lane.held_up for lane in lanes if lane.lane_id == lane_id)


@pytest.mark.parametrize(
    ("fault", "words"),
    [(Conflict("This version does not know the tool."), "does not know the tool"), (KeyError("url"), "A fault inside")],
    ids=["unknown tool", "fault"],
)
async def test_a_lane_that_can_not_be_read_says_why_and_goes_on_when_it_can(
    db: Database, fault: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LANE_NO_CARRIER_S", 0.1)
    monkeypatch.setattr(limits, "LANE_AFTER_FAULT_S", 0.1)
    async with corner(db, HandClock(datetime.now(UTC))) as shop:
        shop.clock.advance(seconds=-60)
        street = shop.street = Puzzling()
        odd, sound = await shop.lane("odd"), await shop.lane("sound")
        street.faults[odd] = fault
        stuck, ids = await shop.queue(odd, 5), await shop.queue(sound, 50)
        task = asyncio.create_task(work(db, street, street, SecretBox("k" * 40), clock=SystemClock()))
        await street.until_received("http://sound/", 50)
        async with asyncio.timeout(20):
            while words not in await held_up(shop, odd):  # noqa: ASYNC110 - only the database knows
                await asyncio.sleep(0)
        assert street.ids("http://odd/") == []
        assert await held_up(shop, sound) == ""
        street.faults.clear()
        await street.until_received("http://odd/", 5)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await held_up(shop, odd) == ""
        assert set(await shop.states(stuck + ids)) == {"delivered"}


async def test_a_delivery_whose_event_can_not_be_found_waits_alone(db: Database, clock: HandClock) -> None:
    async with corner(db, clock) as shop:
        lane_id = await shop.lane()
        lost, *others = await shop.queue(lane_id, 3)
        event_id = (await shop.found(lost))[0].event_id
        await call_topic(shop, event_id, "walletreward_create", "lost_sight_of")
        await drain(db, shop.street, shop.street, clock=clock)
        assert await shop.states(others) == ["delivered"] * 2
        found, (attempt,) = await shop.found(lost)
        assert (found.state, attempt.outcome, attempt.url) == ("queued", "retry", "")
        assert "can't be found" in found.reason
        async with db.reading() as tx:
            (lane,) = await delivery.lane_health(tx, shop.workspace.id, clock.now())
        assert lane.last_error == found.reason
        await call_topic(shop, event_id, "lost_sight_of", "walletreward_create")
        await drain(db, shop.street, shop.street, clock=clock, patience_s=60)
        assert await shop.states([lost]) == ["delivered"]


async def call_topic(shop: Corner, event_id: UUID, topic: str, other: str) -> None:
    """Its delivery looks for it under the topic that it had."""
    async with shop.db.transaction() as tx:
        await tx.execute(
            "UPDATE events_event SET topic = $4 WHERE workspace_id = $1 AND id = $2 AND topic = $3",
            shop.workspace.id,
            event_id,
            topic,
            other,
        )
