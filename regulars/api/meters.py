"""How many requests were answered, with what, and how fast, in the format of Prometheus.

Where several processes answer, each keeps its counts in files of one folder (`SHARED_BY`), and whichever is asked adds
up those of all.
"""

import os
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from regulars.api import SHARED_BY
from regulars.kit import tracing

_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Meters:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._took = Histogram(
            "regulars_http_request_seconds",
            "Requests answered and how long they took, by route and status.",
            ["route", "status"],
            buckets=_BOUNDS_S,
            registry=self._registry,
        )
        self._known: dict[tuple[str, int], Histogram] = {}

    def count(self, route: str, status: int, took_s: float) -> None:
        """`route` is a method and a path template, so that ids in addresses do not make new series."""
        tracing.route(route)
        known = self._known.get((route, status))
        if known is None:
            known = self._known[route, status] = self._took.labels(route, str(status))
        known.observe(took_s)

    def text(self, measured: Iterable[Metric]) -> bytes:
        """With what was measured just now, which is the same whichever process is asked."""
        registry, now = self._registry, CollectorRegistry()
        now.register(_Measured(measured))
        if SHARED_BY in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(now)


class _Measured(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
