"""The embedded PostgreSQL is real, durable, quick to come back, and never left behind."""

import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from regulars import embedded, migrations


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as path:
        yield Path(path)


async def ask(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def gone(pid: int) -> bool:
    """Waits until the process has ended, for at most ten seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


async def test_nothing_is_relaxed(directory: Path) -> None:
    with embedded.running(directory) as url:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await ask(url, f"SHOW {setting}") == "on"
        assert await ask(url, "SHOW listen_addresses") == ""


async def test_survives_a_kill_with_its_data(directory: Path) -> None:
    server = embedded.Server(directory)
    server.start()
    await ask(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert (server.data / "postmaster.pid").exists()
    server.start()
    assert await ask(server.url(), "SELECT answer FROM kept") == 42
    server.stop()
    assert server.pid is None


async def test_a_pid_file_that_names_another_program_is_no_obstacle(directory: Path) -> None:
    with embedded.running(directory):
        stale = (directory / "data/postmaster.pid").read_text()
    (directory / "data/postmaster.pid").write_text(stale.replace(stale.split("\n")[0], str(os.getppid()), 1))
    with embedded.running(directory) as url:
        assert await ask(url, "SELECT 1") == 1


async def test_a_path_too_long_for_a_socket_is_no_obstacle(directory: Path) -> None:
    deep = directory / ("d" * 120)
    directory.chmod(0o755)
    with embedded.running(deep) as url, embedded.running(deep) as same:
        assert same == url
        assert await ask(url, "SELECT 1") == 1


async def test_a_second_server_on_the_same_cluster_is_refused_and_a_second_user_shares_it(directory: Path) -> None:
    with embedded.running(directory) as url:
        with pytest.raises(embedded.EmbeddedError, match="already runs"):
            embedded.Server(directory).start()
        with embedded.running(directory) as same:
            assert same == url
        assert await ask(url, "SELECT 1") == 1
    assert embedded.url_if_running(directory) is None


def test_ends_with_its_parent_killed(directory: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from regulars import embedded\n"
        "server = embedded.Server(Path(sys.argv[1])); server.start(); print(server.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert gone(pid)
    assert embedded.url_if_running(directory) is None


def test_carries_what_the_bench_needs() -> None:
    done = subprocess.run([embedded.binary("pgbench"), "--version"], capture_output=True, text=True, check=True)
    assert "PostgreSQL" in done.stdout
    with pytest.raises(embedded.EmbeddedError):
        embedded.binary("no-such-program")


async def test_the_product_is_not_the_servers_superuser(directory: Path) -> None:
    with embedded.running(directory) as server_url:
        # As it was made before: everything the superuser's.
        before = await embedded.ensure_database(server_url, "shop")
        for statement in (
            "CREATE TYPE pair AS (a int, b int)",
            "CREATE TABLE kept (id int GENERATED ALWAYS AS IDENTITY)",
            "CREATE VIEW seen AS SELECT id FROM kept",
            "CREATE FUNCTION one() RETURNS int RETURN 1",
        ):
            await ask(before, statement)
        for name in ("new", "shop", "shop"):
            url = await migrations.as_owner(await embedded.ensure_database(server_url, name))
            rights = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = user"
            assert await ask(url, rights) is False
            await migrations.migrate(url)
        for statement in ("ALTER TABLE kept ADD more int", "DROP VIEW seen", "DROP FUNCTION one", "DROP TYPE pair"):
            await ask(url, statement)
        for forbidden in ("COPY kept TO PROGRAM 'cat'", "CREATE DATABASE other", "ALTER SYSTEM SET fsync = off"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await ask(url, forbidden)
