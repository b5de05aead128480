"""What happened is said in words, with whom and for what, wherever it is shown."""

import re

from regulars.kit.clock import HandClock
from tests.doors import Shop, an_order, per_dollar
from tests.stories.browsing import person, signed_in
from tests.stories.test_event_outcomes import a_rule, a_tool, fan_out, switch

EARNED = "93 coins to Asha Rao for order #1028, balance 93"
ASHA = {"customer_id": "shopify-1001", "name": "Asha Rao", "email": "asha@example.com"}


def words(html: str) -> str:
    """What stands on a page, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


async def an_earning_order(shop: Shop) -> dict[str, str]:
    await per_dollar(shop)
    await a_rule(shop, await a_tool(shop))
    await switch(shop, on=True)
    order = an_order("5012345", "93.40", name="#1028", customer=ASHA)
    made = (await shop.manage("POST", "/orders", json=order)).json()["items"][0]["order"]
    await fan_out(shop)
    event = (await shop.manage("GET", "/events", params={"topic": "walletreward_create"})).json()["items"][0]
    assert event["sentence"] == EARNED
    return {"order": made["id"], "event": event["id"], "customer": made["customer"]["id"]}


async def test_each_page_that_shows_an_event_says_its_sentence(shop: Shop) -> None:
    ids = await an_earning_order(shop)
    owner = await signed_in(shop, await person(shop, "ann"))
    pages = ["/", "/events", f"/events/{ids['event']}", f"/orders/{ids['order']}", "/deliveries"]
    for path in [*pages, f"/customers/{ids['customer']}?show=events", f"/search?q={ids['event']}"]:
        assert EARNED in words((await owner.get(path)).text), path


async def test_a_delivery_names_its_customer(shop: Shop) -> None:
    await an_earning_order(shop)
    owner = await signed_in(shop, await person(shop, "ann"))
    page = (await owner.get("/deliveries")).text
    assert re.search(r'data-label="Customer">.*?Asha Rao', page)


async def test_an_order_shows_its_coins_and_who_was_told_however_much_happened_since(
    shop: Shop, clock: HandClock
) -> None:
    ids = await an_earning_order(shop)
    trigger = await shop.trigger()
    for _ in range(3):
        await shop.reward(trigger, ASHA["customer_id"])
    other = an_order("5012346", "10", name="#1029", customer=ASHA)
    await shop.manage("POST", "/orders", json=other)
    owner = await signed_in(shop, await person(shop, "ann"))
    page = (await owner.get(f"/orders/{ids['order']}")).text
    told = words(page[page.index("What came of it") :])
    assert EARNED in told
    assert "Tool Queued" in told
    assert "Order #1028 of Asha Rao over $93.40, paid" in told
    assert "Bonus" not in told
    assert "#1029" not in told


async def test_a_refusal_names_its_order_and_what_it_came_to(shop: Shop) -> None:
    trigger_id = await per_dollar(shop)
    small = an_order("7", "0.40", name="#7", customer=ASHA)
    order = (await shop.manage("POST", "/orders", json=small)).json()["items"][0]["order"]
    owner = await signed_in(shop, await person(shop, "ann"))
    story = (await owner.get(f"/customers/{order['customer']['id']}?show=refusals")).text
    assert f'<a href="/orders/{order["id"]}">No reward for order #7 over $0.40</a>' in story
    fired = (await owner.get(f"/triggers/{trigger_id}?show=refused")).text
    assert f'href="/orders/{order["id"]}"' in fired
    assert "Order #7 over $0.40" in words(fired)


async def test_a_name_is_kept_from_turning_its_sentence_around(shop: Shop) -> None:
    await shop.manage("POST", "/customers", json=ASHA | {"name": "<b>علي</b>"})
    owner = await signed_in(shop, await person(shop, "ann"))
    assert "<bdi>&lt;b&gt;علي&lt;/b&gt;</bdi> became a customer" in (await owner.get("/events")).text
