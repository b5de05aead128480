"""Coupons redeemed a second over HTTP against plain rewards; a stock that is bought by many at once; codes uploaded
against COPY of the same rows."""

import asyncio
import time
from itertools import count
from typing import Any
from uuid import UUID

from regulars import rewards
from regulars.bench import postgres
from regulars.bench.children import BenchFailed
from regulars.bench.figures import Row, middle
from regulars.bench.load import request
from regulars.bench.rewards import key_of, plain, rewarding_shop, verify
from regulars.bench.stage import Stage
from regulars.bench.turns import loaded, rate
from regulars.kit import Refusal
from regulars.rewards import Ask, Issued, Offer, Terms
from regulars.tenancy import Workspace
from regulars.wiring import Call


async def measure(stage: Stage) -> list[Row]:
    """Redeemed in turn with rewards, each coupon once."""
    stage.say("filling two shops, one with coupons")
    _, rewarding = await plain(stage, "Beside coupons")
    shop, _ = await rewarding_shop(stage, "Coupons")
    ids = await stage.ids("customers", shop.id)
    codes = await _issued(stage, shop, ids)
    await postgres.settle(stage.url)
    headers = {"x-workspaceid": str(shop.id), "Authorization": f"Bearer {await key_of(stage, shop)}"}
    headers["Content-Type"] = "application/json"
    numbers, plan, given, redeemed = count(), stage.plan, [], []
    async with stage.working():
        for n in range(2 * plan.rounds):
            given.append(await loaded(rewarding, plan.turn_s))
            asked = [
                request("POST", f"/api/v1/coupons/{code}/redeem", headers, f'{{"reference":"bench-{next(numbers)}"}}',
                        named="x-request-id")
                for code in codes[n :: 2 * plan.rounds]
            ]  # fmt: skip
            redeemed.append(await loaded(stage.once(asked), 60))
            stage.say(f"rewards: {given[-1].rate:,.0f}/s; coupons redeemed: {redeemed[-1].rate:,.0f}/s")
    if sum(one.answered for one in redeemed) != len(codes):
        raise BenchFailed(f"of {len(codes):,} coupons, {sum(one.answered for one in redeemed):,} were redeemed")
    rows = [Row("coupons redeemed", middle([r.rate for r in redeemed]), "plain rewards beside them", rate(given), 0.5)]
    rows += [await _stock(stage, shop, ids), await _uploaded(stage, shop)]
    await verify(stage, shop.id)
    return rows


async def _offer(stage: Stage, shop: Workspace, codes: Any = "generated", **terms: Any) -> Offer:
    async with stage.app.db.transaction() as tx:
        return await rewards.create_offer(tx, shop, "Bench", Terms(code=codes, **terms), stage.app.clock.now())


async def _issued(stage: Stage, shop: Workspace, ids: list[UUID]) -> list[str]:
    offer, codes = await _offer(stage, shop, value=5), []
    asks = [Ask(customer_id=ids[n % len(ids)], offer_id=offer.id, type="reward") for n in range(stage.plan.coupons)]
    for n in range(0, len(asks), 1_000):
        async with stage.app.db.transaction() as tx:
            came = await rewards.issue(tx, shop, asks[n : n + 1_000], stage.app.clock.now())
        codes += [one.coupon.code for one in came if isinstance(one, Issued)]
    return codes


async def _stock(stage: Stage, shop: Workspace, ids: list[UUID]) -> Row:
    """Exactly so many are issued, and whoever has none keeps their coins. Raises BenchFailed."""
    buyers = ids[: stage.plan.coupons // 6]
    offer = await _offer(stage, shop, value=5, price="fixed", coins=1, stock=len(buyers) // 5)
    before = await stage.count("available", shop.id)

    async def buy(id: UUID) -> bool:
        try:
            call: Call[Ask, Issued] = Call(
                shop, Ask(customer_id=id, offer_id=offer.id), lambda issued: (200, issued.coupon.code)
            )
            return bool(await stage.app.issue(call))
        except Refusal:
            return False

    began = time.perf_counter()
    bought = sum(await asyncio.gather(*map(buy, buyers)))
    took_s = time.perf_counter() - began
    spent = before - await stage.count("available", shop.id)
    if not bought == spent == offer.terms.stock:
        raise BenchFailed(f"of a stock of {offer.terms.stock:,}, {bought:,} were bought for {spent:,} coins")
    return Row(f"a stock of {bought:,} bought by {len(buyers):,} at once", len(buyers) / took_s)


async def _uploaded(stage: Stage, shop: Workspace) -> Row:
    many = stage.plan.codes
    offer, db = await _offer(stage, shop, "list", value=5), stage.app.db
    began = time.perf_counter()
    async with db.transaction() as tx:
        await rewards.upload(tx, shop.id, offer.id, [f"UP-{n}" for n in range(many)], rehearsed=False)
    uploaded_s = time.perf_counter() - began
    rows = [(shop.id, f"COPIED-{n}", offer.id, many + n + 1, f"COPIED-{n}") for n in range(many)]
    columns = ("workspace_id", "code_key", "offer_id", "n", "code")
    async with db.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION READ WRITE")
        began = time.perf_counter()
        await connection.copy_records_to_table("rewards_code", records=rows, columns=columns)
    copied_s = time.perf_counter() - began
    return Row("codes uploaded", many / uploaded_s, "COPY of the same rows", many / copied_s)
