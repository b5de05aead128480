"""Coins and credits at the checkout: what a cart could use, taken once, given back into the lots they came from."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from standardwebhooks import Webhook

from regulars import ledger
from regulars.kit.clock import HandClock
from regulars.ledger import Entry
from tests.doors import ASHA, Shop, a_shop, an_order
from tests.make import audited
from tests.stories.browsing import person, signed_in

RULES = {"coins": 100, "worth": "1.00"}


class Till:
    """The checkout of a shop, as its server calls it."""

    def __init__(self, shop: Shop, clock: HandClock, connected: dict[str, Any]) -> None:
        self.shop, self.clock = shop, clock
        self.path, self.older_path, self.secret = connected["path"], connected["older_path"], connected["secret"]

    async def post(self, *, secret: str = "", at_s: float = 0, **body: Any) -> httpx.Response:
        raw, at = msgspec.json.encode(body).decode(), self.clock.now() + timedelta(seconds=at_s)
        headers = {
            "webhook-id": "call-1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret or self.secret).sign("call-1", at, raw),
            "content-type": "application/json",
        }
        return await self.shop.client.post(self.path, content=raw, headers=headers)

    async def says(self, action: str, reference: str = "A-1", **body: Any) -> dict[str, Any]:
        given = {"customer_id": ASHA["customer_id"], "reference_order_id": reference, **body}
        answer = await self.post(action=action, **given)
        assert answer.status_code == 200, answer.text
        item: dict[str, Any] = answer.json()["data"]["item"]
        return item


@pytest.fixture
async def till(shop: Shop, clock: HandClock) -> Till:
    made = await shop.manage("PUT", "/checkout", json=RULES)
    assert made.status_code == 200
    return Till(shop, clock, made.json())


async def credited(shop: Shop, coins: int, credits: float = 0) -> str:
    """Asha, with so much."""
    id: str = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    for path, amount in (("/wallettransactions", coins), ("/creditwallettransactions", credits)):
        if amount:
            body = {"customer_id": ASHA["customer_id"], "title": "Gift", "amount": amount, "operation": "cr"}
            assert (await shop.merchant("POST", path, json=body)).status_code == 200
    return id


async def has(shop: Shop) -> tuple[int, float]:
    """Asha's coins and credits to spend."""
    lead = await shop.lead(ASHA["customer_id"])
    return lead["wallet"]["available"], lead["creditwallet"]["available"]


async def test_credits_go_first_and_coins_pay_what_is_left(shop: Shop, till: Till) -> None:
    lead_id = await credited(shop, 2_550, 12.5)
    listed = await till.says("list", "", amount=30)
    assert listed == {
        "lead_id": lead_id,
        "customer_id": ASHA["customer_id"],
        "reference_order_id": "",
        "status": "open",
        "wallet_type": "coins_and_credits",
        "currency_code": "usd",
        "amount": 30,
        "coins": {"used": 1_750, "amount": 17.5, "available": 2_550},
        "credits": {"used": 12.5, "amount": 12.5, "available": 12.5},
        "discount": 30,
        "payable": 0,
    }
    only = await till.says("list", "", amount="30.00", wallet_type="coins")
    assert (only["coins"]["used"], only["credits"]["used"], only["payable"]) == (2_550, 0, 4.5)
    everything = await till.says("list", "")
    assert (everything["coins"]["used"], everything["credits"]["used"], everything["payable"]) == (2_550, 12.5, None)
    assert await has(shop) == (2_550, 12.5)


async def test_a_cart_is_performed_once_and_reverted_once(shop: Shop, till: Till) -> None:
    lead_id = await credited(shop, 1_000, 5)
    answers = await asyncio.gather(
        *(
            till.post(action="perform", customer_id=ASHA["customer_id"], amount=8, reference_order_id="A-1")
            for _ in range(6)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-hit" not in answer.headers for answer in answers) == 1
    item = answers[0].json()["data"]["item"]
    assert (item["status"], item["coins"]["used"], item["credits"]["used"], item["payable"]) == ("held", 300, 5, 0)
    assert await has(shop) == (700, 0)
    other = await till.post(action="perform", customer_id=ASHA["customer_id"], amount=9, reference_order_id="A-1")
    assert (other.status_code, other.json()["data"]["code"]) == (422, "checkout_cart_changed")
    back = await asyncio.gather(*(till.says("revert") for _ in range(4)))
    assert {one["status"] for one in back} == {"reverted"}
    assert await has(shop) == (1_000, 5)
    late = await till.post(action="perform", customer_id=ASHA["customer_id"], amount=8, reference_order_id="A-1")
    assert late.json()["data"]["code"] == "checkout_reverted"
    lines = (await shop.merchant("GET", "/wallettransactions", params={"lead_id": lead_id})).json()["data"]["items"]
    assert (lines[0]["type"], lines[0]["amount"], lines[0]["status"]) == ("redeem", 300, "cancelled")
    assert await audited(shop.app.db, shop.workspace.id) is None


async def test_a_revert_that_arrives_before_its_perform_still_wins(shop: Shop, till: Till) -> None:
    await credited(shop, 1_000)
    early = await till.post(action="revert", reference_order_id="A-9")
    assert (early.status_code, early.json()["data"]["item"]["status"]) == (200, "reverted")
    late = await till.post(action="perform", customer_id=ASHA["customer_id"], amount=8, reference_order_id="A-9")
    assert (late.status_code, late.json()["data"]["code"]) == (422, "checkout_reverted")
    assert await has(shop) == (1_000, 0)


@pytest.mark.parametrize("takes", ["hold", "debit"])
async def test_carts_at_once_share_what_there_is(shop: Shop, till: Till, takes: str) -> None:
    await shop.manage("PUT", "/checkout", json={**RULES, "takes": takes})
    await credited(shop, 1_000, 2)
    items = await asyncio.gather(*(till.says("perform", f"A-{n}", amount=7) for n in range(4)))
    assert {one["status"] for one in items} == {"held" if takes == "hold" else "taken"}
    assert (sum(one["coins"]["used"] for one in items), sum(one["credits"]["used"] for one in items)) == (1_000, 2)
    assert sorted(one["discount"] for one in items) == [0, 0, 5, 7]
    await asyncio.gather(*(till.says("revert", f"A-{n}") for n in range(4)))
    assert await has(shop) == (1_000, 2)
    assert await audited(shop.app.db, shop.workspace.id) is None


async def test_what_was_spent_goes_back_into_the_same_lots_with_their_expiry(
    shop: Shop, till: Till, clock: HandClock
) -> None:
    await shop.manage("PUT", "/checkout", json={**RULES, "takes": "debit"})
    customer = UUID(await credited(shop, 0))
    lots = [
        Entry(
            customer_id=customer,
            operation="cr",
            amount=amount,
            type="reward",
            occurred_at=clock.now(),
            expires_at=clock.now() + timedelta(days=days),
        )
        for amount, days in ((200, 2), (300, 9))
    ]
    async with shop.app.db.transaction() as tx:
        await ledger.post(tx, shop.workspace, lots, clock.now())
    await till.says("perform", amount=4)
    async with shop.app.db.reading() as tx:
        left = await ledger.lots_of(tx, shop.workspace, customer, clock.now())
    assert [lot.available for lot in left] == [100]
    clock.advance(days=1)
    await till.says("revert")
    async with shop.app.db.reading() as tx:
        left = await ledger.lots_of(tx, shop.workspace, customer, clock.now())
    assert [(lot.available, (lot.expires_at or clock.now()) - clock.now()) for lot in left] == [
        (200, timedelta(days=1)),
        (300, timedelta(days=8)),
    ]


async def test_the_order_spends_what_was_held_and_its_refund_gives_back_in_proportion(shop: Shop, till: Till) -> None:
    await credited(shop, 1_000, 10)
    await till.says("perform", "5012", amount=15)
    placed = an_order("5012", "60.00", updated_at="2026-03-14T09:10:00Z")
    order = (await shop.manage("POST", "/orders", json=placed)).json()["items"][0]["order"]
    assert (await till.says("perform", "5012", amount=15))["status"] == "taken"
    (told,) = (await shop.manage("GET", "/events", params={"topic": "order_create"})).json()["items"]
    assert told["body"]["meta__coin_spent"] == 500
    assert (await shop.manage("GET", f"/orders/{order['id']}")).json()["order"]["coins_spent"] == 500
    assert await has(shop) == (500, 0)
    refund = [{"refund_id": "r1", "amount": "15.00", "refunded_at": "2026-03-14T09:20:00Z"}]
    for _ in range(2):  # told twice it is the same
        await shop.manage("POST", "/orders", json=placed | {"refunds": refund, "updated_at": "2026-03-14T09:21:00Z"})
        assert await has(shop) == (625, 2.5)
    gone = placed | {"status": "cancelled", "refunds": refund, "updated_at": "2026-03-14T09:22:00Z"}
    await shop.manage("POST", "/orders", json=gone)
    assert await has(shop) == (1_000, 10)
    assert (await till.says("revert", "5012"))["status"] == "reverted"
    assert await has(shop) == (1_000, 10)
    assert await audited(shop.app.db, shop.workspace.id) is None


async def test_an_order_gives_back_to_whoever_its_customer_was_merged_into(shop: Shop, till: Till) -> None:
    await shop.manage("PUT", "/checkout", json={**RULES, "takes": "debit"})
    asha = await credited(shop, 1_000)
    for reference in ("before", "after"):
        await till.says("perform", reference, amount=3)
    placed = {"updated_at": "2026-03-14T09:10:00Z"}
    await shop.manage("POST", "/orders", json=an_order("before", "20.00", **placed))
    other = {"customer_id": "shopify-2002", "email": "asha@work.example"}
    stays = (await shop.manage("POST", "/customers", json=other)).json()["id"]
    merged = await shop.manage("POST", f"/customers/{asha}/merge", json={"into": stays})
    assert merged.json()["wallets"]["coins"]["available"] == 400
    await shop.manage("POST", "/orders", json=an_order("after", "20.00", **placed))
    for reference in ("before", "after"):
        gone = {"status": "cancelled", "updated_at": "2026-03-14T09:12:00Z"}
        await shop.manage("POST", "/orders", json=an_order(reference, "20.00", **gone))
    customer = (await shop.manage("GET", f"/customers/{stays}")).json()
    assert customer["wallets"]["coins"]["available"] == 1_000
    assert await audited(shop.app.db, shop.workspace.id) is None


async def test_a_hold_that_no_order_follows_is_free_again_and_an_order_that_comes_late_still_takes(
    shop: Shop, till: Till, clock: HandClock
) -> None:
    await credited(shop, 1_000)
    await till.says("perform", "5013", amount=6)
    await till.says("perform", "5014", amount=4)
    assert await has(shop) == (0, 0)
    clock.advance(minutes=61)
    assert await has(shop) == (1_000, 0)
    await till.says("perform", "5015", amount=5)
    await shop.manage("POST", "/orders", json=an_order("5013", "20.00"))
    assert await has(shop) == (0, 0)
    taken = await till.says("perform", "5013", amount=6)
    assert (taken["status"], taken["coins"]["used"], taken["discount"]) == ("taken", 500, 6)
    await till.says("revert", "5014")
    await till.says("revert", "5013")
    assert await has(shop) == (500, 0)
    assert await audited(shop.app.db, shop.workspace.id) is None


async def test_a_call_is_signed_by_the_secret_and_a_new_one_holds_beside_it_for_a_day(
    shop: Shop, till: Till, clock: HandClock
) -> None:
    await credited(shop, 100)

    async def code(send: Callable[[], Awaitable[httpx.Response]]) -> tuple[int, str]:
        answer = await send()
        return answer.status_code, answer.json()["data"].get("code", "")

    call: dict[str, Any] = {"action": "list", "customer_id": ASHA["customer_id"]}
    wrong = (401, "signature_wrong")
    assert await code(lambda: till.shop.client.post(till.path, json=call)) == wrong
    assert await code(lambda: till.post(**call, at_s=-301)) == wrong
    assert await code(lambda: till.post(**call, at_s=301)) == wrong
    assert await code(lambda: till.post(**call, secret="whsec_" + "A" * 32)) == wrong
    assert await code(lambda: till.post(**call, at_s=-299)) == (200, "")
    rotated = (await shop.manage("POST", "/checkout/rotate")).json()
    for secret in (till.secret, rotated["secret"]):
        assert await code(lambda secret=secret: till.post(**call, secret=secret)) == (200, "")
    clock.advance(days=1, seconds=1)
    assert await code(lambda: till.post(**call)) == wrong
    assert await code(lambda: till.post(**call, secret=rotated["secret"])) == (200, "")
    # The older address is closed, until the shop opens it: its id is the secret then.
    older = {"x-source": "web"}
    assert await code(lambda: shop.client.post(till.older_path, json=call, headers=older)) == wrong
    await shop.manage("PUT", "/checkout", json={**RULES, "unsigned": True})
    assert await code(lambda: shop.client.post(till.older_path, json=call, headers=older)) == (200, "")
    assert await code(lambda: shop.client.post(till.older_path, json=call)) == (422, "invalid")
    assert await code(lambda: shop.client.post(till.path, json=call, headers=older)) == wrong
    form = await shop.client.post(till.older_path, data=call | {"amount": "1.00"}, headers=older)
    assert form.json()["data"]["item"]["coins"]["used"] == 100
    await shop.manage("DELETE", "/checkout")
    assert await code(lambda: shop.client.post(till.older_path, json=call, headers=older)) == (422, "checkout_unknown")


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ({"action": "take"}, "action"),
        ({"action": "perform", "reference_order_id": "A"}, "amount"),
        ({"action": "perform", "amount": 5}, "reference_order_id"),
        ({"action": "list", "customer_id": ""}, "customer_id"),
        ({"action": "list", "amount": "5.001"}, "amount"),
        ({"action": "list", "amount": -1}, "amount"),
        ({"action": "list", "wallet_type": "both"}, "wallet_type"),
        ({"action": "list", "cart": 5}, "cart"),
        ({"action": "revert", "reference_order_id": "x" * 129}, "reference_order_id"),
    ],
)
async def test_what_is_wrong_with_a_call_is_named(till: Till, call: dict[str, Any], field: str) -> None:
    await credited(till.shop, 10)
    answer = await till.post(**{"customer_id": ASHA["customer_id"], **call})
    assert (answer.status_code, list(answer.json()["data"]["fields"])) == (422, [field])


async def test_a_customer_is_found_by_any_spelling_of_their_mobile_and_in_no_other_shop(
    shop: Shop, till: Till, clock: HandClock
) -> None:
    body = ASHA | {"mobile": "98000 00000", "country": "ind"}
    await shop.manage("POST", "/customers", json=body)
    found = await till.post(action="list", mobile="+91 9800000000")
    assert found.json()["data"]["item"]["customer_id"] == ASHA["customer_id"]
    other = await a_shop(shop.app, shop.client, clock.now(), "Other Shop")
    theirs = Till(other, clock, (await other.manage("PUT", "/checkout", json=RULES)).json())
    answer = await theirs.post(action="list", customer_id=ASHA["customer_id"])
    assert (answer.status_code, answer.json()["data"]["message"]) == (422, "Lead does not exists")
    crossed = await theirs.post(action="list", customer_id=ASHA["customer_id"], secret=till.secret)
    assert crossed.status_code == 401


async def test_coins_are_never_worth_more_than_is_taken_off(shop: Shop, till: Till) -> None:
    """Of coarse coins only whole ones, of fine ones as few as are worth a cent; a debt, and nothing, use nothing."""
    await credited(shop, 1_015)
    for coins, worth, amount, used, off in (
        (1, "5.00", "7.00", 1, 5),
        (1, "5.00", "4.99", 0, 0),
        (1_000, "1.00", "3.00", 1_010, 1.01),
        (3, "0.01", "0.02", 6, 0.02),
    ):
        await shop.manage("PUT", "/checkout", json={"coins": coins, "worth": worth})
        item = await till.says("list", "", amount=amount)
        assert (item["coins"]["used"], item["discount"]) == (used, off)


async def test_the_checkout_is_connected_on_a_page_and_its_secret_shown_once(shop: Shop) -> None:
    owner, reader = [await signed_in(shop, await person(shop, role, role)) for role in ("owner", "reader")]
    assert "How it works" in (await owner.get("/checkout")).text
    wrong = await owner.post("/checkout", coins="0", worth="1.005", takes="hold")
    assert wrong.status_code == 422
    assert "from 1 to 1,000,000,000" in wrong.text
    assert "at most 2 decimals" in wrong.text
    made = await owner.post("/checkout", coins="100", worth="1.50", takes="hold")
    assert "whsec_" in made.text
    path = (await shop.manage("GET", "/checkout")).json()["path"]
    page = (await owner.get("/checkout")).text
    assert path in page
    assert "whsec_" not in page
    assert path not in (await reader.get("/checkout")).text
    assert (await shop.manage("GET", "/checkout", key=await _reading_key(shop))).json()["path"] is None
    await credited(shop, 250)
    tried = await owner.get(f"/checkout?customer={ASHA['customer_id']}&amount=2")
    assert "133 coins, worth $1.99" in tried.text
    api = await shop.manage("GET", "/checkout/quote", params={"customer_id": ASHA["customer_id"], "amount": "2"})
    assert (api.json()["coins"], api.json()["payable"]) == (133, 0.01)
    nobody = await owner.get("/checkout?customer=nobody-here&amount=2.001")
    assert "customer_id of a customer" in nobody.text
    assert "at most 2 decimals" in nobody.text
    again = await owner.post("/checkout", coins="100", worth="1.50", takes="hold")
    assert again.status_code == 303
    assert "whsec_" in (await owner.post("/checkout/rotate")).text
    assert (await owner.post("/checkout/disconnect")).status_code == 303
    assert (await shop.manage("GET", "/checkout")).status_code == 404
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert [act for act in acts if act.startswith("checkout")] == [
        "checkout.disconnect",
        "checkout.rotate",
        "checkout.connect",
    ]


async def _reading_key(shop: Shop) -> str:
    body = {"name": "Looks", "access": "NONE", "areas": {"rules": "READ"}}
    return str((await shop.manage("POST", "/keys", json=body)).json()["key"])
