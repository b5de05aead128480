"""The tools that are told of in a table: what each is sent, and what its look-alike refuses as the real one does."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from regulars import sandbox
from regulars.delivery import Carrier, Delivered, GaveUp, attempt
from regulars.kit.http import Http, Request
from regulars.sandbox.memory import Call
from tests.carriers.making import PROFILE, carrier_for, parcel

ID, WHO, NAMED = "0197aa00-0000-7000-8000-000000000001", "ayush@example.com", "shop_walletreward_create"
BODY = {"user_email": WHO, "amount": 100}
STATE = {
    "Nector:balance": 170,
    "Nector:tier": "",
    "Nector:referral_code": "2nfcdqo46x",
    "Nector:referral_link": "https://corner.example/r/2nfcdqo46x",
    "Nector:segments": ["Champions", "At risk"],
    "Nector:tags": ["VIP"],
}
MERGED = dict(zip(("BALANCE", "TIER", "REFCODE", "REFLINK"), STATE.values(), strict=False))
MEMBER = "mailchimp/3.0/lists/a1b2c3d4e5/members/338035292b8cd77d2de7fe2c91d7e788"
MERGE = {
    "email_address": WHO,
    "status_if_new": "transactional",
    "merge_fields": MERGED | {"FNAME": "Ayush", "LNAME": "Kumar Shukla"},
}
ACTION = {
    "action": NAMED,
    "attributes": BODY | {"delivery_id": ID},
    "platform": "unknown",
    "current_time": "2026-03-14T09:26:53.589Z",
}
UPLOAD = {"type": "event", "identity": WHO, "ts": 1_773_480_413, "evtName": NAMED}

EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "webengage": (
        "webengage/v1/accounts/~47b66161/events",
        {"userId": WHO, "eventName": NAMED, "eventTime": "2026-03-14T09:26:53+0000"}
        | {"eventData": BODY | {"delivery_id": ID}},
    ),
    "moengage": ("moengage/v1/event/OAPQQ2AMD01", {"type": "event", "customer_id": WHO, "actions": [ACTION]}),
    "clevertap": ("clevertap/1/upload", {"d": [UPLOAD | {"evtData": BODY | {"delivery_id": ID}}]}),
    "attentive": (
        "attentive/v1/events/custom",
        {"type": NAMED, "properties": BODY, "externalEventId": ID, "occurredAt": "2026-03-14T09:26:53.589Z"}
        | {"user": {"email": WHO}},
    ),
    "mailchimp": (
        f"{MEMBER}/events",
        {"name": NAMED, "occurred_at": "2026-03-14T09:26:53+00:00"}
        | {"properties": {"user_email": WHO, "amount": "100", "delivery_id": ID}},
    ),
    "postscript": (
        "postscript/api/v2/events",
        {"type": NAMED, "email": WHO, "occurred_at": "2026-03-14 09:26:53.589000", "external_id": ID}
        | {"properties": BODY},
    ),
}
PROFILES: dict[str, tuple[str, dict[str, Any]]] = {
    "omnisend": (
        "omnisend/api/contacts",
        {
            "identifiers": [
                {
                    "type": "email",
                    "id": WHO,
                    "sendWelcomeMessage": False,
                    "channels": {"email": {"status": "nonSubscribed", "statusChangedAt": "2000-01-01T00:00:00Z"}},
                }
            ],
            "firstName": "Ayush",
            "lastName": "Kumar Shukla",
            "customProperties": {
                name: PROFILE[name]
                for name in (
                    *("user_available_balance", "user_tier", "user_referral_code", "user_referral_link"),
                    *("user_segments", "user_tags", "user_customer_id", "user_transaction_amount"),
                )
            },
        },
    ),
    "contlo": (
        "contlo/v2/identify",
        {"email": WHO, "external_id": "shopify-7029064106277", "profile_properties": STATE},
    ),
    "webengage": (
        "webengage/v1/accounts/~47b66161/users",
        {"userId": WHO, "firstName": "Ayush", "lastName": "Kumar Shukla", "attributes": STATE},
    ),
    "moengage": (
        "moengage/v1/customer/OAPQQ2AMD01",
        {"type": "customer", "customer_id": WHO}
        | {"attributes": STATE | {"first_name": "Ayush", "last_name": "Kumar Shukla"}},
    ),
    "clevertap": (
        "clevertap/1/upload",
        {
            "d": [
                {"type": "profile", "identity": WHO}
                | {
                    "profileData": {name.replace(":", "_"): value for name, value in STATE.items()}
                    | {"Name": "Ayush Kumar Shukla", "Nector_segments": "Champions, At risk", "Nector_tags": "VIP"}
                }
            ]
        },
    ),
    "attentive": (
        "attentive/v1/attributes/custom",
        {"properties": STATE | {"Nector:segments": "Champions, At risk", "Nector:tags": "VIP"}, "user": {"email": WHO}},
    ),
    "mailchimp": (f"{MEMBER}?skip_merge_validation=true", MERGE),
}


def asked(request: Request | GaveUp) -> tuple[str, dict[str, Any]]:
    assert isinstance(request, Request), request
    return request.url.removeprefix("https://api.example/"), msgspec.json.decode(request.body)


@pytest.mark.parametrize("tool", EVENTS)
def test_an_event_is_sent_as_documented(tool: str) -> None:
    carrier = carrier_for(tool, "https://api.example", primary_selector="email")
    request = carrier.render(parcel(body=msgspec.json.encode(BODY).decode()))
    assert isinstance(request, Request)
    if request.then is not None:
        assert (request.method, asked(request)) == ("PUT", PROFILES[tool])
        request = request.then
    assert (request.method, asked(request)) == ("POST", EVENTS[tool])
    key = {"clevertap": "X-CleverTap-Passcode"}.get(tool, "Authorization")
    known = {"mailchimp": "regulars:sandbox-key-us21", "moengage": "OAPQQ2AMD01:sandbox-key"}
    value = f"Basic {b64encode(known[tool].encode()).decode()}" if tool in known else "Bearer sandbox-key"
    assert request.headers[key] == ("sandbox-key" if tool == "clevertap" else value)
    assert request.secret_headers == {key}


@pytest.mark.parametrize("tool", PROFILES)
def test_a_profile_is_sent_as_documented(tool: str) -> None:
    carrier = carrier_for(tool, "https://api.example", primary_selector="email")
    assert asked(carrier.render(parcel(source="profile", body="{}"))) == PROFILES[tool]


def test_omnisends_contacts_are_told_of_by_number_and_at_the_older_address_too() -> None:
    older = carrier_for("omnisend", "https://api.example", primary_selector="phone", api_version="v5")
    url, body = asked(older.render(parcel(source="profile")))
    assert url == "omnisend/v5/contacts"
    assert body["sendWelcomeMessage"] is False
    channels = {"sms": {"status": "nonSubscribed", "statusDate": "2000-01-01T00:00:00Z"}}
    assert body["identifiers"] == [{"type": "phone", "id": "+919999999999", "channels": channels}]
    by_id = carrier_for("omnisend", "https://api.example", primary_selector="id")
    assert asked(by_id.render(parcel(source="profile")))[1]["identifiers"][0]["id"] == WHO, "it knows no ids"


MANY = {f"text_{n}": "x" for n in range(40)} | {"number": 1, "flag": True}


@pytest.mark.parametrize(
    ("tool", "event", "name", "note"),
    [
        ("webengage", MANY, "shop_order_create", "Left out: text_21, text_22, text_23, text_24, text_25 and 20"),
        ("webengage", {"note": "x" * 2_000}, "we_order_create", "It was named _we_order_create, as WebEngage takes"),
        ("webengage", {"note": "x" * 2_000}, "order_create", "Cut: note."),
        ("moengage", {"moe_x": 1, "of": {"a": 1}}, "moe_order_create", "Renamed: moe_x."),
        ("clevertap", {"a.b:c": 1, "list": [1, {"a": 2}], "text": "ü" * 400}, "x.y", "It was named x_y, as CleverTap"),
        ("attentive", {'a"b': {"c": [1]}}, "Shop's (order)", 'Renamed: a"b.'),
        ("mailchimp", {"flag": False, "list": [1]}, "incompletereferralrequest_create", "It was named incompleteref"),
        ("postscript", {"list": [1], "of": {"a": 1}}, "Shop order_create", "It was named Shop_order_create, as Posts"),
        ("omnisend", {f"p{n}": n for n in range(200)}, "order_create", "Left out: p95, p96, p97, p98, p99 and 108"),
    ],
)
async def test_what_a_tool_would_refuse_is_made_to_fit_and_the_delivery_says_so(
    tool: str, event: dict[str, Any], name: str, note: str, connect: Callable[..., Carrier], http: Http
) -> None:
    made = await attempt(connect(tool), http, parcel(event=event, event_name=name))
    assert isinstance(made.outcome, Delivered), made
    assert note in made.outcome.reason


KEY = {"authorization": "Bearer sandbox-key"}
LOGIN = {"authorization": f"Basic {b64encode(b'a:sandbox-key').decode()}", "moe-appkey": "a"}
CLEVER = {"x-clevertap-passcode": "sandbox-key", "x-clevertap-account-id": "a"}


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "words"),
    [
        ("webengage/v1/accounts/a/events", {}, {}, 401, "key"),
        ("webengage/v1/accounts/a/events", {"authorization": "Bearer sandbox-readonly"}, {}, 403, "write"),
        ("webengage/v1/elsewhere", KEY, {}, 404, "There is no"),
        ("webengage/v1/accounts/a/users", KEY, {}, 400, "`userId`"),
        (EVENTS["webengage"][0], KEY, EVENTS["webengage"][1] | {"eventName": "we_order"}, 400, "eventName"),
        (EVENTS["webengage"][0], KEY, EVENTS["webengage"][1] | {"eventTime": "2026-03-14T09:26:53Z"}, 400, "eventTime"),
        (EVENTS["webengage"][0], KEY, EVENTS["webengage"][1] | {"eventData": MANY}, 400, "at most 25"),
        (EVENTS["moengage"][0], LOGIN, EVENTS["moengage"][1] | {"actions": []}, 400, "actions"),
        (EVENTS["moengage"][0], LOGIN, EVENTS["moengage"][1] | {"customer_id": ""}, 400, "customer_id"),
        (EVENTS["clevertap"][0], CLEVER, {"d": [UPLOAD | {"evtData": {"a.b": 1}}]}, 200, "evtData"),
        (EVENTS["clevertap"][0], CLEVER, {"d": [UPLOAD | {"evtData": {"a": [1]}}]}, 200, "evtData"),
        (EVENTS["attentive"][0], KEY, EVENTS["attentive"][1] | {"type": "a,b"}, 400, "type"),
        (EVENTS["attentive"][0], KEY, EVENTS["attentive"][1] | {"user": {}}, 400, "email or phone"),
        (PROFILES["attentive"][0], KEY, {"properties": {"a": [1]}, "user": {"email": WHO}}, 400, "properties"),
        (EVENTS["mailchimp"][0], LOGIN, EVENTS["mailchimp"][1], 404, "could not be found"),
        (EVENTS["mailchimp"][0], LOGIN, EVENTS["mailchimp"][1] | {"name": "x" * 31}, 400, "name"),
        (EVENTS["postscript"][0], KEY, EVENTS["postscript"][1] | {"type": "a b"}, 400, "type"),
        (EVENTS["postscript"][0], KEY, EVENTS["postscript"][1] | {"occurred_at": "2026-03-14"}, 400, "occurred_at"),
    ],
)
def test_a_look_alike_refuses_what_the_real_one_refuses(
    path: str, headers: dict[str, str], body: dict[str, Any], status: int, words: str
) -> None:
    call = Call("POST", f"/{path}", headers | {"content-type": "application/json"}, msgspec.json.encode(body))
    reply, _ = sandbox.Sandbox(sandbox.Settings()).answer(call)
    assert (reply.status, words in reply.body.decode()) == (status, True), reply


def test_a_member_is_known_by_the_hash_of_their_address_alone() -> None:
    look_alike = sandbox.Sandbox(sandbox.Settings())
    put = Call("PUT", "/" + MEMBER.replace("33803", "00000"), LOGIN, msgspec.json.encode(MERGE))
    put.headers["content-type"] = "application/json"
    assert look_alike.answer(put)[0].status == 404
    put.path = f"/{MEMBER}"
    assert look_alike.answer(put)[0].status == 200
