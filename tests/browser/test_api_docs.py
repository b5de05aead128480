"""The documents of the APIs, drawn by a script that is ours to serve: nothing is fetched from elsewhere."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIDTHS = [1280, 390]


@pytest.mark.parametrize("width", WIDTHS)
async def test_an_operation_is_found_and_shows_its_example(visit: Open, site: Site, width: int) -> None:
    page = await visit(width=width)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("/api/docs/management")
    # The viewer reads a document of a megabyte and more before it draws anything, which takes a busy machine a while.
    await expect(page.get_by_role("heading", name="Management API")).to_be_visible(timeout=30_000)
    await expect(page.get_by_role("cell", name="month_limit_reached")).to_be_visible()
    await expect(page.locator(".webhooks")).to_contain_text("lead_create")
    # Of so many the viewer draws those that are looked at: the rest is the length of the page.
    await expect(page.locator("#operations .opblock-tag").first).to_be_visible()
    assert await page.evaluate("document.querySelector('#operations').scrollHeight") > 5_000
    await page.get_by_role("searchbox", name="Search operations").fill("post /api/v1/orders")
    await expect(page.locator(".opblock-tag-section .opblock")).to_have_count(1)
    await page.locator(".opblock-summary-control").first.click(timeout=30_000)
    await expect(page.locator(".opblock.is-open")).to_contain_text("shopify-7029064106277", timeout=30_000)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in asked if not url.startswith((site.url, "data:"))] == []


async def test_without_scripts_the_page_leads_to_the_document(visit: Open) -> None:
    page = await visit(java_script_enabled=False)
    for name in ("merchant", "management"):
        await page.goto(f"/api/docs/{name}")
        await page.get_by_role("link", name="the document itself").click()
        await expect(page.locator("body")).to_contain_text('"openapi": "3.1.0"')
