"""The frame of a loop."""

import asyncio

from regulars.kit.workloop import Bell, Loop, guarded


async def test_a_round_that_raises_does_not_end_the_loop() -> None:
    rounds = 0
    done = asyncio.Event()

    async def fail_twice() -> bool:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            loop.bell.ring()  # so that the test need not wait
            raise RuntimeError("broken")
        done.set()
        return False

    loop = Loop("test", fail_twice)
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(10):
        await done.wait()
        loop.stop()
        await running
    assert (loop.failures, loop.rounds) == (2, 3)


async def test_a_busy_loop_goes_on_at_once_and_a_bell_ends_its_rest() -> None:
    left, rung = 5, 0

    async def work() -> bool:
        nonlocal left, rung
        if left:
            left -= 1
            return True
        rung += 1
        if rung == 3:
            loop.stop()
        loop.bell.ring()
        return False

    loop = Loop("test", work)
    async with asyncio.timeout(10):
        await loop.run()
    assert (left, rung) == (0, 3)


async def test_a_bell_rung_early_is_heard_once() -> None:
    bell = Bell()
    bell.ring()
    assert await bell.wait(0.001)
    assert not await bell.wait(0.001)


async def test_what_is_guarded_may_raise_and_may_be_cancelled() -> None:
    async def fail() -> None:
        raise ValueError("no")

    assert not await guarded("test", fail())
    task = asyncio.create_task(guarded("test", asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
