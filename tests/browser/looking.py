"""What can be checked on a page without an eye: names, headings, ids, contrast, overflow."""

from pathlib import Path

from playwright.async_api import Page

_LOOK = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


async def problems(page: Page) -> list[str]:
    """What is wrong with the page as it stands, in words; nothing when it is fine."""
    found: list[str] = await page.evaluate(_LOOK)
    return found
