"""A back-test counts as the pipeline counts: of orders that came in meanwhile it gives what was given."""

from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from regulars import imports, limits, tenancy, triggers
from regulars.customers import NewCustomer
from regulars.imports import Tested
from regulars.kit.ids import new_id
from regulars.orders import Refund
from regulars.triggers import GIVE, Past, Rule
from regulars.triggers.rule import Campaign, FirstOrder, Span
from tests.rooms.triggers.test_later import due
from tests.rooms.triggers.till import Till, again

BIG = {"property": "customer_spent", "operator": "at_least", "value": 40}
RULES = [
    Rule(coins_per_unit=3),
    Rule(coins_per_unit=1, per_day_max=1, factors=(FirstOrder(2.5),)),
    Rule(coins_min=5, per_month_max=3, cool_down_minutes=600),
    Rule(coins_per_unit=2, budget_per_day=60, budget_in_all=400, after_delta_day=3),
    Rule(coins_min=10, on_activity_count_reached=3, on_order_amount_matched=Span(5)),
    Rule(coins_min=10, on_timeline_amount_reached=50.0, timeline="week", per_customer_max=4),
    Rule(coins_per_unit=1, condition=BIG, factors=(Campaign(3, "2026-03-15", "2026-03-17"),)),
    Rule(coins_min=1, condition={"property": "customer_orders", "operator": "at_least", "value": 2}, per_day_max=2),
]


async def result(till: Till, trigger_id: UUID, **terms: Any) -> Tested:
    async with till.db.transaction() as tx:
        shop = await tenancy.get_workspace(tx, till.workspace.id)
        trigger = await triggers.find_trigger(tx, shop.id, trigger_id)
        asked = imports.Terms(trigger.version, trigger.rule, False, **terms)
        made = await imports.order_backtest(tx, shop, trigger, asked, till.now, actor="")
    while await imports.run_backtest(till.db, till.clock):
        pass
    async with till.db.reading() as tx:
        done = await imports.get_backtest(tx, till.workspace.id, made.id)
    assert done.state == "done"
    return done.progress


@pytest.mark.parametrize("number", range(len(RULES)))
async def test_an_unchanged_trigger_gives_what_it_gave(
    till: Till, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BACKTEST_ORDERS_PER_BATCH", 7)
    random, rule = Random(number), RULES[number]
    trigger = await till.trigger(rule)
    reports = []
    for n in range(40):
        till.clock.advance(hours=random.choice([0, 1, 5, 20]), minutes=random.randrange(50))
        status = random.choice(["paid", "paid", "paid", "pending"])
        whose = NewCustomer(f"customer-{random.choice('abc')}")
        order = till.order(str(n), str(random.randrange(0, 40)), customer=whose, financial_status=status,
                           currency_code=random.choice(["usd"] * 8 + ["eur"]))  # fmt: skip
        await till.take(order)
        reports.append(order)
    # What is given back later takes coins back, whatever they were counted for; a cancelled one also frees a place.
    till.clock.advance(days=1)
    for order in random.sample(reports, 12):
        part = order.amount_minor * random.randrange(100) // 100
        refund = Refund(refund_id="1", amount_minor=part, refunded_at=till.now)
        given_back = {"refunds": (refund,)} if part and number != 6 else {}
        cancelled = {"status": "cancelled"} if number == 0 and random.random() < 0.3 else {}
        await till.take(again(order, source_version=till.now, **given_back, **cancelled))
    till.clock.advance(days=10)
    await due(till, GIVE)
    found = await result(till, trigger.id)
    assert found.rows == 40
    assert found.really_coins == sum([await till.coins(f"customer-{one}") for one in "abc"]) > 0
    assert (found.coins, found.rewards) == (found.really_coins, found.really_rewards)
    assert [month.coins for month in found.months] == [month.really for month in found.months]
    assert found.liability == 0
    firings = await till.firings()
    refused = [firing.reason for firing in firings if firing.state == "refused"]
    counting = {"day_limit_reached", "month_limit_reached", "customer_limit_reached", "cooling_down", "budget_spent",
                "day_budget_spent", "activities_not_reached", "amount_not_reached", "conditions_not_met"}  # fmt: skip
    told = {why.reason: why.orders for why in found.reasons.values()}
    assert len(told) == len(found.reasons)
    assert {reason: count for reason, count in told.items() if reason in counting} == {
        reason: refused.count(reason) for reason in set(refused) & counting
    }
    # Some of the past: what came before is known, and is not counted in.
    middle = reports[20].placed_at
    late = await result(till, trigger.id, since=middle, until=reports[30].placed_at)
    assert late.rows == len([one for one in reports if middle <= one.placed_at < reports[30].placed_at])


async def test_what_it_remembers_does_not_grow_with_the_orders(till: Till) -> None:
    trigger = await till.trigger(Rule(coins_min=1, per_day_max=1, budget_per_day=100, factors=(FirstOrder(2),)))
    [taken] = await till.take(till.order("1", "10"))
    past = Past(till.workspace, trigger, till.now, Random(1), further=False)
    sizes = []
    async with till.db.reading() as tx:
        for batch in range(6):
            placed = [
                msgspec.structs.replace(
                    taken.recorded.order, id=new_id(), placed_at=till.now + timedelta(hours=batch * 500 + n)
                )
                for n in range(500)
            ]
            looks = await past.look(tx, placed)
            assert sum(one.coins for one in looks) >= 500 // 24
            kept = [one for one in vars(past._pipeline.tally).values() if isinstance(one, dict)]
            sizes.append(sum(map(len, kept)))
    assert max(sizes) - min(sizes) < 30
