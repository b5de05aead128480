"""Every route that clients of the older system call, as they call it: pages, date-times, floats, nulls, forms."""

from typing import Any

import pytest

from regulars.api.merchant import merchant
from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, a_shop, an_order
from tests.stories.test_coupons import OFFER

_GIF = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQMAAAAl21bKAAAAA1BMVEUAAACnej3aAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="  # noqa: E501
NOBODY = "00000000-0000-0000-0000-000000000000"
WHO = {"lead_id": "{lead}"}
DETAILS = {"email": "new@example.com", "mobile": None, "country": "ind", "dob": "1990-05-26T00:00:00.000Z"}
CREDIT = {**WHO, "title": "Late", "description": None, "amount": 12.0, "operation": "cr"}
PRODUCT = {"reference_product_source": "shopify", "reference_product_id": 8198, "name": "Asha", "metadetail": None}
FRIEND = {"referred_by_referral_code": "{code}", "name": "Ben", "metadetail": {"email": "ben@example.com"}}
MOBILE = {"referred_by_referral_code": "{code}", "name": "Cem"}
LISTS = {"page": "1.0", "limit": "6", "sort": "created_at", "sort_op": "DESC"}

POSTED: dict[str, dict[str, Any]] = {
    "/activities": {"trigger_id": "{trigger}", "customer_id": "shopify-9001", "referral_code": None,
                     "metadetail": {"dob": "1990-05-26T00:00:00.000Z", "gender": "female"},
                     "trace": {"params_for_activityrule": {"evaluation_id": NOBODY, "evaluation_type": "orders",
                                                           "count": 1.0, "amount": 12.0}}},
    "/leads": {"customer_id": "shopify-9002", "name": "New", "metadetail": DETAILS},
    "/wallettransactions": CREDIT | {"hash": "h-1"},
    "/creditwallettransactions": CREDIT | {"hash": "h-2"},
    "/offerrewards": {"offer_id": "{offer}", **WHO, "customer_id": None},
    "/offerredeems": {"offer_id": "{offer}", **WHO, "step": None, "coin_amount": 10.0},
    "/publicofferrewards": {"publicoffer_id": "{public}", **WHO},
    "/publicofferredeems": {"publicoffer_id": "{public}", **WHO, "step": None, "coin_amount": 10.0},
    "/leads-referral-via-email": FRIEND,
    "/leads-referral-via-mobile": MOBILE | {"metadetail": {"mobile": "9876500001", "country": "ind"}},
    "/leads-invite-via-email": FRIEND | {"metadetail": {"email": "dee@example.com"}},
    "/leads-invite-via-mobile": MOBILE | {"metadetail": {"mobile": "9876500002", "country": "ind"}},
    "/reviews": PRODUCT | WHO | {"rating": 5.0, "description": "It fits.", "order_id": 1028},
    "/qnas": PRODUCT | WHO | {"question": "Is it warm?"},
    "/uploads": {"file": _GIF, "parent_id": "{review}", "parent_type": "reviews", "position": 1.0},
}  # fmt: skip
READ: dict[str, dict[str, str]] = {
    "/leads/{lead}": {"customer_id": "shopify-1001", "referral_code": "{code}", "email": "", "mobile": ""},
    "/wallettransactions": LISTS | WHO | {"operation": "cr"},
    "/wallettransactions/{txn}": {},
    "/creditwallettransactions": LISTS | WHO,
    "/creditwallettransactions/{credit}": {},
    "/coupons": LISTS | WHO | {"offer_id": "{offer}"},
    "/coupons/{coupon}": WHO,
    "/publiccoupons": LISTS | WHO | {"publicoffer_id": "{public}"},
    "/publiccoupons/{publiccoupon}": WHO,
    "/triggers": LISTS | {"id": "{trigger}"},
    "/aggreegateddetails": {"tier": "gold"},
    "/aggreegatedoffers": {},
    "/referrals": LISTS | {"referred_by_lead_id": "{lead}"},
    "/referrals/{referral}": {"referred_by_lead_id": "{lead}"},
    "/reviews": LISTS | {"reference_product_id": "8198", "is_featured": "false", "is_verified": "true"},
    "/reviews/{review}": {},
    "/reviews-count": {"reference_product_id": "8198"},
    "/qnas": LISTS | {"reference_product_id": "8198"},
    "/qnas/{qna}": {},
    "/qnas-count": {},
}
MADE = {"/wallettransactions": "txn", "/creditwallettransactions": "credit", "/offerrewards": "coupon",
        "/publicofferrewards": "publiccoupon", "/reviews": "review", "/qnas": "qna"}  # fmt: skip


@pytest.fixture
async def ids(shop: Shop, partner_offer: str) -> dict[str, str]:
    """A shop with something to call every route about."""
    asha = (await shop.manage("POST", "/customers", json=ASHA)).json()
    await shop.manage("POST", "/orders", json=an_order(lines=[{"product_id": "8198", "amount": "129.90"}]))
    offer = (await shop.manage("POST", "/offers", json=OFFER | {"terms": OFFER["terms"] | {"coins": 10}})).json()  # type: ignore[operator]
    friends = {"on": True, "friend_offer": offer["id"], "coins": 5, "modes": ["link", "email", "mobile", "coupon"]}
    await shop.manage("PATCH", "/workspace", json={"settings": {"referrals": friends}})
    trigger = str((await shop.trigger(show_in_widget=True)).id)
    gift = {"operation": "cr", "amount": 100, "reason": "A gift"}
    await shop.manage("POST", f"/customers/{asha['id']}/transactions", json=gift)
    return {"lead": asha["id"], "code": asha["referral_code"], "offer": offer["id"], "trigger": trigger,
            "public": partner_offer}  # fmt: skip


@pytest.fixture
async def partner_offer(shop: Shop, clock: HandClock) -> str:
    another = await a_shop(shop.app, shop.client, clock.now(), "Bakery")
    body = OFFER | {"public": True}
    theirs = (await another.manage("POST", "/offers", json=body)).json()["id"]
    asked = (
        await shop.manage("POST", "/partnerships", json={"shop": another.id, "offer_id": theirs, "coins": 10})
    ).json()
    accepted = await another.manage("POST", f"/partnerships/{asked['id']}/accept")
    return str(accepted.json()["stand_in"])


def filled(said: Any, ids: dict[str, str]) -> Any:
    if isinstance(said, dict):
        return {name: filled(value, ids) for name, value in said.items()}
    return said.format(**ids) if isinstance(said, str) and not said.startswith("data:") else said


def flat(said: dict[str, Any], within: str = "") -> dict[str, str]:
    """As PHP clients write it: `metadetail[email]=a`, an empty field for null."""
    fields: dict[str, str] = {}
    for name, value in said.items():
        at = f"{within}[{name}]" if within else name
        fields |= flat(value, at) if isinstance(value, dict) else {at: "" if value is None else str(value)}
    return fields


@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
async def test_every_route_answers_as_older_clients_call_it(shop: Shop, ids: dict[str, str], form: bool) -> None:
    for path, said in POSTED.items():
        body = filled(said, ids)
        answer = await shop.merchant("POST", path, **({"data": flat(body)} if form else {"json": body}))
        item = answer.json()
        assert (answer.status_code, item["meta"]) == (200, {"status": "success", "code": 200}), (path, answer.text)
        if path in MADE:
            ids[MADE[path]] = item["data"]["item"]["_id"]
    await shop.manage("POST", f"/reviews/{ids['review']}/approve")
    await shop.manage("POST", f"/questions/{ids['qna']}/approve")
    ids["referral"] = (await shop.manage("GET", "/referrals")).json()["items"][0]["id"]
    named = await shop.merchant("PUT", f"/leads/{NOBODY}", params={"customer_id": "shopify-9002"}, **(
        {"data": {"name": "Renamed", "metadetail[gender]": "female"}} if form else
        {"json": {"name": "Renamed", "metadetail": {"gender": "female", "dob": None}}}
    ))  # fmt: skip
    assert (named.status_code, named.json()["meta"]["status"]) == (200, "success"), named.text
    for path, asked in READ.items():
        answer = await shop.merchant("GET", path.format(**ids), params=filled(asked, ids), key=shop.read_key)
        meta, data = answer.json()["meta"], answer.json()["data"]
        assert (answer.status_code, meta) == (200, {"status": "success", "code": 200}), (path, answer.text)
        if asked.get("page"):
            assert min(data["count"], len(data["items"])) >= 1, (path, data)


async def test_every_route_of_the_merchant_api_is_tried_here(shop: Shop) -> None:
    named = [f"POST {path}" for path in POSTED] + ["PUT /leads/{id}"]
    named += [f"GET {path.partition('{')[0]}{'{id}' if '{' in path else ''}" for path in READ]
    assert sorted(named) == sorted(f"{one.method} {one.path}" for one in merchant.operations)
