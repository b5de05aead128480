"""The server process: granian runs the application of `regulars.api.app`, in as many processes as the settings say."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from regulars import limits
from regulars.kit.processes import follow_parent, spare_collector
from regulars.kit.settings import Settings


def serve(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT; requests that are being answered then are answered to their end. Raises NoDatabase
    at once, for the processes that answer would only be started again and again."""
    settings.shared_database_url()
    Granian(
        "regulars.api.app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.workers,
        backlog=limits.HTTP_BACKLOG,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=limits.CHILD_RESTART_FIRST_S,
        workers_kill_timeout=int(limits.CHILD_STOP_S) - 5,
    ).serve(target_loader=_load, wrap_loader=False)


def _load() -> Callable[..., Any]:
    """Runs in each process that answers, with nothing carried over from the one that started it."""
    from regulars.api.app import create_app
    from regulars.kit import logs

    # granian ends its processes when it is told to, but cannot when it is killed; an orphan would keep the port.
    follow_parent(signal.SIGKILL)
    logs.configure(Settings().log_level)
    application: Callable[..., Any] = create_app()
    spare_collector()
    return application
