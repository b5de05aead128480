"""The documents of the APIs for people, under /api/docs. Nothing comes from elsewhere, so they work offline."""

import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from regulars import dashboard, events
from regulars.api.codes import TEMPLATES
from regulars.api.documents import openapi
from regulars.api.operations import Api

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


_DRAWN_HERE = {
    **_HEADERS,
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
"""For the pages that a script draws: ours, from this server, which may call this server."""


def handlers(apis: Sequence[Api]) -> list[HTTPRouteHandler]:
    def page(name: str, **about: Any) -> Callable[[], str]:
        return partial(TEMPLATES.get_template(name).render, about)

    front = page("index.html", apis=apis, topics=len(events.TOPICS))
    served: list[tuple[str, Callable[[], Any], Callable[[Any], Response[Any]]]] = [
        ("", front, _html),
        ("/events", events.asyncapi_page, _html),
        ("/openapi.json", partial(openapi, apis), _json),
        ("/asyncapi.json", events.asyncapi, _json),
    ]
    for api in apis:
        served.append((f"/{api.name}", page("api.html", api=api, asset=dashboard.asset), _drawn))
        served.append((f"/{api.name}.json", partial(openapi, [api]), _json))
    return [_handler(f"/api/docs{path}", cache(say), how) for path, say, how in served]


def _handler(path: str, say: Callable[[], Any], how: Callable[[Any], Response[Any]]) -> HTTPRouteHandler:
    @get(path, include_in_schema=False, sync_to_thread=False, name=path)
    def served() -> Response[Any]:
        return how(say())

    return served


def _html(text: str, headers: dict[str, str] = _HEADERS) -> Response[str]:
    return Response(text, media_type=MediaType.HTML, headers=headers)


def _drawn(text: str) -> Response[str]:
    return _html(text, _DRAWN_HERE)


def _json(document: dict[str, Any]) -> Response[bytes]:
    headers = {**_HEADERS, "access-control-allow-origin": "*"}
    body = json.dumps(document, ensure_ascii=False).encode()
    return Response(body, media_type="application/json", headers=headers)
