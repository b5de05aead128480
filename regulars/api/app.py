"""The application that a server process runs: opened, routed, closed.

request --> POST /api/v2/merchant/activities --> ActivityDoor
       `--> everything else --> Litestar: both APIs, their documents, health, the dashboard
"""

from __future__ import annotations

from typing import Any

from litestar import Litestar, asgi
from litestar.types import ASGIApp, Receive, Scope, Send

from regulars import dashboard, limits
from regulars.api import docs, health
from regulars.api.failing import exception_handlers
from regulars.api.gate import Gate
from regulars.api.management import management
from regulars.api.merchant import merchant
from regulars.api.merchant.activities import PATH as ACTIVITIES
from regulars.api.merchant.activities import ActivityDoor
from regulars.api.meters import Meters
from regulars.api.serving import CORS, Server
from regulars.kit.settings import Settings
from regulars.wiring import App

_PREFLIGHT_HEADERS = [
    *((name.encode(), value.encode()) for name, value in CORS.items()),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE"),
    (
        b"access-control-allow-headers",
        b"content-type, idempotency-key, x-apikey, x-leaddigest, x-leadtoken, x-source, x-timestamp, x-workspaceid",
    ),
    (b"access-control-max-age", b"86400"),
]


class Doors:
    """Every route over one opened `App`: an ASGI application without a lifespan."""

    def __init__(self, app: App) -> None:
        self.meters = Meters()
        gate = Gate(app)
        self.activities = ActivityDoor(app, gate, self.meters)
        self.litestar = Litestar(
            route_handlers=[
                *Server(app, gate, self.meters, merchant).handlers(),
                *Server(app, gate, self.meters, management).handlers(),
                asgi(ACTIVITIES, copy_scope=False)(self.activities),
                *docs.handlers([merchant, management]),
                *health.handlers(app, self.meters),
                *dashboard.routes(app),
            ],
            exception_handlers=exception_handlers([merchant, management]),
            request_max_body_size=limits.BODY_BYTES_MAX,
            openapi_config=None,
            logging_config=None,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == ACTIVITIES and scope["method"] == "POST":  # type: ignore[typeddict-item]
            await self.activities(scope, receive, send)
        elif scope.get("method") == "OPTIONS" and path.startswith(merchant.base):
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT_HEADERS})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self.litestar(scope, receive, send)


class Process:
    """What granian runs: the parts are opened before the first request, and closed after the last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: App | None = None
        self._doors: ASGIApp | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._doors is not None:
            await self._doors(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            self._app = await App.open(self._settings)
        except OSError as error:
            await send({"type": "lifespan.startup.failed", "message": f"the database can't be reached: {error}"})
            return
        self._doors = Doors(self._app)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._app.close()
        await send({"type": "lifespan.shutdown.complete"})


def create_app() -> Process:
    """With the settings of the environment."""
    return Process(Settings())
