"""A rule says an event's properties otherwise, tells of a part of the customers, and only at its time; and each event
that it kept back says why."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from regulars import conditions
from regulars.conditions import failed
from regulars.dispatch.mapping import PropertyMapping, applied
from regulars.dispatch.terms import Schedule, sampled
from regulars.kit import new_id
from regulars.kit.clock import HandClock
from regulars.sandbox import Fault, Sandbox
from regulars.wiring import App
from tests.doors import Shop
from tests.stories.browsing import form_of, person, signed_in
from tests.stories.telling import CUSTOMER, EMAIL, connected, deliveries, drained, telling

MAPPING = [
    {"property": "amount", "action": "rename", "value": "points"},
    {"property": "user_email", "action": "drop"},
    {"property": "brand", "action": "constant", "value": 7},
    {"property": "greeting", "action": "template", "value": "{{ user_name }} ({{ user_tier | default: 'no tier' }})"},
]


@pytest.fixture
async def shop(app: App, client: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with telling(app, client) as made:
        yield made


async def change(shop: Shop, rule: dict[str, Any], **changes: Any) -> httpx.Response:
    return await shop.manage("PATCH", f"/send-events/{rule['id']}", json=changes)


async def requests(shop: Shop, delivery: dict[str, Any]) -> list[str]:
    found = (await shop.manage("GET", f"/deliveries/{delivery['id']}")).json()
    return [attempt["request_body"] for attempt in found["attempts"]]


async def test_properties_are_told_as_the_rule_says_them_and_the_same_at_each_attempt(
    shop: Shop, look_alikes: Sandbox
) -> None:
    hook, klaviyo = [await connected(shop, look_alikes, tool) for tool in ("webhook", "klaviyo")]
    for rule in (hook, klaviyo):
        changed = await change(shop, rule, mapping=MAPPING)
        assert changed.json()["mapping"] == MAPPING
        assert changed.json()["sentence"].endswith(", with 4 properties changed")
    look_alikes.faults.put(Fault("webhook", "500", times=1))
    await shop.reward(await shop.trigger(), CUSTOMER)
    await drained(shop)
    await change(shop, hook, mapping=[])
    await drained(shop, patience_s=60)

    by_rule = {one["rule_id"]: one for one in await deliveries(shop)}
    first, second = [
        msgspec.json.decode(text)["data"] if text[:1] == "{" else {}
        for text in await requests(shop, by_rule[hook["id"]])
    ]
    assert first == second
    assert (first["points"], first["brand"], first["greeting"]) == (10, 7, "Asha Rao (no tier)")
    assert not {"amount", "user_email"} & first.keys()
    # A tool still knows whom it is about, though it is not told so among the properties.
    (sent,) = await requests(shop, by_rule[klaviyo["id"]])
    assert EMAIL in sent
    properties = msgspec.json.decode(sent)["data"]["attributes"]["properties"]
    assert (properties["points"], "user_email" in properties) == (10, False)
    by_mail = {"by": "email", "address": EMAIL}
    tested = (await shop.manage("POST", f"/send-events/{klaviyo['id']}/test", json=by_mail)).json()
    assert '"points":10' in tested["attempt"]["request_body"]
    # What was written down of an erased customer is forgotten, so that nothing of it is sent again.
    person = (await shop.manage("GET", "/customers", params={"text": EMAIL})).json()["items"][0]["id"]
    assert (await shop.manage("DELETE", f"/customers/{person}")).status_code == 204
    async with shop.app.db.reading() as tx:
        kept = await tx.fetch(
            "SELECT DISTINCT mapped FROM delivery_delivery WHERE workspace_id = $1", shop.workspace.id
        )
    assert [row["mapped"] for row in kept] == ["{}"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mapping": [{"property": "amuont", "action": "drop"}]}, "mapping[0].property"),
    ({"mapping": [{"property": "amount", "action": "rename", "value": ""}]}, "mapping[0].value"),
    ({"mapping": [{"property": "amount", "action": "rename", "value": "status"}]}, "mapping[0].value"),
    (
        {"mapping": [{"property": "a", "action": "constant"}, {"property": "a", "action": "constant"}]},
        "mapping[1].property",
    ),
    ({"mapping": [{"property": "a", "action": "template", "value": "{{ nonsense }}"}]}, "mapping[0].value"),
    ({"mapping": [{"property": "a", "action": "template", "value": "{% for a in b %}"}]}, "mapping[0].value"),
    ({"mapping": [{"property": "a", "action": "template", "value": "{{ amount | upcase }}"}]}, "mapping[0].value"),
    ({"mapping": [{"property": "a", "action": "template", "value": "{{ amount }}" * 6}]}, "mapping[0].value"),
    ({"mapping": [{"property": "a", "action": "shout"}]}, "mapping[0].action"),
    ({"mapping": [{"property": "x" * 65, "action": "constant"}]}, "mapping[0].property"),
    ({"mapping": [{"property": "a\nb", "action": "constant"}]}, "mapping[0].property"),
    ({"mapping": [{"property": f"p{n}", "action": "constant"} for n in range(51)]}, "mapping"),
    ({"sample_percent": 0}, "sample_percent"),
    ({"schedule": {"weekdays": [8]}}, "schedule.weekdays[0]"),
    ({"schedule": {"from_hour": 9, "until_hour": 9}}, "schedule.until_hour"),
    ({"schedule": {"starts_at": "tomorrow"}}, "schedule.starts_at"),
    ({"schedule": {"starts_at": "2026-03-02", "ends_at": "2026-03-01"}}, "schedule.ends_at"),
]


async def test_what_makes_no_sense_is_refused_naming_the_field(shop: Shop, look_alikes: Sandbox) -> None:
    rule = await connected(shop, look_alikes, "webhook")
    for given, field in WRONG:
        refused = await change(shop, rule, **given)
        assert (refused.status_code, list(refused.json()["fields"])) == (422, [field]), given
    kept = (await shop.manage("GET", f"/send-events/{rule['id']}")).json()
    assert (kept["mapping"], kept["sample_percent"], kept["schedule"]) == ([], 100, None)


async def test_a_name_is_free_that_no_property_is_told_by_and_true_is_not_1(shop: Shop, look_alikes: Sandbox) -> None:
    rule = await connected(shop, look_alikes, "webhook")
    dropped = [{"property": "status", "action": "drop"}, {"property": "amount", "action": "rename", "value": "status"}]
    swapped = [{"property": "amount", "action": "rename", "value": "status"},
               {"property": "status", "action": "rename", "value": "amount"}]  # fmt: skip
    constants = [[{"property": "flag", "action": "constant", "value": value}] for value in (1, True)]
    for mapping in (dropped, swapped, *constants):
        assert (await change(shop, rule, mapping=mapping)).status_code == 200, mapping
        kept = (await shop.manage("GET", f"/send-events/{rule['id']}")).json()["mapping"]
        assert msgspec.json.encode(kept, order="sorted") == msgspec.json.encode(mapping, order="sorted")
    taken = [{"property": "a", "action": "constant"}, {"property": "amount", "action": "rename", "value": "a"}]
    assert list((await change(shop, rule, mapping=taken)).json()["fields"]) == ["mapping[1].value"]


async def test_a_rule_for_some_customers_and_some_hours_says_whom_and_when_it_kept_back(
    shop: Shop, look_alikes: Sandbox, clock: HandClock
) -> None:
    rule = await connected(shop, look_alikes, "webhook")
    await change(shop, rule, sample_percent=50)
    trigger = await shop.trigger()
    for n in range(8):
        made = await shop.reward(trigger, f"shopify-{n}")
        assert made.status_code == 200, made.text
    await drained(shop)
    told = {one["customer"]["id"] for one in await deliveries(shop)}
    events = (await shop.manage("GET", "/events", params={"topic": "walletreward_create"})).json()["items"]
    assert told == {one["customer"]["id"] for one in events if sampled(one["body"]["lead_id"], 50)}

    async def outcome(event: dict[str, Any]) -> dict[str, Any]:
        found: list[dict[str, Any]] = (await shop.manage("GET", f"/events/{event['id']}")).json()["rules"]
        return found[0]

    # Monday to Friday from 22 to 6 o'clock; it is Saturday morning.
    hours = {"weekdays": [5, 4, 3, 2, 1, 1], "from_hour": 22, "until_hour": 6}
    clock.advance(seconds=60)
    changed = (await change(shop, rule, sample_percent=100, schedule=hours)).json()
    assert changed["schedule"] == {"weekdays": [1, 2, 3, 4, 5], "from_hour": 22, "until_hour": 6}
    left_out = next(one for one in events if one["customer"]["id"] not in told)
    assert ((said := await outcome(left_out))["what"], "50%" in said["words"]) == ("sampled_out", True)
    clock.advance(seconds=60)
    await shop.reward(trigger, "shopify-0")
    await drained(shop)
    newest = (await shop.manage("GET", "/events", params={"topic": "walletreward_create"})).json()["items"][0]
    said = await outcome(newest)
    assert said["what"] == "outside_schedule"
    assert "only on Monday, Tuesday, Wednesday, Thursday, Friday, from 22:00 to 6:00" in said["words"]
    assert "it was Saturday, 2026-03-14 09:" in said["words"]


def test_the_same_customers_are_drawn_by_every_rule_and_as_many_as_it_says() -> None:
    people = [new_id() for _ in range(4_000)]
    tenth = {one for one in people if sampled(one, 10)}
    assert 300 < len(tenth) < 500
    assert tenth <= {one for one in people if sampled(one, 20)}
    assert all(sampled(one, 100) for one in people)


@pytest.mark.parametrize(
    ("schedule", "open", "shut"),
    [
        (Schedule(starts_at="2026-03-14T10:00"), ["2026-03-14T10:00"], ["2026-03-14T09:59"]),
        (Schedule(ends_at="2026-03-15"), ["2026-03-14T23:59"], ["2026-03-15T00:00"]),
        (Schedule(weekdays=[6]), ["2026-03-14T00:00"], ["2026-03-13T23:59", "2026-03-15T00:00"]),
        (Schedule(from_hour=9, until_hour=18), ["2026-03-14T17:59"], ["2026-03-14T18:00", "2026-03-14T08:59"]),
        (Schedule(from_hour=22, until_hour=6), ["2026-03-14T23:00", "2026-03-14T05:59"], ["2026-03-14T06:00"]),
    ],
)
def test_a_schedule_goes_by_the_clock_of_the_shop(schedule: Schedule, open: list[str], shut: list[str]) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    test = schedule.open(zone)
    asked = {text: test(datetime.fromisoformat(text).replace(tzinfo=zone)) for text in open + shut}
    assert asked == dict.fromkeys(open, True) | dict.fromkeys(shut, False)


def test_a_template_costs_no_more_and_says_no_more_than_it_may() -> None:
    body = msgspec.json.encode({"name": "{{ name }}", "tags": ["a", 2], "none": None, "n": 0}).decode()
    rows = [PropertyMapping("a", "template", "{{ tags }}|{{none}}|{{ n }}|{{name}}|" + "x" * 999)]
    assert msgspec.json.decode(applied(rows, body))["a"] == ("a, 2||0|{{ name }}|" + "x" * 999)[:1_000]
    rows = [PropertyMapping("a", "template", "{{ long }}" * 5), PropertyMapping("long", "drop")]
    assert msgspec.json.decode(applied(rows, msgspec.json.encode({"long": "y" * 90_000}).decode()))["a"] == "y" * 1_000


async def test_a_rule_is_tried_on_what_happened_at_both_doors(
    shop: Shop, look_alikes: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = await connected(shop, look_alikes, "klaviyo")
    ten, hundred = await shop.trigger(), await shop.trigger(coins=(100, 100))
    for trigger, whom in ((ten, CUSTOMER), (hundred, CUSTOMER), (hundred, "shopify-2"), (hundred, CUSTOMER)):
        assert (await shop.reward(trigger, whom)).status_code == 200
    draft = {"topic": "walletreward_create", "integration_id": rule["integration_id"], "mapping": MAPPING}
    draft |= {"condition": {"property": "amount", "operator": "at_least", "value": 100}, "prefix": "Try "}
    explained = list[object]()
    monkeypatch.setattr(conditions, "failed", lambda why: explained.append(why) or failed(why))
    found = (await shop.manage("POST", "/send-events/dry-run", json=draft, params={"days": 1})).json()
    assert len(explained) == 1, "only what is kept back is explained: that takes far longer than to ask"
    assert (found["looked_through"], found["sent"]) == (4, 2)
    back = {one["what"]: (one["words"], one["events"]) for one in found["kept_back"]}
    assert back["restricted"] == ("asked that the amount is at least 100 coins", 1)
    assert (back["unfit"][0][:37], back["unfit"][1]) == ("This customer has no e-mail address, ", 1)
    sent = msgspec.json.decode(found["first"][0]["body"])["data"]["attributes"]
    assert sent["metric"]["data"]["attributes"]["name"] == "Try walletreward_create"
    assert (sent["properties"]["points"], sent["profile"]["data"]["attributes"]["email"]) == (100, EMAIL)
    # As it stands, and with something else in it; nothing of it is kept.
    path = f"/send-events/{rule['id']}"
    assert (await shop.manage("POST", f"{path}/dry-run", json={})).json()["sent"] == 3
    off = (await shop.manage("POST", f"{path}/dry-run", json={"schedule": {"ends_at": "2020-01-01"}})).json()
    assert [(one["what"], one["events"]) for one in off["kept_back"]] == [("outside_schedule", 4)]
    assert (await shop.manage("GET", path)).json()["schedule"] is None
    refused = await shop.manage("POST", f"{path}/dry-run", json={"mapping": [{"property": "x", "action": "drop"}]})
    assert list(refused.json()["fields"]) == ["mapping[0].property"]

    owner, page = await signed_in(shop, await person(shop, "asha")), f"/events/send/{rule['id']}"
    typed = form_of((await owner.get(page)).text, page)
    more = form_of((await owner.post(page, **typed, redraw="mapping")).text, page)
    row = {"mapping[0].property": "amount", "mapping[0].action": "constant", "mapping[0].value": '"7"'}
    assert row.keys() <= more.keys()
    told = row | {"schedule.weekdays": "6", "sample_percent": "99"}
    answer = (await owner.post(page, **more | told | {"try": "yes", "try.days": "1"})).text
    assert "Would be sent" in answer
    assert "Not known there" in answer
    wrong = await owner.post(page, **more | told | {"mapping[0].action": "rename", "mapping[0].value": "status"})
    assert "Give a name that no other property has" in wrong.text
    assert (await owner.post(page, **more | told)).status_code == 303
    kept = (await shop.manage("GET", path)).json()
    assert kept["mapping"] == [{"property": "amount", "action": "constant", "value": "7"}]
    assert (kept["schedule"], kept["sample_percent"]) == ({"weekdays": [6]}, 99)
    drawn = form_of((await owner.get(page)).text, page)
    assert row.items() <= drawn.items()
    await owner.post(page, **drawn)
    assert (await shop.manage("GET", path)).json()["updated_at"] == kept["updated_at"]
    odd = {"schedule.weekdays": "\u00b2", "mapping[0].value": '"a\\u0000b"'}
    assert "text without NUL characters" in (await owner.post(page, **drawn | odd)).text
    gone = form_of((await owner.post(page, **drawn, redraw="mapping[0]")).text, page)
    assert (await owner.post(page, **gone)).status_code == 303
    assert (await shop.manage("GET", path)).json()["mapping"] == []
    new = await owner.post("/events/send/new", **typed | row | {"topic": "walletreward_create", "try": "yes"})
    assert "Would be sent" in new.text
