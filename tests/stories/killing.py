"""The processes that are killed, and whoever starts them again."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import Any

import asyncpg

from regulars import embedded
from regulars.kit.ports import free_port
from tests.conftest import fresh_database
from tests.stories.crashing import PATIENCE_S

CHECKOUT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("KILLS", "10"))
SECOND = "second "
SECRET_KEY = "a secret key of forty characters or more."


def regulars(*arguments: str, environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A `regulars` command as a process of its own, its output appended to the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "regulars.cli", *arguments],
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)} | environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def children(pid: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def kill_9(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Town:
    """The three that are killed, and whoever starts them again; a second server and a second worker come and go.

    `ports`: where servers answer."""

    def __init__(self, directory: Path) -> None:
        self.postgres = embedded.Server(directory / "postgres")
        self.postgres.start()
        self.url = asyncio.run(fresh_database(self.postgres.url()))
        self.ports = [free_port()]
        self.kills = 0
        self._logs = directory
        self._story: deque[str] = deque(maxlen=12)
        self._began = time.monotonic()
        self._processes: dict[str, Popen[bytes]] = {}
        self._killed: set[int] = set()
        self._environment = {
            "DATABASE_URL": self.url,
            "REGULARS_DATA_DIR": str(directory),
            "REGULARS_SECRET_KEY": SECRET_KEY,
            "REGULARS_ALLOW_LOOPBACK": "true",
        }

    def start(self, name: str) -> None:
        kind = name.removeprefix(SECOND)
        port = self.ports[-1 if kind != name else 0]
        environment = self._environment | {"REGULARS_PORT": str(port)}
        command = {"server": "serve", "worker": "work"}[kind]
        self._processes[name] = regulars(command, environment=environment, log=self._logs / f"{kind}.log")

    def add(self) -> None:
        self.ports.append(free_port())
        for kind in ("server", "worker"):
            self.start(SECOND + kind)

    def take_away(self) -> None:
        """For good, and without a word, as a machine goes."""
        self.ports.pop()
        for kind in ("server", "worker"):
            gone = self._processes.pop(SECOND + kind)
            kill_9(gone.pid)
            gone.wait()

    def kill(self, name: str, random: Random) -> None:
        """The process itself, or, as it comes, one of those that it started: an answering process, a backend."""
        if SECOND + name in self._processes:
            name = random.choice([name, SECOND + name])
        pid = self.postgres.pid if name == "postgres" else self._processes[name].pid
        assert pid is not None
        victim = random.choice([pid, pid, *children(pid)[:2]])
        self.kills += 1
        self._killed.add(victim)
        self._say(f"{name} {pid} is killed" if victim == pid else f"of {name} {pid}, {victim} is killed")
        kill_9(victim)
        # It is gone when it can be waited for; whatever it started itself is not ours to wait for.
        if victim == pid:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    def mend(self) -> None:
        """What a supervisor does: start whatever is gone."""
        self.postgres.start()
        for name, process in self._processes.items():
            if process.poll() is not None:
                if process.pid not in self._killed:
                    self._say(f"{name} {process.pid} ended by itself, {process.returncode}")
                self.start(name)
                self._say(f"{name} {self._processes[name].pid} is started")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What fails inside says what happened last, and what the processes said."""
        try:
            yield
        except BaseException as fault:
            fault.add_note("\n".join([f"{self.kills} were killed, lastly", *self._story]))
            for log in (self._logs / "server.log", self._logs / "worker.log", self.postgres.log):
                said = log.read_text(errors="replace")[-4_000:] if log.exists() else ""
                fault.add_note(f"{log.name} of {log.parent.name} ends with\n{said}")
            raise

    def end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
        self.postgres.stop()

    def _say(self, what: str) -> None:
        self._story.append(f"{time.monotonic() - self._began:8.2f} s: {what}")

    def ask(self, sql: str, *arguments: object) -> list[Any]:
        """Waits for a server that recovers from the death of a backend."""

        async def fetch() -> list[Any]:
            connection = await asyncpg.connect(self.url)
            try:
                return await connection.fetch(sql, *arguments)
            finally:
                await connection.close()

        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return asyncio.run(fetch())
            except (asyncpg.OperatorInterventionError, asyncpg.PostgresConnectionError, OSError):
                assert time.monotonic() < deadline, "PostgreSQL does not come back"
                time.sleep(0.01)
