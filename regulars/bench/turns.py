"""Loads on the product: how they are asked of a generator, and taken in turn."""

from collections.abc import Mapping, Sequence
from random import Random

import msgspec

from regulars.bench import load
from regulars.bench.children import BenchFailed, finished, python
from regulars.bench.figures import middle
from regulars.bench.load import Report, Task, request
from regulars.bench.plan import Plan
from regulars.bench.stage import Say
from regulars.kit import new_id

ACTIVITIES = "/api/v2/merchant/activities"


def customer_id(number: int) -> str:
    return f"bench-{number:05d}"


def rewards(
    plan: Plan,
    port: int,
    workspace_id: str,
    keys: Sequence[str],
    trigger_id: str,
    *,
    wallets: int = 0,
    busy: bool = False,
) -> Task:
    """The trigger is fired for the plan's customers, drawn at random and spread over so many, if there are more; every
    other time for the same one, if that is `busy`. The keys take turns."""
    drawn = Random(0)  # noqa: S311 - who is drawn is no secret
    step = max(1, wallets // plan.customers)
    numbers = [step * drawn.randrange(plan.customers) for _ in range(plan.customers)]
    headers = {"x-workspaceid": workspace_id, "x-source": "unix", "Content-Type": "application/json"}
    return Task(
        port=port,
        connections=plan.connections,
        seconds=plan.measure_s,
        requests=[
            request(
                "POST",
                ACTIVITIES,
                headers | {"x-apikey": keys[place % len(keys)]},
                f'{{"trigger_id":"{trigger_id}","customer_id":"{customer_id(0 if busy and place % 2 else number)}"}}',
                named="Idempotency-Key",
            )
            for place, number in enumerate(numbers)
        ],
    )


async def loaded(task: Task, seconds: float) -> Report:
    """Raises BenchFailed where an answer was no success."""
    task = msgspec.structs.replace(task, seconds=seconds, prefix=new_id().hex)
    answer = await finished(python(load.__name__), said=msgspec.json.encode(task), within_s=seconds + 60)
    report = msgspec.json.decode(answer, type=Report)
    if report.failed:
        why = f", the first of them: {report.why}" if report.why else ", each since the server hung up"
        raise BenchFailed(f"{report.failed:,} requests were not answered with success{why}")
    return report


async def in_turn(tasks: Mapping[str, Task], say: Say, *, rounds: int, seconds: float) -> dict[str, list[Report]]:
    """There and back, so that what gets slower or faster with time falls on all alike. A task with requests that may be
    sent but `once` gives each of its turns a part of them."""
    reports: dict[str, list[Report]] = {name: [] for name in tasks}
    for number in range(1, rounds + 1):
        for name in [*tasks, *reversed(list(tasks))]:
            task, turn = tasks[name], len(reports[name])
            if task.once:
                task = msgspec.structs.replace(task, requests=task.requests[turn :: 2 * rounds])
            reports[name].append(await loaded(task, seconds))
            say(f"round {number} of {rounds}: {name}: {reports[name][-1].rate:,.0f}/s")
    return reports


def rate(reports: Sequence[Report]) -> float:
    return middle([report.rate for report in reports])
