"""Where it is all measured: one PostgreSQL server, a shop on it, the product's processes; and how much memory processes
hold, read from /proc while they work."""

import asyncio
import os
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID

from regulars import embedded, migrations, tenancy
from regulars.bench.children import BenchFailed, listening, python, running
from regulars.bench.figures import Row
from regulars.bench.load import Task
from regulars.bench.plan import Plan
from regulars.kit import Clock, Queries, new_id
from regulars.kit.db import Pooled
from regulars.kit.ports import free_port
from regulars.kit.settings import Settings
from regulars.schedule import Handler
from regulars.tenancy import Workspace
from regulars.wiring import App, open_shop
from regulars.worker.doing import Doing

Say = Callable[[str], None]

sql = Queries(__file__)


_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_EVERY_S = 0.25
PATIENCE_S = 120.0


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
            if mb := _resident_mb(family(pid)):  # nothing: it has ended, and nobody has asked how yet
                self._samples.append((time.monotonic(), mb))
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


class Stage:
    """What every measurement is given. `bare_url` is an empty database on the same server, for what is compared with.
    `app` is the product inside this process, for what no shop does by HTTP."""

    def __init__(self, plan: Plan, settings: Settings, app: App, bare_url: str, folder: Path, say: Say) -> None:
        assert settings.database_url is not None
        self.plan = plan
        self.settings = settings
        self.app = app
        self.url = settings.database_url
        self.bare_url = bare_url
        self.folder = folder
        self.say = say
        self.server = Watch("server")
        self.worker = Watch("worker")
        self.environment = os.environ | {
            "DATABASE_URL": self.url,
            "REGULARS_HOST": "127.0.0.1",
            "REGULARS_PORT": str(settings.port),
            "REGULARS_DATA_DIR": str(folder),
            "REGULARS_SECRET_KEY": settings.secret(),
            "REGULARS_ALLOW_LOOPBACK": "true",
            "REGULARS_LOG_LEVEL": "warning",
        }

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """`regulars serve`, as many processes as the settings say, for the time of the block."""
        async with self._running("serve", self.server) as process:
            await listening(self.settings.port, process)
            yield

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """`regulars work`, for the time of the block."""
        async with self._running("work", self.worker):
            yield

    @asynccontextmanager
    async def _running(self, act: str, watch: Watch) -> AsyncIterator[Process]:
        command, log = python("regulars.cli", act), self.folder / f"{act}.log"
        async with running(command, environment=self.environment, log=log) as process, watch.on(process.pid):
            yield process

    async def shop(self, name: str) -> Workspace:
        """A workspace with its events on, whose keys may call as often as they like."""
        now = self.app.clock.now()
        async with self.app.db.transaction() as tx:
            shop = await open_shop(tx, name, now=now)
            changes = {"events_on": True, "settings": {"calls_per_minute": 60_000_000}}
            return await tenancy.change_workspace(tx, shop.id, changes, now)

    def once(self, requests: list[tuple[str, str]]) -> Task:
        """Each of these, once."""
        return Task(port=self.settings.port, connections=self.plan.connections, seconds=0, requests=requests, once=True)

    async def ids(self, statement: str, workspace_id: UUID) -> list[UUID]:
        """Those that a statement of `queries.sql` answers with."""
        async with self.app.db.reading() as tx:
            return [row["id"] for row in await tx.fetch(getattr(sql, statement), workspace_id)]

    async def done_s(self, handlers: Mapping[str, Handler], clock: Clock | None = None) -> float:
        """How long a worker takes until all that is due of these kinds is done."""
        doing, began = Doing(self.app.db, clock or self.app.clock, handlers), time.monotonic()
        while await doing.round() or any(await doing.turns.finish()):
            pass
        return time.monotonic() - began

    @asynccontextmanager
    async def filling(self) -> AsyncIterator[Pooled]:
        """A connection for rows by the million, as long as that takes."""
        async with self.app.db.pool.acquire() as connection:
            await connection.execute("SET default_transaction_read_only = off; SET statement_timeout = 0")
            yield connection
            await connection.execute("RESET default_transaction_read_only; RESET statement_timeout")

    async def until(self, statement: str, shop: Workspace, *arguments: object) -> None:
        """Until a statement of `queries.sql` counts nothing any more. Raises BenchFailed."""
        deadline = time.monotonic() + PATIENCE_S
        while await self.count(statement, shop.id, *arguments):
            if time.monotonic() > deadline:
                raise BenchFailed(f"the worker was not done within {PATIENCE_S:g} s: {statement}")
            await asyncio.sleep(0.05)

    async def count(self, statement: str, workspace_id: UUID, *arguments: object) -> int:
        """The number that a statement of `queries.sql` answers with."""
        async with self.app.db.reading() as tx:
            found: int = await tx.fetchval(getattr(sql, statement), workspace_id, *arguments)
        return found


@asynccontextmanager
async def staged(settings: Settings, plan: Plan, say: Say) -> AsyncIterator[Stage]:
    """Two fresh databases, on the server of DATABASE_URL or on an embedded one of its own; both are dropped again."""
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name, _server(settings, Path(name)) as server_url:
        run = new_id().hex
        names = [f"bench_{run}", f"bench_bare_{run}"]
        try:
            url, bare_url = [await embedded.ensure_database(server_url, name) for name in names]
            await migrations.migrate(url)
            chosen = {"database_url": url, "data_dir": Path(name), "port": free_port(), "allow_loopback": True}
            settings = settings.model_copy(update=chosen)
            app = await App.open(settings)
            try:
                yield Stage(plan, settings, app, bare_url, Path(name), say)
            finally:
                await app.close()
        finally:
            if settings.database_url is not None:
                for name in names:
                    await embedded.drop_database(server_url, name)


@contextmanager
def _server(settings: Settings, folder: Path) -> Iterator[str]:
    if settings.database_url is not None:
        yield settings.database_url
        return
    folder.chmod(0o711)  # a root's server runs as another account and has to get through
    with embedded.running(folder / "postgres") as url:
        yield url
