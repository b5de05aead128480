"""What stands beside referrals: triggers that react to them, and the address where orders go."""

import base64
import hmac
import json

import pytest

from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop
from tests.make import audited, done
from tests.selling import SECRET, connected
from tests.stories.test_referrals import RAVI, Street


@pytest.fixture
def street(shop: Shop, clock: HandClock) -> Street:
    return Street(shop, clock)


async def test_triggers_give_both_something_while_a_referral_is_complete(street: Street, shop: Shop) -> None:
    await street.open()
    both = {"name": "Both", "source": "referral", "rule": {"coins_min": 7, "per_month_max": 5}}
    only = {"all": [{"property": "referral_role", "operator": "is", "value": "friend"}]}
    friend = {"name": "Friends", "source": "referral", "rule": {"coins_min": 40, "condition": only}}
    made = []
    for body in (both, friend):
        answer = await shop.manage("POST", "/triggers", json=body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    assert made[0]["sentence"].startswith("When a referral is complete, for each of the two, it gives 7 coins")
    assert "who it is for is the friend" in made[1]["sentence"]

    async def have() -> tuple[int, int]:
        ravi: int = (await shop.lead(RAVI["customer_id"]))["wallet"]["available"]
        return await street.coins(), ravi

    simulated = {"customer_id": ASHA["customer_id"]}
    nothing = await shop.manage("POST", f"/triggers/{made[0]['id']}/simulate", json=simulated)
    assert nothing.status_code == 422, "nobody was told yet"
    await street.claim(name="Ravi")
    await street.order()
    await street.pass_days(14)
    await street.pass_days(1)
    assert await have() == (507, 47)
    tried = (await shop.manage("POST", f"/triggers/{made[1]['id']}/simulate", json=simulated)).json()
    assert (tried["state"], tried["reason"]) == ("refused", "conditions_not_met"), "she is the one who told"
    why = (
        await shop.manage("GET", "/why", params={"trigger_id": made[1]["id"], "customer_id": RAVI["customer_id"]})
    ).json()
    assert "40 coins" in str(why)
    for status, coins in (("cancelled", (0, 0)), ("pending", (507, 47))):
        street.clock.advance(seconds=60)
        await street.order(status=status, updated_at=street.clock.now().isoformat())
        assert await have() == coins
    await done(shop.app.db, street.clock)
    assert await have() == (507, 47), "given again, and not twice"
    assert await audited(shop.app.db, shop.workspace.id) is None


async def test_who_has_it_sent_to_the_same_door_waits_to_be_looked_at(street: Street, shop: Shop) -> None:
    await street.open(return_days=0)
    there = await connected(shop, "shopify")

    async def ordered(number: int, email: str, **address: str) -> None:
        """As Shopify tells of it."""
        (hook,) = there.hooks("orders")
        body = json.loads(hook.body) | {"id": number, "email": email, "customer": {"id": number, "email": email}}
        body |= {"financial_status": "paid", "shipping_address": {"country_code": "DE"} | address}
        raw = json.dumps(body).encode()
        signature = base64.b64encode(hmac.digest(SECRET.encode(), raw, "sha256")).decode()
        headers = hook.headers | {"x-shopify-hmac-sha256": signature, "x-shopify-webhook-id": f"hook-{number}"}
        assert (await there.post(raw, headers)).status_code == 200
        await there.handled()

    await ordered(5001, "mira@example.com", address1="Main Street 5", zip="10115")
    code = (await shop.lead(f"{there.source['orders_source']}-5001"))["referral_code"]
    for number, (email, to) in enumerate((("ravi@x.example", "MAIN STREET, 5"), ("lea@x.example", "Elm 1")), 5002):
        await street.claim(email, code=code)
        await ordered(number, email, address1=to, zip="10115")
    await street.pass_days(0)
    found = (await shop.manage("GET", "/referrals")).json()["items"]
    assert {one["state"]: one["verdicts"] for one in found} == {
        "qualified": {"postal": "Their orders go to the same postal address."},
        "completed": {},
    }
