"""Processes that the bench starts, each in a session of its own; none outlives the bench."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from regulars import limits
from regulars.kit.processes import die_with_parent

_LINE_BYTES_MAX = 1 << 27  # the sink's report is one line


class BenchFailed(Exception):
    """One sentence that says what could not be measured, or was measured and is wrong."""


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with the Python that runs us."""
    return [sys.executable, "-P", "-m", module, *arguments]


@asynccontextmanager
async def running(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path, talking: bool = False
) -> AsyncIterator[Process]:
    """The process, for the time of the block. What it says goes to the log; one that is `talking` is spoken to by its
    standard input and output instead. Raises BenchFailed when it had failed before the block ended."""
    pipes = PIPE if talking else DEVNULL
    with log.open("ab") as said:
        process = await _start(command, environment, stdin=pipes, stdout=PIPE if talking else said, stderr=said)
    try:
        yield process
        if process.returncode:
            raise BenchFailed(f"{log.stem} ended early, with code {process.returncode}: {_tail(log)}")
    finally:
        await _end(process)


async def finished(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, said: bytes = b"", within_s: float
) -> str:
    """What the command printed, run to its end with `said` on its standard input. Raises BenchFailed."""
    given = os.environ if environment is None else environment
    process = await _start(command, given, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    name = Path(command[0]).name
    try:
        async with asyncio.timeout(within_s):
            printed, errors = await process.communicate(said)
    except TimeoutError:
        raise BenchFailed(f"{name} did not end within {within_s:g} s") from None
    finally:
        await _end(process)
    if process.returncode != 0:
        raise BenchFailed(f"{name} ended with code {process.returncode}: {errors.decode(errors='replace').strip()}")
    return printed.decode(errors="replace")


async def listening(port: int, process: Process) -> None:
    """Until somebody takes connections on that port of this machine. Raises BenchFailed."""
    for _ in range(int(limits.CHILD_START_S / 0.05)):
        if process.returncode is not None:
            break
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise BenchFailed(f"nobody answers on port {port}")


async def _start(command: Sequence[str], environment: Mapping[str, str], **streams: Any) -> Process:
    ends = die_with_parent(signal.SIGTERM)
    return await asyncio.create_subprocess_exec(
        *command, env=dict(environment), limit=_LINE_BYTES_MAX, start_new_session=True, preexec_fn=ends, **streams
    )


async def _end(process: Process) -> None:
    """Ask it to end, and after a while insist; then end whatever it left behind."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.CHILD_STOP_S):
                await process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2_000:].strip() or "it said nothing"
