"""The sandbox itself: what it shows and how it is told what shall go wrong."""

import asyncio
import signal
import sys
from collections import Counter
from typing import Any

import msgspec
import pytest

from regulars import limits, sandbox
from regulars.kit.http import Answer, NoAnswer, Request
from regulars.kit.mail import Outside


async def call(http: Outside, method: str, url: str, body: object = None, **headers: str) -> Answer:
    encoded = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
    end = await http.send(Request(method, url, headers, encoded))
    assert isinstance(end, Answer), end
    return end


async def test_what_was_received_can_be_seen(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    base = look_alikes.base_url
    await call(http, "POST", f"{base}/webhook/free?a=1", b"<b>&", **{"webhook-id": "1"})

    received: dict[str, Any] = msgspec.json.decode((await call(http, "GET", f"{base}/received")).body)
    assert received["counts"]["webhook"] == {"calls": 1, "events": 1, "200": 1}
    assert received["calls"][0]["path"] == "/webhook/free?a=1"
    assert received["calls"][0]["body"] == "<b>&"
    page = await call(http, "GET", f"{base}/")
    assert page.headers["content-type"].startswith("text/html")
    assert b"&lt;b&gt;&amp;" in page.body
    assert b"<b>&" not in page.body

    await call(http, "DELETE", f"{base}/received")
    assert look_alikes.memory.counts["webhook"] == Counter()
    assert b"No call yet" in (await call(http, "GET", f"{base}/")).body


async def test_faults_are_put_counted_off_and_cleared(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    base = look_alikes.base_url
    await call(http, "PUT", f"{base}/faults", {"tool": "webhook", "fault": "503", "times": 2, "retry_after_s": 7})

    statuses = []
    for n in range(3):
        answer = await call(http, "POST", f"{base}/webhook/free", b"{}", **{"webhook-id": str(n)})
        statuses.append((answer.status, answer.headers.get("retry-after")))
    assert statuses == [(503, "7"), (503, "7"), (200, None)]

    await call(http, "PUT", f"{base}/faults", {"tool": "webhook", "fault": "500", "share": 0.5})
    answers = [await call(http, "POST", f"{base}/webhook/free", b"{}", **{"webhook-id": "x"}) for _ in range(200)]
    assert 60 < sum(answer.status == 500 for answer in answers) < 140
    await call(http, "DELETE", f"{base}/faults")
    assert (await call(http, "POST", f"{base}/webhook/free", b"{}", **{"webhook-id": "x"})).status == 200


async def test_each_shop_has_look_alikes_of_its_own(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    one, other = f"{look_alikes.base_url}/shop/one", f"{look_alikes.base_url}/shop/other"
    sent = {"webhook-id": "1"}
    await call(http, "PUT", f"{one}/faults", {"tool": "webhook", "fault": "500", "times": 2})
    await call(http, "PUT", f"{one}/receivers/mine", {"secret": "any at all", "style": "nector"})

    assert (await call(http, "POST", f"{other}/webhook/mine", b"{}", **sent)).status == 200
    assert (await call(http, "POST", f"{look_alikes.base_url}/webhook/mine", b"{}", **sent)).status == 200
    assert (await call(http, "POST", f"{one}/webhook/mine", b"{}", **sent)).status == 500

    received = msgspec.json.decode((await call(http, "GET", f"{one}/received")).body)
    assert [made["status"] for made in received["calls"]] == [500]
    assert [(fault["tool"], fault["fault"], fault["times"]) for fault in received["faults"]] == [("webhook", "500", 1)]
    assert msgspec.json.decode((await call(http, "GET", f"{other}/received")).body)["faults"] == []
    assert msgspec.json.decode((await call(http, "DELETE", f"{one}/faults/webhook")).body) == {"faults": []}
    assert (await call(http, "POST", f"{one}/webhook/mine", b"{}", **sent)).status == 401


async def test_shops_that_were_not_used_for_long_are_forgotten(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    for n in range(limits.SANDBOX_SHOPS_MAX + 5):
        await call(http, "POST", f"{look_alikes.base_url}/shop/s{n}/webhook/any", b"{}", **{"webhook-id": "1"})
        await call(http, "POST", f"{look_alikes.base_url}/shop/s0/webhook/any", b"{}", **{"webhook-id": "1"})
    assert len(look_alikes.shops) == limits.SANDBOX_SHOPS_MAX
    assert "s0" in look_alikes.shops
    assert "s1" not in look_alikes.shops


async def test_slow_is_slow_and_then_as_ever(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    look_alikes.faults.put(sandbox.Fault("webhook", "slow", times=1, seconds=0.15))
    answer = await call(http, "POST", f"{look_alikes.base_url}/webhook/free", b"{}", **{"webhook-id": "1"})
    assert answer.status == 200
    assert answer.duration_ms >= 150


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/faults", {"tool": "pigeon", "fault": "hang"}, 400),
        ("PUT", "/faults", {"tool": "webhook", "fault": "explode"}, 400),
        ("PUT", "/faults", {"tool": "webhook", "fault": "hang", "times": 0}, 400),
        ("PUT", "/faults", {"tool": "webhook", "fault": "hang", "often": 3}, 400),
        ("PUT", "/faults", b"\x00", 400),
        ("PUT", "/receivers/shop", {"secret": ""}, 400),
        ("PUT", "/receivers/shop", {"secret": "any at all", "style": "nector"}, 200),
        ("PUT", "/settings", {"omnisend_rate_per_minute": 100_000}, 200),
        ("GET", "/nowhere", None, 404),
        ("GET", "/webhook/shop", None, 405),
        ("POST", "/webhook/free", b"{}", 400),
        ("POST", "/omnisend/api/events", {}, 401),
        ("POST", "/received", b"a" * 2_000_000, 413),
    ],
)
async def test_what_it_answers(
    method: str, path: str, body: object, status: int, look_alikes: sandbox.Sandbox, http: Outside
) -> None:
    assert (await call(http, method, look_alikes.base_url + path, body)).status == status


CONTACT = {"email": "a@example.com"}


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"contact": CONTACT}, "eventName"),
        ({"eventName": "e"}, "contact"),
        ({"eventName": "e", "contact": {}}, "contact"),
        ({"eventName": "e", "contact": {"email": "a@b.example", "phone": "+1"}}, "contact"),
        ({"eventName": "e", "contact": CONTACT | {"firstName": "x" * 51}}, "contact.firstName"),
        ({"eventName": "e", "contact": CONTACT, "eventVersion": "v1"}, "eventVersion"),
        ({"eventName": "e", "contact": CONTACT, "eventID": "7"}, "eventID"),
        ({"eventName": "e", "contact": CONTACT, "properties": {"ü": 1}}, "properties.ü"),
        ({"eventName": "e", "contact": CONTACT, "properties": {f"p{n}": n for n in range(101)}}, "properties"),
        ({"eventName": "known", "contact": CONTACT, "properties": {"n": "now a text"}}, "properties.n"),
    ],
)
async def test_omnisend_refuses_what_the_real_one_refuses(
    event: dict[str, Any], field: str, look_alikes: sandbox.Sandbox, http: Outside
) -> None:
    url = f"{look_alikes.base_url}/omnisend/api/events"
    key = {"authorization": "Omnisend-API-Key sandbox-1", "omnisend-version": "2026-03-15"}
    known = {"eventName": "known", "contact": CONTACT, "properties": {"n": 1}}
    assert (await call(http, "POST", url, known, **key)).status == 202

    answer = await call(http, "POST", url, event, **key)

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert msgspec.json.decode(answer.body)["errors"][0]["field"] == field


async def test_omnisend_wants_its_headers(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    url = f"{look_alikes.base_url}/omnisend/api/brands/current"
    key = "Omnisend-API-Key sandbox-1"
    assert (await call(http, "GET", url, authorization=key)).status == 400
    retired = await call(http, "GET", url, **{"authorization": key, "omnisend-version": "2020-01-01"})
    assert retired.status == 410
    assert (await call(http, "GET", url, authorization="Bearer sandbox-1")).status == 401
    older = f"{look_alikes.base_url}/omnisend/v5/brands/current"
    assert (await call(http, "GET", older, **{"x-api-key": "sandbox-1"})).status == 200


async def test_contacts_are_kept(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    url = f"{look_alikes.base_url}/omnisend/api/contacts"
    key = {"authorization": "Omnisend-API-Key sandbox-1", "omnisend-version": "2026-03-15"}
    contact = {"identifiers": [{"type": "email", "id": "a@example.com", "sendWelcomeMessage": False}], "tags": ["vip"]}
    assert (await call(http, "POST", url, contact, **key)).status == 200
    assert look_alikes.tools["omnisend"].profiles["a@example.com"]["tags"] == ["vip"]
    assert (await call(http, "POST", url, {"identifiers": []}, **key)).status == 400


def klaviyo_event(**changed: Any) -> dict[str, Any]:
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "e"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": "a@example.com"}}},
        "properties": {"n": 1},
        "time": "2026-03-14T09:26:53Z",
    }
    return {"data": {"type": "event", "attributes": attributes | changed}}


def of_a_profile(**attributes: object) -> dict[str, Any]:
    return {"data": {"type": "profile", "attributes": attributes}}


KLAVIYO = {
    "authorization": "Klaviyo-API-Key pk_sandbox",
    "revision": "2026-07-15",
    "content-type": "application/vnd.api+json",
}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"data": {"type": "events", "attributes": {}}}, "/data/type"),
        ({}, "/data"),
        (klaviyo_event(metric={}), "/data/attributes"),
        (
            klaviyo_event(metric={"data": {"type": "metric", "attributes": {"name": "x" * 128}}}),
            "/data/attributes/metric/data/attributes/name",
        ),
        (klaviyo_event(properties={f"p{n}": n for n in range(401)}), "/data/attributes/properties"),
        (klaviyo_event(time="yesterday"), "/data/attributes/time"),
        (klaviyo_event(value="84.95"), "/data/attributes/value"),
        (klaviyo_event(value=84.95, value_currency="usd"), "/data/attributes/value_currency"),
        (klaviyo_event(profile=of_a_profile()), "/data/attributes/profile/data/attributes"),
        (
            klaviyo_event(profile=of_a_profile(phone_number="0151 12345678")),
            "/data/attributes/profile/data/attributes/phone_number",
        ),
    ],
)
async def test_klaviyo_refuses_what_the_real_one_refuses(
    body: dict[str, Any], pointer: str, look_alikes: sandbox.Sandbox, http: Outside
) -> None:
    answer = await call(http, "POST", f"{look_alikes.base_url}/klaviyo/api/events", body, **KLAVIYO)

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/vnd.api+json"
    assert msgspec.json.decode(answer.body)["errors"][0]["source"]["pointer"] == pointer


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"authorization": "Bearer pk_sandbox"}, 401),
        ({"authorization": "Klaviyo-API-Key sk_sandbox"}, 401),
        ({"revision": "2020-01-01"}, 410),
        ({"content-type": "application/json"}, 415),
        ({}, 202),
    ],
)
async def test_klaviyo_wants_its_headers(
    changed: dict[str, str], status: int, look_alikes: sandbox.Sandbox, http: Outside
) -> None:
    url = f"{look_alikes.base_url}/klaviyo/api/events"
    assert (await call(http, "POST", url, klaviyo_event(), **KLAVIYO | changed)).status == status


async def test_klaviyo_keeps_one_event_a_second_without_an_id(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    url = f"{look_alikes.base_url}/klaviyo/api/events"
    for more in ({}, {}, {"unique_id": "1"}, {"unique_id": "2"}, {"unique_id": "2"}):
        assert (await call(http, "POST", url, klaviyo_event(**more), **KLAVIYO)).status == 202
    assert look_alikes.memory.counts["klaviyo"]["events"] == 3


async def test_klaviyo_has_two_windows(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    base = look_alikes.base_url
    await call(http, "PUT", f"{base}/settings", {"klaviyo_rate_per_s": 2, "klaviyo_rate_per_minute": 100})
    answers = [await call(http, "POST", f"{base}/klaviyo/api/events", klaviyo_event(), **KLAVIYO) for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 202, 429]
    assert answers[1].headers["ratelimit-remaining"] == "98"
    assert answers[2].headers["retry-after"] == "1"


async def test_klaviyo_keeps_profiles(look_alikes: sandbox.Sandbox, http: Outside) -> None:
    url = f"{look_alikes.base_url}/klaviyo/api/profile-import"
    for properties in ({"a": 1, "b": 1}, {"b": 2}):
        body = of_a_profile(email="a@example.com", properties=properties)
        assert (await call(http, "POST", url, body, **KLAVIYO)).status == 200
    assert look_alikes.tools["klaviyo"].profiles["a@example.com"] == {"a": 1, "b": 2}
    assert (await call(http, "POST", url, of_a_profile(email="nobody"), **KLAVIYO)).status == 400


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/v2/track", {"event": "e"}, "email or phone_number is required"),
        ("/v2/track", {"event": "two words", "email": "a@example.com"}, "$.event"),
        ("/v2/track", {"email": "a@example.com"}, "`event`"),
        ("/v2/track", {"event": "e", "phone_number": "+49 (0)"}, "phone_number is not valid"),
        (
            "/v2/track",
            {"event": "e", "email": "a@example.com", "device_event_time": 1_773_480_413},
            "$.device_event_time",
        ),
        ("/v2/track", {"event": "e", "email": "a@example.com", "properties": {"n": {}}}, "$.properties"),
        ("/v2/identify", {"email": "a@example.com", "profile_properties": []}, "$.profile_properties"),
        ("/v2/identify", b"[", "truncated"),
    ],
)
async def test_contlo_refuses_in_a_200(
    path: str, body: object, error: str, look_alikes: sandbox.Sandbox, http: Outside
) -> None:
    headers = {"x-api-key": "sandbox-1", "content-type": "application/json"}
    answer = await call(http, "POST", f"{look_alikes.base_url}/contlo{path}", body, **headers)

    assert answer.status == 200
    said = msgspec.json.decode(answer.body)
    assert (said["success"], error in said["error"]) == (False, True), said


PROCESS = "from regulars import sandbox; sandbox.run(port=0, ready=lambda url: print(url, flush=True))"


async def test_as_a_process_of_its_own_on_its_own_loop() -> None:
    """The command runs it on uvloop, whose connections are other objects than asyncio's."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    base = (await process.stdout.readline()).decode().strip()
    async with Outside(allow_loopback=True, deadline_s=1) as http:
        ends = {}
        for fault in ("reset", "garbage", "truncated", "huge", "hang"):
            await call(http, "PUT", f"{base}/faults", {"tool": "webhook", "fault": fault, "times": 1})
            end = await http.send(Request("POST", f"{base}/webhook/free", {"webhook-id": "1"}, b"{}"))
            ends[fault] = end.kind if isinstance(end, NoAnswer) else end.status
        # One that hangs must not keep the process from ending.
        await call(http, "PUT", f"{base}/faults", {"tool": "webhook", "fault": "hang", "times": 1})
        hanging = asyncio.create_task(http.send(Request("POST", f"{base}/webhook/free", {"webhook-id": "1"}, b"{}")))
        await asyncio.sleep(0)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await process.wait() == 0
        await hanging

    assert ends == {
        "reset": "reset",
        "garbage": "garbage",
        "truncated": "reset",
        "huge": 200,
        "hang": "timeout_after_sent",
    }
