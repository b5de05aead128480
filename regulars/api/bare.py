"""An ASGI application of its own for a route that is called so often that the web framework would cost too much."""

import time
from abc import ABC, abstractmethod

from litestar.types import Receive, Scope, Send

from regulars.api.failures import Failure, failure_of
from regulars.api.meters import Meters
from regulars.api.operations import Api
from regulars.api.serving import CORS, SAFE, bug
from regulars.kit.errors import Refusal
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
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _said(self, failed: Failure) -> Answer:
        headers = [(b"content-type", failed.media_type.encode()), *(CORS_HEADERS if self.api else ()), *SAFE_HEADERS]
        headers += [(name.encode(), value.encode()) for name, value in failed.headers.items()]
        return failed.status, headers, failed.body
