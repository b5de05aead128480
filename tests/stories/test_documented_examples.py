"""What the documents show as an example can be sent as it stands, with the ids of things that are there."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from regulars import dispatch, tenancy
from regulars.api.documents import openapi
from regulars.api.examples import CSV, ID, example
from regulars.api.management import management
from regulars.api.merchant import merchant
from regulars.api.operations import Operation
from regulars.kit.clock import HandClock
from regulars.wiring import App
from tests.doors import Shop, a_ready_sender, a_shop, an_order, per_dollar
from tests.selling import connected

ASHA = {"customer_id": "shopify-7029064106277", "name": "Asha Rao", "email": "asha@example.com"}

# What makes a customer is sent to a shop that has none; what ends a thing is sent last, and after all the next month.
MAKES_A_CUSTOMER = {"create_customer", "create_lead"}


@pytest.fixture
async def ids(shop: Shop, clock: HandClock) -> dict[str, str]:
    """A thing of every kind, by where it stands in a path; and by the fields that name one."""
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    by_order = await per_dollar(shop)
    settings = {"url": "https://shop.example/hooks/regulars"}
    tool = (await shop.manage("POST", "/integrations", json={"tool": "webhook", "settings": settings})).json()
    integration = tool["integration"]["id"]
    told = {"topic": "walletreward_create", "integration_id": integration}
    rule = (await shop.manage("POST", "/send-events", json=told)).json()["id"]
    order = (await shop.manage("POST", "/orders", json=an_order(customer=ASHA))).json()["items"][0]["order"]
    by_call = await shop.trigger()
    fired = (await shop.reward(by_call, ASHA["customer_id"])).json()["data"]
    async with shop.app.db.transaction() as tx:
        await dispatch.fan_out(tx, await tenancy.get_workspace(tx, shop.workspace.id), clock.now())
    event = (await shop.manage("GET", "/deliveries")).json()["items"][0]["event_id"]
    by_mail = {"by": "email", "address": ASHA["email"]}
    failed = (await shop.manage("POST", f"/send-events/{rule}/test", json=by_mail)).json()["delivery"]["id"]
    coins = {"operation": "cr", "amount": 500, "reason": "A late parcel"}
    gift = {"lead_id": order["customer"]["id"], "operation": "cr", "amount": 5, "title": "Gift card"}
    credit = (await shop.merchant("POST", "/creditwallettransactions", json=gift)).json()["data"]["item"]
    await shop.manage("POST", f"/customers/{order['customer']['id']}/transactions", json=coins)
    held = [
        (await shop.manage("POST", f"/customers/{order['customer']['id']}/holds", json=hold)).json()["id"]
        for hold in ({"amount": 100, "reference": "cart-41"}, {"amount": 100, "reference": "cart-42"})
    ]
    await shop.manage("PUT", "/checkout", json={"coins": 100, "worth": 1})
    there = await connected(shop, "shopify")
    await there.tell("customers")
    *_, task = await there.tell("customers", 1001, "data")
    *_, hook = await there.tell("orders")
    site = await connected(shop, "website")
    asked = await connected(shop, "woocommerce", consumer_key="ck_" + "1" * 40, consumer_secret="cs_" + "1" * 40)
    twin = (await shop.manage("POST", "/customers", json={"customer_id": "asha-again"})).json()["id"]
    staff = {"email": f"ben@{shop.id}.example", "password": "late parcels make patient people"}
    file = {"content-type": "text/csv"}
    return {
        **(await of_rewards(shop, order["customer"]["id"]) | await of_senders(shop)),
        "customers": order["customer"]["id"],
        "/customers/{id}/merge": twin,
        "into": order["customer"]["id"],
        "leads": order["customer"]["id"],
        "lead_id": order["customer"]["id"],
        "orders": order["id"],
        "order_id": order["id"],
        "triggers": by_order,
        "trigger_id": str(by_call.id),
        "activities": fired["activity"]["_id"],
        "lot_id": fired["wallet_reward"]["_id"],
        "wallettransactions": fired["wallet_reward"]["_id"],
        "creditwallettransactions": credit["_id"],
        "holds": held[0],
        "/holds/{id}/void": held[1],
        "sources": there.source["id"],
        "source_id": there.source["id"],
        "/sources/{id}/rotate": site.source["id"],
        "/sources/{id}/fetch": asked.source["id"],
        "hooks": hook["id"],
        "/hooks/{id}/close": task["id"],
        "integrations": integration,
        "integration_id": integration,
        "send-events": rule,
        "events": event,
        "event-topics": "walletreward_create",
        "deliveries": failed,
        "keys": (await shop.manage("POST", "/keys", json={"name": "Till", "access": "READ"})).json()["record"]["id"],
        "staff": (await shop.manage("POST", "/staff", json=staff)).json()["id"],
        "runs": (await shop.manage("POST", f"/triggers/{by_order}/applications", json={})).json()["id"],
        "backtests": (await shop.manage("POST", f"/triggers/{by_order}/backtests", json={})).json()["id"],
        "imports": (await shop.manage("POST", "/imports", content=CSV, send=file)).json()["run"]["id"],
    }


async def of_senders(shop: Shop) -> dict[str, str]:
    """One to be changed, one that waits for its code, and one that is ready, behind which nobody listens."""
    settings = {"sender_name": "Cups", "sender_email": "a@b.example", "server": "127.0.0.1", "security": "none"}
    body = {"tool": "smtp", "settings": settings | {"port": 2525}}
    ids = [(await shop.manage("POST", "/senders", json=body)).json()["sender"]["id"] for _ in range(3)]
    async with shop.app.db.transaction() as tx:
        await tx.execute("UPDATE channels_sender SET state = 'ready' WHERE id = $1", UUID(ids[2]))
    return {"senders": ids[0], "sender_id": ids[2], "/senders/{id}/verify": ids[1], "/senders/{id}/test": ids[2]}


async def of_rewards(shop: Shop, customer: str) -> dict[str, str]:
    """An offer, coupons of it, and a customer who was placed on the ladder."""
    terms = {"discount": "amount", "value": 5, "price": "fixed", "coins": 1, "code": "list"}
    offer = (await shop.manage("POST", "/offers", json={"name": "Five off", "terms": terms})).json()["id"]
    codes = b"\n".join(b"SPRING-%d" % n for n in range(9))
    await shop.manage("POST", f"/offers/{offer}/codes", content=codes, send={"content-type": "text/csv"})
    wanted = {"offer_id": offer, "customer": customer}
    used, good = [(await shop.manage("POST", "/coupons", json=wanted)).json() for _ in range(2)]
    tier = {"key": "gold", "name": "Gold", "enter": {"spent": 100}}
    await shop.manage("PUT", "/tiers", json={"ladder": {"tiers": [tier]}})
    placing = {"tier": "gold", "reason": "A friend", "until": "2030-01-01T00:00:00Z"}
    await shop.manage("PUT", f"/customers/{customer}/tier", json=placing)
    return (
        await of_reviews(shop, customer)
        | await of_automations(shop)
        | await of_segments(shop)
        | await of_referrals(shop, offer)
        | await of_messages(shop)
        | await of_partners(shop, customer)
        | {
            "offers": offer,
            "offer_id": offer,
            "customer": customer,
            "coupons": good["id"],
            "/coupons/{code}/validate": used["code"],
            "/coupons/{code}/redeem": used["code"],
        }
    )


async def of_partners(shop: Shop, customer: str) -> dict[str, str]:
    """An offer of another shop that this one sells, a coupon of it, two more to ask for, and one that is asked for."""
    other = await a_shop(shop.app, shop.client, shop.app.clock.now(), "Bakery")
    terms = {"discount": "amount", "value": 5, "price": "fixed", "coins": 1}
    ids = []
    for of in (other, other, shop):
        made = await of.manage("POST", "/offers", json={"name": "Bread", "terms": terms, "public": True})
        ids.append(made.json()["id"])
    asks = [(shop, other, ids[0]), (other, shop, ids[2])]
    agreed = [
        (await by.manage("POST", "/partnerships", json={"shop": of.id, "offer_id": id, "coins": 1})).json()["id"]
        for by, of, id in asks
    ]
    stand_in = (await other.manage("POST", f"/partnerships/{agreed[0]}/accept")).json()["stand_in"]
    body = {"publicoffer_id": stand_in, "lead_id": customer}
    given = await shop.merchant("POST", "/publicofferrewards", json=body)
    return {
        "partnerships": agreed[0],
        "/partnerships/{id}/accept": agreed[1],
        "publicoffer_id": stand_in,
        "shop": other.id,
        "public-offers": ids[0],
        "/partnerships offer_id": ids[1],
        "publiccoupons": given.json()["data"]["item"]["_id"],
    }


async def of_segments(shop: Shop) -> dict[str, str]:
    id = (await shop.manage("POST", "/segments", json={"name": "Everybody", "kind": "static"})).json()["id"]
    return {"segments": id, "segment_id": id, "minus_segment_id": id}


async def of_automations(shop: Shop) -> dict[str, str]:
    """Drafts that were changed once; one of them was published, and one runs."""
    draft = {"trigger": {"kind": "event", "topic": "order_create"}, "steps": [{"id": "out", "kind": "exit"}]}
    made = {"automations": [], "/automations/{id}/undo": [], "/automations/{id}/launch": ["publish"]}
    made["/automations/{id}/pause"], made["/automations/{id}/publish"] = ["publish", "launch"], []
    ids = {}
    for name, acts in made.items():
        ids[name] = (await shop.manage("POST", "/automations", json={"name": "Thanks"})).json()["id"]
        await shop.manage("PATCH", f"/automations/{ids[name]}", json={"definition": draft, "revision": 1})
        for act in acts:
            await shop.manage("POST", f"/automations/{ids[name]}/{act}", json={} if act == "launch" else None)
    return ids


async def of_messages(shop: Shop) -> dict[str, str]:
    """A template, and an address that nothing is sent to."""
    body = {"name": "Hello", "content": {"subject": "Hello", "body": "Hello {{ user_name }}"}}
    template = (await shop.manage("POST", "/templates", json=body)).json()["id"]
    stopped = await shop.manage("POST", "/suppressions", json={"address": "bo@example.com"})
    await a_ready_sender(shop, shop.app.clock.now())
    sent = await shop.manage("POST", "/messages", json={"customer_id": ASHA["customer_id"], "template_id": template})
    made = {"templates": template, "template_id": template, "suppressions": stopped.json()["id"]}
    return made | {"messages": sent.json()["id"]} | await of_campaigns(shop, template)


async def of_campaigns(shop: Shop, template: str) -> dict[str, str]:
    """One for each act, in the state that it is done in."""
    made = {"campaigns": [], "launch": [], "pause": ["launch"], "resume": ["launch", "pause"], "cancel": ["launch"]}
    ids = {}
    for name, acts in made.items():
        body = {"name": name, "variants": [{"template_id": template}]}
        id = (await shop.manage("POST", "/campaigns", json=body)).json()["id"]
        for act in acts:
            assert (await shop.manage("POST", f"/campaigns/{id}/{act}")).status_code == 200
        ids[name if name == "campaigns" else f"/campaigns/{{id}}/{name}"] = id
    return ids


async def of_referrals(shop: Shop, offer: str) -> dict[str, str]:
    """Who refers by the code of the examples; and two friends, of whom the second waits to be looked at."""
    rules = {"on": True, "friend_offer": offer, "per_day_max": 1, "coins": 1}
    await shop.manage("PATCH", "/workspace", json={"settings": {"referrals": rules}})
    known = {"customer_id": "shopify-2001", "referral_code": "2nfcdqo46x"}
    referrer = (await shop.manage("POST", "/customers", json=known)).json()["id"]
    ids = []
    for n in range(2):
        body = {"referred_by_referral_code": "2nfcdqo46x", "metadetail": {"email": f"friend{n}@example.com"}}
        ids.append((await shop.merchant("POST", "/leads-referral-via-email", json=body)).json()["data"]["item"]["_id"])
    return {"referrals": ids[0], "/referrals/{id}/approve": ids[1], "referred_by_lead_id": referrer}


async def of_reviews(shop: Shop, customer: str) -> dict[str, str]:
    """Two reviews and two questions."""
    made: dict[str, str] = {}
    for kind, said in (("reviews", {"rating": 5}), ("questions", {"text": "Is it warm?"})):
        for name, product in ((kind, "1"), (f"/{kind}/{{id}}/reject", "2")):
            body = {"customer": customer, "product_id": product, **said}
            made[name] = (await shop.manage("POST", f"/{kind}", json=body)).json()["id"]
    return made | {"qnas": made["questions"], "parent_id": made["reviews"]}


async def test_every_documented_example_is_taken(
    app: App, client: httpx.AsyncClient, shop: Shop, clock: HandClock, ids: dict[str, str]
) -> None:
    document = openapi([merchant, management])
    refused: dict[str, str] = {}
    operations = [(api, operation) for api in (merchant, management) for operation in api.operations]
    # What an integration's end takes along is ended before.
    for api, operation in sorted(operations, key=lambda one: (_comes(one[1]), one[1].path == "/integrations/{id}")):
        told = document["paths"][api.base + operation.path][operation.method.lower()]
        asked = await a_shop(app, client, clock.now()) if operation.name in MAKES_A_CUSTOMER else shop
        call = asked.merchant if api is merchant else asked.manage
        answer = await call(operation.method, _path(operation.path, ids), **_request(told, ids, operation.path))
        if not answer.is_success:
            refused[f"{operation.method} {operation.path}"] = answer.text
        # A server does one thing with many orders at a time.
        await asyncio.gather(*app.tasks)
    assert refused == {}, "\n".join(refused.values())


def _comes(operation: Operation) -> tuple[bool, bool]:
    return operation.name == "move_clock", operation.method == "DELETE"


def _path(path: str, ids: dict[str, str]) -> str:
    id = ids.get(path) or ids.get(path.split("/")[1], "")
    named = {part: part[1:-1] for part in path.split("/") if part.startswith("{")}
    there = {part: ids.get(name) or ids.get(name.removesuffix("_id") + "s", id) for part, name in named.items()}
    return "/".join(there.get(part, part) for part in path.split("/"))


def _request(told: dict[str, Any], ids: dict[str, str], path: str) -> dict[str, Any]:
    asked = {
        parameter["name"]: ids.get(parameter["name"]) or example(parameter["schema"], {})
        for parameter in told["parameters"]
        if parameter["in"] == "query" and (parameter["required"] or parameter["schema"].get("examples"))
    }
    request: dict[str, Any] = {"params": asked} if asked else {}
    for media_type, content in told.get("requestBody", {}).get("content", {}).items():
        body = content["example"]
        if isinstance(body, str):
            request |= {"content": body, "send": {"content-type": media_type}}
        else:
            request["json"] = _filled(body, ids, path)
    return request


def _filled(body: Any, ids: dict[str, str], path: str, name: str = "") -> Any:
    """With ids of things that there are."""
    if isinstance(body, dict):
        return {name: _filled(value, ids, path, name) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, ids, path, name) for value in body]
    return (ids.get(f"{path} {name}") or ids[name]) if body == ID else body
