"""One pipeline: whatever a trigger reacts to, the same guards stand between the fact and its reward, and each says what
it found beside what it asks for."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from regulars import limits, triggers
from regulars.customers import NewCustomer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, Tx, again_when_raced
from regulars.kit.errors import Invalid, Overtaken, Refusal
from regulars.kit.ids import new_id
from regulars.orders import EarningBasis, Line
from regulars.triggers import Evaluation, Fire, Fired, Rule, Trigger
from regulars.triggers.checking import check_rule
from regulars.triggers.firing import admit
from regulars.triggers.pipeline import Decision, Pipeline
from regulars.triggers.rule import Campaign, FirstOrder, InTier, Span
from regulars.triggers.signup import ensure
from regulars.triggers.tallies import Tally
from tests import make
from tests.rooms.triggers.till import Till

FIVE = {"coins_min": 5, "coins_max": 5}
FROM_INDIA = {"property": "customer_country", "operator": "is", "value": "ind"}


def said(answers: list[Fired | Refusal]) -> list[str]:
    return [a.code if isinstance(a, Refusal) else a.firing.reason or str(a.firing.amount) for a in answers]


async def refused(till: Till) -> list[tuple[str, str, Any, Any]]:
    """(guard, reason, value, threshold) of what was refused, oldest first."""
    return [
        (f.guard, f.reason, json.loads(f.value or "null"), json.loads(f.threshold or "null"))
        for f in await till.firings()
        if f.state == "refused"
    ]


async def test_a_call_has_conditions_and_the_refusal_says_what_was_found(till: Till) -> None:
    trigger = await till.trigger(Rule(**FIVE, condition=FROM_INDIA), "api")
    asha = NewCustomer("customer-asha", mobile="9900112233", country="ind")
    assert said(await till.fire(trigger, customer=asha)) == ["5"]
    assert said(await till.fire(trigger, customer=NewCustomer("customer-ravi"))) == ["conditions_not_met"]
    assert await refused(till) == [("condition", "conditions_not_met", ["empty"], ["the customer's country is India"])]
    assert "the customer's country is India, and it was empty" in (await till.firings())[-1].explanation


async def test_an_order_has_limits_by_the_days_on_which_it_was_placed(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=1, per_day_max=1))
    placed = [till.now - timedelta(days=days) for days in (3, 3, 2, 0, 0)]
    taken = await till.take(*(till.order(str(n), "10", placed_at=at) for n, at in enumerate(placed)))
    assert [t.firings[0].reason for t in taken] == ["", "day_limit_reached", "", "", "day_limit_reached"]
    assert [t.recorded.order.coins_rewarded for t in taken] == [10, 0, 10, 10, 0]
    told = [body["meta__coin_reward"] for event, body in await till.told() if event.topic == "order_create"]
    assert told == [10, 0, 10, 10, 0]
    assert await till.coins() == 30
    # What was counted is not asked again when the order changes.
    till.clock.advance(minutes=1)
    late = msgspec.structs.replace(
        till.order("1", "10", placed_at=placed[1]), delivery_status="fulfilled", source_version=till.now
    )
    assert (await till.take(late))[0].firings == []
    await till.audited()


async def test_orders_of_one_customer_that_race_do_not_share_a_place(till: Till) -> None:
    await till.trigger(Rule(coins_per_unit=1, per_customer_max=2, budget_in_all=25))
    await till.take(till.order("0", "1"))
    await asyncio.gather(*(till.take(till.order(str(n), "10")) for n in range(1, 5)))
    ravi = NewCustomer("customer-ravi")
    await asyncio.gather(*(till.take(till.order(f"r{n}", "7", customer=ravi)) for n in range(3)))
    assert await till.coins() == 11
    assert await till.coins("customer-ravi") == 14
    reasons = sorted(reason for _, reason, *_ in await refused(till))
    assert reasons == ["customer_limit_reached"] * 4


@pytest.mark.parametrize(
    ("rule", "fires", "expected"),
    [
        # Each third activity, whatever came between.
        ({"on_activity_count_reached": 3}, [(0, 1, 0)] * 7, ["", "", "5", "", "", "5", ""]),
        # One activity that passes two marks is rewarded once.
        ({"on_activity_count_reached": 3}, [(0, 7, 0), (0, 1, 0), (0, 1, 0)], ["5", "", "5"]),
        (
            {"on_activity_amount_reached": 100},
            [(0, 1, 60), (0, 1, 39.999), (0, 1, 0.001), (0, 1, 99)],
            ["", "", "5", ""],
        ),
        # Within a day of the shop, and anew with the next.
        (
            {"on_timeline_count_reached": 2, "timeline": "day"},
            [(0, 1, 0), (24, 1, 0), (1, 1, 0), (0, 1, 0)],
            ["", "", "5", ""],
        ),
        ({"on_timeline_amount_reached": 10, "timeline": "week"}, [(0, 1, 9), (24 * 7, 1, 9), (0, 1, 1)], ["", "", "5"]),
        ({"on_activity_count_reached": 2, "per_customer_max": 1}, [(0, 1, 0)] * 4, ["", "5", "", "customer_limit"]),
        (
            {"on_order_amount_matched": Span(10, 20)},
            [(0, 1, 9.99), (0, 1, 10), (0, 1, 20), (0, 1, 21)],
            ["", "5", "5", ""],
        ),
        ({"cool_down_minutes": 60}, [(0, 1, 0), (0.5, 1, 0), (0.5, 1, 0), (0.9, 1, 0)], ["5", "", "5", ""]),
    ],
)
async def test_marks_and_cool_downs(
    till: Till, rule: dict[str, Any], fires: list[tuple[float, int, float]], expected: list[str]
) -> None:
    trigger = await till.trigger(Rule(**FIVE, **rule), "api")
    came = []
    for hours, count, amount in fires:
        till.clock.advance(hours=hours)
        came += said(await till.fire(trigger, evaluation=Evaluation(count=count, amount=amount)))
    assert [("5" if one == "5" else "") for one in came] == [("5" if one == "5" else "") for one in expected]
    for one, wanted in zip(came, expected, strict=True):
        assert one.startswith(wanted)


async def test_every_fifth_order_earns(till: Till) -> None:
    await till.trigger(Rule(**FIVE, on_activity_count_reached=5))
    taken = [(await till.take(till.order(str(n), "10")))[0] for n in range(1, 11)]
    assert [n for n, t in enumerate(taken, 1) if t.firings[0].state == "granted"] == [5, 10]
    assert await refused(till) == [
        ("activities", "activities_not_reached", have, 5) for have in (1, 2, 3, 4, 1, 2, 3, 4)
    ]
    # Reported again, an order is no further activity.
    till.clock.advance(minutes=1)
    for n in range(1, 6):
        await till.take(till.order(str(n), "10", delivery_status="fulfilled", source_version=till.now))
    assert (await till.take(till.order("11", "10")))[0].firings[0].value == "1"


async def test_a_budget_is_of_all_customers_and_begins_anew_each_day(till: Till) -> None:
    trigger = await till.trigger(Rule(coins_min=10, coins_max=10, budget_per_day=25, budget_in_all=40), "api")
    people = [NewCustomer(f"customer-{n}") for n in range(4)]
    answers = await asyncio.gather(*(till.fire(trigger, customer=one) for one in people))
    assert sorted(code for each in answers for code in said(each)) == [
        "10",
        "10",
        "day_budget_spent",
        "day_budget_spent",
    ]
    till.clock.advance(days=1)
    assert said(await till.fire(trigger, times=3)) == ["10", "10", "day_budget_spent"]
    till.clock.advance(days=1)
    assert said(await till.fire(trigger)) == ["budget_spent"]
    assert (await refused(till))[-1] == ("budget", "budget_spent", 50, 40)


async def test_a_budget_with_plenty_left_is_held_up_by_nobody_who_still_decides(till: Till) -> None:
    trigger = await till.trigger(Rule(coins_min=10, coins_max=10, budget_per_day=1_000), "api")
    async with till.db.transaction() as tx:
        pipeline, decision = await asked(till, tx, trigger)
        await pipeline.decide(tx, [decision])
        async with asyncio.timeout(5):
            assert said(await till.fire(trigger, customer=NewCustomer("customer-ravi"))) == ["10"]
        await pipeline.carry_out(tx, [decision])
    async with till.db.reading() as tx:
        counted = await tx.fetch("SELECT granted, coins FROM triggers_counter WHERE trigger_id = $1", trigger.id)
    assert [tuple(row) for row in counted] == [(2, 20)]
    await till.audited()


async def test_a_budget_that_was_spent_meanwhile_is_decided_anew(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUDGET_LEFT_BATCHES", 0)
    trigger = await till.trigger(Rule(coins_min=10, coins_max=10, budget_in_all=45, budget_per_day=90), "api")
    with suppress(Overtaken):
        async with till.db.transaction() as tx:
            pipeline, decision = await asked(till, tx, trigger)
            await pipeline.decide(tx, [decision])
            assert said(await till.fire(trigger, times=4, customer=NewCustomer("customer-ravi"))) == ["10"] * 4
            await pipeline.carry_out(tx, [decision])
    assert await till.customer() is None  # nothing of it was done
    assert said(await till.fire(trigger)) == ["budget_spent"]

    # However many decide at once, all of it is given and no more.
    other = await till.trigger(Rule(coins_min=10, coins_max=10, budget_in_all=85), "api")

    async def fired(number: int) -> list[str]:
        one = NewCustomer(f"customer-{number}")

        async def transact() -> list[Fired | Refusal]:
            return await till.fire(other, customer=one)

        while True:
            with suppress(Overtaken):
                return said(await again_when_raced(transact))

    answers = await asyncio.gather(*map(fired, range(12)))
    assert sorted(answers) == [["10"]] * 8 + [["budget_spent"]] * 4
    await till.audited()


async def asked(till: Till, tx: Tx, trigger: Trigger) -> tuple[Pipeline, Decision]:
    """As a call asks about one customer, before it is decided."""
    pipeline = Pipeline(till.workspace, till.now, Random(1), straight=True)
    people: dict[str | UUID, Any] = {**await ensure(tx, till.workspace, [NewCustomer("customer-asha")], till.now)}
    decision = admit(Fire(trigger_id=trigger.id, customer=NewCustomer("customer-asha")), trigger, people, pipeline)
    assert isinstance(decision, Decision)
    return pipeline, decision


async def test_what_the_book_refuses_is_not_counted(till: Till) -> None:
    takes = await till.trigger(Rule(operation="dr", **FIVE, per_customer_max=1, budget_in_all=5), "api")
    gives = await till.trigger(Rule(**FIVE), "api")
    assert said(await till.fire(takes)) == ["insufficient_balance"]
    await till.fire(gives)
    assert said(await till.fire(takes, times=2)) == ["5", "customer_limit_reached"]


async def test_one_thing_is_rewarded_once_by_a_trigger(till: Till) -> None:
    trigger, other = await till.trigger(Rule(**FIVE), "api"), await till.trigger(Rule(**FIVE), "api")
    about = Evaluation(id=new_id(), type="reviews")
    first, second = await till.fire(trigger, times=2, evaluation=about)
    (again,) = await till.fire(trigger, evaluation=about)
    assert isinstance(again, Fired)
    assert first == second == msgspec.structs.replace(again, customer_created=True)
    assert (said([first]), await till.coins(), len(await till.firings())) == (["5"], 5, 1)
    assert said(await till.fire(other, evaluation=about)) == ["5"]
    assert said(await till.fire(trigger, evaluation=Evaluation(id=new_id()))) == ["5"]


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "at", "expected"),
    [
        ("2026-03-15", "", "2026-03-14T18:29:59", "not_started"),  # the shop is five and a half hours ahead
        ("2026-03-15", "", "2026-03-14T18:30:00", "5"),
        ("", "2026-03-15T09:30", "2026-03-15T03:59:59", "5"),
        ("", "2026-03-15T09:30", "2026-03-15T04:00:00", "already_ended"),
    ],
)
async def test_a_schedule_is_by_the_shops_clock(
    db: Database, starts_at: str, ends_at: str, at: str, expected: str
) -> None:
    clock = HandClock(datetime.fromisoformat(at).replace(tzinfo=UTC))
    till = Till(db, await make.a_workspace(db, clock.now(), time_zone="Asia/Kolkata"), clock)
    trigger = await till.trigger(Rule(**FIVE, starts_at=starts_at, ends_at=ends_at), "api")
    assert said(await till.fire(trigger)) == [expected]


async def test_factors_multiply_and_drop_what_is_left_of_a_coin(till: Till) -> None:
    day = till.now.strftime("%Y-%m-%d")
    await till.trigger(Rule(coins_per_unit=1, factors=(FirstOrder(2), Campaign(1.15, starts_at=day))))
    early, late = till.order("1", "10"), till.order("2", "10", placed_at=till.now - timedelta(days=2))
    # The second of them was placed before the first, and before the campaign.
    taken = await till.take(early, late, till.order("3", "10"))
    assert [t.firings[0].amount for t in taken] == [11, 20, 11]
    assert [t.recorded.order.coins_rewarded for t in taken] == [11, 20, 11]
    assert await till.coins() == 42


async def test_what_of_an_order_earns_is_the_rules_or_the_shops(till: Till) -> None:
    lines = (Line(product_id="gift-card", amount_minor=6_00), Line(product_id="tea", amount_minor=4_00))
    without = EarningBasis(products_excluded=("gift-card",), rounding="up")
    await till.trigger(Rule(coins_per_unit=1, basis=without))
    await till.trigger(Rule(coins_per_unit=1))
    taken = await till.take(till.order("1", "10", lines=lines), till.order("2", "5", lines=lines[:1]))
    assert [sorted((f.amount, f.reason) for f in t.firings) for t in taken] == [
        [(4, ""), (10, "")],
        [(0, "order_nothing_earns"), (5, "")],
    ]


async def test_a_condition_asks_about_lines_and_how_many_orders_came_before(till: Till) -> None:
    tea = {"property": "collections", "operator": "any_of", "value": ["Tea"]}
    second = {"property": "customer_orders", "operator": "is", "value": 1}
    await till.trigger(Rule(**FIVE, condition={"all": [tea, second]}))
    lines = (Line(product_id="1", amount_minor=1_00, collections=("tea",)), Line(product_id="2", amount_minor=9_00))
    taken = await till.take(*(till.order(str(n), "10", lines=lines, placed_at=till.now + timedelta(seconds=n))
                              for n in range(3)))  # fmt: skip
    assert [t.firings[0].state for t in taken] == ["refused", "granted", "refused"]


async def test_a_new_limit_counts_what_was_given_before_it(till: Till) -> None:
    trigger = await till.trigger(Rule(**FIVE), "api")
    await till.fire(trigger, times=2)
    till.clock.advance(days=1)
    await till.fire(trigger)
    limited = await till.change(trigger, rule=Rule(**FIVE, per_customer_max=4, per_day_max=2, budget_in_all=25))
    assert said(await till.fire(limited, times=2)) == ["5", "customer_limit_reached"]
    await till.change(limited, rule=Rule(**FIVE, per_day_max=2, budget_in_all=25))
    assert said(await till.fire(limited)) == ["day_limit_reached"]
    ravi = NewCustomer("customer-ravi")
    assert said(await till.fire(limited, customer=ravi, times=2)) == ["5", "budget_spent"]


async def test_limits_do_not_read_firings_which_may_be_dropped(till: Till) -> None:
    trigger = await till.trigger(Rule(**FIVE, per_customer_max=1, budget_in_all=5), "api")
    await till.fire(trigger)
    async with till.db.transaction() as tx:
        await tx.execute("DELETE FROM triggers_firing WHERE workspace_id = $1", till.workspace.id)
    assert said(await till.fire(trigger)) == ["customer_limit_reached"]
    assert said(await till.fire(trigger, customer=NewCustomer("customer-ravi"))) == ["budget_spent"]


async def test_a_welcome_has_conditions_and_a_budget(till: Till) -> None:
    await till.trigger(Rule(**FIVE, condition=FROM_INDIA, budget_in_all=5), "customer_created")
    bonus = await till.trigger(Rule(coins_min=1, coins_max=1), "api")
    for n, country in enumerate(["ind", "", "ind"]):
        await till.fire(
            bonus, customer=NewCustomer(f"customer-{n}", mobile="9900112233" if country else "", country=country)
        )
    assert [await till.coins(f"customer-{n}") for n in range(3)] == [6, 1, 1]
    assert [reason for _, reason, *_ in await refused(till)] == ["conditions_not_met", "budget_spent"]


async def test_a_kind_that_does_not_act_yet_says_so(till: Till) -> None:
    trigger = await till.trigger(Rule(), "api", kind="event")
    assert said(await till.fire(trigger)) == ["effect_unavailable"]
    assert "send no events of their own yet" in (await till.firings())[0].explanation


@pytest.mark.parametrize(
    ("source", "rule", "field"),
    [
        ("order", {"coins_per_unit": 1, "operation": "dr"}, "operation"),
        ("order", {"coins_per_unit": 1, "coins_min": 5}, "coins_per_unit"),
        ("order", {"coins_per_unit": 1, "factors": (InTier(2, ""),)}, "factors[0].tier"),
        ("order", {"coins_per_unit": 1, "basis": EarningBasis(rounding="off")}, "basis.rounding"),  # type: ignore[arg-type]
        ("api", {**FIVE, "earn_when": "placed"}, "earn_when"),
        ("api", {**FIVE, "basis": EarningBasis()}, "basis"),
        ("api", {**FIVE, "fact": "x"}, "fact"),
        ("api", {**FIVE, "factors": (FirstOrder(2),)}, "factors[0].type"),
        ("api", {**FIVE, "factors": (Campaign(2),)}, "factors[0].starts_at"),
        ("api", {**FIVE, "factors": (Campaign(0, "2026-01-01"),)}, "factors[0].factor"),
        ("api", {**FIVE, "starts_at": "tomorrow"}, "starts_at"),
        ("api", {**FIVE, "starts_at": "2026-01-01T00:00:00+01:00"}, "starts_at"),
        ("api", {**FIVE, "starts_at": "2026-01-02", "ends_at": "2026-01-02"}, "ends_at"),
        ("api", {**FIVE, "condition": {"property": "moon", "operator": "is", "value": "x"}}, "condition.property"),
        ("api", {**FIVE, "on_order_amount_matched": Span(5, 4)}, "on_order_amount_matched"),
        ("customer_created", {**FIVE, "on_activity_count_reached": 2}, "on_activity_count_reached"),
        ("birthday", {**FIVE, "per_day_max": 2}, "per_day_max"),
        ("fact", FIVE, "fact"),
        ("fact", {**FIVE, "fact": "won", "properties": {"customer_x": "text"}}, "properties"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(source: Any, rule: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as no:
        check_rule(source, Rule(**rule))
    assert field in no.value.fields


async def test_what_changed_between_two_versions_is_said(till: Till) -> None:
    trigger = await till.trigger(Rule(**FIVE), "api")
    await till.change(trigger, rule=Rule(coins_min=7, coins_max=7, per_day_max=2, condition=FROM_INDIA))
    async with till.db.reading() as tx:
        (_, newest), (_, first) = await triggers.versions_of(tx, till.workspace.id, trigger.id)
    assert newest == [
        "Coins, at least: 5, then 7",
        "Coins, at most: 5, then 7",
        "Only when: none, then the customer's country is India",
        "Times a day: no limit, then 2",
    ]
    assert first == []


def test_a_stretch_is_of_the_shops_calendar(workspace: Any) -> None:
    shop = msgspec.structs.replace(workspace, time_zone="Asia/Kolkata")
    tally = Tally(shop)
    at = datetime(2026, 12, 31, 18, 30, tzinfo=UTC)
    assert [tally.stretch(name, at) for name in ("day", "week", "month", "year")] == [
        "2027-01-01",
        "2026-W53",
        "2027-01",
        "2027",
    ]
