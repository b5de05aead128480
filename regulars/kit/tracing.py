"""Traces, in the words of OpenTelemetry, from a call to the tools' answers. Off unless the environment names where they
go; then nothing is imported, and no span is made.

    request at a door --> commit: its child; of several requests, a trace of its own that links to each
         `--(kept with each event that it made, as a `traceparent`)--> an attempt: its child, however late
                                                                  `--> fan-out: a trace of its own that links to each

What a span tells is of the product, not of people: routes without ids, workspace, tool, topic, status. Who is handed a
`traceparent` has one that is recorded; of what is not, nothing is handed on or kept.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import time_ns
from typing import TYPE_CHECKING, Any, Literal

import structlog

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_log = structlog.get_logger()
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

Kind = Literal["SERVER", "CLIENT", "CONSUMER", "INTERNAL"]
Value = str | int


class _Otel:
    """What is imported of OpenTelemetry, and where spans go. All of it is set by OpenTelemetry's own variables."""

    def __init__(self) -> None:
        from opentelemetry import trace
        from opentelemetry.context import Context
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        named = {"service.name": "regulars", **OTELResourceDetector().detect().attributes}
        self.provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self.provider.get_tracer("regulars")
        self._read, self._nothing, self._api = TraceContextTextMapPropagator().extract, Context(), trace

    def start(
        self, name: str, kind: Kind, parent: str | None, links: Iterable[str] = (), began_ns: int | None = None
    ) -> Span:
        return self._tracer.start_span(
            name,
            self._context(parent),
            self._api.SpanKind[kind],
            None,
            [self._api.Link(self._api.get_current_span(self._context(one)).get_span_context()) for one in links],
            began_ns,
        )

    def fail(self, span: Span, kind: str) -> None:
        span.set_attribute("error.type", kind)
        span.set_status(self._api.StatusCode.ERROR)

    def _context(self, traceparent: str | None) -> Any:
        return self._read({"traceparent": traceparent}, self._nothing) if traceparent else self._nothing


_otel: _Otel | None = None
_under: ContextVar[Request | str | None] = ContextVar("under", default=None)
_whose: ContextVar[dict[object, str] | None] = ContextVar("whose", default=None)


def begin() -> None:
    """In a process that will make spans, before its first one."""
    global _otel
    wanted = any(os.environ.get(name) for name in _ENDPOINTS) and os.environ.get("OTEL_TRACES_EXPORTER") != "none"
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    try:
        _otel = _Otel()
    except ImportError as missing:
        _log.warning("no_traces", why=str(missing), remedy="pip install 'regulars[traces]'")


async def end() -> None:
    """What was not sent yet is, if it is taken soon."""
    global _otel
    ended, _otel = _otel, None
    if ended is not None:
        await asyncio.to_thread(ended.provider.shutdown)


def on() -> bool:
    return _otel is not None


def here() -> str | None:
    """Of what is under way in this task."""
    under = _under.get() if _otel is not None else None
    return under.traceparent() if isinstance(under, Request) else under


class Request:
    """A request at a door, whose span begins with it, but is made once it is known whether it may name its parent: what
    a stranger sends becomes no part of a trace."""

    def __init__(self, otel: _Otel, method: str, said: str) -> None:
        self._otel, self._method, self._said, self._began_ns = otel, method, said, time_ns()
        self._span: Span | None = None
        self.route = ""

    def span(self, *, trusted: bool = False) -> Span:
        if self._span is None:
            parent = self._said if trusted else None
            self._span = self._otel.start(self._method, "SERVER", parent, began_ns=self._began_ns)
            self._span.set_attribute("http.request.method", self._method)
        return self._span

    def traceparent(self) -> str | None:
        return _said(self.span())

    def end(self, status: int, route: str) -> None:
        """`route` is told where the door has not told it."""
        span, route = self.span(), self.route or route
        if route:
            span.update_name(f"{self._method} {route}")
            span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._otel.fail(span, str(status))
        span.end()


@contextmanager
def request(method: str, said: str) -> Iterator[Request]:
    """While traces are on. `said` is its header `traceparent`. To be ended by whoever began it."""
    assert _otel is not None
    one = Request(_otel, method, said)
    before = _under.set(one)
    try:
        yield one
    finally:
        _under.reset(before)


def vouch(workspace_id: object, *, trusted: bool) -> None:
    """The caller of this request is known. `trusted`: by a key that a stranger can't have."""
    under = _under.get() if _otel is not None else None
    if isinstance(under, Request):
        under.span(trusted=trusted).set_attribute("regulars.workspace_id", str(workspace_id))


def route(label: str) -> None:
    """This request came to it: a method and a path template."""
    under = _under.get() if _otel is not None else None
    if isinstance(under, Request):
        under.route = label.partition(" ")[2]


class Made:
    """A span that is being made; without traces, nothing."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span
        self.traceparent = _said(span) if span is not None else None

    def tell(self, attributes: Mapping[str, Value], failed: str = "") -> None:
        """`failed` is the kind of error."""
        if self._span is None or _otel is None:
            return
        self._span.set_attributes(attributes)
        if failed:
            _otel.fail(self._span, failed)


_NOTHING = Made()


@contextmanager
def span(name: str, kind: Kind, parent: str | None = None, links: Iterable[str] = ()) -> Iterator[Made]:
    """Only of what has a parent or links: what no traced request led to is not traced."""
    linked = list(dict.fromkeys(links))
    if _otel is None or not (parent or linked):
        yield _NOTHING
        return
    otel = _otel
    made = otel.start(name, kind, parent, linked)
    try:
        yield Made(made)
    except BaseException as error:
        otel.fail(made, type(error).__name__)
        raise
    finally:
        made.end()


@contextmanager
def shared(name: str, whose: Iterable[tuple[object, str | None]]) -> Iterator[None]:
    """An act for several requests at once. `whose` are the customers that they are about and their traceparents; of two
    about one customer the first counts. What is about nobody of them is of the act."""
    if _otel is None:
        yield
        return
    known = [(customer, said) for customer, said in whose if said]
    of = list(dict.fromkeys(said for _, said in known))
    alone = of[0] if len(of) == 1 else None
    with span(name, "INTERNAL", alone, () if alone else of) as made:
        under, by = _under.set(alone or made.traceparent), _whose.set(dict(reversed(known)))
        try:
            yield
        finally:
            _under.reset(under)
            _whose.reset(by)


def known_as(names: Iterable[tuple[object, object]]) -> None:
    """Of the customers that `shared` is about, another name of each."""
    by = _whose.get() if _otel is not None else None
    if by is not None:
        by.update([(other, by[name]) for name, other in names if name in by])


def about(customer_id: object) -> str | None:
    """The request about this customer, or else what is under way."""
    if _otel is None:
        return None
    return (_whose.get() or {}).get(customer_id) or here()


def _said(made: Span) -> str | None:
    at = made.get_span_context()
    sampled = at.trace_flags.sampled
    return f"00-{at.trace_id:032x}-{at.span_id:016x}-01" if sampled else None
