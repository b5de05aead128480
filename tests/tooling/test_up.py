"""`regulars up` comes up, says where, brings back what crashes, and ends with all that it started."""

import asyncio
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from regulars import embedded
from regulars.kit.ports import why_not_free
from regulars.kit.settings import Settings
from regulars.supervisor import important

CHECKOUT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [deeper for child in children for deeper in descendants(child)]


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


@contextmanager
def started(port: int, directory: Path, under: Sequence[str] = (), **variables: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"REGULARS_DATA_DIR": str(directory), "PYTHONPATH": str(CHECKOUT), **variables}
    command = [*under, sys.executable, "-m", "regulars.cli", "up", "--port", str(port)]
    with subprocess.Popen(command, env=environment, cwd="/", stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str], word: str) -> bool:
    """Reads on until a line holds the word; False when the process ends first."""
    assert process.stdout is not None
    return any(word in line for line in process.stdout)


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as path:
        Path(path).chmod(0o755)  # a root's server runs as another account and has to get through
        yield Path(path)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_ends_with_all_it_started(directory: Path, how: signal.Signals) -> None:
    port = free_port()
    with started(port, directory) as process:
        assert said(process, "A shop of your own: regulars workspace create")
        assert said(process, "Ready")
        family = descendants(process.pid)
        assert len(family) >= 3
        process.send_signal(how)
        assert process.wait(30) == (-how if how == signal.SIGKILL else 0)
        assert all(gone(pid) for pid in family)
    assert why_not_free("127.0.0.1", port) is None


def test_before_anything_is_installed_make_says_whether_the_port_is_free() -> None:
    bare = f"FOUND_PYTHON={sys.executable} -I -S"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ask = ["make", "--no-print-directory", "port-free", bare]
        refused = subprocess.run(
            [*ask, f"PORT={taken.getsockname()[1]}"], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert refused.returncode != 0
        assert "Choose another with `make run PORT=" in refused.stderr
    free = subprocess.run([*ask, f"PORT={free_port()}"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (free.returncode, free.stderr) == (0, "")


def test_a_make_that_is_killed_takes_all_along(directory: Path) -> None:
    port = free_port()
    like_make = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    with started(port, directory, [sys.executable, "-c", like_make], MAKELEVEL="1") as process:
        assert said(process, "Ready")
        family = descendants(process.pid)
        assert len(family) >= 4
        process.kill()
        assert all(gone(pid) for pid in family)
    assert why_not_free("127.0.0.1", port) is None


def test_a_crashed_server_comes_back(directory: Path) -> None:
    port = free_port()
    with started(port, directory) as process:
        assert said(process, "Ready")
        for pid in descendants(process.pid):
            if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
                break
        assert said(process, "starting it again")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_taken_port_is_told_at_once(directory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "regulars.cli", "up", "--port", str(port)],
            env=os.environ | {"REGULARS_DATA_DIR": str(directory), "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr
    assert not list(directory.iterdir())


def test_data_of_another_version_stay_and_the_way_on_is_told(directory: Path) -> None:
    """As when a checkout has gone on, and its migrations with it."""

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        return subprocess.run(
            [sys.executable, "-m", "regulars.cli", *words],
            env=environment | {"REGULARS_DATA_DIR": str(directory), "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )

    async def ask(sql: str) -> str:
        with embedded.running(directory / "postgres") as url:
            connection = await asyncpg.connect(url.replace("/postgres?", "/regulars?"))
            try:
                return await connection.fetchval(sql)
            finally:
                await connection.close()

    assert command("workspace", "create", "Corner Shop").returncode == 0
    asyncio.run(ask("UPDATE schema_migration SET digest = 'other' WHERE name = '0006_delivery.sql'"))
    for words in (["up", "--port", str(free_port())], ["migrate"]):
        refused = command(*words)
        assert refused.returncode == 1
        assert "made by another version of Regulars" in refused.stderr
        assert "0006_delivery.sql" in refused.stderr
    assert asyncio.run(ask("SELECT name FROM tenancy_workspace")) == "Corner Shop"
    way = re.search("`(mv .*?)`", refused.stderr)
    assert way, refused.stderr
    subprocess.run(shlex.split(way[1]), check=True)
    assert command("migrate").returncode == 0
    assert (directory / "postgres.old").exists()
    assert asyncio.run(ask("SELECT count(*) FROM tenancy_workspace")) == 0


def test_a_wrong_setting_is_told_by_its_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "regulars.cli", "up"],
        env=os.environ | {"REGULARS_PORT": "many", "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("REGULARS_PORT: ")


def test_the_secret_is_made_once_and_kept_private(directory: Path) -> None:
    one, other = (Settings(data_dir=directory, secret_key=None) for _ in range(2))
    assert one.secret() == other.secret()
    assert len(one.secret()) >= 32
    assert (directory / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in directory.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "info", "event": "delivered"}', None),
        ('{"level": "error", "event": "lane stuck", "lane": 7}', "error: lane stuck lane=7"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("", None),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_a_person_sees_what_matters_of_the_logs(line: str, shown: str | None) -> None:
    assert important(line) == shown
