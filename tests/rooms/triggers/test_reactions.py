"""Orders and what they earn: once per trigger, whatever is reported, how often, by how many at once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from regulars import limits, triggers
from regulars.customers import NewCustomer
from regulars.kit.db import again_when_raced
from regulars.kit.errors import Refusal
from regulars.orders import OrderReport
from regulars.triggers import Rule, Taken
from tests import make
from tests.rooms.triggers.till import Till, again

ONE_EACH = Rule(coins_per_unit=1)


def outcomes(taken: Taken) -> list[tuple[str, str, int]]:
    return [(firing.state, firing.reason, firing.amount) for firing in taken.firings]


async def test_an_order_earns_once_however_often_it_is_reported(till: Till) -> None:
    await till.trigger(Rule(title="Purchase", coins_per_unit=3))
    order = till.order(amount="12.99")
    [taken] = await till.take(order)
    assert taken.recorded.change == "created"
    assert outcomes(taken) == [("granted", "", 36)]
    [again_] = await till.take(order)
    assert (again_.recorded.change, again_.firings) == ("unchanged", [])
    till.clock.advance(hours=1)
    [bigger] = await till.take(again(order, amount_minor=99_00, source_version=till.now))
    assert (bigger.recorded.change, bigger.firings) == ("updated", [])
    assert await till.coins() == 36
    assert bigger.recorded.order.coins_rewarded == 36
    await till.audited()


async def test_the_order_is_told_before_its_coins_which_name_it_as_their_cause(till: Till) -> None:
    await till.trigger(ONE_EACH)
    [taken] = await till.take(till.order(amount="12.99"))
    (lead, _), (order, said), (reward, coins) = await till.told()
    assert [lead.topic, order.topic, reward.topic] == ["lead_create", "order_create", "walletreward_create"]
    assert taken.recorded.event_id == order.id
    assert (order.cause_id, order.depth) == (None, 0)
    assert (reward.cause_id, reward.depth) == (order.id, 1)
    assert (said["meta__coin_reward"], said["meta__is_rewarded"], said["fiat_amount"]) == (12, True, 12.99)
    assert coins["activity_id"] == str(taken.firings[0].id)
    assert coins["amount"] == 12


async def test_one_call_may_report_an_order_several_times(till: Till) -> None:
    await till.trigger(ONE_EACH)
    order = till.order(financial_status="pending")
    later = till.now + timedelta(minutes=1)
    taken = await till.take(order, till.order("2", "5"), again(order, financial_status="paid", source_version=later))
    assert [t.recorded.change for t in taken] == ["created", "created", "updated"]
    assert [outcomes(t) for t in taken] == [
        [("refused", "order_not_paid", 0)],
        [("granted", "", 5)],
        [("granted", "", 12)],
    ]
    assert await till.coins() == 17


async def test_an_older_report_changes_nothing_also_after_one_that_only_confirmed(till: Till) -> None:
    await till.trigger(ONE_EACH)
    order = till.order()
    await till.take(order)
    till.clock.advance(hours=2)
    assert (await till.take(again(order, source_version=till.now)))[0].recorded.change == "unchanged"
    late = again(order, amount_minor=5_00, source_version=till.now - timedelta(hours=1))
    [stale] = await till.take(late)
    assert (stale.recorded.change, stale.recorded.order.amount_minor) == ("stale", 12_99)
    assert [event.topic for event, _ in await till.told()] == ["lead_create", "order_create", "walletreward_create"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount_minor": 0}, "order_amount_zero"),
        ({"amount_minor": 99}, "order_amount_below_unit"),
        ({"financial_status": "pending"}, "order_not_paid"),
        ({"financial_status": "authorized"}, "order_not_paid"),
        ({"financial_status": "voided"}, "order_cancelled"),
        ({"financial_status": "refunded"}, "order_cancelled"),
        ({"status": "cancelled"}, "order_cancelled"),
        ({"currency_code": "eur"}, "order_other_currency"),
    ],
)
async def test_what_earns_nothing_is_kept_with_its_reason_once(till: Till, fields: dict[str, Any], reason: str) -> None:
    await till.trigger(ONE_EACH)
    order = till.order(**fields)
    [taken] = await till.take(order)
    assert outcomes(taken) == [("refused", reason, 0)]
    assert taken.firings[0].explanation
    assert taken.recorded.order.coins_rewarded == 0
    till.clock.advance(minutes=1)
    await till.take(order)
    [renamed] = await till.take(again(order, name="#1", source_version=till.now))
    assert renamed.firings == []
    assert [firing.reason for firing in await till.firings()] == [reason]
    *_, (_, said) = await till.told()
    assert (said["meta__coin_reward"], said["meta__is_rewarded"]) == (0, "")


async def test_more_coins_than_a_book_holds_are_refused(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=limits.COINS_MAX))
    [taken] = await till.take(till.order(amount="9999999"))
    assert outcomes(taken) == [("refused", "order_earns_too_much", 0)]


async def test_a_wallet_that_is_full_is_a_reason_too(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=limits.COINS_MAX))
    await till.take(*(till.order(str(n), "1000000") for n in range(9)))
    [taken] = await till.take(till.order("9", "1000000"))
    assert [(state, amount) for state, _, amount in outcomes(taken)] == [("refused", 0)]
    await till.audited()


async def test_an_order_earns_when_it_is_paid_and_has_as_much_after_a_detour(till: Till) -> None:
    await till.trigger(ONE_EACH)
    order = till.order(financial_status="pending")
    for status, expected, coins in [
        ("pending", [("refused", "order_not_paid", 0)], 0),
        ("paid", [("granted", "", 12)], 12),
        ("voided", [], 0),
        ("voided", [], 0),
        ("paid", [], 12),
        ("paid", [], 12),
    ]:
        till.clock.advance(minutes=1)
        [taken] = await till.take(again(order, financial_status=status, source_version=till.now))
        assert outcomes(taken) == expected, status
        assert await till.coins() == coins
    assert [f.state for f in await till.firings()] == ["refused", "granted"]
    await till.audited()


async def test_each_trigger_earns_when_the_order_is_as_far_as_it_asks(till: Till) -> None:
    paid = await till.trigger(Rule(coins_per_unit=1))
    fulfilled = await till.trigger(Rule(coins_per_unit=10, earn_when="fulfilled"))
    placed = await till.trigger(Rule(coins_per_unit=100, earn_when="placed"))
    await till.trigger(Rule(coins_per_unit=1_000), active=False)
    order = till.order(amount="2", financial_status="pending")
    [first] = await till.take(order)
    assert {f.trigger_id: f.state for f in first.firings} == {
        paid.id: "refused",
        fulfilled.id: "refused",
        placed.id: "granted",
    }
    till.clock.advance(minutes=1)
    [then] = await till.take(again(order, financial_status="paid", source_version=till.now))
    assert [(f.trigger_id, f.amount) for f in then.firings] == [(paid.id, 2)]
    till.clock.advance(minutes=1)
    [last] = await till.take(
        again(order, financial_status="paid", delivery_status="fulfilled", source_version=till.now)
    )
    assert [(f.trigger_id, f.amount) for f in last.firings] == [(fulfilled.id, 20)]
    said = [body["meta__coin_reward"] for event, body in await till.told() if event.topic.startswith("order_")]
    assert said == [200, 202, 222]
    assert await till.coins() == 222


async def test_what_is_given_names_the_version_that_gave_it(till: Till) -> None:
    trigger = await till.trigger(ONE_EACH)
    [first] = await till.take(till.order("1", "10"))
    await till.change(trigger, rule=Rule(coins_per_unit=2))
    [second] = await till.take(till.order("2", "10"))
    assert [(t.firings[0].trigger_version, t.firings[0].amount) for t in (first, second)] == [(1, 10), (2, 20)]
    for taken, version in ((first, 1), (second, 2)):
        txn_id = taken.firings[0].txn_id
        assert txn_id is not None
        assert (await till.txn(txn_id)).trigger_version == version


async def test_an_order_that_was_told_to_wait_earns_also_when_the_rule_has_changed_since(till: Till) -> None:
    trigger = await till.trigger(Rule(coins_per_unit=1, earn_when="fulfilled"))
    order = till.order()
    assert outcomes((await till.take(order))[0]) == [("refused", "order_not_fulfilled", 0)]
    await till.change(trigger, rule=Rule(coins_per_unit=1, earn_when="paid"))
    till.clock.advance(minutes=1)
    [taken] = await till.take(again(order, delivery_status="fulfilled", source_version=till.now))
    assert outcomes(taken) == [("granted", "", 12)]


async def test_a_younger_trigger_does_not_make_up_for_orders_it_never_saw(till: Till) -> None:
    order = till.order()
    assert (await till.take(order))[0].firings == []
    await till.trigger(ONE_EACH)
    till.clock.advance(minutes=1)
    assert (await till.take(again(order, name="#1", source_version=till.now)))[0].firings == []


async def test_customers_totals_follow_their_orders(till: Till) -> None:
    first, second = till.order("1", "10"), till.order("2", "5.50")
    await till.take(first, second, till.order("3", "7", currency_code="eur"))

    async def totals() -> tuple[dict[str, int], int]:
        customer = await till.customer()
        assert customer is not None
        return customer.spent, customer.orders_count

    async def said(usd: int, report: OrderReport, **fields: Any) -> None:
        till.clock.advance(minutes=1)
        await till.take(again(report, **fields, source_version=till.now))
        assert await totals() == ({"usd": usd, "eur": 7_00}, 3)

    assert await totals() == ({"usd": 15_50, "eur": 7_00}, 3)
    await said(13_50, first, amount_minor=8_00)
    await said(8_00, second, status="cancelled")
    await said(13_50, second, status="completed")
    for gone in ("refunded", "voided"):
        await said(8_00, second, financial_status=gone)
        await said(13_50, second, financial_status="paid")
    await said(13_50, second, financial_status="partially_refunded")
    till.clock.advance(minutes=1)
    await till.take(again(first, currency_code="jpy", amount_minor=900, source_version=till.now))
    assert await totals() == ({"usd": 5_50, "eur": 7_00, "jpy": 900}, 3)


async def test_a_report_from_the_future_closes_no_order_to_the_next_one(till: Till) -> None:
    hours_ahead = till.now + timedelta(hours=7)
    first = till.order(financial_status="pending", source_version=hours_ahead)
    await till.take(first)
    till.clock.advance(minutes=1)
    [paid] = await till.take(again(first, financial_status="paid", source_version=till.now))
    assert (paid.recorded.change, paid.recorded.order.financial_status) == ("updated", "paid")
    # The same file again is no news, neither now nor when its hour has come.
    for _ in range(2):
        till.clock.advance(hours=4)
        [old] = await till.take(first)
        assert (old.recorded.change, old.recorded.order.financial_status) == ("stale", "paid")
    till.clock.advance(minutes=1)
    [back] = await till.take(again(first, financial_status="voided", source_version=till.now))
    assert back.recorded.order.financial_status == "voided"


async def test_a_file_that_is_ahead_can_be_mended_and_read_again(till: Till) -> None:
    first = till.order(amount="12", source_version=till.now + timedelta(hours=7))
    await till.take(first)
    till.clock.advance(minutes=1)
    [mended] = await till.take(again(first, amount_minor=13_00))
    assert (mended.recorded.change, mended.recorded.order.amount_minor) == ("updated", 13_00)


@pytest.mark.parametrize("field", ["placed_at", "source_version"])
async def test_a_time_that_no_zone_is_ahead_by_is_refused(till: Till, field: str) -> None:
    late = again(till.order(), **{field: till.now + timedelta(hours=25)})
    async with till.db.transaction() as tx:
        answers = await triggers.take_orders(tx, till.workspace, [late, till.order("2")], till.now)
    assert isinstance(answers[0], Refusal)
    assert list(answers[0].fields) == [{"source_version": "updated_at"}.get(field, field)]
    assert isinstance(answers[1], Taken)


async def test_what_has_expired_is_available_to_no_page_answer_or_event(till: Till) -> None:
    await till.trigger(ONE_EACH)
    await till.take(till.order("1", "10"))
    asha = await till.customer()
    assert asha is not None
    soon = till.now + timedelta(days=1)
    await make.posted(till.db, till.workspace, [make.credit(asha.id, 100, till.now, expires_at=soon)], till.now)
    assert await till.coins() == 110
    till.clock.advance(days=2)
    assert await till.coins() == 10
    [taken] = await till.take(till.order("2", "5"))
    assert await till.coins() == 15
    told = [(event.topic, body["user_available_balance"]) for event, body in (await till.told())[-4:]]
    assert told == [
        ("order_create", 10),
        ("walletreward_create", 10),
        ("wallettrasaction_update", 10),
        ("walletreward_create", 15),
    ]
    txn_id = taken.firings[0].txn_id
    assert txn_id is not None
    assert (await till.txn(txn_id)).closing_balance == 15
    await till.audited()


async def test_an_order_stays_with_its_customer(till: Till) -> None:
    await till.trigger(ONE_EACH)
    order = till.order()
    await till.take(order)
    till.clock.advance(minutes=1)
    other = NewCustomer("customer-ravi", email="ravi@a.shop")
    [taken] = await till.take(again(order, customer=other, delivery_status="fulfilled", source_version=till.now))
    asha = await till.customer()
    assert asha is not None
    assert (taken.recorded.change, taken.recorded.order.customer_id) == ("updated", asha.id)
    *_, (event, said) = await till.told()
    assert (event.topic, said["lead_id"], said["user_email"]) == ("order_update", str(asha.id), "asha@a.shop")


async def test_reported_by_many_at_once_it_is_one_order_with_one_reward(till: Till) -> None:
    await till.trigger(ONE_EACH)
    orders = [till.order(str(n), "10", customer=NewCustomer(f"customer-{n % 3}")) for n in range(12)]

    async def report(shift: int) -> list[Taken]:
        turned = orders[shift:] + orders[:shift]
        return await again_when_raced(lambda: till.take(*turned))

    taken = await asyncio.gather(*(report(shift) for shift in (0, 3, 6, 9)))
    changes = [t.recorded.change for each in taken for t in each]
    assert (changes.count("created"), changes.count("unchanged")) == (12, 36)
    assert [await till.coins(f"customer-{n}") for n in range(3)] == [40, 40, 40]
    assert len(await till.firings()) == 12
    await till.audited()
