"""At the dashboard: a ladder is begun, changed and looked at before it holds; a customer is placed by hand."""

import random
import re
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest

from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, an_order
from tests.make import done
from tests.stories.browsing import Browser, form_of, person, signed_in
from tests.stories.test_dashboard_customers import said


@pytest.fixture
async def owner(shop: Shop) -> Browser:
    return await signed_in(shop, await person(shop, "owner"))


async def ladder(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = (await shop.manage("GET", "/tiers")).json()
    return found


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def customer(shop: Shop) -> str:
    """Somebody who has spent 129.90."""
    id: str = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    await shop.manage("POST", "/orders", json=an_order())
    return id


async def test_a_ladder_is_begun_and_nothing_holds_before_it_is_confirmed(
    shop: Shop, owner: Browser, clock: HandClock
) -> None:
    id = await customer(shop)
    assert "No ladder yet" in (await owner.get("/tiers")).text
    draft = (await owner.get("/tiers/example")).headers["location"]
    page = (await owner.get(draft)).text
    assert "Silver" in page
    assert "This is not saved yet." in page
    fields = form_of(page, "/tiers/change")
    query = f"draft={fields['draft']}"
    # A step higher, a step removed: each only leads to another draft.
    moved = (await owner.get(f"/tiers/change?{query}&up=silver")).headers["location"]
    assert re.findall(r"<h3><bdi>(\w+)", (await owner.get(moved)).text) == ["Platinum", "Silver", "Gold"]
    removed = (await owner.get(f"/tiers/change?{query}&remove=platinum")).headers["location"]
    # A step changed: what is wrong is said beside its field, and what is right leads on.
    step = f"/tiers/step?{removed.partition('?')[2]}&step=gold"
    form = form_of((await owner.get(step)).text, "/tiers/step")
    assert (form["name"], form["enter.spent"], form["factors.order"]) == ("Gold", "500", "1.25")
    wrong = form | {"enter.spent": "500", "leave.spent": "600", "colour": "red", "factors.order": "x"}
    refused = await owner.post("/tiers/step", **wrong)
    assert refused.status_code == 422
    for name in ("colour", "factors.order"):
        assert f'id="{name}-wrong"' in refused.text
    refused = await owner.post("/tiers/step", **form | {"leave.spent": "600"})
    assert 'id="leave.spent-wrong"' in refused.text
    nothing = await owner.post("/tiers/step", **form | {"enter.spent": ""})
    assert 'id="enter.spent-wrong"' in nothing.text
    good = form | {"name": "Golden", "enter.orders": "3", "match": "all", "perks": "Free shipping\n\nA gift"}
    changed = (await owner.post("/tiers/step", **good)).headers["location"]
    # A step added, spelled by its name; and one whose spelling is taken.
    new = form_of((await owner.get(f"/tiers/step?{changed.partition('?')[2]}")).text, "/tiers/step")
    taken = await owner.post("/tiers/step", **new | {"name": "Top", "key": "gold", "enter.spent": "2000"})
    assert 'id="key-wrong"' in taken.text
    changed = (await owner.post("/tiers/step", **new | {"name": "Top 100", "enter.earned": "2000"})).headers["location"]
    rules = form_of((await owner.get(f"/tiers/rules?{changed.partition('?')[2]}")).text, "/tiers/rules")
    changed = (
        await owner.post("/tiers/rules", **rules | {"window": "rolling", "window_months": "6", "grace_days": "7"})
    ).headers["location"]
    page = words((await owner.get(changed)).text)
    assert "$500.00 spent and 3 orders" in page
    assert "Gives coins of orders × 1.25." in page
    assert "What they did in the last 6 months" in page
    assert "Free shipping A gift" in page
    assert (await ladder(shop))["version"] == 0

    preview = (await owner.get(f"/tiers/preview?{changed.partition('?')[2]}")).text
    assert "No tier Silver Up 1" in words(preview)
    assert f'href="/customers/{id}"' in preview
    assert (await ladder(shop))["version"] == 0
    confirmed = await owner.post("/tiers/preview", **form_of(preview, "/tiers/preview"))
    assert said(confirmed) == "The ladder is changed. Everybody is judged anew by it."
    assert "Everybody is judged by the changed ladder: 0 customers so far." in words((await owner.get("/tiers")).text)
    await done(shop.app.db, clock)
    held = await ladder(shop)
    assert (held["version"], held["customers"], held["judging"]) == (1, {"silver": 1}, None)
    assert held["ladder"]["window_months"] == 6
    assert [one["key"] for one in held["ladder"]["tiers"]] == ["silver", "gold", "top-100"]
    page = (await owner.get("/tiers")).text
    assert "so far" not in page
    assert "Silver silver 1 customer" in words(page)
    # The same page sent again was looked at before the ladder changed.
    again = await owner.post("/tiers/preview", **form_of(preview, "/tiers/preview"))
    assert (again.headers["location"].partition("?")[0], (await ladder(shop))["version"]) == ("/tiers/preview", 1)
    members = await owner.get("/tiers/members?tier=silver")
    assert ASHA["name"] in members.text
    assert ASHA["name"] in (await owner.get("/tiers/members.csv?tier=silver")).text
    assert ASHA["name"] not in (await owner.get("/tiers/members")).text, "nobody stands on the highest"
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts.count("tiers.update") == 1


async def test_a_customer_is_placed_by_hand_and_released(shop: Shop, owner: Browser, clock: HandClock) -> None:
    id = await customer(shop)
    assert "On no tier yet" not in (await owner.get(f"/customers/{id}")).text, "there is no ladder"
    steps = [
        {"key": "silver", "name": "Silver", "enter": {"spent": 100}},
        {"key": "gold", "name": "Gold", "enter": {"spent": 500, "orders": 1}, "match": "all"},
    ]
    await shop.manage("PUT", "/tiers", json={"ladder": {"tiers": steps}})
    await done(shop.app.db, clock)
    page = words((await owner.get(f"/customers/{id}")).text)
    assert "To Gold, all of these: $500.00 spent: $370.10 to go 1 order: reached" in page
    assert "Up to Silver" in page
    path = f"/customers/{id}/tier"
    refused = await owner.post(path, tier="tin", reason="", until="soon")
    assert refused.status_code == 422
    for name in ("tier", "reason", "until"):
        assert f'id="{name}-wrong"' in refused.text
    form = form_of((await owner.get(path)).text, path)
    assert form["tier"] == "silver"
    placed = await owner.post(path, tier="gold", reason="A founder", until="2030-01-01")
    assert placed.headers["location"] == f"/customers/{id}"
    stands = (await shop.manage("GET", f"/customers/{id}/tier")).json()
    assert (stands["tier"], stands["placed_reason"]) == ("gold", "A founder")
    assert stands["placed_until"].startswith("2030-01-0"), "the last day counts in full"
    page = words((await owner.get(f"/customers/{id}")).text)
    assert "Placed by hand A founder Release" in page
    assert "Tier Gold Tags –" in page
    assert "A founder" in (await owner.get("/tiers/members")).text
    await owner.post(f"{path}/release")
    assert (await shop.manage("GET", f"/customers/{id}/tier")).json()["tier"] == "silver"
    assert (await owner.post(f"{path}/release")).status_code == 404


async def test_what_no_page_wrote_is_refused_in_words(shop: Shop, owner: Browser) -> None:
    for draft in ("x", "eJw", "4" * 5_000, "eJyrVkrLz1eyUkpKLFKqBQAd1gSI"):
        for path in ("change", "preview", "step", "rules"):
            answer = await owner.get(f"/tiers/{path}?draft={draft}")
            assert (answer.status_code, "begin again from the Tiers page" in answer.text) == (422, True), (path, draft)
    first = unquote((await owner.get("/tiers/example")).headers["location"])
    assert (await owner.get(first.replace("/change", "/step") + "&step=tin")).status_code == 404
    form = form_of((await owner.get(first.replace("/change", "/step") + "&step=gold")).text, "/tiers/step")
    rng = random.Random(1)
    perks = "\n".join("".join(chr(rng.randrange(0x4E00, 0x9FA0)) for _ in range(190)) for _ in range(20))
    long = await owner.post("/tiers/step", **form | {"perks": perks})
    assert (long.status_code, 'id="perks-wrong"' in long.text) == (422, True), "no address would hold it"
    assert perks[:190] in long.text
