"""Messages in a browser: written while one looks at them, with variables at a press, sent as a test, and read as they
looked; and the page that their readers end them on, in every language."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page

from regulars import channels, customers, delivery, tenancy
from regulars.channels.store import sql as senders
from regulars.customers import NewCustomer
from regulars.engagement import messages
from tests.browser.conftest import Open, Site
from tests.browser.looking import problems

pytestmark = pytest.mark.asyncio(loop_scope="session")
SHOTS = os.environ.get("SHOTS", "")
MAIL = """<style>@media (max-width: 400px) { h1 { color: #a00 } }</style><div style="max-width:600px;margin:auto">
<h1 style="color:#163">Hello {{ customer.first_name }}</h1><p>You have {{ customer.balance }}.</p>
<a href="https://shop.example/">To the shop</a><script>top.location = "https://evil.example/"</script></div>"""


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_message_is_written_looked_at_and_sent(site: Site, visit: Open, width: int) -> None:
    shop, now = await site.shop("Tea & Co"), site.app.clock.now()
    port, user = (
        site.app.settings.sandbox_port_used() + 1,
        site.app.settings.sandbox_address(shop.id).rpartition("/")[2],
    )
    given = {"sender_name": "Tea & Co", "sender_email": "tea@shop.example", "server": "127.0.0.1", "port": port}
    given |= {"security": "none", "user": user, "password": "sandbox"}
    async with site.app.db.transaction() as tx:
        asha = await customers.create(tx, shop, NewCustomer(f"s-{shop.id}", name="Asha Rao", email="a@x.example"), now)
        made = await channels.add(tx, shop.id, site.app.box, tool="smtp", name="", given=given, now=now)
        await tx.execute(senders.set_state, shop.id, made.sender.id, "ready", "")
        await delivery.resume_lane(tx, shop.id, made.sender.id, now)
    owner = await visit(await site.staff(shop), width=width)
    await owner.goto("/templates/new")
    await owner.get_by_label("Name").fill("Welcome")
    await owner.get_by_label("Subject").fill("For ")
    await owner.get_by_role("button", name="{{ user_name | default: 'there' }}").click()
    assert await owner.get_by_label("Subject").input_value() == "For {{ user_name | default: 'there' }}"
    await owner.get_by_label("Body").fill(MAIL)
    look = owner.frame_locator("iframe[name^=look]:not([hidden])")
    await look.get_by_text("For Asha Rao").wait_for()
    await look.frame_locator("iframe").get_by_text("Hello Asha").wait_for()
    assert (await problems(owner), await owner.evaluate("history.length")) == ([], 2)
    await owner.get_by_label("Phone").check()
    await shot(owner, f"template-new-{width}")
    await owner.get_by_label("Body").fill("{{ customer.shoe }}")
    await look.get_by_text("is none").wait_for()
    await owner.get_by_label("Body").fill(MAIL)
    await owner.get_by_role("button", name="Save").click()
    await owner.get_by_text("Version 1").wait_for()
    await look.get_by_text("For Asha Rao").wait_for()
    await owner.get_by_label("Desktop").check()
    assert await problems(owner) == []
    await shot(owner, f"template-{width}")
    await owner.get_by_role("link", name="Send a test").click()
    await owner.get_by_label("Send it to").fill("test@x.example")
    await owner.get_by_role("button", name="Send", exact=True).click()
    await owner.wait_for_url("**/messages/*")
    await owner.frame_locator("iframe").frame_locator("iframe").get_by_text("Hello Asha").wait_for()
    others = ("/messages", "/messages/suppressed", "/settings/messages", "/triggers/new?source=order", "/deliveries")
    for n, address in enumerate((owner.url, *others, f"/customers/{asha.id}", f"/customers/{asha.id}/consent")):
        await owner.goto(address)
        assert await problems(owner) == []
        await shot(owner, f"messages-{n}-{width}")


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ar"])
async def test_what_somebody_gets_is_chosen_at_a_phones_width_in_their_language(
    site: Site, visit: Open, language: str
) -> None:
    shop, now = await site.shop("Tea & Co"), site.app.clock.now()
    async with site.app.db.transaction() as tx:
        asha = await customers.create(tx, shop, NewCustomer(f"s-{shop.id}", name="Asha Rao", email="a@x.example"), now)
        given = {"sender_name": "T", "sender_email": "t@shop.example", "server": "127.0.0.1", "security": "none"}
        made = await channels.add(tx, shop.id, site.app.box, tool="smtp", name="", given=given, now=now)
        await tx.execute(senders.set_state, shop.id, made.sender.id, "ready", "")
        shop = await tenancy.change_workspace(tx, shop.id, {"settings": {"messages": {"double_opt_in": True}}}, now)
        await messages.agree(tx, shop, asha, {"email": "yes"}, "Form", now)
        (one,) = await messages.messages_of(tx, shop.id, customer_id=asha.id, limit=1)
    reader = await visit(width=390, locale=language)
    await reader.goto(site.app.links.to("u", shop.id, one.id).replace(site.app.links.address, site.url))
    assert await reader.evaluate("document.documentElement.lang") == language
    assert await problems(reader) == []
    await shot(reader, f"preferences-{language}")
    await reader.get_by_role("button").first.click()
    await reader.get_by_role("status").wait_for()
    assert await problems(reader) == []
    await reader.get_by_role("button").last.click()
    async with site.app.db.reading() as tx:
        states = {said.channel: said.state for said in await messages.consents_of(tx, shop, asha)}
    assert states["email"] == "no"


async def shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)
