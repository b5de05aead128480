"""What outside tools end up with, told to their look-alikes by a worker."""

import base64
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from regulars import limits
from regulars.dashboard.forms import NOBODY
from regulars.dashboard.security import SAID_COOKIE
from regulars.kit import new_id
from regulars.kit.clock import HandClock
from regulars.sandbox import Fault, Sandbox
from regulars.wiring import App
from tests.doors import Shop
from tests.stories.browsing import person, signed_in
from tests.stories.telling import CUSTOMER, EMAIL, connected, deliveries, drained, state_at, telling


@pytest.fixture
async def shop(app: App, client: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with telling(app, client) as made:
        yield made


def said(response: httpx.Response) -> str:
    """What the next page says of the act."""
    assert response.status_code == 303, response.text
    return base64.urlsafe_b64decode(response.cookies[SAID_COOKIE].strip('"')).decode()


async def test_a_burst_goes_as_fast_as_both_of_klaviyos_windows_allow(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    await connected(shop, look_alikes, "klaviyo")
    trigger = await shop.trigger(coins=(1, 1))
    for n in range(200):
        await shop.reward(trigger, CUSTOMER, send={"Idempotency-Key": str(n)})
    await drained(shop)
    counts = look_alikes.memory.counts["klaviyo"]
    assert counts["events"] == 175, "half of what a second has, all at once"
    clock.advance(seconds=1)
    await drained(shop)
    assert counts["events"] == 200
    assert counts["429"] == 0


async def outage(shop: Shop, look_alikes: Sandbox, clock: HandClock, count: int) -> dict[str, Any]:
    """A tool that was away for so long that deliveries failed for good."""
    rule = await connected(shop, look_alikes, "contlo")
    trigger = await shop.trigger(coins=(10, 10))
    look_alikes.faults.put(Fault("contlo", "404"))
    for _ in range(count):
        await shop.reward(trigger, CUSTOMER)
    clock.advance(seconds=count)
    await drained(shop, patience_s=5)
    look_alikes.faults.clear()
    assert {one["state"] for one in await deliveries(shop)} == {"failed"}
    return rule


async def test_all_that_failed_since_a_time_is_sent_again_in_one_step(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    rule = await outage(shop, look_alikes, clock, 3)
    clock.advance(hours=2)
    deploy = clock.now().isoformat().replace("+00:00", "Z")
    trigger = await shop.trigger(coins=(7, 7))
    look_alikes.faults.put(Fault("contlo", "404"))
    for _ in range(8):
        await shop.reward(trigger, CUSTOMER)
    await drained(shop, patience_s=1)
    await shop.manage("POST", f"/send-events/{rule['id']}/test", json={"by": "email", "address": EMAIL})
    look_alikes.faults.clear()
    assert len(await deliveries(shop, state="failed", since=deploy)) == 9

    body = {"integration_id": rule["integration_id"], "since": deploy}
    answer = await shop.manage("POST", "/deliveries/replay", json=body)
    assert answer.json() == {"queued": 8, "left": 0, "refused": []}, "what failed before, and a test, stays as it is"
    await drained(shop, patience_s=1)
    assert len(await deliveries(shop, state="delivered")) == 8
    assert len(await deliveries(shop, state="failed")) == 4
    everything = await shop.manage("POST", "/deliveries/replay", json={"integration_id": rule["integration_id"]})
    assert everything.json() == {"queued": 3, "left": 0, "refused": []}
    assert state_at(look_alikes, "contlo")["balance"] == 3 * 10 + 8 * 7


async def test_sending_all_again_keeps_to_the_rate(shop: Shop, look_alikes: Sandbox, clock: HandClock) -> None:
    rule = await outage(shop, look_alikes, clock, 30)
    await shop.manage("PATCH", f"/integrations/{rule['integration_id']}", json={"settings": {"rate_per_minute": 61}})
    await shop.manage("POST", "/deliveries/replay", json={"integration_id": rule["integration_id"]})
    began = clock.now()
    await drained(shop, patience_s=60)
    assert {one["state"] for one in await deliveries(shop)} == {"delivered"}
    assert 27 < (clock.now() - began).total_seconds() < 33


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"integration_id": "01a1fffb-0bb0-7000-85cc-11bb84f14398"}, 404),
        ({"integration_id": "01a1fffb-0bb0-7000-85cc-11bb84f14398", "since": "2026-03-14T09:00:00"}, 422),
        ({"integration_id": str(NOBODY), "ids": [str(NOBODY)]}, 422),
        ({"since": "2026-03-14T09:00:00Z", "ids": [str(NOBODY)]}, 422),
        ({"ids": [str(NOBODY)] * (limits.DELIVERIES_CHOSEN_MAX + 1)}, 422),
    ],
)
async def test_what_is_sent_again_must_be_said_rightly(shop: Shop, body: dict[str, str], status: int) -> None:
    assert (await shop.manage("POST", "/deliveries/replay", json=body)).status_code == status
    assert (await shop.manage("POST", "/deliveries/replay", key=shop.read_key, json=body)).status_code == 403


async def test_the_page_sends_all_again_and_says_how_many(shop: Shop, look_alikes: Sandbox, clock: HandClock) -> None:
    rule = await outage(shop, look_alikes, clock, 4)
    owner = await signed_in(shop, await person(shop, "owner"))
    reader = await signed_in(shop, await person(shop, "reader", "reader"))
    to = rule["integration_id"]

    unchosen = (await owner.get("/deliveries?state=failed")).text
    assert "Choose a tool to send all that failed again." in unchosen
    assert 'action="/deliveries/replay"' not in unchosen
    assert "Send all 4 again" in (await owner.get(f"/deliveries?state=failed&to={to}")).text
    assert "Send all 4 again" not in (await owner.get(f"/deliveries?state=failed&to={to}&q=wallet")).text
    assert "Send all 4 again" not in (await reader.get(f"/deliveries?state=failed&to={to}")).text
    after = (clock.now() + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    assert (
        'action="/deliveries/replay"' not in (await owner.get(f"/deliveries?state=failed&to={to}&since={after}")).text
    )

    done = await owner.post("/deliveries/replay", to=to, since="")
    assert said(done) == "4 deliveries queued again. At most 600 a minute go out."
    await drained(shop, patience_s=1)
    assert {one["state"] for one in await deliveries(shop)} == {"delivered"}
    assert (await reader.post("/deliveries/replay", to=to)).status_code == 403
    assert (await owner.post("/deliveries/replay", to="nothing")).status_code == 404


async def test_some_are_chosen_and_sent_again_at_both_doors_and_the_others_say_why_not(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    rule = await outage(shop, look_alikes, clock, 4)
    first, *others, last = [one["id"] for one in await deliveries(shop)]
    stranger = str(new_id())
    body = {"ids": [first, first, stranger, others[0]]}
    answer = (await shop.manage("POST", "/deliveries/replay", json=body)).json()
    assert (answer["queued"], answer["left"], [one["code"] for one in answer["refused"]]) == (2, 0, ["not_found"])
    again = (await shop.manage("POST", "/deliveries/replay", json={"ids": [first, last]})).json()
    assert (again["queued"], again["refused"]) == (
        1,
        [{"id": first, "code": "delivery_queued", "words": "This delivery is queued and due already."}],
    )
    await drained(shop, patience_s=1)
    assert [one["state"] for one in await deliveries(shop)] == ["delivered", "delivered", "failed", "delivered"]

    owner = await signed_in(shop, await person(shop, "owner"))
    reader = await signed_in(shop, await person(shop, "reader", "reader"))
    listed = (await owner.get("/deliveries?state=failed&after=&trail=")).text
    assert re.findall(r'name="ids" value="([^"]+)" form="chosen"><span class="unseen">([^<]+)<', listed) == [
        (others[1], "Choose Wallet coins rewarded of Asha Rao, to Contlo")
    ]
    assert 'action="/deliveries/chosen?state=failed"' in listed
    assert 'name="ids"' not in (await reader.get("/deliveries")).text
    assert (await reader.post("/deliveries/chosen", ids=others[1])).status_code == 403
    nothing = await owner.post("/deliveries/chosen?state=failed")
    assert (nothing.status_code, "expected 1 to 500 deliveries" in nothing.text) == (422, True)
    done = await owner.post("/deliveries/chosen?state=failed", ids=[others[1], first, "nonsense"])
    assert said(done) == "2 deliveries queued again. 1 not: This delivery does not exist."
    assert done.headers["location"] == "/deliveries?state=failed"
    assert 'name="ids"' not in (await owner.get("/deliveries?state=queued")).text, "they go out by themselves"
    await drained(shop, patience_s=1)
    assert {one["state"] for one in await deliveries(shop)} == {"delivered"}
    await shop.manage("DELETE", f"/integrations/{rule['integration_id']}")
    gone = (await shop.manage("POST", "/deliveries/replay", json={"ids": [first]})).json()
    assert [one["code"] for one in gone["refused"]] == ["tool_removed"]
    assert 'name="ids"' not in (await owner.get("/deliveries")).text


async def test_a_delivery_behind_a_paused_tool_says_what_it_waits_for(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    rule = await connected(shop, look_alikes, "contlo")
    look_alikes.faults.put(Fault("contlo", "401", times=1))
    await shop.reward(await shop.trigger(coins=(10, 10)), CUSTOMER)
    await drained(shop, patience_s=1)
    (one,) = await deliveries(shop)
    owner = await signed_in(shop, await person(shop, "owner"))

    page = (await owner.get(f"/deliveries/{one['id']}")).text
    assert "It waits for Contlo, which is paused." in page
    assert "Contlo answered 401: the API key was refused." in page
    assert f'<a href="/integrations/{rule["integration_id"]}">Open Contlo</a>' in page
    assert "/replay" not in page
    assert "just now</time></dd>" not in page.partition("<dt>Tries</dt>")[0].partition("<dt>Next try</dt>")[2]
    assert "Waits for Contlo, which is paused" in (await owner.get("/deliveries")).text

    await shop.manage("PATCH", "/workspace", json={"events_on": False})
    await shop.manage("POST", f"/integrations/{rule['integration_id']}/initialize")
    page = (await owner.get(f"/deliveries/{one['id']}")).text
    assert "It waits for events to be switched on." in page
    await shop.manage("PATCH", "/workspace", json={"events_on": True})
    page = (await owner.get(f"/deliveries/{one['id']}")).text
    assert "as soon as it is its turn" in page
    assert "/replay" not in page, "it is due: there is nothing to hurry"

    look_alikes.faults.put(Fault("contlo", "500", times=1))
    await drained(shop, patience_s=1)
    page = (await owner.get(f"/deliveries/{one['id']}")).text
    assert "Try now" in page
    assert said(await owner.post(f"/deliveries/{one['id']}/replay")) == "It is sent again now."
    await drained(shop, patience_s=1)
    await owner.post(f"/integrations/{rule['integration_id']}/pause")
    again = await owner.post(f"/deliveries/{one['id']}/replay")
    assert said(again) == "Queued again. It waits for Contlo, which is paused."
    await owner.post(f"/integrations/{rule['integration_id']}/delete")
    page = (await owner.get(f"/deliveries/{one['id']}")).text
    assert "The tool was removed." in page
    assert "/replay" not in page


async def test_an_address_that_each_shop_has_to_choose_stands_before_what_few_touch(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    for tool, label in (("mailchimp", "Mailchimp"), ("moengage", "MoEngage"), ("klaviyo", "Klaviyo")):
        before, _, after = (await owner.get(f"/integrations/new/{tool}")).text.partition("More settings")
        assert (f"Address of {label}" in before) == (tool != "klaviyo"), tool
        assert f"Address of {label}" in before + after


@pytest.mark.parametrize(
    ("column", "unread", "words"),
    [
        ("tool", "carrier_pigeon", "does not know the tool carrier_pigeon"),
        ("settings", {}, "read this integration's set"),
    ],
    ids=["tool", "settings"],
)
async def test_an_integration_that_a_newer_version_has_stored_says_why_it_sends_nothing(
    shop: Shop, look_alikes: Sandbox, column: str, unread: object, words: str
) -> None:
    """It holds up nobody else, can be looked at and removed, and goes on by itself once it can be read."""
    id = (await connected(shop, look_alikes, "omnisend"))["integration_id"]
    other = (await connected(shop, look_alikes, "klaviyo"))["integration_id"]
    await shop.reward(await shop.trigger(), CUSTOMER)

    async def stored(value: object) -> Any:
        async with shop.app.db.transaction() as tx:
            kept = f"SELECT {column} FROM integrations_integration WHERE workspace_id = $1 AND id = $2"
            before = await tx.fetchval(kept, shop.workspace.id, id)
            set_ = f"UPDATE integrations_integration SET {column} = $3 WHERE workspace_id = $1 AND id = $2"
            await tx.execute(set_, shop.workspace.id, id, value)
        return before

    async def health(of: str) -> dict[str, Any]:
        found: dict[str, Any] = (await shop.manage("GET", f"/integrations/{of}")).json()["health"]
        return found

    known = await stored(unread)
    await drained(shop)
    assert (await health(other))["delivered_last_hour"] == 1
    held = await health(id)
    assert (held["queued"], held["delivered_last_hour"]) == (1, 0)
    assert words in held["held_up"]
    refused = await shop.manage("POST", f"/integrations/{id}/initialize")
    assert (refused.status_code, words in refused.text) == (409, True)

    browser = await signed_in(shop, await person(shop, f"held-{column}"))
    said = held["held_up"].replace("'", "&#39;")
    for path in ("/", "/integrations", f"/integrations/{id}"):
        page = await browser.get(path)
        assert (page.status_code, said in page.text) == (200, True), path
    answer = await browser.post(f"/integrations/{id}", act="save", name="Its name")
    assert answer.status_code == (422 if column == "tool" else 303), "what has a default fits what was missing"

    await stored(known)
    shop.app.clock.advance(seconds=60)  # type: ignore[attr-defined]
    await drained(shop)
    went_on = await health(id)
    assert (went_on["delivered_last_hour"], went_on["held_up"]) == (1, "")


async def test_a_backlog_reaches_klaviyo_in_jobs_and_what_customers_have_follows(
    shop: Shop, look_alikes: Sandbox
) -> None:
    await connected(shop, look_alikes, "klaviyo")
    trigger = await shop.trigger(coins=(30, 30))
    for n in range(210):
        who = {"name": "Asha Rao", "metadetail": {"email": f"c{n}@shop.example"}}
        answer = await shop.reward(trigger, f"customer-{n}", json=who)
        assert answer.status_code == 200, answer.text
    await drained(shop)
    jobs = [one.call for one in look_alikes.memory.newest if one.call.path.endswith("/api/event-bulk-create-jobs")]
    assert jobs
    assert all(b"Nector:balance" not in one.body for one in jobs)
    await drained(shop, patience_s=300)
    told = await deliveries(shop, state="delivered", source="event", limit="100")
    assert any("in one call" in one["reason"] for one in told)
    klaviyo = look_alikes.tools["klaviyo"]
    counts = look_alikes.memory.counts["klaviyo"]
    assert (counts["events"], counts["duplicates"], counts["429"]) == (210, 0, 0)
    assert all(klaviyo.profiles[f"c{n}@shop.example"]["Nector:balance"] == 30 for n in range(210))


async def test_a_stream_has_what_a_webhook_has_in_the_order_in_which_it_happened(
    shop: Shop, look_alikes: Sandbox
) -> None:
    rule = await connected(shop, look_alikes, "nats")
    trigger = await shop.trigger(coins=(5, 5))
    look_alikes.faults.put(Fault("nats", "503", times=1))
    for n in range(3):
        await shop.reward(trigger, CUSTOMER, send={"Idempotency-Key": str(n)})
    await drained(shop, patience_s=30)
    assert {one["state"] for one in await deliveries(shop)} == {"delivered"}
    taken = [one for one in look_alikes.memory.newest if one.status == 200 and one.call.body]
    said = [msgspec.json.decode(one.call.body) for one in taken]
    assert [one["data"]["closing_balance"] for one in said] == [5, 10, 15]
    assert {one["type"] for one in said} == {"walletreward_create"}
    assert {one.call.path for one in taken} == {"regulars.walletreward_create"}
    one = (await deliveries(shop))[0]
    attempts = (await shop.manage("GET", f"/deliveries/{one['id']}")).json()["attempts"]
    assert attempts[-1]["url"] == f"nats://127.0.0.1:{look_alikes.nats_port}/regulars.walletreward_create"
    assert attempts[-1]["request_headers"]["Nats-Msg-Id"] == one["id"]
    shown = (await shop.manage("GET", f"/integrations/{rule['integration_id']}")).text
    assert "sandbox-token" not in shown
    elsewhere = {"settings": {"servers": "nats.example:4222", "security": "tls"}}
    moved = await shop.manage("PATCH", f"/integrations/{rule['integration_id']}", json=elsewhere)
    assert moved.status_code == 422, "a password goes to no other servers than it was given for"
    assert "password" in moved.text
