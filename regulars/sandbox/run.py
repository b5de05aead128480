"""The sandbox as a process of its own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import uvloop

from regulars.sandbox.server import running
from regulars.sandbox.settings import Settings


def run(
    host: str = "127.0.0.1",
    port: int = 8899,
    settings: Settings | None = None,
    *,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Until SIGINT or SIGTERM. `ready` is told the address once it listens. Raises OSError when the port is taken."""
    uvloop.run(_until_told(host, port, settings, ready))


async def _until_told(host: str, port: int, settings: Settings | None, ready: Callable[[str], None] | None) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with running(host, port, settings) as sandbox:
        if ready is not None:
            ready(sandbox.base_url)
        await told.wait()
