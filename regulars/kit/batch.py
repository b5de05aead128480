"""Gather concurrent calls into one statement and one commit.

While a flush is on its way to the disk, the calls that arrive wait for the next one together: under load many share one
commit, and a lone call waits for nobody. Each caller is answered only after the commit that holds its item.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from regulars import limits

Item = TypeVar("Item")
Result = TypeVar("Result")

Waiting = deque[tuple[Item, asyncio.Future[Result]]]


class Gatherer(Generic[Item, Result]):
    """`flush(group, items)` answers for each item, in order; an exception it raises goes to every caller of the batch.

    Items of different groups never share a flush; of one group, one flush is on its way at a time.
    """

    def __init__(
        self, flush: Callable[[Hashable, Sequence[Item]], Awaitable[Sequence[Result]]], *, items_max: int
    ) -> None:
        self._flush = flush
        self._items_max = items_max
        self._waiting: dict[Hashable, Waiting[Item, Result]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, group: Hashable, item: Item) -> Result:
        """What the flush answered for this item. A caller that gives up does not undo what its flush does."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(group)
        if waiting is None:
            waiting = self._waiting[group] = deque()
            task = asyncio.create_task(self._flush_all(group, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        waiting.append((item, future))
        return await future

    async def _flush_all(self, group: Hashable, waiting: Waiting[Item, Result]) -> None:
        """One flush after the other, until none is waiting any more."""
        try:
            while waiting:
                # Calls that arrive together leave together: while each turn of the event loop brings more of them,
                # there are requests still being read.
                seen = 0
                while seen < len(waiting) < self._items_max:
                    seen = len(waiting)
                    await asyncio.sleep(0)
                batch = [waiting.popleft() for _ in range(min(len(waiting), self._items_max))]
                await self._run(group, batch)
                if len(batch) >= limits.GATHER_BUSY_ITEMS:
                    # A flush costs more than many items. Callers who were answered just now are about to come back, and
                    # would find the next one gone with the few who came meanwhile.
                    await asyncio.sleep(limits.GATHER_PAUSE_S)
        finally:
            del self._waiting[group]
            for _, future in waiting:  # only when this was cut off
                future.cancel()

    async def _run(self, group: Hashable, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._flush(group, [item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
