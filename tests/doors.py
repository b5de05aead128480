"""A shop behind the real application: what a program or a store's page would hold, and how it calls."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
from jsonschema_rs import Draft202012Validator, Registry

from regulars import channels, delivery, events, tenancy, triggers
from regulars.api.app import Doors
from regulars.api.codes import FIRINGS, REFUSALS
from regulars.api.documents import openapi
from regulars.api.management import management
from regulars.api.merchant import merchant
from regulars.channels.store import sql as senders
from regulars.kit import SecretBox, Tx
from regulars.kit.clock import Clock
from regulars.kit.db import Database
from regulars.kit.mail import Outside
from regulars.kit.settings import Settings
from regulars.triggers import Rule, Trigger
from regulars.wiring import App

KEYS: dict[str, dict[str, Any]] = {
    "Till": {"access": "WRITE"},
    "Report": {"access": "READ"},
    "Page": {"access": "READ", "purpose": "STOREFRONT"},
    "Office": {"access": "WRITE", "areas": tenancy.EVERY_AREA},
}
SECRET_KEY = "a secret key of forty characters or more."


@asynccontextmanager
async def opened(pool: Any, clock: Clock, **more: Any) -> AsyncIterator[App]:
    """As `App.open` does it, over connections that are there."""
    settings = Settings(secret_key=SECRET_KEY, **more)
    events.serve_at(settings.address())
    http = Outside(allow_loopback=settings.allow_loopback)
    app = App(settings, Database(pool), clock, http, SecretBox(settings.secret()))
    yield app
    await app.close()


def client_of(app: App) -> httpx.AsyncClient:
    """Calls the doors without a network between."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(Doors(app)), base_url="http://shop.test")


@dataclass
class Shop:
    """A workspace, its keys in the clear, and a client of the doors."""

    app: App
    client: httpx.AsyncClient
    workspace: tenancy.Workspace
    write_key: str
    read_key: str
    storefront_key: str
    admin_key: str

    @property
    def id(self) -> str:
        return str(self.workspace.id)

    def headers(self, key: str | None = None, **more: str) -> dict[str, str]:
        said = {"x-apikey": key or self.write_key, "x-workspaceid": self.id, "x-source": "web"}
        return said | {name.replace("_", "-"): value for name, value in more.items()}

    async def merchant(
        self, method: str, path: str, *, key: str | None = None, send: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """A call of the merchant API; `send` are further headers."""
        headers = self.headers(key) | (send or {})
        return as_documented(await self.client.request(method, f"/api/v2/merchant{path}", headers=headers, **more))

    async def manage(
        self, method: str, path: str, *, key: str | None = None, send: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """A call of the management API, by a key that may do everything there unless another is given."""
        headers = {"authorization": f"Bearer {key or self.admin_key}", "x-workspaceid": self.id} | (send or {})
        return as_documented(await self.client.request(method, f"/api/v1{path}", headers=headers, **more))

    async def reward(
        self, trigger: Trigger, customer_id: str, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        body = {"trigger_id": str(trigger.id), "customer_id": customer_id} | more.pop("json", {})
        return await self.merchant("POST", "/activities", key=key, json=body, **more)

    async def trigger(self, name: str = "Bonus", *, coins: tuple[int, int] = (10, 10), **more: Any) -> Trigger:
        limit = {"per_month_max": 1_000} if more.get("open") else {}
        rule = Rule(coins_min=coins[0], coins_max=coins[1], **limit | more.pop("rule", {}))
        async with self.app.db.transaction() as tx:
            return await triggers.create_trigger(
                tx, self.workspace, name, more.pop("source", "api"), rule, self.app.clock.now(), **more
            )

    async def lead(self, customer_id: str) -> dict[str, Any]:
        """The customer as a WRITE key sees them."""
        path = "/leads/00000000-0000-0000-0000-000000000000"
        answer = await self.merchant("GET", path, params={"customer_id": customer_id})
        item: dict[str, Any] = answer.json()["data"]["item"]
        return item


ASHA = {"customer_id": "shopify-1001", "name": "Asha Rao", "email": "asha@example.com"}


def an_order(reference_id: str = "1028", amount: Any = "129.90", **more: Any) -> dict[str, Any]:
    return {
        "source": "shopify",
        "reference_id": reference_id,
        "name": f"#{reference_id}",
        "customer": ASHA,
        "amount": amount,
        "currency_code": "usd",
        "placed_at": "2026-03-14T09:00:00Z",
        **more,
    }


async def per_dollar(shop: Shop, coins: int = 1) -> str:
    body = {"name": "Purchase", "source": "order", "rule": {"coins_per_unit": coins}}
    return str((await shop.manage("POST", "/triggers", json=body)).json()["id"])


def as_documented(response: httpx.Response) -> httpx.Response:
    """Every answer of every story is held against what OpenAPI says of it."""
    path, method = response.request.url.path, response.request.method.lower()
    template = next((one for one, pattern in _patterns().items() if pattern.fullmatch(path)), None)
    documented = _document()["paths"].get(template, {}).get(method)
    if documented is not None:
        status = str(response.status_code)
        assert status in documented["responses"], f"{method} {template} answers {status}: not documented"
        if response.status_code >= 400:
            told = response.json()
            code = (told.get("data") or told)["code"]
            assert code in REFUSALS or code in FIRINGS, f"{method} {template} answers {code}: not described"
        if content := documented["responses"][status].get("content", {}):
            media_type = response.headers["content-type"]
            assert media_type.partition(";")[0] in content
            if media_type != "text/csv; charset=utf-8":
                _validator(template, method, status, media_type).validate(response.json())
    return response


@cache
def _document() -> dict[str, Any]:
    return openapi([merchant, management])


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {template: re.compile(re.sub(r"\{\w+\}", "[^/]+", template)) for template in _document()["paths"]}


@cache
def _validator(template: str | None, method: str, status: str, media_type: str) -> Draft202012Validator:
    assert template is not None
    way = ["paths", template, method, "responses", status, "content", media_type, "schema"]
    pointer = "/".join(quote(name.replace("~", "~0").replace("/", "~1"), safe="~") for name in way)
    return Draft202012Validator({"$ref": f"urn:documents#/{pointer}"}, registry=_registry())


@cache
def _registry() -> Registry:
    return Registry([("urn:documents", _document())])


async def a_shop(app: App, client: httpx.AsyncClient, now: datetime, name: str = "Corner Shop", **more: Any) -> Shop:
    async with app.db.transaction() as tx:
        workspace = await tenancy.create_workspace(tx, name, now=now, **more)
        keys = [
            (await tenancy.issue_key(tx, workspace.id, name, **rights, made_by="cli", now=now)).key
            for name, rights in KEYS.items()
        ]
    return Shop(app, client, workspace, *keys)


async def a_ready_sender(shop: Shop, now: datetime) -> None:
    """Of e-mail, as if a code had been read at its address."""
    async with shop.app.db.transaction() as tx:
        await a_sender_in(tx, shop.workspace.id, now, box=shop.app.box)


async def a_sender_in(tx: Tx, id: UUID, now: datetime, *, box: SecretBox, port: int = 2525, rate: int = 600) -> None:
    given = {"sender_name": "Corner Shop", "sender_email": "hello@shop.example", "server": "127.0.0.1", "port": port}
    given |= {"rate_per_minute": rate}
    made = await channels.add(tx, id, box, tool="smtp", name="", given=given | {"security": "none"}, now=now)
    await tx.execute(senders.set_state, id, made.sender.id, "ready", "")
    await delivery.resume_lane(tx, id, made.sender.id, now)
