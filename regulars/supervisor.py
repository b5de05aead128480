"""Keeps child processes running: their output goes to log files, what matters of it also to the person who watches, and
one that crashed is started again, a little later each time.

    starting -> running -> (told to stop) -> stopped
        ^          |
        +- waiting <- crashed -> given up, after some quick deaths in a row
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from regulars import limits
from regulars.kit.processes import die_with_parent

Say = Callable[[str], None]


class GaveUp(Exception):
    """A child would not stay up; the message has its last words."""


class Child:
    """One `regulars` command run as a process of its own, in a session of its own: a Ctrl-C reaches the supervisor, and
    that ends its children in good order. A supervisor that is killed takes them with it.

    With `url` it may load while the database is on its way, and is told on its standard input when that is there.
    One that runs `once` has a job with an end, and the others stay up when it fails.
    """

    def __init__(
        self,
        name: str,
        arguments: list[str],
        *,
        environment: Mapping[str, str],
        logs: Path,
        say: Say,
        url: asyncio.Future[str] | None = None,
        once: bool = False,
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._environment, self._url = environment, url
        self._log = logs / f"{name}.log"
        self._say = say
        self._once = once
        self._process: asyncio.subprocess.Process | None = None
        self._last_words: deque[str] = deque(maxlen=20)

    async def keep_running(self) -> None:
        """Start it, and again whenever it ends; returns only for a child that runs once and ended well.

        Cancelling this ends the child. Raises GaveUp after `limits.CHILD_QUICK_DEATHS_MAX` quick deaths in a row.
        """
        quick_deaths, wait_s = 0, limits.CHILD_RESTART_FIRST_S
        while True:
            began = time.monotonic()
            code = await self._run()
            if self._once and code == 0:
                return
            if time.monotonic() - began > limits.CHILD_QUICK_DEATH_S:
                quick_deaths, wait_s = 0, limits.CHILD_RESTART_FIRST_S
            quick_deaths += 1
            if quick_deaths == limits.CHILD_QUICK_DEATHS_MAX:
                said = "\n".join(self._last_words)
                failure = f"{self.name} ended {quick_deaths} times right after its start; {self._log} ends with\n{said}"
                if self._once:
                    self._say(failure)
                    return
                raise GaveUp(failure)
            self._say(f"{self.name} ended ({_how(code)}); starting it again in {wait_s:g} s")
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, limits.CHILD_RESTART_MAX_S)

    def kill(self) -> None:
        """End it and its own children at once."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _run(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the folder we were started in is no place to import from
            "-m",
            "regulars.cli",
            *self._arguments,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE if self._url else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        telling = asyncio.create_task(self._tell(self._process.stdin))
        try:
            assert self._process.stdout is not None
            await self._listen(self._process.stdout)
            return await self._process.wait()
        finally:
            telling.cancel()
            await self._end(self._process)

    async def _tell(self, child: asyncio.StreamWriter | None) -> None:
        if child is not None and self._url is not None:
            child.write(f"{await asyncio.shield(self._url)}\n".encode())
            child.close()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(limits.CHILD_STOP_S):
                    while await (process.stdout or asyncio.StreamReader()).read(limits.LOG_LINE_BYTES_MAX):
                        pass
                    await process.wait()
            except TimeoutError:
                self._say(f"{self.name} did not end within {limits.CHILD_STOP_S:g} s and was killed")
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever it left behind
        await process.wait()

    async def _listen(self, output: asyncio.StreamReader) -> None:
        """Until the child closes its output."""
        rest = b""
        while chunk := await output.read(limits.LOG_LINE_BYTES_MAX):
            self._write(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._hear(line.decode(errors="replace"))
            rest = rest[-limits.LOG_LINE_BYTES_MAX :]

    def _write(self, chunk: bytes) -> None:
        if self._log.exists() and self._log.stat().st_size > limits.LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            log.write(chunk)

    def _hear(self, line: str) -> None:
        text = important(line)
        self._last_words.append(text or line)
        if text is not None:
            self._say(f"{self.name}: {text}")


def important(line: str) -> str | None:
    """What of a log line a person should see now: warnings and errors, and whatever is no log line of ours."""
    try:
        fact = json.loads(line)
    except ValueError:
        return line.rstrip() or None
    if not isinstance(fact, dict) or "level" not in fact:
        return line
    if fact["level"] in ("debug", "info"):
        return None
    known = ("level", "event", "timestamp", "exception")
    rest = " ".join(f"{name}={value}" for name, value in fact.items() if name not in known)
    return f"{fact['level']}: {fact.get('event', '')} {rest}".rstrip()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
