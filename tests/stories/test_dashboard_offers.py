"""At the dashboard: an owner builds offers, hands out codes, and looks after coupons."""

import re
from typing import Any

import pytest

from tests.doors import ASHA, Shop, an_order
from tests.stories.browsing import Browser, form_of, person, signed_in

FORM = {
    "name": "Five off",
    "discount": "amount",
    "value": "5",
    "target": "cart",
    "price": "fixed",
    "coins": "100",
    "period": "month",
    "code": "generated",
    "active": "yes",
    "show_in_widget": "yes",
    "coins_back_when_cancelled": "yes",
    "back_when_void": "yes",
}


@pytest.fixture
async def owner(shop: Shop) -> Browser:
    return await signed_in(shop, await person(shop, "ann"))


async def made(owner: Browser, **form: str) -> str:
    answer = await owner.post("/offers/new", **FORM | form)
    assert answer.status_code == 303, re.findall(r'class="wrong"[^<]*<svg.*?</svg>([^<]*)', answer.text)
    return re.sub(r"/codes$", "", answer.headers["location"])


async def asha(shop: Shop) -> str:
    id: str = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    await shop.manage("POST", f"/customers/{id}/transactions", json={"operation": "cr", "amount": 250, "reason": "Hi"})
    return id


async def offers(shop: Shop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await shop.manage("GET", "/offers")).json()["items"]
    return found


async def test_an_offer_is_built_seen_as_a_coupon_and_changed_in_versions(shop: Shop, owner: Browser) -> None:
    assert "Create an offer" in (await owner.get("/offers")).text
    said = (await owner.post("/offers/sentence", **FORM, minimum_cart="20", expires_after_days="30")).text
    assert "100 coins buy $5 off, from a cart of $20; good for 30 days." in said
    assert "$5 Off coupon" in said
    assert "Minimum cart amount of $20" in said
    assert "Give what it costs" in (await owner.post("/offers/sentence", **FORM | {"coins": ""})).text
    # What belongs to another kind of offer was typed before, and does not count.
    path = await made(owner, minimum_cart="20", steps_max="9", fixed_code="HELLO", value_max="3", targets="tea")
    (item,) = await offers(shop)
    terms = {"discount": "amount", "value": 5, "price": "fixed", "coins": 100, "minimum_cart": 20, "codes_low": 100}
    blank = {"steps_max": 1, "fixed_code": "", "value_max": 0, "targets": []}
    assert item["terms"] | terms | blank == item["terms"]
    page = (await owner.get(path)).text
    form = form_of(page, path)
    assert (form["coins"], form["minimum_cart"], form["stock"]) == ("100", "20", "")
    assert (await owner.post(path, **form)).status_code == 303
    assert [one["version"] for one in await offers(shop)] == [1]
    changes = {"price": "dynamic", "discount": "percent", "value": "2", "steps_max": "10", "value_max": "25"}
    assert (await owner.post(path, **form | changes)).status_code == 303
    page = (await owner.get(path)).text
    assert "Every 100 coins buy 2% off, 1 to 10 times (at most $25), from a cart of $20." in page
    assert "Version 1" in page and "Version 2" in page  # noqa: PT018
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert "offer.update" in acts


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"value": ""},
        {"value": "1e12"},
        {"coins": "0"},
        {"code": "fixed", "fixed_code": "two words"},
        {"code_prefix": "lower"},
        {"target": "products", "targets": "x" * 300},
        {"expires_on": "soon"},
        {"stock": "many"},
        {"discount": "theft"},
    ],
)
async def test_what_an_offer_can_not_be_is_said_beside_its_field(
    shop: Shop, owner: Browser, wrong: dict[str, str]
) -> None:
    answer = await owner.post("/offers/new", **FORM | wrong)
    assert answer.status_code == 422
    assert f'id="{list(wrong)[-1]}-wrong"' in answer.text
    assert await offers(shop) == []


async def test_offers_are_put_in_the_widgets_order(shop: Shop, owner: Browser) -> None:
    first, _ = await made(owner), await made(owner, name="Ten off", value="10")
    for move, order in (
        ("down", ["Ten off", "Five off"]),
        ("down", ["Ten off", "Five off"]),
        ("up", ["Five off", "Ten off"]),
    ):
        assert (await owner.post(f"{first}/place", move=move)).status_code == 303
        assert [one["name"] for one in await offers(shop)] == order
    assert "Nothing like this" in (await owner.get("/offers?state=off")).text
    assert "Ten off" in (await owner.get("/offers.csv")).text


async def test_codes_are_looked_at_first_then_added_and_few_are_warned_of(shop: Shop, owner: Browser) -> None:
    path = await made(owner, code="list", codes_low="5")
    assert "No code is left" in (await owner.get(path)).text
    said = await owner.upload(f"{path}/codes", "codes.csv", b"SPRING-1,x\nSPRING-2\nspring-1\n", act="look")
    assert "2 codes would be added" in said.text
    assert "Stands in line 1 already" in said.text
    assert (await owner.get(path)).text.count("No code is left") == 1
    # The file need not be chosen again.
    form = form_of(said.text, f"{path}/codes") | {"act": "take"}
    form.pop("file")
    assert (await owner.post(f"{path}/codes", **form)).status_code == 303
    page = (await owner.get(path)).text
    assert "Few codes are left" in page
    assert "2 left" in (await owner.get("/offers")).text
    again = await owner.post(f"{path}/codes", codes="SPRING-2", act="look")
    assert "Nothing here is new" in again.text
    none = await owner.post(f"{path}/codes", codes=" ", act="take")
    assert (none.status_code, 'id="codes-wrong"' in none.text) == (422, True)
    other = await owner.post(f"{await made(owner)}/codes", codes="A", act="look")
    assert other.status_code == 422


async def test_a_coupon_is_given_found_used_and_cancelled(shop: Shop, owner: Browser) -> None:
    await made(owner, stock="2")
    (offer,) = await offers(shop)
    customer = f"/customers/{await asha(shop)}"
    form = form_of((await owner.get(f"{customer}/offer")).text, f"{customer}/offer")
    given = await owner.post(f"{customer}/offer", **form)
    assert (await owner.post(f"{customer}/offer", **form)).headers["location"] == given.headers["location"]
    bought = await shop.merchant(
        "POST", "/offerredeems", json={"offer_id": offer["id"], "customer_id": ASHA["customer_id"]}
    )
    coupon = bought.json()["data"]["item"]
    page, code = f"/coupons/{coupon['_id']}", coupon["value"]
    assert code in (await owner.get(customer)).text
    assert f'href="{page}"' in (await owner.get(f"/search?q={code.lower()}")).text
    assert (await shop.manage("GET", "/search", params={"text": code})).json()["coupons"][0]["code"] == code
    only = (await owner.get(f"/coupons?q={code}")).text
    assert page in only
    assert given.headers["location"] not in only
    # The stock is gone, and says so in words.
    form = form_of((await owner.get(f"{customer}/offer")).text, f"{customer}/offer")
    assert "None of this offer is left." in (await owner.post(f"{customer}/offer", **form)).text
    assert "100 coins" in (await owner.get(page)).text
    await shop.manage("POST", "/orders", json=an_order(coupon_codes=[code]))
    order = re.search(r'href="(/orders/[^"]+)"', (await owner.get(page)).text)
    assert order is not None
    assert f'href="{page}"' in (await owner.get(order[1])).text
    asked = (await owner.get(f"{given.headers['location']}/cancel")).text
    assert "This can&#39;t be undone" in asked or "This can't be undone" in asked
    assert (await owner.post(f"{given.headers['location']}/cancel")).status_code == 303
    listed = (await owner.get(f"/coupons?status=cancelled&offer_id={offer['id']}")).text
    assert given.headers["location"] in listed
    assert page not in listed
    assert code in (await owner.get("/coupons.csv?status=redeemed")).text
    used = await owner.post(f"{page}/cancel")
    assert used.status_code == 409
    assert "used before" in used.text


async def test_a_code_that_everybody_has_finds_all_who_have_it(shop: Shop, owner: Browser) -> None:
    await made(owner, code="fixed", fixed_code="HELLO")
    customer = f"/customers/{await asha(shop)}"
    form = form_of((await owner.get(f"{customer}/offer")).text, f"{customer}/offer")
    given = (await owner.post(f"{customer}/offer", **form)).headers["location"]
    assert given in (await owner.get("/coupons?q=hello")).text
    assert given in (await owner.get("/search?q=Hello")).text
    # Filters hold beside it, and it stays theirs when the offer's code is another one.
    (offer,) = await offers(shop)
    assert given not in (await owner.get("/coupons?q=hello&status=redeemed")).text
    assert given in (await owner.get(f"/coupons?q=hello&status=issued&offer_id={offer['id']}")).text
    assert given not in (await owner.get("/coupons?q=hello&until=2001-01-01")).text
    changed = {"terms": offer["terms"] | {"fixed_code": "GREETING"}}
    assert (await shop.manage("PATCH", f"/offers/{offer['id']}", json=changed)).status_code == 200
    assert given in (await owner.get("/coupons?q=HELLO")).text
    assert given in (await owner.get("/search?q=hello")).text
    assert given not in (await owner.get("/coupons?q=greeting")).text
    for params, count in (({"code": "hello"}, 1), ({"code": "hello", "status": "redeemed"}, 0), ({"code": "x"}, 0)):
        assert len((await shop.manage("GET", "/coupons", params=params)).json()["items"]) == count


async def test_an_offer_is_for_members_of_chosen_segments(shop: Shop, owner: Browser) -> None:
    assert "Only for segments" not in (await owner.get("/offers/new")).text
    one = (await shop.manage("POST", "/segments", json={"name": "Champions"})).json()["id"]
    assert "Champions" in (await owner.get("/offers/new")).text
    assert "for members of chosen segments" in (await owner.post("/offers/sentence", **FORM, segments=one)).text
    path = await made(owner, segments=one)
    (item,) = await offers(shop)
    assert item["terms"]["segments"] == [one]
    assert f'value="{one}" checked' in (await owner.get(path)).text
    assert (await owner.post("/offers/new", **FORM, segments="no-such")).status_code == 422
    assert (await owner.post(path, **FORM)).status_code == 303
    (item,) = await offers(shop)
    assert item["terms"]["segments"] == []
