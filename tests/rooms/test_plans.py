"""Orders, triggers, rules and deliveries are found by keys, as batches of the book are, however little PostgreSQL knows
of the tables."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import get_args

import pytest

from regulars import customers, delivery, dispatch, events, orders, triggers, why
from regulars.customers import NewCustomer
from regulars.delivery import Attempt, Delivered, RetryAfter
from regulars.kit.clock import HandClock
from regulars.triggers import Fire, NewFact, Rule, TakenFact
from regulars.why import Question
from tests.rooms.delivery.street import Corner, corner
from tests.rooms.plans import planning, unanalysed
from tests.rooms.triggers.till import Till

MANY = 1_500


def somebody(number: int) -> NewCustomer:
    return NewCustomer(f"customer-{number:04d}")


@pytest.fixture
async def shop(server_url: str, clock: HandClock) -> AsyncIterator[Corner]:
    db = await unanalysed(server_url)
    async with corner(db, clock) as made:
        yield made
    await db.close()


async def test_orders_and_triggers_go_by_keys(shop: Corner) -> None:
    db, workspace, clock = shop.db, shop.workspace, shop.clock
    till = Till(db, workspace, clock)
    often = await till.trigger(Rule(coins_min=1, coins_max=1), "api")
    rare = await till.trigger(Rule(coins_min=1, coins_max=1, per_day_max=1), "api")
    earning = await till.trigger(Rule(coins_per_unit=1))
    won = await till.trigger(Rule(coins_min=1, coins_max=1, fact="game_won"), "fact")
    await till.fire(rare, times=2)
    for first in range(0, MANY, 500):
        await till.fire(often, times=500)
        await till.take(*(till.order(str(n), customer=somebody(n)) for n in range(first, first + 500)))
    async with db.transaction() as tx:
        facts = [NewFact(name="game_won", customer=somebody(n), occurred_at=clock.now()) for n in range(500)]
        told, *_ = await triggers.take_facts(tx, workspace, facts, clock.now())
    assert isinstance(told, TakenFact)
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=80) as spy:
            for size in (1, 200):
                known = [till.order(str(n), customer=somebody(n)) for n in range(size)]
                await triggers.take_orders(spy, workspace, known, clock.now())
                new = [till.order(f"{size}-{n}", amount="20.00", customer=somebody(n)) for n in range(size)]
                await triggers.take_orders(spy, workspace, new, clock.now())
                fires = [Fire(trigger_id=one.id, customer=NewCustomer("customer-asha")) for one in (often, rare)] * size
                await triggers.fire(spy, workspace, fires, clock.now(), random.Random(1))
            for trigger in (None, often.id, rare.id, earning.id):
                for state in (None, "granted", "refused"):
                    found = await triggers.firings(spy, workspace.id, trigger_id=trigger, state=state, limit=20)
                    await triggers.firings(
                        spy, workspace.id, trigger_id=trigger, state=state, before_id=found[-1].id if found else None
                    )
            asha = await till.customer()
            assert asha is not None
            await triggers.firings(spy, workspace.id, customer_id=asha.id, limit=20)
            await triggers.firings(spy, workspace.id, customer_id=asha.id, reference="order:1")
            for sort in get_args(customers.Sort):
                await customers.search(spy, workspace.id, sort=sort, limit=20)
                await customers.search(spy, workspace.id, sort=sort, before_id=asha.id, limit=20)
            await customers.search(spy, workspace.id, since=clock.now(), until=clock.now(), limit=20)
            for order in get_args(orders.Sort):
                placed, on = await orders.search_orders(spy, workspace.id, sort=order, limit=20)
                await orders.search_orders(spy, workspace.id, sort=order, before_id=on, until=clock.now(), limit=20)
            await orders.search_orders(spy, workspace.id, source="nowhere", financial_status="paid", limit=20)
            await orders.by_ids(spy, workspace.id, [order.id for order in placed])
            (fired,) = await triggers.firings(spy, workspace.id, customer_id=asha.id, trigger_id=rare.id, limit=1)
            for question in (
                Question(order_id=placed[0].id),
                Question(firing_id=fired.id),
                Question(fact_id=told.id),
                Question(customer_id="customer-asha", trigger_id=rare.id),
            ):
                assert (await why.answer(spy, workspace, question, clock.now())).facts
            asked = Question(customer_id="customer-asha", trigger_id=won.id)
            assert (await why.answer(spy, workspace, asked, clock.now())).now
            await orders.find_order(spy, workspace.id, placed[0].id)


async def test_rules_and_deliveries_go_by_keys(shop: Corner) -> None:
    db, workspace, clock = shop.db, shop.workspace, shop.clock
    lane_id = await shop.lane()
    ids = await shop.queue(lane_id, MANY)
    now = clock.now()
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=40) as spy:
            new = [events.NewEvent("order_create", workspace.id, "{}", now)] * 200
            await events.append(spy, workspace.id, new, now)
            await dispatch.fan_out(spy, workspace, now)
            await events.drop_pending(spy, workspace.id, "dispatch", 1_000)
            await dispatch.retry_aside(spy, workspace, now)
            await dispatch.list_rules(spy, workspace.id)
            worker_id = workspace.id
            lane = await delivery.lease_lane(spy, workspace.id, lane_id, worker_id, now, gone=[1])
            assert lane is not None
            for limit in (1, 200):
                of = [(share, now - timedelta(days=1), workspace.id, limit) for share in get_args(delivery.Share)]
                page = await delivery.due(spy, workspace.id, lane_id, now, of)
                made = [
                    (Attempt(one.parcel(now), None, None, outcome), 0)
                    for one, outcome in zip(page, [Delivered(""), RetryAfter(None, "No.")] * limit, strict=False)
                ]
                await delivery.record(spy, workspace.id, lane_id, made, now=now, random=random.random)
            await delivery.renew_lease(spy, lane, worker_id, now)
            await delivery.release_lane(spy, lane, worker_id, delivery.Bucket(60, [0.0], now), now)
            await delivery.replay(spy, workspace.id, page[0].id, now)
            await delivery.get_delivery(spy, workspace.id, ids[-1])
            for state in (None, "queued", "delivered", "failed"):
                await delivery.search_deliveries(spy, workspace.id, state=state, limit=20)
            for sort in get_args(delivery.Sort):
                page_of = await delivery.search_deliveries(spy, workspace.id, sort=sort, limit=20)
                on = page_of.next_before_id
                await delivery.search_deliveries(spy, workspace.id, sort=sort, lane_id=lane_id, before_id=on, limit=20)
            await delivery.lane_health(spy, workspace.id, now)
            await delivery.delivered_between(spy, workspace.id, [now - timedelta(days=n) for n in range(30, 0, -1)])
