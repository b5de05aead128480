"""Reports of one order that are taken at one moment wait for each other at the order, and end as one."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from regulars import orders, triggers
from regulars.kit.db import again_when_raced
from regulars.orders import Order, OrderReport, Refund
from regulars.triggers import Taken
from tests.rooms.triggers.till import Till

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("told", ["alone", "in lists"])
async def test_two_refunds_of_one_order_at_the_same_instant_both_count(till: Till, told: str) -> None:
    (placed,) = await till.take(till.order(amount="100.00"))
    till.clock.advance(hours=1)
    refunds = [Refund(refund_id=f"r{n}", amount_minor=10_00, refunded_at=till.now) for n in range(4)]

    def report(refund: Refund) -> OrderReport:
        if told == "alone":
            return orders.check(orders.refund_report(placed.recorded.order, "customer-asha", refund))
        return till.order(
            amount="100.00", placed_at=placed.recorded.order.placed_at, source_version=till.now, refunds=(refund,)
        )

    async def take(refund: Refund) -> Taken:
        async def transact() -> list[Any]:
            async with till.db.transaction() as tx:
                return await triggers.take_orders(tx, till.workspace, [report(refund)], till.now)

        (taken,) = await again_when_raced(transact)
        assert isinstance(taken, Taken)
        return taken

    taken = await asyncio.gather(*map(take, refunds))
    assert [one.recorded.change for one in taken] == ["updated"] * 4
    assert all(one.recorded.revalued for one in taken)
    kept = await the_order(till)
    assert (kept.refunds, kept.kept_minor) == (tuple(refunds), 60_00)
    customer = await till.customer()
    assert customer is not None
    assert customer.spent == {"usd": 60_00}
    again = await asyncio.gather(*map(take, refunds))
    assert {one.recorded.change for one in again} <= {"unchanged", "stale"}
    await till.take(till.order(amount="100.00", status="cancelled", source_version=till.now + timedelta(seconds=1)))
    assert (await till.customer()).spent == {"usd": 0}  # type: ignore[union-attr]
    assert (await the_order(till)).refunds == tuple(refunds)


async def the_order(till: Till) -> Order:
    async with till.db.reading() as tx:
        found = await orders.find_named(tx, till.workspace.id, [("till", "1")])
    return found["till", "1"]
