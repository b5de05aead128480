"""Who is told when something is paused by itself: its page, the overview, the log, and its owners by mail."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from regulars import worker
from regulars.kit.clock import HandClock
from regulars.sandbox import Fault, Sandbox
from regulars.wiring import App
from regulars.worker import Carriers
from tests.doors import Shop
from tests.stories.browsing import person, signed_in
from tests.stories.telling import CUSTOMER, connected, telling


@pytest.fixture
async def shop(app: App, client: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with telling(app, client) as made:
        yield made


async def mailing(shop: Shop, look_alikes: Sandbox) -> str:
    """A sender of e-mail that is ready."""
    settings = {"sender_name": "Blue Cups", "sender_email": "hello@blue-cups.example", "server": "127.0.0.1"}
    settings |= {"port": look_alikes.mail_port, "security": "none", "user": "blue-cups", "password": "sandbox"}  # type: ignore[dict-item]
    made = await shop.manage("POST", "/senders", json={"tool": "smtp", "settings": settings})
    id: str = made.json()["sender"]["id"]
    assert (await shop.manage("POST", f"/senders/{id}/initialize")).json()["ok"]
    code = re.search("[0-9]{6}", look_alikes.shop("blue-cups").memory.messages.pop().subject)
    assert code is not None
    verified = await shop.manage("POST", f"/senders/{id}/verify", json={"code": code[0]})
    assert verified.json()["state"] == "ready"
    return id


async def test_what_a_tool_pauses_is_told_its_owners_once_and_stands_where_people_look(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    async def drained() -> None:
        carriers = Carriers(shop.app.box, "https://loyalty.example")
        await worker.drain(shop.app.db, carriers, shop.app.http, clock=clock, patience_s=5)

    sender_id = await mailing(shop, look_alikes)
    asha, ben = await person(shop, "asha"), await person(shop, "ben", "editor")
    inbox = look_alikes.shop("blue-cups").memory.messages
    tool_id = (await connected(shop, look_alikes, "contlo"))["integration_id"]
    trigger = await shop.trigger(coins=(5, 5))
    look_alikes.faults.put(Fault("contlo", "403"))
    for _ in range(3):
        await shop.reward(trigger, CUSTOMER)
    await drained()
    assert [one.to for one in inbox] == [asha.email], f"once, and not {ben.email}"
    assert inbox[0].subject == "Contlo is paused"
    assert "the API key lacks a permission" in inbox[0].text
    assert f"https://loyalty.example/integrations/{tool_id}" in inbox[0].text
    (line, *_) = (await shop.manage("GET", "/audit")).json()["items"]
    assert (line["actor"], line["act"], line["target"]) == ("worker", "integration.pause", tool_id)
    (told,) = (await shop.manage("GET", "/deliveries", params={"integration_id": sender_id})).json()["items"]
    assert told["state"] == "delivered"
    owner = await signed_in(shop, asha)
    assert "API key lacks a permission" in (await owner.get(f"/deliveries/{told['id']}")).text
    # That the sender is paused can't be mailed by it: it stands on the overview.
    look_alikes.faults.clear()
    await shop.manage("PATCH", f"/senders/{sender_id}", json={"settings": {"password": "changed-there"}})
    assert (await shop.manage("POST", f"/integrations/{tool_id}/initialize")).json()["ok"]
    look_alikes.faults.put(Fault("contlo", "403"))
    await shop.reward(trigger, CUSTOMER)
    await drained()
    page = (await owner.get("/")).text
    assert "Contlo is paused." in page
    assert "E-mail is paused." in page
    assert f'href="/senders/{sender_id}"' in page
    assert len(inbox) == 1
    acts = [one["act"] for one in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts[:2] == ["sender.pause", "integration.pause"]
