"""Customers are told of coins that expire or lie unused: at the shop's hour, once for one reason."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import events, ledger, limits, reminders, rewards, schedule
from regulars.customers import Customer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, Tx
from regulars.ledger import Entry
from regulars.reminders import ReminderRules
from regulars.reminders.rules import UNITS, stretch, told_of
from regulars.rewards import Ask, Coupon, Issued, Terms, Use
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.wiring import change_shop, open_shop
from tests import make
from tests.conftest import fresh_database

HANDLERS = {
    reminders.EXPIRING: reminders.tell_expiring,
    reminders.UNUSED: reminders.tell_unused,
    reminders.COUPONS: reminders.tell_unused,
}
TOLD = {
    "coinexpirynotify_create": ("wallet_expiry_unit", "wallet_expiry_amount"),
    "unusedwalletcoinrequest_create": ("meta__unusedwalletcoinrequest_count", "user_available_balance"),
    "unusedcouponrequest_create": ("value", "status"),
}
ZONE = ZoneInfo("America/New_York")
BEGIN = datetime(2026, 3, 1, 15, tzinfo=UTC)  # 10:00 of the shop


@pytest.fixture(scope="module")
def url(server_url: str) -> str:
    """Of these tests alone: every shop's rows are done."""
    return asyncio.run(fresh_database(server_url))


class Diary:
    """A shop whose days pass, and what its customers were told."""

    def __init__(self, db: Database, shop: Workspace, people: dict[str, Customer]) -> None:
        self.db, self.shop, self.people = db, shop, people
        self.clock = HandClock(BEGIN)

    def at(self, text: str) -> datetime:
        """`03-14 10:00` of the shop's year and clock."""
        return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=self.shop.zone).astimezone(UTC)

    async def until(self, text: str) -> None:
        """Time passes, from what is due to what is due, and a worker is there."""
        end = self.at(text)
        while self.clock.now() < end:
            async with self.db.reading() as tx:
                first = await schedule.first_due(tx, HANDLERS)
            at = max(min(*first.values(), end), self.clock.now())
            self.clock.advance(seconds=(at - self.clock.now()).total_seconds())
            await make.done(self.db, self.clock, HANDLERS)

    async def away_until(self, text: str) -> None:
        self.clock.advance(seconds=(self.at(text) - self.clock.now()).total_seconds())

    async def move(self, name: str, amount: int, ends_on: str = "") -> None:
        """Coins given, to the end of that day of the shop, or spent."""
        ends_at = self.at(f"{ends_on} 00:00") + timedelta(days=1) if ends_on else None
        given: dict[str, Any] = {"customer_id": self.people[name].id, "occurred_at": self.clock.now()}
        entry = (
            Entry(operation="cr", amount=amount, type="reward", expires_at=ends_at, **given)
            if amount > 0
            else Entry(operation="dr", amount=-amount, type="redeem", **given)
        )
        (outcome,) = await make.posted(self.db, self.shop, [entry], self.clock.now())
        assert isinstance(outcome, ledger.Posted)

    async def coupon(self, name: str, days: int = 0) -> Coupon:
        """Given now, good for so many days."""
        now = self.clock.now()
        async with self.db.transaction() as tx:
            terms = Terms(discount="percent", value=10, expires_after_days=days)
            offer = await rewards.create_offer(tx, self.shop, "Gift", terms, now)
            ask = Ask(customer_id=self.people[name].id, offer_id=offer.id, type="reward")
            (issued,) = await rewards.issue(tx, self.shop, [ask], now)
        assert isinstance(issued, Issued)
        return issued.coupon

    async def change(self, **changes: Any) -> None:
        async with self.db.transaction() as tx:
            self.shop = await change_shop(tx, self.shop, changes, self.clock.now())

    async def rules(self, **rules: Any) -> None:
        """As said, and else as for everybody."""
        await self.change(settings={"reminders": dict.fromkeys(ReminderRules.__struct_fields__) | rules})

    async def told(self) -> list[tuple[Any, ...]]:
        """Oldest first: when by the shop's clock, whom, and of what."""
        names = {person.id: name for name, person in self.people.items()}
        found = []
        async with self.db.reading() as tx:
            for topic, keys in TOLD.items():
                for event in await events.recent(tx, self.shop.id, topic=topic, limit=100):
                    said = msgspec.json.decode(event.body)
                    what = [said[key] for key in keys]
                    at = event.occurred_at.astimezone(self.shop.zone).strftime("%m-%d %H:%M")
                    found.append((at, names[event.customer_id], *what))
        return sorted(found, key=str)


@pytest.fixture
async def diary(url: str) -> AsyncIterator[Diary]:
    db = await Database.connect(url)
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM schedule_due")
        shop = await open_shop(tx, "Corner Shop", now=BEGIN - timedelta(hours=1), time_zone=ZONE.key)
    people = await make.some_customers(db, shop, BEGIN, "Asha", "Bo", "Cleo", "Dana", "Eli")
    yield Diary(db, shop, people)
    await db.close()


async def test_a_customer_is_told_a_month_a_week_and_a_day_before_at_the_shops_hour(diary: Diary) -> None:
    await diary.move("Asha", 100, "04-30")
    await diary.move("Asha", 20, "04-30")
    await diary.move("Asha", 7, "05-01")
    await diary.move("Bo", 50, "04-30")
    await diary.move("Cleo", 50, "04-30")
    await diary.move("Dana", 10)
    await diary.until("04-10 12:00")
    await diary.move("Asha", -15)
    await diary.move("Bo", -50)
    await diary.until("05-03 12:00")
    assert await diary.told() == [
        ("03-30 10:00", "Asha", "month", 120),
        ("03-30 10:00", "Bo", "month", 50),
        ("03-30 10:00", "Cleo", "month", 50),
        ("04-01 10:00", "Asha", "month", 7),
        ("04-23 10:00", "Asha", "week", 105),
        ("04-23 10:00", "Cleo", "week", 50),
        ("04-24 10:00", "Asha", "week", 7),
        ("04-29 10:00", "Asha", "day", 105),
        ("04-29 10:00", "Cleo", "day", 50),
        ("04-30 10:00", "Asha", "day", 7),
    ]
    async with diary.db.reading() as tx:
        (newest,) = await events.recent(tx, diary.shop.id, topic="coinexpirynotify_create", limit=1)
    said = msgspec.json.decode(newest.body)
    assert (said["wallet_expiry_estimated_on"], said["wallet_expiry_formatted_estimated_on"]) == (
        "2026-05-02T04:00:00.000Z",
        "May 2nd 2026, 12:00:00 am",
    )
    assert said["user_available_balance"] == 112


async def test_coins_that_come_late_are_told_of_as_far_as_there_is_time(diary: Diary) -> None:
    await diary.until("03-02 12:00")
    await diary.move("Asha", 5, "03-07")
    await diary.move("Bo", 5, "03-02")
    await diary.until("03-10 12:00")
    assert await diary.told() == [("03-06 10:00", "Asha", "day", 5)]


async def test_nobody_is_told_twice_or_forgotten_when_a_worker_was_away_or_fell(diary: Diary) -> None:
    for name, day in (("Asha", "03-12"), ("Bo", "03-14"), ("Cleo", "03-20")):
        await diary.move(name, 10, day)
    await diary.until("03-04 12:00")
    await diary.away_until("03-13 11:00")

    async def falls(tx: Tx, shop: Workspace, dues: Sequence[Due], now: datetime) -> None:
        await reminders.tell_expiring(tx, shop, dues, now)
        raise RuntimeError("the power went out")

    async with diary.db.reading() as tx:
        due = await schedule.shops_due(tx, list(HANDLERS), diary.clock.now())
    for _ in range(2):
        with pytest.raises(RuntimeError):
            async with diary.db.transaction() as tx:
                await falls(tx, diary.shop, [Due(reminders.EXPIRING, "week", diary.clock.now())], diary.clock.now())
    assert {kind for _, kind in due} == HANDLERS.keys()
    assert await diary.told() == []
    await diary.until("03-25 12:00")
    assert await diary.told() == [
        ("03-13 11:00", "Bo", "day", 10),
        ("03-13 11:00", "Bo", "week", 10),
        ("03-13 11:00", "Cleo", "week", 10),
        ("03-19 10:00", "Cleo", "day", 10),
    ]


async def test_nobody_is_forgotten_of_whom_the_first_sweep_should_have_told(diary: Diary) -> None:
    await diary.move("Asha", 100, "03-24")
    await diary.away_until("03-20 12:00")
    await make.done(diary.db, diary.clock, HANDLERS)
    assert await diary.told() == [("03-20 12:00", "Asha", "week", 100)]


async def test_another_hour_zone_or_rule_tells_nobody_again_and_makes_up_for_nothing(diary: Diary) -> None:
    for name, day in (("Asha", "03-10"), ("Bo", "03-11"), ("Cleo", "03-12"), ("Dana", "03-16")):
        await diary.move(name, 10, day)
    await diary.until("03-03 12:00")
    assert [row[1:] for row in await diary.told()] == [("Asha", "week", 10)]
    await diary.change(time_zone="Pacific/Auckland")
    await diary.rules(at_hour=8)
    await diary.until("03-06 12:00")
    await diary.change(time_zone=ZONE.key)
    await diary.rules(at_hour=18, expiry_notices=False)
    await diary.until("03-10 20:00")
    await diary.rules(at_hour=18)
    await diary.until("03-20 12:00")
    told = [row[1:] for row in await diary.told()]
    assert len(told) == len(set(told))
    assert {row for row in told if row[1] == "week"} == {(n, "week", 10) for n in ("Asha", "Bo", "Cleo")}
    assert {row for row in told if row[1] == "day"} == {("Cleo", "day", 10), ("Dana", "day", 10)}


async def test_more_than_fit_one_transaction_are_told_in_several(diary: Diary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMINDERS_AT_ONCE", 2)
    await diary.rules(unused_days=3)
    for name in diary.people:
        await diary.move(name, 10, "03-09")
        await diary.move(name, 5, "03-09")
    async with diary.db.reading() as tx:
        found = {one.reminder: one for one in await reminders.foreseen(tx, diary.shop, diary.at("03-02 10:00"))}
    assert [(found[name].told, found[name].more) for name in ("coins_expire_in_a_week", "coins_expire_in_a_day")] == [
        (2, True),
        (0, False),
    ]
    await diary.until("03-09 12:00")
    assert sorted(await diary.told(), key=str) == sorted(
        [
            row
            for name in diary.people
            for row in (
                ("03-02 10:00", name, "week", 15),
                ("03-04 10:00", name, 1, 15),
                ("03-08 10:00", name, "day", 15),
            )
        ],
        key=str,
    )


async def test_unused_coins_are_told_of_again_until_anything_moves(diary: Diary) -> None:
    await diary.rules(unused_days=10, unused_times=3, unused_gap_days=5, unused_balance_min=50, expiry_notices=False)
    for name, amount in (("Asha", 100), ("Bo", 100), ("Cleo", 49), ("Dana", 200)):
        await diary.move(name, amount)
    await diary.until("03-12 12:00")
    await diary.move("Bo", -10)
    await diary.move("Cleo", 1)
    await diary.until("03-14 12:00")
    await diary.move("Dana", -160)
    await diary.until("05-01 12:00")
    assert await diary.told() == [
        ("03-11 10:00", "Asha", 1, 100),
        ("03-11 10:00", "Bo", 1, 100),
        ("03-11 10:00", "Dana", 1, 200),
        ("03-16 10:00", "Asha", 2, 100),
        ("03-21 10:00", "Asha", 3, 100),
        ("03-22 10:00", "Bo", 1, 90),
        ("03-22 10:00", "Cleo", 1, 50),
        ("03-27 10:00", "Bo", 2, 90),
        ("03-27 10:00", "Cleo", 2, 50),
        ("04-01 10:00", "Bo", 3, 90),
        ("04-01 10:00", "Cleo", 3, 50),
    ]


async def test_a_coupon_is_told_of_until_it_is_used_expires_or_is_cancelled(
    diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REMINDERS_AT_ONCE", 2)
    await diary.rules(coupon_days=3, coupon_times=3, coupon_gap_days=2)
    asha, bo, cleo, dana = [await diary.coupon(name, 6 if name == "Cleo" else 0) for name in list(diary.people)[:4]]
    await diary.until("03-05 12:00")
    async with diary.db.transaction() as tx:
        await rewards.redeem(tx, diary.shop, [Use(bo.code, "1")], diary.clock.now())
    late = await diary.coupon("Eli")
    async with diary.db.reading() as tx:
        found = {one.reminder: one for one in await reminders.foreseen(tx, diary.shop, diary.clock.now())}
    assert found["coupon_lies_unused"].at == diary.at("03-06 10:00")
    await diary.until("03-06 09:00")
    async with diary.db.reading() as tx:
        found = {one.reminder: one for one in await reminders.foreseen(tx, diary.shop, diary.clock.now())}
    assert (found["coupon_lies_unused"].told, found["coins_lie_unused"].told) == (2, 0)
    await diary.until("03-06 12:00")
    async with diary.db.transaction() as tx:
        await rewards.cancel(tx, diary.shop, dana.id, diary.clock.now())
    await diary.away_until("03-11 12:00")
    await diary.until("04-10 12:00")
    assert await diary.told() == [
        ("03-04 10:00", "Asha", asha.code, "issued"),
        ("03-04 10:00", "Bo", bo.code, "issued"),
        ("03-04 10:00", "Cleo", cleo.code, "issued"),
        ("03-04 10:00", "Dana", dana.code, "issued"),
        ("03-06 10:00", "Asha", asha.code, "issued"),
        ("03-06 10:00", "Cleo", cleo.code, "issued"),
        ("03-06 10:00", "Dana", dana.code, "issued"),
        ("03-11 12:00", "Asha", asha.code, "issued"),
        ("03-11 12:00", "Eli", late.code, "issued"),
        ("03-12 10:00", "Eli", late.code, "issued"),
    ]


async def test_a_changed_rule_tells_who_is_due_by_it_once(diary: Diary) -> None:
    await diary.rules(unused_days=30, unused_times=1)
    for day, name in enumerate(diary.people, start=1):
        await diary.move(name, 10)
        await diary.until(f"03-0{day + 1} 09:00")
    await diary.until("03-20 12:00")
    assert await diary.told() == []
    await diary.rules(unused_days=14, unused_times=3, unused_gap_days=2)
    await diary.until("03-21 12:00")
    told = await diary.told()
    assert sorted(row[1] for row in told) == sorted(diary.people), "each once, though several are due"
    await diary.rules(unused_days=30)
    await diary.until("05-10 12:00")
    assert await diary.told() == told, "the first reminder was given"


async def test_where_wallets_expire_by_inactivity_a_movement_puts_the_notice_off(diary: Diary) -> None:
    await diary.change(settings={"book": {"expiry": "inactivity", "expire_after": 20, "expire_unit": "days"}})
    await diary.move("Asha", 30)
    await diary.move("Bo", 30)
    await diary.until("03-10 12:00")
    await diary.move("Bo", -5)
    await diary.until("04-05 12:00")
    assert await diary.told() == [
        ("03-14 10:00", "Asha", "week", 30),
        ("03-20 10:00", "Asha", "day", 30),
        ("03-23 10:00", "Bo", "week", 25),
        ("03-29 10:00", "Bo", "day", 25),
    ]


def test_each_day_is_told_of_by_one_day_a_month_before() -> None:
    day, told = date(2027, 12, 1), {}
    while day < date(2028, 6, 1):
        told[day] = told_of("month", day)
        day += timedelta(days=1)
    assert told[date(2028, 1, 28)] == date(2028, 2, 28)
    assert told[date(2028, 1, 29)] == told[date(2028, 1, 31)] == date(2028, 2, 29)
    assert told[date(2028, 2, 29)] == date(2028, 3, 31)
    assert told[date(2028, 3, 31)] == date(2028, 4, 30)
    assert list(told.values()) == sorted(told.values())


_ZONES = [ZoneInfo(name) for name in ("UTC", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", "Pacific/Apia")]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whenever_sweeps_come_and_wherever_the_shop_moves_each_instant_is_in_one_stretch(data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(UNITS))
    now, until = BEGIN, None
    stretches = []
    for _ in range(data.draw(st.integers(1, 12))):
        now += timedelta(hours=data.draw(st.integers(1, 200)))
        since, ends_at = stretch(unit, until, now, data.draw(st.sampled_from(_ZONES)))
        assert until in (None, since)
        assert since <= ends_at
        stretches.append((since, ends_at))
        until = ends_at
    assert all(one[1] == other[0] for one, other in pairwise(stretches))
