"""A program hands a file over: it is looked at, read otherwise if need be, and taken in."""

import asyncio
from typing import Any

from regulars import limits
from regulars.kit.clock import HandClock
from tests import make
from tests.doors import Shop, an_order
from tests.make import audited

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
    assert chosen.json()["preview"]["first"][0]["values"]["amount"] == "1000.00 USD"
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


COINS = """e-mail,Mobile,Points,Reason,Valid days,Reference
asha@example.com,,250,Old programme,90,old-1
,+91 98000 00000,40,,,
,+91 98000 00000,40,,,
nobody@example.com,,10,,,
asha@example.com,,much,,,
asha@example.com,,5,,0,
,,7,,,
"""


async def handed(
    shop: Shop, kind: str, content: str, name: str, **chosen: object
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a file would give, and what it gave."""
    answer = await shop.manage("POST", "/imports", params={"kind": kind, "filename": name}, content=content)
    assert answer.status_code == 201, answer.text
    path = f"/imports/{answer.json()['run']['id']}"
    preview = (await shop.manage("POST", f"{path}/preview", json=chosen)).json()["preview"]
    assert (await shop.manage("POST", f"{path}/run")).status_code == 202
    await asyncio.gather(*shop.app.tasks)
    return preview, (await shop.manage("GET", path)).json()["run"]


async def test_a_file_of_coins_gives_what_it_says_once(shop: Shop, clock: HandClock) -> None:
    asha = {"customer_id": "shop-asha", "email": "asha@example.com"}
    bela = {"customer_id": "shop-bela", "mobile": "+91 98000 00000", "country": "ind"}
    ids = [(await shop.manage("POST", "/customers", json=one)).json()["id"] for one in (asha, bela)]
    seen, run = await handed(shop, "coins", COINS, "coins.csv")
    for said in (seen["progress"], run):
        assert (said["created"], said["unchanged"], said["coins"]) == (3, 0, 330)
    assert {one["line"]: one["reason"] for one in run["left_out"]} == {
        5: "No customer has the email nobody@example.com. Import the customers first.",
        6: "amount: expected a whole number",
        7: "expire_in_days: expected a whole number from 1 to 3,660",
        8: "customer_id: expected a customer_id, an e-mail address or a mobile number",
    }
    assert seen["progress"]["unusable"] == run["left_out"]
    assert [await coins(shop, id) for id in ids] == [250, 80]
    (lot,) = (await shop.manage("GET", f"/customers/{ids[0]}/lots")).json()["items"]
    assert lot["expires_at"] == "2026-06-13T00:00:00Z"
    # The same file again, and one in which lines were mended, under the same name: what is in stays as it is.
    again, run = await handed(shop, "coins", COINS.replace("much", "20"), "coins.csv")
    assert (again["progress"]["created"], run["created"], run["unchanged"], run["coins"]) == (1, 1, 3, 20)
    # One reference is one credit, whatever file it is in.
    other = "email,amount,reason,reference\nasha@example.com,9,Old programme,old-1\n"
    said, run = await handed(shop, "coins", other, "other.csv")
    assert (said["progress"]["unusable_count"], run["left_out_count"], run["created"]) == (1, 1, 0)
    assert [await coins(shop, id) for id in ids] == [270, 80]
    assert await audited(shop.app.db, shop.workspace.id) is None
    unnamed = await shop.manage("POST", "/imports?kind=coins", content="amount,reason\n5,x\n")
    assert unnamed.json()["preview"]["problems"] == {
        "columns": "expected a column that says whose they are: customer_id, email, mobile"
    }


async def test_a_file_of_customers_fills_in_what_was_missing_or_wins(shop: Shop) -> None:
    await shop.trigger("Welcome", source="customer_created", coins=(5, 5))
    known = {"customer_id": "shop-asha", "name": "Asha", "email": "asha@example.com"}
    id = (await shop.manage("POST", "/customers", json=known)).json()["id"]
    file = """Customer ID,Full name,E-mail,Phone,Country,Birthday,Accepts marketing
shop-asha,Asha Rao,asha@example.com,+91 98000 00000,IND,1990-03-14,yes
shop-bela,Bela,bela@example.com,,,03/04/1990,no
shop-cyra,Cyra,no address,,,,
shop-dara,Dara,,,,,maybe
"""
    seen, run = await handed(shop, "customers", file, "people.csv", format={"dates": "day_first"})
    for said in (seen["progress"], run):
        assert (said["created"], said["updated"], said["unchanged"], said["differing_count"]) == (1, 1, 0, 1)
    assert (seen["new_customers"], seen["welcome_coins"]) == (1, 5)
    assert [one["line"] for one in run["left_out"]] == [4, 5]
    assert run["differing"] == [{"line": 2, "reason": "customer shop-asha: name", "asks": ""}]
    asha = (await shop.manage("GET", f"/customers/{id}")).json()
    assert (asha["name"], asha["mobile"], asha["dob"], asha["accept_email"]) == (
        *("Asha", "+91 98000 00000", "1990-03-14", True),
    )
    (bela,) = (await shop.manage("GET", "/customers", params={"text": "bela"})).json()["items"]
    assert (bela["dob"], await coins(shop, bela["id"])) == ("1990-04-03", 5)
    _, run = await handed(shop, "customers", file, "people.csv", format={"dates": "day_first"})
    assert (run["created"], run["updated"], run["unchanged"]) == (0, 0, 2)
    wins = {"format": {"dates": "day_first"}, "replaces": True}
    seen, run = await handed(shop, "customers", file, "people.csv", **wins)
    assert (seen["progress"]["updated"], run["updated"], run["differing_count"]) == (1, 1, 0)
    assert (await shop.manage("GET", f"/customers/{id}")).json()["name"] == "Asha Rao"


async def coins(shop: Shop, id: str) -> int:
    return int((await shop.manage("GET", f"/customers/{id}")).json()["wallets"]["coins"]["available"])


REVIEWS = """Review ID,Reviewer email,product_id,Stars,Title,Body,Review date,Published,Order,Reply
r-1,asha@example.com,77,5,Warm,It fits well.,2026-01-14,true,,
r-2,asha@example.com,78,4,,Good.,2026-01-20,,,Thank you!
,asha@example.com,79,1,,It is awful.,2026-02-01,spam,,
r-4,nobody@example.com,77,5,,Fine.,,true,,
r-5,asha@example.com,80,6,,Fine.,03/04/2026,perhaps,,
r-6,asha@example.com,77,3,,Once more.,2026-01-15,true,,
r-7,asha@example.com,81,3,,Fine.,,true,none,
r-8,asha@example.com,82,5,,Fine.,2027-01-01,pending,,
r-1,asha@example.com,77,5,Warm,It fits well.,2026-01-14,true,,
"""


async def test_a_file_of_reviews_is_kept_once_and_nobody_is_told(shop: Shop) -> None:
    await shop.trigger("For reviews", source="review", coins=(50, 50))
    await shop.manage("PATCH", "/workspace", json={"settings": {"reviews": {"approve_from": 4}}})
    await shop.manage("POST", "/customers", json={"customer_id": "shop-asha", "email": "asha@example.com"})
    line = {"product_id": "77", "amount": "20", "title": "Scarf"}
    await shop.manage("POST", "/orders", json=an_order(lines=[line], customer={"customer_id": "shop-asha"}))
    before = len((await shop.manage("GET", "/events")).json()["items"])
    seen, run = await handed(shop, "reviews", REVIEWS, "reviews.csv")
    for said in (seen["progress"], run):
        assert (said["created"], said["unchanged"], said["coins"]) == (3, 1, 0)
    assert {one["line"]: one["reason"] for one in run["left_out"]} == {
        5: "No customer has the email nobody@example.com. Import the customers first.",
        6: "rating: expected 1 to 5 stars; status: expected approved, posted or rejected; "
        "written_at: expected day or month first, chosen for the whole file: 03/04/2026 could be 3 April or 4 March",
        7: "This customer has reviewed the product before. There is one review for each product of an order.",
        8: "order_id: expected an order of this customer, by its number or its name",
        9: "written_at: expected a time that has passed",
    }
    assert seen["progress"]["unusable"] == run["left_out"]
    kept = (await shop.manage("GET", "/reviews")).json()["items"]
    facts = ("origin_id", "product_name", "status", "verified", "reply", "created_at", "coins")
    assert [tuple(one[name] for name in facts) for one in kept[1:]] == [
        ("r-2", "", "posted", False, "Thank you!", "2026-01-20T00:00:00Z", 0),
        ("r-1", "Scarf", "approved", True, "", "2026-01-14T00:00:00Z", 0),
    ]
    assert (kept[0]["status"], kept[0]["created_at"]) == ("rejected", "2026-02-01T00:00:00Z")
    assert (await shop.manage("GET", "/reviews/summary", params={"product_id": "77"})).json()["count"] == 1
    assert len((await shop.manage("GET", "/events")).json()["items"]) == before
    # Again, and by another name: nothing changes.
    for name in ("reviews.csv", "other.csv"):
        seen, run = await handed(shop, "reviews", REVIEWS, name)
        assert (run["created"], run["unchanged"], run["left_out_count"]) == (0, 4, 5)
        assert seen["progress"]["unchanged"] == 4
