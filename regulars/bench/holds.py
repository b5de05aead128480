"""Coins held and captured a second, as a checkout does it: two calls for each purchase, against plain rewards."""

from itertools import count

from regulars.bench import postgres
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row, middle
from regulars.bench.load import Task, request
from regulars.bench.rewards import key_of, plain, rewarding_shop, verify
from regulars.bench.stage import Stage
from regulars.bench.turns import loaded, rate


async def measure(stage: Stage) -> list[Row]:
    """Some are held for a while, then those are captured; each pair takes as long as one of each."""
    stage.say("filling two shops, one to hold coins in")
    _, rewarding = await plain(stage, "Beside holds")
    shop, _ = await rewarding_shop(stage, "Holds")
    key = await key_of(stage, shop)
    headers = {"x-workspaceid": str(shop.id), "Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    ids = await stage.ids("customers", shop.id)
    await postgres.settle(stage.url)
    numbers = count()

    def task(paths: list[str], body: str) -> Task:
        requests = [
            request("POST", path, headers, body.replace("%", str(next(numbers))), named="x-request-id")
            for path in paths
        ]
        return stage.once(requests)

    rewards, pairs = [], []
    async with stage.working():
        for _ in range(2 * stage.plan.rounds):
            rewards.append(await loaded(rewarding, stage.plan.turn_s))
            holding = task([f"/api/v1/customers/{id}/holds" for id in ids], '{"amount":1,"reference":"bench-%"}')
            held = await loaded(holding, stage.plan.turn_s)
            open_ids = await stage.ids("holds", shop.id)
            capturing = task([f"/api/v1/holds/{id}/capture" for id in open_ids], "{}")
            captured = await loaded(capturing, 60)
            pairs.append(1 / (1 / held.rate + 1 / captured.rate))
            stage.say(f"rewards: {rewards[-1].rate:,.0f}/s; held: {held.rate:,.0f}/s; captured: {captured.rate:,.0f}/s")
            if captured.answered != len(open_ids) or held.answered != len(open_ids):
                raise BenchFailed(
                    f"of {held.answered:,} holds, {len(open_ids):,} stood and {captured.answered:,} ended"
                )
    await verify(stage, shop.id)
    return [Row("coins held and captured, pairs", middle(pairs), "plain rewards beside them", rate(rewards), 0.6)]
