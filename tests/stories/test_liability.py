"""What a shop owes its customers is said at both doors, and taken along as a file."""

import pytest

from tests.doors import Shop
from tests.stories.browsing import person, signed_in


async def test_what_is_owed_is_answered_and_taken_along(shop: Shop) -> None:
    trigger = await shop.trigger(coins=(70, 70))
    fired = await shop.merchant(
        "POST", "/activities", json={"trigger_id": str(trigger.id), "customer_id": "shopify-1001"}
    )
    assert fired.status_code == 200, fired.text
    answer = await shop.manage("GET", "/liability?months=2")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["outstanding"], found["owed"], found["forecast"]) == (70, 0, None)
    assert sum(one["amount"] for one in found["by_age"]) == 70
    assert len(found["items"]) == 2
    assert found["items"][-1]["outstanding"] == 70
    wrong = await shop.manage("GET", "/liability?months=25")
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["months"])


@pytest.mark.parametrize("wallet", ["coins", "credits", "pebbles"])
async def test_the_page_says_when_nothing_is_outstanding_and_what_is(shop: Shop, wallet: str) -> None:
    browser = await signed_in(shop, await person(shop, "owner"))
    page = await browser.get(f"/liability?wallet={wallet}")
    assert page.status_code == 200
    assert "Nothing is outstanding" in page.text
    trigger = await shop.trigger(coins=(70, 70))
    await shop.merchant("POST", "/activities", json={"trigger_id": str(trigger.id), "customer_id": "shopify-1001"})
    page = await browser.get(f"/liability?wallet={wallet}")
    assert ("Nothing is outstanding" in page.text) is (wallet == "credits")
    assert ("70 coins" in page.text) is (wallet != "credits")
    assert "&lt;function" not in page.text
    file = await browser.get("/liability.csv")
    assert file.text.splitlines()[-1].endswith(",70.0")
