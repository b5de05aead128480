"""One shop can stop nobody else's events."""

from datetime import datetime
from uuid import UUID

import asyncpg
import pytest

from regulars import dispatch, events, limits, tenancy
from regulars.events import NewEvent
from regulars.kit import Tx
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.ids import new_id
from regulars.tenancy import Workspace
from regulars.worker.following import FanOut
from tests import make


async def a_shop_with_events(db: Database, clock: HandClock, count: int = 1) -> Workspace:
    shop = await make.a_workspace(db, clock.now())
    async with db.transaction() as tx:
        shop = await tenancy.change_workspace(tx, shop.id, {"events_on": True}, clock.now())
        await make.heard(tx, shop.id, clock.now(), "order_create")
        new = [NewEvent(topic="order_create", customer_id=new_id(), body="{}", occurred_at=clock.now())] * count
        await events.append(tx, shop.id, new, clock.now())
    return shop


async def waiting(db: Database, shop: Workspace) -> bool:
    async with db.reading() as tx:
        return shop.id in await events.workspaces_with_pending(tx, "dispatch")


async def test_a_shop_whose_batch_fails_is_let_alone_and_the_others_go_on(
    db: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOOP_BACKOFF_MAX_S", 0.0)
    shops = [await a_shop_with_events(db, clock) for _ in range(3)]
    broken = sorted(shop.id for shop in shops)[0]
    async with db.transaction() as tx:
        await tx.execute("UPDATE tenancy_workspace SET time_zone = 'Mars/Olympus' WHERE workspace_id = $1", broken)
    fan_out = FanOut(db, clock)
    # A round may end before its batches do, so it is gone on with until each shop's has come to an end.
    whole = [shop for shop in shops if shop.id != broken]
    while not fan_out.turns.faults or any([await waiting(db, shop) for shop in whole]):
        await fan_out.round()
    await fan_out.turns.finish()
    assert set(fan_out.turns.faults) == {(broken, "")}
    assert await waiting(db, next(shop for shop in shops if shop.id == broken))
    async with db.transaction() as tx:
        await tx.execute("UPDATE tenancy_workspace SET time_zone = 'UTC' WHERE workspace_id = $1", broken)
        await tx.execute("DELETE FROM dispatch_rule WHERE workspace_id = $1", broken)
    while fan_out.turns.faults:
        await fan_out.round()
    assert not any([await waiting(db, shop) for shop in shops])


async def test_a_batch_that_waited_for_another_in_a_circle_is_begun_again(
    db: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, tries = await a_shop_with_events(db, clock), list[UUID]()

    async def raced(tx: Tx, workspace: Workspace, now: datetime) -> dispatch.FanoutCount:
        tries.append(workspace.id)
        count = await fan_out_once(tx, workspace, now)
        if len(tries) == 1:
            raise asyncpg.DeadlockDetectedError("")
        return count

    fan_out_once = dispatch.fan_out
    monkeypatch.setattr(dispatch, "fan_out", raced)
    fan_out = FanOut(db, clock)
    while await waiting(db, shop):
        await fan_out.round()
    await fan_out.turns.finish()
    assert tries == [shop.id] * 2
    assert not fan_out.turns.faults


async def test_a_shop_whose_batch_is_held_up_holds_up_no_other(db: Database, clock: HandClock) -> None:
    slow, quick = await a_shop_with_events(db, clock), await a_shop_with_events(db, clock)
    integration_id = new_id()
    fan_out = FanOut(db, clock)
    async with db.transaction() as tx:
        await _a_rule_and_its_lane(db, slow, integration_id, clock)
        await tx.fetch("SELECT id FROM delivery_lane WHERE workspace_id = $1 FOR UPDATE", slow.id)
        while await waiting(db, quick):
            await fan_out.round()
        again = await a_shop_with_events(db, clock)
        while await waiting(db, again):
            await fan_out.round()
        assert await waiting(db, slow)
    while await waiting(db, slow):
        await fan_out.round()
    await fan_out.turns.finish()


async def test_shops_take_turns(db: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FANOUT_WORKSPACES_MAX", 1)
    shops = [await a_shop_with_events(db, clock, 2 * limits.FANOUT_EVENTS_MAX) for _ in range(3)]
    fan_out = FanOut(db, clock)
    left: list[int] = []
    while not left or left[-1]:
        await fan_out.round()
        left.append(sum([await waiting(db, shop) for shop in shops]))
    # None was done before each had had its first turn.
    assert left.index(2) > max(n for n, count in enumerate(left) if count == 3) >= 2


async def _a_rule_and_its_lane(db: Database, shop: Workspace, integration_id: UUID, clock: HandClock) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            "INSERT INTO dispatch_rule (workspace_id, id, topic, integration_id, created_at, updated_at)"
            " VALUES ($1, $2, 'order_create', $2, $3, $3)",
            shop.id,
            integration_id,
            clock.now(),
        )
        await tx.execute(
            "INSERT INTO delivery_lane (workspace_id, id, tool, rate_per_minute, tokens_at, created_at)"
            " VALUES ($1, $2, 'webhook', 60, $3, $3)",
            shop.id,
            integration_id,
            clock.now(),
        )
