"""Coupons and standings are found by keys, however little PostgreSQL knows of the tables."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from regulars import days, orders, rewards, schedule, shops, tenancy, tiers, triggers
from regulars.customers import NewCustomer
from regulars.kit.clock import HandClock
from regulars.orders import OrderReport
from regulars.rewards import Ask, Issued, Terms, Use
from regulars.schedule import Due
from regulars.tiers import Ladder
from tests import make
from tests.rooms.delivery.street import Corner, corner
from tests.rooms.plans import planning, unanalysed

MANY = 1_000
GIFT = Terms(discount="percent", value=10)
LADDER = msgspec.convert(
    {"tiers": [{"key": "gold", "name": "Gold", "enter": {"spent": 10, "earned": 10, "available": 10}}]}, Ladder
)


@pytest.fixture
async def shop(server_url: str, clock: HandClock) -> AsyncIterator[Corner]:
    db = await unanalysed(server_url)
    async with corner(db, clock) as made:
        yield made
    await db.close()


def placed(shop: Corner, names: Sequence[str], codes: Sequence[str]) -> list[OrderReport]:
    now = shop.clock.now()
    return [
        orders.check(
            OrderReport(
                source="till",
                reference_id=code,
                customer=NewCustomer(f"shopify-{name.lower()}"),
                amount_minor=5_000,
                currency_code="usd",
                placed_at=now,
                source_version=now,
                coupon_codes=(code,),
            )
        )
        for name, code in zip(names, codes, strict=True)
    ]


async def test_what_shops_sell_for_each_other_goes_by_keys(shop: Corner) -> None:
    db, workspace, now = shop.db, shop.workspace, shop.clock.now()
    names = [f"Customer{n:04}" for n in range(MANY)]
    people = list((await make.some_customers(db, workspace, now, *names)).values())
    async with db.transaction() as tx:
        giver = await tenancy.create_workspace(tx, "Bakery", now=now)
        offer = await rewards.create_offer(tx, giver, "Bread", GIFT, now, public=True)
        asked = await rewards.ask_for_offer(tx, workspace, str(giver.id), offer.id, 0, now)
        stand_in = (await rewards.accept_partner(tx, giver, asked.id, now)).stand_in
        assert stand_in
        asks = [Ask(customer_id=one.id, offer_id=stand_in, type="reward") for one in people]
        sold = [one.coupon for one in await rewards.issue(tx, workspace, asks, now) if isinstance(one, Issued)]
    await make.some_customers(db, giver, now, *names)
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=30) as spy:
            assert len(await rewards.issue(spy, workspace, asks[:50], now)) == 50
            of = await rewards.find_partnership(spy, workspace.id, asked.id)
            assert (await rewards.reported(spy, workspace.id, [of], None, None))[0].given == MANY + 50
            assert len(await rewards.partnerships(spy, giver.id)) == 1
            links = [one.code_key.removeprefix("pair:") for one in sold[:50]]
            dues = [Due(rewards.FOLLOW, link, now, {}) for link in links]
            await rewards.redeem(spy, giver, [Use(one.code, "1") for one in sold[:50]], now)
            await rewards.follow(spy, workspace, dues, now)
            assert (await rewards.reported(spy, workspace.id, [of], None, None))[0].used == 50
            await rewards.numbered_page(spy, workspace.id, people[0].id, of_others=True, limit=20, offset=0)
            await rewards.end_partnership(spy, workspace, asked.id, now)


async def test_coupons_and_standings_go_by_keys(shop: Corner) -> None:
    db, workspace, now = shop.db, shop.workspace, shop.clock.now()
    names = [f"Customer{n:04}" for n in range(MANY)]
    people = list((await make.some_customers(db, workspace, now, *names)).values())
    ids: list[UUID] = [one.id for one in people]
    async with db.transaction() as tx:
        offer = await rewards.create_offer(tx, workspace, "Gift", msgspec.structs.replace(GIFT, stock=9_999), now)
        listed = await rewards.create_offer(tx, workspace, "List", msgspec.structs.replace(GIFT, code="list"), now)
        await rewards.upload(tx, workspace.id, listed.id, [f"SPRING-{n}" for n in range(MANY)], rehearsed=False)
        asks = [Ask(customer_id=ids[n], offer_id=offer.id, type="reward", key=f"k{n}") for n in range(MANY)]
        issued = [one.coupon for one in await rewards.issue(tx, workspace, asks, now) if isinstance(one, Issued)]
        await tiers.change_ladder(tx, workspace, LADDER, now)
        before = [f"B-{n}" for n in range(MANY)]
        await triggers.take_orders(tx, workspace, placed(shop, names, before), now)
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=60) as spy:
            again = [Ask(customer_id=id, offer_id=one, type="reward", key=f"x{one}{id}") for id in ids[:50] for one in
                     (offer.id, listed.id)]  # fmt: skip
            assert len(await rewards.issue(spy, workspace, again, now)) == 100
            reports = placed(shop, names[:50], [one.code for one in issued[:50]])
            await triggers.take_orders(spy, workspace, reports, now)
            await shops.makes_discounts(spy, workspace.id)
            await schedule.lease(spy, workspace.id, rewards.EXPIRE, now, now, 5)
            await rewards.redeem(spy, workspace, [Use(one.code, "1") for one in issued[60:65]], now)
            await rewards.cancel(spy, workspace, issued[71].id, now)
            by_customer, by_offer = {"customer_id": ids[0]}, {"offer_id": offer.id}
            for of in ({}, by_customer, by_offer, {"status": "redeemed"}, by_customer | by_offer):
                await rewards.coupons(spy, workspace.id, limit=20, **of)  # type: ignore[arg-type]
            await rewards.numbered_page(spy, workspace.id, ids[0], limit=20, offset=0)
            await rewards.codes_left(spy, workspace.id, [listed.id])
            await rewards.upload(spy, workspace.id, listed.id, ["SPRING-1", "SPRING-X"], rehearsed=True)
            await rewards.coupons(spy, workspace.id, code=issued[0].code, limit=20)
            moments = days.midnights(now, workspace.zone, 3)
            assert len(await days.count_between(spy, workspace, [*moments, now + timedelta(days=1)])) == 3
            await tiers.follow(spy, workspace, now)
            await tiers.look(spy, workspace, [], now)
            await tiers.preview(spy, workspace, LADDER, now)
            await tiers.members(spy, workspace.id, "gold", limit=20)
            await tiers.standing_of(spy, workspace, people[0], now)
            await tiers.moves_of(spy, workspace.id, ids[0])
            until = now + timedelta(days=1)
            await tiers.place_by_hand(spy, workspace, people[0], "gold", "A friend", until, now, actor="")
