"""Deliveries a second, from events that are committed to answers that are stored; and how long one event takes."""

import asyncio
import os
import random
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import delivery, dispatch, events, integrations, limits, triggers
from regulars.bench import bare
from regulars.bench.bare import Post
from regulars.bench.children import BenchFailed, finished, listening, python, running
from regulars.bench.figures import Row, quantile
from regulars.bench.rewards import REWARD, rewarding_shop
from regulars.bench.sink import Arrivals, arrivals
from regulars.bench.stage import PATIENCE_S, Stage, sql
from regulars.bench.turns import customer_id
from regulars.customers import NewCustomer
from regulars.delivery import CheckResult, Parcel
from regulars.events import Event, NewEvent
from regulars.integrations import Integration
from regulars.kit import new_id
from regulars.kit.ports import free_port
from regulars.tenancy import Workspace
from regulars.triggers import Fire, Trigger

_POLL_S = 0.01
_FEEDS_PER_S = 40
_BODIES = 1_000


class Street(msgspec.Struct):
    """A shop whose rewards go to a sink. `arrived` counts the calls that came from the product."""

    shop: Workspace
    integration: Integration
    sink: Process
    arrived: int = 0

    async def deliveries(self) -> Arrivals:
        """What the product delivered since anybody asked last."""
        came = await arrivals(self.sink)
        self.arrived += len(came.ids)
        return came


@asynccontextmanager
async def opened(stage: Stage) -> AsyncIterator[Street]:
    """A shop with a backlog of events, and one rule that sends them to a webhook at the highest rate there is. Nothing
    is sent before somebody works."""
    async with sinking(stage) as (sink, url):
        stage.say(f"making {stage.plan.backlog_events:,} events to deliver")
        shop, trigger = await rewarding_shop(stage, "Deliveries")
        integration = await connect(stage, shop, url, REWARD)
        await _fill(stage, shop, trigger)
        await arrivals(sink)
        yield Street(shop, integration, sink)


@asynccontextmanager
async def sinking(stage: Stage) -> AsyncIterator[tuple[Process, str]]:
    """A sink and its address."""
    port = free_port()
    command = python("regulars.bench.sink", str(port))
    async with running(command, environment=os.environ, log=stage.folder / "sink.log", talking=True) as sink:
        await listening(port, sink)
        yield sink, f"http://127.0.0.1:{port}/"


async def _fill(stage: Stage, shop: Workspace, trigger: Trigger) -> None:
    """Rewards by the act behind the API, as many to a commit as the server gathers."""
    drawn = random.Random(0)  # noqa: S311 - which customer is drawn is no secret
    for first in range(0, stage.plan.backlog_events, limits.GATHER_ITEMS_MAX):
        numbers = range(first, min(first + limits.GATHER_ITEMS_MAX, stage.plan.backlog_events))
        fires = [
            Fire(trigger_id=trigger.id, customer=NewCustomer(customer_id(drawn.randrange(stage.plan.customers))))
            for _ in numbers
        ]
        async with stage.app.db.transaction() as tx:
            await triggers.fire(tx, shop, fires, stage.app.clock.now(), drawn)


async def connect(stage: Stage, shop: Workspace, url: str, *topics: str) -> Integration:
    """A webhook at the highest rate there is, and a rule for each of these that sends it there."""
    app, now = stage.app, stage.app.clock.now()
    given = {"url": url, "rate_per_minute": limits.RATE_PER_MINUTE_MAX}
    async with app.db.transaction() as tx:
        shown = await integrations.add(tx, shop.id, app.box, tool="webhook", name="Sink", given=given, now=now)
        for topic in topics:
            await dispatch.create_rule(tx, shop.id, topic=topic, integration_id=shown.integration.id, now=now)
        return await integrations.conclude(tx, shown.integration, CheckResult(True, ""), now)


async def measure(stage: Stage) -> list[Row]:
    async with opened(stage) as street:
        posts = posts_of(stage, street.integration, await _some_events(stage, street))
        before = await bare_rate(stage, street.sink, posts, "before")
        async with stage.working():
            stage.say(f"delivering {stage.plan.backlog_events:,} events")
            with stage.worker.load():
                rate, came = await _deliver(stage, street)
                stage.say(f"delivered: {rate:,.0f}/s")
                rows = await _latency(stage, street, rate / 2)
        after = await bare_rate(stage, street.sink, posts, "after")
    alone = f"pyreqwest alone, {limits.LANE_CALLS_IN_FLIGHT_MAX} calls in flight"
    sink_us = came.cpu_s / len(came.ids) * 1e6
    return [
        Row("deliveries", rate, alone, max(before, after), 0.45, 0.5),
        Row("sink, CPU per delivery", sink_us, "our own receiver", unit="µs"),
        *rows,
    ]


def posts_of(stage: Stage, integration: Integration, logged: Sequence[Event]) -> list[Post]:
    """Requests as the product writes them, of these events."""
    carrier = integrations.carrier(integration, stage.app.box)
    now = stage.app.clock.now()
    posts = []
    for event in logged:
        parcel = Parcel(new_id(), event.id, event.topic, event.topic, event.occurred_at, event.body, False, 1, now)
        request = carrier.render(parcel)
        assert not isinstance(request, delivery.GaveUp)
        posts.append(Post(request.url, {**request.headers, "User-Agent": "Regulars/1.0"}, request.body.decode()))
    return posts


async def _some_events(stage: Stage, street: Street) -> list[Event]:
    async with stage.app.db.reading() as tx:
        return await events.recent(tx, street.shop.id, topic=REWARD, limit=_BODIES)


async def bare_rate(stage: Stage, sink: Process, posts: list[Post], when: str) -> float:
    seconds = stage.plan.bare_s
    task = bare.Task(posts, limits.LANE_CALLS_IN_FLIGHT_MAX, seconds)
    said = await finished(python("regulars.bench.bare"), said=msgspec.json.encode(task), within_s=seconds + 60)
    report = msgspec.json.decode(said, type=bare.Report)
    came = await arrivals(sink)
    if report.failed or len(came.ids) != report.answered:
        answers = f"{report.answered:,} answers of 200 and {report.failed:,} others"
        raise BenchFailed(f"the bare client had {answers}, and {len(came.ids):,} calls came to the sink")
    stage.say(f"the bare client, {when} the product: {report.rate:,.0f}/s")
    return report.rate


async def _deliver(stage: Stage, street: Street) -> tuple[float, Arrivals]:
    """Per second: from the first arrival at the sink until every answer is stored."""
    backlog = stage.plan.backlog_events
    ended_s = await stored(stage, street.shop.id, street.integration.id, backlog)
    came = await street.deliveries()
    await _check(stage, street, came, stage.app.clock.now() - timedelta(days=1))
    return backlog / (ended_s - min(came.at_s)), came


async def stored(stage: Stage, shop_id: UUID, lane_id: UUID, delivered: int) -> float:
    """When that many deliveries of the lane are stored as delivered, in seconds since 1970."""
    patience_s = PATIENCE_S + delivered / 500
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        async with stage.app.db.reading() as tx:
            stored, failed = (await delivery.delivery_totals(tx, shop_id)).get(lane_id, (0, 0))
        if failed:
            raise BenchFailed(f"{failed:,} deliveries failed")
        if stored >= delivered:
            return time.time()
        await asyncio.sleep(_POLL_S)
    raise BenchFailed(f"of {delivered:,} events, {stored:,} were delivered within {patience_s:g} s")


async def _check(stage: Stage, street: Street, came: Arrivals, since: datetime) -> dict[UUID, datetime]:
    """Each event arrived under one id of its own, and every call is stored. When each delivery's event was recorded."""
    async with stage.app.db.reading() as tx:
        rows = await tx.fetch(sql.deliveries, street.shop.id)
        fresh = await tx.fetch(sql.recorded, street.shop.id, REWARD, since)
    recorded_at: dict[UUID, datetime] = {row["id"]: row["recorded_at"] for row in fresh}
    if len({row["event_id"] for row in rows}) != len(rows) or any(row["state"] != "delivered" for row in rows):
        raise BenchFailed("an event has more than one delivery, or one that is not delivered")
    recorded = {row["id"]: recorded_at[row["event_id"]] for row in rows if row["event_id"] in recorded_at}
    if len(recorded) != len(recorded_at):
        raise BenchFailed(f"of {len(recorded_at):,} events, {len(recorded):,} have a delivery")
    if set(came.ids) != set(recorded):
        raise BenchFailed(f"{len(recorded):,} events were to be delivered, and {len(set(came.ids)):,} came to the sink")
    return recorded


async def _latency(stage: Stage, street: Street, rate: float) -> list[Row]:
    """From an event's recording to its arrival at the sink, while events are recorded at a steady rate."""
    stage.say(f"feeding {rate:,.0f} events/s for {stage.plan.feed_s} s")
    bodies = await _some_events(stage, street)
    since = stage.app.clock.now()
    began = time.monotonic()
    per_feed = max(1, round(rate / _FEEDS_PER_S))
    fed = 0
    for number in range(stage.plan.feed_s * _FEEDS_PER_S):
        await asyncio.sleep(max(0.0, began + number / _FEEDS_PER_S - time.monotonic()))
        now = stage.app.clock.now()
        new = [
            NewEvent(REWARD, event.customer_id, event.body, now)
            for event in (bodies[(fed + n) % len(bodies)] for n in range(per_feed))
        ]
        async with stage.app.db.transaction() as tx:
            await events.append(tx, street.shop.id, new, now)
        fed += len(new)
    fed_per_s = fed / (time.monotonic() - began)
    await stored(stage, street.shop.id, street.integration.id, stage.plan.backlog_events + fed)
    came = await street.deliveries()
    recorded = await _check(stage, street, came, since)
    attempts = await stage.count("count_attempts", street.shop.id)
    if attempts != street.arrived:
        raise BenchFailed(f"{street.arrived:,} calls came to the sink, and {attempts:,} attempts are stored")
    first: dict[UUID, float] = {}
    for one, at_s in zip(came.ids, came.at_s, strict=True):
        first.setdefault(one, at_s)
    waited_ms = sorted((at_s - recorded[one].timestamp()) * 1_000 for one, at_s in first.items())
    against = f"while {fed_per_s:,.0f} events/s are recorded"
    return [
        Row(f"event to sink, {name}", quantile(waited_ms, share), against, unit="ms")
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]
