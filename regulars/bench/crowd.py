"""Many shops on one server, few of them busy: what an event costs as there are more of them.

Shops are drawn by Zipf's law: the n-th has an n-th of what the first has. Each has a trigger, and a rule that sends
what it gave to one receiver. For each size shops are added to those that are there.
"""

import asyncio
import random
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from regulars import limits, triggers
from regulars.bench.children import BenchFailed
from regulars.bench.deliveries import connect, sinking
from regulars.bench.figures import Row
from regulars.bench.plan import FULL
from regulars.bench.postgres import settle
from regulars.bench.rewards import REWARD, rewarding_shop
from regulars.bench.running import printed, said
from regulars.bench.sink import arrivals
from regulars.bench.stage import Say, Stage, staged
from regulars.bench.turns import customer_id
from regulars.customers import NewCustomer
from regulars.kit.settings import Settings
from regulars.tenancy import Workspace
from regulars.triggers import Fire, Trigger

_CUSTOMERS_EACH = 20
_IDLE_S = 5
_POLL_S = 0.2
_PATIENCE_S = 300.0

Open = tuple[Workspace, Trigger]


async def measure(settings: Settings, shops: int, *, say: Say, events: int = 10_000) -> list[Row]:
    """At a hundredth of the shops, a tenth, and all."""
    opened: list[Open] = []
    rows: list[list[Row]] = []
    async with staged(settings, FULL, say) as stage, sinking(stage) as (sink, url):
        for size in sorted({max(1, shops // 100), max(1, shops // 10), shops}):
            say(f"opening shops, up to {size:,}")
            while len(opened) < size:
                opened.append(await _open(stage, f"Shop {len(opened)}", url))
            await settle(stage.url)
            figures = await _busy(stage, opened, sink, events)
            first = rows[0] if rows else [None] * len(figures)
            rows.append([_row(size, *figure, was) for figure, was in zip(figures, first, strict=True)])
    return [row for of_size in rows for row in of_size]


def _row(shops: int, name: str, value: float, unit: str, first: Row | None) -> Row:
    against, limit = (first.name.rpartition(", ")[2], first.value) if first else ("", None)
    return Row(f"{name}, {shops:,} shops", value, against, limit, unit=unit)


async def _open(stage: Stage, name: str, url: str) -> Open:
    shop, trigger = await rewarding_shop(stage, name, wallets=_CUSTOMERS_EACH)
    await connect(stage, shop, url, REWARD)
    return shop, trigger


async def _busy(stage: Stage, opened: Sequence[Open], sink: Process, events: int) -> list[tuple[str, float, str]]:
    """What an event costs when it is taken in, in batches as the server gathers them, and when it is carried; and what
    the looks of an idle worker do."""
    stage.say(f"{events:,} events in {len(opened):,} shops")
    drawn = random.Random(len(opened))  # noqa: S311 - whose event it is is no secret
    weights = list(accumulate(1 / n for n in range(1, len(opened) + 1)))
    began = time.monotonic()
    for first in range(0, events, limits.GATHER_ITEMS_MAX):
        many = min(limits.GATHER_ITEMS_MAX, events - first)
        of = Counter(drawn.choices(range(len(opened)), cum_weights=weights, k=many))
        for number, fires in of.items():
            shop, trigger = opened[number]
            who = [NewCustomer(customer_id(drawn.randrange(_CUSTOMERS_EACH))) for _ in range(fires)]
            async with stage.app.db.transaction() as tx:
                asked = [Fire(trigger_id=trigger.id, customer=one) for one in who]
                await triggers.fire(tx, shop, asked, stage.app.clock.now(), drawn)
    taken_s = time.monotonic() - began
    async with stage.working():
        carried_s = await _carried(sink, events)
        before = await stage.count("active_ms", opened[0][0].id)
        await asyncio.sleep(_IDLE_S)
        looked_ms = await stage.count("active_ms", opened[0][0].id) - before
    return [
        ("event taken in", taken_s / events * 1e6, "µs"),
        ("event carried", carried_s / events * 1e6, "µs"),
        ("looks of an idle worker", looked_ms / _IDLE_S, "ms/s"),
    ]


async def _carried(sink: Process, events: int) -> float:
    """From the first arrival to the last, in seconds."""
    at_s: list[float] = []
    deadline = time.monotonic() + _PATIENCE_S
    while len(at_s) < events:
        if time.monotonic() > deadline:
            raise BenchFailed(f"of {events:,} events, {len(at_s):,} came to the sink within {_PATIENCE_S:g} s")
        await asyncio.sleep(_POLL_S)
        at_s += (await arrivals(sink)).at_s
    return max(at_s) - min(at_s)


if __name__ == "__main__":
    printed(measure(Settings(), int(sys.argv[1]), say=said))
