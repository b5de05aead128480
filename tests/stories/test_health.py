"""Whether the work of all shops keeps up: said in words with 503 when it does not, and in numbers, at the doors."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from regulars import delivery, events, limits
from regulars.events import NewEvent
from regulars.kit import Database, HandClock, new_id
from regulars.kit.workloop import Loop
from regulars.wiring import App
from regulars.worker.loops import Loops
from tests.conftest import fresh_database
from tests.doors import client_of, opened
from tests.rooms.delivery.street import Corner, Street, corner
from tests.tidy.checkout import ROOT


@pytest.fixture
async def alone(server_url: str) -> AsyncIterator[tuple[App, Corner, httpx.AsyncClient]]:
    """A database in which no other test leaves anything. Ids are made by the real clock, so it begins there."""
    url, clock = await fresh_database(server_url), HandClock(datetime.now(UTC))
    pool = (await Database.connect(url)).pool
    async with opened(pool, clock) as app, corner(app.db, clock) as shop, client_of(app) as client:
        yield app, shop, client


async def asked(client: httpx.AsyncClient) -> tuple[int, list[str]]:
    answer = await client.get("/health")
    return answer.status_code, [re.sub(r" since [0-9: -]+ UTC", " since then", one) for one in answer.text.splitlines()]


def loops(app: App, shop: Corner) -> Loops:
    return Loops(app.db, Street(), app.http, app.box, clock=shop.clock, random=lambda: 0.5)


async def turn(worker: Loops, *, besides: Loop | None = None) -> None:
    for loop in worker.all:
        loop.turned = loop is not besides
    await worker.beat()


async def test_it_fails_in_words_when_a_loop_stands_still_or_what_is_due_grows_too_old(
    alone: tuple[App, Corner, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, shop, client = alone
    monkeypatch.setattr(limits, "LOOP_BEAT_S", 0.0)
    assert await asked(client) == (503, ["No worker has been heard of: is `regulars work` running?"])
    worker = loops(app, shop)
    await turn(worker)
    shop.clock.advance(seconds=limits.HEALTH_FRESH_S)
    assert await asked(client) == (200, ["ok"])

    # One stands still while all others go round.
    shop.clock.advance(seconds=limits.LOOP_STILL_S + 1)
    await turn(worker, besides=worker.fan_out_loop)
    still = "The loop fan-out has come to no good end since then: see the worker's log."
    assert await asked(client) == (503, [still])
    shop.clock.advance(seconds=-3_600)
    assert await asked(client) == (200, ["ok"]), "a clock that jumps back makes nobody old"
    shop.clock.advance(seconds=3_600 + limits.LOOP_STILL_S + 1)
    stopped = "No worker has been heard of since then: is `regulars work` running?"
    assert await asked(client) == (503, [stopped])

    # What waits to be read, and what is due; not where events are off, nor what is paused.
    lane_id = await shop.lane()
    await shop.queue(lane_id)
    await unread(app, shop)
    shop.clock.advance(seconds=limits.DUE_LATE_S + 1)
    await turn(worker)
    waits = "An event waits for dispatch since then."
    assert await asked(client) == (503, [waits, "A delivery to webhook has been due since then."])
    text = (await client.get("/metrics")).text
    assert float(re.findall(r'regulars_due_age_seconds\{tool="webhook"\} (\S+)', text)[0]) >= limits.DUE_LATE_S
    assert float(re.findall(r'regulars_event_age_seconds\{reader="dispatch"\} (\S+)', text)[0]) >= limits.DUE_LATE_S
    assert re.search(r'regulars_loop_age_seconds\{loop="fan-out"\} 0.0', text)
    async with app.db.transaction() as tx:
        await delivery.pause_lane(tx, shop.workspace.id, lane_id, "Paused by hand.")
        await events.switch(tx, shop.workspace.id, False, shop.clock.now())
        await events.drop_pending(tx, shop.workspace.id, "dispatch")
    shop.clock.advance(seconds=limits.HEALTH_FRESH_S)
    assert await asked(client) == (200, ["ok"])


async def unread(app: App, shop: Corner) -> None:
    """An event that a rule asks for, and nobody looks at."""
    made = "INSERT INTO dispatch_rule (workspace_id, id, topic, integration_id, created_at, updated_at)"
    async with app.db.transaction() as tx:
        await tx.execute(f"{made} VALUES ($1, $2, 'lead_create', $2, now(), now())", shop.workspace.id, new_id())
        new = NewEvent("lead_create", new_id(), "{}", shop.clock.now())
        await events.append(tx, shop.workspace.id, [new], shop.clock.now())


async def test_what_dashboards_and_alerts_name_is_measured(alone: tuple[App, Corner, httpx.AsyncClient]) -> None:
    app, shop, client = alone
    await shop.queue(await shop.lane())
    worker = loops(app, shop)
    await turn(worker)
    told = set(re.findall(r"^# TYPE (\w+)", (await client.get("/metrics")).text, re.MULTILINE))
    for path in (ROOT / "deploy/grafana/regulars.json", ROOT / "deploy/prometheus/alerts.yml"):
        text = path.read_text(encoding="utf-8")
        named = {re.sub(r"_(bucket|count|sum)$", "", one) for one in re.findall(r"\bregulars_\w+", text)}
        assert named
        assert named <= told, f"{path.name} names what nobody measures"
    assert json.loads((ROOT / "deploy/grafana/regulars.json").read_text(encoding="utf-8"))["panels"]
