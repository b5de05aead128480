"""The frame of everything that runs in the background: one round after another, whatever a round does.

    round --(more to do)----> at once
          `-(nothing to do)-> wait WORKER_POLL_FIRST_S, longer each time up to WORKER_POLL_S, or until the bell rings
          `-(raised)--------> one line in the log; wait LOOP_BACKOFF_FIRST_S, doubling up to LOOP_BACKOFF_MAX_S

A loop sleeps on its bell, which whoever has work for it may ring. This is the one place that catches whatever a round
raises: below it, what is not expected crashes.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from regulars import limits

_log = structlog.get_logger(__name__)


class Bell:
    """Wakes the one who waits for it; rung while nobody waits, it is heard by the next who does."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, at_most_s: float) -> bool:
        """False when the time passed without a ring."""
        try:
            async with asyncio.timeout(at_most_s):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


async def guarded(name: str, work: Awaitable[object], **fields: object) -> bool:
    """Await it; if it raises, write one line with the given fields and return False."""
    try:
        await work
    except Exception:  # noqa: BLE001 - the outermost frame of every loop
        _log.exception("round_failed", loop=name, **fields)
        return False
    return True


class Loop:
    """`round` does some of its work and returns how much: something means that there may be more to do at once.
    `turned`: one has come to a good end since that was set back."""

    def __init__(
        self, name: str, round_: Callable[[], Awaitable[int]], bell: Bell | None = None, *, longer_by: float = 2.0
    ) -> None:
        self.name = name
        self.bell = bell or Bell()
        self.rounds = 0
        self.failures = 0
        self.turned = False
        self._round, self._longer_by = round_, longer_by
        self._stopping = False

    def stop(self) -> None:
        """The round under way is the last one."""
        self._stopping = True
        self.bell.ring()

    async def run(self) -> None:
        """Until `stop`."""
        idle_s, failed_s = limits.WORKER_POLL_FIRST_S, limits.LOOP_BACKOFF_FIRST_S
        while not self._stopping:
            busy = 0

            async def once() -> None:
                nonlocal busy
                busy = await self._round()

            self.rounds += 1
            if not await guarded(self.name, once(), failures=self.failures):
                self.failures += 1
                await self.bell.wait(failed_s)
                failed_s = min(failed_s * 2, limits.LOOP_BACKOFF_MAX_S)
                continue
            self.turned, failed_s = True, limits.LOOP_BACKOFF_FIRST_S
            if busy:
                idle_s = limits.WORKER_POLL_FIRST_S
            else:
                rung = await self.bell.wait(idle_s)
                idle_s = limits.WORKER_POLL_FIRST_S if rung else min(idle_s * self._longer_by, limits.WORKER_POLL_S)
