"""The documents of the APIs for people, under /api/docs. Nothing comes from elsewhere, so they work offline."""

import json
from collections.abc import Sequence
from functools import cache
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
    @cache
    def index() -> str:
        return TEMPLATES.get_template("index.html").render(apis=apis, topics=len(events.TOPICS))

    def drawn(api: Api) -> str:
        return TEMPLATES.get_template("api.html").render(api=api, asset=dashboard.asset)

    @get("/api/docs", include_in_schema=False, sync_to_thread=False)
    def front() -> Response[str]:
        return _html(index())

    @get("/api/docs/events", include_in_schema=False, sync_to_thread=False)
    def about_events() -> Response[str]:
        return _html(events.asyncapi_page())

    @get("/api/docs/openapi.json", include_in_schema=False, sync_to_thread=False)
    def together() -> Response[bytes]:
        return _json(openapi(apis))

    @get("/api/docs/asyncapi.json", include_in_schema=False, sync_to_thread=False)
    def asyncapi() -> Response[bytes]:
        return _json(events.asyncapi())

    return [
        front,
        about_events,
        together,
        asyncapi,
        *(h for api in apis for h in _of(api, cache(lambda a=api: drawn(a)))),
    ]


def _of(api: Api, drawn: Any) -> list[HTTPRouteHandler]:
    @get(f"/api/docs/{api.name}", include_in_schema=False, sync_to_thread=False, name=f"docs.{api.name}")
    def page() -> Response[str]:
        return _html(drawn(), _DRAWN_HERE)

    @get(f"/api/docs/{api.name}.json", include_in_schema=False, sync_to_thread=False, name=f"docs.{api.name}.json")
    def document() -> Response[bytes]:
        return _json(openapi([api]))

    return [page, document]


def _html(text: str, headers: dict[str, str] = _HEADERS) -> Response[str]:
    return Response(text, media_type=MediaType.HTML, headers=headers)


def _json(document: dict[str, Any]) -> Response[bytes]:
    headers = {**_HEADERS, "access-control-allow-origin": "*"}
    body = json.dumps(document, ensure_ascii=False).encode()
    return Response(body, media_type="application/json", headers=headers)
