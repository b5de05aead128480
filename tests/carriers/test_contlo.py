"""Contlo's own rules, tried on its look-alike."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from regulars import sandbox
from regulars.delivery import Carrier, Delivered, GaveUp, RetryAfter
from regulars.kit.http import Answer, Http, NoAnswer, Request
from tests.carriers.making import carrier_for, parcel


def sent(request: Request | GaveUp) -> dict[str, Any]:
    assert isinstance(request, Request), request
    decoded: dict[str, Any] = msgspec.json.decode(request.body)
    return decoded


async def answer_to(http: Http, request: Request | GaveUp) -> Answer:
    assert isinstance(request, Request), request
    end = await http.send(request)
    assert isinstance(end, Answer), end
    return end


def test_the_request_is_as_documented() -> None:
    request = carrier_for("contlo", "https://api.example").render(parcel(event_name="Corner Shop walletreward_create"))

    assert isinstance(request, Request)
    assert (request.method, request.url) == ("POST", "https://api.example/contlo/v2/track")
    assert request.headers == {"Content-Type": "application/json", "X-API-KEY": "sandbox-key"}
    body = sent(request)
    properties = body.pop("properties")
    assert body == {
        "event": "Corner_Shop_walletreward_create",
        "email": "ayush@example.com",
        "external_id": "shopify-7029064106277",
        "event_id": "0197aa00-0000-7000-8000-000000000001",
        "device_event_time": 1_773_480_413_589,
        "profile_properties": {
            "Nector:balance": 170,
            "Nector:tier": "",
            "Nector:segments": ["Champions", "At risk"],
            "Nector:tags": ["VIP"],
            "Nector:referral_code": "2nfcdqo46x",
            "Nector:referral_link": "https://corner.example/r/2nfcdqo46x",
        },
    }
    assert properties["user_available_balance"] == 120, "of the event, as it was"


@pytest.mark.parametrize(
    ("selector", "key", "value"), [("email", "email", "ayush@example.com"), ("phone", "phone_number", "+919999999999")]
)
async def test_the_primary_selector_is_the_one_identifier(
    selector: str, key: str, value: str, connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect("contlo", primary_selector=selector)
    request = carrier.render(parcel(event={"object": {"k": 1}}))

    assert {name for name in ("email", "phone_number") if name in sent(request)} == {key}
    assert carrier.read(await answer_to(http, request)) == Delivered()
    assert look_alikes.tools["contlo"].profiles[value]["Nector:balance"] == 170


async def test_a_failure_inside_a_200_is_one_and_told_in_its_words(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect("contlo")
    end = await answer_to(http, carrier.render(parcel(event={"user_email": "nobody"})))
    assert end.status == 200
    assert carrier.read(end) == GaveUp("Contlo answered 200, and yet refused the event: email is not valid")
    assert look_alikes.memory.counts["contlo"]["events"] == 0


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"api_key": "wrong"}, "Contlo answered 401: the API key was refused. Paste a new key, then Initialize."),
        (
            {"api_key": "sandbox-readonly"},
            "Contlo answered 403: the API key lacks a permission. Paste a key that has all permissions, then "
            "Initialize.",
        ),
        ({"host": "BASE/contlo/elsewhere"}, "Contlo answered 404: there is no Contlo API at this address."),
    ],
)
async def test_initialize_in_words(
    changed: dict[str, str], sentence: str, connect: Callable[..., Carrier], http: Http
) -> None:
    carrier = connect("contlo", **changed)
    result = carrier.read_check(await http.send(carrier.check(datetime.now(UTC))))
    assert (result.ok, result.sentence) == (False, sentence)


async def test_initialize_changes_nothing_there(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect("contlo")
    assert carrier.read_check(await http.send(carrier.check(datetime.now(UTC)))).ok
    assert look_alikes.tools["contlo"].profiles == {}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (b'"Invalid API key"', "Contlo refused the API key: Invalid API key. Paste a new key, then Initialize."),
        (b'"Plan expired."', "Contlo answered 200: Plan expired. Try again in a few minutes."),
        (b"null", "Contlo answered 200. Try again in a few minutes."),
    ],
)
def test_a_check_refused_inside_a_200_is_told(error: bytes, sentence: str) -> None:
    carrier = carrier_for("contlo", "https://api.example")
    result = carrier.read_check(Answer(200, {}, b'{"success":false,"error":' + error + b"}", 1))
    assert (result.ok, result.sentence) == (False, sentence)


def test_sending_again_after_an_unclear_end_is_a_choice() -> None:
    end = NoAnswer("timeout_after_sent", "api.example did not answer in time.", 10_000)
    assert isinstance(carrier_for("contlo", "https://api.example").unanswered(parcel(), end), GaveUp)
    again = carrier_for("contlo", "https://api.example", retry_unclear="yes").unanswered(parcel(), end)
    assert isinstance(again, RetryAfter)
