"""The comparisons that PostgreSQL's own programs make: pgbench, and COPY by psql."""

import re

from regulars import embedded
from regulars.bench.children import BenchFailed, finished
from regulars.bench.plan import Plan

_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_TIME_MS = re.compile(r"^Time: ([0-9.]+) ms", re.MULTILINE)
_SLACK_S = 120.0


async def fill(url: str, plan: Plan) -> None:
    """pgbench's tables, at the plan's scale."""
    await _finished("pgbench", url, _SLACK_S, "--initialize", "--quiet", f"--scale={plan.pgbench_scale}")


async def settle(url: str) -> None:
    """Do now what the server would do by itself some time in the next measurement: vacuum, analyse, checkpoint."""
    await last_statement_s(url, "VACUUM (ANALYZE)", "CHECKPOINT")


async def transactions_per_s(url: str, plan: Plan, *options: str) -> float:
    """By pgbench with prepared statements, after a warm-up. `-N` leaves out the updates that all clients fight for."""
    options = ("-M", "prepared", *options, "-c", str(plan.pgbench_clients))
    printed = ""
    for seconds in filter(None, (plan.warm_up_s, plan.measure_s)):
        printed = await _finished("pgbench", url, seconds + _SLACK_S, *options, "-T", str(seconds))
    found = _TPS.search(printed)
    if found is None:
        raise BenchFailed(f"pgbench said no rate: {printed}")
    return float(found[1])


async def last_statement_s(url: str, *statements: str) -> float:
    """Run each by psql; how long the last one took, its commit included."""
    options = ["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-c", r"\timing on"]
    for statement in statements:
        options += ["-c", statement]
    times = _TIME_MS.findall(await _finished("psql", url, _SLACK_S, *options))
    return float(times[-1]) / 1_000


async def _finished(program: str, url: str, within_s: float, *options: str) -> str:
    command, environment = embedded.program(program, url)
    return await finished([*command, *options], environment=environment, within_s=within_s)
