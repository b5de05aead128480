"""The ladder by the room's own functions: who stands where after what happened, and after the time that passed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import customers, ledger, limits, orders, tenancy, tiers, triggers
from regulars.customers import Customer, NewCustomer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Invalid, TooMany
from regulars.orders import OrderReport
from regulars.people import merge
from regulars.tiers import Ladder, Preview
from regulars.tiers.model import Judged, Measures, Standing, best, judge
from regulars.worker.following import Following
from tests import make

UTC_ZONE = ZoneInfo("UTC")


def ladder(**said: Any) -> Ladder:
    steps = [
        {"key": "silver", "name": "Silver", "enter": {"spent": 100}},
        {"key": "gold", "name": "Gold", "enter": {"spent": 500, "orders": 5}, "match": "all", "leave": {"spent": 400}},
    ]
    return msgspec.convert({"tiers": steps, "warn_days": 0} | said, Ladder)


class Shop:
    def __init__(self, db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
        self.db, self.workspace, self.clock = db, workspace, clock
        self._following = Following(db, clock, "tiers", tiers.follow)

    async def change(self, to: Ladder) -> None:
        async with self.db.transaction() as tx:
            await tiers.change_ladder(tx, self.workspace, to, self.clock.now(), actor="staff:owner@example.com")
        await self.done()

    async def done(self) -> None:
        """All that follows from what happened, and from the time."""
        await make.done(self.db, self.clock)
        while await self._following.round() + sum(await self._following.turns.finish()):
            pass
        assert not self._following.turns.faults

    async def order(self, person: Customer, reference: str, amount: int, **more: Any) -> None:
        now = self.clock.now()
        said: dict[str, Any] = {
            "source": "shopify",
            "reference_id": reference,
            "customer": NewCustomer(customer_id=person.customer_id),
            "amount_minor": amount * 100,
            "currency_code": self.workspace.currency_code,
            "placed_at": now,
            "source_version": now,
        }
        async with self.db.transaction() as tx:
            await triggers.take_orders(tx, self.workspace, [orders.check(OrderReport(**(said | more)))], now)
        await self.done()

    async def tier(self, person: Customer) -> str:
        async with self.db.reading() as tx:
            found = await customers.find(tx, self.workspace.id, id=person.id)
            stands = await tiers.standing_of(tx, self.workspace, person, self.clock.now())
        assert found is not None
        assert found.tier == stands.standing.tier, "what the customer carries is where they stand"
        return found.tier

    async def told(self, topic: str) -> list[tuple[str, str]]:
        async with self.db.reading() as tx:
            rows = await tx.fetch(
                "SELECT body::jsonb ->> 'tier' AS tier, COALESCE(body::jsonb ->> 'direction', '') AS direction"
                "  FROM events_event WHERE workspace_id = $1 AND topic = $2 ORDER BY id",
                self.workspace.id,
                topic,
            )
        return [tuple(row) for row in rows]


@pytest.fixture
def shop(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> Shop:
    return Shop(db, workspace, clock)


@pytest.fixture
async def asha(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> Customer:
    return await make.a_customer(db, workspace, clock.now())


async def test_orders_lift_and_it_is_told(shop: Shop, asha: Customer) -> None:
    await shop.change(ladder())
    await shop.order(asha, "1", 99)
    assert await shop.tier(asha) == ""
    await shop.order(asha, "2", 1)
    assert await shop.tier(asha) == "silver"
    async with shop.db.reading() as tx:
        stands = await tiers.standing_of(tx, shop.workspace, asha, shop.clock.now())
    assert (stands.next_tier, stands.missing) == ("gold", {"spent": 400.0, "orders": 3})
    for n in range(3, 6):
        await shop.order(asha, str(n), 200)
    assert await shop.tier(asha) == "gold"
    assert await shop.told("viptier_create") == [("silver", "up"), ("gold", "up")]


async def test_a_term_ends_with_a_warning_and_grace_and_another_begins(shop: Shop, asha: Customer) -> None:
    await shop.change(ladder(window="rolling", window_months=12, term_months=6, grace_days=10, warn_days=14))
    await shop.order(asha, "1", 100)
    for days in (200, 165):
        shop.clock.advance(days=days)
        await shop.done()
    assert await shop.tier(asha) == "silver", "two terms ended, the order still counts: another one"
    shop.clock.advance(days=187)
    await shop.done()
    assert await shop.tier(asha) == "silver", "in the days of grace, or before the term ends"
    assert await shop.told("viptierends_create") == [("silver", "")]
    shop.clock.advance(days=30)
    await shop.done()
    assert await shop.tier(asha) == ""
    assert await shop.told("viptier_create") == [("silver", "up"), ("", "down")]
    assert await shop.told("viptierends_create") == [("silver", "")], "warned once"


@pytest.mark.parametrize(("refunds", "after"), [("at_once", ""), ("term_end", "silver"), ("never", "silver")])
async def test_a_refund_lowers_as_the_ladder_says(shop: Shop, asha: Customer, refunds: str, after: str) -> None:
    await shop.change(ladder(refunds=refunds))
    await shop.order(asha, "1", 100)
    placed_at = shop.clock.now()
    shop.clock.advance(hours=1)
    await shop.order(asha, "1", 100, placed_at=placed_at, financial_status="refunded")
    assert await shop.tier(asha) == after
    shop.clock.advance(days=400)
    await shop.done()
    assert await shop.tier(asha) == ("silver" if refunds == "never" else "")


async def test_a_changed_ladder_says_who_moves_and_then_moves_them(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    people = await make.some_customers(shop.db, shop.workspace, shop.clock.now(), "Asha", "Bela", "Cleo")
    await shop.change(ladder())
    for n, (name, amount) in enumerate({"Asha": 150, "Bela": 100, "Cleo": 60}.items()):
        await shop.order(people[name], str(n), amount)
    steps = [
        {"key": "silver", "name": "Silver", "enter": {"spent": 50}},
        {"key": "top", "name": "Top", "enter": {"spent": 150}},
    ]
    after = ladder(tiers=steps)
    async with shop.db.reading() as tx:
        foreseen = await tiers.preview(tx, shop.workspace, after, shop.clock.now())
    assert {(one.from_tier, one.to_tier): one.customers for one in foreseen.moved} == {
        ("silver", "top"): 1,
        ("", "silver"): 1,
    }
    assert foreseen.next is None
    monkeypatch.setattr(limits, "TIERS_JUDGED_MAX", 1)
    monkeypatch.setattr(limits, "TIERS_PREVIEWED_MAX", 2)
    parts: list[Preview] = []
    while not parts or parts[-1].next:
        async with shop.db.reading() as tx:
            parts.append(await tiers.preview(tx, shop.workspace, after, shop.clock.now(), parts[-1] if parts else None))
    assert [one.judged for one in parts] == [2, 3]
    assert msgspec.structs.replace(parts[-1], moved=[]) == msgspec.structs.replace(foreseen, moved=[])
    assert sorted(map(str, parts[-1].moved)) == sorted(map(str, foreseen.moved)), "in parts it comes to the same"
    assert {one.name for one in foreseen.named} == {"Asha", "Cleo"}
    assert await shop.tier(people["Cleo"]) == "", "foreseen is not done"
    await shop.change(after)
    assert [await shop.tier(people[name]) for name in people] == ["top", "silver", "silver"]
    async with shop.db.reading() as tx:
        assert await tiers.counts(tx, shop.workspace.id) == foreseen.then
        assert await tiers.progress(tx, shop.workspace.id) is None
    await shop.change(ladder(tiers=()))
    assert [await shop.tier(people[name]) for name in people] == ["", "", ""]


async def test_whoever_is_placed_by_hand_stays_until_then(shop: Shop, asha: Customer) -> None:
    await shop.change(ladder())
    until = shop.clock.now() + timedelta(days=30)
    async with shop.db.transaction() as tx:
        with pytest.raises(Invalid) as wrong:
            await tiers.place_by_hand(tx, shop.workspace, asha, "bronze", "", until, shop.clock.now(), actor="")
        assert wrong.value.fields.keys() == {"tier", "reason"}
        await tiers.place_by_hand(
            tx, shop.workspace, asha, "gold", "A good friend", until, shop.clock.now(), actor="staff:owner@example.com"
        )
    await shop.order(asha, "1", 10)
    assert await shop.tier(asha) == "gold"
    async with shop.db.reading() as tx:
        (move,) = await tiers.moves_of(tx, shop.workspace.id, asha.id)
    assert (move.reason, move.actor) == ("Placed by hand: A good friend", "staff:owner@example.com")
    shop.clock.advance(days=31)
    await shop.done()
    assert await shop.tier(asha) == ""


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"tiers": [{"key": "a", "name": "A", "enter": {}}]}, "tiers[0].enter"),
        ({"tiers": [{"key": "a", "name": "A", "enter": {"orders": 1}}] * 2}, "tiers[1].key"),
        ({"window": "rolling", "window_months": 0}, "window_months"),
        ({"tiers": [{"key": "a", "name": "A", "enter": {"spent": 1}, "leave": {"spent": 2}}]}, "tiers[0].leave.spent"),
    ],
)
async def test_a_ladder_that_can_not_stand_is_refused_by_field(shop: Shop, said: dict[str, Any], field: str) -> None:
    async with shop.db.transaction() as tx:
        with pytest.raises(Invalid) as wrong:
            await tiers.change_ladder(tx, shop.workspace, ladder(**said), shop.clock.now())
    assert wrong.value.fields.keys() == {field}


async def test_who_becomes_one_stands_by_what_both_did(shop: Shop) -> None:
    people = await make.some_customers(shop.db, shop.workspace, shop.clock.now(), "Asha", "Bela")
    await shop.change(ladder())
    await shop.order(people["Asha"], "1", 60)
    await shop.order(people["Bela"], "2", 60)
    async with shop.db.transaction() as tx:
        await merge(tx, shop.workspace, people["Asha"].id, people["Bela"].id, shop.clock.now())
    await shop.done()
    assert await shop.tier(people["Bela"]) == "silver"


async def test_only_so_many_look_at_a_changed_ladder_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TIERS_PREVIEWS_AT_ONCE", 0)
    async with shop.db.reading() as tx:
        with pytest.raises(TooMany):
            await tiers.preview(tx, shop.workspace, ladder(), shop.clock.now())


async def test_a_tier_multiplies_what_a_trigger_gives(shop: Shop, asha: Customer) -> None:
    steps = [{"key": "gold", "name": "Gold", "enter": {"spent": 100}, "factors": {"order": 1.5}}]
    await shop.change(ladder(tiers=steps))
    async with shop.db.transaction() as tx:
        shop.workspace = await tenancy.get_workspace(tx, shop.workspace.id)
        rule = triggers.Rule(coins_per_unit=1)
        await triggers.create_trigger(tx, shop.workspace, "A coin a dollar", "order", rule, shop.clock.now())
    await shop.order(asha, "1", 100)
    await shop.order(asha, "2", 101)
    async with shop.db.reading() as tx:
        found = await ledger.available(tx, shop.workspace, [asha.id], shop.clock.now())
    assert found[asha.id] == 100 + 151, "half a coin is dropped"


NOBODY = make.UUID(int=0)
START = datetime(2026, 3, 14, tzinfo=UTC)
LADDERS = st.builds(
    ladder,
    term_months=st.sampled_from([0, 1, 12]),
    grace_days=st.sampled_from([0, 10]),
    warn_days=st.sampled_from([0, 14]),
    refunds=st.sampled_from(["at_once", "term_end", "never"]),
    down=st.sampled_from(["qualified", "one"]),
    window=st.sampled_from(["lifetime", "rolling"]),
)
REACHED = st.builds(
    Measures, spent=st.sampled_from([0.0, 99.0, 100.0, 450.0, 500.0]), gross=st.just(500.0), orders=st.integers(0, 6)
)


@given(LADDERS, st.lists(st.tuples(st.integers(0, 200), REACHED), min_size=1, max_size=12))
def test_judged_twice_is_judged_once_and_the_next_look_is_ahead(of: Ladder, steps: list[tuple[int, Measures]]) -> None:
    stands, now = Standing(NOBODY, "", START), START
    for days, reached in steps:
        now += timedelta(days=days)
        for _ in range(3):  # one down at a time comes to rest
            stands = judge(of, stands, reached, now, UTC_ZONE).standing
        again = judge(of, stands, reached, now, UTC_ZONE)
        assert again == Judged(again.standing)
        assert again.standing == stands
        assert stands.look_at is None or stands.look_at > now
        counted = msgspec.structs.replace(reached, spent=reached.gross) if of.refunds == "never" else reached
        assert of.place(stands.tier) >= best(of, counted), "never below what one qualifies for"
