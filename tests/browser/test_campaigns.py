"""Campaigns in a browser: put together while those whom it is to are counted, launched in a dialog, followed."""

import asyncio
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from regulars import channels, customers
from regulars.channels import Checked
from regulars.customers import NewCustomer
from regulars.delivery import CheckResult, Settled
from regulars.engagement import messages
from regulars.engagement.messages.model import Content
from tests.browser.conftest import Open, Site
from tests.browser.looking import problems

pytestmark = pytest.mark.asyncio(loop_scope="session")
SHOTS = os.environ.get("SHOTS", "")
SMTP = {"sender_name": "Tea & Co", "sender_email": "hello@tea.example", "server": "127.0.0.1", "port": 2525}


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_campaign_is_put_together_and_launched(site: Site, visit: Open, width: int) -> None:
    shop, now, app = await site.shop("Tea & Co"), site.app.clock.now(), site.app
    async with app.db.transaction() as tx:
        for name in ("Asha Rao", "Bo"):
            await customers.create(
                tx, shop, NewCustomer(f"{name[:2]}-{shop.id}", name=name, email=f"{name[:2]}@example.com"), now
            )
        made = await channels.add(
            tx, shop.id, app.box, tool="smtp", name="", given=SMTP | {"security": "none"}, now=now
        )
        await channels.conclude(tx, made.sender, Checked(CheckResult(True, "")), now)
        for name in ("Spring is here", "Spring, at last"):
            said = Content(subject=name, body="<p>Come by</p>")
            await messages.create_template(tx, shop.id, name, "email", "", said, now, actor="")
    owner = await visit(await site.staff(shop), width=width)
    await owner.goto("/campaigns/new")
    await owner.get_by_text("2 customers").wait_for()
    await owner.get_by_label("Name").fill("Spring sale")
    await owner.get_by_label("Template", exact=True).select_option(label="Spring is here (E-mail)")
    await owner.get_by_text("Try two against each other").click()
    await owner.get_by_label("The other template").select_option(label="Spring, at last (E-mail)")
    assert not await owner.get_by_label("At", exact=True).is_visible()
    await owner.get_by_label("At a time", exact=False).first.check()
    assert await owner.get_by_label("At", exact=True).is_visible()
    await owner.get_by_label("As soon as it is launched").check()
    assert await problems(owner) == []
    await shot(owner, f"campaigns-new-{width}")
    await owner.get_by_role("button", name="Save and look at it").click()
    await owner.get_by_text("Saved as a draft").wait_for()
    assert await problems(owner) == []
    await shot(owner, f"campaigns-draft-{width}")
    await owner.get_by_role("link", name="Launch").click()
    await owner.get_by_role("dialog").get_by_role("button", name="Launch").click()
    await owner.get_by_text("It is launched.", exact=True).first.wait_for()
    id = owner.url.rpartition("/")[2]
    await owner.get_by_text("0 of 2 recipients done").wait_for()
    assert await problems(owner) == []
    await shot(owner, f"campaigns-sending-{width}")
    await _sent(site, shop, id)
    await owner.get_by_text("2 of 2 recipients done").wait_for()
    await owner.goto(owner.url)
    assert await problems(owner) == []
    await shot(owner, f"campaigns-report-{width}")
    for address in ("/campaigns", f"/campaigns/recipients?campaign_id={id}"):
        await owner.goto(address)
        assert await problems(owner) == []
        await shot(owner, f"campaigns{address.count('/')}-{width}")


async def _sent(site: Site, shop: Any, id: str) -> None:
    """As if a worker had sent them, and somebody had read."""
    app = site.app
    async with app.db.transaction() as tx:
        ids = await messages.under_way(tx, shop.id, UUID(id))
        author = messages.Author(app.links)
        await author.settle(tx, shop.id, [Settled(one, "delivered", "") for one in ids], app.clock.now())


async def shot(page: Any, name: str) -> None:
    if SHOTS:
        await asyncio.sleep(0.2)
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)
