"""An owner connects where they sell, tries it, and looks at what came in."""

import re

from tests.doors import Shop, per_dollar
from tests.selling import SECRET, SETTINGS, Connected
from tests.stories.browsing import person, signed_in


async def test_an_owner_connects_a_shop_and_looks_at_what_came_in(shop: Shop) -> None:
    await per_dollar(shop)
    owner = await signed_in(shop, await person(shop, "Ann"))
    assert "Where do you sell?" in (await owner.get("/sources")).text
    for platform in SETTINGS:
        assert "How to connect" in (await owner.get(f"/sources/new/{platform}")).text
    wrong = await owner.post("/sources/new/shopify", shop_domain="corner.example", secret=SECRET)
    assert (wrong.status_code, "corner-shop.myshopify.com" in wrong.text, SECRET in wrong.text) == (422, True, False)
    made = await owner.post("/sources/new/shopify", shop_domain="sandbox.myshopify.com", secret=SECRET)
    page = made.headers["location"]
    source = (await shop.manage("GET", f"/sources/{page.rpartition('/')[2]}")).json()
    there = Connected(shop, source)
    shown = (await owner.get(page)).text
    assert source["address"] in shown
    assert SECRET not in shown
    assert "It would earn 130 coins." in (await owner.post(f"{page}/test")).text
    await there.send(there.hooks("orders", wrong="wrong_signature"))
    assert "A call was turned away: Its signature" in (await owner.get(page)).text
    await there.tell("orders")
    failed = (await there.tell("orders", currency="XXX"))[1]
    await there.tell("customers")
    (asks,) = [hook for hook in await there.tell("customers", 1001, "data") if hook["state"] == "open"]
    listed = (await owner.get("/sources/hooks")).text
    assert all(words in listed for words in ("was recorded.", "For you to do", "customers/data_request", "Failed"))
    assert "was recorded." in (await owner.get("/sources/hooks.csv")).text
    one = (await owner.get(f"/sources/hooks/{failed['id']}")).text
    assert "currency_code" in one
    assert "Handle again" in one
    assert (await owner.post(f"/sources/hooks/{failed['id']}/replay")).status_code == 303
    await there.handled()
    all_failed = (await owner.get(f"/sources/hooks?state=failed&source={source['id']}")).text
    assert "Handle it again" in all_failed
    assert (await owner.post("/sources/hooks/replay", source=source["id"])).status_code == 303
    assert (await owner.post(f"/sources/hooks/{asks['id']}/close")).status_code == 303
    assert "Marked as done by" in (await owner.get(f"/sources/hooks/{asks['id']}")).text
    assert "Receiving" in (await owner.get("/sources")).text
    reader = await signed_in(shop, await person(shop, "Rita", "reader"))
    assert source["address"] not in (await reader.get(page)).text
    assert (await owner.post(page, shop_domain="sandbox.myshopify.com", name="Our shop")).status_code == 303
    assert "Our shop" in (await owner.get(f"{page}/delete")).text
    assert (await owner.post(f"{page}/delete")).status_code == 303
    assert "A removed source" in (await owner.get(f"/sources/hooks/{failed['id']}")).text


async def test_a_secret_that_is_made_here_is_shown_once(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "Ann"))
    made = (await owner.post("/sources/new/woocommerce", url="https://shop.example")).text
    found = re.search(r"wc_[A-Za-z0-9_-]{20,}", made)
    assert found
    (source,) = (await shop.manage("GET", "/sources")).json()["items"]
    assert source["address"] in made
    assert found[0] not in (await owner.get(f"/sources/{source['id']}")).text
    assert (await owner.get(f"/sources/{source['id']}/rotate")).status_code == 200
    again = (await owner.post(f"/sources/{source['id']}/rotate")).text
    assert "wc_" in again
    assert found[0] not in again
