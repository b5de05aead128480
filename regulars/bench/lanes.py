"""What lanes do to each other: beside many that are well one hangs, or half fail for a while; many rules of one event,
and a transaction held open; and events one by one, from a call's answer to its arrival at the sink."""

import asyncio
import re
import time
from asyncio.subprocess import Process
from collections.abc import Sequence

from regulars import events
from regulars.bench import rewards
from regulars.bench.children import BenchFailed
from regulars.bench.deliveries import bare_rate, connect, posts_of, sinking, stored
from regulars.bench.figures import Row, middle, quantile
from regulars.bench.postgres import settle
from regulars.bench.sink import Arrivals, arrivals
from regulars.bench.stage import Stage, sql
from regulars.events import TOPICS, NewEvent
from regulars.kit import made_at, new_id
from regulars.tenancy import Workspace

_TOPICS, _HANGS = list(TOPICS)[:10], list(TOPICS)[10]
_UNEVEN = [topic for n, topic in enumerate(_TOPICS, start=1) for _ in range(60 // n)]
"""The n-th kind of event is an n-th as frequent as the first."""
_FEEDS_PER_S, _HANGING_PER_S, _ALONE_PER_S, _PATIENCE_S = 20, 60, 100, 150.0
_BODY, _LENGTH = f'{{"note":"{"x" * 980}"}}', re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


async def measure_endpoints(stage: Stage) -> list[Row]:
    each, shop = stage.plan.endpoints // len(_TOPICS), await stage.shop("Endpoints")
    many = each * len(_TOPICS)
    async with sinking(stage) as (sink, url):
        for n in range(many):
            tool = await connect(stage, shop, f"{url}{'half' if n % 2 else 'well'}", _TOPICS[n // each])
        await connect(stage, shop, f"{url}hang", _HANGS)
        burst = max(10, stage.plan.backlog_events // each // 10 * 10)
        rates = [await _burst(stage, sink, shop, topics, burst, each) for topics in (_TOPICS, _UNEVEN)]
        async with stage.app.db.reading() as tx:
            posts = posts_of(stage, tool, await events.recent(tx, shop.id, topic=_TOPICS[0], limit=1))
        bare = await bare_rate(stage, sink, posts, "after")
        async with stage.working():
            rates.append(await _burst(stage, sink, shop, _TOPICS, burst, each))
        async with stage.working():
            half = rates[0] / each / 2
            stage.say(f"{half * each:,.0f} deliveries/s, half of what goes to {many}; then beside one that hangs")
            before = _p99_ms(await _all(sink, each * await _feed(stage, shop, _TOPICS, half)))
            feeds = _feed(stage, shop, _TOPICS, half), _feed(stage, shop, [_HANGS], _HANGING_PER_S)
            during = _p99_ms(await _all(sink, each * (await asyncio.gather(*feeds))[0]))
            stage.say("half of them fail")
            made = await stage.count("count_attempts", shop.id)
            await arrivals(sink, "fail")
            fed = await _feed(stage, shop, _TOPICS, half)
            already, mended_s = len((await arrivals(sink, "well")).ids), time.time()
            drained_s = max((await _all(sink, each * fed - already)).at_s) - mended_s
            made = await stage.count("count_attempts", shop.id) - made
    return [
        Row("deliveries, many endpoints", rates[0], "pyreqwest alone", bare, 0.4, 0.5),
        Row("deliveries, many endpoints, by Zipf", rates[1], "pyreqwest alone", bare, 0.4, 0.5),
        Row("deliveries, many endpoints, two workers", rates[2], "one worker", rates[0], 1.5),
        Row("p99 of many endpoints", before, "beside one that hangs", during, 0.67, unit="ms"),
        Row(f"half fail for {stage.plan.feed_s} s, then drained in", drained_s, unit="s"),
        Row("attempts for each delivery meanwhile", made / (each * fed), unit=""),
    ]


async def measure_rules(stage: Stage) -> list[Row]:
    rates = [await _rate(stage, rules) for rules in (1, stage.plan.rules, 1)]
    clean, until = middle(rates[::2]), time.monotonic() + stage.plan.held_s
    async with stage.app.db.snapshot() as held:
        await held.fetchval("SELECT txid_current_snapshot()")
        beside = [await _rate(stage, 1) for _ in range(2)]
        while time.monotonic() < until:
            beside.append(await _rate(stage, 1))
    attempts = await _log_more(stage)
    logged = middle([await _rate(stage, 1) for _ in range(2)])
    return [
        Row(f"deliveries, {stage.plan.rules:,} rules on one event", rates[1], "one rule", clean, 0.7),
        Row("deliveries, a transaction held open", beside[-1], "none", clean, 0.7),
        Row(f"deliveries, {attempts:,} attempts in the log", logged, "a few", clean, 0.8),
    ]


async def _log_more(stage: Stage) -> int:
    """How many attempts there are once those of a backlog are there many times."""
    (shop, _), times = await _delivered(stage, 1), stage.plan.attempts_times
    stage.say(f"writing {times} times {stage.plan.backlog_events:,} attempts")
    async with stage.filling() as connection:
        for statement in (sql.log_deliveries, sql.log_attempts):
            await connection.execute(statement, shop.id, times)
    await settle(stage.url)
    return await stage.count("count_attempts", shop.id)


async def measure_alone(stage: Stage) -> list[Row]:
    shop, trigger = await rewards.rewarding_shop(stage, "Alone")
    task, answered_s = await rewards.task(stage, shop, trigger), list[float]()
    async with sinking(stage) as (sink, url), stage.working():
        await connect(stage, shop, url, rewards.REWARD)
        await _append(stage, shop, [rewards.REWARD], 1)  # once it is there the worker is up
        await _all(sink, 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", task.port)
        prefix, began = new_id().hex, time.monotonic()
        for number in range(stage.plan.feed_s * _ALONE_PER_S):
            await asyncio.sleep(max(0.0, began + number / _ALONE_PER_S - time.monotonic()))
            before, after = task.requests[number % len(task.requests)]
            writer.write(f"{before}{prefix}{number}{after}".encode())
            length = _LENGTH.search(head := await reader.readuntil(b"\r\n\r\n"))
            if length is None or not head.startswith(b"HTTP/1.1 200"):
                raise BenchFailed(f"a call was answered {head[:100]!r}")
            await reader.readexactly(int(length[1]))
            answered_s.append(time.time())
        came = await _all(sink, len(answered_s))
        writer.close()
    # An id begins with the time of its event, and each event was there before the next call.
    arrived = sorted(zip(came.ids, came.at_s, strict=True))
    waited_ms = sorted((at_s - said_s) * 1_000 for (_, at_s), said_s in zip(arrived, answered_s, strict=True))
    against = f"from the call's answer, {_ALONE_PER_S} a second"
    return [Row(f"event alone, p{n}", quantile(waited_ms, n / 100), against, unit="ms") for n in (50, 99)]


async def _burst(stage: Stage, sink: Process, shop: Workspace, topics: Sequence[str], many: int, each: int) -> float:
    """Deliveries a second of a backlog to all endpoints, from the first arrival on."""
    await arrivals(sink)
    await _append(stage, shop, topics, many)
    async with stage.working():
        came = await _all(sink, many * each)
    return many * each / (max(came.at_s) - min(came.at_s))


async def _append(stage: Stage, shop: Workspace, topics: Sequence[str], many: int) -> None:
    now = stage.app.clock.now()
    new = [NewEvent(topics[n % len(topics)], shop.id, _BODY, now) for n in range(many)]
    async with stage.app.db.transaction() as tx:
        await events.append(tx, shop.id, new, now)


async def _feed(stage: Stage, shop: Workspace, topics: Sequence[str], per_s: float) -> int:
    """How many events were recorded, at a steady rate, as many of each topic."""
    began, each = time.monotonic(), max(1, round(per_s / _FEEDS_PER_S / len(topics)))
    feeds = max(1, round(stage.plan.feed_s * per_s / each / len(topics)))
    for number in range(feeds):
        await asyncio.sleep(max(0.0, began + number * stage.plan.feed_s / feeds - time.monotonic()))
        await _append(stage, shop, topics, each * len(topics))
    return feeds * each * len(topics)


async def _all(sink: Process, many: int) -> Arrivals:
    """What came, once so many did. Raises BenchFailed."""
    came, until = Arrivals([], [], 0.0), time.monotonic() + _PATIENCE_S
    while len(set(came.ids)) < many:
        if time.monotonic() > until:
            raise BenchFailed(f"of {many:,} deliveries, {len(set(came.ids)):,} came to the sink")
        await asyncio.sleep(0.05)
        more = await arrivals(sink)
        came = Arrivals(came.ids + more.ids, came.at_s + more.at_s, 0.0)
    return came


def _p99_ms(came: Arrivals) -> float:
    waited_s = [at_s - made_at(id).timestamp() for id, at_s in zip(came.ids, came.at_s, strict=True)]
    return quantile(sorted(waited_s), 0.99) * 1_000


async def _rate(stage: Stage, rules: int) -> float:
    return (await _delivered(stage, rules))[1]


async def _delivered(stage: Stage, rules: int) -> tuple[Workspace, float]:
    """Deliveries a second of a backlog of a new shop, with so many rules on its one kind of event."""
    shop, many = await stage.shop(f"{rules} rules"), max(1, stage.plan.backlog_events // rules)
    async with sinking(stage) as (sink, url):
        tool = await connect(stage, shop, url, *[_HANGS] * rules)
        await _append(stage, shop, [_HANGS], many)
        async with stage.working():
            ended_s = await stored(stage, shop.id, tool.id, many * rules)
        return shop, many * rules / (ended_s - min((await arrivals(sink)).at_s))
