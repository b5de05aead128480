"""Orders imported a second, with the customers, coins and events they make, against COPY of the same rows; and those
that a rule is tried on, against reading them."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from regulars import imports, limits, orders, triggers
from regulars.bench import postgres
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row
from regulars.bench.rewards import REWARD
from regulars.bench.stage import Stage
from regulars.customers import NewCustomer
from regulars.demo import NoPurchases, purchases
from regulars.imports import Progress, Terms, import_rows
from regulars.orders import Line, Order, OrderReport
from regulars.tenancy import Workspace
from regulars.triggers import Rule
from regulars.triggers.rule import FirstOrder


async def measure(stage: Stage) -> list[Row]:
    """One coin per whole unit of currency, a thousand orders to a commit, beside a running worker; and the same orders
    once more, each with three lines."""
    rows, source = some_orders(stage.plan.orders)
    lined = [msgspec.structs.replace(row, lines=_LINES, shipping_minor=0) for row in rows]
    async with stage.working():
        stage.say(f"importing {len(rows):,} orders ({source})")
        shop, took_s = await imported(stage, "Orders", rows)
        stage.say("importing them with lines")
        _, lined_s = await imported(stage, "Orders with lines", lined)
    file = stage.folder / "orders.copy"
    copy_s = await postgres.last_statement_s(
        stage.url,
        rf"\copy (SELECT * FROM orders_order WHERE workspace_id = '{shop.id}') TO '{file}'",
        "CREATE TABLE bench_order (LIKE orders_order INCLUDING ALL)",
        rf"\copy bench_order FROM '{file}'",
    )
    many, copied = len(rows), "COPY of their rows into a table like theirs"
    return [
        Row("orders imported, with coins and events", many / took_s, copied, many / copy_s),
        Row("orders imported, with lines", len(rows) / lined_s, "the same orders without", len(rows) / took_s, 0.9),
    ]


async def imported(stage: Stage, name: str, rows: list[OrderReport]) -> tuple[Workspace, float]:
    """The shop they were imported into, and how long it took."""
    shop = await stage.shop(name)
    async with stage.app.db.transaction() as tx:
        rule = Rule(title="Purchase", coins_per_unit=1)
        await triggers.create_trigger(tx, shop, "Purchase", "order", rule, stage.app.clock.now(), actor="bench")
    began = time.monotonic()
    done = Progress()
    async for progress in import_rows(stage.app.db, stage.app.clock, shop.id, rows, actor="bench"):
        done = progress
    took_s = time.monotonic() - began
    events = await stage.count("count_events", shop.id, REWARD)
    if done.created != len(rows) or events != done.rewards:
        taken = f"{done.created:,} were taken in, with {done.rewards:,} rewards and {events:,} of their events"
        raise BenchFailed(f"of {len(rows):,} orders, {taken}")
    return shop, took_s


_LINES = tuple(
    Line(product_id=f"product-{n}", variant_id=f"variant-{n}", title=f"Product {n}", quantity=n, amount_minor=1_000)
    for n in range(1, 4)
)


def some_orders(count: int) -> tuple[list[OrderReport], str]:
    """The demo's purchases where they are installed, else made up ones of the same kind; and which of both."""
    try:
        return list(islice(purchases(ZoneInfo("UTC")), count)), "the demo's purchases"
    except NoPurchases:
        return list(_made_up(count)), "made up"


def _made_up(count: int) -> Iterator[OrderReport]:
    drawn = random.Random(0)  # noqa: S311 - what is bought is no secret
    began = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(count):
        placed_at = began + timedelta(minutes=number)
        buyer = drawn.randrange(max(1, count // 3))
        yield OrderReport(
            source="bench",
            reference_id=str(number),
            name=f"#{number}",
            customer=NewCustomer(customer_id=f"bench-{buyer:05d}", email=f"{buyer}@shop.example"),
            amount_minor=round(drawn.lognormvariate(3.3, 0.8) * 100),
            currency_code="usd",
            items_count=drawn.randint(1, 5),
            placed_at=placed_at,
            source_version=placed_at,
            status="completed",
            delivery_status="fulfilled",
        )


async def measure_backtest(stage: Stage) -> list[Row]:
    """The rule that gave the coins, which must come to the same again; then one with a daily cap, a budget and more for
    first orders."""
    db, now = stage.app.db, stage.app.clock.now()
    reports, source = some_orders(stage.plan.orders)
    stage.say(f"importing {len(reports):,} orders to try rules on ({source})")
    shop, _ = await imported(stage, "Back-test", reports)
    rule = Rule(coins_per_unit=1, coins_max=0, per_day_max=1, budget_in_all=10**9, factors=(FirstOrder(2),))
    took_s = {}
    for name, tried in (("as it is", None), ("with a daily cap", rule)):
        stage.say(f"trying it on them, {name}")
        async with db.transaction() as tx:
            [trigger] = await triggers.list_triggers(tx, shop.id)
            terms = Terms(trigger.version, tried or trigger.rule, changed=tried is not None)
            made = await imports.order_backtest(tx, shop, trigger, terms, now, actor="bench")
        began = time.monotonic()
        await imports.run_backtest(db, stage.app.clock)
        took_s[name] = time.monotonic() - began
        async with db.reading() as tx:
            found = (await imports.get_backtest(tx, shop.id, made.id)).progress
        if found.rows != len(reports) or (tried is None and found.coins != found.really_coins):
            came = f"{found.rows:,} were looked at, which gave {found.really_coins:,} coins, and now {found.coins:,}"
            raise BenchFailed(f"of {len(reports):,} orders, {came}")
    read_s = await _read(stage, shop)
    return [
        Row(f"orders a rule is tried on, {name}", len(reports) / took, "reading them", len(reports) / read_s)
        for name, took in took_s.items()
    ]


async def _read(stage: Stage, shop: Workspace) -> float:
    began = time.monotonic()
    last: Order | None = None
    while True:
        async with stage.app.db.reading() as tx:
            placed = await orders.next_orders(tx, shop.id, last, limits.BACKTEST_ORDERS_PER_BATCH)
        if not placed:
            return time.monotonic() - began
        last = placed[-1]
