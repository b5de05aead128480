"""WooCommerce sends each hook once: what got lost is fetched from its own API, which the sandbox looks like."""

import asyncio
from typing import Any

import pytest

from regulars import limits
from regulars.kit.clock import HandClock
from regulars.sandbox import Sandbox
from regulars.worker.asking import Asking
from tests.doors import Shop, a_shop, client_of, opened, per_dollar
from tests.selling import Connected, connected

KEYS = {"consumer_key": "ck_sandbox_key", "consumer_secret": "cs_sandbox_key"}


@pytest.fixture
async def there(shop: Shop, look_alikes: Sandbox) -> Connected:
    made = await connected(shop, "woocommerce", url=f"{look_alikes.base_url}/woocommerce", **KEYS)
    # Behind the address stands the same shop as in the test's hand.
    look_alikes.sellers["woocommerce"] = made.seller
    return made


async def asked(there: Connected) -> dict[str, object]:
    """Have the loop do what is due; the source after that."""
    app = there.shop.app
    asking = Asking(app.db, app.http, app.box, app.clock)
    # Other tests' sources may be due as well, as many as are asked at once.
    while await asking.round():
        await asyncio.gather(*asking.tasks)
    return dict((await there.shop.manage("GET", f"/sources/{there.source['id']}")).json())


async def test_what_no_hook_told_is_fetched_and_earns(there: Connected, clock: HandClock) -> None:
    await per_dollar(there.shop)
    await there.tell("orders")
    for _ in range(limits.ASKS_PAGE_ORDERS + 5):
        there.hooks("orders", wrong="lost")
        there.hooks("orders", there.order_id, "pay", wrong="lost")
    assert (await asked(there))["asked"] == f"{limits.ASKS_PAGE_ORDERS + 5} fetched that no hook had told of."
    log = await there.handled()
    assert (len(log), {hook["state"] for hook in log}) == (limits.ASKS_PAGE_ORDERS + 6, {"done"})
    coins = 130 * (limits.ASKS_PAGE_ORDERS + 5)
    assert (await there.shop.lead("woocommerce-1001"))["available"] == str(coins)
    clock.advance(seconds=limits.ASKS_EVERY_S)
    there.hooks("orders", there.order_id, "refund", amount="30", wrong="lost")
    assert (await asked(there))["asked"] == "1 fetched that no hook had told of."
    await there.handled()
    assert [back["amount"] for back in (await there.order())["refunds"]] == [30.0]
    clock.advance(seconds=limits.ASKS_EVERY_S)
    assert (await asked(there))["asked"] == "Nothing was missed."


async def test_a_shop_that_does_not_answer_is_asked_again_later(there: Connected, clock: HandClock) -> None:
    path = f"/sources/{there.source['id']}"
    there.seller.webhook.consumer_secret = "cs_another"
    refused = await asked(there)
    assert "the REST API key was refused" in str(refused["asked"])
    tested = (await there.shop.manage("POST", f"{path}/test")).json()
    assert (tested["ok"], "can't be fetched" in tested["sentence"]) == (False, True)
    there.hooks("orders", wrong="lost")
    there.seller.webhook.consumer_secret = KEYS["consumer_secret"]
    clock.advance(seconds=limits.ASKS_EVERY_S)
    assert (await asked(there))["asked"] == refused["asked"]
    await there.shop.manage("POST", f"{path}/fetch")
    assert (await asked(there))["asked"] == "1 fetched that no hook had told of."
    tested = (await there.shop.manage("POST", f"{path}/test")).json()
    assert tested["sentence"].endswith("The shop's own API answers too.")


async def test_an_address_inside_is_not_asked(there: Connected, clock: HandClock, pool: Any) -> None:
    async with opened(pool, clock) as outside, client_of(outside) as client:
        shop = await a_shop(outside, client, clock.now())
        inside = await connected(shop, "woocommerce", url="https://10.0.0.1", **KEYS)
        assert "public internet" in str((await asked(inside))["asked"])
    assert (await there.shop.manage("POST", f"/sources/{inside.source['id']}/fetch")).status_code == 404
