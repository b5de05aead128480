"""Friends are referred at the doors: claimed, looked at, rewarded by their first order, and taken back with it."""

import asyncio
from typing import Any

import httpx
import pytest

from regulars import limits, referrals, tenancy, tiers
from regulars.api.app import Doors
from regulars.kit.clock import HandClock
from regulars.referrals import Friend
from regulars.schedule import Due
from tests.doors import ASHA, Shop, an_order
from tests.make import audited, done, some_customers

FIVE = {"name": "Five off", "terms": {"discount": "amount", "value": 5, "code_prefix": "HELLO-"}}
RAVI = {"customer_id": "shopify-2002", "name": "Ravi", "email": "Ravi.R+sale@example.com"}


class Street:
    """A shop with referrals, one of its customers, and friends who come along."""

    def __init__(self, shop: Shop, clock: HandClock) -> None:
        self.shop, self.clock = shop, clock
        self.asha: dict[str, Any] = {}

    async def open(self, **rules: Any) -> None:
        offer = (await self.shop.manage("POST", "/offers", json=FIVE)).json()["id"]
        said = {"on": True, "friend_offer": offer, "coins": 500, "return_days": 14} | rules
        said |= {"offer": offer} if said.get("reward") == "coupon" else {}
        answer = await self.shop.manage(
            "PATCH", "/workspace", json={"settings": {"referrals": said}, "events_on": True}
        )
        assert answer.status_code == 200, answer.text
        async with self.shop.app.db.reading() as tx:
            self.shop.workspace = await tenancy.get_workspace(tx, self.shop.workspace.id)
        self.asha = self.asha or await self.customer(ASHA)

    async def customer(self, details: dict[str, Any]) -> dict[str, Any]:
        answer = await self.shop.manage("POST", "/customers", json=details)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def claim(self, email: str = "ravir@example.com", code: str = "", **more: Any) -> Any:
        body = {"referred_by_referral_code": code or self.asha["referral_code"], "metadetail": {"email": email}}
        return await self.shop.merchant("POST", "/leads-referral-via-email", json=body | more)

    async def order(self, customer: dict[str, Any] = RAVI, reference: str = "1", **more: Any) -> None:
        said = an_order(reference, customer=customer, **{"placed_at": self.clock.now().isoformat()} | more)
        answer = await self.shop.manage("POST", "/orders", json=said)
        assert answer.status_code == 200, answer.text

    async def pass_days(self, days: int) -> None:
        for _ in range(2):
            await done(self.shop.app.db, self.clock)
        self.clock.advance(seconds=days * 86_400)
        for _ in range(2):
            await done(self.shop.app.db, self.clock)

    async def one(self, **params: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.shop.manage("GET", "/referrals", params=params)).json()["items"][0]
        return found

    async def coins(self) -> int:
        found: int = (await self.shop.lead(ASHA["customer_id"]))["wallet"]["available"]
        return found

    async def told(self, topic: str) -> list[dict[str, Any]]:
        rows = (await self.shop.manage("GET", "/events", params={"topic": topic})).json()["items"]
        return [row["body"] for row in rows]


@pytest.fixture
def street(shop: Shop, clock: HandClock) -> Street:
    return Street(shop, clock)


async def test_a_friend_orders_and_both_have_their_reward_until_it_comes_back(street: Street, shop: Shop) -> None:
    await street.open()
    claimed = (await street.claim(name="Ravi")).json()["data"]["item"]
    assert claimed["status"] == "claimed"
    again = (await street.claim("RAVI.R@example.com")).json()["data"]["item"]
    assert again["_id"] == claimed["_id"], "case, dots and tags apart it is the same friend"
    (ready,) = await street.told("refereenotify_create")
    assert ready["coupon_value"].startswith("HELLO-")
    assert (ready["user_email"], ready["referral_mode"], ready["status"]) == ("ravir@example.com", "email", "claimed")
    await street.order(coupon_codes=[ready["coupon_value"]])
    await street.pass_days(0)
    assert ((await street.one())["state"], await street.coins()) == ("pending", 0)
    await street.pass_days(14)
    await street.pass_days(1)
    assert ((await street.one())["state"], await street.coins()) == ("completed", 500)
    (told,) = await street.told("referrernotify_create")
    assert told["wallettransaction_amount"] == told["wallettransaction_closing_balance"] == 500
    assert told["wallettransaction_title"] == "Referral reward"
    assert told["wallettransaction_id"] == told["meta__referred_by_wallettransaction_id"] != ""
    assert "coupon_name" not in told
    friend = await shop.lead(RAVI["customer_id"])
    assert told["referred_to_lead_id"] == friend["_id"], "whom the shop knows by now"
    assert friend["referred_by_referral_code"] == street.asha["referral_code"]
    coupons = (await shop.manage("GET", "/coupons", params={"customer_id": RAVI["customer_id"]})).json()["items"]
    assert [one["status"] for one in coupons] == ["redeemed"], "theirs by now"
    later: dict[str, Any] = {"updated_at": street.clock.now().isoformat()}
    await street.order(status="cancelled", **later)
    assert ((await street.one())["state"], await street.coins()) == ("reversed", 0)
    coupons = (await shop.manage("GET", "/coupons", params={"customer_id": RAVI["customer_id"]})).json()["items"]
    assert [one["status"] for one in coupons] == ["cancelled"]
    street.clock.advance(seconds=60)
    later = {"updated_at": street.clock.now().isoformat()}
    await street.order(status="pending", **later)
    assert ((await street.one())["state"], await street.coins()) == ("completed", 500), "it was withdrawn"
    assert await audited(shop.app.db, shop.workspace.id) is None


@pytest.mark.parametrize(
    ("email", "code", "refused"),
    [
        ("A.sha+me@EXAMPLE.com", "", "self_referral"),
        ("ben@example.com", "nobody-has-it", "referral_code_unknown"),
        ("dora@example.com", "", "already_customer"),
        ("emil@example.com", "", "already_referred"),
    ],
)
async def test_who_can_not_be_referred_is_told_why(street: Street, email: str, code: str, refused: str) -> None:
    await street.open()
    dora = {"customer_id": "shopify-3003", "email": "dora@example.com"}
    await street.order(dora)
    dora = await street.customer({"customer_id": "shopify-3004", "email": "other@example.com"})
    await street.claim("emil@example.com", dora["referral_code"])
    answer = await street.claim(email, code)
    assert (answer.status_code, answer.json()["data"]["code"]) == (422, refused)
    assert len((await street.shop.manage("GET", "/referrals")).json()["items"]) == 1


async def test_a_friend_who_is_claimed_by_many_at_once_is_one_persons(street: Street) -> None:
    await street.open()
    others = [await street.customer({"customer_id": f"shopify-90{n:02}"}) for n in range(4)]
    codes = [street.asha["referral_code"], *(one["referral_code"] for one in others)]
    answers = await asyncio.gather(*(street.claim(code=code) for code in codes * 2))
    taken = [one.json()["data"]["item"]["_id"] for one in answers if one.status_code == 200]
    assert (len(taken), len(set(taken))) == (2, 1)
    assert {one.json()["data"]["code"] for one in answers if one.status_code != 200} == {"already_referred"}
    assert len(await street.told("refereenotify_create")) == 1


async def test_no_more_friends_earn_a_reward_than_a_shop_allows_however_many_order_at_once(street: Street) -> None:
    await street.open(per_referrer_max=2, return_days=0)
    friends = [{"customer_id": f"shopify-friend-{n}", "email": f"friend{n}@example.com"} for n in range(6)]
    for friend in friends:
        await street.claim(friend["email"])
    await asyncio.gather(*(street.order(friend, str(n)) for n, friend in enumerate(friends)))
    app = street.shop.app
    await asyncio.gather(*(done(app.db, street.clock) for _ in range(3)))
    await street.pass_days(1)
    found = (await street.shop.manage("GET", "/referrals")).json()["items"]
    assert sorted(one["state"] for one in found) == ["completed"] * 2 + ["rejected"] * 4
    assert await street.coins() == 1_000
    assert "2 this month already" in next(one["reason"] for one in found if one["state"] == "rejected")


async def test_a_reward_is_given_once_whatever_stops_and_comes_again(street: Street, shop: Shop) -> None:
    await street.open(return_days=0)
    await street.claim()
    await street.order()
    await done(shop.app.db, street.clock)
    due = [Due(referrals.SETTLE, (await street.one())["id"], street.clock.now())]

    async def stops() -> None:
        async with shop.app.db.transaction() as tx:
            await referrals.settle(tx, shop.workspace, due * 2, street.clock.now())
            raise RuntimeError("the power goes out")

    with pytest.raises(RuntimeError):
        await stops()
    for _ in range(3):
        async with shop.app.db.transaction() as tx:
            await referrals.settle(tx, shop.workspace, due, street.clock.now())
    assert ((await street.one())["state"], await street.coins()) == ("completed", 500)
    assert len(await street.told("referrernotify_create")) == 1


async def test_a_ring_of_fifty_waits_to_be_looked_at(street: Street, shop: Shop, clock: HandClock) -> None:
    await street.open(return_days=0)
    names = [f"Ring{n:02}" for n in range(50)]
    people = list((await some_customers(shop.app.db, shop.workspace, clock.now(), *names)).values())
    async with shop.app.db.transaction() as tx:
        for by, who in zip(people, [*people[1:], people[0]], strict=True):
            friend = Friend(referral_code=by.referral_code, mode="email", email=who.email)
            claimed = await referrals.claim(tx, shop.workspace, friend, clock.now())
    assert (claimed.coupon, claimed.referral.review) == (None, "waiting")
    waiting = (await shop.manage("GET", "/referrals", params={"review": "waiting", "limit": 100})).json()["items"]
    assert len(waiting) == 50
    assert {one["verdicts"]["ring"] for one in waiting} == {"50 customers refer each other in a circle."}
    await street.order({"customer_id": people[1].customer_id, "email": people[1].email})
    await street.pass_days(1)
    assert (await street.one(friend_id=str(people[1].id)))["state"] == "qualified"
    assert not await street.told("referrernotify_create")


async def test_somebody_looks_at_what_is_suspicious_and_it_is_written_down(street: Street, shop: Shop) -> None:
    await street.open(per_day_max=1, return_days=0)
    for n in range(3):
        await street.claim(f"friend{n}@example.com")
    waiting = (await shop.manage("GET", "/referrals", params={"review": "waiting"})).json()["items"]
    assert [list(one["verdicts"]) for one in waiting] == [["velocity"], ["velocity"]]
    assert not any(one["friend_coupon_id"] for one in waiting), "nobody gets anything before"
    good, bad = (one["id"] for one in waiting)
    said = (await shop.manage("POST", f"/referrals/{good}/approve")).json()
    assert (said["review"], bool(said["friend_coupon_id"])) == ("approved", True)
    said = (await shop.manage("POST", f"/referrals/{bad}/reject", json={"reason": "Twins"})).json()
    assert (said["state"], said["reason"], said["review"]) == ("rejected", "Twins", "rejected")
    assert said["actor"].startswith("key:")
    again = await shop.manage("POST", f"/referrals/{bad}/reject", json={})
    assert (again.status_code, again.json()["code"]) == (409, "referral_ended")
    await street.order({"customer_id": "shopify-4004", "email": "friend2@example.com"})
    await street.pass_days(1)
    assert await street.coins() == 500, "who was approved is not asked about again"
    lines = (await shop.manage("GET", "/audit")).json()["items"]
    assert {"referral.approve", "referral.reject"} <= {line["act"] for line in lines}
    funnel = (await shop.manage("GET", "/referrals/funnel")).json()
    assert (funnel["states"]["completed"], funnel["states"]["claimed"], funnel["waiting"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("rules", "order", "state"),
    [
        ({"minimum_order": 200}, {}, "claimed"),
        ({"minimum_order": 100}, {}, "pending"),
        ({}, {"financial_status": "pending"}, "claimed"),
        ({}, {"status": "cancelled"}, "claimed"),
        ({}, {"refunds": [{"refund_id": "a", "amount": "129.90"}], "financial_status": "paid"}, "claimed"),
    ],
)
async def test_an_order_qualifies_that_is_as_asked_for(
    street: Street, rules: dict[str, Any], order: dict[str, Any], state: str
) -> None:
    await street.open(**rules)
    await street.claim()
    await street.order(**order)
    await done(street.shop.app.db, street.clock)
    assert (await street.one())["state"] == state


async def test_a_friend_whose_order_is_void_in_its_window_may_order_anew(street: Street) -> None:
    await street.open(minimum_order=100)
    await street.claim()
    await street.order()
    await done(street.shop.app.db, street.clock)
    street.clock.advance(seconds=60)
    at = street.clock.now().isoformat()
    small: dict[str, Any] = {
        "refunds": [{"refund_id": "a", "amount": "29.90"}],
        "updated_at": at,
        "financial_status": "partially_refunded",
    }
    await street.order(**small)
    assert (await street.one())["state"] == "pending", "enough is left"
    street.clock.advance(seconds=60)
    at = street.clock.now().isoformat()
    await street.order(**small | {"refunds": [{"refund_id": "a", "amount": "30.00"}], "updated_at": at})
    assert (await street.one())["state"] == "claimed", "too little is left"
    await street.order(status="cancelled", updated_at=street.clock.now().isoformat())
    await street.order(reference="2")
    await street.pass_days(15)
    assert ((await street.one())["state"], await street.coins()) == ("completed", 500)


async def test_the_referrers_reward_may_be_a_coupon(street: Street, shop: Shop) -> None:
    await street.open(reward="coupon", return_days=0)
    await street.claim()
    await street.order()
    await street.pass_days(1)
    (told,) = await street.told("referrernotify_create")
    assert told["coupon_value"].startswith("HELLO-")
    assert told["coupon_id"] == told["meta__referred_by_coupon_id"] == (await street.one())["coupon_id"]
    assert "wallettransaction_title" not in told
    said = await shop.manage("POST", f"/referrals/{told['referral_id']}/reject", json={})
    assert said.json()["state"] == "reversed"
    coupon = (await shop.manage("GET", f"/coupons/{told['coupon_id']}")).json()
    assert (coupon["status"], coupon["type"]) == ("cancelled", "referral")


async def test_a_code_that_is_entered_at_the_checkout_is_a_referral(street: Street) -> None:
    await street.open(modes=["coupon"], return_days=0)
    await street.order(coupon_codes=[street.asha["referral_code"].upper()])
    await street.pass_days(1)
    found = await street.one()
    assert (found["state"], found["mode"], found["friend_coupon_id"]) == ("completed", "coupon", None)
    (told,) = await street.told("referrernotify_create")
    assert told["user_referral_coupon_code"] == street.asha["referral_code"]


async def test_a_customer_invites_and_an_older_client_reads_it(street: Street, shop: Shop) -> None:
    await street.open()
    body = {"referred_by_referral_code": street.asha["referral_code"], "name": "Ravi"}
    body |= {"metadetail": {"mobile": "919800000000", "country": "ind", "dob": None}}
    invited = (await shop.merchant("POST", "/leads-invite-via-mobile", json=body)).json()["data"]["item"]
    assert (invited["status"], invited["referral_mode"]) == ("invited", "mobile")
    (told,) = await street.told("refereenotify_create")
    assert (told["status"], told["coupon_id"], told["user_mobile"]) == ("invited", "", "+919800000000")
    wrong = await shop.merchant("POST", "/leads-invite-via-email", json=body)
    assert wrong.json()["data"]["fields"].keys() == {"metadetail.email"}
    claimed = (await shop.merchant("POST", "/leads-referral-via-mobile", json=body)).json()["data"]["item"]
    assert (claimed["_id"], claimed["status"]) == (invited["_id"], "claimed")
    whose = {"referred_by_lead_id": street.asha["id"], "page": 1, "limit": 6, "sort": "created_at", "sort_op": "DESC"}
    listed = (await shop.merchant("GET", "/referrals", params=whose)).json()
    assert (listed["meta"]["status"], listed["data"]) == ("success", {"items": [claimed], "count": 1})
    friends = {"referred_to_lead_id": claimed["referred_to_lead_id"]}
    one = await shop.merchant("GET", f"/referrals/{claimed['_id']}", params=friends)
    assert one.json()["data"]["item"] == claimed
    assert (await shop.merchant("GET", "/referrals")).status_code == 422


async def test_a_friend_who_does_not_order_is_reminded_as_often_as_the_shop_says(street: Street, shop: Shop) -> None:
    await street.open()
    rules = {"referral_days": 3, "referral_times": 2, "referral_gap_days": 2}
    await shop.manage("PATCH", "/workspace", json={"settings": {"reminders": rules}})
    await street.claim()
    counts = []
    for _ in range(8):
        await street.pass_days(1)
        counts.append(len(await street.told("incompletereferralrequest_create")))
    assert counts == [0, 0, 0, 1, 1, 1, 2, 2], "at the shop's hour, which comes after this time of day"
    newest = (await street.told("incompletereferralrequest_create"))[0]
    assert (newest["meta__incompletereferralrequest_count"], newest["user_email"]) == (2, "ravir@example.com")


async def test_a_person_who_was_referred_is_taken_out_merged_and_erased(street: Street, shop: Shop) -> None:
    await street.open(return_days=0)
    await street.claim(name="Ravi")
    other = await street.customer({"customer_id": "shopify-7007", "name": "Asha"})
    merged = await shop.manage("POST", f"/customers/{street.asha['id']}/merge", json={"into": other["id"]})
    assert merged.status_code == 200
    await street.order()
    await street.pass_days(1)
    found = await street.one()
    assert (found["state"], found["referrer"]["id"]) == ("completed", other["id"])
    exported = (await shop.manage("GET", f"/customers/{found['friend']['id']}/export")).json()
    assert [one["id"] for one in exported["referrals"]] == [found["id"]]
    await shop.manage("DELETE", f"/customers/{found['friend']['id']}")
    after = await street.one()
    assert (after["name"], after["email"]) == ("", "")
    (told,) = await street.told("referrernotify_create")
    assert (told["referred_to_name"], told["referred_to_eid"]) == ("", "")


async def test_friends_who_were_referred_count_for_a_tier(street: Street, shop: Shop) -> None:
    await street.open(return_days=0)
    ladder = {"tiers": [{"key": "host", "name": "Host", "enter": {"referrals": 1}, "factors": {"referral": 2}}]}
    await shop.manage("PUT", "/tiers", json={"ladder": ladder})
    for n in range(2):
        await street.claim(f"friend{n}@example.com")
        await street.order({"customer_id": f"shopify-800{n}", "email": f"friend{n}@example.com"}, str(n))
        await street.pass_days(1)
        async with shop.app.db.transaction() as tx:
            await tiers.follow(tx, shop.workspace, street.clock.now())
    stands = (await shop.manage("GET", f"/customers/{street.asha['id']}/tier")).json()
    assert (stands["tier"], stands["reached"]["referrals"]) == ("host", 2)
    assert await street.coins() == 500 + 1_000, "the second by the tier's factor"


async def test_a_page_claims_no_more_from_one_address_than_the_page_of_a_code(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CLAIMS_FROM_MAX", 4)
    await street.open(same_address_max=2)
    transport = httpx.ASGITransport(Doors(shop.app), client=("9.9.9.8", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        for n in range(5):
            friend = {
                "metadetail": {"email": f"f{n}@example.com"},
                "referred_by_referral_code": street.asha["referral_code"],
            }
            headers = shop.headers(shop.storefront_key)
            answer = await client.post("/api/v2/merchant/leads-referral-via-email", headers=headers, json=friend)
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    found = (await shop.manage("GET", "/referrals")).json()["items"]
    assert [one["review"] for one in found] == ["waiting", "waiting", "", ""]
    for address in ("F0@\uff45xample.com", "f.0+x@example\u3002com"):
        assert (await street.claim(address)).json()["data"]["item"]["_id"] == found[-1]["id"]
