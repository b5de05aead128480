"""Campaigns, at the doors: to whom, what stops them, what came of them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from regulars import channels, delivery, limits
from regulars.engagement import campaigns
from regulars.engagement.campaigns import FOLLOW, RUN
from regulars.kit import HandClock
from regulars.schedule import Due
from tests import make
from tests.doors import ASHA, Shop, an_order
from tests.stories.test_messages_sent import BO, PERSON, Desk
from tests.stories.test_offer_triggers import Giving

NONE = "0b2f3a52-2c44-4b1e-9d07-6f0a2f1f9c11"


class Office(Desk):
    """A shop with some customers, a template, and campaigns."""

    async def campaign(self, status: int = 201, launch: bool = True, **more: Any) -> dict[str, Any]:
        terms = {"name": "Spring sale", "variants": [{"template_id": self.template}]} | more
        answer = await self.shop.manage("POST", "/campaigns", json=terms)
        assert answer.status_code == status, answer.text
        made: dict[str, Any] = answer.json()
        return await self.do(made, "launch") if launch and status == 201 else made

    async def do(self, one: dict[str, Any], act: str, status: int = 200) -> dict[str, Any]:
        answer = await self.shop.manage("POST", f"/campaigns/{one['id']}/{act}")
        assert answer.status_code == status, answer.text
        done: dict[str, Any] = answer.json()
        return done

    async def look(self, one: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.shop.manage("GET", f"/campaigns/{one['id']}")).json()
        return found

    async def report(self, one: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.shop.manage("GET", f"/campaigns/{one['id']}/report")).json()
        return found

    async def recipients(self, one: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
        answer = await self.shop.manage("GET", f"/campaigns/{one['id']}/recipients", params=asked)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def rate(self, per_minute: int) -> None:
        async with self.shop.app.db.transaction() as tx:
            (sender,) = await channels.list_senders(tx, self.shop.workspace.id)
            await delivery.set_rate(tx, self.shop.workspace.id, sender.id, per_minute)

    async def crowd(self, many: int) -> None:
        """So many more customers who may be written to."""
        app = self.shop.app
        names = [f"Customer{n:04}" for n in range(many)]
        await make.some_customers(app.db, self.shop.workspace, app.clock.now(), *names)

    async def segment(self, name: str, condition: Any) -> str:
        made = await self.shop.manage("POST", "/segments", json={"name": name, "condition": condition})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])


@pytest.fixture
async def office(shop: Shop, client: httpx.AsyncClient, clock: HandClock) -> AsyncIterator[Office]:
    made = Office(shop, client, clock)
    for who in (ASHA, BO):
        assert (await shop.manage("POST", "/customers", json=who)).status_code == 201
    await made.rules(quiet_from=0, quiet_until=0)
    await made.letter()
    await made.ready()
    await made.rate(limits.RATE_PER_MINUTE_MAX)
    yield made
    # Whatever did not come to its end is not done in the tests after this one.
    async with shop.app.db.transaction() as tx:
        await tx.execute("UPDATE delivery_lane SET paused = true WHERE workspace_id = $1", shop.workspace.id)
        await tx.execute(
            "DELETE FROM schedule_due WHERE workspace_id = $1 AND kind LIKE 'campaigns.%'", shop.workspace.id
        )


async def test_a_campaign_goes_to_a_segment_without_another_and_says_what_came_of_it(
    office: Office, clock: HandClock
) -> None:
    who = {"property": "customer_email", "operator": "contains", "value": "example.com"}
    all_of_them = await office.segment("All", who)
    bo = await office.segment("Bo", {"property": "customer_email", "operator": "is", "value": BO["email"]})
    await office.shop.manage("POST", "/customers", json={"customer_id": "shopify-1003", "email": "cy@example.com"})
    await office.shop.manage(
        "POST", "/consents", json={"customer_id": "shopify-1003", "channel": "email", "state": "no"}
    )
    await office.work()
    to = {"segment_id": all_of_them, "minus_segment_id": bo}
    assert (await office.shop.manage("POST", "/campaigns/preview", json=to)).json() == {"count": 2}
    assert (await office.shop.manage("POST", "/campaigns/preview", json={})).json() == {"count": 3}
    one = await office.campaign(**to)
    assert one["state"] == "scheduled"
    assert one["sentence"] == "“Hello” to “All” without “Bo”, as soon as it is launched"
    await office.work()
    assert [mail["to"] for mail in office.box.mails] == [ASHA["email"]]
    done = await office.look(one)
    assert (done["state"], done["recipients"], done["over"]) == ("finished", 2, 2)
    came = (await office.report(one))["came"]
    assert (came["sent"], came["skipped"]) == (1, {"no_consent": 1})
    by = {each["customer"]["customer_id"]: each for each in await office.recipients(one)}
    assert (by["shopify-1003"]["state"], by["shopify-1003"]["reason_code"]) == ("skipped", "no_consent")
    assert [each["customer"]["name"] for each in await office.recipients(one, state="sent")] == ["Asha Rao"]
    clock.advance(hours=1)
    await office.client.get(office.link(r'http[^"]*/t/o/[^"]*'), headers=PERSON)
    await office.client.get(office.link(r'http[^"]*/t/c/[^"]*'), headers=PERSON)
    await office.client.get(office.link(r'http[^"]*/t/o/[^"]*'), headers=PERSON)
    bought = {"placed_at": clock.now().isoformat()}
    assert (await office.shop.manage("POST", "/orders", json=an_order("1", "20.00", **bought))).status_code == 200
    assert (
        await office.shop.manage("POST", "/orders", json=an_order("2", "9.00", **bought, financial_status="refunded"))
    ).status_code == 200
    assert (
        await office.shop.manage("POST", "/orders", json=an_order("3", "50.00", customer=BO, **bought))
    ).status_code == 200
    clock.advance(hours=1)
    await office.work()
    report = await office.report(one)
    came = report["came"]
    assert (came["opened"], came["clicked"], came["orders"], came["worth_minor"]) == (1, 1, 1, 2000)
    assert report["by_template"] == [came | {"template_id": office.template}]
    assert {each["what"]: each["count"] for each in report["hours"]} == dict.fromkeys(
        ("sent", "opened", "clicked", "orders"), 1
    )
    assert [each["customer"]["name"] for each in await office.recipients(one, state="clicked")] == ["Asha Rao"]
    clock.advance(days=8)
    await office.work()
    async with office.shop.app.db.reading() as tx:
        left = "SELECT FROM schedule_due WHERE workspace_id = $1 AND kind = $2"
        assert await tx.fetch(left, office.shop.workspace.id, FOLLOW) == []


async def test_what_can_not_be_is_refused_by_field_and_changes_nothing(office: Office, clock: HandClock) -> None:
    past = (clock.now() - timedelta(hours=1)).isoformat()
    wrong = {
        "segment_id": NONE, "trigger_id": NONE, "in_their_zone": True,
        "variants": [{"template_id": office.template, "share": 40}, {"template_id": NONE, "sender_id": NONE}],
    }  # fmt: skip
    fields = (await office.campaign(422, **wrong))["fields"]
    assert {"segment_id", "trigger_id", "starts_at", "variants", "variants[1].template_id"} <= fields.keys()
    assert (await office.shop.manage("GET", "/campaigns")).json()["items"] == []
    late = await office.campaign(launch=False, starts_at=past)
    refused = await office.shop.manage("POST", f"/campaigns/{late['id']}/launch")
    assert (refused.status_code, refused.json()["fields"].keys()) == (422, {"starts_at"})
    changed = await office.shop.manage("PATCH", f"/campaigns/{late['id']}", json={"starts_at": None, "name": "Now"})
    assert (changed.json()["name"], changed.json()["starts_at"]) == ("Now", None)
    await office.do(late, "launch")
    for act in ("launch", "resume"):
        await office.do(late, act, 409)
    assert (await office.shop.manage("PATCH", f"/campaigns/{late['id']}", json={"name": "x"})).status_code == 409
    assert (await office.shop.manage("DELETE", f"/campaigns/{late['id']}")).status_code == 409
    again = await office.do(late, "copy")
    assert (again["state"], again["name"]) == ("draft", "Now")
    assert (await office.shop.manage("DELETE", f"/campaigns/{again['id']}")).status_code == 204
    page = (await office.shop.manage("GET", "/campaigns", params={"limit": 1})).json()
    assert ([one["id"] for one in page["items"]], page["next"]) == ([late["id"]], None)


async def test_two_variants_share_the_recipients_and_are_told_apart(office: Office) -> None:
    await office.crowd(60)
    first, second = office.template, await office.letter(subject="Another for {{ user_name }}")
    two = [{"template_id": first, "share": 30}, {"template_id": second, "share": 70}]
    one = await office.campaign(variants=two)
    await office.work()
    by = {each["template_id"]: each["sent"] for each in (await office.report(one))["by_template"]}
    assert sum(by.values()) == 62 == len({mail["to"] for mail in office.box.mails})
    assert 5 <= by[first] <= 32
    subjects = [mail["subject"].startswith("Another") for mail in office.box.mails]
    assert subjects.count(True) == by[second]


async def test_it_is_paused_resumed_and_cancelled_at_once(
    office: Office, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CAMPAIGN_AHEAD_MAX", 8)
    await office.crowd(28)
    monkeypatch.setattr(limits, "CAMPAIGN_PAGE_MIN", 2)
    await office.rate(60)
    one = await office.campaign()
    await office.work()
    half = await office.look(one)
    assert half["state"] == "sending"
    assert half["recipients"] == 30
    await office.do(one, "pause")
    sent = len(office.box.mails)
    clock.advance(minutes=10)
    await office.work()
    assert len(office.box.mails) == sent < 30, "what was queued waits"
    assert {each["state"] for each in await office.recipients(one)} == {"sent", "queued", "waiting"}
    await office.do(one, "resume")
    await office.work()
    assert sent < len(office.box.mails) < 30
    await office.do(one, "cancel")
    sent = len(office.box.mails)
    clock.advance(minutes=10)
    await office.work()
    assert len(office.box.mails) == sent
    done = await office.look(one)
    assert (done["state"], done["state_reason"]) == ("cancelled", "The campaign was cancelled.")
    came = (await office.report(one))["came"]
    assert (came["sent"], came["skipped"]) == (sent, {"cancelled": 30 - sent})
    assert {(each["state"], each["reason"]) for each in await office.recipients(one)} == {
        ("sent", ""), ("skipped", "The campaign was cancelled."),
    }  # fmt: skip
    assert len({mail["to"] for mail in office.box.mails}) == sent, "nobody twice"


async def test_it_begins_at_the_time_that_it_is_where_they_live(office: Office, clock: HandClock) -> None:
    await office.shop.manage("PATCH", "/workspace", json={"time_zone": "Europe/Paris"})
    found = (await office.shop.manage("GET", "/customers", params={"text": "Bo"})).json()["items"][0]["id"]
    await office.shop.manage("PATCH", f"/customers/{found}", json={"country": "jpn"})
    starts = (clock.now() + timedelta(days=3)).replace(hour=8, minute=0, second=0, microsecond=0)
    one = await office.campaign(
        starts_at=starts.isoformat(), in_their_zone=True, latest_at=(starts + timedelta(hours=2)).isoformat()
    )
    assert "where each of them lives, not later than" in one["sentence"]
    clock.move(starts - timedelta(days=1))
    await office.work()
    assert (await office.look(one))["state"] == "scheduled"
    clock.move(starts - timedelta(hours=7))  # the same on the clocks of Tokyo, in winter and before the last Sunday
    await office.work()
    assert [mail["to"] for mail in office.box.mails] == [BO["email"]]
    clock.move(starts)
    await office.work()
    assert [mail["to"] for mail in office.box.mails] == [BO["email"], ASHA["email"]]
    assert (await office.look(one))["state"] == "finished"


async def test_a_start_that_was_missed_is_not_made_up_for_when_it_is_too_late(office: Office, clock: HandClock) -> None:
    starts = clock.now() + timedelta(hours=1)
    terms = {"starts_at": starts.isoformat(), "latest_at": (starts + timedelta(hours=2)).isoformat()}
    late, still = await office.campaign(**terms), await office.campaign(starts_at=starts.isoformat())
    clock.advance(hours=12)
    await office.work()
    assert len(office.box.mails) == 2
    done = await office.look(late)
    assert (done["state"], done["over"], done["recipients"]) == ("finished", 2, 2)
    assert "latest time" in done["state_reason"]
    assert (await office.report(late))["came"]["skipped"] == {"too_late": 2}
    assert {each["reason"] for each in await office.recipients(late)} == {done["state_reason"]}
    assert (await office.look(still))["state"] == "finished"


async def test_coins_or_a_coupon_go_with_each_message_once(office: Office, clock: HandClock) -> None:
    gift = await office.shop.trigger("A gift", coins=(25, 25))
    await office.consent("no")
    one = await office.campaign(trigger_id=str(gift.id))
    assert one["sentence"].endswith("with what “A gift” gives")
    await office.work()
    (mail,) = office.box.mails
    assert mail["to"] == BO["email"]
    assert ": 25" in mail.get_body(("plain",)).get_content()
    have = [(await office.shop.lead(who["customer_id"]))["wallet"]["available"] for who in (ASHA, BO)]
    assert have == [0, 25]
    # The message can name it, coins or a coupon; and the campaign has to give what is named.
    body = "{{ gift.coins }}/{{ gift.code }}/{{ gift.name }}/{{ customer.balance }}"
    named = await office.letter(subject="Yours", body=body)
    refused = await office.campaign(422, variants=[{"template_id": named}])
    assert list(refused["fields"]) == ["trigger_id"]
    giving = Giving(office.shop)
    coupon = await giving.trigger("api", await giving.offer())
    # A mail that is tried again says the same, and nothing is given twice.
    office.box.answers[BO["email"]] = (451, b"4.2.0 later")
    for trigger in (str(gift.id), coupon):
        await office.campaign(trigger_id=trigger, variants=[{"template_id": named}])
        await office.work()
    office.box.answers.clear()
    clock.advance(minutes=10)
    await office.work()
    said = [mail.get_body(("plain",)).get_content().splitlines()[0] for mail in office.box.mails[1:]]
    (issued,) = (await office.shop.manage("GET", "/coupons")).json()["items"]
    assert sorted(said) == [f"/{issued['code']}/10% Off coupon/50", "25///50"]
    poor = await office.shop.trigger("Once", coins=(5, 5), rule={"per_customer_max": 1})
    await office.shop.reward(poor, BO["customer_id"])
    no = await office.campaign(trigger_id=str(poor.id))
    await office.work()
    assert len(office.box.mails) == 3
    assert (await office.report(no))["came"]["skipped"] == {"no_consent": 1, "not_given": 1}


async def test_a_segment_or_template_that_is_gone_ends_or_stops_it_in_words(office: Office, clock: HandClock) -> None:
    some = await office.segment("Some", {"property": "customer_email", "operator": "is_set"})
    starts = (clock.now() + timedelta(hours=1)).isoformat()
    gone = await office.campaign(segment_id=some, starts_at=starts)
    second = await office.letter()
    stopped = await office.campaign(variants=[{"template_id": second}], starts_at=starts)
    await office.work()
    await office.shop.manage("DELETE", f"/segments/{some}")
    await office.shop.manage("DELETE", f"/templates/{second}")
    clock.advance(hours=2)
    await office.work()
    assert (await office.look(gone))["state_reason"] == "A segment that it is about was deleted."
    paused = await office.look(stopped)
    assert (paused["state"], paused["state_reason"]) == ("paused", "The template was removed.")
    assert office.box.mails == []


async def test_whoever_is_merged_or_erased_meanwhile_gets_one_or_none(office: Office, clock: HandClock) -> None:
    one = await office.campaign(per_minute=1)
    await office.shop.manage("POST", "/customers", json={"customer_id": "shopify-1009", "email": "dee@example.com"})
    people = {who["customer_id"]: who["id"] for who in
              (await office.shop.manage("GET", "/customers")).json()["items"]}  # fmt: skip
    app = office.shop.app
    async with app.db.transaction() as tx:
        for _ in range(2):
            await campaigns.run(tx, office.shop.workspace, [Due(RUN, one["id"], clock.now(), {})], clock.now())
    assert (await office.look(one))["recipients"] == 3
    merged = await office.shop.manage(
        "POST", f"/customers/{people[ASHA['customer_id']]}/merge", json={"into": people[BO["customer_id"]]}
    )
    assert merged.status_code == 200
    assert (await office.shop.manage("DELETE", f"/customers/{people['shopify-1009']}")).status_code == 204
    for _ in range(5):
        await office.work()
        clock.advance(minutes=1)
    assert [mail["to"] for mail in office.box.mails] == [BO["email"]]
    done = await office.look(one)
    assert (done["state"], (await office.report(one))["came"]["skipped"]) == ("finished", {"customer_gone": 2})
