"""Platforms send hooks: signed or not, twice, late, in any order; what they tell is recorded, and every one says what
came of it. The hooks are made by the sandbox's look-alikes."""

import asyncio
from base64 import b64encode
from itertools import permutations

import msgspec
import pytest

from regulars import limits
from regulars.kit.clock import HandClock
from regulars.sandbox.selling import Hook
from regulars.shops.model import signed
from tests.doors import Shop, a_shop, per_dollar
from tests.selling import SECRET, SETTINGS, Connected, connected


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
async def test_an_order_is_told_from_being_placed_to_being_paid_back(shop: Shop, platform: str) -> None:
    await per_dollar(shop)
    there = await connected(shop, platform)
    (placed,) = await there.tell("orders")
    assert (placed["state"], placed["subject"]) == ("done", f"order {there.order_id}")
    assert placed["outcome"].startswith("Order #")
    shop.app.clock.advance(seconds=5)  # type: ignore[attr-defined]
    log = await there.tell("orders", there.order_id, "pay")
    assert "It earned 130 coins." in log[1]["outcome"]
    assert (await shop.lead(f"{platform}-1001"))["available"] == "130"
    order = await there.order()
    assert (order["amount"], order["financial_status"]) == (130.0, "paid")
    assert [line["title"] for line in order["lines"]] == ["Olive oil"]
    log = await there.tell("orders", there.order_id, "refund", amount="30")
    assert {hook["state"] for hook in log} == {"done"}
    order = await there.order()
    assert (order["financial_status"], [refund["amount"] for refund in order["refunds"]]) == (
        "partially_refunded",
        [30.0],
    )
    await there.tell("orders", there.order_id, "cancel")
    assert (await there.order())["status"] == "cancelled"


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
async def test_hooks_that_come_twice_and_in_any_order_end_the_same(shop: Shop, platform: str, clock: HandClock) -> None:
    there = await connected(shop, platform)
    told: list[list[list[Hook]]] = []
    for order in permutations(range(3)):
        acts = [there.hooks("orders")]
        for act in ("pay", "refund"):
            clock.advance(seconds=10)
            acts.append(there.hooks("orders", there.order_id, act, amount="50", wrong="reordered"))
        told.append([acts[n] for n in (*order, order[0])])
    for step in zip(*told, strict=True):
        for hooks in step:
            assert set(await there.send(hooks)) == {200}
        await there.handled()
    orders = (await shop.manage("GET", "/orders")).json()["items"]
    ends = [(one["financial_status"], one["amount"], [back["amount"] for back in one["refunds"]]) for one in orders]
    assert ends == [("partially_refunded", 130.0, [50.0])] * 6
    assert {hook["state"] for hook in await there.log()} <= {"done", "ignored"}


async def test_a_refund_waits_for_its_order(shop: Shop, clock: HandClock) -> None:
    there = await connected(shop, "shopify")
    placed = there.hooks("orders")
    clock.advance(seconds=10)
    refund, _ = there.hooks("orders", there.order_id, "refund", amount="30")
    await there.send([refund])
    (waiting,) = await there.handled()
    assert (waiting["state"], waiting["subject"]) == ("waiting", f"order {there.order_id}")
    await there.send(placed)
    assert [hook["state"] for hook in await there.handled()] == ["done", "done"]
    assert [one["amount"] for one in (await there.order())["refunds"]] == [30.0]


async def test_one_that_is_sent_again_is_taken_once(shop: Shop) -> None:
    there = await connected(shop, "shopify")
    first, again = await there.tell("orders", wrong="twice")
    assert (first["reference"], first["state"]) == (again["reference"], "done")
    assert (again["state"], again["outcome"]) == ("ignored", "It came before, and was taken then.")


async def test_what_is_not_signed_is_turned_away_and_the_shop_sees_it(shop: Shop, clock: HandClock) -> None:
    there = await connected(shop, "shopify")
    (hook,) = there.hooks("orders", wrong="wrong_signature")
    refused = await there.post(hook.body, hook.headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "signature_wrong")
    (right,) = there.hooks("orders")
    none = {name: value for name, value in right.headers.items() if name != "x-shopify-hmac-sha256"}
    for body, headers in (
        (right.body, none),
        (right.body + b" ", right.headers),
        (right.body, right.headers | {"x-shopify-hmac-sha256": "?" * 44}),
        (right.body, right.headers | {"x-shopify-hmac-sha256": "A" * 43 + "="}),
    ):
        assert (await there.post(body, headers)).json()["code"] == "signature_wrong"
    other = await there.post(right.body, right.headers | {"x-shopify-shop-domain": "other.myshopify.com"})
    assert (other.status_code, other.json()["code"]) == (401, "hook_of_another_shop")
    assert await there.log() == []
    clock.advance(seconds=limits.HOOKS_WRONG_NOTED_S)
    await there.post(right.body, none)
    source = (await shop.manage("GET", f"/sources/{there.source['id']}")).json()
    assert (source["turned_away"], source["turned_away_why"]) == (7, "It carries no signature.")


async def test_a_flood_of_wrong_signatures_asks_the_database_for_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await connected(shop, "shopify")
    (hook,) = there.hooks("orders", wrong="wrong_signature")
    await there.post(hook.body, hook.headers)
    transaction, reading, asked = shop.app.db.transaction, shop.app.db.reading, []
    monkeypatch.setattr(shop.app.db, "transaction", lambda **more: asked.append("transaction") or transaction(**more))
    monkeypatch.setattr(shop.app.db, "reading", lambda: asked.append("reading") or reading())
    for _ in range(50):
        assert (await there.post(hook.body, hook.headers)).status_code == 401
    assert asked == []


async def test_addresses_bodies_and_methods_that_are_wrong(shop: Shop) -> None:
    there = await connected(shop, "shopify")
    (hook,) = there.hooks("orders")
    id = there.path.rpartition("/")[2]
    paths = (f"/hooks/woocommerce/{id}", "/hooks/shopify/none", there.path[:-1] + "é", f"/hooks/shopify/{'0' * 32}")
    for path in paths:
        answer = await shop.client.post(path, content=hook.body, headers=hook.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "hook_unknown"), path
    assert (await shop.client.get(there.path)).status_code == 405
    large = await there.post(b"x" * (limits.HOOK_BYTES_MAX + 1), hook.headers)
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    for body in (b"", b"no json", b"[]", b'{"id": 1}', b'{"id": 5, "currency": "usd", "total_price": "x"', b"\xff\x00"):
        signature = b64encode(signed(body, SECRET)).decode()
        assert (await there.post(body, hook.headers | {"x-shopify-hmac-sha256": signature})).status_code == 200
        hook.headers["x-shopify-webhook-id"] += "0"
    log = await there.handled()
    assert {one["state"] for one in log} == {"failed"}
    assert "id: expected" not in log[0]["outcome"]
    assert "Object missing required field" in log[3]["outcome"]
    assert (await shop.manage("GET", f"/hooks/{log[1]['id']}")).json()["body"] == "no json"


async def test_a_ping_and_a_test_record_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    woo, shopify = await connected(shop, "woocommerce"), await connected(shop, "shopify")
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await woo.post(b"webhook_id=7", form)).status_code == 200
    assert await woo.handled() == []
    (hook,) = shopify.hooks("orders")
    await shopify.post(hook.body, hook.headers | {"x-shopify-test": "true"})
    (test,) = await shopify.handled()
    assert (test["state"], (await shop.manage("GET", "/orders")).json()["items"]) == ("ignored", [])


async def test_customers_are_made_and_brought_up_to_date_by_the_newest_word(shop: Shop, clock: HandClock) -> None:
    there = await connected(shop, "shopify")
    older = there.hooks("customers", first_name="Ash")
    clock.advance(seconds=60)
    (newer,) = await there.tell("customers", first_name="Asha")
    assert newer["outcome"] == "Customer Asha Rao is new."
    await there.send(older)
    assert (await there.handled())[1]["outcome"] == "They are known in a newer state: nothing was changed."
    clock.advance(seconds=60)
    assert (await there.tell("customers", first_name="Asha"))[2]["outcome"].endswith("nothing was to be done.")
    clock.advance(seconds=60)
    (*_, last) = await there.tell("customers", last_name="Iyer")
    assert last["outcome"] == "Customer Asha Iyer was brought up to date."
    customer = (await shop.manage("GET", f"/customers/{last['customer_id']}")).json()
    assert (customer["name"], customer["accept_email"]) == ("Asha Iyer", True)


async def test_a_guest_is_known_by_their_address(shop: Shop) -> None:
    await per_dollar(shop)
    there = await connected(shop, "woocommerce")
    await there.tell("customers", email="ben@example.com", customer_id=1002, first_name="Ben")
    for n in range(2):
        await there.tell("orders", guest=True, email=f"{'B' * n}{'b' * (1 - n)}en@example.com")
        await there.tell("orders", there.order_id, "pay")
    await there.tell("orders", guest=True, email="guest@example.com")
    found = (await shop.manage("GET", "/customers")).json()["items"]
    assert [one["customer_id"].rpartition("-")[0] for one in found] == ["woocommerce-guest", "woocommerce"]
    assert (await shop.lead("woocommerce-1002"))["available"] == "260"


async def test_what_a_person_asks_about_their_data_is_for_somebody_to_do(shop: Shop) -> None:
    there = await connected(shop, "shopify")
    await there.tell("customers")
    (_, data) = await there.tell("customers", 1001, "data")
    assert (data["state"], data["topic"]) == ("open", "customers/data_request")
    closed = (await shop.manage("POST", f"/hooks/{data['id']}/close")).json()
    assert (closed["state"], "Marked as done by Office." in closed["outcome"]) == ("done", True)
    again = await shop.manage("POST", f"/hooks/{data['id']}/close")
    assert again.status_code == 409
    (*_, unknown) = await there.tell("customers", 7, "data", customer_id=7)
    assert (unknown["state"], unknown["outcome"]) == ("done", "Nothing is known of this person.")


async def test_what_failed_is_handled_again_one_or_many(shop: Shop) -> None:
    there = await connected(shop, "shopify")
    hooks = [there.hooks("orders", currency="XXX")[0] for _ in range(3)]
    await there.send(hooks)
    log = await there.handled()
    assert [hook["state"] for hook in log] == ["failed"] * 3
    assert "currency_code" in log[0]["outcome"]
    one = (await shop.manage("POST", f"/hooks/{log[0]['id']}/replay")).json()
    assert one["state"] == "pending"
    assert [hook["state"] for hook in await there.handled()] == ["failed"] * 3
    many = (await shop.manage("POST", "/hooks/replay", json={"source_id": there.source["id"]})).json()
    assert many == {"queued": 3, "left": 0}
    assert len(await there.log(state="pending")) == 3
    some = (await shop.manage("POST", "/hooks/replay", json={"hook_ids": [log[1]["id"]]})).json()
    assert some["queued"] == 1
    gone = await shop.manage("POST", "/hooks/replay", json={"hook_ids": [there.source["id"]]})
    assert gone.status_code == 404
    assert len(await there.handled()) == 3


async def test_a_website_pushes_what_the_api_takes(shop: Shop, clock: HandClock) -> None:
    await per_dollar(shop)
    there = await connected(shop, "website", signed="no")
    lead = {"customer_id": "website-17", "name": "Asha Rao", "metadetail": {"email": "asha@example.com"}}
    order = {
        "reference_id": "77",
        "customer": {"customer_id": "website-17"},
        "amount": "12.50",
        "currency_code": "usd",
        "placed_at": "2026-03-14T09:00:00Z",
        "lines": [{"product_id": "oil", "quantity": 1, "amount": "12.50"}],
    }
    older = f"/api/open/integrations/customwebsitewebhook/{there.path.rpartition('/')[2]}"
    for path, topic, body in (
        (older, "customers/created", lead),
        (there.path, "Orders/Updated", order),
        (there.path, "orders/created", order | {"amount": "a lot"}),
        (there.path, "stock/changed", {}),
    ):
        headers = {"x-custom-website-topic": topic}
        assert (await shop.client.post(path, json=body, headers=headers)).status_code == 200
    lead_, taken, wrong, other = sorted(await there.handled(), key=lambda hook: hook["id"])
    assert lead_["outcome"].startswith("Customer Asha Rao ")  # her order may have made her first
    assert taken["outcome"] == "Order 77 was recorded. It earned 12 coins."
    assert (wrong["state"], wrong["outcome"]) == ("failed", "amount: expected an amount such as 12.34, of at least 0")
    assert other["state"] == "ignored"
    many = [f"t{n}" for n in range(limits.CUSTOMER_TAGS_MAX)]
    tagged = {"customer_id": "website-17", "tags": ["", "VIP", "x" * 256, *many]}
    for _ in range(2):
        await shop.client.post(there.path, json=tagged, headers={"x-custom-website-topic": "customers/updated"})
        told = max(await there.handled(), key=lambda hook: hook["id"])
        assert (told["state"], told["outcome"].partition(";")[2]) == (
            "done",
            " left out, as too many or too long: 2 tags.",
        )
    (asha,) = (await shop.manage("GET", "/customers", params={"text": "asha@example.com"})).json()["items"]
    assert asha["tags"] == ["VIP", *many[:-1]]
    await shop.manage("PATCH", f"/sources/{there.source['id']}", json={"settings": {"signed": "yes"}})
    unsigned = await shop.client.post(older, json=order, headers={"x-custom-website-topic": "orders/updated"})
    assert unsigned.status_code == 401
    raw = msgspec.json.encode(order | {"name": "#77", "updated_at": "2026-03-14T09:20:00Z"})
    headers = {
        "x-custom-website-topic": "orders/updated",
        "x-custom-website-signature": b64encode(signed(raw, SECRET)).decode(),
    }
    assert (await there.post(raw, headers)).status_code == 200
    assert (await there.handled())[-1]["outcome"] == "Order #77 was brought up to date."


async def test_a_secret_that_changes_holds_beside_the_new_one_for_a_day(shop: Shop, clock: HandClock) -> None:
    there = await connected(shop, "shopify")
    path = f"/sources/{there.source['id']}"
    await shop.manage("PATCH", path, json={"settings": {"secret": "another-secret"}})
    assert await there.send([*there.hooks("orders"), *there.hooks("orders", wrong="wrong_signature")]) == [200, 200]
    clock.advance(seconds=limits.SECRET_ROTATION_S)
    assert await there.send([*there.hooks("orders"), *there.hooks("orders", wrong="wrong_signature")]) == [401, 200]
    assert (await shop.manage("POST", f"{path}/rotate")).status_code == 422
    woo = await connected(shop, "woocommerce")
    made = (await shop.manage("POST", f"/sources/{woo.source['id']}/rotate")).json()["new_secrets"]["secret"]
    assert await woo.send(woo.hooks("orders")) == [200]
    woo.seller.webhook.secret = made
    assert await woo.send(woo.hooks("orders")) == [200]


async def test_two_shops_of_one_platform_are_kept_apart(shop: Shop) -> None:
    first, second = await connected(shop, "woocommerce"), await connected(shop, "woocommerce")
    assert [one.source["orders_source"] for one in (first, second)] == ["woocommerce", "woocommerce-2"]
    for there in (first, second):
        await there.tell("orders")
    assert len((await shop.manage("GET", "/orders")).json()["items"]) == 2
    assert (await shop.manage("DELETE", f"/sources/{first.source['id']}")).status_code == 204
    assert await first.send(first.hooks("orders")) == [404]
    again = await connected(shop, "woocommerce")
    assert again.source["orders_source"] == "woocommerce"


async def test_settings_are_checked_and_an_unchanged_save_is_no_act(shop: Shop) -> None:
    wrong = {"platform": "shopify", "settings": {"shop_domain": "corner-shop.com", "colour": "red"}}
    refused = (await shop.manage("POST", "/sources", json=wrong)).json()
    assert sorted(refused["fields"]) == ["colour", "shop_domain"]
    half = {"platform": "woocommerce", "settings": {"url": "https://shop.example", "consumer_key": "ck_12345678"}}
    assert list((await shop.manage("POST", "/sources", json=half)).json()["fields"]) == ["consumer_secret"]
    unknown = await shop.manage("POST", "/sources", json={"platform": "magento", "settings": {}})
    assert "shopify, woocommerce, website" in unknown.json()["detail"]
    there = await connected(shop, "shopify")
    before = (await shop.manage("GET", f"/sources/{there.source['id']}")).json()
    shop.app.clock.advance(seconds=5)  # type: ignore[attr-defined]
    same = {"settings": {"shop_domain": "sandbox.myshopify.com"}}
    await shop.manage("PATCH", f"/sources/{there.source['id']}", json=same)
    assert (await shop.manage("GET", f"/sources/{there.source['id']}")).json() == before
    read = await shop.manage("GET", "/sources", key=shop.admin_key)
    assert read.json()["items"][0]["address"] == there.source["address"]


async def test_a_source_is_tried_without_anything_being_recorded(shop: Shop) -> None:
    await per_dollar(shop, 2)
    for platform in SETTINGS:
        there = await connected(shop, platform)
        tested = (await shop.manage("POST", f"/sources/{there.source['id']}/test")).json()
        assert tested["ok"], tested
        assert tested["sentence"].endswith("It would earn 260 coins.")
    body = {"platform": "shopify", "settings": {"shop_domain": "new.myshopify.com"}}
    fresh = (await shop.manage("POST", "/sources", json=body)).json()["source"]
    tested = (await shop.manage("POST", f"/sources/{fresh['id']}/test")).json()
    assert (tested["ok"], "No signing secret is kept here yet" in tested["sentence"]) == (False, True)
    assert (await shop.manage("GET", "/orders")).json()["items"] == []
    assert (await shop.manage("GET", "/hooks")).json()["items"] == []


async def test_hooks_of_another_shop_are_out_of_reach(shop: Shop, clock: HandClock) -> None:
    theirs = await connected(await a_shop(shop.app, shop.client, clock.now(), "Other Shop"), "shopify")
    (hook,) = await theirs.tell("orders")
    for method, path, body in (
        ("GET", f"/hooks/{hook['id']}", None),
        ("POST", f"/hooks/{hook['id']}/replay", None),
        ("POST", f"/hooks/{hook['id']}/close", None),
        ("POST", "/hooks/replay", {"hook_ids": [hook["id"]]}),
        ("POST", "/hooks/replay", {"source_id": theirs.source["id"]}),
        ("GET", f"/sources/{theirs.source['id']}", None),
        ("POST", f"/sources/{theirs.source['id']}/test", None),
        ("DELETE", f"/sources/{theirs.source['id']}", None),
    ):
        assert (await shop.manage(method, path, json=body)).status_code == 404, path
    assert (await shop.manage("GET", "/hooks")).json()["items"] == []


async def test_many_at_once_share_commits_and_none_is_lost(shop: Shop) -> None:
    await per_dollar(shop)
    there = await connected(shop, "shopify")
    hooks = []
    for n in range(60):
        there.hooks("orders", customer_id=1000 + n % 7)
        hooks += there.hooks("orders", there.order_id, "pay")
    assert set(await asyncio.gather(*(_status(there, hook) for hook in hooks))) == {200}
    log = await there.handled()
    assert (len(log), {hook["state"] for hook in log}) == (100, {"done"})
    found = (await shop.manage("GET", "/orders", params={"limit": 100})).json()["items"]
    assert (len(found), sum(order["coins_rewarded"] for order in found)) == (60, 60 * 130)


async def _status(there: Connected, hook: Hook) -> int:
    return (await there.post(hook.body, hook.headers)).status_code
