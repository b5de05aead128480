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
        self._flushing: dict[Hashable, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, group: Hashable, item: Item) -> Result:
        """What the flush answered for this item. A caller that gives up does not undo what its flush does."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append((item, future))
        flushing = self._flushing.get(group, 0)
        if flushing < self._flushes_max:
            self._flushing[group] = flushing + 1
            # The task starts after the callbacks that are ready now, so calls that arrived together leave together.
            task = asyncio.create_task(self._drain(group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self, group: Hashable) -> None:
        try:
            while waiting := self._waiting.get(group):
                batch = [waiting.popleft() for _ in range(min(len(waiting), self._items_max))]
                await self._run(group, batch)
        finally:
            self._flushing[group] -= 1
            if not self._flushing[group] and not self._waiting.get(group):
                del self._flushing[group]
                self._waiting.pop(group, None)

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
