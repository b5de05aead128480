"""The demo's shop, and its purchases by the numbers; `regulars demo` itself takes a minute and is run by hand."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import pytest

from regulars import (
    channels,
    dispatch,
    integrations,
    ledger,
    orders,
    referrals,
    reviews,
    rewards,
    sandbox,
    tenancy,
    tiers,
    triggers,
    worker,
)
from regulars.demo import connect, feed, feeding, prepare, programme, purchases, sandbox_receivers
from regulars.demo.writing import GIVEN, write
from regulars.engagement import automations, campaigns, segments
from regulars.imports import import_rows
from regulars.kit.clock import SystemClock
from regulars.kit.db import Database
from regulars.kit.ports import free_port
from regulars.kit.settings import Settings
from regulars.triggers.model import Trigger
from regulars.wiring import App
from tests import make
from tests.conftest import fresh_database


def settings_of(url: str, directory: Path) -> Settings:
    return Settings(DATABASE_URL=url, data_dir=directory, allow_loopback=True)  # type: ignore[call-arg]


async def test_the_shop_is_made_once(server_url: str, tmp_path: Path) -> None:
    url = await asyncio.to_thread(lambda: asyncio.run(fresh_database(server_url)))
    settings, now = settings_of(url, tmp_path), SystemClock().now()
    shop, sign_in = await prepare(settings, url, now)
    assert (await prepare(settings, url, now)) == (shop, sign_in)
    db = await Database.connect(url, connections_max=1)
    try:
        async with db.transaction() as tx:
            assert len(await tenancy.list_workspaces(tx)) == 1
            assert await make.signed_in(tx, sign_in.email, sign_in.password, now)
            rules = await dispatch.list_rules(tx, shop.id)
            tools = {i.tool: i for i in await integrations.list_integrations(tx, shop.id)}
            offered, ladder = await rewards.list_offers(tx, shop.id), (await tiers.ladder_of(tx, shop.id)).ladder
            earning = [t for t in await triggers.list_triggers(tx, shop.id) if t.source == "order"]
    finally:
        await db.close()
    assert {rule.topic for rule in rules} == {"walletreward_create"}
    assert {rule.integration_id for rule in rules} == {tools["webhook"].id, tools["omnisend"].id}
    assert [t.rule.coins_per_unit for t in earning] == [1]
    assert {offer.name for offer in offered} == set(programme.TOLD.offers)
    assert ladder == programme.TOLD.ladder
    assert all(tool.settings.get("url", tool.settings.get("host")) for tool in tools.values())
    assert list(sandbox_receivers(settings)) == ["demo"]
    _purchases_by_the_numbers(shop, earning[0])


async def test_its_customers_take_part_by_rules_and_once(
    app: App, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programme, "purchases", lambda zone: islice(purchases(zone), 500))
    shop, _ = await prepare(app.settings, database_url, app.clock.now())
    codes = await programme.bring_friends(app, shop)
    placed = programme.with_coupons(programme.purchases(shop.zone), codes)
    async for _progress in import_rows(app.db, app.clock, shop.id, placed, actor="demo"):
        pass
    seen = []
    for _ in range(2):
        await programme.live(app, shop)
        async with app.db.snapshot() as tx:
            coupons, _ = await rewards.coupons(tx, shop.id, limit=1_000)
            posts = await reviews.posts(tx, shop.id, "review", limit=1_000)
            later = app.clock.now() + timedelta(minutes=1)
            friends = await referrals.referrals(tx, shop.id, limit=1_000)
            ((used, brought),) = await rewards.used_between(tx, shop, [shop.created_at, later], at_most=1_000)
            assert await ledger.verify(tx, shop.id) is None
        stand = Counter((one.state, one.review) for one in friends)
        kinds = Counter((one.type, one.status) for one in coupons)
        seen.append((kinds, Counter(one.status for one in posts), stand, used, brought))
    assert seen[0] == seen[1]
    kinds, said, stand, used, brought = seen[0]
    bought = {("manual_redeem", "issued"), ("manual_redeem", "redeemed"), ("reward", "issued")}
    assert set(kinds) == bought | {("referral", "redeemed"), ("referral", "issued")}
    assert kinds["referral", "redeemed"] == stand["completed", ""] == len(codes) > 2
    assert all(one.txn_id and one.friend_coupon_id for one in friends if one.state == "completed"), "both were rewarded"
    assert {("pending", ""), ("invited", ""), ("claimed", ""), ("claimed", "waiting")} <= set(stand)
    assert stand["rejected", "rejected"] == stand["claimed", "waiting"]
    assert used > len(codes)
    assert brought > 100 * len(codes)
    assert set(said) <= {"approved", "posted"}


async def test_what_it_writes_stands_in_the_sandboxs_inbox(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (programme, feeding):
        monkeypatch.setattr(module, "purchases", lambda zone: islice(purchases(zone), 600))
    url = await asyncio.to_thread(lambda: asyncio.run(fresh_database(server_url)))
    port = free_port()
    settings = settings_of(url, tmp_path).model_copy(update={"sandbox_port": port})
    app = await App.open(settings)
    try:
        async with sandbox.running(
            port=port, settings=sandbox.Settings(receivers=sandbox_receivers(settings))
        ) as there:
            shop, _ = await prepare(settings, url, app.clock.now())
            await connect(app, shop.id)
            async for _progress in feed(app, shop.id):
                pass
            await write(app, shop)  # again
            await worker.drain(app.db, worker.Carriers(app.box), app.http, clock=app.clock, patience_s=5)
            inbox = there.shop(settings.sandbox_address(shop.id).rpartition("/")[2]).memory.messages
            async with app.db.reading() as tx:
                (sender,) = await channels.list_senders(tx, shop.id)
                live = {one.name: one for one in await segments.list_segments(tx, shop.id)}
                (told,) = await automations.list_automations(tx, shop.id)
                (campaign,) = await campaigns.list_campaigns(tx, shop.id, limit=9)
                inside = await automations.runs(tx, shop.id, told.id, limit=99)
    finally:
        await app.close()
    assert (sender.state, sender.settings["verified_email"]) == ("ready", "hello@cdnow.example")
    assert {name: one.kind for name, one in live.items()} == dict.fromkeys(programme.TOLD.segments, "live")
    champions = live["Champions"].members
    assert 0 < champions < live["One-time buyers"].members
    assert (told.state, len(inside)) == ("running", min(champions, GIVEN))
    assert (campaign.state, campaign.recipients) == ("finished", champions)
    subjects = Counter("code" if one.subject.endswith("your code") else one.subject[-9:] for one in inbox)
    assert subjects == {"code": 1, " our best": champions, "s for you": min(champions, GIVEN)}


def _purchases_by_the_numbers(shop: tenancy.Workspace, earning: Trigger) -> None:
    placed = [orders.check(report) for report in purchases(shop.zone)]
    assert len(placed) == 69_659
    assert len({order.reference_id for order in placed}) == 69_659
    assert len({order.customer.customer_id for order in placed}) == 23_570
    days = [order.placed_at.astimezone(shop.zone).date() for order in placed]
    assert (min(days), max(days)) == (date(1997, 1, 1), date(1998, 6, 30))
    assert all(order.placed_at.date() == day for order, day in zip(placed, days, strict=True))
    rewarded = [order for order in placed if order.amount_minor >= 100]
    assert len(rewarded) == 69_579
    assert sum(order.amount_minor // 100 * earning.rule.coins_per_unit for order in rewarded) == 2_453_159
    assert shop.currency_code == placed[0].currency_code == "usd"
