"""A shop whose events tell look-alikes of tools, and what these end up with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from regulars import worker
from regulars.sandbox import Sandbox
from regulars.wiring import App
from regulars.worker import Carriers, Drained
from tests.carriers.making import GIVEN
from tests.doors import Shop, a_shop

CUSTOMER = "shopify-7029064106277"
EMAIL = "asha@example.com"


@asynccontextmanager
async def telling(app: App, client: httpx.AsyncClient) -> AsyncIterator[Shop]:
    """With a customer, and events that are sent."""
    made = await a_shop(app, client, app.clock.now())
    await made.manage("PATCH", "/workspace", json={"events_on": True})
    lead = {"customer_id": CUSTOMER, "name": "Asha Rao", "email": EMAIL, "mobile": "+919800000000", "country": "ind"}
    assert (await made.manage("POST", "/customers", json=lead)).status_code == 201
    yield made
    async with app.db.transaction() as tx:
        # Workers look at the lanes of all workspaces: leave none awake for the next test.
        await tx.execute("UPDATE delivery_lane SET paused = true WHERE workspace_id = $1", made.workspace.id)


async def connected(
    shop: Shop, look_alikes: Sandbox, tool: str, topic: str = "walletreward_create", **more: str
) -> dict[str, Any]:
    """A rule that tells a look-alike of coins rewarded."""
    given = {name: value.replace("BASE", look_alikes.base_url) for name, value in GIVEN[tool].items()}
    if tool == "nats":
        given |= {"servers": f"127.0.0.1:{look_alikes.nats_port}", "security": "none"}
    settings = given | ({"primary_selector": "email"} if tool not in ("webhook", "nats") else {}) | more
    added = await shop.manage("POST", "/integrations", json={"tool": tool, "settings": settings})
    assert added.status_code == 201, added.text
    id = added.json()["integration"]["id"]
    outcome = (await shop.manage("POST", f"/integrations/{id}/initialize")).json()
    assert outcome["ok"], outcome["sentence"]
    # A lane's rate begins with nothing; a few seconds later it is as full as it gets.
    shop.app.clock.advance(seconds=10)  # type: ignore[attr-defined]
    made = await shop.manage("POST", "/send-events", json={"topic": topic, "integration_id": id})
    assert made.status_code == 201, made.text
    rule: dict[str, Any] = made.json()
    return rule


async def drained(shop: Shop, patience_s: float = 0.0) -> Drained:
    app = shop.app
    return await worker.drain(
        app.db, Carriers(app.box), app.http, clock=app.clock, random=lambda: 0.5, patience_s=patience_s
    )


async def deliveries(shop: Shop, **asked: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await shop.manage("GET", "/deliveries", params=asked)).json()["items"]
    return found


def state_at(look_alikes: Sandbox, tool: str) -> dict[str, Any]:
    """What the tool's profile of the customer holds, without its names' prefixes."""
    known = look_alikes.tools[tool]
    if tool == "omnisend":
        kept = known.profiles[EMAIL]["customProperties"]
        return {name.removeprefix("user_").removeprefix("available_"): value for name, value in kept.items()}
    profile = known.profiles[EMAIL]
    if tool == "mailchimp":
        named = {"REFCODE": "referral_code", "REFLINK": "referral_link"}
        return {named.get(name, name.lower()): value for name, value in profile.items()}
    return {name[7:]: value for name, value in profile.items() if name.startswith(("Nector:", "Nector_"))}
