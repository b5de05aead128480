"""At the dashboard: a file is handed over, taken in beside the requests, and its page says how far it is."""

import asyncio
import html
import re
from itertools import count

import httpx
import msgspec
import pytest

from regulars import imports, limits
from regulars.imports import Run
from regulars.kit.clock import HandClock
from regulars.kit.ids import new_id
from tests.doors import Shop
from tests.stories.browsing import Browser, person, signed_in

HEADER = "order_id,customer_id,amount,placed_at\n"
_numbers = count(1)


def orders(rows: int) -> str:
    return "".join(f"{next(_numbers)},shop-{n % 50:05d},12.50,2026-02-{1 + n % 28:02d}\n" for n in range(rows))


async def an_owner(shop: Shop) -> Browser:
    return await signed_in(shop, await person(shop, "asha"))


async def handed_over(owner: Browser, name: str, content: str | bytes, **form: str) -> str:
    """The address of the page that says what it would give."""
    raw = content if isinstance(content, bytes) else content.encode()
    answer = await owner.upload(f"/{form.pop('kind', 'orders')}/import", name, raw, **form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def as_shown(page: str) -> dict[str, str]:
    """The form of a preview as a browser would send it, unless somebody chooses otherwise."""
    selects = re.findall(r'<select id="([^"]+)".*?</select>', page, re.DOTALL)
    form = dict(re.findall(r'<input type="hidden" name="(header-[^"]+)" value="([^"]*)"', page))
    for name in selects:
        select = page[page.index(f'<select id="{name}"') :].partition("</select>")[0]
        chosen = re.search(r'<option value="([^"]*)" selected', select) or re.search(r'<option value="([^"]*)"', select)
        assert chosen is not None
        form[name] = chosen[1]
    return {name: html.unescape(value) for name, value in form.items()} | {"source": "csv"}


async def imported(owner: Browser, address: str, **choices: str) -> httpx.Response:
    form = as_shown((await owner.get(address)).text) | choices
    return await owner.post(address, **form, act="import")


async def run_of(shop: Shop, address: str) -> Run:
    async with shop.app.db.reading() as tx:
        found = await imports.newest_runs(tx, shop.workspace.id, shop.app.clock.now(), 5)
    return next(run for run in found if address.endswith(str(run.id)))


async def test_a_file_is_taken_in_and_its_page_tells_of_it(shop: Shop) -> None:
    await shop.trigger("Coins", source="order", rule={"coins_per_unit": 1}, coins=(0, 0))
    owner = await an_owner(shop)
    file = (HEADER + orders(2_500) + "9,shop-00001,much,2026-03-14\n").encode()
    address = await handed_over(owner, "march.csv", file)
    preview = (await owner.get(address)).text
    assert "Worked out from all 2,501 rows." in preview
    assert "Nothing is imported yet." in preview
    assert not shop.app.tasks
    begun = await imported(owner, address)
    assert (begun.status_code, begun.headers["location"]) == (303, address)
    running = (await owner.get(address)).text
    assert "hx-get" in running
    assert 'http-equiv="refresh"' in running, "for those without JavaScript"
    await asyncio.gather(*shop.app.tasks)
    run = await run_of(shop, address)
    assert (run.state, run.size_done, run.size_total, run.part) == ("done", len(file), len(file), 1.0)
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
    for content in (b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"PK\x03\x04" + bytes(400)):
        answer = await owner.upload("/orders/import", "x.csv", content, _again="file")
        assert (answer.status_code, 'id="file-wrong"' in answer.text) == (422, True)
        assert "except passwords, keys and files: give those again" in answer.text
    assert "this is a spreadsheet (such as xlsx)" in answer.text
    assert "take CSV UTF-8" in answer.text
    assert not shop.app.tasks
    assert "Imported lately" not in (await owner.get("/orders/import")).text


async def test_a_shop_takes_in_one_file_at_a_time(shop: Shop) -> None:
    owner = await an_owner(shop)
    first = await handed_over(owner, "a.csv", HEADER + orders(1_500))
    other = await handed_over(owner, "b.csv", HEADER + orders(1))
    assert (await imported(owner, first)).status_code == 303
    again = await imported(owner, other)
    assert (again.status_code, "Another file is being imported" in again.text) == (422, True)
    await asyncio.gather(*shop.app.tasks)
    assert (await imported(owner, other)).status_code == 303
    await asyncio.gather(*shop.app.tasks)
    assert (await owner.post(first, act="import")).status_code == 409


async def test_a_server_that_ends_leaves_an_import_that_says_so(shop: Shop) -> None:
    owner = await an_owner(shop)
    address = await handed_over(owner, "a.csv", HEADER + orders(5_000))
    await imported(owner, address)
    for task in list(shop.app.tasks):  # as `close` does
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "It stopped before its end." in (await owner.get(address)).text
    assert (await owner.post(address, act="import")).status_code == 303
    await asyncio.gather(*shop.app.tasks)
    run = await run_of(shop, address)
    assert (run.state, run.progress.created + run.progress.unchanged) == ("done", 5_000)


async def test_a_killed_servers_import_does_not_stand_in_the_way(shop: Shop, clock: HandClock) -> None:
    run_id, now = new_id(), clock.now()
    async with shop.app.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO imports_run (workspace_id, id, kind, filename, actor, state, encoding, format,"
            " size_total, progress, started_at, seen_at)"
            " VALUES ($1, $2, 'orders', 'a.csv', 'cli', 'running', $5, '{}', 1, $3, $4, $4)",
            shop.workspace.id,
            run_id,
            msgspec.to_builtins(imports.Progress()),
            now,
            {"name": "utf-8"},
        )
        assert (await imports.get_run(tx, shop.workspace.id, run_id, now)).state == "running"
        clock.advance(seconds=limits.IMPORT_LOST_S + 1)
        assert (await imports.get_run(tx, shop.workspace.id, run_id, clock.now())).state == "stopped"
    owner = await an_owner(shop)
    assert (await imported(owner, await handed_over(owner, "b.csv", HEADER + orders(1)))).status_code == 303
    await asyncio.gather(*shop.app.tasks)


async def test_what_a_file_would_give_is_said_before_it_happens(shop: Shop) -> None:
    owner = await an_owner(shop)
    address = await handed_over(owner, "orders.csv", HEADER + orders(3) + "9,shop-00001,-4,2026-03-14\n")
    assert "No trigger rewards orders, so they will earn nothing." in (await owner.get(address)).text
    await shop.trigger("Coins", source="order", rule={"coins_per_unit": 2}, coins=(0, 0))
    async with shop.app.db.reading() as tx:
        before = [await tx.fetchval(f"SELECT count(*) FROM {table}") for table in WRITTEN]
    looked = (await shop.manage("GET", address.replace("/orders/import", "/imports"))).json()
    async with shop.app.db.reading() as tx:
        assert [await tx.fetchval(f"SELECT count(*) FROM {table}") for table in WRITTEN] == before
    given = looked["preview"]["progress"]
    assert (given["rows"], given["created"], given["coins"], given["unusable_count"]) == (4, 3, 3 * 24, 1)
    assert (looked["preview"]["new_customers"], looked["preview"]["whole"], looked["run"]["state"]) == (
        *(3, True, "uploaded"),
    )
    await imported(owner, address)
    await asyncio.gather(*shop.app.tasks)
    done = (await run_of(shop, address)).progress
    assert msgspec.to_builtins(done) == given


WRITTEN = ("orders_order", "customers_customer", "ledger_txn", "triggers_firing", "events_event")


async def test_a_large_file_is_judged_by_its_beginning_and_that_is_said(shop: Shop) -> None:
    owner = await an_owner(shop)
    address = await handed_over(owner, "large.csv", HEADER + orders(limits.IMPORT_SAMPLE_ROWS + 10))
    assert "Worked out from the first 5,000 rows; the file holds more." in (await owner.get(address)).text


async def test_what_the_file_does_not_say_is_chosen_on_its_page(shop: Shop) -> None:
    owner = await an_owner(shop)
    file = "Nr;Customer;Total;Day;Customer name\n1;shop-00001;1.000;04/03/2026;naïve\n2;shop-00002;5;2026-03-01;Åse\n"
    address = await handed_over(owner, "odd.csv", file.encode("cp1252"))
    page = (await owner.get(address)).text
    assert "its columns parted by a semicolon" in page
    assert "A column is missing" in page
    assert "Its letters could be others" in page
    chosen = {"column-0": "order_id", "column-3": "placed_at", "encoding": "cp1252"}
    assert (await owner.post(address, **as_shown(page) | chosen, act="look")).status_code == 303
    page = (await owner.get(address)).text
    assert "A column is missing" not in page
    assert "1 row could mean two days" in page
    assert "naïve" in page
    await owner.post(address, **as_shown(page) | {"dates": "day_first"}, act="look")
    page = (await owner.get(address)).text
    assert "1 row could mean two amounts" in page
    twice = await owner.post(address, **as_shown(page) | {"column-4": "amount"}, act="import")
    assert (twice.status_code, "amount is chosen twice" in twice.text) == (422, True)
    await owner.post(address, **as_shown(page) | {"decimal": ","}, act="import")
    await asyncio.gather(*shop.app.tasks)
    orders_in = (await shop.manage("GET", "/orders")).json()["items"]
    assert sorted((o["reference_id"], o["amount"], o["placed_at"][:10]) for o in orders_in) == [
        ("1", 1000.0, "2026-03-04"),
        ("2", 5.0, "2026-03-01"),
    ]


async def test_a_file_that_says_otherwise_is_told_and_wins_if_it_is_to(shop: Shop) -> None:
    owner = await an_owner(shop)
    right = HEADER + "1028,shop-00001,80.00,2026-03-10\n"
    await imported(owner, await handed_over(owner, "wrong.csv", HEADER + "1028,shop-00001,84.95,2026-03-14\n"))
    await asyncio.gather(*shop.app.tasks)
    address = await handed_over(owner, "right.csv", right)
    page = (await owner.get(address)).text
    differs = "order 1028: amount from 84.95 to 80.00, date from 2026-03-14 00:00 to 2026-03-10 00:00"
    assert "1 order says otherwise than what is kept" in page
    assert differs in page
    await imported(owner, address)
    await asyncio.gather(*shop.app.tasks)
    assert (await run_of(shop, address)).progress.differing_count == 1
    assert differs in (await owner.get(address)).text
    [kept] = (await shop.manage("GET", "/orders")).json()["items"]
    assert (kept["amount"], kept["placed_at"][:10]) == (84.95, "2026-03-14")
    await imported(owner, await handed_over(owner, "right.csv", right), replaces="yes")
    await asyncio.gather(*shop.app.tasks)
    [kept] = (await shop.manage("GET", "/orders")).json()["items"]
    assert (kept["amount"], kept["placed_at"][:10], kept["financial_status"]) == (80.0, "2026-03-10", "paid")


@pytest.mark.parametrize("encoding", ["cp1251", "cp932", "gb18030", "cp1250"])
async def test_names_that_were_read_in_a_wrong_code_page_are_put_right_by_a_better_file(
    shop: Shop, encoding: str
) -> None:
    owner = await an_owner(shop)
    name = {"cp1251": "Мария Иванова", "cp932": "田中太郎", "gb18030": "欧阳振华", "cp1250": "Zażółć Gęślą"}[encoding]
    file = f"order_id,customer_id,amount,placed_at,customer_name,name\n1,shop-00001,1,2026-03-14,{name},{name}\n"
    wrong = await handed_over(owner, "wrong.csv", file.encode(encoding))
    await imported(owner, wrong, encoding="mac-roman")
    await asyncio.gather(*shop.app.tasks)
    assert (await shop.lead("shop-00001"))["name"] != name
    better = await handed_over(owner, "better.csv", file)
    await imported(owner, better)
    await asyncio.gather(*shop.app.tasks)
    assert (await shop.lead("shop-00001"))["name"] == name
    assert (await shop.manage("GET", "/orders")).json()["items"][0]["name"] == name
    topics = [event["topic"] for event in (await shop.manage("GET", "/events")).json()["items"]]
    assert topics.count("lead_update") == 1


@pytest.mark.parametrize(
    ("kind", "file", "shown", "came"),
    [
        ("customers", "customer_id,name\nshop-00001,Asha\n", "New customers", "customers.import"),
        ("coins", "customer_id,amount,reason\nshop-00009,25,Sorry\n", "Coins given", "coins.import"),
    ],
)
async def test_customers_and_coins_are_handed_over_as_orders_are(
    shop: Shop, kind: str, file: str, shown: str, came: str
) -> None:
    owner = await an_owner(shop)
    await shop.manage("POST", "/customers", json={"customer_id": "shop-00009"})
    assert f'href="/{kind}/import"' in (await owner.get("/customers")).text
    address = await handed_over(owner, "old.csv", file, kind=kind)
    preview = (await owner.get(address)).text
    assert address.startswith(f"/{kind}/import/")
    assert shown in preview
    assert "First rows" in preview
    assert (await imported(owner, address)).status_code == 303
    await asyncio.gather(*shop.app.tasks)
    assert (await run_of(shop, address)).progress.created == 1
    assert "1 rows of old.csv were read." in (await owner.get(address)).text
    assert "old.csv" in (await owner.get(f"/{kind}/import")).text
    assert "old.csv" not in (await owner.get("/orders/import")).text
    assert [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]] == [came, "customer.create"]
