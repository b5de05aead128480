"""How long and how much is measured."""

from __future__ import annotations

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds are those of each single measurement; a round is two of the product and one of each comparison.
    No warm-up is 0."""

    rounds: int = 2
    measure_s: int = 10
    warm_up_s: int = 2
    customers: int = 10_000
    connections: int = 64
    pgbench_scale: int = 20
    pgbench_clients: int = 32
    backlog_events: int = 40_000
    bare_s: int = 5
    feed_s: int = 10
    orders: int = 30_000


FULL = Plan()
"""What `regulars bench` measures, in less than four minutes."""
