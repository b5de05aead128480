"""At the dashboard: a file is handed over, taken in beside the requests, and its page says how far it is."""

from __future__ import annotations

import asyncio
from itertools import count

import msgspec

from regulars import imports, limits
from regulars.imports import Run
from regulars.kit.clock import HandClock
from regulars.kit.ids import new_id
from tests.doors import Shop
from tests.stories.browsing import Browser, person, signed_in

HEADER = "order_id,customer_id,amount,placed_at\n"
_numbers = count(1)


def orders(rows: int) -> str:
    return "".join(f"{next(_numbers)},shop-{n % 50:05d},12.50,2026-03-{1 + n % 28:02d}\n" for n in range(rows))


async def an_owner(shop: Shop) -> Browser:
    return await signed_in(shop, await person(shop, "asha"))


async def run_of(shop: Shop, address: str) -> Run:
    async with shop.app.db.reading() as tx:
        found = await imports.newest_runs(tx, shop.workspace.id, shop.app.clock.now(), 5)
    return next(run for run in found if address.endswith(str(run.id)))


async def test_a_file_is_taken_in_and_its_page_tells_of_it(shop: Shop) -> None:
    await shop.trigger("Coins", source="order", rule={"coins_per_unit": 1}, coins=(0, 0))
    owner = await an_owner(shop)
    file = (HEADER + orders(2_500) + "9,shop-00001,much,2026-03-14\n").encode()
    begun = await owner.upload("/orders/import", "march.csv", file)
    assert begun.status_code == 303
    address = begun.headers["location"]
    running = (await owner.get(address)).text
    assert "hx-get" in running
    assert 'http-equiv="refresh"' in running, "for those without JavaScript"
    await asyncio.gather(*shop.app.tasks)
    run = await run_of(shop, address)
    assert (run.state, run.bytes_read, run.bytes_total, run.part) == ("done", len(file), len(file), 1.0)
    assert (run.progress.rows, run.progress.created, run.progress.unusable_count) == (2_501, 2_500, 1)
    page = (await owner.get(address)).text
    assert "2,501 rows of march.csv were read." in page
    assert "Line 2502" in page
    assert "hx-get" not in page.partition("<main")[2]
    assert "march.csv" in (await owner.get("/orders/import")).text
    lines = (await shop.manage("GET", "/audit")).json()["items"]
    assert [(line["act"], line["target"]) for line in lines] == [("orders.import", "march.csv")]


async def test_what_is_no_file_of_orders_is_refused_at_once(shop: Shop) -> None:
    owner = await an_owner(shop)
    for content in (b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"name,amount\nx,1\n"):
        answer = await owner.upload("/orders/import", "x.csv", content)
        assert (answer.status_code, 'id="file-wrong"' in answer.text) == (422, True)
    assert not shop.app.tasks
    assert "Imported lately" not in (await owner.get("/orders/import")).text


async def test_a_shop_takes_in_one_file_at_a_time(shop: Shop) -> None:
    owner = await an_owner(shop)
    assert (await owner.upload("/orders/import", "a.csv", (HEADER + orders(1_500)).encode())).status_code == 303
    again = await owner.upload("/orders/import", "b.csv", (HEADER + orders(1)).encode())
    assert (again.status_code, "Another file is being imported." in again.text) == (422, True)
    await asyncio.gather(*shop.app.tasks)
    assert (await owner.upload("/orders/import", "b.csv", (HEADER + orders(1)).encode())).status_code == 303
    await asyncio.gather(*shop.app.tasks)


async def test_a_server_that_ends_leaves_an_import_that_says_so(shop: Shop) -> None:
    owner = await an_owner(shop)
    file = (HEADER + orders(5_000)).encode()
    address = (await owner.upload("/orders/import", "a.csv", file)).headers["location"]
    for task in list(shop.app.tasks):  # as `close` does
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "It stopped before its end." in (await owner.get(address)).text
    repeated = (await owner.upload("/orders/import", "a.csv", file)).headers["location"]
    await asyncio.gather(*shop.app.tasks)
    run = await run_of(shop, repeated)
    assert (run.state, run.progress.created + run.progress.unchanged) == ("done", 5_000)


async def test_a_killed_servers_import_does_not_stand_in_the_way(shop: Shop, clock: HandClock) -> None:
    run_id, now = new_id(), clock.now()
    async with shop.app.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO imports_run (workspace_id, id, filename, actor, state, bytes_total, progress, started_at,"
            " seen_at) VALUES ($1, $2, 'a.csv', 'cli', 'running', 1, $3, $4, $4)",
            shop.workspace.id,
            run_id,
            msgspec.to_builtins(imports.Progress()),
            now,
        )
        assert (await imports.get_run(tx, shop.workspace.id, run_id, now)).state == "running"
        clock.advance(seconds=limits.IMPORT_LOST_S + 1)
        assert (await imports.get_run(tx, shop.workspace.id, run_id, clock.now())).state == "stopped"
    owner = await an_owner(shop)
    assert (await owner.upload("/orders/import", "b.csv", (HEADER + orders(1)).encode())).status_code == 303
    await asyncio.gather(*shop.app.tasks)
