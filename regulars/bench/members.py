"""Many customers at once: judged anew when the ladder has changed, and looked through for those who are reminded."""

import time
from datetime import UTC, datetime, timedelta

from regulars import ledger, limits, tiers
from regulars.bench import book, postgres
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row
from regulars.bench.stage import Stage, sql
from regulars.kit.ids import BEFORE_ALL_IDS
from regulars.kit.processes import spare_collector
from regulars.tenancy import Workspace
from regulars.tiers import Ladder, Needs, Tier

_SPREAD = 100
_SILVER, _GOLD, _GOLD_BEFORE = 500, 800, 900


async def measure(stage: Stage) -> list[Row]:
    stage.say(f"filling a shop with {stage.plan.members:,} customers")
    shop = await stage.shop("Members")
    await book.fill(stage, shop, stage.plan.members, 1, spread=_SPREAD)
    await postgres.settle(stage.url)
    spare_collector()  # as a worker does
    return [await _judged(stage, shop), await _reminded(stage, shop)]


async def _judged(stage: Stage, shop: Workspace) -> Row:
    """A tenth of them move. Raises BenchFailed where they are not what the sums say."""
    many = stage.plan.members
    await _change(stage, shop, _GOLD_BEFORE)
    await postgres.settle(stage.url)
    stage.say("changing the ladder")
    took_s = await _change(stage, shop, _GOLD)
    coins = [book.COINS * (1 + n % _SPREAD) for n in range(1, many + 1)]
    expected = {"silver": sum(_SILVER <= n < _GOLD for n in coins), "gold": sum(n >= _GOLD for n in coins)}
    async with stage.app.db.reading() as tx:
        found = await tiers.counts(tx, shop.id)
    if found != {tier: n for tier, n in expected.items() if n}:
        raise BenchFailed(f"the ladder has {found}, where the book says {expected}")
    update_s = await postgres.last_statement_s(
        stage.url,
        "CREATE TABLE bench_member (LIKE customers_customer INCLUDING ALL)",
        f"INSERT INTO bench_member SELECT * FROM customers_customer WHERE workspace_id = '{shop.id}'",
        "VACUUM (ANALYZE) bench_member",
        "CHECKPOINT",
        "UPDATE bench_member AS m SET updated_at = now(),"
        f" tier = CASE WHEN e.earned >= {_GOLD} THEN 'gold' WHEN e.earned >= {_SILVER} THEN 'silver' ELSE '' END"
        " FROM (SELECT customer_id, sum(amount) AS earned FROM ledger_earned"
        f" WHERE workspace_id = '{shop.id}' GROUP BY customer_id) AS e WHERE m.id = e.customer_id",
    )
    return Row("customers judged anew", many / took_s, "one UPDATE by the same sums", many / update_s, 0.3)


async def _change(stage: Stage, shop: Workspace, gold: int) -> float:
    """How long it takes until everybody is judged."""
    steps = (("silver", "Silver", _SILVER), ("gold", "Gold", gold))
    ladder = Ladder(
        tiers=tuple(Tier(key=key, name=name, enter=Needs(earned=n)) for key, name, n in steps), term_months=0
    )
    async with stage.app.db.transaction() as tx:
        await tiers.change_ladder(tx, shop, ladder, stage.app.clock.now())
    return await stage.done_s({tiers.RECALCULATE: tiers.recalculate})


async def _reminded(stage: Stage, shop: Workspace) -> Row:
    """Every twentieth has coins that lie unused since one day; after this the book does not hold any more."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)
    until = day + timedelta(days=1)
    async with stage.app.db.transaction() as tx:
        await tx.execute(sql.lie_unused, shop.id, day)
    await postgres.settle(stage.url)
    for _ in range(2):  # the first time both bring into memory what the second time both find there
        began, found, page, after = time.monotonic(), 0, None, BEFORE_ALL_IDS
        while page is None or page.after:
            async with stage.app.db.reading() as tx:
                page = await ledger.untouched(tx, shop.id, [(day, until)], after, limits.REMINDERS_AT_ONCE)
            found, after = found + len(page.txns), page.after or after
        took_s, began = time.monotonic() - began, time.monotonic()
        async with stage.app.db.snapshot() as tx:
            due = len(await tx.fetch(sql.unused, shop.id, day, until))
        by_hand_s = time.monotonic() - began
    if found != due:
        raise BenchFailed(f"{found:,} were found to remind, of {due:,}")
    return Row("reminders found due", found / took_s, "one SELECT", due / by_hand_s, 0.5)
