"""The load generator wrk (Debian's package of that name), where it is installed: the cheapest there is."""

import resource
import shutil
from pathlib import Path

import msgspec

from regulars.bench.children import BenchFailed, finished
from regulars.bench.load import Report, Task, cpu_s

# wrk counts answers above 399 as errors by itself; looking at each answer in Lua would double what a request costs.
_SCRIPT = """
local before, after = {{}}, {{}}
for line in io.lines({requests}) do
  local head, tail = line:gsub("\\1", "\\r\\n"):match("^(.*)\\2(.*)$")
  before[#before + 1], after[#after + 1] = head .. {prefix}, tail
end
local sent, count = 0, #before

function request()
  local n = sent % count + 1
  sent = sent + 1
  return before[n] .. sent .. after[n]
end

function done(summary, latency, requests)
  local e = summary.errors
  local broken = e.connect + e.read + e.write + e.timeout
  io.write(string.format('\\n{{"requests":%d,"duration":%d,"status":%d,"broken":%d,"p50":%d,"p99":%d}}\\n',
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
    requests, script = folder / "load.txt", folder / "load.lua"
    lines = (f"{before}\2{after}".replace("\r\n", "\1") for before, after in task.requests)
    requests.write_text("\n".join(lines) + "\n")
    script.write_text(_SCRIPT.format(requests=f'"{requests}"', prefix=f'"{task.prefix}"'))
    # Of children that have ended: nobody else's ends while wrk runs.
    used_before_s = cpu_s(resource.RUSAGE_CHILDREN)
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
        cpu_s=cpu_s(resource.RUSAGE_CHILDREN) - used_before_s,
        p50_ms=summary.p50 / 1_000,
        p99_ms=summary.p99 / 1_000,
    )
