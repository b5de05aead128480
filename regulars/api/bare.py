"""An ASGI application of its own for a route that is called so often that the web framework would cost too much."""

import re
import time
from abc import ABC, abstractmethod
from typing import Any, cast

import msgspec
from litestar.types import Receive, Scope, Send

from regulars.api import AT_ONCE
from regulars.api.failures import Failure, failure_of
from regulars.api.meters import Meters
from regulars.api.operations import Api, Operation
from regulars.api.serving import CORS, SAFE, Http, Server, bug
from regulars.kit import Refusal
from regulars.wiring import App

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]

SAFE_HEADERS = [(name.encode(), value.encode()) for name, value in SAFE.items()]
CORS_HEADERS = [(name.encode(), value.encode()) for name, value in CORS.items()]


class BareDoor(ABC):
    """Refuses in the words of its `api`, if it belongs to one; requests are counted under its `label`."""

    label: str
    api: Api | None = None

    def __init__(self, app: App, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    @abstractmethod
    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        """Raises Refusal."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_s = time.perf_counter()
        try:
            status, headers, body = await self._answer(scope, receive)
        except Refusal as refusal:
            status, headers, body = self._said(failure_of(refusal, self.api.style if self.api else "problem"))
        except Exception as error:  # noqa: BLE001 - the outermost frame of a request
            status, headers, body = self._said(bug(self.api, self.label, error))
        self._meters.count(self.label, status, time.perf_counter() - started_s)
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        at_once = scope.get(AT_ONCE)
        if at_once and at_once(status, headers, body):  # type: ignore[operator]
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _said(self, failed: Failure) -> Answer:
        headers = [(b"content-type", failed.media_type.encode()), *self._cors(), *SAFE_HEADERS]
        headers += [(name.encode(), value.encode()) for name, value in failed.headers.items()]
        return failed.status, headers, failed.body

    def _cors(self) -> Headers:
        """Pages of other sites call the merchant API."""
        return CORS_HEADERS if self.api and self.api.style == "envelope" else []


class Came:
    """A request that the framework has not in hand: what `Server.serve` asks of one of which many share a commit."""

    def __init__(self, scope: Any, receive: Receive) -> None:
        self.scope = scope
        self.method, self.path_params = scope["method"], scope["path_params"]
        # Of two with one name the first counts.
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in [*scope["headers"]][::-1]}
        self.receive = receive


class OperationDoor(BareDoor):
    """An operation of which many calls share a commit, so that the framework would be much of what a call costs."""

    def __init__(self, server: Server, operation: Operation) -> None:
        super().__init__(server.app, server.meters)
        self.api, self._server, self._operation = server.api, server, operation
        self.label = f"{operation.method} {server.api.base}{operation.path}"
        self._decoder = operation.body and msgspec.json.Decoder(operation.body)
        self._path = re.compile(server.api.base + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.path))

    def takes(self, scope: Scope) -> bool:
        found = self._path.fullmatch(scope["path"]) if scope.get("method") == self._operation.method else None
        if found:
            scope["path_params"] = found.groupdict()
        return found is not None

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        said: dict[str, str] = {}
        reply = await self._server.serve(self._operation, self._decoder, cast("Http", Came(scope, receive)), said)
        if reply.hit:
            said["idempotency-hit"] = "true"
        headers = [(name.encode(), value.encode()) for name, value in said.items()]
        return (
            reply.status,
            [(b"content-type", b"application/json"), *self._cors(), *SAFE_HEADERS, *headers],
            reply.body,
        )
