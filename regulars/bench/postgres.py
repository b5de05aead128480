"""The comparisons that PostgreSQL's own programs make: pgbench, and COPY by psql."""

import os
import re
from urllib.parse import unquote, urlsplit

from regulars import embedded
from regulars.bench.children import BenchFailed, finished
from regulars.bench.plan import Plan

_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_TIME_MS = re.compile(r"^Time: ([0-9.]+) ms", re.MULTILINE)
_SLACK_S = 120.0


async def fill(url: str, plan: Plan) -> None:
    """pgbench's tables, at the plan's scale."""
    command = [str(embedded.binary("pgbench")), "--initialize", "--quiet", "--scale", str(plan.pgbench_scale)]
    await _finished(command, url, _SLACK_S)


async def settle(url: str) -> None:
    """Do now what the server would do by itself some time in the next measurement: vacuum, analyse, checkpoint."""
    await last_statement_s(url, "VACUUM (ANALYZE)", "CHECKPOINT")


async def transactions_per_s(url: str, plan: Plan, *options: str) -> float:
    """By pgbench with prepared statements, after a warm-up. `-N` leaves out the updates that all clients fight for."""
    command = [str(embedded.binary("pgbench")), "-M", "prepared", *options]
    command += ["-c", str(plan.pgbench_clients)]
    printed = ""
    for seconds in filter(None, (plan.warm_up_s, plan.measure_s)):
        printed = await _finished([*command, "-T", str(seconds)], url, seconds + _SLACK_S)
    found = _TPS.search(printed)
    if found is None:
        raise BenchFailed(f"pgbench said no rate: {printed}")
    return float(found[1])


async def last_statement_s(url: str, *statements: str) -> float:
    """Run each by psql; how long the last one took, its commit included."""
    command = [str(embedded.binary("psql")), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-c", r"\timing on"]
    for statement in statements:
        command += ["-c", statement]
    times = _TIME_MS.findall(await _finished([*command, "-d"], url, _SLACK_S))
    return float(times[-1]) / 1_000


async def _finished(command: list[str], url: str, within_s: float) -> str:
    """With the database's URL as the last argument, its password kept out of the list of processes."""
    parts = urlsplit(url)
    environment = dict(os.environ)
    if parts.password is not None:
        environment["PGPASSWORD"] = unquote(parts.password)
        user, _, host = parts.netloc.rpartition("@")
        parts = parts._replace(netloc=f"{user.partition(':')[0]}@{host}")
    return await finished([*command, parts.geturl()], environment=environment, within_s=within_s)
