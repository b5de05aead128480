"""How a loop goes round the shops that have work for it: a batch of each, in a task and a transaction of its own, turn
about. One shop's import hides nobody else's, one that waits for a lock holds up nobody else, and one whose batch fails
costs nobody else anything: it is let alone for a while.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog

from regulars import limits

_log = structlog.get_logger(__name__)

Work = tuple[UUID, str]
"""Whose, and what of theirs."""

Result = TypeVar("Result")


class TurnAbout(Generic[Result]):
    """`faults` is the work whose last batch failed: how often in a row, and when it is tried again, by the event loop's
    time. Where a batch came to `full`, which is as much as one can, two are under way while others leave room: one is
    worked out as the other is written."""

    def __init__(
        self,
        name: str,
        batch: Callable[[UUID, str], Coroutine[Any, Any, Result]],
        *,
        at_once: int,
        full: Result | None = None,
    ) -> None:
        self.faults: dict[Work, tuple[int, float]] = {}
        self._name, self._batch, self._at_once, self._full = name, batch, at_once, full
        self._behind: set[Work] = set()
        self._tasks: dict[asyncio.Task[Result], Work] = {}
        self._last: Work = UUID(int=0), ""

    async def round(self, waiting: Iterable[Work]) -> list[Result]:
        """Begin a batch of what waits; what those came to that have ended. Those that take longer are under way."""
        moment = asyncio.get_running_loop().time()
        at_work = Counter(self._tasks.values())
        # Those that come after the one begun last are next.
        turns = sorted(waiting, key=lambda one: (one <= self._last, one))
        for most, work in [*((1, work) for work in turns), *((2, work) for work in turns if work in self._behind)]:
            rests = self.faults.get(work, (0, moment))[1] > moment
            if at_work[work] < most and not rests and len(self._tasks) < self._at_once:
                at_work[work] += 1
                self._tasks[asyncio.create_task(self._batch(*work))] = self._last = work
        if not self._tasks:
            return []
        # Not so long that what others have, which comes meanwhile, would wait for a batch that is held up.
        done, _ = await asyncio.wait(self._tasks, timeout=limits.WORKER_POLL_S, return_when=asyncio.FIRST_COMPLETED)
        return [result for task in done for result in self._ended(task)]

    async def finish(self, within_s: float | None = None) -> list[Result]:
        """Let the batches under way end, and cut off those that take longer: their work waits still."""
        if not self._tasks:
            return []
        done, late = await asyncio.wait(self._tasks, timeout=within_s)
        for task in late:
            del self._tasks[task]
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return [result for task in done for result in self._ended(task)]

    def _ended(self, task: asyncio.Task[Result]) -> list[Result]:
        """What it came to, if it did."""
        work = self._tasks.pop(task)
        fault = task.exception()
        self._behind.discard(work)
        if fault is None:
            self.faults.pop(work, None)
            if task.result() == self._full:
                self._behind.add(work)
            return [task.result()]
        moment = asyncio.get_running_loop().time()
        times = self.faults.get(work, (0, moment))[0] + 1
        self.faults[work] = times, moment + min(limits.LOOP_BACKOFF_FIRST_S * 2**times, limits.LOOP_BACKOFF_MAX_S)
        workspace_id, what = work
        _log.error(
            "batch_failed", loop=self._name, workspace_id=str(workspace_id), what=what, times=times, exc_info=fault
        )
        return []
