"""A worker as a process, and the same work done to its end for tests and for the demo."""

import asyncio
import random as random_module
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

import msgspec

from regulars import delivery, imports, limits, schedule
from regulars.delivery import Source
from regulars.kit import Clock, Database, HandClock, SecretBox
from regulars.kit.http import Sender
from regulars.kit.settings import Settings
from regulars.schedule import Caller, Handler
from regulars.wiring import App
from regulars.worker.carriers import Carriers
from regulars.worker.doing import Doing
from regulars.worker.following import FanOut
from regulars.worker.lanes import LaneKeeper
from regulars.worker.loops import HANDLERS, Loops, following


class Drained(msgspec.Struct, frozen=True):
    """What `drain` did. `done` are rows of the schedule. `next_at`: something waits until then; None when nothing waits
    but in paused lanes."""

    events: int
    sent: int
    done: int
    next_at: datetime | None


async def run(settings: Settings) -> None:
    """The process behind `regulars work`: until cancelled."""
    app = await App.open(settings)
    try:
        await work(app.db, Carriers(app.box, app.settings.address()), app.http, app.box, clock=app.clock)
    finally:
        await app.close()


async def work(
    db: Database,
    source: Source,
    sender: Sender,
    box: SecretBox,
    *,
    clock: Clock,
    random: Callable[[], float] = random_module.random,
) -> None:
    """Run all loops until cancelled; then finish the calls in flight, record them and give the lanes back."""
    loops = Loops(db, source, sender, box, clock=clock, random=random)
    tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in loops.all]
    try:
        await asyncio.gather(*tasks)
    finally:
        for loop in loops.all:
            loop.stop()
        await loops.fan_out.turns.finish(limits.WORKER_STOP_S)
        await loops.doing.turns.finish(limits.WORKER_STOP_S)
        for one in loops.followers.values():
            await one.turns.finish(limits.WORKER_STOP_S)
        await loops.lanes.stop()
        await loops.asking.stop()
        await asyncio.gather(*tasks, return_exceptions=True)


async def drain(
    db: Database,
    source: Source,
    sender: Sender,
    *,
    clock: Clock,
    random: Callable[[], float] = random_module.random,
    patience_s: float = 0.0,
    handlers: Mapping[str, Handler] = HANDLERS,
    callers: Mapping[str, Caller] = {},
) -> Drained:
    """Do what is due, fan out and send until nothing is pending and nothing is due.

    What is due later is waited for up to `patience_s` in all: a clock moved by hand is advanced to it, with another
    the time really passes.
    """
    fan_out, doing = FanOut(db, clock), Doing(db, clock, handlers, callers)
    followers = list(following(db, clock).values())
    keeper = LaneKeeper(db, source, sender, clock=clock, random=random)
    until = clock.now() + timedelta(seconds=patience_s)
    events = sent = done = 0
    while True:
        while did := await doing.round() + sum(await doing.turns.finish()):
            done += did
        while read := (await fan_out.round()).events + sum(count.events for count in await fan_out.turns.finish()):
            events += read
        for one in followers:
            while read := await one.round() + sum(await one.turns.finish()):
                done += read
        while await imports.run_backtest(db, clock):
            done += 1
        if faults := [
            *doing.turns.faults,
            *fan_out.turns.faults,
            *(fault for one in followers for fault in one.turns.faults),
        ]:
            raise RuntimeError(f"what {', '.join(str(workspace_id) for workspace_id, _ in faults)} had was not done")
        lanes_worked, sent_now = await keeper.work_once()
        sent += sent_now
        if lanes_worked:
            continue
        next_at = await _next_at(db, [*handlers, *callers])
        if next_at is None or next_at > until:
            return Drained(events, sent, done, next_at)
        wait_s = max((next_at - clock.now()).total_seconds(), 0.001)
        if isinstance(clock, HandClock):
            clock.advance(seconds=wait_s)
        else:
            await asyncio.sleep(wait_s)


async def _next_at(db: Database, kinds: Collection[str]) -> datetime | None:
    async with db.reading() as tx:
        wakes_at = await delivery.next_wake(tx)
        first = await schedule.first_due(tx, kinds)
    return min([*first.values(), *([wakes_at] if wakes_at else [])], default=None)
