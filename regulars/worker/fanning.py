"""The fan-out loop's round: a batch of every workspace that has pending events, each in a task and a transaction of its
own. One shop's import hides nobody else's events, one that waits for a lock holds up nobody else's, and one that can't
be read costs nobody else anything: a workspace whose batch failed is let alone for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from regulars import dispatch, events, limits, tenancy
from regulars.dispatch import FanoutCount
from regulars.kit.clock import Clock
from regulars.kit.db import Database, Tx
from regulars.tenancy import Workspace

_log = structlog.get_logger(__name__)


class FanOut:
    """`faults` are the workspaces whose last batch failed: how often in a row, and when they are tried again, by the
    event loop's time."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.faults: dict[UUID, tuple[int, float]] = {}
        self._db, self._clock = db, clock
        self._tasks: dict[asyncio.Task[FanoutCount], UUID] = {}
        self._last = UUID(int=0)
        self._aside_at = float("-inf")
        self._aside: set[UUID] = set()

    async def round(self) -> FanoutCount:
        """What the batches came to that have ended; those that take longer are under way."""
        moment = asyncio.get_running_loop().time()
        async with self._db.reading() as tx:
            waiting = await events.workspaces_with_pending(tx)
            if moment - self._aside_at >= limits.FANOUT_ASIDE_S:
                self._aside_at, self._aside = moment, set(await dispatch.workspaces_with_aside(tx))
        at_work = set(self._tasks.values())
        # Turn about: those that come after the one begun last are next.
        for workspace_id in sorted({*waiting, *self._aside}, key=lambda one: (one <= self._last, one)):
            rests = self.faults.get(workspace_id, (0, moment))[1] > moment
            if workspace_id not in at_work and not rests and len(self._tasks) < limits.FANOUT_WORKSPACES_MAX:
                act = dispatch.retry_aside if workspace_id in self._aside else dispatch.fan_out
                self._aside.discard(workspace_id)
                self._tasks[asyncio.create_task(self._batch(workspace_id, act))] = self._last = workspace_id
        if not self._tasks:
            return _NOTHING
        # Not so long that the events of others, which come meanwhile, would wait for a batch that is held up.
        done, _ = await asyncio.wait(self._tasks, timeout=limits.WORKER_POLL_S, return_when=asyncio.FIRST_COMPLETED)
        counts = [self._ended(task, moment) for task in done]
        return FanoutCount(
            sum(count.events for count in counts),
            sum(count.deliveries for count in counts),
            frozenset().union(*(count.lanes for count in counts)),
        )

    async def finish(self) -> None:
        """Let the batches under way end, and cut off those that take too long: their events are pending still."""
        if self._tasks:
            done, late = await asyncio.wait(self._tasks, timeout=limits.WORKER_STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            for task in done:
                self._ended(task, asyncio.get_running_loop().time())

    async def _batch(
        self, workspace_id: UUID, act: Callable[[Tx, Workspace, datetime], Coroutine[Any, Any, FanoutCount]]
    ) -> FanoutCount:
        async with self._db.transaction() as tx:
            workspace = await tenancy.get_workspace(tx, workspace_id)
            count = await act(tx, workspace, self._clock.now())
        if act is dispatch.retry_aside and count.events == limits.FANOUT_EVENTS_MAX and count.deliveries:
            self._aside.add(workspace_id)  # there may be more
        return count

    def _ended(self, task: asyncio.Task[FanoutCount], moment: float) -> FanoutCount:
        workspace_id = self._tasks.pop(task)
        fault = task.exception()
        if fault is None:
            self.faults.pop(workspace_id, None)
            return task.result()
        times = self.faults.get(workspace_id, (0, moment))[0] + 1
        rest_s = min(limits.LOOP_BACKOFF_FIRST_S * 2**times, limits.LOOP_BACKOFF_MAX_S)
        self.faults[workspace_id] = times, moment + rest_s
        _log.error("fan_out_failed", workspace_id=str(workspace_id), times=times, exc_info=fault)
        return _NOTHING


_NOTHING = FanoutCount(0, 0, frozenset())
