"""A store credits and debits coins itself, and reads a customer's wallet."""

import asyncio
from typing import Any

import pytest

from regulars.kit.clock import HandClock
from regulars.kit.ids import new_id
from tests.doors import Shop, a_shop


@pytest.fixture
async def lead_id(shop: Shop) -> str:
    body = {"customer_id": "shopify-1001", "metadetail": {"email": "asha@example.com"}}
    item: dict[str, Any] = (await shop.merchant("POST", "/leads", json=body)).json()["data"]["item"]
    return str(item["_id"])


def credit(amount: int = 50, **more: Any) -> dict[str, Any]:
    return {"customer_id": "shopify-1001", "title": "A late parcel", "amount": amount, "operation": "cr"} | more


async def test_coins_come_and_go(shop: Shop, lead_id: str) -> None:
    came = await shop.merchant("POST", "/wallettransactions", json=credit(description="We are sorry"))
    item = came.json()["data"]["item"]
    said = ("lead_id", "title", "description", "amount", "operation", "type", "closing_balance")
    assert [item[name] for name in said] == [lead_id, "A late parcel", "We are sorry", 50, "cr", "reward", 50]
    went = await shop.merchant("POST", "/wallettransactions", json=credit(20, operation="dr", lead_id=lead_id))
    item = went.json()["data"]["item"]
    assert (item["type"], item["closing_balance"], item["consolidated_cr"], item["consolidated_dr"]) == (
        "redeem",
        30,
        50,
        20,
    )
    assert (await shop.lead("shopify-1001"))["available"] == "30"


async def test_more_than_there_is_can_not_be_taken(shop: Shop, lead_id: str) -> None:
    await shop.merchant("POST", "/wallettransactions", json=credit(10))
    answer = await shop.merchant("POST", "/wallettransactions", json=credit(11, operation="dr"))
    assert (answer.status_code, answer.json()["data"]["code"]) == (422, "insufficient_balance")
    assert (await shop.lead("shopify-1001"))["available"] == "10"


async def test_the_same_hash_is_the_same_transaction(shop: Shop, lead_id: str) -> None:
    first = await shop.merchant("POST", "/wallettransactions", json=credit(hash="parcel-7"))
    again = await asyncio.gather(
        *(shop.merchant("POST", "/wallettransactions", json=credit(hash="parcel-7")) for _ in range(8))
    )
    assert first.json()["data"]["item"]["hash"] == "parcel-7"
    assert {answer.content for answer in again} == {first.content}
    assert {answer.headers["idempotency-hit"] for answer in again} == {"true"}
    other = await shop.merchant("POST", "/wallettransactions", json=credit(51, hash="parcel-7"))
    assert (other.status_code, other.json()["data"]["code"]) == (422, "hash_reused")
    assert (await shop.lead("shopify-1001"))["available"] == "50"


async def test_many_first_calls_with_one_hash_make_one_transaction(shop: Shop, lead_id: str) -> None:
    calls = (shop.merchant("POST", "/wallettransactions", json=credit(hash="parcel-8")) for _ in range(12))
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert (await shop.lead("shopify-1001"))["available"] == "50"


async def test_an_idempotency_key_holds_here_too(shop: Shop, lead_id: str) -> None:
    send = {"idempotency-key": "parcel-9"}
    calls = (shop.merchant("POST", "/wallettransactions", json=credit(), send=send) for _ in range(12))
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert sum("idempotency-hit" not in answer.headers for answer in answers) == 1
    other = await shop.merchant("POST", "/wallettransactions", json=credit(51), send=send)
    assert (other.status_code, other.json()["data"]["code"]) == (422, "idempotency_key_reused")
    bad = await shop.merchant("POST", "/wallettransactions", json=credit(), send={"idempotency-key": "x" * 256})
    assert list(bad.json()["data"]["fields"]) == ["Idempotency-Key"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customer_id": None}, "lead_id"),
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": "5"}, "amount"),
        ({"amount": 10**30}, "amount"),
        ({"operation": "credit"}, "operation"),
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"hash": "x" * 65}, "hash"),
        ({"currency": "usd"}, "currency"),
    ],
)
async def test_what_is_wrong_is_named(shop: Shop, lead_id: str, changes: dict[str, Any], field: str) -> None:
    answer = await shop.merchant("POST", "/wallettransactions", json=credit() | changes)
    assert answer.status_code == 422
    assert list(answer.json()["data"]["fields"]) == [field]


async def test_an_unknown_customer_is_not_created_here(shop: Shop) -> None:
    for by in ({"customer_id": "shopify-9999"}, {"lead_id": str(new_id())}):
        answer = await shop.merchant("POST", "/wallettransactions", json=credit() | by)
        assert (answer.status_code, answer.json()["data"]["message"]) == (422, "Lead does not exists")


async def test_a_wallet_is_read_in_pages(shop: Shop, lead_id: str) -> None:
    for amount in range(1, 8):
        await shop.merchant("POST", "/wallettransactions", json=credit(amount, hash=f"h{amount}"))
    await shop.merchant("POST", "/wallettransactions", json=credit(2, operation="dr"))

    async def read(**query: Any) -> tuple[list[tuple[str, int]], int, str | None]:
        answer = await shop.merchant("GET", "/wallettransactions", params={"lead_id": lead_id, **query})
        data = answer.json()["data"]
        return [(item["operation"], item["amount"]) for item in data["items"]], data["count"], data["cursor"]

    newest, count, cursor = await read(limit=3)
    assert (newest, count) == ([("dr", 2), ("cr", 7), ("cr", 6)], 8)
    assert (
        (await read(limit=3, page=2))[0] == (await read(limit=3, cursor=cursor))[0] == [("cr", 5), ("cr", 4), ("cr", 3)]
    )
    assert await read(limit=3, page=3) == ([("cr", 2), ("cr", 1)], 8, None)
    oldest, _, cursor = await read(limit=2, sort_op="ASC", sort="updated_at")
    assert oldest == [("cr", 1), ("cr", 2)]
    assert (await read(limit=2, sort_op="ASC", cursor=cursor))[0] == [("cr", 3), ("cr", 4)]
    assert await read(operation="dr") == ([("dr", 2)], 1, None)
    assert await read(hash="h4") == ([("cr", 4)], 1, None)
    assert await read(page=9) == ([], 8, None)


async def test_one_transaction_is_read_by_its_id_and_customer(shop: Shop, lead_id: str) -> None:
    made = (await shop.merchant("POST", "/wallettransactions", json=credit())).json()["data"]["item"]
    one = await shop.merchant("GET", f"/wallettransactions/{made['_id']}", params={"lead_id": lead_id})
    assert one.json()["data"]["item"] == made
    listed = await shop.merchant("GET", "/wallettransactions", params={"lead_id": lead_id, "id": made["_id"]})
    assert listed.json()["data"]["items"] == [made]
    for path, query in (
        (f"/wallettransactions/{made['_id']}", {"lead_id": str(new_id())}),
        (f"/wallettransactions/{new_id()}", {"lead_id": lead_id}),
        ("/wallettransactions", {}),
        ("/wallettransactions", {"lead_id": lead_id, "limit": "101"}),
        ("/wallettransactions", {"lead_id": lead_id, "page": "0"}),
        ("/wallettransactions", {"lead_id": lead_id, "sort": "amount"}),
        ("/wallettransactions", {"lead_id": lead_id, "colour": "red"}),
        ("/wallettransactions", {"lead_id": lead_id, "cursor": "x"}),
    ):
        assert (await shop.merchant("GET", path, params=query)).status_code == 422


async def test_the_second_wallet_is_its_own_and_has_two_decimals(shop: Shop, lead_id: str) -> None:
    path = "/creditwallettransactions"
    await shop.merchant("POST", "/wallettransactions", json=credit(hash="both"))
    came = await shop.merchant("POST", path, json=credit(12.5, hash="both"))
    item = came.json()["data"]["item"]
    assert (item["amount"], item["closing_balance"], item["hash"]) == (12.5, 12.5, "both")
    again = await shop.merchant("POST", path, json=credit(12.5, hash="both"))
    assert (again.content, again.headers["idempotency-hit"]) == (came.content, "true")
    other = await shop.merchant("POST", path, json=credit(13, hash="both"))
    assert other.json()["data"]["code"] == "hash_reused"
    went = await shop.merchant("POST", path, json=credit(2.45, operation="dr"))
    assert went.json()["data"]["item"]["closing_balance"] == 10.05
    short = await shop.merchant("POST", path, json=credit(10.06, operation="dr"))
    assert short.json()["data"]["code"] == "insufficient_balance"
    for amount in (0, 0.001, 1.005, -3, "5", 1e10):
        wrong = await shop.merchant("POST", path, json=credit() | {"amount": amount})
        assert (wrong.status_code, list(wrong.json()["data"]["fields"])) == (422, ["amount"])
    # A sum of a program's floats is the amount that it means.
    assert (await shop.merchant("POST", path, json=credit(0.1 + 0.2))).json()["data"]["item"]["amount"] == 0.3

    listed = (await shop.merchant("GET", path, params={"lead_id": lead_id, "limit": 2})).json()["data"]
    assert [one["amount"] for one in listed["items"]] == [0.3, 2.45]
    assert listed["count"] == 3
    beyond = await shop.merchant("GET", path, params={"lead_id": lead_id, "cursor": listed["cursor"]})
    assert beyond.json()["data"]["items"] == [item]
    assert (await shop.merchant("GET", f"{path}/{item['_id']}")).json()["data"]["item"] == item
    assert (await shop.merchant("GET", f"/wallettransactions/{item['_id']}")).status_code == 422
    lead = await shop.lead("shopify-1001")
    assert (lead["available"], lead["wallet"], lead["creditwallet"]) == ("50", {"available": 50}, {"available": 10.35})


async def test_the_widget_is_told_the_ways_to_earn(shop: Shop, clock: HandClock) -> None:
    shown = await shop.trigger("Visit", coins=(5, 5), show_in_widget=True, open=True)
    await shop.trigger("Hidden")
    await shop.trigger("Off", show_in_widget=True, active=False)
    other = await a_shop(shop.app, shop.client, clock.now(), "Other Shop")
    await other.trigger("Theirs", show_in_widget=True)
    data = (await shop.merchant("GET", "/triggers", key=shop.storefront_key)).json()["data"]
    assert (data["count"], [item["_id"] for item in data["items"]]) == (1, [str(shown.id)])
    assert (
        data["items"][0]["sentence"]
        == "When your shop calls it, it gives 5 coins, at most 1,000 times a month per customer."
    )
    assert (data["items"][0]["is_open"], data["items"][0]["coin_range"]) == (True, {"min": 5, "max": 5})
