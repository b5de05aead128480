"""From the first sign-in of a new shop to the first delivered event, with nothing but the overview."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, Open, Site
from tests.browser.looking import problems

pytestmark = pytest.mark.asyncio(loop_scope="session")


def part(page: Page, title: str) -> Locator:
    return page.locator(".steps > li").filter(has=page.get_by_role("heading", name=title))


async def step(page: Page, title: str, state: str) -> None:
    """Where this step stands; nothing sticks out or has no name meanwhile."""
    await expect(part(page, title).locator("> .badge")).to_have_text(state)
    assert await problems(page) == []


@pytest.mark.parametrize(("width", "scripts"), [(1280, True), (390, False)])
async def test_from_sign_in_to_the_first_delivered_event(site: Site, visit: Open, width: int, scripts: bool) -> None:
    shop = await site.shop("Corner Books")
    page = await visit(width=width, java_script_enabled=scripts)
    await page.goto("/")
    await page.get_by_label("E-mail").fill(await site.staff(shop))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").press("Enter")

    await expect(page.get_by_role("region", name="Set up your shop")).to_contain_text("0 of 5 steps are done.")
    await step(page, "Say what your shop is", "Next")
    await page.get_by_label("Name of your coins").fill("stars")
    await page.get_by_label("Currency").select_option("eur")
    await page.get_by_label("Country").select_option("deu")
    await page.get_by_role("button", name="Save").press("Enter")

    await step(page, "Say what your shop is", "Done")
    await expect(page.get_by_text("counts in EUR")).to_be_visible()
    earns = page.locator(".row", has_text="When a customer is created, it gives 50 stars, once.")
    await earns.get_by_role("button", name="Use this").press("Enter")

    # Left here and taken up again: what is true says where one is.
    await page.goto("/customers")
    await page.goto("/")
    await step(page, "Say what earns", "Done")
    await page.get_by_role("link", name="Create a customer").press("Enter")
    await page.get_by_label("customer_id").fill("shopify-7029064106277")
    await page.get_by_label("E-mail").fill("ann@example.com")
    await page.get_by_role("button", name="Create").press("Enter")
    await expect(page).to_have_url(re.compile(r"/customers/[0-9a-f-]{36}"))
    await expect(page.locator("main")).to_contain_text("50 stars")

    await page.goto("/")
    await step(page, "Bring customers and orders", "Done")
    await expect(part(page, "Connect a tool")).to_contain_text("reaches nobody")
    await page.get_by_role("button", name="Use the sandbox").press("Enter")
    await step(page, "Connect a tool", "Done")
    await expect(page.locator(".steps")).to_contain_text("Events go to Sandbox.")

    await page.get_by_role("link", name="Send test event").press("Enter")
    await expect(page.get_by_label("E-mail or mobile number")).to_have_value("ann@example.com")
    await page.get_by_role("button", name="Send", exact=True).press("Enter")
    await expect(page.get_by_text("It arrived.")).to_be_visible()
    await page.get_by_role("link", name="To the overview").press("Enter")
    await expect(page).to_have_url(re.compile("/$"))
    await expect(page.get_by_text("Everything runs.")).to_be_visible()
    await expect(page.get_by_role("region", name="Set up your shop")).to_have_count(0)
    await page.goto("/sandbox")
    await expect(page.get_by_text("taken; the sandbox was given no secret")).to_have_count(2)  # Initialize, the test


async def test_a_step_may_be_skipped_and_done_after_all(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop))
    await page.goto("/")
    await part(page, "Connect a tool").get_by_text("Do it now").click()
    await page.get_by_role("button", name="Use the sandbox").click()
    await step(page, "Connect a tool", "Done")
    await step(page, "Say what earns", "Skipped")
    await step(page, "See an event arrive", "Next")
    await expect(page.get_by_text("First bring a customer")).to_be_visible()
    await part(page, "Say what earns").get_by_text("Do it after all").click()
    await page.get_by_role("button", name="Use this").first.click()
    await step(page, "Say what earns", "Done")
