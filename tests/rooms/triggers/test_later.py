"""What is given days later, what comes round each year, and facts that a shop names itself."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from regulars import schedule, triggers
from regulars.customers import NewCustomer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, again_when_raced
from regulars.kit.errors import Invalid, Refusal
from regulars.orders import Refund
from regulars.triggers import GIVE, GO_THROUGH, NewFact, Rule, TakenFact
from tests import make
from tests.rooms.triggers.till import Till, again

FIVE = {"coins_min": 5, "coins_max": 5}
ACTS: dict[str, Any] = {GIVE: triggers.give, GO_THROUGH: triggers.go_through}


async def due(till: Till, kind: str) -> int:
    """Everything of the kind that is due by now; how many rows they were."""
    done = 0
    while True:
        async with till.db.transaction() as tx:
            ran = await schedule.run(tx, till.workspace, kind, ACTS[kind], till.now)
        done += ran
        if not ran:
            return done


async def states(till: Till) -> list[tuple[str, str, int]]:
    return [(f.state, f.reason, f.amount) for f in await till.firings()]


async def test_a_reward_waits_for_its_day_and_has_its_place_meanwhile(till: Till) -> None:
    trigger = await till.trigger(Rule(**FIVE, after_delta_day=14, per_customer_max=1), "api")
    [fired] = await till.fire(trigger)
    assert not isinstance(fired, Refusal)
    assert (fired.firing.state, fired.firing.due_at, fired.txn) == ("waiting", till.now + timedelta(days=14), None)
    await till.fire(trigger)
    till.clock.advance(days=13, hours=23)
    assert await due(till, GIVE) == 0
    assert await till.coins() == 0
    await till.change(trigger, active=False)  # what was promised is kept
    till.clock.advance(hours=1)
    assert await due(till, GIVE) == 1
    assert await till.coins() == 5
    assert await states(till) == [("granted", "", 5), ("refused", "customer_limit_reached", 0)]
    [granted, _] = await till.firings()
    assert granted.txn_id
    assert (await till.txn(granted.txn_id)).trigger_version == 1
    await till.audited()


async def test_what_an_order_lost_before_the_day_is_not_given(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=1, after_delta_day=3, per_customer_max=2))
    part, whole = till.order("1", "10"), till.order("2", "10")
    taken = await till.take(part, whole, till.order("3", "10"))
    assert [t.recorded.order.coins_rewarded for t in taken] == [0, 0, 0]
    till.clock.advance(hours=1)
    await till.take(
        again(part, refunds=(Refund(refund_id="r", amount_minor=2_50),), source_version=till.now),
        again(whole, status="cancelled", source_version=till.now),
    )
    till.clock.advance(days=3)
    await due(till, GIVE)
    assert await till.coins() == 7
    # The one that was not given has freed its place.
    [last] = await till.take(till.order("4", "10"))
    assert last.firings[0].state == "waiting"


async def test_what_takes_coins_later_may_find_too_few(till: Till) -> None:
    takes = await till.trigger(Rule(operation="dr", **FIVE, after_delta_day=1), "api")
    await till.fire(takes)
    till.clock.advance(days=1)
    await due(till, GIVE)
    assert await states(till) == [("refused", "insufficient_balance", 0)]


async def people(till: Till, **born: date) -> None:
    gift = await till.trigger(Rule(coins_min=1, coins_max=1), "api")
    for name, dob in born.items():
        await till.fire(gift, customer=NewCustomer(f"customer-{name}", name=name, dob=dob))


@pytest.mark.parametrize(
    ("zone", "begins", "expected"),
    [
        ("UTC", "2026-02-28T00:00:00", {"leap", "last"}),
        ("UTC", "2028-02-28T00:00:00", {"last"}),
        ("UTC", "2028-02-29T00:00:00", {"leap"}),
        ("Asia/Kolkata", "2026-02-27T18:30:00", {"leap", "last"}),
        ("America/New_York", "2026-02-28T04:59:59", set()),
    ],
)
async def test_a_birthday_is_kept_in_the_shops_zone_and_a_leap_day_every_year(
    db: Database, zone: str, begins: str, expected: set[str]
) -> None:
    clock = HandClock(datetime.fromisoformat(begins).replace(tzinfo=UTC))
    till = Till(db, await make.a_workspace(db, clock.now(), time_zone=zone), clock)
    await people(till, leap=date(1992, 2, 29), last=date(1990, 2, 28), other=date(1990, 3, 28))
    condition = {"property": "age", "operator": "at_least", "value": 30}
    await till.trigger(Rule(**FIVE, condition=condition), "birthday")
    await due(till, GO_THROUGH)
    given = {name for name in ("leap", "last", "other") if await till.coins(f"customer-{name}") == 6}
    assert given == expected


async def test_birthdays_go_on_by_themselves_and_days_that_were_missed_are_made_up_for(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers.calendar.limits, "CALENDAR_CUSTOMERS_MAX", 2)
    day = till.now.date().replace(year=1990)
    born = {f"n{n}": day + timedelta(days=n // 3) for n in range(9)}
    await people(till, **born)
    trigger = await till.trigger(Rule(**FIVE), "birthday")
    await due(till, GO_THROUGH)
    assert [await till.coins(f"customer-n{n}") for n in range(9)] == [6, 6, 6, 1, 1, 1, 1, 1, 1]
    till.clock.advance(days=2, hours=5)
    await due(till, GO_THROUGH)
    assert [await till.coins(f"customer-n{n}") for n in range(9)] == [6] * 9
    # Switched off and on, or the shop moved to another zone: nobody has two birthdays in a year.
    await till.change(trigger, active=False)
    await till.change(trigger, active=True)
    till.workspace = msgspec.structs.replace(till.workspace, time_zone="Pacific/Auckland")
    await due(till, GO_THROUGH)
    till.clock.advance(days=1)
    await due(till, GO_THROUGH)
    assert [await till.coins(f"customer-n{n}") for n in range(9)] == [6] * 9
    till.clock.advance(days=362)
    await due(till, GO_THROUGH)
    assert [await till.coins(f"customer-n{n}") for n in range(3)] == [11] * 3
    await till.audited()


async def test_an_anniversary_comes_each_year(till: Till) -> None:
    await till.trigger(Rule(**FIVE), "anniversary")
    await people(till, asha=date(1990, 1, 1))
    await due(till, GO_THROUGH)
    assert await till.coins() == 1
    for years, days in ((1, 365), (2, 366)):
        till.clock.advance(days=days)
        await due(till, GO_THROUGH)
        assert await till.coins() == 1 + 5 * years
    assert [f.reference.rpartition(":")[2] for f in await till.firings() if f.reference] == [
        str(till.now.year - 1),
        str(till.now.year),
    ]


def fact(till: Till, id: str = "", name: str = "game_won", who: str = "customer-asha", **properties: Any) -> NewFact:
    return triggers.check_fact(
        NewFact(name=name, customer=NewCustomer(who), properties=properties, occurred_at=till.now, outside_id=id)
    )


async def report(till: Till, *facts: NewFact) -> list[TakenFact | Refusal]:
    async def transact() -> list[TakenFact | Refusal]:
        async with till.db.transaction() as tx:
            return await triggers.take_facts(tx, till.workspace, facts, till.now)

    return await again_when_raced(transact)


async def test_a_fact_of_the_shops_own_earns_once_under_its_id(till: Till) -> None:
    rule = Rule(**FIVE, fact="game_won", properties={"score": "number"})
    await till.trigger(msgspec.structs.replace(rule, condition=at_least("score", 100)), "fact")
    one, low, other = fact(till, "1", score=120), fact(till, "2", score=99.5), fact(till, "3", name="game_lost")
    answers = await report(till, one, low, other, fact(till, "1", score=1))
    assert [a.code if isinstance(a, Refusal) else [f.reason for f in a.firings] for a in answers] == [
        [""],
        ["conditions_not_met"],
        [],
        "key_taken",
    ]
    till.clock.advance(days=1)
    first = answers[0]
    for _ in range(2):
        [repeated] = await report(till, one)
        assert isinstance(repeated, TakenFact)
        assert isinstance(first, TakenFact)
        assert (repeated.id, repeated.repeated, repeated.firings) == (first.id, True, first.firings)
    raced = await asyncio.gather(*(report(till, fact(till, "4", score=200)) for _ in range(5)))
    assert len({a.id for each in raced for a in each if isinstance(a, TakenFact)}) == 1
    assert await till.coins() == 10
    [nameless, twin] = await report(till, fact(till, score=100), fact(till, score=100))
    assert isinstance(nameless, TakenFact)
    assert isinstance(twin, TakenFact)
    assert nameless.id != twin.id
    assert await till.coins() == 20


def at_least(name: str, value: int) -> dict[str, Any]:
    return {"property": name, "operator": "at_least", "value": value}


async def test_amounts_of_facts_are_summed(till: Till) -> None:
    await till.trigger(Rule(**FIVE, fact="walked", on_activity_amount_reached=10), "fact")
    for n, amount in enumerate((4, 5.5, 0.5, True)):
        await report(till, fact(till, str(n), name="walked", amount=amount))
    assert [f.state for f in await till.firings()] == ["refused", "refused", "granted", "refused"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "Game won"}, "name"),
        ({"properties": {"a": {"deep": 1}}}, "properties.a"),
        ({"properties": {"a": ["x", 1]}}, "properties.a"),
        ({"properties": {"customer_tier": "gold"}}, "properties"),
        ({"customer": NewCustomer("x")}, "customer.customer_id"),
        ({"outside_id": "x" * 129}, "id"),
    ],
)
def test_a_fact_that_can_not_be_is_refused_by_name(fields: dict[str, Any], wrong: str) -> None:
    given = {"name": "won", "customer": NewCustomer("customer-asha"), "occurred_at": datetime.now(UTC)}
    with pytest.raises(Invalid) as no:
        triggers.check_fact(NewFact(**(given | fields)))
    assert list(no.value.fields) == [wrong]
