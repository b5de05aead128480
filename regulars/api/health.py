"""Whether this process lives, whether it can work, and what it has counted."""

import asyncio
from contextlib import suppress
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import route

from regulars import limits, retention
from regulars.api.meters import Meters
from regulars.kit import Unauthenticated
from regulars.kit.db import UNREACHABLE
from regulars.kit.secrets import same
from regulars.wiring import App, part

# Balancers ask by HEAD.
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


Http = Request[Any, Any, Any]


@route("/healthz", http_method=_METHODS, media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
def _alive() -> str:
    return "ok\n"


@route("/readyz", http_method=_METHODS, media_type=MediaType.TEXT, include_in_schema=False)
async def _ready(request: Http) -> Response[str]:
    """503 while the database does not answer, so that a balancer sends nobody here."""
    try:
        async with asyncio.timeout(limits.READY_CHECK_S), part(request.scope, App).db.reading() as tx:
            await tx.fetchval("SELECT 1")
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering, the answer is no
        return Response("the database does not answer\n", status_code=503, media_type=MediaType.TEXT)
    return Response("ok\n", media_type=MediaType.TEXT)


@get("/metrics", include_in_schema=False)
async def _metrics(request: Http) -> Response[bytes]:
    """Where nobody decided who may read them, only this machine may; others don't learn that there are any."""
    app, meters = part(request.scope, App), part(request.scope, Meters)
    token = app.settings.metrics_token
    if token is None:
        if not app.settings.on_this_machine_alone() or "x-forwarded-for" in request.headers:
            raise NotFoundException
    elif not same(f"Bearer {token.get_secret_value()}", request.headers.get("authorization", "")):
        raise Unauthenticated("Metrics are read with `Authorization: Bearer` and REGULARS_METRICS_TOKEN.")
    with suppress(*UNREACHABLE):
        async with app.db.reading() as tx:
            meters.note_held(await retention.held(tx, app.clock.now()))
    return Response(meters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


HANDLERS = [_alive, _ready, _metrics]
