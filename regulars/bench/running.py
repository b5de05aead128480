"""The whole run, one measurement after another."""

import time
from collections.abc import Awaitable, Callable, Mapping

from regulars.bench import backtest, book, deliveries, holds, hooks, orders, postgres, rewards
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row
from regulars.bench.plan import FULL, Plan
from regulars.bench.stage import Say, Stage, staged
from regulars.kit.settings import Settings

PARTS: Mapping[str, Callable[[Stage], Awaitable[list[Row]]]] = {
    "rewards": rewards.measure,
    "deliveries": deliveries.measure,
    "orders": orders.measure,
    "backtest": backtest.measure,
    "cases": rewards.hard_cases,
    "holds": holds.measure,
    "hooks": hooks.measure,
    "book": book.measure,
}


async def run(settings: Settings, *, say: Say, plan: Plan = FULL) -> list[Row]:
    """Every figure, or those of one part. `say` is told what is being done.

    Raises BenchFailed, and EmbeddedError or MigrationError when there is no database to measure on.
    """
    if plan.only and plan.only not in PARTS:
        raise BenchFailed(f"there is no part named {plan.only}: expected one of {', '.join(PARTS)}")
    began = time.monotonic()
    say("starting PostgreSQL and the product")
    rows: list[Row] = []
    async with staged(settings, plan, say) as stage:
        async with stage.serving():
            for name in [plan.only] if plan.only else PARTS:
                rows += await PARTS[name](stage)
                stage.server.ended(name)
                stage.worker.ended(name)
                await postgres.settle(stage.url)
        rows += [*stage.server.rows(), *stage.worker.rows()]
    say(f"measured in {time.monotonic() - began:.0f} s")
    return rows
