"""A person as a whole, at every door: two records become one, all is taken out, all is forgotten and the book stays."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from regulars import ledger
from regulars.kit.clock import HandClock
from regulars.ledger import Entry
from regulars.triggers import Trigger
from tests.doors import ASHA, Shop, an_order, per_dollar
from tests.selling import connected
from tests.stories.browsing import person, signed_in

BO = {
    "customer_id": "woo-2002",
    "name": "Bo Lind",
    "email": "bo@b.example",
    "mobile": "0151 12345678",
    "country": "deu",
}


async def made(shop: Shop, **details: Any) -> str:
    return str((await shop.manage("POST", "/customers", json=details)).json()["id"])


async def coins(shop: Shop, id: str) -> int:
    return int((await shop.manage("GET", f"/customers/{id}")).json()["wallets"]["coins"]["available"])


async def audited(shop: Shop) -> None:
    async with shop.app.db.snapshot() as tx:
        assert await ledger.verify(tx, shop.workspace.id) is None


async def everything(shop: Shop) -> str:
    """All that the shop's tables hold, as text, but for what sessions and keys are."""
    async with shop.app.db.reading() as tx:
        tables = await tx.fetch(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'workspace_id' AND table_schema = "
            "current_schema() AND table_name NOT LIKE 'tenancy_s%'"
        )
        texts = [
            str(
                [
                    tuple(row)
                    for row in await tx.fetch(f"SELECT * FROM {table[0]} WHERE workspace_id = $1", shop.workspace.id)
                ]
            )
            for table in tables
        ]
    return "\n".join(texts)


async def test_two_records_of_one_person_become_one(shop: Shop, clock: HandClock) -> None:
    await per_dollar(shop)
    once = await shop.trigger("Once", rule={"per_customer_max": 1})
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    for customer_id in (ASHA["customer_id"], BO["customer_id"]):
        assert (await fired(shop, once, customer_id)).status_code == 200
    orders = [an_order("1", "30"), an_order("2", "12", customer={"customer_id": "woo-2002"})]
    assert (await shop.manage("POST", "/orders", json=orders)).status_code == 200
    await expiring(shop, bo, 5, clock, days=10)
    had = await coins(shop, asha) + await coins(shop, bo)
    answer = await shop.manage("POST", f"/customers/{bo}/merge", json={"into": asha})
    assert answer.status_code == 200, answer.text
    one = answer.json()
    assert (one["id"], one["wallets"]["coins"]["available"], one["orders_count"], one["spent"]) == (asha, had, 2, 42)
    assert (one["email"], one["mobile"], one["country"]) == (ASHA["email"], "0151 12345678", "deu")
    # Either id answers, at both doors; the list has them once.
    assert (await shop.manage("GET", f"/customers/{bo}")).json()["id"] == asha
    assert (await shop.lead("woo-2002"))["_id"] == asha
    listed = (await shop.manage("GET", "/customers")).json()["items"]
    assert [item["customer_id"] for item in listed] == [ASHA["customer_id"]]
    story = (await shop.manage("GET", f"/customers/{bo}/timeline", params={"limit": 100})).json()["items"]
    assert {fact["order"]["reference_id"] for fact in story if fact["kind"] == "order"} == {"1", "2"}
    assert len([fact for fact in story if fact["kind"] == "event" and fact["event"]["topic"] == "order_create"]) == 2
    # Both had it once, so the one has had it; an order reported for the old id is theirs.
    refused = (await fired(shop, once, "woo-2002")).json()
    assert "customer_limit_reached" in str(refused)
    third = an_order("3", "8", customer={"customer_id": "woo-2002", "name": "Bo"})
    item = (await shop.manage("POST", "/orders", json=third)).json()["items"][0]
    assert (item["order"]["customer"]["id"], item["coins"]) == (asha, 8)
    assert await coins(shop, bo) == had + 8
    clock.advance(days=11)
    assert await coins(shop, asha) == had + 8 - 5
    again = await shop.manage("POST", f"/customers/{bo}/merge", json={"into": ASHA["customer_id"]})
    assert (again.status_code, again.json()["wallets"]["coins"]["available"]) == (200, had + 3)
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts.count("customer.merge") == 1
    await audited(shop)


async def fired(shop: Shop, trigger: Trigger, customer_id: str) -> httpx.Response:
    body = {"trigger_id": str(trigger.id), "customer_id": customer_id}
    return await shop.merchant("POST", "/activities", json=body)


async def expiring(shop: Shop, id: str, amount: int, clock: HandClock, *, days: int) -> None:
    now = clock.now()
    async with shop.app.db.transaction() as tx:
        given = Entry(
            customer_id=UUID(id),
            operation="cr",
            amount=amount,
            type="reward",
            occurred_at=now,
            title="Soon gone",
            expires_at=now + timedelta(days=days),
        )
        await ledger.post(tx, shop.workspace, [given], now)


@pytest.mark.parametrize(
    ("into", "status", "code"),
    [("self", 422, "invalid"), ("woo-9999", 422, "invalid"), ("erased", 409, "customer_erased")],
)
async def test_a_merge_that_can_not_be_changes_nothing(shop: Shop, into: str, status: int, code: str) -> None:
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    if into == "erased":
        assert (await shop.manage("DELETE", f"/customers/{bo}")).status_code == 204
    named = {"self": asha, "erased": bo}.get(into, into)
    answer = await shop.manage("POST", f"/customers/{asha}/merge", json={"into": named})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await shop.manage("GET", f"/customers/{asha}")).json()["name"] == ASHA["name"]


async def test_who_is_erased_is_nowhere_and_the_book_still_audits(shop: Shop, clock: HandClock) -> None:
    await per_dollar(shop)
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    assert (await shop.manage("POST", f"/customers/{bo}/merge", json={"into": asha})).status_code == 200
    told = an_order("1", "30", note="Ring at Bo's", cart_token="cart-77", redirect_link="https://corner.example/o/77")
    assert (await shop.manage("POST", "/orders", json=told)).status_code == 200
    assert (await shop.manage("PATCH", f"/customers/{asha}", json={"name": "Asha R."})).status_code == 200
    await expiring(shop, asha, 5, clock, days=10)
    traces = [ASHA["email"], "Asha", "Bo Lind", "bo@b.example", "12345678", "cart-77", "Ring at", "woo-2002"]
    traces += [ASHA["customer_id"], "corner.example/o/77"]
    before = await everything(shop)
    assert [trace for trace in traces if trace not in before] == []
    had = await coins(shop, asha)
    for _ in range(2):
        assert (await shop.manage("DELETE", f"/customers/{bo}")).status_code == 204
    left = await everything(shop)
    assert [trace for trace in traces if trace in left] == []
    gone = (await shop.manage("GET", f"/customers/{asha}")).json()
    assert (gone["customer_id"], gone["name"], gone["spent"], gone["wallets"]["coins"]["available"]) == (
        f"erased-{asha}",
        "",
        30,
        had,
    )
    assert (await shop.manage("PATCH", f"/customers/{asha}", json={"name": "Asha"})).json()["code"] == "customer_erased"
    await audited(shop)
    # What the platform reports of their order later makes nobody a customer again; a new order makes a new one.
    clock.advance(days=1)
    late = (await shop.manage("POST", "/orders", json=told | {"delivery_status": "fulfilled"})).json()["items"][0]
    assert (late["change"], late["order"]["customer"]["id"], late["order"]["note"]) == ("updated", asha, "")
    assert [trace for trace in traces if trace in await everything(shop)] == []
    new = (await shop.manage("POST", "/orders", json=an_order("2", "10"))).json()["items"][0]["order"]["customer"]
    assert new["id"] != asha
    assert new["customer_id"] == ASHA["customer_id"]


async def test_all_that_is_kept_of_somebody_is_taken_out(shop: Shop) -> None:
    await per_dollar(shop)
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    assert (
        await shop.manage("POST", "/orders", json=an_order("2", "12", customer={"customer_id": "woo-2002"}))
    ).status_code == 200
    assert (await shop.manage("POST", f"/customers/{bo}/merge", json={"into": asha})).status_code == 200
    told = (await shop.manage("GET", f"/customers/{asha}/export")).json()
    assert (told["customer"]["id"], told["also_known_as"], told["cut"]) == (asha, ["woo-2002"], [])
    assert [order["reference_id"] for order in told["orders"]] == ["2"]
    assert {"reward", "adjust"} <= {txn["type"] for txn in told["coins"]}
    assert [firing["state"] for firing in told["firings"]] == ["granted"]
    assert {"lead_create", "order_create", "walletreward_create"} <= {event["topic"] for event in told["events"]}


async def test_the_customers_page_says_what_will_happen_and_does_it(shop: Shop) -> None:
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    browser = await signed_in(shop, await person(shop, "olga"))
    page = (await browser.get(f"/customers/{bo}")).text
    for address in ("merge", "erase", "export"):
        assert f"/customers/{bo}/{address}" in page
    assert (await browser.post(f"/customers/{bo}/merge", into="nobody@b.example")).status_code == 422
    looked = await browser.post(f"/customers/{bo}/merge", into=ASHA["email"])
    assert (looked.status_code, f'name="confirmed" value="{asha}"' in looked.text) == (200, True)
    assert (await shop.manage("GET", f"/customers/{bo}")).json()["id"] == bo
    done = await browser.post(f"/customers/{bo}/merge", into=asha, confirmed=asha)
    assert (done.status_code, done.headers["location"]) == (303, f"/customers/{asha}")
    moved = await browser.get(f"/customers/{bo}")
    assert (moved.status_code, moved.headers["location"]) == (303, f"/customers/{asha}")
    file = await browser.get(f"/customers/{asha}/export")
    assert "attachment" in file.headers["content-disposition"]
    assert file.json()["also_known_as"] == ["woo-2002"]
    assert "can&#39;t be undone" in (await browser.get(f"/customers/{asha}/erase")).text
    assert (await browser.post(f"/customers/{asha}/erase")).status_code == 303
    assert "was erased" in (await browser.get(f"/customers/{asha}")).text


async def test_who_asks_their_platform_to_be_erased_is(shop: Shop, clock: HandClock) -> None:
    there = await connected(shop, "shopify")
    await there.tell("orders")
    placed = await there.order()
    who = (await shop.manage("GET", f"/customers/{placed['customer']['id']}")).json()
    traces = [trace for trace in (who["email"], who["name"], who["customer_id"]) if trace]
    assert len(traces) == 3
    clock.advance(seconds=10)
    log = await there.tell("customers", 1001, "erase")
    assert (log[-1]["topic"], log[-1]["state"], log[-1]["outcome"]) == (
        "customers/redact",
        "done",
        "The customer was erased.",
    )
    async with shop.app.db.reading() as tx:
        bodies = await tx.fetch("SELECT body FROM shops_hook WHERE workspace_id = $1", shop.workspace.id)
    assert {bytes(row["body"]) for row in bodies} == {b""}
    left = await everything(shop)
    assert [trace for trace in traces if trace in left] == []
    clock.advance(seconds=10)
    await there.tell("orders", there.order_id, "pay")
    assert (await there.order())["financial_status"] == "paid"
    assert [one["id"] for one in (await shop.manage("GET", "/customers")).json()["items"]] == [who["id"]]
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts.count("customer.erase") == 1
    await audited(shop)
