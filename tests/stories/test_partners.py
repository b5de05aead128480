"""Offers that one shop has and another sells to its own customers."""

import asyncio
from typing import Any

import httpx
import pytest

from regulars import worker
from regulars.kit.clock import HandClock
from regulars.wiring import App
from regulars.worker import Carriers
from tests.doors import ASHA, a_shop, an_order
from tests.make import audited
from tests.stories.browsing import Browser, person, signed_in
from tests.stories.test_coupons import Till

GIVER, SELLER, STRANGER = "Bakery", "Roastery", "Florist"


class Street:
    """Three shops on one server: one has an offer, one sells it, one has nothing to do with it."""

    def __init__(self, giver: Till, seller: Till, stranger: Till, offer: dict[str, Any]) -> None:
        self.giver, self.seller, self.stranger, self.offer = giver, seller, stranger, offer

    async def ask(self, till: Till | None = None, **more: Any) -> httpx.Response:
        body = {"shop": self.giver.shop.id, "offer_id": self.offer["id"], "coins": 40} | more
        return await (till or self.seller).shop.manage("POST", "/partnerships", json=body)

    async def agreed(self) -> str:
        """The `publicoffer_id`."""
        one = (await self.ask()).json()
        accepted = await self.giver.shop.manage("POST", f"/partnerships/{one['id']}/accept")
        assert (accepted.status_code, accepted.json()["side"]) == (200, "gives"), accepted.text
        return str(accepted.json()["stand_in"])

    async def buy(self, id: str, route: str = "publicofferredeems", **more: Any) -> httpx.Response:
        body = {"publicoffer_id": id, "customer_id": ASHA["customer_id"]} | more.pop("json", {})
        return await self.seller.shop.merchant("POST", f"/{route}", json=body, **more)

    async def work(self) -> None:
        app = self.giver.shop.app
        await worker.drain(app.db, Carriers(app.box), app.http, clock=app.clock)
        for till in (self.giver, self.seller):
            assert await audited(app.db, till.shop.workspace.id) is None

    async def report(self, till: Till, **asked: str) -> list[tuple[Any, ...]]:
        found = (await till.shop.manage("GET", "/partnerships", params=asked)).json()["items"]
        return [(one["status"], one["given"], one["used"], one["taken_off_minor"]) for one in found]


@pytest.fixture
async def street(app: App, client: httpx.AsyncClient, clock: HandClock) -> Street:
    tills = [Till(await a_shop(app, client, clock.now(), name)) for name in (GIVER, SELLER, STRANGER)]
    offer = await tills[0].offer(coins=500, stock=3, expires_after_days=30, minimum_cart=20)
    await tills[0].shop.manage("PATCH", f"/offers/{offer['id']}", json={"public": True})
    await tills[1].asha()
    return Street(*tills, offer)


async def test_what_is_not_public_no_other_shop_learns_of_and_of_what_is_only_its_face(street: Street) -> None:
    giver, stranger = street.giver.shop, street.stranger.shop
    path, shop = f"/public-offers/{street.offer['id']}", {"shop": giver.id}
    seen = await stranger.manage("GET", path, params=shop)
    assert seen.json() == {"shop": GIVER, "offer": "$5 Off",
                           "description": "Minimum cart amount of $20", "currency_code": "usd"}  # fmt: skip
    assert (await stranger.manage("GET", f"/offers/{street.offer['id']}")).status_code == 404
    await giver.manage("PATCH", f"/offers/{street.offer['id']}", json={"public": False})
    for asked in (shop, {"shop": "nobody"}):
        assert (await stranger.manage("GET", path, params=asked)).json()["code"] == "offer_unknown"
    assert (await street.ask()).json()["code"] == "offer_unknown"
    # What would ask for customers that it can't know is not made public.
    for terms in ({"tiers": ["Gold"]}, {"first_order_only": True}, {"code": "fixed", "fixed_code": "ALL"}):
        body = {"public": True, "terms": terms}
        refused = await giver.manage("PATCH", f"/offers/{street.offer['id']}", json=body)
        assert (refused.status_code, list(refused.json()["fields"])) == (422, ["public"])


async def test_an_offer_is_asked_for_refused_asked_for_again_and_accepted_by_its_shop_alone(street: Street) -> None:
    giver, seller, stranger = (till.shop for till in (street.giver, street.seller, street.stranger))
    own = await street.ask(street.giver)
    assert (own.status_code, list(own.json()["fields"])) == (422, ["shop"])
    one = (await street.ask()).json()
    assert (one["side"], one["partner"], one["status"], one["stand_in"]) == ("sells", GIVER, "asked", None)
    assert (await street.ask()).status_code == 409
    path = f"/partnerships/{one['id']}"
    assert (await seller.manage("POST", f"{path}/accept")).json()["code"] == "not_agreed"
    for verb in ("accept", "end"):
        assert (await stranger.manage("POST", f"{path}/{verb}")).status_code == 404
    assert (await giver.manage("POST", f"{path}/end")).json()["status"] == "refused"
    assert (await giver.manage("POST", f"{path}/accept")).json()["code"] == "not_agreed"
    assert (await seller.manage("GET", path)).json()["status"] == "refused"
    stand_in = await street.agreed()
    [here] = (await seller.manage("GET", "/offers")).json()["items"]
    assert (here["id"], here["terms"]["code"], here["terms"]["coins"]) == (stand_in, "partner", 40)
    assert here["terms"]["description"] == f"Minimum cart amount of $20. At {GIVER}."
    # What it gives is for its shop to say.
    refused = await seller.manage("PATCH", f"/offers/{stand_in}", json={"terms": {"value": 50}})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["code"])
    assert (await seller.manage("PATCH", f"/offers/{stand_in}", json={"name": "Bread"})).status_code == 200
    assert [await street.report(till) for till in (street.giver, street.seller, street.stranger)] == [
        [("accepted", 0, 0, 0), ("refused", 0, 0, 0)],
        [("accepted", 0, 0, 0), ("refused", 0, 0, 0)],
        [],
    ]


async def test_what_one_shop_sells_is_used_in_the_other_and_both_come_to_the_same(
    street: Street, clock: HandClock
) -> None:
    giver, seller = street.giver.shop, street.seller.shop
    id = await street.agreed()
    wrong = await street.buy(id, json={"coin_amount": 39})
    assert (wrong.status_code, wrong.json()["data"]["code"]) == (422, "price_changed")
    key = {"Idempotency-Key": "bread-1"}
    bought = (await street.buy(id, key=seller.read_key, send=key)).json()["data"]["item"]
    again = (await street.buy(id, key=seller.read_key, send=key)).json()["data"]["item"]
    assert (bought["coin_amount"], bought["publicoffer_id"], await street.seller.available()) == (40, id, 210)
    assert again == bought
    given = (await street.buy(id, "publicofferrewards")).json()["data"]["item"]
    assert (given["type"], given["coin_amount"], await street.seller.available()) == ("reward", 0, 210)
    # The code is good in its shop, for whoever brings it, and nowhere else.
    cart = {"cart": {"amount": "50"}}
    for shop, code in ((seller, bought["value"]), (giver, "nonsense")):
        assert (await shop.manage("POST", f"/coupons/{code}/validate", json=cart)).status_code == 404
    used = await giver.manage("POST", f"/coupons/{bought['value']}/redeem", json=cart | {"reference": "B-1"})
    assert (used.status_code, used.json()["taken_off"]) == (200, 5), used.text
    order = an_order("B-2", coupon_codes=[given["value"]], discount="5")
    assert (await giver.manage("POST", "/orders", json=order)).status_code == 200
    await street.work()
    mine = (await seller.manage("GET", "/coupons")).json()["items"]
    assert [(one["status"], one["reference"]) for one in mine] == [("redeemed", "B-2"), ("redeemed", "B-1")]
    # Its order is cancelled there: the coupon is good again, here too.
    clock.advance(seconds=60)
    void = order | {"status": "cancelled", "updated_at": clock.now().isoformat()}
    assert (await giver.manage("POST", "/orders", json=void)).status_code == 200
    await street.work()
    assert (await seller.manage("GET", "/coupons")).json()["items"][0]["status"] == "issued"
    reports = [await street.report(till) for till in (street.giver, street.seller)]
    assert reports[0] == reports[1] == [("accepted", 2, 1, 500)]
    later = {"since": "2099-01-01T00:00:00Z"}
    assert await street.report(street.giver, **later) == [("accepted", 0, 0, 0)]
    # Nobody of the one shop is known to the other.
    people = (await giver.manage("GET", "/customers")).json()["items"]
    assert {one["name"] for one in people} == {SELLER, ASHA["name"]}  # who ordered there
    assert ASHA["customer_id"] not in {one["customer_id"] for one in people} or len(people) == 2
    lists = {"lead_id": bought["lead_id"]}
    public = (await seller.merchant("GET", "/publiccoupons", params=lists)).json()["data"]
    assert (public["count"], [one["publicoffer_id"] for one in public["items"]]) == (2, [id, id])
    assert (await seller.merchant("GET", "/coupons", params=lists)).json()["data"]["count"] == 0
    one = await seller.merchant("GET", f"/publiccoupons/{bought['_id']}", params=lists)
    assert one.json()["data"]["item"]["value"] == bought["value"]


async def test_a_stock_is_one_stock_whoever_sells_and_who_is_refused_has_paid_nothing(street: Street) -> None:
    id = await street.agreed()
    answers = await asyncio.gather(*(street.buy(id) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [200] * 3 + [422] * 2
    assert {one.json()["data"]["code"] for one in answers if one.status_code == 422} == {"offer_limit_reached"}
    assert await street.seller.available() == 250 - 3 * 40
    await street.work()
    # Who has too few coins takes nothing of the other shop's stock, and a coupon that is cancelled gives back both.
    [newest, *_] = (await street.seller.shop.manage("GET", "/coupons")).json()["items"]
    await street.seller.shop.manage("POST", f"/coupons/{newest['id']}/cancel")
    await street.work()
    assert [one["status"] for one in (await street.giver.shop.manage("GET", "/coupons")).json()["items"]] == [
        *("cancelled", "issued", "issued")
    ]
    assert (await street.seller.available(), await street.report(street.giver)) == (170, [("accepted", 2, 0, 0)])


async def test_once_it_is_ended_or_not_public_nothing_more_is_sold_and_what_is_out_stays_good(street: Street) -> None:
    giver, seller = street.giver.shop, street.seller.shop
    id = await street.agreed()
    code = (await street.buy(id)).json()["data"]["item"]["value"]
    path = f"/offers/{street.offer['id']}"
    await giver.manage("PATCH", path, json={"terms": {"minimum_cart": 30}})
    dearer = (await street.buy(id)).json()["data"]["item"]
    assert dearer["minimumcart_amount"] == 30
    await giver.manage("PATCH", path, json={"public": False})
    assert (await street.buy(id)).json()["data"]["code"] == "offer_closed"
    await giver.manage("PATCH", path, json={"public": True})
    [one] = (await seller.manage("GET", "/partnerships")).json()["items"]
    assert (await seller.manage("POST", f"/partnerships/{one['id']}/end")).json()["status"] == "ended"
    assert (await street.buy(id)).json()["data"]["code"] == "offer_closed"
    used = await giver.manage("POST", f"/coupons/{code}/redeem", json={"cart": {"amount": "50"}, "reference": "B-1"})
    assert used.status_code == 200
    await street.work()
    assert await street.report(street.seller) == await street.report(street.giver) == [("ended", 2, 1, 500)]


async def test_owners_ask_answer_and_settle_on_their_pages(street: Street) -> None:
    giver, seller, stranger = [
        await signed_in(till.shop, await person(till.shop, name))
        for till, name in ((street.giver, "ann"), (street.seller, "ben"), (street.stranger, "cem"))
    ]
    link = f"/partners/new?shop={street.giver.shop.id}&offer_id={street.offer['id']}"
    assert link.replace("&", "&amp;") in (await giver.get(f"/offers/{street.offer['id']}")).text
    asking = (await seller.get(link)).text
    assert (f"{GIVER} gives $5 Off" in asking, street.offer["id"] in asking) == (True, True)
    form = {"shop": street.giver.shop.id, "offer_id": street.offer["id"], "coins": "40"}
    assert (await seller.post("/partners/new", **form)).status_code == 303
    twice = await seller.post("/partners/new", **form)
    assert (twice.status_code, "asked for this offer before" in twice.text) == (422, True)
    [one] = (await street.giver.shop.manage("GET", "/partnerships")).json()["items"]

    async def shown(browser: Browser) -> str:
        return (await browser.get("/partners")).text

    assert ("Accept" in await shown(giver), "Accept" in await shown(seller)) == (True, False)
    assert "Nothing is agreed on" in await shown(stranger)
    assert (await giver.post(f"/partners/{one['id']}/answer", verb="accept")).status_code == 303
    id = (await street.seller.shop.manage("GET", "/partnerships")).json()["items"][0]["stand_in"]
    code = (await street.buy(id)).json()["data"]["item"]["value"]
    redeem = {"cart": {"amount": "50"}, "reference": "B-1"}
    await street.giver.shop.manage("POST", f"/coupons/{code}/redeem", json=redeem)
    await street.work()
    files = [(await browser.get("/partners.csv")).text.splitlines()[1] for browser in (giver, seller)]
    assert files[0].startswith(f"$5 Off,{SELLER},Yours,Agreed,1,1,5.00,,"), files
    assert files[1].startswith(f"$5 Off,{GIVER},Theirs,Agreed,1,1,5.00,40,"), files
