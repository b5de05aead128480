"""What can't be read waits for the rule it concerns, stops nobody else, and is taken up again once it can be read."""

from typing import Any
from uuid import UUID

import pytest

from regulars import delivery, dispatch, events, limits, tenancy
from regulars.events import NewEvent
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.ids import new_id
from regulars.tenancy import Workspace
from tests import make

AT_LEAST_20 = {"property": "amount", "operator": "at_least", "value": 20}
UNKNOWN = {"property": "amount", "operator": "rhymes_with", "value": 20}


@pytest.fixture
async def shop(db: Database, clock: HandClock) -> Workspace:
    made = await make.a_workspace(db, clock.now())
    async with db.transaction() as tx:
        return await tenancy.change_workspace(tx, made.id, {"events_on": True}, clock.now())


class Counter:
    """A shop with one tool, its rules as another version may have left them, and its events."""

    def __init__(self, db: Database, shop: Workspace, clock: HandClock) -> None:
        self.db, self.shop, self.clock, self.tool = db, shop, clock, new_id()

    async def open(self) -> None:
        async with self.db.transaction() as tx:
            await tx.execute(
                "INSERT INTO integrations_integration"
                " (workspace_id, id, tool, name, settings, secrets, state, created_at, updated_at)"
                " VALUES ($1, $2, 'webhook', 'Hook', '{}', '', 'ready', $3, $3)",
                self.shop.id,
                self.tool,
                self.clock.now(),
            )
            await delivery.open_lane(tx, self.shop.id, self.tool, "webhook", 60, self.clock.now())

    async def rule(self, condition: object = None, topic: str = "walletreward_create") -> UUID:
        async with self.db.transaction() as tx:
            rule = await dispatch.create_rule(
                tx, self.shop.id, topic="walletreward_create", integration_id=self.tool, now=self.clock.now()
            )
        await self.leave(rule.id, topic=topic, condition=condition)
        return rule.id

    async def leave(self, rule_id: UUID, **columns: Any) -> None:
        async with self.db.transaction() as tx:
            for column, value in columns.items():
                await tx.execute(
                    f"UPDATE dispatch_rule SET {column} = $3 WHERE workspace_id = $1 AND id = $2",
                    self.shop.id,
                    rule_id,
                    value,
                )

    async def event(self, body: str = '{"amount":25}', topic: str = "walletreward_create") -> UUID:
        async with self.db.transaction() as tx:
            new = NewEvent(topic=topic, customer_id=new_id(), body=body, occurred_at=self.clock.now())
            return (await events.append(tx, self.shop.id, [new], self.clock.now()))[0]

    async def fan_out(self) -> int:
        async with self.db.transaction() as tx:
            return (await dispatch.fan_out(tx, self.shop, self.clock.now())).deliveries

    async def retry(self) -> int:
        async with self.db.transaction() as tx:
            workspace = await tenancy.get_workspace(tx, self.shop.id)
            return (await dispatch.retry_aside(tx, workspace, self.clock.now())).deliveries

    async def told(self, event_id: UUID) -> list[UUID]:
        async with self.db.reading() as tx:
            sent = await delivery.deliveries_of_events(tx, self.shop.id, [event_id])
        return [one.rule_id for one in sent.get(event_id, [])]

    async def waits(self, rule_id: UUID) -> tuple[int, str]:
        async with self.db.reading() as tx:
            rule = await dispatch.get_rule(tx, self.shop.id, rule_id)
        return rule.waiting, rule.problem


@pytest.fixture
async def counter(db: Database, shop: Workspace, clock: HandClock) -> Counter:
    made = Counter(db, shop, clock)
    await made.open()
    return made


@pytest.mark.parametrize(
    ("topic", "condition"), [("walletreward_create", UNKNOWN), ("parcel_lost", None)], ids=["restriction", "event"]
)
async def test_events_wait_for_a_rule_that_a_newer_version_has_stored(
    counter: Counter, topic: str, condition: object
) -> None:
    odd, plain = await counter.rule(condition, topic), await counter.rule(topic=topic)
    if topic == "walletreward_create":
        await counter.leave(plain, condition=None)
    first, second = await counter.event(topic=topic), await counter.event('{"amount":5}', topic)
    known = topic == "walletreward_create"
    assert await counter.fan_out() == (2 if known else 0)
    waiting, problem = await counter.waits(odd)
    assert waiting == 2
    assert problem
    assert await counter.retry() == 0
    assert (await counter.waits(odd))[0] == 2
    # The version that knows it is here.
    async with counter.db.transaction() as tx:
        await tx.execute(
            "UPDATE dispatch_aside SET topic = 'walletreward_create' WHERE workspace_id = $1", counter.shop.id
        )
        await tx.execute(
            "UPDATE events_event SET topic = 'walletreward_create' WHERE workspace_id = $1", counter.shop.id
        )
    await counter.leave(odd, topic="walletreward_create", condition=AT_LEAST_20)
    assert await counter.retry() == 1
    assert odd in await counter.told(first)
    assert odd not in await counter.told(second)
    assert await counter.waits(odd) == (0, "")
    assert await counter.retry() == 0


async def test_an_event_that_can_not_be_read_waits_alone(counter: Counter) -> None:
    asking, plain = await counter.rule(AT_LEAST_20), await counter.rule()
    torn, whole = await counter.event('{"amount":'), await counter.event()
    assert await counter.fan_out() == 3
    assert await counter.told(torn) == [plain]
    assert set(await counter.told(whole)) == {asking, plain}
    waiting, problem = await counter.waits(asking)
    assert (waiting, "can't be read" in problem) == (1, True)
    assert await counter.waits(plain) == (0, "")
    assert await counter.retry() == 0
    async with counter.db.transaction() as tx:
        await tx.execute(
            "UPDATE events_event SET body = $3 WHERE workspace_id = $1 AND id = $2",
            counter.shop.id,
            torn,
            '{"amount":30}',
        )
    assert await counter.retry() == 1
    assert set(await counter.told(torn)) == {asking, plain}


@pytest.mark.parametrize("ended", ["stopped", "deleted", "events off"])
async def test_what_waits_is_let_go_with_what_it_waits_for(counter: Counter, ended: str) -> None:
    odd = await counter.rule(UNKNOWN)
    await counter.event()
    await counter.fan_out()
    async with counter.db.transaction() as tx:
        if ended == "stopped":
            await dispatch.change_rule(tx, counter.shop.id, odd, {"active": False}, counter.clock.now())
        elif ended == "deleted":
            await dispatch.delete_rule(tx, counter.shop.id, odd, counter.clock.now())
        else:
            await tenancy.change_workspace(tx, counter.shop.id, {"events_on": False}, counter.clock.now())
    assert await counter.retry() == 0
    assert (await counter.waits(odd))[0] == 0


async def test_what_waits_is_tried_again_now_and_then(counter: Counter) -> None:
    odd = await counter.rule(UNKNOWN)
    event = await counter.event()
    await counter.fan_out()
    counter.clock.advance(seconds=limits.FANOUT_ASIDE_S)
    for _ in range(2):  # it comes back for as long as something waits
        await make.done(counter.db, counter.clock)
        assert (await counter.waits(odd))[0] == 1
        counter.clock.advance(seconds=limits.FANOUT_ASIDE_S)
    await counter.leave(odd, condition=AT_LEAST_20)
    await make.done(counter.db, counter.clock)
    assert await counter.told(event) == [odd]
    async with counter.db.reading() as tx:
        sql = "SELECT count(*) FROM schedule_due WHERE workspace_id = $1"
        assert await tx.fetchval(sql, counter.shop.id) == 0
