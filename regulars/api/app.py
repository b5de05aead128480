"""The application that a server process runs: opened, routed, closed.

request --> POST /api/v2/merchant/activities --> ActivityDoor
       |--> /hooks/... --> HookDoor, ReportDoor
       |--> operations whose calls share a commit --> OperationDoor
       `--> everything else --> Litestar: both APIs, their documents, health, the dashboard
"""

import time
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import structlog
from litestar import Litestar, asgi
from litestar._asgi.routing_trie import traversal
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from regulars import dashboard, limits
from regulars.api import AT_ONCE, checkout, docs, health, hooks, products, reports
from regulars.api.bare import OperationDoor
from regulars.api.checkout import CheckoutDoor
from regulars.api.failing import exception_handlers
from regulars.api.gate import Gate
from regulars.api.management import management
from regulars.api.merchant import merchant
from regulars.api.merchant.activities import PATH as ACTIVITIES
from regulars.api.merchant.activities import ActivityDoor
from regulars.api.meters import Meters
from regulars.api.serving import CORS, SAFE, Server, Servers, handlers
from regulars.kit import tracing
from regulars.kit.settings import Settings
from regulars.storefront import door as storefront
from regulars.storefront import preferences
from regulars.wiring import PARTS, App, part

_log = structlog.get_logger()

_SAFE = [(name.encode(), value.encode()) for name, value in SAFE.items()]

_PREFLIGHT_HEADERS = [
    *((name.encode(), value.encode()) for name, value in CORS.items()),
    *_SAFE,
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE"),
    (
        b"access-control-allow-headers",
        b"content-type, idempotency-key, x-apikey, x-leaddigest, x-leadtoken, x-source, x-timestamp, x-workspaceid",
    ),
    (b"access-control-max-age", b"86400"),
]


_TEXT_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), *_SAFE]


async def _add_safe(message: Message, _: Scope) -> None:
    if message["type"] == "http.response.start":
        headers = list(message["headers"])
        said = {name for name, _ in headers}
        message["headers"] = headers + [header for header in _SAFE if header[0] not in said]


def _forget_addresses(litestar: Litestar) -> None:
    """The framework keeps which handler answered the last 1,024 addresses, and the parameters in them, whoever sent
    them and however long they were. Finding the handler anew costs some microseconds."""
    litestar.asgi_router.handle_routing = litestar.asgi_router.handle_routing.__wrapped__  # type: ignore[assignment]
    traversal.parse_path_params = getattr(traversal.parse_path_params, "__wrapped__", traversal.parse_path_params)


@asgi(ACTIVITIES, copy_scope=False)
async def _activities(scope: Scope, receive: Receive, send: Send) -> None:
    await part(scope, ActivityDoor)(scope, receive, send)


@cache
def routed(*, development: bool) -> Litestar:
    """Every route, once for a process: to read the signatures of some hundreds of handlers takes half a second."""
    litestar = Litestar(
        route_handlers=[
            *handlers(merchant),
            *handlers(management),
            _activities,
            *checkout.HANDLERS,
            *products.HANDLERS,
            *storefront.StorefrontDoor.handlers(),
            *preferences.HANDLERS,
            *docs.handlers([merchant, management]),
            *health.HANDLERS,
            *dashboard.routes(development=development),
        ],
        exception_handlers=exception_handlers([merchant, management]),
        request_max_body_size=limits.BODY_BYTES_MAX,
        before_send=[_add_safe],
        openapi_config=None,
        logging_config=None,
    )
    _forget_addresses(litestar)
    return litestar


class Doors:
    """Every route over one opened `App`: an ASGI application without a lifespan."""

    def __init__(self, app: App) -> None:
        self.meters = Meters()
        gate = Gate(app)
        self.activities = ActivityDoor(app, gate, self.meters)
        self.hooks, self.reports = hooks.HookDoor(app, self.meters), reports.ReportDoor(app, self.meters)
        self.litestar = routed(development=app.settings.log_level == "debug")
        servers = Servers({api.name: Server(app, gate, self.meters, api) for api in (merchant, management)})
        self._together = [
            OperationDoor(server, one) for server in servers.values() for one in server.api.operations if one.together
        ]
        self._parts = {
            App: app,
            Meters: self.meters,
            health.Health: health.Health(app),
            Servers: servers,
            ActivityDoor: self.activities,
            CheckoutDoor: CheckoutDoor(app, self.meters),
            storefront.StorefrontDoor: storefront.StorefrontDoor(app, self.meters),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PARTS] = self._parts  # type: ignore[literal-required]
        path = scope["path"]
        if path == ACTIVITIES and scope["method"] == "POST":  # type: ignore[typeddict-item]
            await self.activities(scope, receive, send)
        elif path.startswith(hooks.PATHS):
            await self.hooks(scope, receive, send)
        elif path.startswith(reports.PATHS):
            await self.reports(scope, receive, send)
        elif scope.get("method") == "OPTIONS" and path.startswith((merchant.base, storefront.BASE)):
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT_HEADERS})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif len(path) > limits.HTTP_PATH_CHARS_MAX:
            await send({"type": "http.response.start", "status": 414, "headers": _TEXT_HEADERS})
            await send({"type": "http.response.body", "body": b"The address is too long.\n", "more_body": False})
        elif door := next((door for door in self._together if door.takes(scope)), None):
            await door(scope, receive, send)
        else:
            await self.litestar(scope, receive, send)


class Noted:
    """What a request is answered with, be it said to `send` or written at once."""

    def __init__(self, scope: Scope, send: Send, status: int) -> None:
        self.status, self._send, self._at_once = status, send, cast("Any", scope.get(AT_ONCE))
        if self._at_once:
            scope[AT_ONCE] = self._write  # type: ignore[literal-required]

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        await self._send(message)

    def _write(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        self.status = status
        return bool(self._at_once(status, headers, body))


def logged(application: ASGIApp) -> ASGIApp:
    """The same application, with a line in the log for each request."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        started_s, noted = time.perf_counter(), Noted(scope, send, 0)
        await application(scope, receive, noted.send)
        took_ms = round((time.perf_counter() - started_s) * 1_000, 2)
        _log.debug("request", method=scope.get("method"), path=scope["path"], status=noted.status, took_ms=took_ms)

    return run


def traced(application: ASGIApp) -> ASGIApp:
    """The same application, with a span for each request."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        said = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        noted = Noted(scope, send, 500)  # of what broke before it was answered
        with tracing.request(str(scope.get("method", "")), said) as request:
            try:
                await application(scope, receive, noted.send)
            finally:
                request.end(noted.status, scope.get("path_template", ""))

    return run


class Process:
    """What uvicorn runs: the parts are opened before the first request, and closed after the last one is answered."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._doors: ASGIApp

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._doors(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            app = await App.open(self._settings)
        except Exception as error:  # noqa: BLE001 - the outermost frame of a process
            await send({"type": "lifespan.startup.failed", "message": f"the database can't be used: {error}"})
            return
        doors: ASGIApp = Doors(app)
        await app.beside(app.db.listen())
        doors = traced(doors) if tracing.on() else doors
        self._doors = logged(doors) if self._settings.log_level == "debug" else doors
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await app.close()
        await send({"type": "lifespan.shutdown.complete"})


def create_app() -> Process:
    """With the settings of the environment."""
    return Process(Settings())
