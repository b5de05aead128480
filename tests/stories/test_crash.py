"""Server, worker and PostgreSQL are killed with SIGKILL, ten times in a row (`make crash KILLS=200`: as often as that)
and then all at once, while clients ask for rewards, report orders and refunds, send hooks, hold coins and spend them,
buy coupons that are made at a platform which fails now and then after it made one, and use them; and while coins become
spendable and expire. Afterwards nothing that was answered is lost, nothing was done twice, nothing that was due is
left, and every event came to the shop's receiver under one id."""

import asyncio
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from regulars import customers, dispatch, embedded, integrations, ledger, rewards, shops, tenancy, triggers
from regulars.customers import NewCustomer
from regulars.delivery import CheckResult
from regulars.kit.clock import SystemClock
from regulars.kit.db import Database
from regulars.kit.ports import free_port
from regulars.kit.secrets import SecretBox
from regulars.ledger import Entry
from regulars.rewards import Terms
from regulars.triggers import Rule
from tests.conftest import fresh_database
from tests.stories.crashing import PATIENCE_S, Load, children, kill_9, regulars

SEED = 20_260_314
KILLS = int(os.environ.get("KILLS", "10"))
VICTIMS = ["server"] * 4 + ["worker"] * 3 + ["postgres"] * 3
SAVERS = 200
TOPICS = (
    *("walletreward_create", "wallettrasaction_update", "lead_create", "order_create", "order_update"),
    *("coupon_create", "coupon_update"),
)
SECRET_KEY = "a secret key of forty characters or more."
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Shop:
    id: UUID
    write_key: str
    trigger_id: UUID
    hook_path: str
    holder_id: UUID
    offer_id: UUID
    all_due_at: datetime


class Town:
    """The three that are killed, and whoever starts them again."""

    def __init__(self, directory: Path) -> None:
        self.postgres = embedded.Server(directory / "postgres")
        self.postgres.start()
        self.url = asyncio.run(fresh_database(self.postgres.url()))
        self.port = free_port()
        self._logs = directory
        self._processes: dict[str, Popen[bytes]] = {}
        self._environment = {
            "DATABASE_URL": self.url,
            "REGULARS_PORT": str(self.port),
            "REGULARS_DATA_DIR": str(directory),
            "REGULARS_SECRET_KEY": SECRET_KEY,
            "REGULARS_ALLOW_LOOPBACK": "true",
        }

    def start(self, name: str) -> None:
        command = {"server": "serve", "worker": "work"}[name]
        self._processes[name] = regulars(command, environment=self._environment, log=self._logs / f"{name}.log")

    def kill(self, name: str, random: Random) -> None:
        """The process itself, or, as it comes, one of those that it started: an answering process, a backend."""
        pid = self.postgres.pid if name == "postgres" else self._processes[name].pid
        assert pid is not None
        victim = random.choice([pid, pid, *children(pid)[:2]])
        kill_9(victim)
        # It is gone when it can be waited for; whatever it started itself is not ours to wait for.
        if victim == pid:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    def mend(self) -> None:
        """What a supervisor does: start whatever is gone."""
        self.postgres.start()
        for name, process in self._processes.items():
            if process.poll() is not None:
                self.start(name)

    def end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
        self.postgres.stop()

    def ask(self, sql: str, *arguments: object) -> list[Any]:
        """Waits for a server that recovers from the death of a backend."""

        async def fetch() -> list[Any]:
            connection = await asyncpg.connect(self.url)
            try:
                return await connection.fetch(sql, *arguments)
            finally:
                await connection.close()

        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return asyncio.run(fetch())
            except (asyncpg.OperatorInterventionError, asyncpg.PostgresConnectionError, OSError):
                assert time.monotonic() < deadline, "PostgreSQL does not come back"
                time.sleep(0.01)


@pytest.fixture
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as name:
        Path(name).chmod(0o755)
        town = Town(Path(name))
        try:
            yield town
        finally:
            town.end()


@pytest.fixture
def load(town: Town) -> Iterator[Load]:
    load = Load(town.port, SEED, clients=8)
    try:
        yield load
    finally:
        load.end()


def test_killed_again_and_again_under_load(town: Town, load: Load) -> None:
    shop = asyncio.run(_a_shop(town.url, load.listen(WEBHOOK_SECRET)))
    town.start("server")
    town.start("worker")
    load.ask(
        {"x-apikey": shop.write_key, "x-workspaceid": str(shop.id), "x-source": "unix"},
        shop.trigger_id,
        shop.hook_path,
        shop.holder_id,
        shop.offer_id,
    )
    random = Random(SEED)
    rounds = -(-KILLS // len(VICTIMS))
    victims = [victim for _ in range(rounds) for victim in random.sample(VICTIMS, len(VICTIMS))][:KILLS]
    for victim in [*victims, "all"]:
        # Not for both, so that one falls while another gets up.
        load.wait_for_more(**{random.choice(["answers", "received"]): random.randint(1, 60)})
        for name in ["server", "worker", "postgres"] if victim == "all" else [victim]:
            town.kill(name, random)
        town.postgres.start()
        _lengthen_leases(town)
        town.mend()
    load.wait_for_more(answers=100, received=1)
    load.stop_asking()
    load.sandbox.faults.clear()
    _settle(town, shop)
    assert load.told.lost > 0
    assert load.told.hits > 0
    _what_was_due_is_done(town, load, shop)
    _nothing_lost_and_nothing_doubled(town, load, shop)
    _each_coupon_is_one_discount_and_paid_once(town, load)
    _no_fact_without_its_event(town)
    _each_event_delivered_under_one_id(town, load)
    assert asyncio.run(_broken(town.url, shop.id)) is None


async def _a_shop(url: str, receiver_url: str) -> Shop:
    now, db = SystemClock().now(), await Database.connect(url, connections_max=1)
    try:
        async with db.transaction() as tx:
            shop = await tenancy.create_workspace(tx, "Corner Shop", now=now)
            shop = await tenancy.change_workspace(tx, shop.id, {"events_on": True}, now)
            areas = tenancy.Areas(data="WRITE")
            key = await tenancy.issue_key(tx, shop.id, "Till", access="WRITE", areas=areas, made_by="cli", now=now)
            bonus = await triggers.create_trigger(tx, shop, "Bonus", "api", Rule(coins_min=1, coins_max=500), now)
            await triggers.create_trigger(tx, shop, "Purchase", "order", Rule(coins_per_unit=2), now)
            hook = await integrations.add(
                tx,
                shop.id,
                SecretBox(SECRET_KEY),
                tool="webhook",
                name="Receiver",
                given={"url": receiver_url, "secret": WEBHOOK_SECRET},
                now=now,
            )
            await integrations.conclude(tx, hook.integration, CheckResult(True, ""), now)
            for topic in TOPICS:
                await dispatch.create_rule(tx, shop.id, topic=topic, integration_id=hook.integration.id, now=now)
            dues = [now + timedelta(seconds=KILLS * 4 * n / SAVERS) for n in range(1, SAVERS + 1)]
            savers = [
                await customers.create(tx, shop, NewCustomer(customer_id=f"saver-{n:03}"), now) for n in range(SAVERS)
            ]
            await ledger.post(
                tx,
                shop,
                [
                    Entry(customer_id=saver.id, operation="cr", amount=amount, type="adjust", occurred_at=now, **when)
                    for saver, due_at in zip(savers, dues, strict=True)
                    for amount, when in ((30, {"expires_at": due_at}), (20, {"activates_at": due_at}))
                ],
                now,
            )
            holder = await customers.create(tx, shop, NewCustomer(customer_id="the-holder"), now)
            plenty = Entry(customer_id=holder.id, operation="cr", amount=10**9, type="adjust", occurred_at=now)
            await ledger.post(tx, shop, [plenty], now)
            selling = await shops.connect(
                tx, shop.id, SecretBox(SECRET_KEY), platform="website", name="", given={"signed": "no"}, now=now
            )
            api = {
                "coupons": "yes",
                "admin_token": "shpat_sandbox",
                "api_url": receiver_url.replace("webhook/shop", "shopify"),
            }
            given = {"shop_domain": "corner.myshopify.com"} | api
            await shops.connect(tx, shop.id, SecretBox(SECRET_KEY), platform="shopify", name="", given=given, now=now)
            offer = await rewards.create_offer(tx, shop, "Five off", Terms(value=5, price="fixed", coins=7), now)
    finally:
        await db.close()
    hook_path = f"/hooks/website/{selling.source.hook_id}"
    return Shop(shop.id, key.key, bonus.id, hook_path, holder.id, offer.id, dues[-1])


def _lengthen_leases(town: Town) -> None:
    """A day from now nobody waits any more: what goes on is sent by a worker that found the one before it gone."""
    town.ask("UPDATE delivery_lane SET leased_until = now() + interval '1 day' WHERE leased_until IS NOT NULL")


def _settle(town: Town, shop: Shop) -> None:
    """Until nothing is due any more, no hook and no event is pending, and no delivery queued; as long as they get
    fewer."""
    all_due_s = (shop.all_due_at - datetime.now(UTC)).total_seconds()
    deadline, least = time.monotonic() + PATIENCE_S + max(0, all_due_s), None
    while left := town.ask(
        # Nobody calls any more, so what waits for the end of a lease, or for a late call, need not.
        "WITH now_due AS (UPDATE schedule_due SET due_at = now()"
        "                  WHERE kind = 'rewards.discount' AND due_at > now() + interval '1 second' RETURNING 1)"
        " SELECT (SELECT count(*) FROM events_pending)"
        " + (SELECT count(*) FROM delivery_delivery WHERE state = 'queued')"
        " + (SELECT count(*) FROM shops_hook WHERE state = 'pending')"
        " + (SELECT count(*) FROM schedule_due WHERE kind IN ('ledger.settle', 'rewards.discount'))"
    )[0][0]:
        if least is None or left < least:
            least, deadline = left, max(deadline, time.monotonic() + PATIENCE_S)
        assert time.monotonic() < deadline, f"{left} stay pending"
        time.sleep(0.05)


def _what_was_due_is_done(town: Town, load: Load, shop: Shop) -> None:
    """Each coin that was to expire or to become spendable did so once; each hold ended as was answered, once; and none
    hangs."""
    assert town.ask("SELECT FROM schedule_due WHERE aside_id IS NOT NULL") == []
    assert town.ask("SELECT FROM ledger_lot WHERE pending > 0 OR held > 0") == []
    rows = town.ask(
        "SELECT c.customer_id, t.act, t.amount FROM ledger_txn t JOIN customers_customer c ON c.id = t.customer_id"
        " WHERE c.customer_id LIKE 'saver-%' AND t.act IN ('activate', 'expire')"
    )
    done = sorted((row["customer_id"], row["act"], row["amount"]) for row in rows)
    assert done == sorted(
        (f"saver-{n:03}", act, amount) for n in range(SAVERS) for act, amount in (("expire", 30), ("activate", 20))
    )
    holds = town.ask(
        "SELECT h.id, e.act, e.amount FROM ledger_txn h LEFT JOIN ledger_txn e ON e.source_txn_id = h.id"
        " WHERE h.act = 'hold' AND h.reference NOT LIKE 'coupon:%'"
    )
    assert len(holds) == len(load.told.holds)
    assert {row["id"]: (row["act"], row["amount"]) for row in holds} == load.told.holds
    assert {act for act, _ in load.told.holds.values()} == {"capture", "void"}


def _nothing_lost_and_nothing_doubled(town: Town, load: Load, shop: Shop) -> None:
    told = load.told
    rows = town.ask("SELECT id, customer_id, amount FROM ledger_txn WHERE trigger_id = $1", shop.trigger_id)
    book = {(row["customer_id"], row["id"], row["amount"]) for row in rows}
    assert book == {(reward.lead_id, reward.txn_id, reward.amount) for reward in told.rewards.values()}
    assert len(rows) == len(told.rewards)
    kept = {row["key"] for row in town.ask("SELECT key FROM once_call")}
    assert kept == told.rewards.keys() | told.orders.keys() | told.others
    orders = town.ask(
        "SELECT o.reference_id, o.financial_status, o.coins_rewarded,"
        "       array_agg(t.amount) FILTER (WHERE t.act = 'earn') AS coins,"
        "       array_agg(t.amount) FILTER (WHERE t.act = 'claw_back') AS taken_back"
        "  FROM orders_order o LEFT JOIN ledger_txn t ON t.reference = 'order:' || o.id GROUP BY o.id, 1, 2, 3"
    )
    assert {row["reference_id"] for row in orders} == {
        name.partition(":")[0] for name in told.orders.values()
    } | told.hooks
    assert told.hooks
    assert {row["state"] for row in town.ask("SELECT DISTINCT state FROM shops_hook")} == {"done"}
    for row in orders:
        assert row["coins"] == ([row["coins_rewarded"]] if row["financial_status"] == "paid" else None), dict(row)
        assert row["taken_back"] == (row["coins"] if f"{row['reference_id']}:2" in told.orders.values() else None)


def _each_coupon_is_one_discount_and_paid_once(town: Town, load: Load) -> None:
    """What was used here is gone there, and all others are there; coins were captured once for each."""
    rows = town.ask(
        "SELECT c.code, c.status, c.discount, array_agg(e.act) AS ends FROM rewards_coupon c"
        "  LEFT JOIN ledger_txn e ON e.source_txn_id = c.txn_id GROUP BY c.id, 1, 2, 3"
    )
    assert {row["code"]: row["status"] for row in rows} == load.told.coupons
    assert {(row["status"], row["discount"]) for row in rows} <= {("issued", "made"), ("redeemed", "gone")}
    assert rows
    assert all(row["ends"] == ["capture"] for row in rows)
    made = set(load.sandbox.sellers["shopify"].shelf.there)
    assert made == {code for code, status in load.told.coupons.items() if status == "issued"}


def _no_fact_without_its_event(town: Town) -> None:
    facts = {
        "walletreward_create": "SELECT id FROM ledger_txn WHERE act NOT IN ('activate', 'capture', 'void')",
        "wallettrasaction_update": "SELECT source_txn_id AS id FROM ledger_txn"
        " WHERE act IN ('activate', 'capture', 'void', 'claw_back')"
        " UNION ALL SELECT f.lot_id FROM ledger_txn t JOIN ledger_transfer f ON f.txn_id = t.id WHERE t.act = 'expire'",
        "lead_create": "SELECT id FROM customers_customer",
        "coupon_create": "SELECT id FROM rewards_coupon",
        "coupon_update": "SELECT id FROM rewards_coupon WHERE status = 'redeemed'",
        "order_create": "SELECT id FROM orders_order",
        "order_update": "SELECT id FROM orders_order WHERE financial_status = 'paid' AND source = 'till'"
        " UNION ALL SELECT id FROM orders_order WHERE jsonb_array_length(more->'refunds') > 0",
    }
    for topic, sql in facts.items():
        told = [
            _subject(json.loads(row["body"]))
            for row in town.ask("SELECT body FROM events_event WHERE topic = $1", topic)
        ]
        assert sorted(told) == sorted(str(row["id"]) for row in town.ask(sql)), topic
    firings = town.ask(
        "SELECT t.id FROM (SELECT * FROM ledger_txn WHERE act = 'earn') t"
        "  FULL JOIN triggers_firing f ON f.txn_id = t.id AND f.amount = t.amount"
        " WHERE t.id IS NULL AND f.state = 'granted' OR f.id IS NULL"
    )
    assert not firings


def _subject(body: dict[str, str]) -> str:
    """The id of what an event is about."""
    return body.get("coupon_id") or body.get("wallettransaction_id") or body.get("order_id") or body["lead_id"]


def _each_event_delivered_under_one_id(town: Town, load: Load) -> None:
    ids = defaultdict(set)
    for received in load.received:
        if received.call.headers.get("webhook-id") and b'"type":"ping"' not in received.call.body:
            body = json.loads(received.call.body)
            ids[body["type"], _subject(body["data"]), body["data"]["updated_at"]].add(
                received.call.headers["webhook-id"]
            )
    deliveries = town.ask(
        "SELECT d.id, e.topic, e.body, d.state FROM events_event e LEFT JOIN delivery_delivery d ON d.event_id = e.id"
    )
    assert [(row["topic"], row["state"]) for row in deliveries if row["state"] != "delivered"] == []
    expected = {}
    for row in deliveries:
        body = json.loads(row["body"])
        expected[row["topic"], _subject(body), body["updated_at"]] = {str(row["id"])}
    assert len(expected) == len(deliveries)
    assert ids == expected


async def _broken(url: str, workspace_id: UUID) -> ledger.Break | None:
    db = await Database.connect(url, connections_max=1)
    try:
        async with db.snapshot() as tx:
            return await ledger.verify(tx, workspace_id)
    finally:
        await db.close()
