"""The contracts are tried over real HTTP: the server process as it runs in a shop, on a database of its own."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from regulars import tenancy
from regulars.kit.db import Database
from tests.conftest import fresh_database

START_S = 120.0


@dataclass
class Served:
    """Where the server listens, and a key of a workspace that may do everything."""

    url: str
    workspace_id: str
    key: str
    database_url: str
    secret_key: str = "a secret key of forty characters or more."


@pytest.fixture(scope="session")
def served(server_url: str) -> Iterator[Served]:
    url, workspace_id, key = asyncio.run(_database(server_url))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": url,
        "REGULARS_PORT": str(port),
        "REGULARS_SECRET_KEY": Served.secret_key,
        "REGULARS_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen([sys.executable, "-m", "regulars.cli", "serve"], env=environment)
    try:
        _until_ready(f"http://127.0.0.1:{port}", process)
        yield Served(f"http://127.0.0.1:{port}", workspace_id, key, url)
    finally:
        process.terminate()
        process.wait(timeout=START_S)


async def _database(server_url: str) -> tuple[str, str, str]:
    url = await fresh_database(server_url)
    db = await Database.connect(url)
    async with db.transaction() as tx:
        now = datetime.now(UTC)
        workspace = await tenancy.create_workspace(tx, "Corner Shop", now=now)
        issued = await tenancy.issue_key(
            tx, workspace.id, "Contracts", access="WRITE", areas=tenancy.EVERY_AREA, made_by="cli", now=now
        )
    await db.close()
    return url, str(workspace.id), issued.key


def _until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended while it started"
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not start in time")
