"""The server process: uvicorn runs the application of `regulars.api.app`, in as many processes as the settings say."""

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.supervisors import multiprocess
from uvicorn.supervisors.multiprocess import Multiprocess

from regulars import limits
from regulars.api import AT_ONCE, SHARED_BY
from regulars.kit.ports import why_not_free
from regulars.kit.processes import follow_parent, spare_collector
from regulars.kit.settings import Settings


class PatientHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with an end to patience: nobody holds a connection, or fills our memory, by sending a request
    slowly or its head for ever.

        quiet --first byte--> head --complete--> body --complete--> quiet
          |                     |                  |`-- HTTP_BODY_PAUSE_S between two parts; for all of it HTTP_BODY_S
          |                     |                  |    and what HTTP_BODY_BYTES_PER_S_MIN makes of what came
          |                     |                  `--answered--> rest, which nobody reads: HTTP_REST_S
          `-- HTTP_KEEP_ALIVE_S `-- HTTP_HEAD_S, HTTP_HEAD_BYTES_MAX

    A request that comes in one piece, as nearly all do, sets no timer.
    """

    _stage = "quiet"
    _head_bytes = 0
    _body_bytes = 0
    _began_s = 0.0
    _came_s = 0.0
    _held_up = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(limits.HTTP_KEEP_ALIVE_S, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._stage == "quiet":
            if self._deadline is not None:
                self._be_patient(None)
        elif self._stage == "body":
            self._wait_for_more(len(data))
        elif self._stage == "head":
            self._head_bytes += len(data)
            if self._head_bytes > limits.HTTP_HEAD_BYTES_MAX and not self.transport.is_closing():
                self.send_400_response("The request's head is too long.")
            elif self._deadline is None:
                self._be_patient(limits.HTTP_HEAD_S)

    def on_message_begin(self) -> None:
        self._stage, self._head_bytes = "head", 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stage = "body"
        self._began_s, self._body_bytes, self._held_up = self.loop.time(), 0, False
        if self._deadline is not None:
            self._be_patient(None)
        super().on_headers_complete()
        self.scope[AT_ONCE] = partial(_answer_at_once, self.cycle)  # type: ignore[literal-required]

    def on_message_complete(self) -> None:
        self._stage = "quiet"
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._stage == "body" and self.cycle.response_complete:
            # Cut off at once, the sender may never see the answer.
            self._stage = "rest"
            self._be_patient(limits.HTTP_REST_S)

    def _wait_for_more(self, came_bytes: int) -> None:
        now_s = self.loop.time()
        if self._held_up:
            self._began_s += now_s - self._came_s
        self._came_s, self._held_up = now_s, self.flow.read_paused
        self._body_bytes += came_bytes
        whole_s = limits.HTTP_BODY_S + self._body_bytes / limits.HTTP_BODY_BYTES_PER_S_MIN
        self._be_patient(min(limits.HTTP_BODY_PAUSE_S, self._began_s + whole_s - now_s))

    def _be_patient(self, delay_s: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if delay_s is None else self.loop.call_later(delay_s, self._lose_patience)

    def _lose_patience(self) -> None:
        if self._stage == "body" and self.flow.read_paused:
            # It is we who do not read.
            self._be_patient(limits.HTTP_BODY_PAUSE_S)
        else:
            self.transport.close()


def _answer_at_once(
    cycle: RequestResponseCycle, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> bool:
    """Write a whole answer. By ASGI's two messages its head and its body would each be a call to the system and a
    packet, which is much of what a reward costs. False, with nothing written, where there is more to do."""
    if cycle.flow.write_paused or not cycle.keep_alive or cycle.scope["method"] == "HEAD":
        return False
    said = [*cycle.default_headers, *headers]
    head = b"".join([STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in said), b"\r\n"])
    if head.count(b"\n") != len(said) + 2:  # uvicorn refuses a header that holds a line of its own
        return False
    if not cycle.disconnected:
        cycle.transport.write(head + body)
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
    return True


HOW: dict[str, Any] = {
    "loop": "uvloop",
    "http": PatientHttp,
    "ws": "none",
    "interface": "asgi3",
    "log_config": None,
    "log_level": "error",
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "backlog": limits.HTTP_BACKLOG,
    "timeout_keep_alive": limits.HTTP_KEEP_ALIVE_S,
    "timeout_graceful_shutdown": limits.REQUESTS_END_S,
    "timeout_worker_healthcheck": limits.CHILD_SILENT_S,
}
"""How uvicorn serves, whatever it serves."""


class NoPort(Exception):
    """A sentence that says why nobody can listen there."""


def serve(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT; requests that are being answered then are answered to their end. Raises NoDatabase
    and NoPort, before any process is started."""
    settings.shared_database_url()
    why = why_not_free(settings.host, settings.port)
    if why:
        raise NoPort(why)
    config = uvicorn.Config(
        "regulars.serving:application",
        factory=True,
        lifespan="on",
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        **HOW,
    )
    if settings.workers > 1:
        with tempfile.TemporaryDirectory(prefix="regulars-meters-") as shared:
            os.environ[SHARED_BY] = shared
            _load(settings)
            processes = _Processes(config)
            processes.run()
            # Whoever started us starts us again, but after a good end.
            sys.exit(max(process.exitcode == STARTUP_FAILURE for process in processes.processes))
    # uvicorn repeats the signal that ended it, for whoever was there before; with us that is a good end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()


def _load(settings: Settings) -> None:
    """What takes long of a start, and is the same for all that answer: they are forked after it."""
    from regulars import dashboard
    from regulars.api import app

    dashboard.prepare(settings.data_dir)
    app.routed(development=settings.log_level == "debug")
    spare_collector()


class _Processes(Multiprocess):
    """uvicorn's processes, each listening on a socket of its own, among which Linux shares the connections out evenly:
    from one socket of all, whichever process is quickest takes most, and shops keep their connections for long.

    They are forks of this one, which has loaded everything and opened nothing: they are there at once, and share what
    was loaded. uvicorn would have each load it anew."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config, [])
        multiprocess.get_subprocess = self._forked  # type: ignore[attr-defined, assignment]

    def _forked(self, _: uvicorn.Config, target: Callable[..., None], sockets: list[socket.socket]) -> Any:
        return multiprocessing.get_context("fork").Process(target=self._begin, args=(target, sockets))

    def _begin(self, target: Callable[..., None], sockets: list[socket.socket]) -> None:
        for number in multiprocess.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        parent = multiprocessing.parent_process()
        assert parent is not None
        # uvicorn ends its processes when it is told to, but cannot when it is killed; an orphan would keep the port.
        follow_parent(signal.SIGKILL, parent.pid)
        if self.signal_queue:  # whatever came before the signals were ours was meant for this process
            return
        try:
            target(sockets=sockets)
        except SystemExit as end:
            if end.code != STARTUP_FAILURE or len(self.processes) < self.processes_num:
                raise
            # One that takes the place of another finds the database away. uvicorn would end those that answer, too,
            # and they will answer when it is back; of any other end it starts one again.
            time.sleep(limits.CHILD_RESTART_FIRST_S)
            sys.exit(1)

    @property
    def sockets(self) -> list[socket.socket]:
        """New ones for each process that is started; ours close with the description of the process."""
        family = socket.getaddrinfo(self.config.host, self.config.port, type=socket.SOCK_STREAM)[0][0]
        own = socket.socket(family, socket.SOCK_STREAM)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        own.bind((self.config.host, self.config.port))
        own.set_inheritable(True)
        return [own]

    @sockets.setter
    def sockets(self, _: list[socket.socket]) -> None:
        pass


def application() -> Any:
    """Made in each process that answers."""
    from regulars import dashboard
    from regulars.api.app import create_app
    from regulars.kit import logs

    settings = Settings()
    logs.configure(settings.log_level)
    dashboard.prepare(settings.data_dir)
    app = create_app()
    spare_collector()
    return app
