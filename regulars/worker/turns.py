"""Running a turn: its pages are read, its calls made and what came of them recorded, all three at once.

No database connection is held while a call is out.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from regulars import delivery, limits
from regulars.delivery import Source, Turn
from regulars.kit import Clock, Database
from regulars.kit.http import Sender


class Running:
    """A turn under way. `work` may be called again and again until the turn has ended."""

    def __init__(
        self,
        db: Database,
        turn: Turn,
        source: Source,
        sender: Sender,
        *,
        lock: Callable[[], int | None],
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self.turn = turn
        self._db, self._source, self._sender = db, source, sender
        self._lock, self._clock, self._random = lock, clock, random
        self._senders: set[asyncio.Task[None]] = set()
        self._recorder: asyncio.Task[None] | None = None
        self._fault: BaseException | None = None
        self._progress = asyncio.Event()

    def wake(self) -> None:
        self.turn.lineup.wake()
        self._progress.set()

    def end(self, why: str) -> None:
        self.turn.end(why)
        self._progress.set()

    async def work(self) -> int:
        """Until nothing is due that may be sent now, and all that was sent is recorded; returns how many were sent."""
        turn, clock = self.turn, self._clock
        sent_before = turn.sent
        turn.step_back(clock.now())
        try:
            while True:
                self._progress.clear()
                if self._fault is not None:
                    raise self._fault
                self._start_senders()
                if turn.may_read(clock.now()):
                    await self._read()
                elif self._senders or self._recorder:
                    await self._wait()
                elif turn.may_step_back:
                    turn.step_back(clock.now())
                else:
                    return turn.sent - sent_before
        finally:
            await self._abandon()

    async def _read(self) -> None:
        now = self._clock.now()
        await self._renew_in_time()
        if self.turn.ended:
            return
        async with self._db.transaction() if self.turn.writes else self._db.reading() as tx:
            fresh = await self.turn.read(tx, self._source, now)
        self.turn.line_up(fresh)
        self._start_senders()

    async def _renew_in_time(self) -> None:
        now = self._clock.now()
        if self.turn.to_renew(now):
            async with self._db.transaction() as tx:
                await self.turn.renew(tx, now, self._lock())

    async def _wait(self) -> None:
        """For a call or a record to end; not so long that the lease runs out while a tool hangs."""
        await self._renew_in_time()
        wait_s = limits.LANE_RENEW_S / 2
        if self.turn.wants_more or (len(self.turn.lineup) and not self.turn.may_send(self._clock.now())):
            rest_s = (self.turn.bucket.next_at() - self._clock.now()).total_seconds()
            wait_s = min(wait_s, max(0.005, rest_s))
        try:
            async with asyncio.timeout(wait_s):
                await self._progress.wait()
        except TimeoutError:
            return

    async def _abandon(self) -> None:
        """Leave no task behind."""
        left = [*self._senders, *([self._recorder] if self._recorder else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            self.turn.forget()

    def _start_senders(self) -> None:
        room = self.turn.window - len(self._senders)
        for _ in range(min(room, self.turn.may_send(self._clock.now())) if room > 0 else 0):
            self._senders.add(self._task(self._send()))

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._senders.discard(task)
        if task is self._recorder:
            self._recorder = None
        if not task.cancelled() and task.exception() is not None:
            self._fault = task.exception()
        self._progress.set()

    async def _send(self) -> None:
        turn, clock = self.turn, self._clock
        while len(self._senders) <= turn.window and (some := turn.next(clock.now())):
            if len(some) > 1:
                turn.take_together(await self._attempt(some), some, clock.now())
                self._taken()
                continue
            due: delivery.Due | None = some[0]
            while due is not None:
                (made,) = await self._attempt([due])
                due = turn.take(made, due, clock.now())
                self._taken()

    async def _attempt(self, some: Sequence[delivery.Due]) -> list[delivery.Attempt]:
        parcels = [one.parcel(self._clock.outside()) for one in some]
        return await delivery.attempt_traced(self.turn.carrier, self._sender, parcels, self.turn.lane.tool)

    def _taken(self) -> None:
        if self._recorder is None:
            self._recorder = self._task(self._record())
        self._start_senders()
        if self.turn.wants_more:
            self._progress.set()

    async def _record(self) -> None:
        turn = self.turn
        while turn.done:
            for _ in range(limits.RECORD_WAITS_MAX):
                if turn.done < limits.RECORD_ATTEMPTS_MAX and self._senders:
                    await asyncio.sleep(limits.RECORD_WAIT_S)
            batch = turn.batch()
            async with self._db.transaction() as tx:
                await turn.record(tx, self._source, batch, self._clock.now(), self._random)
            turn.recorded(batch)
        # Between the last look at what is done and this line nothing can be added, so nothing is left behind.
        self._recorder = None
