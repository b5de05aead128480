"""ALL background work, in one list. What is not here does not run by itself.

fan-out    pending events become deliveries
lanes      due deliveries are sent, lane by lane; a lane whose worker died is found here too
tiers      whoever something happened to is put where they belong on the ladder
engagement whoever something happened to enters and leaves segments that mention it, then automations
schedule   what is due later is done at its time, by the handler of its kind
retention  months of the logs are made ahead of time, and dropped when their time has passed
backtests  triggers are tried on past orders, one after another
asking     platforms that send a hook only once are asked for what they changed
pulse      it is said which of these turn, for `/health`
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from regulars import (
    days,
    dispatch,
    events,
    imports,
    ledger,
    limits,
    people,
    referrals,
    reminders,
    retention,
    rewards,
    shops,
    tiers,
    triggers,
)
from regulars.delivery import Source
from regulars.dispatch.fanout import REFILL, refill_more
from regulars.engagement import automations, campaigns, segments
from regulars.kit import Clock, Database, SecretBox, Tx, presence, tracing
from regulars.kit.http import Sender
from regulars.kit.workloop import Loop
from regulars.schedule import Caller, Handler
from regulars.tenancy import Workspace
from regulars.worker.asking import Asking
from regulars.worker.doing import Doing
from regulars.worker.following import FanOut, Following
from regulars.worker.lanes import LaneKeeper

HANDLERS: Mapping[str, Handler] = {
    automations.BEGIN: automations.begin,
    automations.WAKE: automations.wake,
    campaigns.FOLLOW: campaigns.follow,
    campaigns.RUN: campaigns.run,
    days.COUNT: days.count,
    dispatch.PROFILES: dispatch.tell,
    REFILL: refill_more,
    dispatch.RETRY: dispatch.retry,
    imports.EXPIRY: imports.expire,
    ledger.FOLLOW: ledger.follow_rules,
    ledger.SETTLE: ledger.settle,
    people.LOOK: people.look,
    reminders.ASK: reminders.ask,
    reminders.COUPONS: reminders.tell_unused,
    referrals.MEET: people.meet,
    referrals.REMIND: reminders.tell_referred,
    referrals.SETTLE: referrals.settle,
    reminders.EXPIRING: reminders.tell_expiring,
    reminders.UNUSED: reminders.tell_unused,
    rewards.EXPIRE: rewards.expire,
    rewards.FOLLOW: rewards.follow,
    shops.OF_ORDERS: shops.handle,
    shops.OF_PERSONS: shops.handle,
    tiers.LOOK: tiers.look,
    tiers.RECALCULATE: tiers.recalculate,
    segments.FIND: segments.find,
    segments.LOOK: segments.look,
    triggers.GIVE: triggers.give,
    triggers.GO_THROUGH: triggers.go_through,
}
"""Who does what is due, by its kind: `room.act`. A row of any other kind waits for a version that knows it."""


def following(db: Database, clock: Clock) -> dict[str, Following]:
    """Who reads the log to follow what happened, by the names of their loops."""
    return {
        "tiers": Following(db, clock, "tiers", tiers.follow),
        "engagement": Following(db, clock, "engagement", engage),
    }


async def engage(tx: Tx, workspace: Workspace, now: datetime) -> int:
    """Read a batch of the log, for segments and then for automations; how many events were read."""
    pending = await events.claim_pending(tx, workspace.id, "engagement", limits.ENGAGEMENT_EVENTS_MAX)
    about = list((await events.by_ids(tx, workspace.id, [(one.id, one.topic) for one in pending])).values())
    with tracing.shared("engagement", ((one.customer_id, one.traceparent) for one in about)):
        await segments.follow(tx, workspace, about, now)
        await automations.follow(tx, workspace, about, now)
    return len(pending)


def callers(db: Database, sender: Sender, box: SecretBox) -> dict[str, Caller]:
    """Who calls out for what is due, by its kind."""
    return {rewards.DISCOUNT: partial(shops.look_after, db, sender, box)}


class Loops:
    """The loops of one worker. Any number of workers may run beside each other."""

    def __init__(
        self, db: Database, source: Source, sender: Sender, box: SecretBox, *, clock: Clock, random: Callable[[], float]
    ) -> None:
        self.lanes = LaneKeeper(db, source, sender, clock=clock, random=random)
        self.fan_out = FanOut(db, clock)
        self.doing = Doing(db, clock, HANDLERS, callers(db, sender, box))
        self.fan_out_loop = Loop("fan-out", self._fan_out, longer_by=limits.FANOUT_LONGER_BY)
        self.lane_loop = Loop("lanes", self.lanes.round, self.lanes.bell)
        self.schedule_loop = Loop("schedule", self.doing.round, self.doing.bell)
        self.followers = following(db, clock)
        self.asking = Asking(db, sender, box, clock)
        self.asking_loop = Loop("asking", self.asking.round)
        self.backtest_loop = Loop("backtests", partial(imports.run_backtest, db, clock))
        self.retention_loop = Loop("retention", self._sweep)
        self._db, self._clock = db, clock
        self._sweeps_at = clock.now()
        self.all = [
            *(self.fan_out_loop, self.lane_loop, self.schedule_loop),
            *(Loop(name, one.round) for name, one in self.followers.items()),
            *(self.asking_loop, self.backtest_loop, self.retention_loop, Loop("pulse", self.beat)),
        ]
        self._beat_at_s = float("-inf")

    async def _fan_out(self) -> bool:
        count = await self.fan_out.round()
        self.lanes.wake(count.lanes)
        few = 0 < count.events < limits.FANOUT_EVENTS_MAX
        if few and not count.deliveries:
            await asyncio.sleep(limits.FANOUT_UNMATCHED_S)  # nobody waits for what no rule asks for
        elif few and count.events >= limits.FANOUT_GATHER_EVENTS:
            # What comes in the next moment goes along in one batch: a round for every few events costs more than they.
            await asyncio.sleep(limits.FANOUT_GATHER_S)
        return count.events > 0

    async def _sweep(self) -> bool:
        """Months are of no shop, so no row of the schedule can stand for them."""
        now = self._clock.now()
        if now >= self._sweeps_at:
            self._sweeps_at = now + timedelta(seconds=limits.RETENTION_SWEPT_EVERY_S)
            await retention.sweep(self._db, now)
        return False

    async def beat(self) -> bool:
        moment_s = asyncio.get_running_loop().time()
        if moment_s - self._beat_at_s >= limits.LOOP_BEAT_S:
            self._beat_at_s, turned = moment_s, [loop.name for loop in self.all if loop.turned]
            for loop in self.all:
                loop.turned = False
            async with self._db.transaction() as tx:
                await presence.beat(tx, turned, [loop.name for loop in self.all], self._clock.now())
        return False
