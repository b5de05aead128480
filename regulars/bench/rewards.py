"""Rewards a second over HTTP, against what pgbench does on the same server in the same minutes; and in hard cases,
against those in easy ones."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from regulars import ledger, tenancy, triggers
from regulars.bench import book, postgres, turns
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row, middle
from regulars.bench.load import Report, Task
from regulars.bench.stage import Stage, sql
from regulars.bench.turns import in_turn, loaded, rate
from regulars.tenancy import Areas, Workspace
from regulars.triggers import Rule, Trigger

REWARD = "walletreward_create"

PLAIN = Rule(title="Review", description="For a review", coins_min=10, coins_max=10)
_GUARDED = Rule(
    title="Guarded review",
    coins_min=10,
    coins_max=10,
    condition={
        "all": [
            {"property": "customer_country", "operator": "is", "value": "ind"},
            {"property": "customer_email", "operator": "ends_with", "value": "@shop.example"},
        ]
    },
    per_day_max=10_000,
    per_month_max=10_000,
    per_customer_max=10_000,
    budget_per_day=1_000_000_000,
)


async def rewarding_shop(
    stage: Stage, name: str, rule: Rule = PLAIN, *, wallets: int = 0, each: int = 1
) -> tuple[Workspace, Trigger]:
    """A shop with the plan's customers, or so many, all of whom were given something before; and a trigger that gives
    10 coins as often as it is asked."""
    shop = await stage.shop(name)
    await book.fill(stage, shop, wallets or stage.plan.customers, each)
    return shop, await _trigger(stage, shop, rule)


async def _trigger(stage: Stage, shop: Workspace, rule: Rule) -> Trigger:
    async with stage.app.db.transaction() as tx:
        now = stage.app.clock.now()
        return await triggers.create_trigger(tx, shop, rule.title, "api", rule, now, actor="bench")


async def key_of(stage: Stage, shop: Workspace) -> str:
    async with stage.app.db.transaction() as tx:
        now = stage.app.clock.now()
        areas = Areas(data="WRITE")
        issued = await tenancy.issue_key(tx, shop.id, "bench", access="WRITE", areas=areas, made_by="bench", now=now)
    return issued.key


async def plain(stage: Stage, name: str) -> tuple[Workspace, Task]:
    """The rewards that others are held against."""
    shop, trigger = await rewarding_shop(stage, name)
    return shop, await task(stage, shop, trigger)


async def task(
    stage: Stage, shop: Workspace, trigger: Trigger, *, keys: int = 1, wallets: int = 0, busy: bool = False
) -> Task:
    issued = [await key_of(stage, shop) for _ in range(keys)]
    port = stage.settings.port
    return turns.rewards(stage.plan, port, str(shop.id), issued, str(trigger.id), wallets=wallets, busy=busy)


class Counts:
    """What stands in a shop, before a load and after it: each success there once, with its firing and its event."""

    def __init__(self, stage: Stage, shop: Workspace) -> None:
        self.shop = shop
        self._stage = stage

    async def taken(self) -> Counts:
        self._before = await self._counted()
        return self

    async def check(self, reports: list[Report]) -> None:
        """Raises BenchFailed."""
        answered = sum(report.answered for report in reports)
        granted, txns, written = (now - then for now, then in zip(await self._counted(), self._before, strict=True))
        if txns != answered:
            raise BenchFailed(f"{answered:,} rewards were answered with 200, and {txns:,} stand in the book")
        if not txns == granted == written:
            raise BenchFailed(
                f"of {granted:,} rewards, {txns:,} stand in the book and {written:,} in the log of events"
            )

    async def _counted(self) -> tuple[int, int, int]:
        async with self._stage.app.db.reading() as tx:
            id = self.shop.id
            return (
                await tx.fetchval(sql.count_granted, id),
                await tx.fetchval(sql.count_txns, id),
                await tx.fetchval(sql.count_events, id, REWARD),
            )


async def verify(stage: Stage, shop_id: UUID) -> None:
    """Raises BenchFailed."""
    stage.say("verifying the book")
    async with stage.app.db.snapshot() as tx:
        found = await ledger.verify(tx, shop_id)
    if found is not None:
        raise BenchFailed(f"the book does not hold, {found.check}: {found.where}")


async def measure(stage: Stage) -> list[Row]:
    """Interleaved, so that what the machine does besides falls on all alike: -N, rewards, TPC-B, rewards, and again."""
    plan = stage.plan
    stage.say(f"filling pgbench's tables at scale {plan.pgbench_scale}, and a shop with {plan.customers:,} customers")
    await postgres.fill(stage.bare_url, plan)
    shop, asked = await plain(stage, "Rewards")
    await postgres.settle(stage.url)
    counts = await Counts(stage, shop).taken()
    simple: list[float] = []
    tpcb: list[float] = []
    reports: list[Report] = []
    warmed: list[Report] = []
    async with stage.working():
        with stage.server.load():
            for number in range(1, plan.rounds + 1):
                for options, figures in ((("-N",), simple), ((), tpcb)):
                    doing = f"round {number} of {plan.rounds}"
                    figures.append(await postgres.transactions_per_s(stage.bare_url, plan, *options))
                    stage.say(f"{doing}: pgbench {' '.join((*options, '-M prepared'))}: {figures[-1]:,.0f}/s")
                    for seconds, done in ((plan.warm_up_s, warmed), (plan.measure_s, reports)):
                        if seconds:
                            done.append(await loaded(asked, seconds))
                    stage.say(f"{doing}: rewards: {reports[-1].rate:,.0f}/s")
    await counts.check([*warmed, *reports])
    await verify(stage, shop.id)
    return _rows(stage, simple, tpcb, reports)


def _rows(stage: Stage, simple: list[float], tpcb: list[float], reports: list[Report]) -> list[Row]:
    plan = stage.plan
    value = rate(reports)
    clients = f"-M prepared -c {plan.pgbench_clients}"
    cost_us = sum(report.cpu_s for report in reports) / max(1, sum(report.answered for report in reports)) * 1e6
    waited = f"with {plan.connections} connections at once"
    return [
        Row("rewards over HTTP, to pgbench -N", value, f"pgbench -N {clients}", middle(simple), 0.5, 0.8),
        Row("rewards over HTTP, to TPC-B", value, f"pgbench {clients}", middle(tpcb), 0.8, 1.2),
        Row("reward answered, p50", middle([r.p50_ms for r in reports]), waited, unit="ms"),
        Row("reward answered, p99", middle([r.p99_ms for r in reports]), waited, unit="ms"),
        Row("load generator, CPU per request", cost_us, unit="µs"),
    ]


class Case(NamedTuple):
    """A hard case on a shop of its own; `bar` is the least part of plain rewards that will do."""

    name: str
    bar: float
    rule: Rule = PLAIN
    wallets: int = 0
    each: int = 1
    keys: int = 1
    busy: bool = False


async def hard_cases(stage: Stage) -> list[Row]:
    """In turn with the plain one."""
    plan = stage.plan
    large = f"with {plan.book_wallets * plan.book_txns_each:,} txns in the book"
    cases = [
        Case("plain", 1),
        Case("with conditions, limits and a daily cap", 0.8, _GUARDED),
        Case(large, 0.8, wallets=plan.book_wallets, each=plan.book_txns_each),
        Case("one customer taking half of all", 0.5, busy=True),
        Case("two keys in turn", 0.95, keys=2),
    ]
    tasks: dict[str, Task] = {}
    checks: dict[str, Counts] = {}
    for case in cases:
        stage.say(f"filling a shop: {case.name}")
        shop, trigger = await rewarding_shop(stage, case.name, case.rule, wallets=case.wallets, each=case.each)
        tasks[case.name] = await task(
            stage, shop, trigger, keys=case.keys, wallets=case.wallets or plan.customers, busy=case.busy
        )
        checks[case.name] = await Counts(stage, shop).taken()
    await postgres.settle(stage.url)
    async with stage.working():
        reports = await in_turn(tasks, stage.say, rounds=plan.rounds, seconds=plan.turn_s)
    for case in cases:
        await checks[case.name].check(reports[case.name])
        if case.name != large:  # that takes its time, and is the figure `audit`
            await verify(stage, checks[case.name].shop.id)
    plain_rate, beside = rate(reports["plain"]), "plain rewards beside them"
    return [Row(f"rewards, {case.name}", rate(reports[case.name]), beside, plain_rate, case.bar) for case in cases[1:]]
