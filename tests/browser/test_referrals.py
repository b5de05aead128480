"""Referrals in a browser: a friend claims at their phone, and the shop's owner looks at it."""

import os
from pathlib import Path

import pytest

from regulars import customers, referrals, rewards, tenancy
from regulars.customers import NewCustomer
from regulars.referrals import Friend
from regulars.rewards import Terms
from tests.browser.conftest import Open, Site
from tests.browser.looking import problems

pytestmark = pytest.mark.asyncio(loop_scope="session")
SHOTS = os.environ.get("SHOTS", "")


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_friend_claims_by_keyboard_and_the_owner_sees_the_funnel(site: Site, visit: Open, width: int) -> None:
    shop, now = await site.shop("Tea & Co"), site.app.clock.now()
    async with site.app.db.transaction() as tx:
        terms = Terms(discount="amount", value=5, minimum_cart=20, expires_after_days=30)
        offer = await rewards.create_offer(tx, shop, "Five off", terms, now)
        rules = {"on": True, "friend_offer": str(offer.id), "coins": 500, "per_day_max": 2}
        shop = await tenancy.change_workspace(tx, shop.id, {"settings": {"referrals": rules}}, now)
        asha = await customers.create(tx, shop, NewCustomer(f"shopify-{shop.id}", name="Asha Rao"), now)
        for n in range(2):
            friend = Friend(referral_code=asha.referral_code, name=f"Friend {n}", email=f"friend{n}@example.com")
            await referrals.claim(tx, shop, friend, now)
    page = await visit(width=width)
    await page.goto(f"/r/{asha.referral_code}")
    assert await problems(page) == []
    await shot(page, f"landing-{width}")
    await page.get_by_label("Your name").focus()
    await page.keyboard.type("Ravi")
    await page.keyboard.press("Tab")
    await page.keyboard.type("ravi@example.com")
    await page.keyboard.press("Enter")
    await page.get_by_text("The shop looks at this first").wait_for()
    assert await problems(page) == []
    await shot(page, f"claimed-{width}")
    owner = await visit(await site.staff(shop), width=width)
    for name, address in (("list", "/referrals"), ("settings", "/settings/referrals")):
        await owner.goto(address)
        assert await problems(owner) == []
        await shot(owner, f"{name}-{width}")
    await owner.goto("/referrals?review=waiting")
    await owner.get_by_role("link", name="Ravi").first.click()
    await owner.get_by_text("Nobody gets anything before you decide").wait_for()
    assert await problems(owner) == []
    await shot(owner, f"one-{width}")
    await owner.get_by_role("button", name="Approve").click()
    await owner.get_by_text("Approved: it goes on").first.wait_for()


async def shot(page: object, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)  # type: ignore[attr-defined]
