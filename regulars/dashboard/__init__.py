"""The dashboard: pages for a shop's owner, drawn on the server.

Promises: every page answers without JavaScript; every change goes through the same room functions as the management
API, carries the token of its session, and is written to the audit log with who made it. A reader sees everything and
changes nothing.

Does not know SQL, and does not decide anything: it parses a form, calls a room, and shows the answer or the refusal.

    `routes()` gives what the application mounts, `asset` the address of a static file, `lost` what it shows
    at an address that nothing answers; `prepare` does once what the first visitors would wait for.
"""

import re

from litestar import Response, Router
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from regulars import tenancy
from regulars.dashboard import failures, landing, security, signing
from regulars.dashboard.desk import Call, Desk
from regulars.dashboard.failures import lost
from regulars.dashboard.forms import read_form
from regulars.dashboard.pages import HANDLERS, STYLEGUIDE
from regulars.dashboard.rendering import STATIC, asset, environment, prepare
from regulars.kit import Forbidden
from regulars.wiring import App, part

# What a reader may do although it is a form.
_OPEN_TO_READERS = frozenset({"/sign-out", "/theme", "/password"})

_STATIC_NAME = re.compile(r"[\w./-]{1,200}", re.ASCII)

_FOR_EVER = CacheControlHeader(public=True, max_age=31_536_000, immutable=True)
"""An address of a static file carries a mark of its content, so it never changes."""


def routes(*, development: bool) -> list[ControllerRouterHandler]:
    """The dashboard's routers: pages, the door, static files. With `development` `/styleguide` too, and changed
    templates are seen at once."""
    templates = environment(development=development)

    async def receive(request: Call) -> Response[str] | None:
        """Before every page: who is this, and was the form ours."""
        app = part(request.scope, App)
        token = security.read_cookie(app.settings, request, security.SESSION_COOKIE)
        async with app.db.reading() as tx:
            who = await tenancy.person_of(tx, token, app.clock.now()) if token else None
            workspace = await tenancy.get_workspace(tx, who.workspace_id) if who else None
        if who is None or workspace is None:
            return failures.to_sign_in(request)
        desk = Desk(app, templates, request, workspace=workspace, who=who, token=token)
        request.state.desk = desk
        if request.method not in security.SAFE_METHODS:
            given = request.headers.get("x-csrf-token") or (await read_form(request)).text("_csrf")
            security.check_form(request, token, given)
            if not who.may_write and request.scope["path"] not in _OPEN_TO_READERS:
                raise Forbidden(
                    "Your role is reader: you can look, but not change. An owner of this workspace can change that."
                )
        return None

    pages = Router(
        path="/",
        route_handlers=[signing.sign_out, signing.change_theme, *HANDLERS, *(STYLEGUIDE if development else ())],
        dependencies={"desk": Provide(_desk, sync_to_thread=False)},
        before_request=receive,
        exception_handlers=failures.handlers(templates),
        response_headers=security.HEADERS,
        include_in_schema=False,
    )
    door = signing.router(templates)
    static = create_static_files_router(
        path="/static",
        directories=[STATIC],
        before_request=_static_name,
        cache_control=None if development else _FOR_EVER,
        include_in_schema=False,
    )
    return [pages, door, landing.router(templates), static]


def _static_name(request: Call) -> None:
    """The file system is not asked for names that no file of ours can have, and that it may answer with a fault."""
    if not _STATIC_NAME.fullmatch(request.scope["path"]):
        raise NotFoundException


def _desk(request: Call) -> Desk:
    """Put there by `receive`, which ran before."""
    desk: Desk = request.state.desk
    return desk
