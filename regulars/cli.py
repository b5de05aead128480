"""The command line: each command reads the settings, calls one function and turns refusals into a sentence.

The modules behind a command are imported when it runs, so that `regulars --help` answers at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast
from urllib.parse import parse_qs, urlsplit

import cyclopts
import uvloop

if TYPE_CHECKING:
    from regulars.kit.settings import Settings

app = cyclopts.App(name="regulars", help="Self-hosted loyalty and rewards for online shops.", version="0.1.0")


@app.command
def up(*, demo: bool = False, host: str | None = None, port: int | None = None, test_clock: bool = False) -> None:
    """Run everything in one go: database, server and worker.

    Args:
        demo: Set up a demo shop, with look-alikes of its outside tools, and fill it with real purchases.
        host: The address to listen on, instead of REGULARS_HOST.
        port: The port to listen on, instead of REGULARS_PORT.
        test_clock: Let tests move the time that everything goes by.
    """
    from regulars.kit import processes
    from regulars.up import UpError
    from regulars.up import up as run

    if "MAKELEVEL" in os.environ:
        # `make run` is one thing to whoever started it: a make that is killed takes us along.
        processes.follow_parent(signal.SIGTERM)
    chosen = {"REGULARS_HOST": host, "REGULARS_PORT": None if port is None else str(port)}
    chosen["REGULARS_TEST_CLOCK"] = "true" if test_clock else None
    os.environ.update({name: value for name, value in chosen.items() if value is not None})
    with failing_with_a_sentence(UpError):
        asyncio.run(run(settings(), demo=demo, say=say))


@app.command
def serve() -> None:
    """Answer HTTP: the dashboard, both APIs and their documents, on the database of DATABASE_URL."""
    # The rooms load while the database may be on its way; meters only when they know whom they count with.
    from regulars import serving, wiring  # noqa: F401
    from regulars.kit.settings import NoDatabase

    with failing_with_a_sentence(NoDatabase, serving.NoPort):
        serving.serve(settings())


@app.command
def work() -> None:
    """Run the background loops: fan events out, deliver them, on the database of DATABASE_URL."""
    from regulars import worker
    from regulars.kit import logs, processes
    from regulars.kit.settings import NoDatabase

    found = settings()
    logs.configure(found.log_level)
    processes.spare_collector()
    with failing_with_a_sentence(NoDatabase):
        processes.run_until_told(worker.run(found))


@app.command
def sandbox(*, omnisend_rate_per_minute: int = 400) -> None:
    """Run look-alikes of the outside tools, with faults on demand.

    Args:
        omnisend_rate_per_minute: How many calls the look-alike of Omnisend takes before it answers 429.
    """
    from regulars import demo
    from regulars import sandbox as look_alikes

    found = settings()
    look_alikes.run(
        port=found.sandbox_port_used(),
        settings=look_alikes.Settings(omnisend_rate_per_minute, receivers=demo.sandbox_receivers(found)),
    )


@app.command
def migrate() -> None:
    """Bring the database of DATABASE_URL, or the embedded one, up to this version's schema."""
    from regulars import embedded, migrations
    from regulars.kit import nodes
    from regulars.up import database

    async def bring() -> None:
        async with database(settings()) as url:
            say(f"The schema is current: {whereabouts(url)}")
            if lie := await nodes.told(url):
                say(lie)

    with failing_with_a_sentence(migrations.MigrationError, embedded.EmbeddedError):
        asyncio.run(bring())


workspace_app = cyclopts.App(name="workspace", help="Shops on this server.")


demo_app = cyclopts.App(name="demo", help="The demo shop, with 69,659 real purchases.")
staff_app = cyclopts.App(name="staff", help="Who signs in to a shop's dashboard.")
for group in (workspace_app, staff_app, demo_app):
    app.command(group)


@workspace_app.command(name="create")
def workspace_create(
    name: str, *, id: str = "", email: str = "", as_json: Annotated[bool, cyclopts.Parameter(name="--json")] = False
) -> None:
    """Make a shop and print its id and its keys.

    Args:
        name: The shop's name.
        id: An id of your choice for it, such as shopify-corner, unique on this server; without it, one is drawn.
        email: Somebody who may sign in to its dashboard; their password is drawn and printed.
        as_json: Print one JSON object, for a program that starts from nothing.
    """
    from regulars import commands

    with failing_with_a_sentence(*refusals()):
        asyncio.run(commands.create_workspace(settings(), name, id=id, email=email, as_json=as_json, say=say))


@staff_app.command(name="list")
def staff_list(*, workspace: str = "") -> None:
    """Print who may sign in, and as what.

    Args:
        workspace: The id of the shop; without it, those of every shop.
    """
    from regulars import commands

    with failing_with_a_sentence(*refusals()):
        asyncio.run(commands.list_staff(settings(), workspace=workspace, say=say))


@staff_app.command(name="add")
def staff_add(
    email: str, *, name: str = "", role: Literal["owner", "editor", "reader"] = "owner", workspace: str = ""
) -> None:
    """Let somebody sign in; their password is drawn and printed.

    Args:
        email: How they sign in.
        name: What the dashboard calls them.
        role: An owner may do everything, an editor everything but people and keys, a reader only looks.
        workspace: The id of the shop; not needed when there is only one.
    """
    from regulars import commands

    with failing_with_a_sentence(*refusals()):
        asyncio.run(commands.add_staff(settings(), email, name=name, role=role, workspace=workspace, say=say))


@staff_app.command(name="password")
def staff_password(email: str, *, workspace: str = "") -> None:
    """Draw a new password for somebody and print it; wherever they are signed in, they are signed out.

    Args:
        email: How they sign in.
        workspace: The id of the shop; not needed when only one knows this address.
    """
    from regulars import commands

    with failing_with_a_sentence(*refusals()):
        asyncio.run(commands.set_password(settings(), email, workspace=workspace, say=say))


@app.command(name="import")
def import_file(
    kind: Literal["orders", "customers", "coins", "reviews"],
    file: Path,
    *,
    workspace: str = "",
    source: str = "csv",
    encoding: str = "",
    separator: Literal["", ",", ";", "|", "tab"] = "",
    decimal: Literal["", ".", ","] = "",
    dates: Literal["", "day-first", "month-first"] = "",
    zone: str = "",
    map: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    preview: Annotated[bool, cyclopts.Parameter(negative=())] = False,
    replace: Annotated[bool, cyclopts.Parameter(negative=())] = False,
) -> None:
    """Take in what a shop already has, from a CSV file; rows that can't be used are listed while the rest go in.

    Running it twice changes nothing.

    Args:
        kind: What the rows are: orders; customers, who are created or completed; coins, given to customers who are
            known; reviews, of customers who are known.
        file: A CSV file with a header line. Orders: order_id, customer_id, amount, placed_at. Customers: customer_id.
            Coins: amount, reviews: product_id and rating, both with customer_id, email or mobile. More columns may be
            there.
        workspace: The id of the shop; not needed when there is only one.
        source: Where orders come from, for rows that don't say: an order is known by its source and its id.
        encoding: The file's code page, such as cp1251, when it is not the one that was found.
        separator: What parts its columns, when it is not what was found.
        decimal: Its decimal sign: whether 1.000 is one or a thousand.
        dates: Whether 03/04/2026 is in April or in March.
        zone: The time zone of times that don't say theirs, when it is not the shop's.
        map: Which column a field is in, when it is called otherwise: amount=Total. Once for each field.
        preview: Import nothing; say how the file is read and what it would give.
        replace: Let the file win over what is kept, although it is not newer.
    """
    from regulars import commands
    from regulars.kit.csv_file import Dates, Format

    with failing_with_a_sentence(OSError, *refusals()):
        format = Format(
            source=source.lower(),
            encoding=encoding,
            separator="\t" if separator == "tab" else separator,
            decimal=decimal,
            dates=cast("Dates", dates.replace("-", "_")),
            zone=zone,
            columns=commands.mapped(map or []),
        )
        how: dict[str, Any] = {"workspace": workspace, "preview": preview, "replace": replace}
        asyncio.run(commands.import_csv(settings(), file, format, kind=kind, say=say, **how))


@app.command
def bench(
    *, as_json: Annotated[bool, cyclopts.Parameter(name="--json")] = False, only: str = "", big: bool = False
) -> None:
    """Measure how fast this version is on this machine, held against what PostgreSQL and a bare HTTP client do there.

    Takes some ten minutes, on a database of its own that is gone afterwards.

    Args:
        as_json: Print a JSON list of {name, value, unit, against, limit, ratio, bar}.
        only: One part alone: rewards, deliveries, orders, cases, holds, hooks or book.
        big: With ten million transactions in a book and a million lots that expire; takes as many minutes more.
    """
    from regulars.bench.children import BenchFailed
    from regulars.bench.running import command

    with failing_with_a_sentence(BenchFailed, *refusals()):
        command(settings(), as_json=as_json, only=only, big=big)


@app.command
def audit() -> None:
    """Read the whole book of every shop; exit with 1 when one contradicts itself, with its first break, or can't be
    read."""
    from regulars import commands

    with failing_with_a_sentence(*refusals()):
        sys.exit(0 if asyncio.run(commands.audit(settings(), say=say)) else 1)


@app.command
def backup(place: Path) -> None:
    """Write all that this server keeps into one file, as of one instant, while it is in use.

    Args:
        place: A file that is not there yet, or a folder, where the file is called by its moment.
    """
    from regulars import commands
    from regulars.backup import BackupError

    with failing_with_a_sentence(BackupError, OSError, *refusals()):
        asyncio.run(commands.back_up(settings(), place, say=say))


@app.command
def restore(file: Path) -> None:
    """Bring a backup back into an empty database, up to this version's schema, and audit it; exit with 1 when a book is
    broken or secrets can't be read.

    Args:
        file: What `regulars backup` wrote.
    """
    from regulars import commands
    from regulars.backup import BackupError

    with failing_with_a_sentence(BackupError, OSError, *refusals()):
        sys.exit(0 if asyncio.run(commands.restore(settings(), file, say=say)) else 1)


@demo_app.default
def demo(*, as_json: Annotated[bool, cyclopts.Parameter(name="--json")] = False) -> None:
    """Do the whole demo in a fresh temporary database: every purchase, every event delivered, the book verified.

    Args:
        as_json: Print one JSON object.
    """
    from regulars import commands
    from regulars.demo import DemoFailed, NoPurchases

    with failing_with_a_sentence(DemoFailed, NoPurchases, *refusals()):
        sys.exit(0 if uvloop.run(commands.demo(settings(), as_json=as_json, say=say)) else 1)


@demo_app.command
def feed() -> None:
    """Connect the demo shop's tools and take its purchases in; `regulars up --demo` runs it."""
    from regulars import commands
    from regulars.demo import NoPurchases
    from regulars.kit.settings import NoDatabase

    with failing_with_a_sentence(NoPurchases, NoDatabase, *refusals()):
        uvloop.run(commands.demo_feed(settings(), say=say))


def refusals() -> tuple[type[Exception], ...]:
    """What a command that works on a shop may be refused with."""
    from regulars.embedded import EmbeddedError
    from regulars.kit import Refusal
    from regulars.migrations import MigrationError

    return Refusal, EmbeddedError, MigrationError


def settings() -> Settings:
    """The settings, or an end with a sentence for each variable that is wrong. Under `regulars up` they wait for the
    database."""
    from pydantic import ValidationError

    from regulars.kit.settings import Settings

    if os.environ.get("DATABASE_URL") == "-":
        os.environ["DATABASE_URL"] = sys.stdin.readline().strip()
    try:
        return Settings()
    except ValidationError as error:
        wrong = ((str(one["loc"][0]), one["msg"]) for one in error.errors())
        sys.exit("\n".join(f"{name if name.isupper() else f'REGULARS_{name.upper()}'}: {why}" for name, why in wrong))


def whereabouts(url: str) -> str:
    """Which database a URL names, for people: its name and host, and nothing that opens it."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [""])[0] or parts.hostname
    return f"{parts.path.strip('/') or 'the default database'} on {host or 'this machine'}"


def say(line: str) -> None:
    """To the person who watches; at once, also through a pipe."""
    from regulars.kit.logs import printable

    sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()


@contextmanager
def failing_with_a_sentence(*expected: type[Exception]) -> Iterator[None]:
    """An expected failure ends the command with its message and exit code 1; anything else is a bug and shows."""
    try:
        yield
    except expected as error:
        from regulars.kit.logs import printable

        sys.exit(printable(f"regulars: {error}", keep="\n"))


def main() -> None:
    app()


if __name__ == "__main__":
    main()
