"""The whole run, one measurement after another."""

from __future__ import annotations

import time

from regulars.bench import deliveries, orders, postgres, rewards
from regulars.bench.figures import Row
from regulars.bench.plan import FULL, Plan
from regulars.bench.stage import Say, staged
from regulars.kit.settings import Settings


async def run(settings: Settings, *, say: Say, plan: Plan = FULL) -> list[Row]:
    """Every figure. `say` is told what is being done.

    Raises BenchFailed, and EmbeddedError or MigrationError when there is no database to measure on.
    """
    began = time.monotonic()
    say("starting PostgreSQL and the product")
    async with staged(settings, plan, say) as stage:
        async with stage.serving():
            async with stage.working():
                rows = await rewards.measure(stage)
                stage.server.ended("the rewards")
                stage.worker.ended("the rewards")
            await postgres.settle(stage.url)
            rows += await deliveries.measure(stage)
            await postgres.settle(stage.url)
            async with stage.working():
                rows += await orders.measure(stage)
                stage.server.ended("the import")
                stage.worker.ended("the import")
        rows += [*stage.server.rows(), *stage.worker.rows()]
    say(f"measured in {time.monotonic() - began:.0f} s")
    return rows
