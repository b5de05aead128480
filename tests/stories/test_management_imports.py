"""A program hands a file of orders over: it is looked at, read otherwise if need be, and taken in."""

from __future__ import annotations

import asyncio

from regulars import limits
from regulars.kit.clock import HandClock
from tests import make
from tests.doors import Shop

FILE = "order_id;customer_id;amount;placed_at\n 1001;shop-00001;1.000;2026-03-01\n1002;shop-00001;12,50;2026-03-02\n"


async def test_a_file_is_handed_over_looked_at_and_taken_in(shop: Shop) -> None:
    await shop.trigger("Coins", source="order", rule={"coins_per_unit": 1}, coins=(0, 0))
    answer = await shop.manage("POST", "/imports?filename=march.csv", content=FILE)
    assert answer.status_code == 201
    run, preview = answer.json()["run"], answer.json()["preview"]
    assert (run["filename"], run["state"], run["bytes"]) == ("march.csv", "uploaded", len(FILE))
    assert (preview["separator"], preview["encodings"], preview["asks"]) == (";", ["utf-8"], {"decimal": 1})
    assert [(c["name"], c["field"], c["cells"]) for c in preview["columns"]][2] == (
        "amount",
        "amount",
        ["1.000", "12,50"],
    )
    assert (preview["progress"]["created"], preview["progress"]["coins"], preview["new_customers"]) == (1, 12, 1)
    path = f"/imports/{run['id']}"
    wrong = await shop.manage("POST", f"{path}/preview", json={"format": {"columns": {"colour": "amount"}}})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["columns"])
    chosen = await shop.manage("POST", f"{path}/preview", json={"format": {"decimal": ","}})
    assert chosen.json()["preview"]["progress"]["coins"] == 1_012
    assert chosen.json()["preview"]["first"][0]["amount"] == "1000.00"
    begun = await shop.manage("POST", f"{path}/run")
    assert (begun.status_code, begun.json()["state"]) == (202, "running")
    await asyncio.gather(*shop.app.tasks)
    done = (await shop.manage("GET", path)).json()
    assert (done["preview"], done["run"]["state"], done["run"]["coins"]) == (None, "done", 1_012)
    assert (await shop.manage("POST", f"{path}/run")).status_code == 409
    assert [item["id"] for item in (await shop.manage("GET", "/imports")).json()["items"]] == [run["id"]]
    assert (await shop.manage("GET", "/orders?reference_id=1001")).json()["items"][0]["amount"] == 1_000
    assert (await parts(shop)) == 0


async def test_what_must_be_chosen_first_does_not_run(shop: Shop) -> None:
    answer = await shop.manage(
        "POST", "/imports", content="nr,customer_id,amount,placed_at\n1,shop-00001,1,2026-03-01\n"
    )
    run = answer.json()["run"]
    assert list(answer.json()["preview"]["problems"]) == ["columns"]
    refused = await shop.manage("POST", f"/imports/{run['id']}/run")
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["columns"])
    body = {"format": {"columns": {"order_id": "nr"}}}
    assert (await shop.manage("POST", f"/imports/{run['id']}/preview", json=body)).json()["preview"]["problems"] == {}
    assert (await shop.manage("POST", f"/imports/{run['id']}/run")).status_code == 202
    await asyncio.gather(*shop.app.tasks)


async def test_files_take_no_more_room_than_they_may(shop: Shop, clock: HandClock) -> None:
    """No more of a shop than a few, none longer than a day, and none larger than a file may be."""
    runs = [(await shop.manage("POST", "/imports", content=FILE)).json()["run"]["id"] for _ in range(5)]
    assert await parts(shop) == limits.IMPORTS_LOOKED_AT_MAX
    assert (await shop.manage("GET", f"/imports/{runs[0]}")).status_code == 404
    assert (await shop.manage("GET", f"/imports/{runs[-1]}")).status_code == 200
    clock.advance(seconds=limits.IMPORT_KEPT_S - 1)
    await make.done(shop.app.db, clock)
    assert await parts(shop) == limits.IMPORTS_LOOKED_AT_MAX
    clock.advance(seconds=1)
    await make.done(shop.app.db, clock)
    assert await parts(shop) == 0
    gone = await shop.manage("GET", f"/imports/{runs[-1]}")
    assert (gone.status_code, gone.json()["code"]) == (404, "file_gone")
    large = await shop.manage("POST", "/imports", content=b"x" * (limits.UPLOAD_BYTES_MAX + 1))
    assert large.status_code == 413
    picture = await shop.manage("POST", "/imports", content=b"PK\x03\x04" + bytes(100))
    assert (picture.status_code, list(picture.json()["fields"])) == (422, ["file"])


async def test_ids_are_one_whatever_blanks_stand_around_them(shop: Shop) -> None:
    order = {"source": "shop", "amount": "5", "currency_code": "usd", "placed_at": "2026-03-01T00:00:00Z"}
    for reference_id, customer_id in ((" 1001", "shop-00001 "), ("1001", " shop-00001"), ("1001\t", "shop-00001")):
        body = order | {"reference_id": reference_id, "customer": {"customer_id": customer_id}}
        assert (await shop.manage("POST", "/orders", json=body)).status_code == 200
    [kept] = (await shop.manage("GET", "/orders")).json()["items"]
    assert kept["reference_id"] == "1001"
    for asked in ("1001", "%201001"):
        assert len((await shop.manage("GET", f"/orders?reference_id={asked}")).json()["items"]) == 1
    assert len((await shop.manage("GET", "/customers")).json()["items"]) == 1
    bonus = await shop.trigger()
    for customer_id in (" shop-00001", "shop-00001"):
        assert (await shop.reward(bonus, customer_id)).status_code == 200
        assert (await shop.lead(customer_id))["customer_id"] == "shop-00001"
    made = await shop.manage("POST", "/customers", json={"customer_id": " shop-00001"})
    assert made.status_code == 409
    assert len((await shop.manage("GET", "/customers")).json()["items"]) == 1


async def parts(shop: Shop) -> int:
    async with shop.app.db.reading() as tx:
        found: int = await tx.fetchval("SELECT count(*) FROM imports_part WHERE workspace_id = $1", shop.workspace.id)
    return found
