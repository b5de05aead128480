"""Omnisend's own rules, tried on its look-alike."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from regulars import sandbox
from regulars.delivery import Carrier, Delivered, GaveUp, Paused, RetryAfter
from regulars.kit.http import Answer, Http, NoAnswer, Request
from tests.carriers.making import PROFILE, carrier_for, parcel


def event(request: Request | GaveUp) -> dict[str, Any]:
    assert isinstance(request, Request), request
    decoded: dict[str, Any] = msgspec.json.decode(request.body)
    return decoded


def test_the_request_is_as_documented() -> None:
    request = carrier_for("omnisend", "https://api.example").render(parcel())

    assert isinstance(request, Request)
    assert (request.method, request.url) == ("POST", "https://api.example/omnisend/api/events")
    assert request.headers == {
        "Content-Type": "application/json",
        "Authorization": "Omnisend-API-Key sandbox-key",
        "Omnisend-Version": "2026-03-15",
    }
    sent = event(request)
    properties = sent.pop("properties")
    assert sent == {
        "eventName": "shop_walletreward_create",
        "origin": "api",
        "eventVersion": "",
        "eventID": "0197aa00-0000-7000-8000-000000000001",
        "eventTime": "2026-03-14T09:26:53.589Z",
        "contact": {
            "email": "ayush@example.com",
            "firstName": "Ayush",
            "lastName": "Kumar Shukla",
            "customProperties": {
                "user_available_balance": 170,
                "user_tier": "",
                "user_segments": ["Champions", "At risk"],
                "user_tags": ["VIP"],
                "user_referral_code": "2nfcdqo46x",
                "user_referral_link": "https://corner.example/r/2nfcdqo46x",
                "user_customer_id": "shopify-7029064106277",
                "user_transaction_amount": 499.5,
            },
        },
    }
    assert properties["amount"] == 100
    assert properties["closing_balance"] == 0, "zero is a value"
    assert "last_transaction" not in properties, "an empty text would fix the type of what is a number"


def test_the_older_version_is_a_choice() -> None:
    request = carrier_for("omnisend", "https://api.example", api_version="v5").render(parcel())

    assert isinstance(request, Request)
    assert request.url == "https://api.example/omnisend/v5/events"
    assert request.headers["X-API-KEY"] == "sandbox-key"
    assert request.secret_headers == {"X-API-KEY"}


@pytest.mark.parametrize(
    ("selector", "key", "value"),
    [
        ("email", "email", "ayush@example.com"),
        ("phone", "phone", "+919999999999"),
        ("id", "id", "shopify-7029064106277"),
    ],
)
async def test_the_primary_selector_is_the_one_identifier(
    selector: str, key: str, value: str, connect: Callable[..., Carrier], http: Http
) -> None:
    carrier = connect("omnisend", primary_selector=selector)
    request = carrier.render(parcel())

    contact = event(request)["contact"]
    assert {name for name in ("email", "phone", "id") if name in contact} == {key}
    assert contact[key] == value
    assert isinstance(request, Request)
    end = await http.send(request)
    assert isinstance(end, Answer)
    assert carrier.read(end) == Delivered()


@pytest.mark.parametrize(
    ("selector", "lacking", "words"),
    [("email", "user_email", "no e-mail address"), ("phone", "user_mobile", "no mobile number")],
)
@pytest.mark.parametrize("value", ["", None])
def test_nobody_to_send_to(selector: str, lacking: str, words: str, value: str | None) -> None:
    carrier = carrier_for("omnisend", "https://api.example", primary_selector=selector)
    outcome = carrier.render(parcel(event={lacking: value}))
    assert isinstance(outcome, GaveUp)
    assert words in outcome.reason


def test_names_are_cut_as_omnisend_wants_them() -> None:
    carrier = carrier_for("omnisend", "https://api.example")
    long, nameless = ({**PROFILE, "user_name": name} for name in ("A" * 80 + " " + "B" * 80, " "))
    contact = event(carrier.render(parcel(profile=long)))["contact"]
    assert (len(contact["firstName"]), len(contact["lastName"])) == (50, 50)
    assert "firstName" not in event(carrier.render(parcel(profile=nameless)))["contact"]


def test_the_contacts_properties_may_have_a_prefix_of_letters() -> None:
    carrier = carrier_for("omnisend", "https://api.example", profile_prefix="nector_")
    assert "nector_user_tier" in event(carrier.render(parcel()))["contact"]["customProperties"]


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        ({"a": 0, "b": False, "c": 1.5}, {"a": 0, "b": False, "c": 1.5}),
        ({"a": "", "b": None, "c": [], "d": {}}, {}),
        ({"a b-c": 1, "ü": 2}, {"a_b_c": 1, "_": 2}),
        ({"a_b": 1, "a b": 2}, {"a_b": 1}),
        ({"n" * 200: 1}, {"n" * 128: 1}),
        ({"list": ["x", "y"], "object": {"k": 1}}, {"list": ["x", "y"], "object": '{"k":1}'}),
    ],
)
def test_properties_are_made_to_fit(body: dict[str, Any], properties: dict[str, Any]) -> None:
    written = msgspec.json.encode({"user_email": "a@example.com"} | body).decode()
    sent = event(carrier_for("omnisend", "https://api.example").render(parcel(body=written)))["properties"]
    assert sent == {"user_email": "a@example.com"} | properties


def test_at_most_a_hundred_properties_also_in_a_test() -> None:
    carrier = carrier_for("omnisend", "https://api.example")
    many = {f"p{n}": n for n in range(200)}
    assert len(event(carrier.render(parcel(event=many, test=True)))["properties"]) == 100


def test_a_test_event_says_so() -> None:
    carrier = carrier_for("omnisend", "https://api.example")
    assert event(carrier.render(parcel(test=True)))["properties"]["test"] is True
    assert "test" not in event(carrier.render(parcel()))["properties"]


async def test_a_number_that_is_missing_at_first_stays_a_number(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    """`last_transaction` is '' until there is one; the look-alike fixes types as the real one does."""
    carrier = connect("omnisend")
    for value in ("", 5, "", 7):
        request = carrier.render(parcel(event={"last_transaction": value}))
        assert isinstance(request, Request)
        end = await http.send(request)
        assert isinstance(end, Answer)
        assert carrier.read(end) == Delivered(), look_alikes.memory.newest[-1].words


def test_a_wait_in_the_body_is_kept_to() -> None:
    carrier = carrier_for("omnisend", "https://api.example")
    outcome = carrier.read(Answer(429, {}, b'{"title":"Rate limit exceeded","status":429,"retryAfter":30}', 1))
    assert outcome == RetryAfter(30.0, "Omnisend answered 429: Rate limit exceeded")
    longer = carrier.read(Answer(429, {"retry-after": "60"}, b'{"title":"x","retryAfter":30}', 1))
    assert isinstance(longer, RetryAfter)
    assert longer.wait_s == 60.0


async def test_over_the_rate(connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox) -> None:
    look_alikes.settings.omnisend_rate_per_minute = 1
    carrier = connect("omnisend")
    request = carrier.render(parcel())
    assert isinstance(request, Request)
    await http.send(request)
    end = await http.send(request)
    assert isinstance(end, Answer)
    outcome = carrier.read(end)
    assert isinstance(outcome, RetryAfter)
    assert outcome.wait_s is not None
    assert 50 < outcome.wait_s <= 60


async def test_what_it_refuses_is_told_in_its_words(connect: Callable[..., Carrier], http: Http) -> None:
    carrier = connect("omnisend")
    request = carrier.render(parcel(event={"user_email": "nobody"}))
    assert isinstance(request, Request)
    end = await http.send(request)
    assert isinstance(end, Answer)
    assert carrier.read(end) == GaveUp(
        "Omnisend answered 400: contact.email is not valid; contact.email: Must be a valid email address"
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"api_key": "wrong"}, "Omnisend answered 401: the API key was refused. Paste a new key, then Initialize."),
        ({"host": "BASE/omnisend/elsewhere"}, "Omnisend answered 404: there is no Omnisend API at this address."),
    ],
)
async def test_initialize_in_words(
    changed: dict[str, str], sentence: str, connect: Callable[..., Carrier], http: Http
) -> None:
    carrier = connect("omnisend", **changed)
    result = carrier.read_check(await http.send(carrier.check(datetime.now(UTC))))
    assert (result.ok, result.sentence) == (False, sentence)


async def test_a_key_that_may_not_send_pauses(connect: Callable[..., Carrier], http: Http) -> None:
    carrier = connect("omnisend", api_key="sandbox-readonly")
    request = carrier.render(parcel())
    assert isinstance(request, Request)
    end = await http.send(request)
    assert isinstance(end, Answer)
    outcome = carrier.read(end)
    assert isinstance(outcome, Paused)
    assert "lacks a permission" in outcome.reason


def test_sending_again_after_an_unclear_end_is_a_choice() -> None:
    end = NoAnswer("timeout_after_sent", "api.example did not answer in time.", 10_000)
    once = carrier_for("omnisend", "https://api.example").unanswered(parcel(), end)
    again = carrier_for("omnisend", "https://api.example", retry_unclear="yes").unanswered(parcel(), end)
    assert isinstance(once, GaveUp)
    assert "could count twice" in once.reason
    assert isinstance(again, RetryAfter)
