"""Everything in one go: the database, the server, the worker, and for a demo the sandbox and its shop.

What is started here ends when this process ends: in good order after a Ctrl-C or SIGTERM, by the kernel's hand after a
kill -9. Whichever part crashes is started again.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from regulars import embedded, limits, migrations, tenancy
from regulars.kit.db import Database
from regulars.kit.ports import why_not_free
from regulars.kit.settings import Settings
from regulars.supervisor import Child, GaveUp, Say

_DATABASE = "regulars"


class UpError(Exception):
    """One sentence that says what is in the way."""


@asynccontextmanager
async def database(settings: Settings, *, as_it_is: bool = False) -> AsyncIterator[str]:
    """The URL of the product's database, migrated unless it is wanted `as_it_is`, for a command that needs it: the one
    of `DATABASE_URL`, or the embedded one, started for the time of the block unless `regulars up` runs it at this
    moment."""
    if settings.database_url is not None:
        if not as_it_is:
            await migrations.migrate(settings.database_url)
        yield settings.database_url
        return
    with embedded.running(_cluster(settings)) as server_url:
        yield await _embedded_database(settings, server_url, as_it_is=as_it_is)


async def up(settings: Settings, *, demo: bool, say: Say) -> None:
    """Runs until SIGINT, SIGTERM or SIGHUP; `say` is handed what a person should see. Raises UpError."""
    began = time.monotonic()
    for host, port in [
        (settings.host, settings.port),
        *([("127.0.0.1", settings.sandbox_port_used())] if demo else []),
    ]:
        if why := why_not_free(host, port):
            raise UpError(why)
    cluster = None
    try:
        if settings.database_url is None:
            cluster = embedded.Server(_cluster(settings))
        await _run(settings, cluster, demo=demo, say=say, began=began)
    except (embedded.EmbeddedError, migrations.MigrationError, GaveUp) as error:
        raise UpError(str(error)) from error
    finally:
        if cluster is not None:
            cluster.stop()


async def _start(settings: Settings, cluster: embedded.Server | None) -> str:
    """The URL of the database; there, and migrated. Raises EmbeddedError, MigrationError."""
    if cluster is not None:
        cluster.start()  # here and not in a thread: its life is tied to the thread that starts it
        return await _embedded_database(settings, cluster.url())
    assert settings.database_url is not None
    await migrations.migrate(settings.database_url)
    return settings.database_url


async def _embedded_database(settings: Settings, server_url: str, *, as_it_is: bool = False) -> str:
    """Its URL; made, and migrated. Raises MigrationError."""
    url = await migrations.as_owner(await embedded.ensure_database(server_url, _DATABASE))
    if as_it_is:
        return url
    try:
        await migrations.migrate(url)
    except migrations.OtherVersion as why:
        data = _cluster(settings)
        raise migrations.OtherVersion(
            f"{why}: `mv {data} {data}.old` keeps these data and makes room, or REGULARS_DATA_DIR names another folder."
        ) from None
    return url


async def _run(settings: Settings, cluster: embedded.Server | None, *, demo: bool, say: Say, began: float) -> None:
    logs = settings.data_dir / "log"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.secret()  # made before anyone asks for it
    environment, told = _environment(settings, demo), asyncio.get_running_loop().create_future()

    def child(name: str, *arguments: str, once: bool = False) -> Child:
        return Child(name, list(arguments or [name]), environment=environment, url=told, logs=logs, say=say, once=once)

    server, worker, children = child("serve"), child("work"), []
    greeting = [f"Regulars is on {settings.address()}"]
    try:
        async with asyncio.TaskGroup() as group:
            # What was queued before a crash has waited long enough: both load while the database recovers.
            tasks = [group.create_task(each.keep_running()) for each in (worker, server)]
            await asyncio.sleep(0)  # they have begun
            url = await _start(settings, cluster)
            told.set_result(url)
            if demo:
                from regulars.demo import SANDBOX_COMMAND, prepare

                _, sign_in = await prepare(settings, url, settings.clock().now())
                greeting.append(f"Sign in as {sign_in.email} with the password {sign_in.password}")
                children = [child("sandbox", *SANDBOX_COMMAND), child("demo", "demo", "feed", once=True)]
            if await _without_a_shop(url):
                greeting.append('A shop of your own: regulars workspace create "Corner Books" --email you@shop.example')
            stop = _told_to_stop([server, worker, *children])
            if cluster is not None:
                tasks.append(group.create_task(_keep_serving(cluster, say)))
            if await _answers(settings, stop):
                tasks += [group.create_task(each.keep_running()) for each in children]
                for line in (
                    *greeting,
                    f"Ready after {time.monotonic() - began:.1f} s; logs are in {logs}; Ctrl-C ends.",
                ):
                    say(line)
            await stop.wait()
            say("Stopping")
            for task in tasks:
                task.cancel()
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _without_a_shop(url: str) -> bool:
    """Whether there is none, or only the demo's."""
    db = await Database.connect(url, connections_max=1)
    try:
        async with db.reading() as tx:
            return all(shop.settings.get("demo") for shop in await tenancy.list_workspaces(tx))
    finally:
        await db.close()


async def _keep_serving(cluster: embedded.Server, say: Say) -> None:
    """A PostgreSQL that was killed comes back and recovers; the others reconnect by themselves."""
    while True:
        await asyncio.sleep(limits.POSTGRES_WATCH_S)
        if cluster.pid is None:
            say("PostgreSQL ended; starting it again")
            cluster.start()  # in this thread, as at first


async def _answers(settings: Settings, stop: asyncio.Event) -> bool:
    """Waits until the server takes connections; False when told to stop before that."""
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104
    deadline = time.monotonic() + limits.CHILD_START_S
    while not stop.is_set():
        try:
            _, writer = await asyncio.open_connection(host, settings.port)
        except OSError:
            if time.monotonic() > deadline:
                raise GaveUp(f"the server did not answer within {limits.CHILD_START_S:g} s") from None
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return True
    return False


def _told_to_stop(children: list[Child]) -> asyncio.Event:
    """Set by the first SIGINT, SIGTERM or SIGHUP; the second kills the children that take their time."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            for child in children:
                child.kill()
        stop.set()

    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(how, told)
    return stop


def _environment(settings: Settings, demo: bool) -> dict[str, str]:
    """What the children read as their settings: ours, with what was found out put in, but for the database."""
    return os.environ | {
        "DATABASE_URL": "-",
        "REGULARS_HOST": settings.host,
        "REGULARS_PORT": str(settings.port),
        "REGULARS_SANDBOX_PORT": str(settings.sandbox_port_used()),
        "REGULARS_DATA_DIR": str(settings.data_dir.resolve()),
        "REGULARS_ALLOW_LOOPBACK": str(settings.allow_loopback or demo),
        "PYTHONUNBUFFERED": "1",
    }


def _cluster(settings: Settings) -> Path:
    return settings.data_dir / "postgres"
