"""Each day is counted when it is over, once, in the shop's own time."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from regulars import customers, days, events, ledger, limits, orders, rewards, schedule, triggers
from regulars.customers import NewCustomer
from regulars.kit import ids, partitions
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.ledger import Entry
from regulars.orders import OrderReport
from regulars.rewards import Ask, Issued, Terms, Use
from regulars.tenancy import Workspace
from regulars.wiring import change_shop, open_shop
from tests import make
from tests.conftest import fresh_database

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)


@pytest.fixture
async def db(server_url: str) -> AsyncIterator[Database]:
    """Of this test alone: days of every shop are counted."""
    made = await Database.connect(await fresh_database(server_url))
    yield made
    await made.close()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Yesterday at noon in UTC, which is the same day and far from midnight in all zones that are tried here: so late
    that logs are kept of it, whenever this is run. Ids hold it."""
    at = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(time, "time_ns", lambda: int(at.timestamp() * 1e9))
    return at


async def happened(db: Database, zone: str, now: datetime) -> tuple[Workspace, datetime]:
    """A shop to which things happened today; and a moment of its next day."""
    async with db.transaction() as tx:
        await partitions.make(tx, now)
        shop = await open_shop(tx, "Corner Shop", now=now - timedelta(days=40), time_zone=zone)
        people = [NewCustomer(f"shop-{n}", email=f"c{n}@example.com") for n in range(3)]
        known = await customers.ensure(tx, shop, people, now)
        first = known["shop-0"]
        assert isinstance(first, customers.Ensured)
        entries = [
            Entry(customer_id=first.customer.id, operation="cr", amount=100, type="reward", occurred_at=now),
            Entry(customer_id=first.customer.id, operation="dr", amount=30, type="redeem", occurred_at=now),
        ]
        await ledger.post(tx, shop, entries, now)
    midnight = datetime.combine(now.astimezone(shop.zone).date() + timedelta(days=1), datetime.min.time(), shop.zone)
    return shop, midnight.astimezone(UTC) + timedelta(minutes=10)


async def count_all(db: Database, now: datetime) -> int:
    """How many days are kept more once all has been done that is due."""

    async def kept() -> int:
        async with db.reading() as tx:
            found: int = await tx.fetchval("SELECT count(*) FROM days_day")
        return found

    before = await kept()
    await make.done(db, HandClock(now))
    return await kept() - before


def counted(day: days.Day) -> tuple[int, ...]:
    return day.customers, day.orders, day.events, day.coins_given, day.coins_spent, day.deliveries


async def test_a_day_is_counted_when_it_is_over(db: Database, now: datetime) -> None:
    shop, later = await happened(db, "Asia/Kolkata", now)
    async with db.reading() as tx:
        found = await days.days_before(tx, shop, later, 7)
    assert [counted(day) for day in found[:-1]] == [(0, 0, 0, 0, 0, 0)] * 6
    assert counted(found[-1]) == (3, 0, 5, 100, 30, 0)
    assert all(one.ends_at == other.starts_at for one, other in pairwise(found))
    assert found[-1].ends_at == days.midnights(later, ZoneInfo("Asia/Kolkata"), 1)[0]


async def test_a_day_is_counted_once(db: Database, now: datetime) -> None:
    shop, later = await happened(db, "America/New_York", now)
    assert await count_all(db, later) == 41
    assert await count_all(db, later) == 0
    async with db.transaction() as tx:
        # What is in the log now would be counted, if it were counted again.
        body = [events.NewEvent("lead_create", shop.id, "{}", later)]
        await events.append(tx, shop.id, body, later)
    async with db.reading() as tx:
        assert counted((await days.days_before(tx, shop, later, limits.DAYS_KEPT))[-1]) == (3, 0, 5, 100, 30, 0)
    assert await count_all(db, later + timedelta(days=1)) == 1
    async with db.reading() as tx:
        found = await days.days_before(tx, shop, later + timedelta(days=1), 2)
    assert [day.customers for day in found] == [3, 0]


async def test_a_day_says_what_coupons_brought_and_who_came_back(db: Database, now: datetime) -> None:
    shop, later = await happened(db, "UTC", now)

    def placed(name: str, number: int, *codes: str, status: str = "paid") -> OrderReport:
        return orders.check(
            OrderReport(
                source="till",
                reference_id=str(number),
                customer=NewCustomer(name),
                amount_minor=5_000,
                currency_code=shop.currency_code,
                placed_at=now + timedelta(minutes=number),
                source_version=now,
                financial_status=status,
                coupon_codes=codes,
            )
        )

    async with db.transaction() as tx:
        made = await customers.ensure(tx, shop, [NewCustomer(f"shopify-{n}") for n in range(2)], now)
        who = [one.customer for one in made.values() if isinstance(one, customers.Ensured)]
        offer = await rewards.create_offer(tx, shop, "Gift", Terms(value=5), now)
        asks = [Ask(customer_id=one.id, offer_id=offer.id, type="reward") for one in who for _ in range(2)]
        codes = [one.coupon.code for one in await rewards.issue(tx, shop, asks, now) if isinstance(one, Issued)]
        first = [
            placed("shopify-0", 1),
            placed("shopify-1", 2, codes[2], codes[3]),
            placed("shopify-2", 3, status="voided"),
        ]
        await triggers.take_orders(tx, shop, [*first, placed("shopify-0", 4, codes[0])], now)
        await rewards.redeem(tx, shop, [Use(codes[1], "no order yet")], now)
        told = (await days.days_before(tx, shop, later, 1))[0]
    assert (told.orders, told.buyers, told.buyers_again) == (4, 2, 1), "a void order is nobody's first"
    assert (told.coupons_used, told.coupon_revenue_minor) == (4, 10_000), "an order counts once, whatever was used"
    await count_all(db, later)
    async with db.transaction() as tx:
        await triggers.take_orders(tx, shop, [placed("shopify-1", 5)], later)
        assert (await days.days_before(tx, shop, later, 1)) == [told], "kept, as it was"


async def test_the_day_that_goes_on_is_left_alone(db: Database, now: datetime) -> None:
    shop, later = await happened(db, "UTC", now)
    await count_all(db, later - timedelta(minutes=9))
    async with db.reading() as tx:
        found = await days.days_before(tx, shop, later, 1)
    assert counted(found[0]) == (3, 0, 5, 100, 30, 0), "it was not over for good yet, and is counted as it is looked at"


async def test_another_time_zone_has_other_days(db: Database, now: datetime) -> None:
    shop, later = await happened(db, "UTC", now)
    await count_all(db, later)
    async with db.transaction() as tx:
        moved = await change_shop(tx, shop, {"time_zone": "Pacific/Auckland"}, later)
        found = await days.days_before(tx, moved, later + timedelta(days=1), 3)
    assert sum(day.customers for day in found) == 3
    assert found[-1].ends_at.astimezone(ZoneInfo("Pacific/Auckland")).hour == 0
    assert await count_all(db, later) >= 40, "they are counted at once, as they are elsewhere"


def test_days_may_have_23_hours() -> None:
    lengths = {after - before for before, after in pairwise(days.midnights(NOON, ZoneInfo("Europe/Berlin"), 3))}
    assert lengths == {timedelta(hours=23), timedelta(hours=24)}


async def test_a_shop_whose_days_can_not_be_counted_costs_no_other_its_own(db: Database, now: datetime) -> None:
    broken, _ = await happened(db, "America/New_York", now)
    _, later = await happened(db, "America/New_York", now)
    async with db.transaction() as tx:
        await tx.execute("UPDATE tenancy_workspace SET time_zone = 'Mars/Olympus' WHERE workspace_id = $1", broken.id)
    assert await count_all(db, later) == 41
    async with db.transaction() as tx:
        (aside,) = await schedule.aside(tx, broken.id, kind=days.COUNT, limit=10)
        assert "Mars/Olympus" in aside.reason
        await change_shop(tx, broken, {"time_zone": "UTC"}, later)
    assert await count_all(db, later) > 0


async def test_what_is_owed_is_told_of_kept_days_and_of_the_one_that_goes_on(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Month by month, from the day after the first to the last, whoever has counted by then."""
    at = [datetime(2026, month, 10, 12, tzinfo=UTC) for month in range(1, 7)]
    async with make.ids_of(db, monkeypatch, at[0]):
        shop = await make.a_workspace(db, at[0] - timedelta(days=9))
        person = await make.a_customer(db, shop, at[0])
    for n, moment in enumerate(at):
        async with make.ids_of(db, monkeypatch, moment), db.transaction() as tx:
            earned = make.credit(person.id, 100 * (n + 1), moment)
            await ledger.post(tx, shop, [earned, make.debit(person.id, 40, moment)], moment)
    now = at[-1] + timedelta(days=1)
    async with db.reading() as tx:
        live = await days.liability(tx, shop, "coins", now, 6)
    assert [(m.moved.earned, m.moved.spent, m.outstanding) for m in live.months] == [
        (100, 40, 60), (200, 40, 220), (300, 40, 480), (400, 40, 840), (500, 40, 1300), (600, 40, 1860),
    ]  # fmt: skip
    assert (
        live.outstanding == sum(one.amount for one in live.by_age) == sum(one.amount for one in live.by_expiry) == 1860
    )
    assert live.breakage == 0.0
    assert live.forecast is not None
    assert (live.forecast.tried, [one.month.month for one in live.forecast.months]) == (2, [6, 7, 8])
    assert 0 < live.forecast.off_mean <= live.forecast.off_most < 0.5
    async with db.transaction() as tx:
        await days.begin(tx, shop, now)
    await count_all(db, now)
    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM days_coins") >= 5
        # What is kept is read, and not counted anew.
        await tx.execute("UPDATE days_coins SET spent = 41 WHERE starts_at = (SELECT min(starts_at) FROM days_coins)")
        kept = await days.liability(tx, shop, "coins", now, 6)
    assert [m.moved.spent for m in kept.months] == [41, 40, 40, 40, 40, 40]
    monkeypatch.setattr(limits, "LIABILITY_LOTS_LIVE_MAX", 1)
    async with db.reading() as tx:
        assert (await days.liability(tx, shop, "coins", now + timedelta(hours=3), 6)).as_of == now
        none = await days.liability(tx, shop, "credits", now, 6)
    assert (none.outstanding, none.breakage, none.by_age) == (0, None, [])
