"""A key of one shop, and its staff, never reach another shop's rows: tried over every route there is."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from regulars import dispatch, tenancy
from regulars.api.app import Doors
from regulars.api.documents import openapi
from regulars.api.management import management
from regulars.api.merchant import merchant
from regulars.api.operations import Operation
from regulars.dashboard import security
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.ids import new_id
from regulars.wiring import App
from tests import make
from tests.doors import Shop, a_shop

MARK = "OnlyTheirs"
"""Stands in every name and text of the other shop."""

APIS = {api.base: api for api in (merchant, management)}
OPERATIONS = [(api, operation) for api in APIS.values() for operation in api.operations]
NO_ROWS_BEHIND = re.compile(r"/(healthz?|readyz|metrics|sign-in|sign-out|api/docs.*|static/.*|sandbox.*)")


@pytest.fixture
async def theirs(app: App, client: httpx.AsyncClient, clock: HandClock) -> dict[str, str]:
    """Another shop with a row of every kind; the id of each."""
    shop = await a_shop(app, client, clock.now(), f"{MARK} Shop")
    await shop.manage("PATCH", "/workspace", json={"events_on": True, "coin_name": f"{MARK}coins"})
    person = {"name": f"{MARK} Asha", "email": f"{MARK}@example.com", "referral_code": MARK}
    customer = {"customer_id": f"{MARK}-1001", **person}
    by_order = {"name": f"{MARK} order", "source": "order", "rule": {"coins_per_unit": 1, "title": MARK}}
    await shop.manage("POST", "/triggers", json=by_order)
    trigger = await shop.trigger(f"{MARK} trigger", show_in_widget=True, open=True, rule={"title": MARK})
    placed = {"placed_at": "2026-03-14T09:00:00Z", "currency_code": "usd"}
    order = {"source": "shopify", "reference_id": f"{MARK}-7", "customer": customer, "amount": "12", **placed}
    connected = {"tool": "webhook", "name": f"{MARK} tool", "settings": {"url": f"https://{MARK}.example.com/hook"}}
    tool = (await shop.manage("POST", "/integrations", json=connected)).json()["integration"]
    told = {"topic": "walletreward_create", "integration_id": tool["id"], "prefix": MARK}
    rule = (await shop.manage("POST", "/send-events", json=told)).json()
    taken = (await shop.manage("POST", "/orders", json=order)).json()["items"][0]
    fired = (await shop.reward(trigger, f"{MARK}-1001")).json()["data"]
    key = (await shop.manage("POST", "/keys", json={"name": f"{MARK} key", "access": "READ"})).json()["record"]
    selling = {"platform": "website", "name": f"{MARK} source", "settings": {"signed": "no"}}
    source = (await shop.manage("POST", "/sources", json=selling)).json()["source"]
    path = source["address"].partition("//")[2].partition("/")[2]
    await client.post(f"/{path}", json=order, headers={"x-custom-website-topic": "orders/created"})
    hook = (await shop.manage("GET", "/hooks")).json()["items"][0]
    staff = {"email": f"{MARK}@shop.example", "password": "correct horse", "name": MARK}
    member = (await shop.manage("POST", "/staff", json=staff)).json()
    async with app.db.transaction() as tx:
        await dispatch.fan_out(tx, await tenancy.get_workspace(tx, shop.workspace.id), clock.now())
    sent = (await shop.manage("GET", "/deliveries")).json()["items"][0]
    return {
        "workspace": shop.id,
        "customer": taken["order"]["customer"]["id"],
        "order": taken["order"]["id"],
        "trigger": str(trigger.id),
        "firing": fired["activity"]["_id"],
        "txn": fired["wallet_reward"]["_id"],
        "integration": tool["id"],
        "source": source["id"],
        "hook": hook["id"],
        "rule": rule["id"],
        "key": key["id"],
        "staff": member["id"],
        "event": sent["event_id"],
        "delivery": sent["id"],
    }


async def rows_of(db: Database, workspace_id: str) -> dict[str, tuple[int, str]]:
    """How many rows a shop has in each table, and a fingerprint of all they hold."""
    async with db.reading() as tx:
        named = await tx.fetch(
            "SELECT c.table_name AS name FROM information_schema.columns c JOIN information_schema.tables t"
            " USING (table_schema, table_name) WHERE c.column_name = 'workspace_id' AND c.table_schema = 'public'"
            " AND t.table_type = 'BASE TABLE' ORDER BY 1"
        )
        return {
            row["name"]: tuple(
                await tx.fetchrow(
                    f"SELECT count(*), md5(string_agg(r::text, '|' ORDER BY r::text)) FROM {row['name']} r"
                    " WHERE workspace_id = $1",
                    UUID(workspace_id),
                )
            )
            for row in named
        }


def said_nothing(answer: httpx.Response, theirs: dict[str, str]) -> None:
    where = f"{answer.request.method} {answer.request.url}"
    assert answer.status_code < 500, where
    sent = f"{answer.request.url} {answer.request.content!r}"
    assert MARK not in answer.text.replace(sent, ""), where
    for kind, id in theirs.items():
        assert id not in answer.text or id in sent, f"{where} says the other shop's {kind}"


def test_every_route_of_both_apis_is_an_operation(app: App) -> None:
    """So that the tests below, which go by the operations, leave no route out."""
    routes = {re.sub(r":\w+}", "}", route.path) for route in Doors(app).litestar.routes}
    under = {path for path in routes if path.startswith(tuple(APIS))}
    assert under == {api.base + operation.path for api, operation in OPERATIONS}


async def test_no_operation_reaches_another_shops_rows(shop: Shop, theirs: dict[str, str]) -> None:
    before = await rows_of(shop.app.db, theirs["workspace"])
    assert {count for count, _ in before.values()} > {0}
    assert (before["delivery_delivery"][0], before["dispatch_rule"][0]) == (2, 1)
    document = openapi(list(APIS.values()))
    for api, operation in OPERATIONS:
        for id in theirs.values():
            path = re.sub(r"\{topic\}", "lead_create", operation.path)
            path = re.sub(r"\{\w+\}", id, path)
            call = shop.merchant if api is merchant else shop.manage
            body = _body(document, api.base, operation, id)
            answer = await call(operation.method, path, params=_query(document, api.base, operation, id), json=body)
            assert "{" not in path
            said_nothing(answer, theirs)
            if operation.name == "revoke_key":
                assert answer.status_code == 404
    assert await rows_of(shop.app.db, theirs["workspace"]) == before


async def test_no_operation_takes_another_shops_key(shop: Shop, theirs: dict[str, str]) -> None:
    before = await rows_of(shop.app.db, theirs["workspace"])
    stranger = Shop(
        shop.app,
        shop.client,
        await _workspace(shop.app.db, theirs["workspace"]),
        shop.write_key,
        shop.read_key,
        shop.storefront_key,
        shop.admin_key,
    )
    for api, operation in OPERATIONS:
        path = re.sub(r"\{\w+\}", theirs["customer"], operation.path)
        call = stranger.merchant if api is merchant else stranger.manage
        answer = await call(operation.method, path, json={} if operation.body else None)
        assert answer.status_code == 401
    assert await rows_of(shop.app.db, theirs["workspace"]) == before


async def test_no_page_shows_or_changes_another_shops_rows(shop: Shop, theirs: dict[str, str]) -> None:
    before = await rows_of(shop.app.db, theirs["workspace"])
    async with shop.app.db.transaction() as tx:
        now = shop.app.clock.now()
        # An address of its own: signing in finds staff of every shop, and so of other tests.
        email = f"ben@{shop.id}.example"
        await tenancy.add_staff(tx, shop.workspace.id, email, make.hashed("correct horse"), now=now)
        session = await make.signed_in(tx, email, "correct horse", now)
    shop.client.cookies.set(security.SESSION_COOKIE, session.token)
    doors = Doors(shop.app)
    tried = 0
    for route in doors.litestar.routes:
        if route.path.startswith(tuple(APIS)) or NO_ROWS_BEHIND.fullmatch(route.path_format):
            continue
        for id in theirs.values() if "{" in route.path_format else [theirs["integration"]]:
            path = re.sub(r"\{tool\}", "webhook", route.path_format.replace("{platform}", "shopify"))
            path = re.sub(r"\{\w+\}", id, path)
            for method in sorted(getattr(route, "methods", set()) - {"OPTIONS", "HEAD"}):
                form = _form(id, security.csrf_token(session.token)) if method == "POST" else None
                query = {"customer": theirs["customer"], "integration": theirs["integration"], "q": "only"}
                answer = await shop.client.request(method, path, data=form, params=query)
                assert answer.status_code != 403, f"{method} {path} was not let in"
                said_nothing(answer, theirs)
                tried += 1
    assert tried > 50
    assert await rows_of(shop.app.db, theirs["workspace"]) == before


async def _workspace(db: Database, id: str) -> tenancy.Workspace:
    async with db.reading() as tx:
        return await tenancy.get_workspace(tx, UUID(id))


def _body(document: dict[str, Any], base: str, operation: Operation, id: str) -> Any:
    """What the document gives as an example, with the other shop's id wherever an id can stand."""
    if operation.body is None:
        return None
    described = document["paths"][base + operation.path][operation.method.lower()]["requestBody"]
    schemas = document["components"]["schemas"]
    (content,) = described["content"].values()
    made = content["example"]
    if isinstance(made, dict):
        for name in ("trigger_id", "lead_id", "integration_id"):
            if name in str(schemas) and name in _properties(described, schemas):
                made[name] = id
        if operation.name == "report_orders":
            made |= {"placed_at": datetime(2026, 3, 14, tzinfo=UTC).isoformat(), "reference_id": str(new_id())}
    return made


def _properties(described: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = described["content"]["application/json"]["schema"]
    found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]["properties"] if "$ref" in schema else {}
    return found


def _query(document: dict[str, Any], base: str, operation: Operation, id: str) -> dict[str, str]:
    described = document["paths"][base + operation.path][operation.method.lower()]
    return {
        parameter["name"]: id
        for parameter in described["parameters"]
        if parameter["in"] == "query"
        and parameter["schema"].get("format") == "uuid"
        and (parameter["required"] or parameter["name"] != "before")
    }


def _form(id: str, csrf: str) -> dict[str, str]:
    return {
        "_csrf": csrf,
        "integration_id": id,
        "topic": "walletreward_create",
        "name": "Ours",
        "customer_id": "shopify-1001",
        "operation": "cr",
        "amount": "5",
        "reason": "Ours",
        "once": id,
        "by": "email",
        "address": f"{MARK}@example.com".lower(),
        "on": "yes",
    }
