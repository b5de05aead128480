"""How long and how much is measured."""

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds are those of each single measurement; a round is two of the product and one of each comparison.
    No warm-up is 0. `only` names the one part that is measured, '' for all."""

    only: str = ""
    rounds: int = 2
    measure_s: int = 8
    warm_up_s: int = 2
    turn_s: int = 3
    customers: int = 10_000
    connections: int = 64
    pgbench_scale: int = 20
    pgbench_clients: int = 32
    book_wallets: int = 20_000
    book_txns_each: int = 10
    expiring_wallets: int = 8_000
    hooks: int = 20_000
    backlog_events: int = 40_000
    bare_s: int = 5
    feed_s: int = 10
    endpoints: int = 90
    rules: int = 1_000
    attempts_times: int = 5
    held_s: int = 0
    orders: int = 30_000
    coupons: int = 30_000
    codes: int = 100_000
    members: int = 40_000
    segment_customers: int = 100_000
    live_segments: int = 500
    mails: int = 10_000
    runs: int = 10_000


FULL = Plan()
"""What `regulars bench` measures, in some ten minutes."""

BIG = Plan(
    attempts_times=250,
    held_s=300,
    book_wallets=200_000,
    book_txns_each=50,
    expiring_wallets=200_000,
    members=1_000_000,
    segment_customers=1_000_000,
    mails=200_000,
    runs=100_000,
)
"""The same with ten million attempts in the log, a transaction held open for five minutes, ten million txns in a book,
a million lots that expire, a million customers, 200,000 mails, and 100,000 runs of an automation."""
