"""Signing in and out, and the colours, which need no shop."""

import secrets
from collections.abc import Iterable

from jinja2 import Environment
from litestar import Response, Router, get, post

from regulars import limits, tenancy
from regulars.dashboard import attempts, failures, security
from regulars.dashboard.attempts import Count
from regulars.dashboard.desk import Call, Handed, drawn
from regulars.dashboard.forms import Form, query_of, read_form
from regulars.kit import Refusal, Unauthenticated
from regulars.tenancy import Known
from regulars.tenancy.staff import Session
from regulars.wiring import App, part


def router(templates: Environment) -> Router:
    def door(request: Call, form: Form, status: int = 200) -> Response[str]:
        """The form's token rests on a cookie of its own, since nobody is signed in yet."""
        app = part(request.scope, App)
        secret = security.read_cookie(app.settings, request, security.DOOR_COOKIE) or secrets.token_urlsafe(24)
        context = {"form": form, "csrf_token": security.csrf_token(secret)}
        response = drawn(templates, "pages/sign_in.html", request, status, **context)
        response.set_cookie(security.cookie(app.settings, request, security.DOOR_COOKIE, secret, max_age_s=None))
        return response

    @get("/sign-in", include_in_schema=False)
    async def sign_in_page(request: Call) -> Response[str]:
        app = part(request.scope, App)
        token = security.read_cookie(app.settings, request, security.SESSION_COOKIE)
        if token:
            async with app.db.reading() as tx:
                if await tenancy.person_of(tx, token, app.clock.now()):
                    return Response("", status_code=303, headers={"location": "/"})
        return door(request, Form(values={"to": query_of(request).get("to", "")}))

    @post("/sign-in", include_in_schema=False, request_max_body_size=limits.SIGN_IN_BODY_BYTES_MAX)
    async def sign_in(request: Call) -> Response[str]:
        app = part(request.scope, App)
        form = await read_form(request)
        email, password = form.text("email").lower(), str(form.values.get("password", ""))
        try:
            secret = security.read_cookie(app.settings, request, security.DOOR_COOKIE)
            security.check_form(request, secret, form.text("_csrf"))
            async with app.db.reading() as tx:
                known = await tenancy.known_by_email(tx, email)
            session = await _signed_in(app, attempts.at_sign_in(app, request, email, known), password)
        except Refusal as refusal:
            return failures.with_wait(door(request, form.refused(refusal), refusal.status), refusal)
        response = Response("", status_code=303, headers={"location": security.location(_inside(form.text("to")))})
        response.set_cookie(security.session_cookie(app.settings, request, session.token))
        response.set_cookie(attempts.known_browser(app, request, session.person))
        return response

    return Router(
        path="/",
        route_handlers=[sign_in_page, sign_in],
        exception_handlers=failures.handlers(templates),
        response_headers=security.HEADERS,
    )


async def _signed_in(app: App, tried: Iterable[tuple[list[Count], list[Known]]], password: str) -> Session:
    """Raises TooMany, Unauthenticated."""
    refused = Unauthenticated()
    for counts, known in tried:
        try:
            async with attempts.attempt(app, counts, Unauthenticated):
                proven = await tenancy.proven(known, password)
                async with app.db.transaction() as tx:
                    return await tenancy.open_session(tx, proven, app.clock.now())
        except Unauthenticated as error:
            refused = error
    raise refused


@post("/sign-out", include_in_schema=False)
async def sign_out(desk: Handed) -> Response[str]:
    async with desk.app.db.transaction() as tx:
        await tenancy.sign_out(tx, security.read_cookie(desk.app.settings, desk.request, security.SESSION_COOKIE))
    response = desk.see("/sign-in")
    response.set_cookie(security.cookie(desk.app.settings, desk.request, security.SESSION_COOKIE, "", max_age_s=0))
    return response


@post("/theme", include_in_schema=False)
async def change_theme(desk: Handed) -> Response[str]:
    theme = (await desk.form()).text("theme")
    origin = desk.request.headers.get("referer", "")
    response = desk.see(_inside("/" + origin.partition("://")[2].partition("/")[2]))
    kept, for_s = (theme, 31_536_000) if theme in ("light", "dark") else ("", 0)
    cookie = security.cookie(desk.app.settings, desk.request, security.THEME_COOKIE, kept, max_age_s=for_s)
    response.set_cookie(cookie)
    return response


def _inside(address: str) -> str:
    """An address on this site, whatever was asked for: never another host."""
    ok = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if ok else "/"
