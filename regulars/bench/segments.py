"""Segments: who is found of many, what an event costs where many of them are live, how late an edge of time is, and
what rewards lose by those that listen."""

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from regulars import events, schedule
from regulars.bench import postgres, rewards
from regulars.bench.automations import launched
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row, middle
from regulars.bench.stage import Stage, sql
from regulars.bench.turns import in_turn, rate
from regulars.engagement import segments
from regulars.engagement.segments import NewSegment
from regulars.engagement.segments.store import sql as segment_sql
from regulars.events import NewEvent
from regulars.kit import new_id
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.worker.loops import engage

LISTENING, AUTOMATIONS = 50, 5
_EACH, _TIMES, _FEW = 10, 20, 1_000
_TREE = msgspec.json.decode(Path(__file__).with_name("nested.json").read_bytes())


async def measure(stage: Stage) -> list[Row]:
    found = await _found(stage)
    return [found, *await _followed(stage), await _listened(stage)]


async def _shop(stage: Stage, name: str, customers: int) -> Workspace:
    """Each of its customers did ten things within a year."""
    stage.say(f"filling a shop with {customers * _EACH:,} events of {customers:,} customers")
    shop, now = await stage.shop(name), stage.app.clock.now()
    async with stage.filling() as connection:
        await connection.execute(sql.fill_customers, shop.id, customers, now)
        await connection.execute(sql.fill_events, shop.id, _EACH, str(new_id())[:24], now)
    await postgres.settle(stage.url)
    return shop


async def _found(stage: Stage) -> Row:
    """Raises BenchFailed where others are found by hand."""
    many = stage.plan.segment_customers
    shop = await _shop(stage, "Segments", many)
    async with stage.app.db.transaction() as tx:
        new = NewSegment(name="Nested", kind="static", condition=_TREE)
        one = await segments.create_segment(tx, shop, new, stage.app.clock.now())
    await postgres.last_statement_s(stage.url, "CREATE TABLE bench_found (LIKE segments_member INCLUDING ALL)")
    took: list[float] = []
    for statement in (sql.find_by_hand, "", sql.find_by_hand):
        began = time.monotonic()
        async with stage.app.db.transaction() as tx:
            if statement:
                await tx.execute(segment_sql.plan_freely, "0")
                await tx.execute(sql.empty_found, shop.id)
                await tx.execute(statement, shop.id, shop.time_zone)
            else:
                await segments.find(tx, shop, [], stage.app.clock.now())
        took.append(time.monotonic() - began)
    async with stage.app.db.reading() as tx:
        members = (await segments.get_segment(tx, shop.id, one.id)).members
    if not 0 < members == await stage.count("count_found", shop.id):
        raise BenchFailed(f"{members:,} members were found, and others by hand")
    stage.say(f"{members:,} members found in {took[1]:.2f} s, by hand in {took[0]:.2f} s and {took[2]:.2f} s")
    hand_s = min(took[0], took[2])
    return Row("customers a segment is found of", many / took[1], "the same in hand-written SQL", many / hand_s, 0.8)


async def live(stage: Stage, shop: Workspace, many: int, topic: str = "order_create") -> None:
    """So many live segments that mention it, no two of which ask the same, in which nobody is yet."""
    stage.say(f"making {many} live segments")
    for n in range(many):
        did: dict[str, Any] = {"done": topic, "count": {"operator": "at_least", "value": 1 + n % 50}}
        did["when"] = {"last_days": 5 + n % 60}
        if n % 2:
            worth = "fiat_amount" if topic == "order_create" else "amount"
            did["where"] = {"property": worth, "operator": "at_least", "value": n % 40}
        tree = {"all": [did, {"property": "customer_orders", "operator": "at_least", "value": n % 3}]}
        async with stage.app.db.transaction() as tx:
            await segments.create_segment(tx, shop, NewSegment(name=f"{n}", condition=tree), stage.app.clock.now())
    async with stage.app.db.transaction() as tx:
        await tx.execute(sql.call_found, shop.id)
    await postgres.settle(stage.url)


async def _followed(stage: Stage) -> list[Row]:
    shop, many = await _shop(stage, "Live segments", _FEW), stage.plan.live_segments
    await live(stage, shop, many)
    database_ms, now = [], stage.app.clock.now()
    async with stage.app.db.reading() as tx:
        who: UUID = await tx.fetchval(sql.customers, shop.id)
    for _ in range(_TIMES):
        async with stage.app.db.transaction() as tx:
            body = '{"fiat_amount": 50, "status": "completed"}'
            await events.append(tx, shop.id, [NewEvent("order_create", who, body, now)], now)
            await tx.fetchval(sql.flush)
        before = await stage.count("active_ms", shop.id)
        async with stage.app.db.transaction() as tx:
            if await engage(tx, shop, stage.app.clock.now()) != 1:
                raise BenchFailed("an event was not looked at by the segments that mention it")
            await tx.fetchval(sql.flush)
        database_ms.append(await stage.count("active_ms", shop.id) - before)
    stage.say(f"an event took {database_ms} ms")
    name = f"an event, looked at by {many} live segments"
    return [Row(name, middle(database_ms), "of database time; 20 at most", unit="ms"), await _left(stage)]


async def _left(stage: Stage) -> Row:
    """All customers are put into a segment that they leave at one moment."""
    shop = await _shop(stage, "A window's edge", _FEW)
    app, new = stage.app, NewSegment(name="Lately", condition={"done": "order_create", "when": {"last_days": 1}})
    async with stage.working():
        async with app.db.transaction() as tx:
            one = await segments.create_segment(tx, shop, new, app.clock.now())
        await stage.until("count_unfound", shop, one.id, 1)
        at = app.clock.now() + timedelta(seconds=1)
        async with app.db.transaction() as tx:
            await tx.execute(sql.enter, shop.id, one.id, at)
            await schedule.put(tx, shop.id, [Due(segments.LOOK, "", at, {})])
        await stage.until("count_to_look_at", shop, one.id, at)
        async with app.db.reading() as tx:
            last: datetime = await tx.fetchval(sql.last_left, shop.id)
    late_s = (last - at).total_seconds()
    return Row("leaving by a window's edge, the last of 1,000", late_s, "after it; 5 at most", unit="s")


async def _listened(stage: Stage) -> Row:
    beside, plain = await rewards.plain(stage, "Beside segments")
    shop, listening = await rewards.plain(stage, "Segments that listen")
    await live(stage, shop, LISTENING, rewards.REWARD)
    for n in range(AUTOMATIONS):
        has = {"property": "customer_balance", "operator": "at_least", "value": 50 + 10 * n}
        await launched(stage, shop, {"filter": has, "steps": [{"id": "day", "kind": "wait", "for_s": 86_400}]})
    counts = [await rewards.Counts(stage, one).taken() for one in (beside, shop)]
    async with stage.working():
        tasks = {"plain": plain, "listened to": listening}
        reports = list((await in_turn(tasks, stage.say, rounds=stage.plan.rounds, seconds=stage.plan.turn_s)).values())
        await stage.until("count_unread", shop)
    for count, of in zip(counts, reports, strict=True):
        await count.check(of)
    name = f"rewards, {LISTENING} segments and {AUTOMATIONS} automations listening"
    return Row(name, rate(reports[1]), "plain rewards beside them", rate(reports[0]), 0.8)
