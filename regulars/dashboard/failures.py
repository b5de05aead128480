"""What a visitor sees when something did not go as asked: what happened, what was kept, what to do."""

import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from jinja2 import Environment
from litestar import Response
from litestar.exceptions import HTTPException

from regulars.dashboard import security
from regulars.dashboard.desk import Call, Desk, drawn
from regulars.dashboard.rendering import environment
from regulars.kit import Refusal, TooMany, Unauthenticated, new_id
from regulars.kit.db import FULL, RACED, UNREACHABLE

_log = structlog.get_logger()

_TITLES = {
    401: "Sign in first",
    403: "This is not allowed",
    404: "There is nothing here",
    409: "This was changed meanwhile",
    413: "This is too large",
    422: "This could not be done",
    429: "Too many attempts",
}

_WORDS_404 = "The address may be mistyped, or what it led to is gone."

_WORDS_503 = "Nothing was changed. This page works again as soon as the database does; try in a moment."

_WORDS_FULL = "Nothing was changed. Whoever runs this server has to make room; then this page works again."

Handler = Callable[[Call, Any], Response[str]]


def handlers(templates: Environment, *, home: bool = True) -> dict[int | type[Exception], Handler]:
    """For the dashboard's router, and for pages of customers, who have no `home` here. An address at which the whole
    application has nothing is for `lost`."""

    def show(request: Call, status: int, title: str, words: str, reference: str = "") -> Response[str]:
        return _shown(templates, request, status, title, words, reference, home)

    def refused(request: Call, refusal: Refusal) -> Response[str]:
        if isinstance(refusal, Unauthenticated):
            return to_sign_in(request)
        page = show(request, refusal.status, _TITLES.get(refusal.status, _TITLES[422]), refusal.message)
        return with_wait(page, refusal)

    def answered(request: Call, failure: HTTPException) -> Response[str]:
        status = failure.status_code
        said = _WORDS_404 if status == 404 else str(failure.detail)
        return show(request, status, _TITLES.get(status, HTTPStatus(status).phrase), said)

    def broke(request: Call, failure: Exception) -> Response[str]:
        if isinstance(failure, FULL):
            return show(request, 503, "The database's disk is full", _WORDS_FULL)
        if isinstance(failure, UNREACHABLE):
            return show(request, 503, "The database can't be reached", _WORDS_503)
        if isinstance(failure, RACED):
            return show(request, 409, _TITLES[409], "Somebody did the same at this moment. Look, then try again.")
        reference = new_id().hex[-12:]
        what = f"{request.method} {request.scope['path']}"
        _log.error("broken", reference=reference, request=what, exc_info=failure)
        words = "A fault on our side, not yours. What you were about to change was not changed."
        return show(request, 500, "Something broke", words, reference)

    return {Refusal: refused, HTTPException: answered, Exception: broke}


def lost(request: Call, status: int) -> Response[str]:
    """The page for an address at which the whole application has nothing (or not by that method)."""
    title = _TITLES[404] if status == 404 else HTTPStatus(status).phrase
    return _shown(environment(development=False), request, status, title, _WORDS_404)


def _shown(
    templates: Environment, request: Call, status: int, title: str, words: str, reference: str = "", home: bool = True
) -> Response[str]:
    desk = getattr(request.state, "desk", None)
    context: dict[str, Any] = {"title": title, "words": words, "reference": reference, "code": status}
    if isinstance(desk, Desk):
        response = desk.page("pages/failure.html", **context, status=status)
    else:
        response = drawn(templates, "pages/failure_outside.html", request, **context, home=home, status=status)
    for header in security.HEADERS:
        response.headers.setdefault(header.name, str(header.value))
    return response


def with_wait(response: Response[str], refusal: Refusal) -> Response[str]:
    """What the page says in words, for programs."""
    if isinstance(refusal, TooMany):
        response.headers["retry-after"] = str(max(1, math.ceil(refusal.retry_after_s)))
    return response


def to_sign_in(request: Call) -> Response[str]:
    """To the sign-in page, and back here afterwards when this was a page and not a form."""
    query = request.scope["query_string"].decode("latin-1")
    back = request.scope["path"] + (f"?{query}" if query else "")
    params = "" if request.method != "GET" or back == "/" else "?" + urlencode({"to": back})
    address = "/sign-in" + params
    if request.headers.get("hx-request"):
        return Response("", status_code=204, headers={"hx-redirect": address})
    return Response("", status_code=303, headers={"location": address})
