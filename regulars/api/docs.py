"""The documents of the APIs for people, under /api/docs: pages drawn on the server, without scripts and without
anything from elsewhere, so that they work offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from regulars import events
from regulars.api.documents import openapi
from regulars.api.operations import Api
from regulars.api.pages import Page, page_of

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def handlers(apis: Sequence[Api]) -> list[HTTPRouteHandler]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    @cache
    def index() -> str:
        return environment.get_template("index.html").render(apis=apis, topics=len(events.TOPICS))

    def drawn(api: Api) -> str:
        page: Page = page_of(api, openapi([api]))
        groups = [(tag, list(of)) for tag, of in groupby(page.operations, key=lambda operation: operation.tag)]
        return environment.get_template("api.html").render(page=page, groups=groups, api=api)

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
        return _html(drawn())

    @get(f"/api/docs/{api.name}.json", include_in_schema=False, sync_to_thread=False, name=f"docs.{api.name}.json")
    def document() -> Response[bytes]:
        return _json(openapi([api]))

    return [page, document]


def _html(text: str) -> Response[str]:
    return Response(text, media_type=MediaType.HTML, headers=_HEADERS)


def _json(document: dict[str, Any]) -> Response[bytes]:
    headers = {**_HEADERS, "access-control-allow-origin": "*"}
    body = json.dumps(document, ensure_ascii=False).encode()
    return Response(body, media_type="application/json", headers=headers)
