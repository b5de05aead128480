"""Worker and PostgreSQL are killed with SIGKILL while a campaign is being sent (`make crash KILLS=200`: more often).
Nobody is skipped, and nobody is mailed twice: what was on its way is called uncertain, and not sent again."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller

from regulars import channels, limits, tenancy
from regulars.channels import Checked
from regulars.delivery import CheckResult
from regulars.engagement import campaigns, messages
from regulars.engagement.campaigns import Terms, Variant
from regulars.engagement.messages.model import Content
from regulars.kit import SecretBox
from regulars.kit.clock import SystemClock
from regulars.kit.db import Database
from regulars.kit.ports import free_port
from tests import make
from tests.stories.crashing import PATIENCE_S
from tests.stories.killing import KILLS, SECRET_KEY, Town

SEED = 20_260_314
DEATHS = max(4, min(KILLS // 5, 40))
PEOPLE = 120 * DEATHS


class Sink:
    """A mail server that takes its time."""

    def __init__(self) -> None:
        self.came: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(0.01)
        self.came.append(envelope.rcpt_tos[0])
        return "250 2.0.0 OK"


@pytest.fixture
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as name:
        Path(name).chmod(0o755)
        town = Town(Path(name))
        try:
            yield town
        finally:
            town.end()


async def a_campaign(url: str, port: int) -> UUID:
    now, db = SystemClock().now(), await Database.connect(url, connections_max=1)
    given = {"sender_name": "Shop", "sender_email": "hello@shop.example", "server": "127.0.0.1", "port": port}
    given |= {"security": "none", "rate_per_minute": limits.RATE_PER_MINUTE_MAX}
    try:
        async with db.transaction() as tx:
            shop = await tenancy.create_workspace(tx, "Corner Shop", now=now)
            awake = {"settings": {"messages": {"quiet_from": 0, "quiet_until": 0}}}
            shop = await tenancy.change_workspace(tx, shop.id, awake, now)
            made = await channels.add(tx, shop.id, SecretBox(SECRET_KEY), tool="smtp", name="", given=given, now=now)
            await channels.conclude(tx, made.sender, Checked(CheckResult(True, "")), now)
            said = Content(subject="Hello {{ user_name }}", body="<p>Come by</p>")
            template = await messages.create_template(tx, shop.id, "Hello", "email", "", said, now, actor="")
        await make.some_customers(db, shop, now, *(f"customer-{n:05}" for n in range(PEOPLE)))
        async with db.transaction() as tx:
            terms = Terms(name="Spring", variants=(Variant(template.id),))
            one = await campaigns.create_campaign(tx, shop, terms, now)
            await campaigns.launch(tx, shop, one.id, now)
    finally:
        await db.close()
    return one.id


def test_nobody_is_skipped_and_nobody_mailed_twice(town: Town) -> None:
    sink, random = Sink(), Random(SEED)
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        id = asyncio.run(a_campaign(town.url, controller.port))
        town.start("worker")
        with town.telling():
            for victim in random.sample(["worker", "postgres"] * DEATHS, DEATHS):
                _until(town, sink, len(sink.came) + random.randint(1, PEOPLE // DEATHS // 2))
                town.kill(victim, random)
                town.mend()
            _finished(town, id)
            _each_once(town, sink, id)
    finally:
        controller.stop()


def _until(town: Town, sink: Sink, many: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(sink.came) < min(many, PEOPLE - DEATHS):
        assert time.monotonic() < deadline, f"only {len(sink.came)} mails came"
        town.mend()
        time.sleep(0.01)


def _finished(town: Town, id: UUID) -> None:
    deadline = time.monotonic() + PATIENCE_S * 2
    while (state := town.ask("SELECT state FROM campaigns_campaign WHERE id = $1", id)[0]["state"]) != "finished":
        assert time.monotonic() < deadline, f"it is still {state}"
        town.mend()
        time.sleep(0.05)


def _each_once(town: Town, sink: Sink, id: UUID) -> None:
    rows = town.ask(
        "SELECT c.email, m.state, m.reason FROM campaigns_recipient r JOIN customers_customer c ON c.id = r.customer_id"
        "  LEFT JOIN messages_message m ON m.id = r.message_id WHERE r.campaign_id = $1",
        id,
    )
    assert len(rows) == PEOPLE
    assert town.ask("SELECT count(*) FROM messages_message")[0][0] == PEOPLE
    came, states = Counter(sink.came), {row["email"]: row["state"] for row in rows}
    assert max(came.values()) == 1, "nobody is mailed twice"
    assert set(states.values()) <= {"sent", "uncertain"}, Counter(states.values())
    assert {email for email, state in states.items() if state == "sent"} <= came.keys()
    uncertain = [row for row in rows if row["state"] == "uncertain"]
    assert len(uncertain) <= DEATHS * 2 * limits.LANE_IN_HAND_MAX
    assert all(row["reason"] for row in uncertain)
    tallied = town.ask(
        "SELECT what, sum(many)::integer AS many FROM campaigns_tally WHERE campaign_id = $1 GROUP BY 1", id
    )
    assert {row["what"]: row["many"] for row in tallied} == Counter(states.values())
    assert town.ask("SELECT kind, key, reason FROM schedule_due WHERE aside_id IS NOT NULL") == []
