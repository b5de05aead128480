"""What a customer has, kept up to date at the tools that keep profiles."""

from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from regulars.integrations import CONNECTORS
from regulars.kit.clock import HandClock
from regulars.sandbox import Fault, Sandbox
from regulars.wiring import App
from tests import make
from tests.doors import Shop
from tests.stories.browsing import person, signed_in
from tests.stories.telling import CUSTOMER, EMAIL, connected, deliveries, drained, state_at, telling


@pytest.fixture
async def shop(app: App, client: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with telling(app, client) as made:
        yield made


@pytest.mark.parametrize("tool", ["omnisend", "klaviyo", "contlo"])
async def test_a_profile_never_ends_with_an_older_state_than_one_before_it(
    tool: str, shop: Shop, look_alikes: Sandbox
) -> None:
    await connected(shop, look_alikes, tool)
    hundred, fifty = await shop.trigger(coins=(100, 100)), await shop.trigger(coins=(50, 50))
    look_alikes.faults.put(Fault(tool, "500", times=1))

    await shop.reward(hundred, CUSTOMER)
    await drained(shop)
    assert [one["state"] for one in await deliveries(shop)] == ["queued"]
    await shop.reward(fifty, CUSTOMER)
    await drained(shop)
    assert state_at(look_alikes, tool)["balance"] == 150
    await drained(shop, patience_s=60)

    assert [one["state"] for one in await deliveries(shop)] == ["delivered", "delivered"]
    assert state_at(look_alikes, tool)["balance"] == 150, "the first event came last, and says what is true by now"
    assert look_alikes.memory.counts[tool]["events"] == 2
    # What the event itself says is as it was when it happened, at every attempt.
    tries = [call.call.body for call in look_alikes.memory.newest if b'"amount":100' in call.call.body]
    assert len(tries) == 2
    assert all(b'"user_available_balance":100' in body and b'"closing_balance":100' in body for body in tries)


async def test_what_the_profile_keeps(shop: Shop, look_alikes: Sandbox) -> None:
    for tool in ("omnisend", "klaviyo", "contlo"):
        await connected(shop, look_alikes, tool)
    await shop.manage("PATCH", "/workspace", json={"uri": "https://corner.example"})
    for name, kind in (("Regulars", "live"), ("Everybody", "live"), ("Once", "static")):
        await shop.manage("POST", "/segments", json={"name": name, "kind": kind})
    await make.done(shop.app.db, shop.app.clock)
    [who] = (await shop.manage("GET", "/customers", params={"text": CUSTOMER})).json()["items"]
    await shop.manage("PATCH", f"/customers/{who['id']}", json={"tags": ["VIP", "New"]})
    await shop.reward(await shop.trigger(coins=(100, 100)), CUSTOMER)
    await drained(shop, patience_s=5)

    code = (await shop.lead(CUSTOMER))["referral_code"]
    expected = {
        "balance": 100,
        "tier": "",
        "referral_code": code,
        "referral_link": f"{shop.app.settings.address()}/r/{code}?shop={shop.id}",
        "segments": ["Everybody", "Regulars"],
        "tags": ["VIP", "New"],
    }
    assert state_at(look_alikes, "klaviyo") == state_at(look_alikes, "contlo") == expected
    assert state_at(look_alikes, "omnisend").items() >= expected.items()


PROFILES = [tool for tool, connector in CONNECTORS.items() if connector.keeps_profiles]


async def test_profiles_are_kept_up_to_date_where_no_event_is_sent_once_for_all_that_changed(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    for tool in PROFILES:
        await connected(shop, look_alikes, tool, topic="order_create")
    hundred = await shop.trigger(coins=(100, 100))
    for _ in range(3):
        await shop.reward(hundred, CUSTOMER)
    await drained(shop)
    assert await deliveries(shop) == [], "not at once: more may change"
    clock.advance(seconds=60)
    await drained(shop, patience_s=1)

    found = await deliveries(shop, source="profile")
    assert [one["state"] for one in found] == ["delivered"] * len(PROFILES)
    assert await deliveries(shop, source="event") == []
    code = (await shop.lead(CUSTOMER))["referral_code"]
    link = f"{shop.app.settings.address()}/r/{code}?shop={shop.id}"
    for tool in PROFILES:
        expected = {"balance": 300, "tier": "", "referral_code": code, "referral_link": link}
        assert state_at(look_alikes, tool).items() >= expected.items(), tool
        assert look_alikes.memory.counts[tool]["events"] == 0, tool
    renamed = await shop.manage("PATCH", f"/customers/{found[0]['rule_id']}", json={"name": "Asha Devi"})
    assert renamed.is_success, renamed.text
    await drained(shop)
    clock.advance(seconds=60)
    await drained(shop, patience_s=1)
    assert look_alikes.tools["clevertap"].profiles[EMAIL]["Name"] == "Asha Devi"

    owner = await signed_in(shop, await person(shop, "owner"))
    page = (await owner.get("/deliveries?source=profile")).text
    assert page.count("What the customer has") >= 2 * len(PROFILES)
    page = (await owner.get(f"/deliveries/{found[0]['id']}")).text
    assert "Asha Devi" in page
    assert "Sent as" not in page


async def test_who_a_tool_can_not_know_is_skipped_and_no_failure(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    rule = await connected(shop, look_alikes, "attentive", topic="order_create")
    nobody = {"customer_id": "shopify-2", "name": "Bo", "mobile": "+919811111111", "country": "ind"}
    assert (await shop.manage("POST", "/customers", json=nobody)).is_success
    await drained(shop)
    clock.advance(seconds=60)
    await drained(shop, patience_s=1)
    (one,) = await deliveries(shop)
    assert (one["state"], one["reason"][:39]) == ("skipped", "This customer has no e-mail address, an")
    health = (await shop.manage("GET", f"/integrations/{rule['integration_id']}")).json()["health"]
    assert (health["failed"], health["failed_last_hour"], health["last_error"]) == (0, 0, "")
    assert look_alikes.memory.counts["attentive"]["events"] == 0


async def test_a_tool_that_an_event_tells_of_the_newest_state_is_not_told_again(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    for tool in ("klaviyo", "attentive"):
        await connected(shop, look_alikes, tool)
    await connected(shop, look_alikes, "contlo", profiles="no", topic="order_create")
    await shop.reward(await shop.trigger(coins=(100, 100)), CUSTOMER)
    await drained(shop)
    clock.advance(seconds=60)
    await drained(shop, patience_s=1)
    sent = Counter(received.call.path for received in look_alikes.memory.newest if received.call.method == "POST")
    assert (sent["/klaviyo/api/events"], sent["/klaviyo/api/profile-import"]) == (1, 0)
    assert (sent["/attentive/v1/events/custom"], sent["/attentive/v1/attributes/custom"]) == (1, 1)
    assert sent["/contlo/v2/track"] == 0
    assert state_at(look_alikes, "attentive")["balance"] == state_at(look_alikes, "klaviyo")["balance"] == 100


async def test_a_tool_that_was_away_is_told_the_newest_state_alone(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    rule = await connected(shop, look_alikes, "webengage", topic="order_create")
    ten = await shop.trigger(coins=(10, 10))
    await shop.manage("POST", f"/integrations/{rule['integration_id']}/pause")
    for _ in range(3):
        await shop.reward(ten, CUSTOMER)
        await drained(shop)
        clock.advance(seconds=60)
    await drained(shop)
    states = [(one["state"], one["reason"]) for one in await deliveries(shop)]
    assert [state for state, _ in states] == ["queued", "skipped", "skipped"]
    assert states[1][1].startswith("The customer's state changed once more")

    await shop.manage("POST", f"/integrations/{rule['integration_id']}/initialize")
    await drained(shop, patience_s=1)
    assert state_at(look_alikes, "webengage")["balance"] == 30
    calls = [received.call.path for received in look_alikes.memory.newest if b"Nector:balance" in received.call.body]
    assert len(calls) == 1

    await shop.reward(ten, CUSTOMER)
    await drained(shop)
    await shop.manage("PATCH", "/workspace", json={"events_on": False})
    clock.advance(seconds=60)
    await drained(shop)
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    await drained(shop, patience_s=1)
    assert state_at(look_alikes, "webengage")["balance"] == 30, "off means nothing is sent, and nothing kept for later"


async def test_a_test_event_shows_what_the_profile_will_hold(shop: Shop, look_alikes: Sandbox) -> None:
    rule = await connected(shop, look_alikes, "contlo")
    body = {"by": "email", "address": EMAIL}
    answer = await shop.manage("POST", f"/send-events/{rule['id']}/test", json=body)
    assert answer.json()["delivery"]["state"] == "delivered", answer.text
    assert state_at(look_alikes, "contlo").items() >= {"balance": 0, "segments": []}.items()
