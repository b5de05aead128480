"""Whether this process lives, whether it can work, whether the work of all shops keeps up, and what was counted."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import route
from prometheus_client.core import GaugeMetricFamily

from regulars import delivery, events, limits, retention, tenancy
from regulars.api.meters import Meters
from regulars.kit import Record, Unauthenticated, presence
from regulars.kit.db import UNREACHABLE
from regulars.kit.secrets import same
from regulars.wiring import App, part

# Balancers ask by HEAD.
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


Http = Request[Any, Any, Any]


class Measured(msgspec.Struct, frozen=True):
    """How things stood `at` that moment. `waiting`, by reader, since when; `held` are months that should be gone."""

    at: datetime
    loops: Mapping[str, datetime]
    waiting: Mapping[str, datetime]
    lanes: Sequence[Record]
    held: Mapping[str, int]

    def age_s(self, since: datetime | None) -> float:
        """0 for what is not due yet, and for nothing."""
        return max(0.0, (self.at - since).total_seconds()) if since else 0.0

    def wrong(self) -> Iterator[str]:
        """What an operator has to look after, a sentence each."""
        still = {name: at for name, at in self.loops.items() if self.age_s(at) > limits.LOOP_STILL_S}
        if len(still) == len(self.loops):
            yield f"No worker has been heard of{_since(max(still.values(), default=None))}: is `regulars work` running?"
        else:
            yield from (
                f"The loop {name} has come to no good end{_since(at)}: see the worker's log."
                for name, at in still.items()
            )
        for reader, at in self.waiting.items():
            if self.age_s(at) > limits.LOOP_STILL_S:
                yield f"An event waits for {reader}{_since(at)}."
        for lane in self.lanes:
            if self.age_s(lane["oldest_due_at"]) > limits.DUE_LATE_S:
                yield f"A delivery to {lane['tool']} has been due{_since(lane['oldest_due_at'])}."

    def families(self) -> Iterator[GaugeMetricFamily]:
        def family(name: str, words: str, *labels: str) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"regulars_{name}", words, labels=labels)

        held = family("partitions_held", "Months of a table that no shop keeps and that could not be dropped.", "table")
        turned = family("loop_age_seconds", "Since a loop last came to a good end of a round, in any worker.", "loop")
        waits = family("event_age_seconds", "For how long the oldest event waits that a reader has not read.", "reader")
        due = family("due_age_seconds", "For how long the oldest delivery is due, of lanes not paused.", "tool")
        held_up = family("lanes_held_up", "Lanes that this version can't send from; their pages say why.", "tool")
        made = family("attempts", "What became of attempts, in the five minutes counted last.", "tool", "outcome")
        for table, months in self.held.items():
            held.add_metric([table], months)
        for loop, at in self.loops.items():
            turned.add_metric([loop], self.age_s(at))
        for reader, since in self.waiting.items():
            waits.add_metric([reader], self.age_s(since))
        for lane in self.lanes:
            due.add_metric([lane["tool"]], self.age_s(lane["oldest_due_at"]))
            held_up.add_metric([lane["tool"]], lane["held_up"])
            for outcome in ("delivered", "retried", "failed"):
                made.add_metric([lane["tool"], outcome], lane[outcome])
        yield from (held, turned, waits, due, held_up, made)


def _since(at: datetime | None) -> str:
    return f" since {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


class Health:
    """Measured at most once in HEALTH_FRESH_S, however often strangers ask."""

    def __init__(self, app: App) -> None:
        self._app, self._turn = app, asyncio.Lock()
        self._measured: Measured | None = None

    async def measured(self) -> Measured:
        """Raises what the database does."""
        async with self._turn:
            now, known = self._app.clock.now(), self._measured
            if known is None or abs(now - known.at) >= timedelta(seconds=limits.HEALTH_FRESH_S):
                known = self._measured = await self._measure(now)
            return known

    async def _measure(self, now: datetime) -> Measured:
        async with self._app.db.reading() as tx:
            shops = await tenancy.list_workspaces(tx)
            waiting = await events.oldest_waiting(tx)
            lanes = await delivery.keeping_up(tx, [shop.id for shop in shops if not shop.events_on], now)
            return Measured(now, await presence.loops(tx), waiting, lanes, await retention.held(tx, now))


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
        return _said(["the database does not answer"])
    return _said([])


@route("/health", http_method=_METHODS, media_type=MediaType.TEXT, include_in_schema=False)
async def _healthy(request: Http) -> Response[str]:
    """503 while somebody has to look after it, with what is wrong, a line each."""
    try:
        async with asyncio.timeout(limits.DB_STATEMENT_TIMEOUT_S):
            return _said([*(await part(request.scope, Health).measured()).wrong()])
    except UNREACHABLE:
        return _said(["The database does not answer."])


def _said(wrong: Sequence[str]) -> Response[str]:
    text = "".join(f"{words}\n" for words in wrong or ["ok"])
    return Response(text, status_code=503 if wrong else 200, media_type=MediaType.TEXT)


@get("/metrics", include_in_schema=False)
async def _metrics(request: Http) -> Response[bytes]:
    """Where nobody decided who may read them, only this machine may; others don't learn that there are any."""
    app, measured = part(request.scope, App), list[GaugeMetricFamily]()
    token = app.settings.metrics_token
    if token is None:
        if not app.settings.on_this_machine_alone() or "x-forwarded-for" in request.headers:
            raise NotFoundException
    elif not same(f"Bearer {token.get_secret_value()}", request.headers.get("authorization", "")):
        raise Unauthenticated("Metrics are read with `Authorization: Bearer` and REGULARS_METRICS_TOKEN.")
    with suppress(*UNREACHABLE):
        measured = [*(await part(request.scope, Health).measured()).families()]
    text = part(request.scope, Meters).text(measured)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


HANDLERS = [_alive, _ready, _healthy, _metrics]
