"""Fire triggers by a call: who for, how many coins, how often."""

import asyncio
from datetime import UTC, date, datetime
from random import Random

import msgspec
import pytest

from regulars.customers import NewCustomer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Refusal
from regulars.kit.ids import new_id
from regulars.triggers import Fired, Override, Rule
from tests import make
from tests.rooms.triggers.till import Till

TEN = Rule(title="Bonus", coins_min=10, coins_max=10)


def codes(answers: list[Fired | Refusal]) -> list[str]:
    return [a.code if isinstance(a, Refusal) else a.firing.reason or "granted" for a in answers]


async def test_what_is_unknown_stores_nothing(till: Till) -> None:
    on_orders, closed = await till.trigger(Rule(coins_per_unit=1)), await till.trigger(TEN, "api")
    missing = closed.__class__(new_id(), *[getattr(closed, name) for name in closed.__struct_fields__[1:]])
    assert codes(await till.fire(missing)) == ["unknown_trigger"]
    assert codes(await till.fire(on_orders)) == ["unknown_trigger"]
    assert codes(await till.fire(closed, open_only=True)) == ["trigger_not_open"]
    assert codes(await till.fire(closed, customer=None, lead_id=new_id())) == ["unknown_customer"]
    assert codes(await till.fire(closed, customer=None)) == ["unknown_customer"]
    assert await till.customer() is None
    assert await till.firings() == []
    assert await till.told() == []


async def test_an_unknown_customer_is_created_with_all_that_was_said(till: Till) -> None:
    trigger = await till.trigger(msgspec.structs.replace(TEN, per_month_max=9), "api", open=True)
    said = NewCustomer(
        "customer-asha", "Asha Rao", "asha@a.shop", "9900112233", "ind", "female", date(1990, 5, 26), "ASHA-1"
    )
    first, second = await till.fire(trigger, customer=said, times=2, open_only=True)
    assert isinstance(first, Fired)
    assert isinstance(second, Fired)
    kept = first.customer
    assert [getattr(kept, field) for field in said.__struct_fields__] == [
        getattr(said, field) for field in said.__struct_fields__
    ]
    assert first.customer_created
    [known] = await till.fire(trigger, customer=NewCustomer("customer-asha", "Somebody Else"))
    assert isinstance(known, Fired)
    assert (known.customer_created, known.customer.name) == (False, "Asha Rao")
    taken = NewCustomer("customer-ravi", referral_code="ASHA-1")
    assert codes(await till.fire(trigger, customer=taken)) == ["invalid"]
    topics = [event.topic for event, _ in await till.told()]
    assert topics == ["lead_create", *["walletreward_create"] * 3]


async def test_the_lead_id_wins(till: Till) -> None:
    trigger = await till.trigger(TEN, "api")
    ravi = await make.a_customer(till.db, till.workspace, till.now, "Ravi")
    [fired] = await till.fire(trigger, lead_id=ravi.id)
    assert isinstance(fired, Fired)
    assert fired.customer.id == ravi.id
    assert await till.customer("customer-asha") is None


async def test_an_override_counts_where_it_is_allowed(till: Till) -> None:
    strict, free = await till.trigger(TEN, "api"), await till.trigger(TEN, "api", allow_override=True)
    override = Override(title="Told", description="", coins_min=3, coins_max=3)
    for trigger, title, amount in ((strict, "Bonus", 10), (free, "Told", 3)):
        [fired] = await till.fire(trigger, override=override)
        assert isinstance(fired, Fired)
        assert fired.txn
        assert (fired.txn.title, fired.txn.amount) == (title, amount)
    [taken] = await till.fire(free, override=Override(operation="dr"))
    assert isinstance(taken, Fired)
    assert taken.txn
    assert (taken.txn.operation, taken.txn.type, taken.txn.closing_balance) == ("dr", "redeem", 3)


async def test_coins_of_a_range_are_drawn_by_the_random_that_is_given(till: Till) -> None:
    trigger = await till.trigger(Rule(coins_min=5, coins_max=8), "api")
    drawn = [a.firing.amount for a in await till.fire(trigger, times=40, random=Random(7)) if isinstance(a, Fired)]
    expected = Random(7)
    assert drawn == [expected.randint(5, 8) for _ in range(40)]
    assert set(drawn) == {5, 6, 7, 8}


async def test_what_is_switched_off_or_not_covered_is_kept_with_its_reason(till: Till) -> None:
    off = await till.trigger(TEN, "api", active=False)
    takes = await till.trigger(Rule(operation="dr", coins_min=25, coins_max=25), "api")
    gives = await till.trigger(TEN, "api")
    assert codes(await till.fire(off)) == ["trigger_inactive"]
    assert codes(await till.fire(takes)) == ["insufficient_balance"]
    await till.fire(gives, times=3)
    assert codes(await till.fire(takes, times=2)) == ["granted", "insufficient_balance"]
    kept = await till.firings()
    assert [(f.state, f.amount, f.txn_id is None) for f in kept if f.trigger_id != gives.id] == [
        ("refused", 0, True),
        ("refused", 0, True),
        ("granted", 25, False),
        ("refused", 0, True),
    ]
    assert all(f.explanation for f in kept if f.state == "refused")
    assert await till.coins() == 5
    await till.audited()


@pytest.mark.parametrize(
    ("zone", "start", "inside", "outside"),
    [
        ("UTC", "2026-03-14T00:00:00", "2026-03-14T23:59:59", "2026-03-15T00:00:00"),
        ("Asia/Kolkata", "2026-03-14T18:30:00", "2026-03-15T18:29:59", "2026-03-15T18:30:00"),
        # 23 hours, and 25 of them.
        ("America/New_York", "2026-03-08T05:00:00", "2026-03-09T03:59:59", "2026-03-09T04:00:00"),
        ("America/New_York", "2026-11-01T04:00:00", "2026-11-02T04:59:59", "2026-11-02T05:00:00"),
        # Midnight comes twice, or not at all.
        ("America/Havana", "2026-11-01T04:00:00", "2026-11-01T05:30:00", "2026-11-02T05:00:00"),
        ("Asia/Beirut", "2026-03-28T22:00:00", "2026-03-29T20:59:59", "2026-03-29T21:00:00"),
    ],
)
async def test_a_day_is_the_shops_day(db: Database, zone: str, start: str, inside: str, outside: str) -> None:
    clock = HandClock(datetime.fromisoformat(start).replace(tzinfo=UTC))
    till = Till(db, await make.a_workspace(db, clock.now(), time_zone=zone), clock)
    trigger = await till.trigger(Rule(coins_min=1, coins_max=1, per_day_max=1), "api")
    assert codes(await till.fire(trigger)) == ["granted"]
    for at, expected in ((inside, "day_limit_reached"), (outside, "granted")):
        clock.advance(seconds=(datetime.fromisoformat(at).replace(tzinfo=UTC) - clock.now()).total_seconds())
        assert codes(await till.fire(trigger)) == [expected], at


async def test_a_month_is_the_shops_month(db: Database) -> None:
    clock = HandClock(datetime(2026, 1, 31, 18, 29, tzinfo=UTC))
    till = Till(db, await make.a_workspace(db, clock.now(), time_zone="Asia/Kolkata"), clock)
    trigger = await till.trigger(Rule(coins_min=1, coins_max=1, per_day_max=2, per_month_max=3), "api")
    assert codes(await till.fire(trigger, times=3)) == ["granted", "granted", "day_limit_reached"]
    clock.advance(minutes=1)
    assert codes(await till.fire(trigger, times=2)) == ["granted", "granted"]
    clock.advance(days=1)
    assert codes(await till.fire(trigger, times=2)) == ["granted", "month_limit_reached"]
    clock.advance(days=26, hours=23, minutes=59)
    assert codes(await till.fire(trigger)) == ["month_limit_reached"]
    clock.advance(minutes=1)
    assert codes(await till.fire(trigger)) == ["granted"]


async def test_calls_that_race_cannot_both_be_the_last_one(till: Till) -> None:
    trigger = await till.trigger(Rule(coins_min=1, coins_max=1, per_day_max=3), "api")
    await till.fire(trigger)
    answers = await asyncio.gather(*(till.fire(trigger) for _ in range(8)))
    assert sorted(code for each in answers for code in codes(each)) == ["day_limit_reached"] * 6 + ["granted"] * 2
    assert await till.coins() == 3


async def test_limits_are_of_one_customer_and_one_trigger(till: Till) -> None:
    once = Rule(coins_min=1, coins_max=1, per_day_max=1)
    one, other = await till.trigger(once, "api"), await till.trigger(once, "api")
    for trigger in (one, other):
        for customer in ("customer-asha", "customer-ravi"):
            assert codes(await till.fire(trigger, customer=NewCustomer(customer))) == ["granted"]
    assert codes(await till.fire(one, times=2)) == ["day_limit_reached"] * 2


async def test_another_shops_trigger_is_unknown(till: Till, db: Database) -> None:
    other = Till(db, await make.a_workspace(db, till.now), till.clock)
    assert codes(await other.fire(await till.trigger(TEN, "api"))) == ["unknown_trigger"]
