"""Server, worker and PostgreSQL are killed with SIGKILL, ten times in a row (`make crash KILLS=200`: as often as that)
and then all at once, while clients ask for rewards, report orders and refunds, send hooks, hold coins and spend them,
buy coupons that are made at a platform which fails now and then after it made one, use them, and refer friends who
order; and while coins become spendable and expire, and customers are reminded. A second server and a second worker join
and are gone again. Afterwards nothing that was answered is lost, nothing was done twice, nothing that was due is left,
and every event came to the shop's receiver under one id, again only if it was on its way when one was killed."""

import asyncio
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from regulars import ledger, limits
from regulars.kit.db import Database
from tests.stories.crash_shop import SAVERS, STOCK, TOPICS, WEBHOOK_SECRET, Shop, a_shop
from tests.stories.crashing import PATIENCE_S, Load
from tests.stories.killing import KILLS, Town

SEED = 20_260_314
VICTIMS = ["server"] * 4 + ["worker"] * 3 + ["postgres"] * 3


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
    load = Load(town.ports, SEED, clients=9)
    try:
        yield load
    finally:
        load.end()


def test_killed_again_and_again_under_load(town: Town, load: Load) -> None:
    shop = asyncio.run(a_shop(town.url, load.listen(WEBHOOK_SECRET)))
    town.start("server")
    town.start("worker")
    load.ask({"x-apikey": shop.write_key, "x-workspaceid": str(shop.id), "x-source": "unix"}, shop.asked)
    with town.telling():
        _kill_and_settle(town, load, shop)
    assert load.told.lost > 0
    assert load.told.hits > 0
    _what_was_due_is_done(town, load, shop)
    _nothing_lost_and_nothing_doubled(town, load, shop)
    _each_coupon_is_one_discount_and_paid_once(town, load, shop)
    _both_are_rewarded_once(town, load)
    _each_is_reminded_once(town, load)
    _no_fact_without_its_event(town)
    _each_event_delivered_under_one_id(town, load)
    assert asyncio.run(_broken(town.url, shop.id)) is None


def _kill_and_settle(town: Town, load: Load, shop: Shop) -> None:
    random = Random(SEED)
    rounds = -(-KILLS // len(VICTIMS))
    victims = [victim for _ in range(rounds) for victim in random.sample(VICTIMS, len(VICTIMS))][:KILLS]
    for number, victim in enumerate([*victims, "all"]):
        if number == KILLS // 3:
            town.add()
        elif number == KILLS * 4 // 5:
            town.take_away()
        # Not for both, so that one falls while another gets up.
        load.wait_for_more(town.mend, **{random.choice(["answers", "received"]): random.randint(1, 60)})
        for name in ["server", "worker", "postgres"] if victim == "all" else [victim]:
            town.kill(name, random)
        town.postgres.start()
        _hurry(town)
        town.mend()
    load.wait_for_more(town.mend, answers=100, received=1)
    load.stop_asking(town.mend)
    load.sandbox.faults.clear()
    _settle(town, shop)


def _hurry(town: Town) -> None:
    """A day from now nobody waits any more: what goes on is sent by a worker that found the one before it gone. And
    what is asked about tomorrow is asked now."""
    town.ask(
        "WITH asked_now AS (UPDATE schedule_due SET due_at = now()"
        "                    WHERE kind = 'reminders.reviews' AND due_at > now() RETURNING 1)"
        " UPDATE delivery_lane SET leased_until = now() + interval '1 day' WHERE leased_until IS NOT NULL"
    )


_LEFT = """
    WITH now_due AS (UPDATE schedule_due SET due_at = now() WHERE due_at > now() + interval '1 second'
                      AND (kind IN ('rewards.discount', 'reminders.reviews')
                           OR kind = 'ledger.settle' AND due_at > now() + interval '1 hour') RETURNING 1)
    SELECT topic AS what, '' AS which FROM events_pending
    UNION ALL SELECT 'delivery', reason FROM delivery_delivery WHERE state = 'queued'
    UNION ALL SELECT 'hook', '' FROM shops_hook WHERE state = 'pending'
    UNION ALL SELECT kind, concat_ws(' ', key, due_at, payload, reason) FROM schedule_due
     WHERE kind IN ('ledger.settle', 'rewards.discount', 'referrals.settle', 'people.meet', 'reminders.reviews')
        OR kind LIKE 'reminders.%' AND due_at < now() + interval '1 hour'
"""
"""Nobody calls any more, so what waits for the end of a lease, for a late call, or for the days that a coupon's hold
lasts, need not. Friends who have not ordered are looked at again tomorrow, and so is all that lies unused."""


def _settle(town: Town, shop: Shop) -> None:
    """Until nothing is due any more, no hook and no event is pending, and no delivery queued; as long as they get
    fewer."""
    all_due_s = (shop.all_due_at - datetime.now(UTC)).total_seconds()
    deadline, least = time.monotonic() + PATIENCE_S + max(0, all_due_s), 10**9
    while left := town.ask(_LEFT):
        if len(left) < least:
            least, deadline = len(left), max(deadline, time.monotonic() + PATIENCE_S)
        assert time.monotonic() < deadline, f"{len(left)} stay pending: {[tuple(row) for row in left[:9]]}"
        town.mend()
        time.sleep(0.05)


def _what_was_due_is_done(town: Town, load: Load, shop: Shop) -> None:
    """Each coin that was to expire or to become spendable did so once; each hold ended as was answered, once; and none
    hangs."""
    assert town.ask("SELECT kind, key, reason FROM schedule_due WHERE aside_id IS NOT NULL") == []
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
    rows = town.ask("SELECT id, customer_id, amount FROM ledger_txn WHERE trigger_id = $1", shop.asked.trigger_id)
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


def _each_coupon_is_one_discount_and_paid_once(town: Town, load: Load, shop: Shop) -> None:
    """What was used here is gone there, and all others are there; coins were captured once for each that was bought,
    and no more were than there are."""
    rows = town.ask(
        "SELECT c.code, c.status, c.discount, c.type, c.offer_id, array_agg(e.act) AS ends FROM rewards_coupon c"
        "  LEFT JOIN ledger_txn e ON e.source_txn_id = c.txn_id GROUP BY c.id, 1, 2, 3, 4, 5"
    )
    bought = [row for row in rows if row["type"] != "referral"]
    assert {row["code"]: row["status"] for row in bought} == load.told.coupons
    ends = {("issued", "made"), ("redeemed", "gone"), ("cancelled", "gone")}
    assert {(row["status"], row["discount"]) for row in rows if row["discount"]} <= ends
    assert all(row["discount"] for row in bought)
    assert bought
    assert all(row["ends"] == ["capture"] for row in bought)
    made = set(load.sandbox.sellers["shopify"].shelf.there)
    assert made == {row["code"] for row in rows if row["discount"] == "made"}
    scarce = sum(row["offer_id"] == shop.asked.scarce_id for row in rows)
    assert scarce == STOCK if load.told.sold_out else scarce <= STOCK


def _both_are_rewarded_once(town: Town, load: Load) -> None:
    """Whoever brought a friend who ordered, and that friend; what was paid back is taken back. Each who has not ordered
    was reminded once."""
    rows = town.ask(
        "SELECT r.id, r.state, r.email, r.reminded, f.status,"
        "       array(SELECT t.act || t.amount FROM ledger_txn t WHERE t.reference = 'referral:' || r.id ORDER BY t.id)"
        "         AS txns"
        "  FROM referrals_referral r LEFT JOIN rewards_coupon f ON f.id = r.friend_coupon_id"
    )
    assert {row["id"] for row in rows if not row["email"].startswith("waiting-")} == load.told.friends.keys()
    ends = {
        "claimed": [("claimed", 0, "issued", []), ("claimed", 1, "issued", [])],
        "completed": [("completed", 0, "issued", ["earn50"])],
        "refunded": [("claimed", 0, "issued", []), ("reversed", 0, "cancelled", ["earn50", "claw_back50"])],
    }
    for row in rows:
        expected = ends[load.told.friends.get(row["id"], "claimed")]
        assert (row["state"], row["reminded"], row["status"], row["txns"]) in expected, dict(row)
    assert sum(row["reminded"] for row in rows) == len(range(0, SAVERS, 4))
    coupons = town.ask("SELECT count(*) FROM rewards_coupon WHERE type = 'referral'")[0][0]
    assert coupons == len(rows)


def _each_is_reminded_once(town: Town, load: Load) -> None:
    """Who has not ordered, whose coins lie unused, and who has an order that was not paid back."""
    asks = town.ask(
        "SELECT o.reference_id, a.order_id, a.asked FROM reviews_ask a JOIN orders_order o ON o.id = a.order_id"
    )
    paid_back = {name.partition(":")[0] for name in load.told.orders.values() if name.endswith(":2")}
    assert {row["asked"] for row in asks if row["reference_id"] not in paid_back} == {1}
    whom = {
        "reviewrequest_create": ("order_id", [row["order_id"] for row in asks if row["asked"]]),
        "unusedwalletcoinrequest_create": (
            "lead_id",
            [row["id"] for row in town.ask("SELECT id FROM customers_customer WHERE customer_id LIKE 'sleeper-%'")],
        ),
        "incompletereferralrequest_create": (
            "referral_id",
            [row["id"] for row in town.ask("SELECT id FROM referrals_referral WHERE reminded = 1")],
        ),
    }
    for topic, (field, ids) in whom.items():
        rows = town.ask("SELECT body::jsonb ->> $2 AS id FROM events_event WHERE topic = $1", topic, field)
        assert sorted(row["id"] for row in rows) == sorted(map(str, ids)), topic
        assert ids


def _no_fact_without_its_event(town: Town) -> None:
    facts = {
        "walletreward_create": "SELECT id FROM ledger_txn WHERE act NOT IN ('activate', 'capture', 'void', 'merge')",
        "wallettrasaction_update": "SELECT source_txn_id AS id FROM ledger_txn"
        " WHERE act IN ('activate', 'capture', 'void', 'claw_back')"
        " UNION ALL SELECT f.lot_id FROM ledger_txn t JOIN ledger_transfer f ON f.txn_id = t.id WHERE t.act = 'expire'",
        "lead_create": "SELECT id FROM customers_customer",
        # It is told of when its code works: of one that is cancelled before, nobody hears; of another, once.
        "coupon_create": "SELECT id FROM rewards_coupon WHERE status <> 'cancelled' UNION"
        " SELECT c.id FROM rewards_coupon c JOIN events_event e ON e.body::jsonb ->> 'coupon_id' = c.id::text"
        "  WHERE c.status = 'cancelled' AND e.topic = 'coupon_create'",
        "coupon_update": "SELECT id FROM rewards_coupon WHERE status IN ('redeemed', 'cancelled')",
        "refereenotify_create": "SELECT friend_coupon_id AS id FROM referrals_referral",
        "referrernotify_create": "SELECT txn_id AS id FROM referrals_referral WHERE txn_id IS NOT NULL",
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
        "SELECT t.id FROM (SELECT * FROM ledger_txn WHERE act = 'earn' AND type <> 'referral') t"
        "  FULL JOIN triggers_firing f ON f.txn_id = t.id AND f.amount = t.amount"
        " WHERE t.id IS NULL AND f.state = 'granted' OR f.id IS NULL"
    )
    assert not firings


def _subject(body: dict[str, str]) -> str:
    """The id of what an event is about."""
    about = ("coupon_id", "wallettransaction_id", "order_id", "referral_id", "lead_id")
    return next(body[name] for name in about if body.get(name))


def _each_event_delivered_under_one_id(town: Town, load: Load) -> None:
    ids = defaultdict(list)
    for received in load.received:
        if received.call.headers.get("webhook-id") and b'"type":"ping"' not in received.call.body:
            body = json.loads(received.call.body)
            ids[body["type"], _subject(body["data"]), body["data"]["updated_at"]].append(
                received.call.headers["webhook-id"]
            )
    # What was on its way when one fell, or had come and could not be written down any more, is sent again; what was
    # known to have come, never.
    repeats = sum(len(times) - len(set(times)) for times in ids.values())
    assert repeats <= town.kills * limits.LANE_UNRECORDED_MAX
    known = "SELECT delivery_id FROM delivery_attempt WHERE outcome = 'delivered' GROUP BY 1 HAVING count(*) > 1"
    assert town.ask(known) == []
    deliveries = town.ask(
        "SELECT d.id, e.topic, e.body, d.state FROM events_event e LEFT JOIN delivery_delivery d ON d.event_id = e.id"
        " WHERE e.topic = ANY ($1)",
        TOPICS,
    )
    assert [(row["topic"], row["state"]) for row in deliveries if row["state"] != "delivered"] == []
    expected = {}
    for row in deliveries:
        body = json.loads(row["body"])
        expected[row["topic"], _subject(body), body["updated_at"]] = {str(row["id"])}
    assert len(expected) == len(deliveries)
    assert {what: set(times) for what, times in ids.items()} == expected


async def _broken(url: str, workspace_id: UUID) -> ledger.Break | None:
    db = await Database.connect(url, connections_max=1)
    try:
        async with db.snapshot() as tx:
            return await ledger.verify(tx, workspace_id)
    finally:
        await db.close()
