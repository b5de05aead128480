"""Klaviyo's own rules, tried on its look-alike."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from regulars import sandbox
from regulars.delivery import Carrier, Delivered, GaveUp, Paused, RetryAfter, attempt, attempt_together
from regulars.kit.http import Answer, Http, NoAnswer, Request
from tests.carriers.making import PROFILE, carrier_for, parcel


def sent(request: Request | GaveUp) -> dict[str, Any]:
    assert isinstance(request, Request), request
    attributes: dict[str, Any] = msgspec.json.decode(request.body)["data"]["attributes"]
    return attributes


async def answer_to(http: Http, request: Request | GaveUp) -> Answer:
    assert isinstance(request, Request), request
    end = await http.send(request)
    assert isinstance(end, Answer), end
    return end


def test_the_request_is_as_documented() -> None:
    request = carrier_for("klaviyo", "https://a.example").render(parcel())

    assert isinstance(request, Request)
    assert (request.method, request.url) == ("POST", "https://a.example/klaviyo/api/events")
    assert request.headers == {
        "Content-Type": "application/vnd.api+json",
        "accept": "application/vnd.api+json",
        "Authorization": "Klaviyo-API-Key pk_sandbox_key",
        "revision": "2026-07-15",
    }
    attributes = sent(request)
    properties = attributes.pop("properties")
    assert attributes == {
        "unique_id": "0197aa00-0000-7000-8000-000000000001",
        "time": "2026-03-14T09:26:53.589Z",
        "metric": {"data": {"type": "metric", "attributes": {"name": "shop_walletreward_create"}}},
        "profile": {
            "data": {
                "type": "profile",
                "attributes": {
                    "email": "ayush@example.com",
                    "first_name": "Ayush",
                    "last_name": "Kumar Shukla",
                    "properties": {
                        "Nector:balance": 170,
                        "Nector:tier": "",
                        "Nector:segments": ["Champions", "At risk"],
                        "Nector:tags": ["VIP"],
                        "Nector:referral_code": "2nfcdqo46x",
                        "Nector:referral_link": "https://corner.example/r/2nfcdqo46x",
                    },
                },
            }
        },
    }
    assert (properties["amount"], properties["closing_balance"]) == (100, 0)
    assert properties["user_available_balance"] == 120, "of the event, as it was"


def test_an_order_is_worth_its_amount_in_its_currency() -> None:
    order = {"fiat_amount": 849.54, "currency_code": "inr"}
    attributes = sent(carrier_for("klaviyo", "https://a.example").render(parcel(event=order)))
    assert (attributes["value"], attributes["value_currency"]) == (849.54, "INR")
    assert "value" not in sent(carrier_for("klaviyo", "https://a.example").render(parcel()))


@pytest.mark.parametrize(
    ("selector", "key", "value"),
    [
        ("email", "email", "ayush@example.com"),
        ("phone", "phone_number", "+919999999999"),
        ("id", "external_id", "shopify-7029064106277"),
    ],
)
async def test_the_primary_selector_is_the_one_identifier(
    selector: str, key: str, value: str, connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect("klaviyo", primary_selector=selector)
    request = carrier.render(parcel())

    profile = sent(request)["profile"]["data"]["attributes"]
    assert {name for name in ("email", "phone_number", "external_id") if name in profile} == {key}
    assert profile[key] == value
    assert carrier.read(await answer_to(http, request)) == Delivered()
    assert look_alikes.tools["klaviyo"].profiles[value]["Nector:balance"] == 170


@pytest.mark.parametrize("number", ["919800000000", "0151 12345678"])
def test_a_number_without_its_country_is_left_out_with_a_word(number: str) -> None:
    carrier = carrier_for("klaviyo", "https://a.example", primary_selector="phone")
    outcome = carrier.render(parcel(event={"user_mobile": number}))
    assert isinstance(outcome, GaveUp)
    assert number in outcome.reason


async def test_the_same_delivery_twice_is_one_event(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect("klaviyo")
    for number in (1, 2):
        assert carrier.read(await answer_to(http, carrier.render(parcel(attempt_number=number)))) == Delivered()
    counts = look_alikes.memory.counts["klaviyo"]
    assert (counts["events"], counts["duplicates"]) == (1, 1)
    again = carrier.unanswered(parcel(), NoAnswer("timeout_after_sent", "a.example did not answer in time.", 10_000))
    assert isinstance(again, RetryAfter), "Klaviyo counts it once, so it is sent again"


async def test_a_job_carries_many_and_nothing_of_profiles(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect("klaviyo")
    parcels = [parcel(delivery_id=UUID(int=n), event={"amount": n, "user_email": f"{n}@example.com"}) for n in range(3)]
    made = await attempt_together(carrier, http, [*parcels, parcel(delivery_id=UUID(int=9), event={"user_email": ""})])
    assert [one.outcome for one in made[:3]] == [Delivered("It was one of 3 in one call.")] * 3
    assert isinstance(made[3].outcome, GaveUp), "nothing was sent of it"
    assert made[0].request is not None
    assert made[0].request.url.endswith("/api/event-bulk-create-jobs")
    entry = msgspec.json.decode(made[0].request.body)
    assert entry["attributes"]["profile"]["data"]["attributes"] == {
        "email": "0@example.com",
        "first_name": "Ayush",
        "last_name": "Kumar Shukla",
    }
    (event,) = entry["attributes"]["events"]["data"]
    alone = sent(carrier.render(parcels[0]))
    del alone["profile"]
    assert event == {"type": "event", "attributes": alone}
    assert look_alikes.memory.counts["klaviyo"]["events"] == 3
    assert connect("klaviyo", profiles="no").together is None, "then only events tell of the profile"


async def test_of_a_job_that_is_refused_each_has_its_own_answer(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect("klaviyo")
    parcels = [parcel(delivery_id=UUID(int=n), event={"user_email": who}) for n, who in enumerate(["a@b.example", "x"])]
    made = await attempt_together(carrier, http, parcels)
    assert all(isinstance(one.outcome, RetryAfter) and one.outcome.alone for one in made)
    assert look_alikes.memory.counts["klaviyo"]["events"] == 0
    outcomes = [(await attempt(carrier, http, one)).outcome for one in parcels]
    assert outcomes[0] == Delivered()
    assert isinstance(outcomes[1], GaveUp)


def test_at_most_four_hundred_properties() -> None:
    carrier = carrier_for("klaviyo", "https://a.example")
    many = {f"p{n}": n for n in range(500)}
    assert len(sent(carrier.render(parcel(event=many, test=True)))["properties"]) == 400


async def test_what_it_refuses_is_told_in_its_words(connect: Callable[..., Carrier], http: Http) -> None:
    carrier = connect("klaviyo")
    end = await answer_to(http, carrier.render(parcel(event={"user_email": "nobody"})))
    assert carrier.read(end) == GaveUp(
        "Klaviyo answered 400: Invalid email address. (/data/attributes/profile/data/attributes/email)"
    )


async def test_a_full_window_is_told_by_header_and_waited_for(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    look_alikes.settings.klaviyo_rate_per_minute = 1
    carrier = connect("klaviyo")
    first = await answer_to(http, carrier.render(parcel()))
    assert first.headers["ratelimit-remaining"] == "0"
    outcome = carrier.read(await answer_to(http, carrier.render(parcel())))
    assert isinstance(outcome, RetryAfter)
    assert outcome.wait_s is not None
    assert 50 < outcome.wait_s <= 60
    assert outcome.reason.startswith("Klaviyo answered 429: Request was throttled. Expected available in ")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"api_key": "pk_other"}, "Klaviyo answered 401: the API key was refused. Paste a new key, then Initialize."),
        ({"host": "BASE/klaviyo/elsewhere"}, "Klaviyo answered 404: there is no Klaviyo API at this address."),
    ],
)
async def test_initialize_in_words(
    changed: dict[str, str], sentence: str, connect: Callable[..., Carrier], http: Http
) -> None:
    carrier = connect("klaviyo", **changed)
    result = carrier.read_check(await http.send(carrier.check(datetime.now(UTC))))
    assert (result.ok, result.sentence) == (False, sentence)


def test_a_revision_that_is_retired_is_named() -> None:
    outcome = carrier_for("klaviyo", "https://a.example").read(Answer(410, {}, b"", 1))
    assert isinstance(outcome, Paused)
    assert "revision 2026-07-15" in outcome.reason


async def test_a_key_that_may_not_write_pauses(connect: Callable[..., Carrier], http: Http) -> None:
    carrier = connect("klaviyo", api_key="pk_sandbox-readonly")
    outcome = carrier.read(await answer_to(http, carrier.render(parcel())))
    assert isinstance(outcome, Paused)
    assert "lacks a permission" in outcome.reason


def test_the_prefix_on_the_profile_is_a_setting() -> None:
    carrier = carrier_for("klaviyo", "https://a.example", profile_prefix="Corner:")
    profile = sent(carrier.render(parcel(profile=PROFILE | {"user_tier": "gold"})))["profile"]["data"]["attributes"]
    assert profile["properties"]["Corner:tier"] == "gold"
