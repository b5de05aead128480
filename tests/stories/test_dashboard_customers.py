"""At the dashboard: a customer's coins, moved by hand."""

from urllib.parse import unquote

import httpx

from regulars.dashboard import security
from regulars.dashboard.desk import _read_said
from regulars.kit.ids import new_id
from tests.doors import ASHA, Shop
from tests.stories.browsing import person, signed_in


def said(answer: httpx.Response) -> str:
    return _read_said(unquote(answer.cookies[security.SAID_COOKIE]))


async def test_a_form_sent_twice_moves_coins_once_and_says_so(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    id = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    path, form = (
        f"/customers/{id}/coins",
        {"operation": "cr", "amount": "30", "reason": "A late parcel", "once": str(new_id())},
    )
    assert said(await owner.post(path, **form)) == "30 coins were given."
    again = await owner.post(path, **form)
    assert (again.status_code, said(again)) == (303, "30 coins were given before: nothing moved now.")
    for other in ({"amount": "31"}, {"operation": "dr"}, {"reason": "A gift"}):
        refused = await owner.post(path, **{**form, **other})
        assert refused.status_code == 422
        assert "sent before with other values" in refused.text
        assert form["once"] not in refused.text
    customer = (await shop.manage("GET", f"/customers/{id}")).json()
    assert customer["wallets"]["coins"]["available"] == 30
    lines = (await shop.manage("GET", "/audit")).json()["items"]
    assert [line["act"] for line in lines] == ["customer.adjust", "customer.create"]


async def test_a_customers_page_shows_both_wallets_and_what_moved_in_them(shop: Shop) -> None:
    reader = await signed_in(shop, await person(shop, "reader", "reader"))
    id = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    assert "Credits" not in (await reader.get(f"/customers/{id}")).text
    gift = {"customer_id": ASHA["customer_id"], "title": "Gift card", "amount": 12.5, "operation": "cr"}
    await shop.merchant("POST", "/creditwallettransactions", json=gift)
    for address in (f"/customers/{id}", f"/customers/{id}?show=coins"):
        page = (await reader.get(address)).text
        assert '<strong class="huge">$12.50</strong>' in page
        assert "$12.50 in credits received" in page
        assert "Gift card, balance $12.50 in credits" in page
