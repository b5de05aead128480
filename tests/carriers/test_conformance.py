"""What every connector must do, whichever tool it is for."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, cast

import msgspec
import pytest

from regulars import limits, sandbox
from regulars.delivery import Carrier, CheckResult, Delivered, GaveUp, Paused, RetryAfter, attempt
from regulars.delivery.carrier import PAUSE_STATUSES, RETRY_STATUSES, Outcome
from regulars.integrations import CONNECTORS
from regulars.integrations.manifest import Connector
from regulars.kit.errors import Invalid
from regulars.kit.fields import checked_settings
from regulars.kit.http import Answer, Http, NoAnswer, Request
from regulars.kit.wires import NoAnswerKind
from tests.carriers.making import GIVEN, PROFILE, carrier_for, parcel

TOOLS = list(CONNECTORS)
every_tool = pytest.mark.parametrize("tool", TOOLS)
LOOK_ALIKES = [tool for tool in TOOLS if tool != "kafka"]
"""Kafka has none: it is tried with the real one, in test_streams."""
every_look_alike = pytest.mark.parametrize("tool", LOOK_ALIKES)


def rendered(carrier: Carrier, **changed: Any) -> Request:
    request = carrier.render(parcel(**changed))
    assert isinstance(request, Request), request
    return request


def answered(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, headers, body, 12)


@every_tool
def test_the_manifest_is_complete(tool: str) -> None:
    manifest = CONNECTORS[tool].manifest
    assert manifest.tool == tool
    assert tool in GIVEN, "the conformance suite must know settings for every connector"
    assert manifest.label
    assert manifest.summary.endswith(".")
    assert manifest.help_text.endswith(".")
    assert manifest.help_url.startswith("https://")
    names = [field.name for field in manifest.fields]
    assert len(set(names)) == len(names)
    assert "rate_per_minute" in names
    for field in manifest.fields:
        assert field.label, field.name
        given = field.default is not None or field.generate is not None
        assert field.required or given or field.kind == "secret", field.name
        if field.kind == "select":
            assert field.default in {option.value for option in field.options}
        if field.kind == "number":
            assert 0 <= field.minimum < field.maximum
        if field.kind == "secret":
            assert field.default is None, "a secret that everybody knows is none"


@every_tool
def test_bad_settings_name_every_field(tool: str) -> None:
    manifest = CONNECTORS[tool].manifest
    bad: dict[str, Any] = {"unknown": "x", "rate_per_minute": "many"}
    expected = {"unknown", "rate_per_minute"}
    for field in manifest.fields:
        if field.kind in ("url", "select", "secret") or (field.kind == "text" and field.default is None):
            bad[field.name] = "not right\n"
            expected.add(field.name)

    with pytest.raises(Invalid) as refused:
        checked_settings(manifest, bad, {}, {})

    assert set(refused.value.fields) == expected
    assert all(why.startswith(("expected", manifest.label)) for why in refused.value.fields.values())


@every_tool
def test_a_secret_left_empty_keeps_its_value(tool: str) -> None:
    manifest = CONNECTORS[tool].manifest
    settings, secrets = checked_settings(manifest, GIVEN[tool] | _real_urls(CONNECTORS[tool]), {}, {})
    blanks = {field.name: "" for field in manifest.fields if field.kind == "secret"}

    assert checked_settings(manifest, blanks | {"rate_per_minute": "7"}, settings, secrets) == (
        settings | {"rate_per_minute": 7},
        secrets,
    )


def _real_urls(connector: Connector) -> dict[str, str]:
    urls = {field.name: "https://tool.example/x" for field in connector.manifest.fields if field.kind == "url"}
    return urls or {"servers": "tool.example:4222"}


@every_look_alike
async def test_the_tool_takes_an_event_with_a_word_on_what_was_made_to_fit(
    tool: str, connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    made = await attempt(connect(tool), http, parcel(event_name="walletreward_create", event={"coins'(of)": 5}))

    assert isinstance(made.outcome, Delivered), made
    assert ("Renamed: coins'(of)." in made.outcome.reason) == (tool in ("omnisend", "clevertap"))
    assert look_alikes.memory.counts[tool]["events"] == 1


FAULTS: dict[Any, type[Outcome] | None] = {
    "429": RetryAfter,
    "400": GaveUp,
    "403": Paused,
    "redirect": GaveUp,
    "500_after": RetryAfter,
    "slow": Delivered,
    "huge": Delivered,
    "nul": Delivered,
    **dict.fromkeys(("reset", "close", "garbage", "truncated")),
}
"""None: it may have arrived, which is for the tool or the shop to say."""


def unclear(tool: str) -> type[Outcome]:
    return RetryAfter if CONNECTORS[tool].manifest.deduplicates else GaveUp


@every_look_alike
async def test_whatever_the_tool_does_is_an_outcome(
    tool: str, connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    for fault, outcome in FAULTS.items():
        look_alikes.faults.put(sandbox.Fault(tool, fault, seconds=0.01, retry_after_s=7))
        made = await attempt(connect(tool), http, parcel())
        if (tool, fault) == ("nats", "huge"):
            outcome = None  # of a stream nobody hears out so much
        assert isinstance(made.outcome, outcome or unclear(tool)), (fault, made)
        if isinstance(made.outcome, RetryAfter) and fault == "429" and tool != "nats":
            assert made.outcome.wait_s == 7


async def test_that_a_tool_hangs_is_an_outcome_too_and_initialize_says_so(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    for tool in LOOK_ALIKES:
        look_alikes.faults.put(sandbox.Fault(tool, "hang"))
    made = await asyncio.gather(*(attempt(connect(tool), http, parcel()) for tool in LOOK_ALIKES))
    assert {tool: type(one.outcome) for tool, one in zip(LOOK_ALIKES, made, strict=True)} == {
        tool: unclear(tool) for tool in LOOK_ALIKES
    }
    for said in await asyncio.gather(*(initialized(connect(tool), http) for tool in LOOK_ALIKES)):
        assert_it_was_not_reached(said)


@every_tool
async def test_a_connection_that_is_not_trusted_is_tried_again(tool: str, http: Http) -> None:
    async def no_tls(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(no_tls, "127.0.0.1") as server:
        host = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        made = await attempt(carrier_for(tool, host), http, parcel())
    assert isinstance(made.outcome, RetryAfter), made


@pytest.mark.parametrize(
    ("tool", "body"),
    [
        ("contlo", {"success": False, "error": "email is not valid"}),
        ("clevertap", {"status": "partial", "unprocessed": [{"status": "fail", "error": "email is not valid"}]}),
        ("clevertap", {"status": "fail", "error": "email is not valid"}),
        ("moengage", {"status": "fail", "error": {"message": "email is not valid"}}),
        ("webengage", {"response": {"status": "error", "message": "email is not valid"}}),
    ],
)
def test_a_failure_named_in_a_200_is_one(tool: str, body: Any) -> None:
    outcome = carrier_for(tool, "https://tool.example").read(answered(200, msgspec.json.encode(body)))
    assert isinstance(outcome, GaveUp)
    assert outcome.reason.endswith("answered 200, and yet refused the event: email is not valid")


KEEPING = [tool for tool, connector in CONNECTORS.items() if connector.keeps_profiles]


@pytest.mark.parametrize("tool", KEEPING)
async def test_a_profile_is_told_what_the_customer_has_now(
    tool: str, connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect(tool)
    told = parcel(source="profile", event={"user_available_balance": 1}, profile=PROFILE | {"user_tier": "gold"})

    made = await attempt(carrier, http, told)

    assert made.outcome == Delivered(), made
    assert look_alikes.memory.counts[tool]["events"] == 0
    assert made.request is not None
    assert made.request.body.count(b"170") == 1
    assert b'"gold"' in made.request.body
    unclear = carrier.unanswered(told, NoAnswer("reset", "It broke.", 3))
    assert isinstance(unclear, RetryAfter), "to say it twice changes nothing"
    assert isinstance(carrier.render(parcel(source="profile", profile=None)), GaveUp)


@every_look_alike
async def test_initialize_says_that_it_is_well(tool: str, connect: Callable[..., Carrier], http: Http) -> None:
    result = await initialized(connect(tool), http)

    assert result.ok, result
    assert result.sentence.endswith("Events can be sent.")


@every_look_alike
async def test_initialize_says_what_is_wrong(
    tool: str, connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    for status in cast("tuple[Any, ...]", ("400", "401", "403", "404", "410", "429", "500", "503")):
        look_alikes.faults.put(sandbox.Fault(tool, status))

        result = await initialized(connect(tool), http)

        assert not result.ok, status
        assert status in result.sentence
        assert result.sentence.endswith("."), status


@every_look_alike
async def test_initialize_survives_a_broken_tool(
    tool: str, connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    for fault in cast("tuple[Any, ...]", ("reset", "close", "garbage", "truncated")):
        look_alikes.faults.put(sandbox.Fault(tool, fault))
        assert_it_was_not_reached(await initialized(connect(tool), http))


async def initialized(carrier: Carrier, http: Http) -> CheckResult:
    return carrier.read_check(await http.send(carrier.check(datetime.now(UTC))))


def assert_it_was_not_reached(result: CheckResult) -> None:
    assert not result.ok
    assert "could not be reached" in result.sentence
    assert re.search(r"\.\.|\. \.|: [A-Z]?\.", result.sentence) is None, result.sentence


@every_tool
def test_every_attempt_has_the_same_body_and_id(tool: str) -> None:
    carrier = carrier_for(tool, "https://tool.example")
    first = rendered(carrier)
    later = rendered(carrier, attempt_number=4, attempted_at=datetime.now(UTC) + timedelta(hours=3))

    assert first.body == later.body
    assert (first.method, first.url) == (later.method, later.url)
    sent = str(parcel().delivery_id)
    for request in (first.then or first, later.then or later):
        assert sent in request.body.decode() or sent in request.headers.values()


@every_tool
def test_only_what_is_true_of_the_customer_now_differs_between_attempts(tool: str) -> None:
    """What an event says stays as it was, to the byte; what the customer has is as it is by now, where it is kept."""
    carrier = carrier_for(tool, "https://tool.example")
    bodies = [rendered(carrier, profile=PROFILE | {"user_available_balance": have}).body for have in (4711, 4712)]

    assert bodies[0].replace(b"4711", b"4712") == bodies[1]
    assert bodies[0].count(b"4711") == int(CONNECTORS[tool].tells_state)
    # Nobody knows whom a sample is about: nothing is said of them.
    assert b"4711" not in rendered(carrier, profile=None).body


@every_tool
def test_no_secret_outside_the_secret_headers(tool: str) -> None:
    given = GIVEN[tool]
    secrets = [given[field.name] for field in CONNECTORS[tool].manifest.fields if field.kind == "secret"]
    carrier = carrier_for(tool, "https://tool.example")
    for request in (rendered(carrier), carrier.check(datetime.now(UTC))):
        assert request.secret_headers <= request.headers.keys()
        shown = {name: value for name, value in request.headers.items() if name not in request.secret_headers}
        for secret in secrets:
            assert secret not in f"{request.method} {request.url} {shown} {request.body!r}"


STATUSES: list[tuple[int, type[Outcome]]] = [
    *((status, Delivered) for status in (200, 201, 202, 204)),
    *((status, RetryAfter) for status in sorted(RETRY_STATUSES)),
    *((status, Paused) for status in sorted(PAUSE_STATUSES)),
    *((status, GaveUp) for status in (301, 302, 307, 308, 400, 404, 405, 409, 413, 415, 422, 418, 501, 505, 999)),
]


@every_tool
def test_a_status_means_the_same_for_all(tool: str) -> None:
    carrier = carrier_for(tool, "https://tool.example")
    for status, outcome in STATUSES:
        read = carrier.read(answered(status))

        assert type(read) is outcome, status
        if not isinstance(read, Delivered):
            assert str(status) in read.reason
            assert "\n" not in read.reason, status


WAITS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after": "120"}, 120.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "99999999999999999999"}, limits.RETRY_AFTER_MAX_S),
    ({"retry-after": "-5"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0.0),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
]


@every_tool
def test_the_wait_that_was_asked_for(tool: str) -> None:
    carrier = carrier_for(tool, "https://tool.example")
    for headers, wait_s in WAITS:
        read = carrier.read(Answer(503, headers, b"", 1))

        assert isinstance(read, RetryAfter), headers
        assert read.wait_s == wait_s, headers


BODIES = [
    b"",
    b"\x00\x00",
    b"\xff\xfe not text",
    b"{",
    b"[]",
    b"null",
    b'{"title": 7}',
    b'{"errors": {}}',
    b"a" * 64_000,
    b'{"a":' * 20_000,
    b'{"retryAfter": "NaN", "error": {"a": [1]}, "errors": [{}, 7, null], "status": []}',
]


@every_tool
def test_any_body_can_be_read(tool: str) -> None:
    carrier = carrier_for(tool, "https://tool.example")
    for status, body in product((200, 400, 401, 429, 500), BODIES):
        outcome = carrier.read(answered(status, body))
        result = carrier.read_check(answered(status, body))

        assert len(outcome.reason) < 1_000, (status, body[:99])
        assert len(result.sentence) < 1_000, (status, body[:99])
        assert "\x00" not in outcome.reason + result.sentence, (status, body[:99])


CLEAR: list[NoAnswerKind] = ["connect", "dns", "tls", "timeout_before_sent"]
UNCLEAR: list[NoAnswerKind] = ["timeout_after_sent", "reset", "garbage"]


@every_tool
def test_nothing_was_sent_so_it_is_tried_again(tool: str) -> None:
    carrier = carrier_for(tool, "https://tool.example")
    outcomes = {kind: carrier.unanswered(parcel(), NoAnswer(kind, "It broke.", 3)) for kind in CLEAR}
    assert {kind: type(outcome) for kind, outcome in outcomes.items()} == dict.fromkeys(CLEAR, RetryAfter)


@every_tool
def test_an_unclear_end_is_tried_again_where_the_tool_deduplicates(tool: str) -> None:
    carrier = carrier_for(tool, "https://tool.example")
    outcomes = {kind: carrier.unanswered(parcel(), NoAnswer(kind, "It broke.", 3)) for kind in UNCLEAR}
    assert {kind: type(outcome) for kind, outcome in outcomes.items()} == dict.fromkeys(UNCLEAR, unclear(tool))


@every_tool
def test_an_address_that_must_not_be_called_pauses(tool: str) -> None:
    end = NoAnswer("refused_address", "x leads to an address that is not on the public internet.", 1)
    assert isinstance(carrier_for(tool, "https://tool.example").unanswered(parcel(), end), Paused)


@every_tool
def test_a_name_that_stays_unknown_pauses(tool: str) -> None:
    carrier, end = carrier_for(tool, "https://tool.example"), NoAnswer("dns", "x has no address.", 1)
    last = carrier.unanswered(parcel(attempt_number=limits.RETRIES_MAX + 1), end)
    assert isinstance(last, Paused)
    assert "Initialize" in last.reason
