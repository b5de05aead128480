"""Where it is all measured: one PostgreSQL server, a shop on it, the product's processes."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID

from regulars import embedded, migrations, tenancy
from regulars.bench.children import listening, python, running
from regulars.bench.memory import Watch
from regulars.bench.plan import Plan
from regulars.kit.ids import new_id
from regulars.kit.ports import free_port
from regulars.kit.queries import Queries
from regulars.kit.settings import Settings
from regulars.tenancy import Workspace
from regulars.wiring import App, open_shop

Say = Callable[[str], None]

sql = Queries(__file__)


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
        command = python("regulars.cli", "serve")
        async with running(command, environment=self.environment, log=self.folder / "serve.log") as process:
            await listening(self.settings.port, process)
            async with self.server.on(process.pid):
                yield

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """`regulars work`, for the time of the block."""
        command = python("regulars.cli", "work")
        async with (
            running(command, environment=self.environment, log=self.folder / "work.log") as process,
            self.worker.on(process.pid),
        ):
            yield

    async def shop(self, name: str) -> Workspace:
        """A workspace with its events on, whose keys may call as often as they like."""
        now = self.app.clock.now()
        async with self.app.db.transaction() as tx:
            shop = await open_shop(tx, name, now=now)
            changes = {"events_on": True, "settings": {"calls_per_minute": 60_000_000}}
            return await tenancy.change_workspace(tx, shop.id, changes, now)

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
