"""How much memory processes hold, read from /proc while they work."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from regulars.bench.figures import Row

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_EVERY_S = 0.25


class Watch:
    """The resident memory of a process and its descendants, in MB, sampled while they work.

    What they share is counted once for each. Systems without /proc have nothing to show, and no rows.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._samples: list[tuple[float, float]] = []
        self._phases: list[tuple[str, float]] = []
        self._load = (0.0, 0.0)

    @asynccontextmanager
    async def on(self, pid: int) -> AsyncIterator[None]:
        """For the time of the block; a watch may go on to another process later, and adds it to the same story."""
        task = asyncio.create_task(self._sample(pid))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @contextmanager
    def load(self) -> Iterator[None]:
        """The block is the load over which memory should stay flat."""
        began = time.monotonic()
        yield
        self._load = (began, time.monotonic())

    def ended(self, phase: str) -> None:
        """A phase of the load is over."""
        if self._samples:
            self._phases.append((phase, self._samples[-1][1]))

    def rows(self) -> list[Row]:
        """The peak, what was held after each phase, and what at the end of the load against after its first third."""
        if not self._samples:
            return []
        rows = [Row(f"{self.name} memory, peak", max(mb for _, mb in self._samples), unit="MB")]
        rows += [Row(f"{self.name} memory, after the {phase}", mb, unit="MB") for phase, mb in self._phases]
        began, ended = self._load
        within = [(at, mb) for at, mb in self._samples if began <= at <= ended]
        third = [mb for at, mb in within if at <= began + (ended - began) / 3]
        if third:
            at_third, at_end = third[-1], within[-1][1]
            against = "after the first third of the load"
            rows.append(Row(f"{self.name} memory, as data grows", at_end, against, at_third, unit="MB"))
        return rows

    async def _sample(self, pid: int) -> None:
        while Path(f"/proc/{pid}").exists():
            self._samples.append((time.monotonic(), _resident_mb(family(pid))))
            await asyncio.sleep(_EVERY_S)


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    try:
        named = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [pid, *(deeper for children in named for child in children for deeper in family(int(child)))]


def _resident_mb(pids: Iterable[int]) -> float:
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue  # it has ended in between
    return pages * _PAGE_BYTES / 1e6
