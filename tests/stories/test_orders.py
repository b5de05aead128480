"""A program reports orders: one or many, as often as it likes, with the clocks and numbers that programs have."""

from datetime import timedelta
from typing import Any

import pytest

from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, an_order, per_dollar
from tests.stories.browsing import form_of, person, signed_in


async def test_an_order_earns_once_however_often_it_is_reported(shop: Shop, clock: HandClock) -> None:
    trigger_id = await per_dollar(shop)
    first = (await shop.manage("POST", "/orders", json=an_order())).json()["items"][0]
    assert (first["change"], first["coins"], first["order"]["amount"]) == ("created", 129, 129.9)
    assert [(one["trigger_id"], one["state"]) for one in first["firings"]] == [(trigger_id, "granted")]
    again = (await shop.manage("POST", "/orders", json=an_order())).json()["items"][0]
    assert (again["change"], again["coins"]) == ("unchanged", 0)
    clock.advance(days=1)
    update = an_order(delivery_status="fulfilled", updated_at="2026-03-15T09:00:00Z")
    newer = (await shop.manage("POST", "/orders", json=update)).json()["items"][0]
    assert (newer["change"], newer["coins"]) == ("updated", 0)
    stale = an_order(delivery_status="pending", updated_at="2026-03-14T10:00:00Z")
    assert (await shop.manage("POST", "/orders", json=stale)).json()["items"][0]["change"] == "stale"
    assert (await shop.lead("shopify-1001"))["available"] == "129"
    one = (await shop.manage("GET", f"/orders/{first['order']['id']}")).json()
    assert (one["order"]["delivery_status"], one["order"]["coins_rewarded"]) == ("fulfilled", 129)
    assert [firing["state"] for firing in one["firings"]] == ["granted"]


async def test_a_list_is_answered_one_by_one(shop: Shop) -> None:
    await per_dollar(shop)
    reports = [
        an_order("1", "10"),
        an_order("2", "0.00"),
        an_order("3", "10", customer={"customer_id": "shopify-1002", "email": "no address"}),
        an_order("4", 20.5),
        an_order("1", "10"),
        an_order("5", "1.234"),
    ]
    items = (await shop.manage("POST", "/orders", json=reports)).json()["items"]
    assert [item["change"] for item in items] == ["created", "created", "refused", "created", "unchanged", "refused"]
    assert [item["coins"] for item in items] == [10, 0, 0, 20, 0, 0]
    assert items[1]["firings"][0]["reason"] == "order_amount_zero"
    assert items[2]["refusal"]["fields"] == {"customer.email": "expected an e-mail address"}
    assert list(items[5]["refusal"]["fields"]) == ["amount"]
    listed = (await shop.manage("GET", "/orders", params={"limit": 2})).json()
    assert [order["reference_id"] for order in listed["items"]] == ["4", "2"]
    older = (await shop.manage("GET", "/orders", params={"limit": 2, "before": listed["next"]})).json()
    assert ([order["reference_id"] for order in older["items"]], older["next"]) == (["1"], None)
    named = (await shop.manage("GET", "/orders", params={"reference_id": "2"})).json()["items"]
    assert [order["reference_id"] for order in named] == ["2"]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (an_order(amount="1.234"), "amount"),
        (an_order(amount="-1"), "amount"),
        (an_order(amount=-1), "amount"),
        (an_order(currency_code="USD"), "currency_code"),
        (an_order(placed_at="2026-03-14T09:00:00"), "placed_at"),
        (an_order(placed_at="0001-01-01T00:00:00+23:59"), "placed_at"),
        (an_order(status="lost"), "status"),
        (an_order(customer={"customer_id": "short"}), "customer.customer_id"),
        (an_order(colour="red"), "colour"),
        (an_order(amount="129.905"), "amount"),
        (an_order(currency_code="xxq"), "currency_code"),
        (an_order(placed_at="1970-01-01T00:00:00Z"), "placed_at"),
        (an_order(placed_at="2099-01-01T00:00:00Z"), "placed_at"),
        (an_order(updated_at="2099-01-01T00:00:00Z"), "updated_at"),
        (an_order(updated_at="2026-03-14T09:32:00Z"), "updated_at"),
        (an_order(updated_at="2026-03-14T08:54:00Z"), "updated_at"),
        ([], "body"),
    ],
)
async def test_an_order_that_can_not_be_taken_says_why(shop: Shop, order: Any, field: str) -> None:
    answer = await shop.manage("POST", "/orders", json=order)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]
    assert (await shop.manage("GET", "/orders")).json()["items"] == []


async def test_one_that_can_not_even_be_read_costs_a_list_nothing_else(shop: Shop) -> None:
    await per_dollar(shop)
    reports: list[Any] = [
        an_order("1", "10"),
        an_order("2", "84.9501"),
        an_order("3", status="lost"),
        an_order("4", customer={"customer_id": "short"}),
        "an order",
        {**an_order("5"), "name": "a\0b"},
        {**an_order("6"), "colour": "red"},
        an_order("7", "20"),
    ]
    answer = await shop.manage("POST", "/orders", json=reports)
    items = answer.json()["items"]
    assert [item["index"] for item in items] == list(range(8))
    assert [item["change"] for item in items] == ["created", *["refused"] * 6, "created"]
    wrong = [list(item["refusal"]["fields"]) for item in items[1:7]]
    assert wrong == [["amount"], ["status"], ["customer.customer_id"], ["body"], ["name"], ["colour"]]
    assert (await shop.lead("shopify-1001"))["available"] == "30"
    for many in ([], [an_order(str(n)) for n in range(501)]):
        assert (await shop.manage("POST", "/orders", json=many)).status_code == 422


@pytest.mark.parametrize(
    ("amount", "currency_code", "taken"),
    [
        (59.96999999999999, "usd", 59.97),
        (0.1 + 0.2, "usd", 0.3),
        ("59.96999999999999", "usd", 59.97),
        ("84.9500", "usd", 84.95),
        ("84.950000000000000000", "usd", 84.95),
        (84, "usd", 84),
        ("1200.0", "jpy", 1_200),
        ("1.2345", "clf", 1.2345),
        ("1.234", "kwd", 1.234),
        ("1.234", "iqd", 1.234),
    ],
)
async def test_amounts_are_taken_as_they_are_meant(shop: Shop, amount: Any, currency_code: str, taken: float) -> None:
    answer = await shop.manage("POST", "/orders", json=an_order(amount=amount, currency_code=currency_code))
    assert answer.json()["items"][0]["order"]["amount"] == taken


@pytest.mark.parametrize(
    ("amount", "currency_code", "words"),
    [
        (59.969, "usd", "expected an amount with at most 2 decimals, as usd has"),
        ("59.9701", "usd", "expected an amount with at most 2 decimals, as usd has"),
        ("1200.5", "jpy", "expected an amount with no decimals, as jpy has"),
        ("1.23456", "clf", "expected an amount with at most 4 decimals, as clf has"),
        ("12,50", "eur", "expected an amount such as 12.34, of at least 0"),
    ],
)
async def test_an_amount_that_is_finer_than_its_currency_is_told_so(
    shop: Shop, amount: Any, currency_code: str, words: str
) -> None:
    answer = await shop.manage("POST", "/orders", json=an_order(amount=amount, currency_code=currency_code))
    assert (answer.status_code, answer.json()["fields"]) == (422, {"amount": words})


async def test_clocks_that_are_minutes_apart_neither_refuse_nor_close_an_order(shop: Shop, clock: HandClock) -> None:
    half_a_second = an_order(placed_at="2026-03-14T09:20:00.500Z", updated_at="2026-03-14T09:20:00Z")
    ahead = an_order(financial_status="pending", updated_at="2026-03-14T09:30:00Z")
    assert (await shop.manage("POST", "/orders", json=half_a_second)).json()["items"][0]["change"] == "created"
    assert (await shop.manage("POST", "/orders", json=ahead)).json()["items"][0]["change"] == "updated"
    clock.advance(seconds=1)
    paid = (await shop.manage("POST", "/orders", json=an_order(financial_status="paid"))).json()["items"][0]
    assert (paid["change"], paid["order"]["financial_status"]) == ("updated", "paid")


async def test_money_of_two_currencies_is_not_added_up(shop: Shop) -> None:
    gone = an_order("3", "5", status="cancelled")
    await shop.manage("POST", "/orders", json=[an_order("1", "84.95"), an_order("2", 1200, currency_code="jpy"), gone])
    [customer] = (await shop.manage("GET", "/customers")).json()["items"]
    assert customer["spent_in"] == {"usd": 84.95, "jpy": 1200}
    assert (customer["spent"], customer["orders_count"]) == (84.95, 3)


async def test_a_known_customers_order_is_taken_without_the_detail_that_is_wrong(shop: Shop) -> None:
    await per_dollar(shop)
    await shop.manage("POST", "/orders", json=[an_order("1", "10")])
    wrong = {"customer_id": "shopify-1001", "email": "no address", "mobile": "12", "country": "usa"}
    alone = (await shop.manage("POST", "/orders", json=an_order("2", "20", customer=wrong))).json()["items"]
    (listed,) = (await shop.manage("POST", "/orders", json=[an_order("3", "30", customer=wrong)])).json()["items"]
    for item, coins in ((alone[0], 20), (listed, 30)):
        assert (item["change"], item["coins"]) == ("created", coins)
        assert set(item["left_out"]) == {"customer.email", "customer.mobile"}
    assert (await shop.lead("shopify-1001"))["email"] == "asha@example.com"
    unknown = await shop.manage(
        "POST", "/orders", json=an_order("4", "40", customer={**wrong, "customer_id": "nobody-known"})
    )
    assert (unknown.status_code, set(unknown.json()["fields"])) == (422, {"customer.email", "customer.mobile"})


async def test_balances_follow_one_another_in_the_order_of_booking(shop: Shop, clock: HandClock) -> None:
    await per_dollar(shop)
    id = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    await shop.manage("POST", f"/customers/{id}/transactions", json={"operation": "cr", "amount": 5, "reason": "Hello"})
    clock.advance(hours=1)
    long_ago = (clock.now() - timedelta(days=6)).isoformat()
    await shop.manage("POST", "/orders", json=an_order("1", "10", placed_at=long_ago))
    facts = (await shop.manage("GET", f"/customers/{id}/timeline")).json()["items"]
    balances = [fact["transaction"]["closing_balance"] for fact in facts if fact["kind"] == "transaction"]
    assert balances == [15, 5]
    assert [fact["at"] < fact["booked_at"] for fact in facts if fact["kind"] == "order"] == [True]
    page = (await (await signed_in(shop, await person(shop, "rita", "reader"))).get(f"/customers/{id}")).text
    assert page.index("Order #1 over $10.00") < page.index("5 coins given by hand")
    assert "In the order of booking" in page


LINES: list[dict[str, Any]] = [
    {
        "product_id": 7654321098765,
        "variant_id": "kilo",
        "title": "Espresso beans",
        "quantity": 2,
        "amount": "60.00",
        "tags": ["organic"],
        "collections": ["Coffee"],
    },
    {"product_id": "card", "title": "Gift card", "amount": 40, "collections": ["Gift cards"]},
]


async def test_an_order_is_kept_with_its_lines_and_what_went_back(shop: Shop, clock: HandClock) -> None:
    whole: dict[str, Any] = {
        "lines": LINES,
        "shipping": "4.90",
        "discount": "10",
        "tax": "15.82",
        "coupon_codes": ["SPRING"],
    }
    whole |= {"tags": ["vip"], "note": "Leave at the door", "presentment_currency_code": "eur"}
    first = (await shop.manage("POST", "/orders", json=an_order(amount="94.90", **whole))).json()["items"][0]["order"]
    money = [first[field] for field in ("shipping", "discount", "tax", "refunded", "items_count")]
    assert money == [4.9, 10, 15.82, 0, 3]
    assert (first["coupon_codes"], first["tags"], first["note"]) == (["SPRING"], ["vip"], "Leave at the door")
    assert first["lines"][0] == {**LINES[0], "product_id": "7654321098765", "amount": 60}
    assert (first["lines"][1]["quantity"], first["refunds"], first["cancelled_at"]) == (1, None, None)
    assert await spent(shop) == 94.9
    clock.advance(days=1)
    refund = {"refund_id": 1, "amount": "30.00", "refunded_at": "2026-03-15T09:00:00Z"}
    refund |= {"lines": [{"product_id": 7654321098765, "variant_id": "kilo", "quantity": 1, "amount": 30}]}
    # As it was written before lines were known of: what it leaves out stays.
    told = (await shop.manage("POST", "/orders", json=an_order(amount="94.90", refunds=[refund]))).json()["items"][0]
    assert (told["change"], told["order"]["refunded"], len(told["order"]["lines"])) == ("updated", 30, 2)
    assert told["order"]["refunds"][0]["lines"][0]["product_id"] == "7654321098765"
    assert await spent(shop) == 64.9
    clock.advance(days=1)
    plain = (await shop.manage("POST", "/orders", json=an_order(amount="94.90", delivery_status="fulfilled"))).json()
    assert plain["items"][0]["order"]["refunded"] == 30
    clock.advance(days=1)
    gone = an_order(amount="94.90", cancelled_at="2026-03-16T09:00:00Z")
    cancelled = (await shop.manage("POST", "/orders", json=gone)).json()["items"][0]["order"]
    assert (cancelled["status"], cancelled["cancelled_at"][:10]) == ("cancelled", "2026-03-16")
    assert await spent(shop) == 0
    clock.advance(days=1)
    again = (await shop.manage("POST", "/orders", json=an_order(amount="94.90", cancelled_at=None))).json()["items"][0]
    assert (again["order"]["status"], await spent(shop)) == ("pending", 64.9)


async def spent(shop: Shop) -> float:
    found = (await shop.manage("GET", "/customers", params={"text": "shopify-1001"})).json()["items"]
    return float(found[0]["spent"])


async def test_orders_of_several_currencies_count_in_their_own_and_the_shops_is_what_is_shown(shop: Shop) -> None:
    await per_dollar(shop)
    refunds = [{"refund_id": "r", "amount": 200}]
    many = [an_order("1", "50"), an_order("2", "1200", currency_code="jpy", refunds=refunds)]
    items = (await shop.manage("POST", "/orders", json=many)).json()["items"]
    assert [(item["coins"], item["order"]["refunded"]) for item in items] == [(50, 0), (0, 200)]
    found = (await shop.manage("GET", "/customers", params={"text": "shopify-1001"})).json()["items"][0]
    assert (found["spent"], found["spent_in"]) == (50, {"usd": 50, "jpy": 1000})


async def test_parts_that_can_not_be_kept_are_named_by_their_place(shop: Shop) -> None:
    wrong: dict[str, Any] = {
        "lines": [{"amount": "1.234"}, {"amount": 1, "quantity": -1}],
        "refunds": [
            {"refund_id": "", "amount": 1},
            {"refund_id": "r", "amount": 1, "refunded_at": "1800-01-01T00:00:00Z"},
            {"refund_id": "r", "amount": 1, "lines": [{"amount": "0.001"}]},
        ],
        "cancelled_at": "0001-01-01T00:00:00+23:59",
        "shipping": -1,
    }
    answer = await shop.manage("POST", "/orders", json=an_order(**wrong))
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) >= {"lines[1].quantity", "shipping"}
    answer = await shop.manage("POST", "/orders", json=an_order(**wrong) | {"lines": wrong["lines"][:1], "shipping": 1})
    assert set(answer.json()["fields"]) == {
        *("lines[0].amount", "refunds[0].refund_id", "refunds[1].refunded_at", "refunds[2].refund_id"),
        *("refunds[2].lines[0].amount", "cancelled_at"),
    }
    assert (await shop.manage("GET", "/orders")).json()["items"] == []


async def test_an_orders_page_tells_what_was_bought_and_what_went_back(shop: Shop) -> None:
    refund = {"refund_id": "r-77", "amount": "30.00", "lines": [{"product_id": "card", "amount": "30.00"}]}
    more = {"lines": LINES, "shipping": "4.90", "discount": "10", "coupon_codes": ["SPRING"], "refunds": [refund]}
    told = an_order(amount="94.90", cancelled_at="2026-03-15T09:00:00Z", note="Leave at the door", tags=["vip"], **more)
    order = (await shop.manage("POST", "/orders", json=told)).json()["items"][0]["order"]
    page = (await (await signed_in(shop, await person(shop, "olga"))).get(f"/orders/{order['id']}")).text
    for words in (
        "Espresso beans",
        "Coffee, organic",
        "SPRING",
        "$4.90",
        "\u2212$10.00",
        "1 × Gift card",
        "\u2212$30.00",
        "r-77",
    ):
        assert words in page, words
    for words in ("Leave at the door", "vip", "Cancelled"):
        assert words in page, words


async def test_a_shop_chooses_what_of_an_order_earns(shop: Shop) -> None:
    chosen = {"net_of_tax": True, "collections_excluded": [" Gift cards "], "rounding": "nearest"}
    said = (await shop.manage("PATCH", "/workspace", json={"settings": {"earning_basis": chosen}})).json()
    kept = {"net_of_tax": True, "collections_excluded": ["Gift cards"], "rounding": "nearest"}
    assert said["settings"]["earning_basis"] == kept
    wrong = {"settings": {"earning_basis": {"rounding": "sideways", "products_excluded": ["x" * 256]}}}
    assert (await shop.manage("PATCH", "/workspace", json=wrong)).status_code == 422
    too_long = await shop.manage(
        "PATCH", "/workspace", json={"settings": {"earning_basis": {"tags_excluded": ["x" * 256]}}}
    )
    assert list(too_long.json()["fields"]) == ["settings.earning_basis.tags_excluded"]
    browser = await signed_in(shop, await person(shop, "olga"))
    page = (await browser.get("/settings/earning")).text
    assert form_of(page, "/settings/earning")["collections_excluded"].strip() == "Gift cards"
    assert form_of(page, "/settings/earning")["net_of_tax"] == "yes"
    assert (
        await browser.post("/settings/earning", **form_of(page, "/settings/earning") | {"rounding": "sideways"})
    ).status_code == 422
    back = {"net_of_discount": "yes", "rounding": "down"}
    assert (await browser.post("/settings/earning", **back)).status_code == 303
    assert "earning_basis" not in (await shop.manage("GET", "/workspace")).json()["settings"]
