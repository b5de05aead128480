"""Automations in a browser: blocks are dragged and moved by keys, what is typed saves itself, and it is published and
launched."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from regulars.engagement import automations
from tests.browser.conftest import Open, Site
from tests.browser.looking import problems
from tests.stories.test_automation_pages import order

pytestmark = pytest.mark.asyncio(loop_scope="session")
SHOTS = os.environ.get("SHOTS", "")


async def shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True, caret="initial")


@pytest.mark.parametrize("width", [1280, 390])
async def test_an_automation_is_built(site: Site, visit: Open, width: int) -> None:
    shop, now = await site.shop("Tea & Co"), site.app.clock.now()
    async with site.app.db.transaction() as tx:
        made = await automations.create_from(tx, shop, "welcome", now, actor="cli")
    owner = await visit(await site.staff(shop), width=width)

    async def steps() -> list[Any]:
        async with site.app.db.reading() as tx:
            return order((await automations.get_automation(tx, shop.id, made.id)).draft["steps"])

    await owner.goto("/automations/new")
    assert await problems(owner) == []
    await shot(owner, f"auto-gallery-{width}")
    await owner.goto(f"/automations/{made.id}")
    assert await problems(owner) == []
    await shot(owner, f"auto-start-{width}")

    # A block is put in by the plus above the first one, and what is typed saves itself, where the typing goes on.
    await owner.locator("#plus--0").click()
    await owner.get_by_role("heading", name="What is put in here?").wait_for()
    assert await problems(owner) == []
    await shot(owner, f"auto-put-{width}")
    await owner.get_by_role("button", name="Wait For some time").click()
    await owner.get_by_label("For", exact=True).fill("2 hours")
    await owner.locator("#tree").get_by_text("For 2 hours").wait_for()
    await expect(owner.get_by_label("For", exact=True)).to_have_value("2 hours")
    await owner.get_by_label("For", exact=True).fill("2 moons")
    await owner.get_by_text("Not saved: Give how long, such as 3 days").wait_for()
    await owner.get_by_label("For", exact=True).fill("3 days")
    await owner.locator("#tree").get_by_text("For 3 days").wait_for()
    await owner.locator("#how").select_option("until")
    await owner.get_by_label("Monday").check()
    await owner.locator("#tree").get_by_text("Until 09:00 on Monday").wait_for()
    assert await problems(owner) == []
    await shot(owner, f"auto-wait-{width}")
    ((wait,), *_) = await steps()

    # Moved by keys, the focus stays on the block, and where it is now is said.
    await owner.locator(f"#block-{wait}").focus()
    await owner.keyboard.press("Alt+ArrowDown")
    await owner.get_by_role("status").get_by_text("Moved down.").first.wait_for()
    assert await steps() == [["hello"], [wait], ["first", [], [["remind"]]]]
    await expect(owner.locator(f"#block-{wait}")).to_be_focused()
    await owner.get_by_role("button", name="In", exact=True).click()
    await owner.get_by_text("Moved in.").first.wait_for()
    assert await steps() == [["hello"], ["first", [[wait]], [["remind"]]]]

    # Dragged to the other way, and back to the top.
    for place, expected in (
        ("first.otherwise", [["hello"], ["first", [], [[wait], ["remind"]]]]),
        ("", [[wait], ["hello"], ["first", [], [["remind"]]]]),
    ):
        before = await owner.locator("[name=revision]").input_value()
        await drag(owner, wait, place)
        await expect(owner.locator("[name=revision]")).not_to_have_value(before)
        assert await steps() == expected
    await owner.get_by_role("button", name="Undo").click()
    await owner.get_by_text("Undone.").wait_for()
    assert await steps() == [["hello"], ["first", [], [[wait], ["remind"]]]]

    # Published, launched: two acts.
    await owner.get_by_role("button", name="Publish").click()
    await owner.get_by_text("Version 1 is published. Launch it").wait_for()
    await owner.get_by_role("link", name="Launch").click()
    await shot(owner, f"auto-launch-{width}")
    await owner.get_by_role("dialog").get_by_role("button", name="Launch").click()
    await owner.get_by_text("published as version 1, which runs").wait_for()
    assert await problems(owner) == []
    await shot(owner, f"auto-runs-{width}")


async def drag(page: Page, step: str, place: str) -> None:
    """By its grip, to the place above the first block of a list. What is dragged follows a pointer that moves."""
    held = page.locator(f'[data-step="{step}"] > .block .grip')
    await held.scroll_into_view_if_needed()
    grip = await held.bounding_box()
    target = await page.locator(f'[data-place="{place}"] > [data-step] > .block').first.bounding_box()
    assert grip
    assert target
    await page.mouse.move(grip["x"] + 4, grip["y"] + 8)
    await page.mouse.down()
    await page.mouse.move(grip["x"] + 10, grip["y"] + 14, steps=3)
    above = target["y"] - 18
    await page.mouse.move(target["x"] + 40, above, steps=12)
    first = page.locator(f'[data-place="{place}"] > [data-step]').first
    for n in range(60):
        await page.mouse.move(target["x"] + 40 + n % 3, above - n % 4, steps=4)
        if await first.get_attribute("data-step") == step:
            break
    await page.mouse.up()
