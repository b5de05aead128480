"""Hooks of a shop's platform: taken in while nobody handles them, against the route of the same server that does
nothing; then handled, against plain rewards."""

import asyncio
import time
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest

import msgspec

from regulars import shops, triggers
from regulars.bench import book, postgres
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row, middle
from regulars.bench.load import Report, Task, request
from regulars.bench.rewards import plain, verify
from regulars.bench.stage import PATIENCE_S, Stage, sql
from regulars.bench.turns import customer_id, in_turn, loaded, rate
from regulars.tenancy import Workspace
from regulars.triggers import Rule

_POLL_S = 0.1


async def measure(stage: Stage) -> list[Row]:
    """Each hook is an order of its own, with lines, that earns coins."""
    plan = stage.plan
    stage.say(f"signing {plan.hooks:,} hooks")
    _, rewarding = await plain(stage, "Beside hooks")
    shop, hooks = await _connected(stage)
    null = msgspec.structs.replace(stage.once([request("GET", "/healthz", {}, named="x-request-id")]), once=False)
    await postgres.settle(stage.url)
    turns = await in_turn({"null": null, "hooks": hooks}, stage.say, rounds=1, seconds=plan.turn_s)
    taken = sum(report.answered for report in turns["hooks"])
    if await _in_states(stage, shop) != {"pending": taken}:
        raise BenchFailed(f"{taken:,} hooks were answered, and kept are: {await _in_states(stage, shop)}")
    rewards: list[Report] = []
    async with stage.working():
        stage.say(f"handling {taken:,} hooks")
        handled = await _handled(stage, shop, taken)
        stage.say(f"handled: {handled:,.0f}/s")
        for _ in range(2):
            rewards.append(await loaded(rewarding, plan.turn_s))
    granted = await stage.count("count_granted", shop.id)
    if await _in_states(stage, shop) != {"done": taken} or granted != taken:
        raise BenchFailed(f"of {taken:,} orders, {granted:,} earned coins; hooks: {await _in_states(stage, shop)}")
    await verify(stage, shop.id)
    return [
        Row("hooks taken in", rate(turns["hooks"]), "the server's route that does nothing", rate(turns["null"]), 0.5),
        Row("orders handled, of hooks", handled, "plain rewards after them", middle([r.rate for r in rewards]), 0.4),
    ]


async def _connected(stage: Stage) -> tuple[Workspace, Task]:
    shop, app, plan = await stage.shop("Hooks"), stage.app, stage.plan
    await book.fill(stage, shop, plan.customers, 1)
    now = app.clock.now()
    async with app.db.transaction() as tx:
        rule = Rule(title="Purchase", coins_per_unit=1)
        await triggers.create_trigger(tx, shop, "Purchase", "order", rule, now, actor="bench")
        shown = await shops.connect(tx, shop.id, app.box, platform="website", name="", given={}, now=now)
    path, secret = f"/hooks/website/{shown.source.hook_id}", shown.new_secrets["secret"].encode()
    requests = []
    for number in range(plan.hooks):
        body = msgspec.json.encode(_order(number, customer_id(number % plan.customers), now))
        headers = {
            "Content-Type": "application/json",
            "X-Custom-Website-Topic": "orders/created",
            "X-Custom-Website-Signature": b64encode(digest(secret, body, sha256)).decode(),
        }
        requests.append(request("POST", path, headers, body.decode(), named="X-Custom-Website-Id"))
    return shop, stage.once(requests)


def _order(number: int, buyer: str, at: datetime) -> dict[str, object]:
    lines = [{"product_id": f"product-{n}", "title": f"Product {n}", "quantity": n, "amount": "10"} for n in (1, 2, 3)]
    return {
        "reference_id": str(number),
        "name": f"#{number}",
        "customer": {"customer_id": buyer},
        "amount": "30",
        "currency_code": "usd",
        "placed_at": at.astimezone(UTC).isoformat(),
        "lines": lines,
    }


async def _in_states(stage: Stage, shop: Workspace) -> dict[str, int]:
    async with stage.app.db.reading() as tx:
        return {row["state"]: row["hooks"] for row in await tx.fetch(sql.hooks, shop.id)}


async def _handled(stage: Stage, shop: Workspace, count: int) -> float:
    """Per second, from the first that are handled to the last; of a few, which are handled at once, from the worker's
    start."""
    began, first = time.monotonic(), 0
    while time.monotonic() < began + PATIENCE_S:
        left = await stage.count("hooks_left", shop.id)
        if not left:
            return (count - first) / (time.monotonic() - began)
        if not first and left < count:
            began, first = time.monotonic(), count - left
        await asyncio.sleep(_POLL_S)
    raise BenchFailed(f"of {count:,} hooks, not all were handled within {PATIENCE_S:g} s")
