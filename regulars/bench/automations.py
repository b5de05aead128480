"""Runs of an automation that start, their first message reserved, against events that are handed to one rule."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from regulars import dispatch, events, integrations, limits
from regulars.bench import postgres
from regulars.bench.campaigns import mailing_shop
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row
from regulars.bench.rewards import REWARD
from regulars.bench.stage import Stage, sql
from regulars.engagement import automations
from regulars.events import NewEvent
from regulars.kit import Tx, new_id
from regulars.kit.ports import free_port
from regulars.kit.processes import spare_collector
from regulars.tenancy import Workspace
from regulars.worker.loops import engage


async def launched(stage: Stage, shop: Workspace, told: dict[str, Any]) -> None:
    """An automation that a reward starts."""
    async with stage.app.db.transaction() as tx:
        now, told = stage.app.clock.now(), {"trigger": {"kind": "event", "topic": REWARD}, **told}
        made = await automations.create_automation(tx, shop, new_id().hex, told, now, actor="bench")
        await automations.publish(tx, shop, made.id, now, actor="bench")
        await automations.launch(tx, shop, made.id, now)


async def measure(stage: Stage) -> list[Row]:
    """Both by the acts of the worker, in this process, of the same events."""
    app, many, port = stage.app, stage.plan.runs, free_port()
    stage.say(f"making {many:,} events for an automation and a rule")
    shop, _, template_id = await mailing_shop(stage, "Automations", port, many)
    steps = [
        {"id": "told", "kind": "message", "template_id": str(template_id)},
        {"id": "day", "kind": "wait", "for_s": 86_400},
    ]
    await launched(stage, shop, {"steps": steps})
    async with app.db.transaction() as tx:
        now = app.clock.now()
        tool = await integrations.add(
            tx, shop.id, app.box, tool="webhook", name="Sink", given={"url": f"http://127.0.0.1:{port}/"}, now=now
        )
        await dispatch.create_rule(tx, shop.id, topic=REWARD, integration_id=tool.integration.id, now=now)
        ids = [row["id"] for row in await tx.fetch(sql.customers, shop.id)]
    for first in range(0, many, limits.GATHER_ITEMS_MAX):
        new = [NewEvent(REWARD, id, '{"amount": 10}', now) for id in ids[first : first + limits.GATHER_ITEMS_MAX]]
        async with app.db.transaction() as tx:
            await events.append(tx, shop.id, new, now)
    await postgres.settle(stage.url)
    spare_collector()  # as a worker does

    async def took_s(act: Callable[[Tx], Awaitable[int]]) -> float:
        began = time.monotonic()
        while True:
            async with app.db.transaction() as tx:
                if not await act(tx):
                    return time.monotonic() - began

    async def hand_out(tx: Tx) -> int:
        return (await dispatch.fan_out(tx, shop, app.clock.now())).events

    out_s = await took_s(hand_out)
    run_s = await took_s(lambda tx: engage(tx, shop, app.clock.now()))
    run_s += await stage.done_s({automations.WAKE: automations.wake})
    if (reserved := await stage.count("count_reserved", shop.id)) != many:
        raise BenchFailed(f"of {many:,} runs, {reserved:,} have their message reserved")
    return [Row("runs started, message reserved", many / run_s, "events handed to one rule", many / out_s, 0.3)]
