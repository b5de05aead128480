"""At the dashboard: what a shop is set to, its storefront secret, and the switch."""

from typing import Any

import pytest

from regulars import events
from regulars.kit.secrets import storefront_secret
from tests import make
from tests.doors import SECRET_KEY, Shop
from tests.stories.browsing import person, signed_in

FORM = {"name": "Corner Shop", "uri": "", "coin_name": "coins", "currency_code": "usd", "time_zone": "UTC"}
WARNING = "Anybody can give coins to anybody by an Open trigger."


async def test_what_programs_may_do_is_set_in_the_form(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    assert WARNING not in (await owner.get("/settings/programs")).text
    more = {"calls_per_minute": "1,200", "referral_link_base": "https://club.example", "utm_source": "club"}
    assert (await owner.post("/settings/shop", **FORM, country="ind")).status_code == 303
    assert (await owner.post("/settings/programs", **more)).status_code == 303
    settings = (await shop.manage("GET", "/workspace")).json()["settings"]
    assert settings == {
        "country": "ind",
        "calls_per_minute": 1_200,
        "open_triggers_need_proof": False,
        "referral_link_base": "https://club.example",
        "utm_source": "club",
    }
    page = (await owner.get("/settings/programs")).text
    assert WARNING in page
    assert 'value="1200"' in page
    assert "1,200 calls a minute for each key. Open triggers need no proof." in (await owner.get("/settings")).text
    assert (await owner.post("/settings/programs", open_triggers_need_proof="yes")).status_code == 303
    assert (await owner.post("/settings/shop", **FORM)).status_code == 303
    settings = (await shop.manage("GET", "/workspace")).json()["settings"]
    assert settings == {}


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("programs", {"calls_per_minute": "0"}),
        ("programs", {"calls_per_minute": "60,000,001"}),
        ("programs", {"referral_link_base": "ftp://club.example"}),
        ("programs", {"utm_source": "a b"}),
        ("shop", {"country": "xyz"}),
        ("kept", {"events_months": "6"}),
        ("kept", {"deliveries_months": "14", "events_months": "13"}),
        ("kept", {"answers_months": "a few"}),
        ("kept", {"hooks_months": "0"}),
    ],
)
async def test_what_can_not_be_set_is_said_beside_its_field(shop: Shop, page: str, wrong: dict[str, Any]) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    answer = await owner.post(f"/settings/{page}", **FORM, **wrong)
    assert answer.status_code == 422
    assert f'id="{next(iter(wrong))}-wrong"' in answer.text
    assert (await shop.manage("GET", "/workspace")).json()["settings"] == {}


async def test_an_owner_rotates_the_storefront_secret(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    first, second = (storefront_secret(SECRET_KEY, shop.workspace.id, version) for version in (1, 2))
    rotated = (await owner.post("/settings/storefront-secret/rotate")).text
    assert first in rotated
    assert second in rotated
    assert (await owner.post("/settings/storefront-secret/rotate")).status_code == 409
    assert "Retire the older" in (await owner.get("/settings/storefront-secret/retire")).text
    assert (await owner.post("/settings/storefront-secret/retire")).status_code == 303
    shown = (await owner.get("/settings/storefront-secret")).text
    assert first not in shown
    assert second in shown


async def test_the_storefront_secret_is_shown_to_owners_on_a_click(shop: Shop) -> None:
    secret = storefront_secret(SECRET_KEY, shop.workspace.id, 1)
    owner = await signed_in(shop, await person(shop, "asha"))
    editor = await signed_in(shop, await person(shop, "ben", "editor"))
    assert secret not in (await owner.get("/settings")).text
    assert secret in (await owner.get("/settings/storefront-secret")).text
    refused = await editor.get("/settings/storefront-secret")
    assert (refused.status_code, secret in refused.text) == (403, False)


async def test_what_happened_while_events_were_off_is_not_sent_when_they_are_switched_on(shop: Shop) -> None:
    async with shop.app.db.transaction() as tx:
        await make.heard(tx, shop.workspace.id, shop.app.clock.now(), "walletreward_create")
    await shop.reward(await shop.trigger(), "shopify-1001")
    owner = await signed_in(shop, await person(shop, "asha"))
    assert (await owner.post("/events/switch", on="yes")).status_code == 303
    async with shop.app.db.transaction() as tx:
        assert await events.claim_pending(tx, shop.workspace.id, "dispatch", 10) == []
    # Switching on what is on drops nothing.
    await shop.reward(await shop.trigger("Another"), "shopify-1001")
    assert (await owner.post("/events/switch", on="yes")).status_code == 303
    async with shop.app.db.transaction() as tx:
        assert len(await events.claim_pending(tx, shop.workspace.id, "dispatch", 10)) == 1
