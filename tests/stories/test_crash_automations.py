"""Worker and PostgreSQL are killed with SIGKILL while people pass through an automation (`make crash` kills as often as
it is told to). Afterwards nobody was skipped: each did every step once, has one reward, and one mail, or one that may
have been on its way when somebody fell, which is said and not sent again."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from regulars import customers, limits, tenancy, triggers
from regulars.customers import NewCustomer
from regulars.engagement import automations, messages
from regulars.engagement.messages.model import Content
from regulars.kit.clock import SystemClock
from regulars.kit.db import UNREACHABLE, Database
from regulars.kit.ports import free_port
from regulars.kit.secrets import SecretBox
from regulars.tenancy import Workspace
from regulars.triggers import Rule
from tests.doors import a_sender_in
from tests.stories.crashing import PATIENCE_S
from tests.stories.killing import KILLS, SECRET_KEY, Town

PEOPLE = 40  # that come between two kills


class Inbox:
    """Whatever comes, by whom it is to."""

    def __init__(self) -> None:
        self.mails = Counter[str]()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.update(envelope.rcpt_tos)
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    made, port = Inbox(), free_port()
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    yield made, port
    controller.stop()


@pytest.fixture
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as name:
        Path(name).chmod(0o755)
        town = Town(Path(name))
        try:
            yield town
        finally:
            town.end()


def test_an_automation_is_killed_again_and_again(town: Town, inbox: tuple[Inbox, int]) -> None:
    mails, port = inbox
    shop = asyncio.run(_a_shop(town.url, port))
    town.start("worker")
    random, people = Random(20_261_127), 0
    with town.telling():
        for kill in range(max(3, KILLS // 3)):
            asyncio.run(_come(town.url, shop, people, people + PEOPLE))
            people += PEOPLE
            time.sleep(random.uniform(0.1, 1.2))
            town.kill(("worker", "postgres")[kill % 2], random)
            town.postgres.start()
            town.mend()
        _settle(town, people)
    rows = town.ask(
        "SELECT r.state, array(SELECT p.step_id || ' ' || p.outcome FROM automations_passage p WHERE p.run_id = r.id"
        " ORDER BY p.at, p.step_id) AS steps FROM automations_run r"
    )
    assert len(rows) == people
    assert {row["state"] for row in rows} == {"done"}
    assert {tuple(sorted(step.split()[0] for step in row["steps"])) for row in rows} == {
        ("coins", "later", "mail", "soon")
    }
    assert town.ask("SELECT count(*) FROM ledger_txn WHERE act = 'earn'")[0][0] == people
    assert town.ask("SELECT count(DISTINCT customer_id) FROM ledger_txn WHERE act = 'earn'")[0][0] == people
    sent = town.ask("SELECT c.email, m.state FROM messages_message m JOIN customers_customer c ON c.id = m.customer_id")
    assert len(sent) == people
    assert {row["state"] for row in sent} <= {"sent", "uncertain"}
    for row in sent:
        assert mails.mails[row["email"]] in ((1,) if row["state"] == "sent" else (0, 1)), dict(row)
    rows = town.ask(
        "SELECT outcome, sum(people)::int AS people FROM automations_count WHERE step_id = 'mail' GROUP BY 1"
    )
    counted = dict(map(tuple, rows))
    assert counted["entered"] == people
    assert counted.get("queued", 0) == 0
    assert counted.get("sent", 0) + counted.get("uncertain", 0) == people


async def _a_shop(url: str, port: int) -> Workspace:
    now, db = SystemClock().now(), await Database.connect(url, connections_max=1)
    try:
        async with db.transaction() as tx:
            shop = await tenancy.create_workspace(tx, "Corner Shop", now=now)
            quiet = {"settings": {"messages": {"quiet_from": 0, "quiet_until": 0}}}
            shop = await tenancy.change_workspace(tx, shop.id, quiet, now)
            await a_sender_in(tx, shop.id, now, box=SecretBox(SECRET_KEY), port=port, rate=limits.RATE_PER_MINUTE_MAX)
            said = Content(subject="Hi", body="<p>Hello</p>")
            template = await messages.create_template(tx, shop.id, "Hi", "email", "", said, now, actor="")
            bonus = await triggers.create_trigger(tx, shop, "Bonus", "api", Rule(coins_min=5, coins_max=5), now)
            steps = [
                {"id": "soon", "kind": "wait", "for_s": 1},
                {"id": "mail", "kind": "message", "template_id": str(template.id)},
                {"id": "coins", "kind": "reward", "trigger_id": str(bonus.id)},
                {"id": "later", "kind": "wait", "for_s": 1},
            ]
            definition = {"trigger": {"kind": "event", "topic": "lead_create"}, "steps": steps}
            one = await automations.create_automation(tx, shop, "Welcome", definition, now, actor="")
            await automations.publish(tx, shop, one.id, now, actor="")
            await automations.launch(tx, shop, one.id, now)
    finally:
        await db.close()
    return shop


async def _come(url: str, shop: Workspace, first: int, end: int) -> None:
    """Again, until a server that recovers has taken them: whoever came before comes no second time."""
    new = [NewCustomer(f"person-{n:05}", email=f"person-{n}@a.shop") for n in range(first, end)]
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            db = await Database.connect(url, connections_max=1)
            try:
                async with db.transaction() as tx:
                    await customers.ensure(tx, shop, new, SystemClock().now())
                return
            finally:
                await db.close()
        except UNREACHABLE:
            assert time.monotonic() < deadline, "PostgreSQL does not come back"
            await asyncio.sleep(0.05)


def _settle(town: Town, people: int) -> None:
    left = (
        "SELECT 1 FROM automations_run WHERE state IN ('active', 'waiting')"
        " UNION ALL SELECT 1 FROM events_pending UNION ALL SELECT 1 FROM messages_message WHERE state = 'queued'"
        " UNION ALL SELECT 1 FROM (SELECT count(*) FROM automations_run HAVING count(*) < $1) AS few"
    )
    deadline = time.monotonic() + PATIENCE_S
    while town.ask(left, people):
        assert time.monotonic() < deadline, "people wait that nobody moves on"
        town.mend()
        time.sleep(0.1)
