"""Calls that arrive together leave together."""

import asyncio
from collections.abc import Hashable, Sequence

import pytest

from regulars import limits
from regulars.kit.batch import Gatherer


class Flushes:
    """Doubles numbers, one flush at a time as the test lets it go on."""

    def __init__(self) -> None:
        self.batches: list[tuple[Hashable, list[int]]] = []
        self.gate = asyncio.Semaphore(0)

    async def __call__(self, group: Hashable, items: Sequence[int]) -> list[int]:
        self.batches.append((group, list(items)))
        await self.gate.acquire()
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]

    def let(self, flushes: int) -> None:
        for _ in range(flushes):
            self.gate.release()


async def submitted(gatherer: Gatherer[int, int], *calls: tuple[str, int]) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(gatherer.submit(group, item)) for group, item in calls]
    for _ in range(4):  # so that each has been taken, and the flush begun
        await asyncio.sleep(0)
    return tasks


async def test_calls_that_arrive_during_a_flush_share_the_next() -> None:
    flushes = Flushes()
    gatherer: Gatherer[int, int] = Gatherer(flushes, items_max=4)
    first = await submitted(gatherer, ("a", 1), ("a", 2))
    rest = await submitted(gatherer, *(("a", n) for n in range(3, 9)))
    assert flushes.batches == [("a", [1, 2])]
    flushes.let(3)
    assert await asyncio.gather(*first, *rest) == [2 * n for n in range(1, 9)]
    assert flushes.batches == [("a", [1, 2]), ("a", [3, 4, 5, 6]), ("a", [7, 8])]


async def test_a_flush_waits_while_each_turn_of_the_loop_brings_more_calls() -> None:
    flushes = Flushes()
    gatherer: Gatherer[int, int] = Gatherer(flushes, items_max=4)
    tasks = []
    for n in range(6):
        tasks.append(asyncio.create_task(gatherer.submit("a", n)))
        await asyncio.sleep(0)
    flushes.let(2)
    assert await asyncio.gather(*tasks) == [2 * n for n in range(6)]
    assert [len(items) for _, items in flushes.batches] == [4, 2]


async def test_groups_do_not_mix_nor_wait_for_each_other() -> None:
    flushes = Flushes()
    gatherer: Gatherer[int, int] = Gatherer(flushes, items_max=4)
    tasks = await submitted(gatherer, ("a", 1), ("b", 2), ("a", 3))
    assert flushes.batches == [("a", [1, 3]), ("b", [2])]
    flushes.let(2)
    assert await asyncio.gather(*tasks) == [2, 4, 6]


async def test_one_flush_of_a_group_at_a_time() -> None:
    flushes = Flushes()
    gatherer: Gatherer[int, int] = Gatherer(flushes, items_max=1)
    tasks = await submitted(gatherer, *(("a", n) for n in range(3)))
    assert [items for _, items in flushes.batches] == [[0]]
    flushes.let(3)
    assert await asyncio.gather(*tasks) == [0, 2, 4]


async def test_after_many_the_next_flush_waits_for_those_who_come_back() -> None:
    flushes = Flushes()
    gatherer: Gatherer[int, int] = Gatherer(flushes, items_max=100)
    many = limits.GATHER_BUSY_ITEMS
    tasks = await submitted(gatherer, *(("a", n) for n in range(many)))
    late = await submitted(gatherer, ("a", 50))
    flushes.let(2)
    await asyncio.gather(*tasks)
    back = await submitted(gatherer, ("a", 51), ("a", 52))
    assert await asyncio.gather(*late, *back) == [100, 102, 104]
    assert [len(items) for _, items in flushes.batches] == [many, 3]


async def test_a_failure_goes_to_its_batch_alone() -> None:
    flushes = Flushes()
    gatherer: Gatherer[int, int] = Gatherer(flushes, items_max=4)
    failing = await submitted(gatherer, ("a", 13), ("a", 1))
    fine = await submitted(gatherer, ("a", 2))
    flushes.let(2)
    for task in failing:
        with pytest.raises(ValueError, match="13"):
            await task
    assert await asyncio.gather(*fine) == [4]
    flushes.let(1)
    assert await gatherer.submit("a", 5) == 10


async def test_a_caller_that_gives_up_takes_no_other_along() -> None:
    flushes = Flushes()
    gatherer: Gatherer[int, int] = Gatherer(flushes, items_max=4)
    gone, stays = await submitted(gatherer, ("a", 1), ("a", 2))
    gone.cancel()
    flushes.let(1)
    assert await stays == 4
    assert flushes.batches == [("a", [1, 2])]
