"""The command line: each command reads the settings, calls one function and turns refusals into a sentence.

The modules behind a command are imported when it runs, so that `regulars --help` answers at once.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cyclopts

if TYPE_CHECKING:
    from regulars.kit.settings import Settings

app = cyclopts.App(name="regulars", help="Self-hosted loyalty and rewards for online shops.", version="0.1.0")


@app.command
def up(*, demo: bool = False, host: str | None = None, port: int | None = None) -> None:
    """Run everything in one go: database, server and worker.

    Parameters
    ----------
    demo
        Set up a demo shop, with look-alikes of its outside tools, and fill it with real purchases.
    host
        The address to listen on, instead of REGULARS_HOST.
    port
        The port to listen on, instead of REGULARS_PORT.
    """
    from regulars.up import UpError
    from regulars.up import up as run

    chosen = {"REGULARS_HOST": host, "REGULARS_PORT": None if port is None else str(port)}
    os.environ.update({name: value for name, value in chosen.items() if value is not None})
    with failing_with_a_sentence(UpError):
        asyncio.run(run(settings(), demo=demo, say=say))


@app.command
def serve() -> None:
    """Answer HTTP: the dashboard, both APIs and the hooks."""
    from regulars import serving

    serving.serve(settings())


@app.command
def work() -> None:
    """Run the background loops: fan events out, deliver them, expire coins."""
    from regulars import worker
    from regulars.kit import logs, processes

    found = settings()
    logs.configure(found.log_level)
    processes.run_until_told(worker.run(found))


@app.command
def sandbox() -> None:
    """Run look-alikes of the outside tools, with faults on demand."""
    from regulars import sandbox as look_alikes
    from regulars.kit import logs

    found = settings()
    logs.configure(found.log_level)
    look_alikes.serve(found)


@app.command
def migrate() -> None:
    """Bring the database of DATABASE_URL, or the embedded one, up to this version's schema."""
    from regulars import embedded, migrations
    from regulars.up import database

    async def bring() -> None:
        async with database(settings()) as url:
            say(f"The schema is current: {url.partition('@')[2]}")

    with failing_with_a_sentence(migrations.MigrationError, embedded.EmbeddedError):
        asyncio.run(bring())


def settings() -> Settings:
    """The settings, or an end with a sentence for each variable that is wrong."""
    from pydantic import ValidationError

    from regulars.kit.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        wrong = ((str(one["loc"][0]), one["msg"]) for one in error.errors())
        sys.exit("\n".join(f"{name if name.isupper() else f'REGULARS_{name.upper()}'}: {why}" for name, why in wrong))


def say(line: str) -> None:
    """To the person who watches; at once, also through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def failing_with_a_sentence(*expected: type[Exception]) -> Iterator[None]:
    """An expected failure ends the command with its message and exit code 1; anything else is a bug and shows."""
    try:
        yield
    except expected as error:
        sys.exit(f"regulars: {error}")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
