"""A worker as a process, and the same work done to its end for tests and for the demo."""

from __future__ import annotations

import asyncio
import random as random_module
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from regulars import delivery
from regulars.kit.clock import Clock, HandClock
from regulars.kit.db import Database
from regulars.kit.http import Sender
from regulars.kit.settings import Settings
from regulars.wiring import App
from regulars.worker.carriers import Carriers, IntegrationCarriers
from regulars.worker.fanning import FanOut
from regulars.worker.lanes import LaneKeeper
from regulars.worker.loops import Loops


class Drained(msgspec.Struct, frozen=True):
    """What `drain` did. `next_at`: something waits until then; None when nothing waits but in paused lanes."""

    events: int
    sent: int
    next_at: datetime | None


async def run(settings: Settings) -> None:
    """The process behind `regulars work`: until cancelled."""
    app = await App.open(settings)
    try:
        await work(app.db, IntegrationCarriers(app.box), app.http, clock=app.clock)
    finally:
        await app.close()


async def work(
    db: Database,
    carriers: Carriers,
    sender: Sender,
    *,
    clock: Clock,
    random: Callable[[], float] = random_module.random,
) -> None:
    """Run all loops until cancelled; then finish the calls in flight, record them and give the lanes back."""
    loops = Loops(db, carriers, sender, clock=clock, random=random)
    tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in loops.all]
    try:
        await asyncio.gather(*tasks)
    finally:
        for loop in loops.all:
            loop.stop()
        await loops.fan_out.finish()
        await loops.lanes.stop()
        await asyncio.gather(*tasks, return_exceptions=True)


async def drain(
    db: Database,
    carriers: Carriers,
    sender: Sender,
    *,
    clock: Clock,
    random: Callable[[], float] = random_module.random,
    patience_s: float = 0.0,
) -> Drained:
    """Fan out and send until nothing is pending and nothing is due.

    What is due later is waited for up to `patience_s` in all: a clock moved by hand is advanced to it, with another
    the time really passes.
    """
    fan_out = FanOut(db, clock)
    keeper = LaneKeeper(db, carriers, sender, clock=clock, random=random)
    until = clock.now() + timedelta(seconds=patience_s)
    events = sent = 0
    while True:
        while (count := await fan_out.round()).events:
            events += count.events
        await fan_out.finish()
        if fan_out.faults:
            raise RuntimeError(f"events of {', '.join(map(str, fan_out.faults))} could not be fanned out")
        lanes_worked, sent_now = await keeper.work_once()
        sent += sent_now
        if lanes_worked:
            continue
        async with db.reading() as tx:
            next_at = await delivery.next_wake(tx)
        if next_at is None or next_at > until:
            return Drained(events, sent, next_at)
        wait_s = max((next_at - clock.now()).total_seconds(), 0.001)
        if isinstance(clock, HandClock):
            clock.advance(seconds=wait_s)
        else:
            await asyncio.sleep(wait_s)
