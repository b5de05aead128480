"""Two versions of the product beside each other, on one PostgreSQL in the same minutes: rewards a second over HTTP.

`python -m regulars.bench.beside CHECKOUT NAME`, as `make bench AGAINST=<commit>` calls it, with that commit installed
in the folder. The other version is asked at its doors alone, the command line and HTTP, since its insides are others.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec

from regulars import embedded
from regulars.bench import postgres
from regulars.bench.children import BenchFailed, finished, listening, running
from regulars.bench.figures import Row, middle
from regulars.bench.load import Report, Task
from regulars.bench.plan import Plan
from regulars.bench.running import printed, said
from regulars.bench.stage import Say
from regulars.bench.turns import in_turn, loaded, rewards
from regulars.kit import new_id
from regulars.kit.ports import free_port

PLAN = Plan(rounds=4, measure_s=8, warm_up_s=5, customers=5_000)
_INSTALLED_WITHIN_S = 60.0


async def compare(versions: dict[str, Path], *, say: Say, plan: Plan = PLAN) -> list[Row]:
    """By name the Python of each, this version first. What was made is gone afterwards. Raises BenchFailed,
    EmbeddedError."""
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # a root's server runs as another account and has to get through
        with embedded.running(folder / "postgres") as server_url:
            async with AsyncExitStack() as stack:
                tasks: dict[str, Task] = {}
                for name, interpreter in versions.items():
                    say(f"starting {name}")
                    of_it = folder / str(len(tasks))
                    of_it.mkdir()
                    url = await embedded.ensure_database(server_url, f"bench_{len(tasks)}")
                    tasks[name] = await stack.enter_async_context(_serving(interpreter, url, of_it, plan))
                    # Its customers are made here, by calls that race each other for them.
                    await loaded(tasks[name], plan.warm_up_s)
                    await postgres.settle(url)
                return _rows(await in_turn(tasks, say, rounds=plan.rounds, seconds=plan.measure_s))


@asynccontextmanager
async def _serving(interpreter: Path, url: str, folder: Path, plan: Plan) -> AsyncIterator[Task]:
    """A version that runs, with a shop whose trigger the task fires, for the time of the block."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "DATABASE_URL": url,
        "REGULARS_HOST": "127.0.0.1",
        "REGULARS_PORT": str(port),
        "REGULARS_DATA_DIR": str(folder),
        "REGULARS_SECRET_KEY": new_id().hex + new_id().hex,
        "REGULARS_LOG_LEVEL": "warning",
    }

    def command(*arguments: str) -> list[str]:
        return [str(interpreter), "-P", "-m", "regulars.cli", *arguments]

    await finished(command("migrate"), environment=environment, within_s=_INSTALLED_WITHIN_S)
    answer = await finished(
        command("workspace", "create", "Bench", "--json"), environment=environment, within_s=_INSTALLED_WITHIN_S
    )
    made = msgspec.json.decode(answer.strip().rpartition("\n")[2])
    serve = running(command("serve"), environment=environment, log=folder / "serve.log")
    work = running(command("work"), environment=environment, log=folder / "work.log")
    async with serve as process, work:
        await listening(port, process)
        shop, key = made["workspace_id"], made["admin_key"]

        async def ask(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            return await asyncio.to_thread(_asked, port, shop, key, method, path, body)

        await ask("PATCH", "/workspace", {"events_on": True, "settings": {"calls_per_minute": 60_000_000}})
        rule = {"title": "Review", "description": "For a review", "coins_min": 10, "coins_max": 10}
        trigger = await ask("POST", "/triggers", {"name": "Review", "source": "api", "rule": rule})
        await asyncio.sleep(1)  # until then the key has what the usual limit left, which one process takes
        yield rewards(plan, port, shop, [key], trigger["id"])


def _asked(port: int, shop: str, key: str, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "x-workspaceid": shop, "Content-Type": "application/json"}
    connection.request(method, f"/api/v1{path}", msgspec.json.encode(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status not in (200, 201):
        raise BenchFailed(f"{method} {path} was answered with {answer.status}: {text.decode(errors='replace')}")
    said: dict[str, Any] = msgspec.json.decode(text)
    return said


def _rows(reports: dict[str, list[Report]]) -> list[Row]:
    (this, ours), (other, theirs) = reports.items()
    rate, p50 = [[middle([getattr(r, name) for r in of]) for of in (ours, theirs)] for name in ("rate", "p50_ms")]
    return [
        Row(f"rewards over HTTP, {this}", rate[0], other, rate[1]),
        Row(f"reward answered, p50, {this}", p50[0], other, p50[1], unit="ms"),
    ]


def main(arguments: Sequence[str]) -> None:
    """The checkout of the other version, with its `.venv`, and how it is called."""
    checkout, name = arguments
    versions = {"this version": Path(sys.executable), name: Path(checkout) / ".venv/bin/python"}
    try:
        printed(compare(versions, say=said))
    except (BenchFailed, embedded.EmbeddedError) as error:
        sys.exit(f"bench: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
