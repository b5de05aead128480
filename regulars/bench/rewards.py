"""Rewards a second over HTTP, against what pgbench does on the same server in the same minutes."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec

from regulars import customers, ledger, limits, tenancy, triggers
from regulars.bench import load, postgres, wrk
from regulars.bench.children import BenchFailed, finished, python
from regulars.bench.figures import Row, middle
from regulars.bench.load import Report, Task
from regulars.bench.plan import Plan
from regulars.bench.stage import Stage, sql
from regulars.customers import NewCustomer
from regulars.kit.ids import new_id
from regulars.tenancy import Workspace
from regulars.triggers import Fire, Rule, Trigger

REWARD = "walletreward_create"


def customer_id(number: int) -> str:
    return f"bench-{number:05d}"


async def rewarding_shop(stage: Stage, name: str) -> tuple[Workspace, Trigger]:
    """A shop with the plan's customers, and a trigger that gives 10 coins as often as it is asked."""
    shop = await stage.shop(name)
    now, wanted = stage.app.clock.now(), stage.plan.customers
    async with stage.app.db.transaction() as tx:
        rule = Rule(title="Review", description="For a review", coins_min=10, coins_max=10)
        trigger = await triggers.create_trigger(tx, shop, "Review", "api", rule, now, actor="bench")
    for first in range(0, wanted, limits.IMPORT_ORDERS_PER_COMMIT):
        numbers = range(first, min(first + limits.IMPORT_ORDERS_PER_COMMIT, wanted))
        new = [NewCustomer(customer_id(n), name=f"Customer {n}", email=f"{n}@shop.example") for n in numbers]
        async with stage.app.db.transaction() as tx:
            await customers.ensure(tx, shop, new, now)
    return shop, trigger


async def _welcome(stage: Stage, shop: Workspace, trigger: Trigger) -> None:
    """Each customer is rewarded once: those of a shop that runs have their wallets."""
    for first in range(0, stage.plan.customers, limits.IMPORT_ORDERS_PER_COMMIT):
        numbers = range(first, min(first + limits.IMPORT_ORDERS_PER_COMMIT, stage.plan.customers))
        fires = [Fire(trigger_id=trigger.id, customer=NewCustomer(customer_id(n))) for n in numbers]
        async with stage.app.db.transaction() as tx:
            await triggers.fire(tx, shop, fires, stage.app.clock.now(), Random())  # noqa: S311 - the coins are fixed


async def measure(stage: Stage) -> list[Row]:
    """Interleaved, so that what the machine does besides falls on all alike: -N, rewards, TPC-B, rewards, and again."""
    plan = stage.plan
    stage.say(f"filling pgbench's tables at scale {plan.pgbench_scale}, and a shop with {plan.customers:,} customers")
    await postgres.fill(stage.bare_url, plan)
    shop, trigger = await rewarding_shop(stage, "Rewards")
    await _welcome(stage, shop, trigger)
    await postgres.settle(stage.url)
    async with stage.app.db.transaction() as tx:
        key = await tenancy.issue_key(tx, shop.id, "bench", access="WRITE", made_by="bench", now=stage.app.clock.now())
    simple: list[float] = []
    tpcb: list[float] = []
    reports: list[Report] = []
    warmed: list[Report] = []
    with stage.server.load():
        for number in range(1, plan.rounds + 1):
            for options, figures in ((("-N",), simple), ((), tpcb)):
                doing = f"round {number} of {plan.rounds}"
                figures.append(await postgres.transactions_per_s(stage.bare_url, plan, *options))
                stage.say(f"{doing}: pgbench {' '.join((*options, '-M prepared'))}: {figures[-1]:,.0f}/s")
                for seconds, done in ((plan.warm_up_s, warmed), (plan.measure_s, reports)):
                    if seconds:
                        asked = task(plan, stage.settings.port, str(shop.id), key.key, str(trigger.id), seconds)
                        done.append(await loaded(asked, stage.folder))
                stage.say(f"{doing}: rewards: {reports[-1].rate:,.0f}/s")
    await _check(stage, shop, [*warmed, *reports])
    return _rows(stage, simple, tpcb, reports)


def task(plan: Plan, port: int, workspace_id: str, key: str, trigger_id: str, seconds: float) -> Task:
    headers = {
        "Host": f"127.0.0.1:{port}",
        "x-workspaceid": workspace_id,
        "x-apikey": key,
        "x-source": "unix",
        "Content-Type": "application/json",
    }
    lines = ["POST /api/v2/merchant/activities HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
    return Task(
        port=port,
        connections=plan.connections,
        seconds=seconds,
        customers=plan.customers,
        head="\r\n".join(lines),
        body=f'{{"trigger_id":"{trigger_id}","customer_id":"bench-%s"}}',
        prefix=new_id().hex,
    )


async def loaded(task: Task, folder: Path) -> Report:
    """By wrk, or by a generator of our own where there is none."""
    if wrk.installed():
        return await wrk.generate(task, folder)
    said = await finished(python(load.__name__), said=msgspec.json.encode(task), within_s=task.seconds + 60)
    return msgspec.json.decode(said, type=Report)


async def _check(stage: Stage, shop: Workspace, reports: list[Report]) -> None:
    """Every answer was a 200, each stands in the book once, with its event, and the book holds."""
    stage.say("verifying the book")
    failed = sum(report.failed for report in reports)
    if failed:
        raise BenchFailed(f"{failed:,} rewards were answered with something else than 200")
    # Of one instant: what was asked for when wrk hung up may be written only now.
    async with stage.app.db.snapshot() as tx:
        granted = await tx.fetchval(sql.count_granted, shop.id)
        txns = await tx.fetchval(sql.count_txns, shop.id)
        written = await tx.fetchval(sql.count_events, shop.id, REWARD)
        found = await ledger.verify(tx, shop.id)
    answered, unsure = sum(report.answered for report in reports), sum(report.unsure for report in reports)
    answered += stage.plan.customers
    if not answered <= txns <= answered + unsure:
        raise BenchFailed(f"{answered:,} rewards were answered with 200, and {txns:,} stand in the book")
    if not txns == granted == written:
        raise BenchFailed(f"of {granted:,} rewards, {txns:,} stand in the book and {written:,} in the log of events")
    if found is not None:
        raise BenchFailed(f"the book does not hold, {found.check}: {found.where}")


def _rows(stage: Stage, simple: list[float], tpcb: list[float], reports: list[Report]) -> list[Row]:
    plan = stage.plan
    value = middle([report.rate for report in reports])
    clients = f"-M prepared -c {plan.pgbench_clients}"
    generator = "wrk" if wrk.installed() else "our own generator"
    cost_us = sum(report.cpu_s for report in reports) / max(1, sum(report.answered for report in reports)) * 1e6
    waited = f"with {plan.connections} connections at once"
    return [
        Row(
            name="rewards over HTTP, to pgbench -N",
            value=value,
            unit="1/s",
            against=f"pgbench -N {clients}",
            limit=middle(simple),
            bar=0.5,
            aim=0.8,
        ),
        Row(
            name="rewards over HTTP, to TPC-B",
            value=value,
            unit="1/s",
            against=f"pgbench {clients}",
            limit=middle(tpcb),
            bar=0.8,
            aim=1.2,
        ),
        Row(name="reward answered, p50", value=middle([r.p50_ms for r in reports]), unit="ms", against=waited),
        Row(name="reward answered, p99", value=middle([r.p99_ms for r in reports]), unit="ms", against=waited),
        Row(name="load generator, CPU per request", value=cost_us, unit="µs", against=generator),
    ]
