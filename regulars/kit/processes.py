"""Processes that end when they are told to, and children that never outlive their parent."""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from regulars import limits

_PR_SET_PDEATHSIG = 1

# Loaded at import: a child between fork and exec must not import, allocate much or take locks.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """What a child runs between fork and exec (`preexec_fn`), after it has changed its user, so that the kernel sends
    it the signal when its parent dies, be it by kill -9.

    The kernel ties this to the thread that forked: start children from a thread that lives as long as they should.
    Systems other than Linux have no such call; there a killed parent leaves its children.
    """
    parent = os.getpid()

    def ask() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel knew of our wish
            os.kill(os.getpid(), how)

    return ask


def follow_parent(how: signal.Signals, parent: int | None = None) -> None:
    """The same for a process that runs already, asked by itself: for `parent`, or whichever it has now."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
    if parent is not None and os.getppid() != parent:  # it died before the kernel knew of our wish
        os.kill(os.getpid(), how)


def spare_collector() -> None:
    """Call it when a process is set up. What is loaded by now lives as long as the process, so the garbage collector
    need not walk it again and again; and as most that comes after dies by its reference count, it may run seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*limits.GC_THRESHOLDS)


def run_until_told(work: Coroutine[Any, Any, None]) -> None:
    """Runs a loop that has no end of its own; SIGTERM or Ctrl-C cancels it, and that is a good end."""

    async def main() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for told in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
