"""A platform behind the doors: what is done there, by the sandbox's look-alike, is sent as hooks and handled."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from regulars import worker
from regulars.sandbox.selling import Act, Hook, Seller, Webhook
from regulars.sandbox.shops import SELLERS
from regulars.worker import Carriers
from tests.doors import Shop

SECRET = "a-secret-that-both-sides-know"
SETTINGS: dict[str, dict[str, Any]] = {
    "shopify": {"shop_domain": "sandbox.myshopify.com", "secret": SECRET},
    "woocommerce": {"url": "https://shop.example", "secret": SECRET},
    "website": {"secret": SECRET},
}


class Connected:
    """A source of a shop, and the platform behind it, whose clock is the shop's."""

    def __init__(self, shop: Shop, source: dict[str, Any]) -> None:
        self.shop, self.source = shop, source
        self.path = urlsplit(source["address"]).path
        make = SELLERS.get(source["platform"], Seller)
        self.seller = make(lambda _: None, shop.app.clock.now)
        self.seller.webhook = Webhook(source["address"], SECRET)

    def hooks(self, *what: object, **act: Any) -> list[Hook]:
        return self.seller.do(*(str(one) for one in what), act=msgspec.convert(act, Act))

    async def send(self, hooks: Sequence[Hook]) -> list[int]:
        return [(await self.post(hook.body, hook.headers)).status_code for hook in hooks]

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return await self.shop.client.post(self.path, content=body, headers=headers)

    async def tell(self, *what: object, **act: Any) -> list[dict[str, Any]]:
        """Do something there, let it be told and handled; the log, oldest first."""
        assert set(await self.send(self.hooks(*what, **act))) <= {200}
        return await self.handled()

    async def handled(self) -> list[dict[str, Any]]:
        app = self.shop.app
        await worker.drain(app.db, Carriers(app.box), app.http, clock=app.clock, random=lambda: 0.5)
        return await self.log()

    async def log(self, **asked: str) -> list[dict[str, Any]]:
        query = {"source_id": self.source["id"], "limit": "100", **asked}
        found: list[dict[str, Any]] = (await self.shop.manage("GET", "/hooks", params=query)).json()["items"]
        return found[::-1]

    @property
    def order_id(self) -> int:
        return next(reversed(self.seller.orders))

    async def order(self) -> dict[str, Any]:
        query = {"reference_id": str(self.order_id), "source": self.source["orders_source"]}
        (found,) = (await self.shop.manage("GET", "/orders", params=query)).json()["items"]
        return dict(found)


async def connected(shop: Shop, platform: str, **settings: Any) -> Connected:
    body = {"platform": platform, "settings": SETTINGS[platform] | settings}
    answer = await shop.manage("POST", "/sources", json=body)
    assert answer.status_code == 201, answer.text
    assert SECRET not in answer.text
    return Connected(shop, answer.json()["source"])
