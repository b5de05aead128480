"""Gather concurrent calls into one statement and one commit.

While a flush is on its way to the disk, the calls that arrive wait for the next one together: under load many share one
commit, and a lone call waits for nobody. Each caller is answered only after the commit that holds its item.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_STARTING = 0


class Gatherer(Generic[Item, Result]):
    """`flush(group, items)` answers for each item, in order; an exception it raises goes to every caller of the batch.

    Items of different groups never share a flush. At most `flushes_max` flushes of a group are on their way at once.
    """

    def __init__(
        self,
        flush: Callable[[Hashable, Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        items_max: int,
        flushes_max: int,
    ) -> None:
        self._flush = flush
        self._items_max = items_max
        self._flushes_max = flushes_max
        self._waiting: dict[Hashable, deque[tuple[Item, asyncio.Future[Result]]]] = {}
        self._flushing: dict[Hashable, list[int]] = {}  # how many items each flush on its way holds
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, group: Hashable, item: Item) -> Result:
        """What the flush answered for this item. A caller that gives up does not undo what its flush does."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append((item, future))
        self._start_flush(group)
        return await future

    def _start_flush(self, group: Hashable) -> None:
        """Beside a flush that is on its way, only for at least half as many items: a flush costs more than an item, and
        small ones between large ones would keep all of them small."""
        waiting, flushing = self._waiting.get(group), self._flushing.setdefault(group, [])
        if not waiting:
            if not flushing:
                del self._flushing[group]
                self._waiting.pop(group, None)
        elif len(flushing) < self._flushes_max and 2 * len(waiting) >= max(flushing, default=0):
            flushing.append(_STARTING)
            task = asyncio.create_task(self._flush_waiting(group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _flush_waiting(self, group: Hashable) -> None:
        waiting, flushing = self._waiting[group], self._flushing[group]
        # Calls that arrive together leave together: while each turn of the event loop brings more of them, there are
        # requests still being read.
        seen = 0
        while seen < len(waiting) < self._items_max:
            seen = len(waiting)
            await asyncio.sleep(0)
        batch = [waiting.popleft() for _ in range(min(len(waiting), self._items_max))]
        flushing[flushing.index(_STARTING)] = len(batch)
        try:
            if batch:
                await self._run(group, batch)
        finally:
            flushing.remove(len(batch))
            self._start_flush(group)

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
