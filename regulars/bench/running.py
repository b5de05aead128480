"""The whole run, one measurement after another, and what `regulars bench` does: run it, say on standard error how far
it is, print the figures."""

import sys
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from rich.console import Console

from regulars.bench import book, coupons, deliveries, figures, holds, hooks, lanes, members, orders, postgres, rewards
from regulars.bench.automations import measure as measure_automations
from regulars.bench.campaigns import measure as measure_campaigns
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row
from regulars.bench.plan import BIG, FULL, Plan
from regulars.bench.segments import measure as measure_segments
from regulars.bench.stage import Say, Stage, staged
from regulars.kit.processes import run_until_told
from regulars.kit.settings import Settings

PARTS: Mapping[str, Callable[[Stage], Awaitable[list[Row]]]] = {
    "rewards": rewards.measure,
    "deliveries": deliveries.measure,
    "endpoints": lanes.measure_endpoints,
    "rules": lanes.measure_rules,
    "alone": lanes.measure_alone,
    "orders": orders.measure,
    "backtest": orders.measure_backtest,
    "cases": rewards.hard_cases,
    "holds": holds.measure,
    "coupons": coupons.measure,
    "hooks": hooks.measure,
    "book": book.measure,
    "members": members.measure,
    "segments": measure_segments,
    "automations": measure_automations,
    "campaigns": measure_campaigns,
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


def command(settings: Settings, *, as_json: bool, only: str = "", big: bool = False) -> None:
    """Raises BenchFailed, EmbeddedError, MigrationError."""
    plan = msgspec.structs.replace(BIG if big else FULL, only=only)
    printed(run(settings, say=said, plan=plan), as_json=as_json)


def printed(measuring: Awaitable[list[Row]], *, as_json: bool = False) -> None:
    """Told to stop (Ctrl-C, SIGTERM), it cleans up and exits with 130."""
    rows: list[Row] = []

    async def measure() -> None:
        rows.extend(await measuring)

    run_until_told(measure())
    if not rows:
        sys.exit(130)
    if as_json:
        sys.stdout.write(f"{figures.as_json(rows)}\n")
    else:
        Console().print(figures.table(rows))


def said(line: str) -> None:
    sys.stderr.write(f"bench: {line}\n")
    sys.stderr.flush()
