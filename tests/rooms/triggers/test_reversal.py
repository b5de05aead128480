"""Undoing an order undoes its coins and the places they took, by the rule that gave them."""

import asyncio
from itertools import permutations
from typing import Any

import pytest

from regulars import tenancy
from regulars.customers import NewCustomer
from regulars.kit.db import again_when_raced
from regulars.orders import EarningBasis, Line, OrderReport, Refund, RefundLine
from regulars.triggers import Rule
from regulars.triggers.rule import FirstOrder
from tests import make
from tests.rooms.triggers.till import Till, again


def refund(id: str, minor: int, *lines: RefundLine) -> Refund:
    return Refund(refund_id=id, amount_minor=minor, lines=lines)


async def report(till: Till, order: OrderReport, **fields: Any) -> None:
    till.clock.advance(minutes=1)
    later = again(order, source_version=till.now, **fields)
    await again_when_raced(lambda: till.take(later))


@pytest.mark.parametrize(
    ("rule", "reports", "coins"),
    [
        # 33 coins for $33.33: what stays is what the money that stays is of it, to the nearest coin.
        ({"coins_per_unit": 1}, [{"refunds": (refund("a", 3_33),)}], [30]),
        ({"coins_per_unit": 1}, [{"refunds": (refund("a", 40),)}], [33]),
        ({"coins_per_unit": 1}, [{"refunds": (refund("a", 60),)}], [32]),
        # One list after the other, each as it then stands: what was taken back is not taken twice.
        (
            {"coins_per_unit": 1},
            [{"refunds": (refund("a", 11_11),)}, {"refunds": (refund("a", 11_11),)},
             {"refunds": (refund("a", 11_11), refund("b", 11_11))}, {"status": "cancelled"}, {"status": "cancelled"}],
            [22, 22, 11, 0, 0],
        ),
        # One that is taken out of the list was none, and a cancellation may be withdrawn.
        (
            {"coins_per_unit": 1},
            [{"refunds": (refund("a", 11_11), refund("b", 11_11))}, {"refunds": (refund("b", 11_11),)}, {"refunds": ()},
             {"refunds": ()}, {"status": "cancelled"}, {"refunds": (refund("b", 11_11),)}, {"status": "cancelled"},
             {"refunds": ()}],
            [11, 22, 33, 33, 0, 22, 0, 33],
        ),
        # A number for each order goes in the same proportion, and so do factors.
        ({"coins_min": 50, "coins_max": 50}, [{"refunds": (refund("a", 16_67),)}], [25]),
        ({"coins_per_unit": 1, "factors": (FirstOrder(3),)}, [{"refunds": (refund("a", 11_11),)}], [66]),
        # What never earned costs nothing when it goes back.
        (
            {"coins_per_unit": 1, "basis": EarningBasis(products_excluded=("gift",))},
            [{"refunds": (refund("a", 13_33, RefundLine(product_id="gift", amount_minor=13_33)),)},
             {"refunds": (refund("b", 10_00, RefundLine(product_id="tea", amount_minor=10_00)),)}],
            [20, 10],
        ),
    ],
)  # fmt: skip
async def test_coins_go_back_as_the_money_does(
    till: Till, rule: dict[str, Any], reports: list[dict[str, Any]], coins: list[int]
) -> None:
    trigger = await till.trigger(Rule(**rule))
    lines = (Line(product_id="tea", amount_minor=20_00), Line(product_id="gift", amount_minor=13_33))
    order = till.order("1", "33.33", lines=lines)
    await till.take(order)
    # By the rule that gave them, not by today's.
    await till.change(trigger, rule=Rule(coins_per_unit=100, basis=EarningBasis(net_of_tax=True)))
    came = []
    for fields in reports:
        await report(till, order, **fields)
        came.append(await till.coins())
    assert came == coins
    await till.audited()


async def test_the_order_in_which_refunds_come_in_does_not_matter(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=1))
    lists = [(refund("a", 10_00),), (refund("a", 10_00), refund("b", 5_00)), (refund("a", 10_00), refund("b", 5_00))]
    for n, order in enumerate(permutations(range(3))):
        customer = NewCustomer(f"customer-{n}")
        placed = till.order(str(n), "100", customer=customer)
        await till.take(placed)
        start = till.now
        till.clock.advance(hours=1)
        for version in order:
            seen = again(placed, refunds=lists[version], source_version=start.replace(second=version + 1))
            await till.take(seen)
        assert await till.coins(f"customer-{n}") == 85, order


async def test_two_refunds_of_one_order_at_the_same_instant(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=1))
    order = till.order("1", "100")
    await till.take(order)
    till.clock.advance(minutes=1)
    seen = again(order, refunds=(refund("a", 30_00),), source_version=till.now)
    cancelled = again(order, status="cancelled", source_version=till.now)
    await asyncio.gather(*(again_when_raced(lambda one=one: till.take(one)) for one in (seen, seen, cancelled)))
    assert await till.coins() in (0, 70)  # whichever the source said last, and once
    await till.audited()


async def test_what_was_spent_already_is_owed(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=1))
    order = till.order("1", "100")
    await till.take(order)
    asha = await till.customer()
    assert asha is not None
    await make.posted(till.db, till.workspace, [make.debit(asha.id, 80, till.now)], till.now)
    await report(till, order, status="cancelled")
    await till.take(till.order("2", "100"))
    assert await till.coins() == 20
    await till.audited()


async def test_a_reward_that_is_taken_back_whole_frees_its_place_unless_the_rule_keeps_it(till: Till) -> None:
    once = {"coins_per_unit": 1, "per_customer_max": 1}
    await till.trigger(Rule(**once, budget_in_all=10))
    await till.trigger(Rule(**once, frees_place=False))
    first = till.order("1", "10")
    await till.take(first, till.order("2", "10"))
    assert await till.coins() == 20
    await report(till, first, status="cancelled")
    assert await till.coins() == 0
    [third] = await till.take(till.order("3", "10"))
    assert sorted((f.state, f.reason) for f in third.firings) == [
        ("granted", ""),
        ("refused", "customer_limit_reached"),
    ]
    assert await till.coins() == 10


async def test_a_cancelled_order_is_no_activity(till: Till) -> None:
    await till.trigger(Rule(coins_min=5, coins_max=5, on_activity_count_reached=3))
    placed = [till.order(str(n), "10") for n in range(5)]
    await till.take(*placed[:2])
    for _ in range(2):
        await report(till, placed[0], financial_status="voided")
    assert [(await till.take(one))[0].firings[0].state for one in placed[2:4]] == ["refused", "granted"]


async def test_the_txn_that_takes_back_says_why_and_by_which_rule(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=1))
    order = till.order("1", "10", name="#1001")
    await till.take(order)
    await report(till, order, refunds=(refund("a", 10_00),), financial_status="refunded")
    event, said = next(
        (e, b) for e, b in (await till.told())[::-1] if e.topic.startswith("wallet") and b["operation"] == "dr"
    )
    assert (said["title"], said["amount"], said["type"], said["reference_order_name"]) == (
        "Order refunded",
        10,
        "revert",
        "#1001",
    )
    assert event.cause_id
    [firing] = await till.firings()
    assert (firing.state, firing.amount) == ("reversed", 10)


async def test_what_comes_again_takes_its_place_again_and_is_never_more_than_was_taken(till: Till) -> None:
    async with till.db.transaction() as tx:
        changes = {"settings": {"book": {"claw_back": "pending"}}}
        till.workspace = await tenancy.change_workspace(tx, till.workspace.id, changes, till.now)
    await till.trigger(Rule(coins_per_unit=1, per_customer_max=2, on_activity_count_reached=2, budget_in_all=20))
    placed = [till.order(str(n), "10") for n in range(4)]
    await till.take(*placed[:2])
    assert await till.coins() == 10
    counted = await counters(till)
    for _ in range(2):
        # By the shop's rule nothing is taken of what can be spent already, so nothing comes again.
        await report(till, placed[1], status="cancelled")
        assert (await till.coins(), await counters(till) == counted) == (10, False)
        await report(till, placed[1])
        assert (await till.coins(), await counters(till)) == (10, counted)
    # An order that only counted counts again, too.
    await report(till, placed[0], status="cancelled")
    assert await counters(till) != counted
    await report(till, placed[0])
    assert await counters(till) == counted
    said = [body["title"] for event, body in await till.told() if event.topic.startswith("wallet")]
    assert said == ["A trigger"]
    assert [(await till.take(one))[0].firings[0].state for one in placed[2:]] == ["refused", "granted"]
    await till.audited()


async def counters(till: Till) -> list[tuple[Any, ...]]:
    sql = """SELECT subject_id, stretch, activities, amount, granted, coins FROM triggers_counter
              WHERE workspace_id = $1 ORDER BY subject_id, stretch"""
    async with till.db.reading() as tx:
        return [tuple(row) for row in await tx.fetch(sql, till.workspace.id)]
