"""How many requests were answered, with what, and how fast: counted cheaply, written out when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class _Route:
    __slots__ = ("buckets", "statuses", "sum_s")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(_BOUNDS_S) + 1)
        self.sum_s = 0.0


class Meters(Collector):
    """The counts of one server process since it started."""

    def __init__(self) -> None:
        self._routes: dict[str, _Route] = {}

    def count(self, route: str, status: int, took_s: float) -> None:
        """`route` is a method and a path template, so that ids in addresses do not make new series."""
        of = self._routes.get(route)
        if of is None:
            of = self._routes[route] = _Route()
        of.statuses[status] = of.statuses.get(status, 0) + 1
        of.buckets[bisect_left(_BOUNDS_S, took_s)] += 1
        of.sum_s += took_s

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        answered = CounterMetricFamily(
            "regulars_http_requests", "Requests answered, by route and status.", labels=["route", "status"]
        )
        took = HistogramMetricFamily(
            "regulars_http_request_seconds", "How long requests took, by route.", labels=["route"]
        )
        for route, of in sorted(self._routes.items()):
            for status, count in sorted(of.statuses.items()):
                answered.add_metric([route, str(status)], count)
            total, buckets = 0, []
            for bound, count in zip((*map(str, _BOUNDS_S), "+Inf"), of.buckets, strict=True):
                total += count
                buckets.append((bound, total))
            took.add_metric([route], buckets, sum_value=of.sum_s)
        yield answered
        yield took
