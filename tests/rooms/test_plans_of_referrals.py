"""Referrals are found by keys, however little PostgreSQL knows of the table."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from regulars import customers, events, ledger, orders, referrals, reminders, rewards, tenancy, tiers, triggers
from regulars.customers import NewCustomer
from regulars.kit.clock import HandClock
from regulars.kit.ids import new_id
from regulars.orders import OrderReport, Recorded
from regulars.referrals import Friend, Referral
from regulars.rewards import Terms
from regulars.schedule import Due
from regulars.tiers import Ladder
from regulars.triggers import Taken
from tests import make
from tests.rooms.delivery.street import Corner, corner
from tests.rooms.plans import planning, unanalysed

MANY = 600
LADDER = msgspec.convert({"tiers": [{"key": "host", "name": "Host", "enter": {"referrals": 1}}]}, Ladder)


@pytest.fixture
async def shop(server_url: str, clock: HandClock) -> AsyncIterator[Corner]:
    db = await unanalysed(server_url)
    async with corner(db, clock) as made:
        yield made
    await db.close()


@pytest.mark.parametrize("analysed", [False, True], ids=["new", "analysed"])
async def test_referrals_go_by_keys(shop: Corner, analysed: bool) -> None:
    db, workspace, now = shop.db, shop.workspace, shop.clock.now()
    names = [f"Customer{n:04}" for n in range(MANY)]
    known = list((await make.some_customers(db, workspace, now, *names)).values())
    async with db.transaction() as tx:
        offer = await rewards.create_offer(tx, workspace, "Gift", Terms(discount="percent", value=10), now)
        rules = {"on": True, "friend_offer": str(offer.id), "coins": 5, "return_days": 0, "per_referrer_max": 9}
        said = {"settings": {"referrals": rules, "reminders": {"referral_days": 1}}}
        workspace = await tenancy.change_workspace(tx, workspace.id, said, now)
        await tiers.change_ladder(tx, workspace, LADDER, now)
        given = [make.credit(one.id, 5, now) for one in known * 3]
        await ledger.post(tx, workspace, given, now)
        claimed = [
            Referral(
                id=new_id(),
                referrer_id=known[n % 300].id,
                friend_id=known[n + 300].id if n < 300 else new_id(),
                mode="email",
                state="claimed",
                email_key=f"customer{n + 300}@examplecom",
                phone=f"+49{n}",
                address=f"a{n}",
                device=f"d{n}",
                claimed_at=now,
                created_at=now,
                updated_at=now,
            )
            for n in range(3_000)
        ]
        referrals.save(tx, workspace.id, claimed, now)
    async with db.transaction() as tx:
        reports = [
            OrderReport(
                source="till",
                reference_id=f"{n}",
                customer=NewCustomer(one.customer_id),
                amount_minor=5_000,
                currency_code="usd",
                placed_at=now,
                source_version=now,
                detail={"shipped_to": "one"},
            )
            for n, one in enumerate(known)
        ]
        # As of a shop that has no referrals yet.
        taken = await triggers.take_orders(tx, shop.workspace, [orders.check(one) for one in reports], now)
        came = [one.recorded.order for one in taken[300:330] if isinstance(one, Taken)]
    found = [one.id for one in claimed[:300]]
    async with planning(db, analysed=analysed, at_least=60) as spy:
        friend = Friend(referral_code=known[0].referral_code, email="new@example.com", address="a1", device="d1")
        await referrals.claim(spy, workspace, friend, now)
        assert await customers.shops_of_code(spy, known[0].referral_code) == [workspace.id]
        await referrals.settle_orders(spy, workspace, came, now)
        for _ in range(2):
            due = [Due(referrals.SETTLE, str(id), now) for id in found]
            await referrals.settle(spy, workspace, due, now)
        void = [msgspec.structs.replace(one, status="cancelled") for one in came[:20]]
        lost = [Recorded(after, "updated", before) for after, before in zip(void, came, strict=False)]
        await referrals.undo(spy, workspace, lost, now, "")
        await referrals.settle_orders(spy, workspace, void, now)
        await reminders.tell_referred(spy, workspace, [Due(referrals.REMIND, str(id), now) for id in found[:50]], now)
        of: list[dict[str, Any]] = [{"referrer_id": known[0].id}, {"friend_id": known[300].id}]
        for asked in ({}, *of, {"state": "claimed"}, {"review": "waiting"}):
            await referrals.referrals(spy, workspace.id, limit=20, **asked)
        await referrals.numbered_page(spy, workspace.id, known[0].id, limit=20, offset=0)
        await referrals.find_referral(spy, workspace.id, found[0])
        await tiers.follow(spy, workspace, now)
        await referrals.move(spy, workspace.id, known[0].id, known[1].id)
        others = await referrals.forget(spy, workspace.id, [known[301].id])
        await events.forget_beside(spy, workspace.id, others, [known[301].id])
