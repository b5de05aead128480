"""An event on its way to Contlo: connected, chosen, sent, and seen to arrive, as an owner does it at any screen."""

import json

import pytest
from playwright.async_api import Locator, Page, expect

from regulars import customers
from regulars.customers import NewCustomer
from regulars.tenancy import Workspace
from tests.browser.conftest import Open, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def a_customer(site: Site, shop: Workspace) -> None:
    async with site.app.db.transaction() as tx:
        person = NewCustomer("shopify-7029064106277", name="Asha Rao", email="asha@example.com")
        await customers.create(tx, shop, person, site.app.clock.now())


async def give_coins(page: Page, coins: int) -> None:
    await page.goto("/customers?q=asha")
    await page.get_by_role("link", name="Asha Rao").click()
    await page.get_by_role("link", name="Adjust coins").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("How many coins").fill(str(coins))
    await dialog.get_by_label("Why").fill("Welcome")
    await dialog.get_by_role("button", name="Adjust").click()
    await expect(page.locator("#toasts")).to_contain_text(f"{coins} coins were given.")


async def until(page: Page, shown: Locator, path: str) -> None:
    """The worker has got there: the page is looked at until it says so."""
    for _ in range(100):
        await page.goto(path)
        if await shown.count():
            return
        await page.wait_for_timeout(100)
    await expect(shown.first).to_be_visible()


async def connect_contlo(site: Site, shop: Workspace, page: Page) -> None:
    await page.goto("/integrations/new/contlo")
    await expect(page.get_by_label("Primary selector")).to_have_value("email")
    await page.get_by_label("API key").fill("not-a-key")
    await page.get_by_text("More settings").click()
    await expect(page.get_by_label("Prefix on the profile")).to_have_value("Nector:")
    await page.get_by_label("Address of Contlo").fill(f"{site.app.settings.sandbox_address(shop.id)}/contlo")
    await page.get_by_role("button", name="Initialize").click()
    await expect(page.get_by_role("alert")).to_contain_text("Contlo answered 401: the API key was refused.")
    await page.get_by_label("API key").fill("sandbox-key")
    await page.get_by_role("button", name="Initialize").click()
    await expect(page.locator(".head .badge")).to_have_text("Ready")


async def send_coins_rewarded_to_contlo(page: Page) -> None:
    await page.goto("/events")
    await page.get_by_role("switch").click()
    await expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    await page.get_by_role("link", name="Send Events").first.click()
    await page.get_by_role("link", name="Create").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("When this happens").select_option("walletreward_create")
    await dialog.get_by_label("Tell").select_option(label="Contlo")
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.locator(".sentence")).to_have_text("When coins are rewarded, send walletreward_create to Contlo.")


@pytest.mark.parametrize("width", [1280, 390])
async def test_coins_rewarded_arrive_at_contlo(width: int, site: Site, visit: Open) -> None:
    shop = await site.shop()
    await a_customer(site, shop)
    page = await visit(await site.staff(shop), width=width)
    await connect_contlo(site, shop, page)
    await send_coins_rewarded_to_contlo(page)

    await give_coins(page, 150)
    await until(page, page.get_by_text("walletreward_create for asha@example.com"), "/sandbox")
    arrived = page.get_by_role("row").filter(has_text="walletreward_create for asha@example.com")
    await arrived.locator("summary").click()
    body = json.loads(await arrived.locator("pre").last.inner_text())
    assert body["event"] == "walletreward_create"
    assert body["properties"]["amount"] == 150
    assert body["profile_properties"]["Nector:balance"] == 150

    # Two more while Contlo refuses them, and one behind a pause.
    await page.get_by_label("Tool").select_option(label="Contlo")
    await page.get_by_label("What").select_option("401")
    await page.get_by_label("for the next").fill("1")
    await page.get_by_role("button", name="Do it").click()
    await give_coins(page, 20)
    waits = page.get_by_text("Waits for Contlo, which is paused")
    await until(page, waits, "/deliveries?state=queued")
    await page.locator("tbody a.whole").first.click()
    await expect(page.get_by_text("It waits for Contlo, which is paused.")).to_be_visible()
    await expect(page.get_by_role("button", name="Try now")).to_have_count(0)
    await page.get_by_role("link", name="Open Contlo").click()
    await page.get_by_role("button", name="Initialize").click()
    await expect(page.locator(".head .badge")).to_have_text("Ready")
    await until(page, page.get_by_text("Nothing fits all of these filters."), "/deliveries?state=queued")


async def test_what_failed_during_an_outage_is_sent_again_in_one_step(site: Site, visit: Open) -> None:
    shop = await site.shop()
    await a_customer(site, shop)
    page = await visit(await site.staff(shop))
    await connect_contlo(site, shop, page)
    await send_coins_rewarded_to_contlo(page)
    await page.request.put(
        f"{site.app.settings.sandbox_address(shop.id)}/faults", data={"tool": "contlo", "fault": "404", "times": 2}
    )
    for coins in (10, 20):
        await give_coins(page, coins)
    await until(page, page.locator("tbody").get_by_text("Failed").nth(1), "/deliveries?state=failed")
    await expect(page.get_by_text("Choose a tool to send all that failed again.")).to_be_visible()
    await page.get_by_label("Tool", exact=True).select_option(label="Contlo")
    await expect(page.get_by_role("button", name="Send all 2 again")).to_be_visible()
    await page.get_by_label("Failed since").fill("2026-01-01T00:00")
    await page.get_by_role("button", name="Show").last.click()
    await page.get_by_role("button", name="Send all 2 again").click()
    await expect(page.locator("#toasts")).to_contain_text("2 deliveries queued again. At most 600 a minute go out.")
    await until(page, page.get_by_text("Nothing fits all of these filters."), "/deliveries?state=failed")
    await until(page, page.get_by_text("20 for asha").or_(page.get_by_text("Delivered")), "/deliveries")
