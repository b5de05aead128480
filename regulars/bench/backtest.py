"""Past orders that a rule is tried on a second, against reading the same orders."""

import time

from regulars import imports, limits, orders, triggers
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row
from regulars.bench.orders import imported, some_orders
from regulars.bench.stage import Stage
from regulars.imports import Terms
from regulars.orders import Order
from regulars.tenancy import Workspace
from regulars.triggers import Rule
from regulars.triggers.rule import FirstOrder


async def measure(stage: Stage) -> list[Row]:
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
