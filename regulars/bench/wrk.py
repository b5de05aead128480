"""The load generator wrk (Debian's package of that name), where it is installed: the cheapest there is."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

import msgspec

from regulars.bench.children import BenchFailed, finished
from regulars.bench.load import Report, Task

# wrk counts answers above 399 as errors by itself; looking at each answer in Lua would double what a request costs.
_SCRIPT = """
local head = {head}
local before, after = {before}, {after}
local sent, format, random = 0, string.format, math.random

function init(arguments) math.randomseed({seed}) end

function request()
  sent = sent + 1
  return format("%s%d\\r\\nContent-Length: {length}\\r\\n\\r\\n%s%05d%s", head, sent, before, random(0, {last}), after)
end

function done(summary, latency, requests)
  local e = summary.errors
  local broken = e.connect + e.read + e.write + e.timeout
  io.write(format('\\n{{"requests":%d,"duration":%d,"status":%d,"broken":%d,"p50":%d,"p99":%d}}\\n',
    summary.requests, summary.duration, e.status, broken, latency:percentile(50), latency:percentile(99)))
end
"""


class _Summary(msgspec.Struct):
    """In microseconds where it is time."""

    requests: int
    duration: int
    status: int
    broken: int
    p50: int
    p99: int


def installed() -> bool:
    return shutil.which("wrk") is not None


async def generate(task: Task, folder: Path) -> Report:
    """As `load.generate`; wrk hangs up when the time is over, on requests that may have been carried out."""
    before, after = task.body.split("%s")
    script = folder / "load.lua"
    script.write_text(
        _SCRIPT.format(
            head=_lua(f"{task.head}Idempotency-Key: {task.prefix}"),
            before=_lua(before),
            after=_lua(after),
            seed=sum(task.prefix.encode()),
            length=len(task.body % "00000"),
            last=task.customers - 1,
        )
    )
    used_before_s = _children_cpu_s()
    options = ["-t1", f"-c{task.connections}", f"-d{task.seconds:g}s", "--timeout", "30s", "-s", str(script)]
    printed = await finished(["wrk", *options, f"http://127.0.0.1:{task.port}/"], within_s=task.seconds + 60)
    summary = msgspec.json.decode(printed.strip().rpartition("\n")[2], type=_Summary)
    if summary.broken:
        raise BenchFailed(f"{summary.broken} of wrk's requests broke off")
    return Report(
        rate=summary.requests * 1e6 / summary.duration,
        answered=summary.requests - summary.status,
        failed=summary.status,
        unsure=task.connections,
        cpu_s=_children_cpu_s() - used_before_s,
        p50_ms=summary.p50 / 1_000,
        p99_ms=summary.p99 / 1_000,
    )


def _lua(text: str) -> str:
    """As a literal of Lua."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n") + '"'


def _children_cpu_s() -> float:
    """Of children that have ended: nobody else's ends while wrk runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
