"""Who is where in an automation is found by keys, however little PostgreSQL knows of the tables."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from regulars import events, why
from regulars.engagement import automations, messages
from regulars.engagement.automations.following import OfMessages
from regulars.engagement.messages.model import Content
from regulars.events import NewEvent
from regulars.kit import HandClock, SecretBox
from tests import make
from tests.doors import a_sender_in
from tests.rooms.delivery.street import Corner, corner
from tests.rooms.plans import planning, unanalysed

MANY = 1_000
HAPPENING = {"topic": "order_update", "where": {"property": "fiat_amount", "operator": "at_least", "value": 500}}


@pytest.fixture
async def shop(server_url: str, clock: HandClock) -> AsyncIterator[Corner]:
    db = await unanalysed(server_url)
    async with corner(db, clock) as made:
        yield made
    await db.close()


@pytest.mark.parametrize("analysed", [False, True], ids=["new", "analysed"])
async def test_automations_go_by_keys(shop: Corner, analysed: bool) -> None:
    db, workspace, now = shop.db, shop.workspace, shop.clock.now()
    people = list((await make.some_customers(db, workspace, now, *(f"Customer{n:04}" for n in range(MANY)))).values())
    ids = [one.id for one in people]

    async def ordered(tx: Any, n: int, topic: str = "order_create") -> list[events.Event]:
        new = [NewEvent(topic, id, '{"fiat_amount": 50}', now) for id in ids[:n]]
        named = [(id, topic) for id in await events.append(tx, workspace.id, new, now)]
        return list((await events.by_ids(tx, workspace.id, named)).values())

    async with db.transaction() as tx:
        await a_sender_in(tx, workspace.id, now, box=SecretBox("k" * 40))
        said = Content(subject="Hi", body="{{ user_name }}")
        template = await messages.create_template(tx, workspace.id, "Hi", "email", "", said, now, actor="")
        condition = {"done": "order_create", "count": {"operator": "at_least", "value": 2}}
        steps = [
            {"id": "some", "kind": "branch", "condition": condition, "no": [{"id": "w", "kind": "wait", "for_s": 60}]},
            {"id": "mail", "kind": "message", "template_id": str(template.id)},
            {
                "id": "order",
                "kind": "wait_event",
                "topic": "order_update",
                "longest_s": 60,
                "where": HAPPENING["where"],
            },
        ]
        definition = {"trigger": {"kind": "event", "topic": "order_create"}, "exits": [HAPPENING], "steps": steps}
        for n in range(20):
            one = await automations.create_automation(tx, workspace, f"A{n}", definition, now, actor="")
            await automations.publish(tx, workspace, one.id, now, actor="")
        await automations.launch(tx, workspace, one.id, now)
        await automations.follow(tx, workspace, await ordered(tx, MANY), now)
    later = now + timedelta(seconds=60)
    async with planning(db, analysed=analysed, at_least=45) as spy:
        assert sum((await automations.people_inside(spy, workspace.id, [one.id])).values()) == MANY
        await automations.follow(spy, workspace, await ordered(spy, 50), now)
        await automations.follow(spy, workspace, await ordered(spy, 50, "order_update"), now)
        await automations.wake(spy, workspace, [], later)
        sent = await automations.people_at(spy, workspace.id, one.id, "mail", outcome="queued", limit=50)
        assert len(sent) == 50
        found = [await messages.find_message(spy, workspace.id, passed.id) for passed in sent[:20]]
        assert await OfMessages().still(spy, workspace, found, later) == {}
        await OfMessages().settled(spy, workspace.id, [(one, "queued") for one in found], later)
        assert len(await automations.runs(spy, workspace.id, one.id, limit=20)) == 20
        assert len(await automations.runs(spy, workspace.id, one.id, step_id="order", limit=20)) == 20
        assert len(await automations.runs_of(spy, workspace.id, ids[0], limit=20)) == 1
        *_, logged = await events.recent(spy, workspace.id, customer_id=ids[0], topic="order_create", limit=9)
        assert await why.effects(spy, workspace, logged, [], [])
        assert await why.causes(spy, workspace, msgspec.structs.replace(logged, cause_id=logged.id))
        assert (await automations.counts(spy, workspace.id, one.id))[0].entered == MANY
        assert await automations.stuck(spy, workspace, [one]) == {}
        await automations.dry_run(spy, workspace, one.id, 7, later)
        await automations.moved(spy, workspace.id, ids[0], ids[1], now)
        await automations.forget(spy, workspace.id, ids[2:4], now)
        await automations.pause(spy, workspace, one.id, now)
        await automations.launch(spy, workspace, one.id, now, people_inside="move")
