"""Segments in a browser: built with groups and deeds while the count is drawn beside, and asked why."""

import os
from pathlib import Path

import pytest

from regulars import customers
from regulars.customers import NewCustomer
from regulars.engagement import segments
from regulars.engagement.segments import NewSegment
from tests.browser.conftest import Open, Site
from tests.browser.looking import problems

pytestmark = pytest.mark.asyncio(loop_scope="session")
SHOTS = os.environ.get("SHOTS", "")
TREE = {
    "all": [
        {"property": "customer_country", "operator": "is", "value": "ind"},
        {
            "any": [
                {
                    "done": "order_create",
                    "where": {"all": [{"property": "fiat_amount", "operator": "at_least", "value": 20}]},
                    "when": {"last_days": 30},
                },
                {"none": [{"property": "customer_dob", "operator": "anniversary"}]},
            ]
        },
    ]
}


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_segment_is_built_and_explained(site: Site, visit: Open, width: int) -> None:
    shop, now = await site.shop("Tea & Co"), site.app.clock.now()
    async with site.app.db.transaction() as tx:
        asha = await customers.create(tx, shop, NewCustomer(f"s-{shop.id}", name="Asha Rao", country="ind"), now)
        one = await segments.create_segment(tx, shop, NewSegment(name="Birthdays", condition=TREE), now)
        await segments.find(tx, shop, [], now)
    owner = await visit(await site.staff(shop), width=width)
    addresses = ("/segments", "/segments/new", f"/segments/{one.id}", f"/segments/members?segment_id={one.id}")
    for n, address in enumerate((*addresses, f"/segments/{one.id}/why?customer={asha.id}")):
        await owner.goto(address)
        if n == 1:
            await owner.get_by_role("button", name="Add what they have done").click()
            await owner.get_by_label("What was done").select_option("order_create")
            await owner.get_by_text("0 of 1 customer").wait_for()
        assert await problems(owner) == []
        await shot(owner, f"segments-{n}-{width}")


async def shot(page: object, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)  # type: ignore[attr-defined]
