"""Webhooks, signed as Standard Webhooks says, and tried with the library that receivers use."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from regulars import integrations, sandbox
from regulars.delivery import Carrier, Delivered, Paused, attempt
from regulars.integrations import CONNECTORS
from regulars.kit.clock import wire_time
from regulars.kit.errors import Invalid
from regulars.kit.fields import checked_settings
from regulars.kit.http import Answer, Http, Request
from tests.carriers.making import OLD_SECRET, SECRET, carrier_for, parcel

MANIFEST = CONNECTORS["webhook"].manifest


def rendered(carrier: Carrier, **changed: object) -> Request:
    request = carrier.render(parcel(**changed))
    assert isinstance(request, Request)
    return request


@pytest.mark.parametrize(
    "secret", [SECRET, OLD_SECRET, SECRET.rstrip("="), "whsec_" + base64.b64encode(b"k" * 64).decode()]
)
def test_the_signature_is_the_librarys(secret: str) -> None:
    at = datetime.now(UTC)
    request = rendered(carrier_for("webhook", "https://shop.example", secret=secret), attempted_at=at)

    delivery_id = str(parcel().delivery_id)
    assert request.headers == {
        "Content-Type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery_id, at, request.body.decode()),
    }
    Webhook(secret).verify(request.body, dict(request.headers))


def test_the_body_holds_the_event_as_it_was_written() -> None:
    made = parcel()
    body = rendered(carrier_for("webhook", "https://shop.example")).body.decode()

    assert body.endswith(f'"data":{made.body}}}'), "not parsed and written again"
    assert msgspec.json.decode(body) == {
        "type": "shop_walletreward_create",
        "timestamp": "2026-03-14T09:26:53.589Z",
        "data": msgspec.json.decode(made.body),
    }


def test_a_prefix_can_break_nothing() -> None:
    body = rendered(carrier_for("webhook", "https://shop.example"), event_name='a"b\\c').body
    assert msgspec.json.decode(body)["type"] == 'a"b\\c'


def rotated(now: datetime, **more: str) -> Carrier:
    given = {"url": "https://shop.example/hook", "secret": SECRET, **more}
    settings, secrets = checked_settings(MANIFEST, given, {}, {})
    settings["secret_previous_until"] = wire_time(now + timedelta(hours=24))
    secrets["secret_previous"] = OLD_SECRET
    return CONNECTORS["webhook"].carrier(settings, secrets)


def test_both_secrets_verify_during_rotation_and_only_the_new_one_after() -> None:
    now = datetime.now(UTC)
    carrier = rotated(now)
    during = rendered(carrier, attempted_at=now)
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(during.body, dict(during.headers))

    after = rendered(rotated(now - timedelta(hours=25)), attempted_at=now)
    Webhook(SECRET).verify(after.body, dict(after.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_SECRET).verify(after.body, dict(after.headers))


@pytest.mark.parametrize(("known", "calls"), [(SECRET, 1), (OLD_SECRET, 2), ("whsec_of_somebody_else", 2)])
async def test_in_the_older_style_a_receiver_may_know_either_while_it_changes_over(known: str, calls: int) -> None:
    now = datetime.now(UTC)
    made: list[Request] = []

    class Receiver:
        async def send(self, request: Request) -> Answer:
            made.append(request)
            signed = hmac.new(known.encode(), request.body, hashlib.sha256).hexdigest()
            return Answer(200 if request.headers["x-nector-webhook-hmac"] == signed else 401, {}, b"", 1)

    carrier = rotated(now, style="nector")
    arrives = known != "whsec_of_somebody_else"
    tried = await attempt(carrier, Receiver(), parcel(attempted_at=now))
    assert (len(made), isinstance(tried.outcome, Delivered), tried.request) == (calls, arrives, made[-1])
    assert {name for one in made for name in one.secret_headers} == {"x-nector-webhook-secret"}
    assert len({(one.headers["x-nector-delivery-id"], one.body) for one in made}) == 1
    assert (await integrations.check(Receiver(), carrier, now)).ok is arrives
    made.clear()
    after = await attempt(rotated(now - timedelta(hours=25), style="nector"), Receiver(), parcel(attempted_at=now))
    assert (len(made), isinstance(after.outcome, Delivered)) == (1, known == SECRET)


async def test_the_older_style(connect: Callable[..., Carrier], http: Http) -> None:
    carrier = connect("webhook", url="BASE/webhook/older", style="nector")
    at = datetime.now(UTC)
    request = rendered(carrier, attempted_at=at)

    assert request.body.decode() == parcel().body
    assert request.headers == {
        "Content-Type": "application/json",
        "x-nector-webhook-hmac": hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest(),
        "x-nector-webhook-hmac-algo": "sha256",
        "x-nector-webhook-secret": hashlib.sha256(SECRET.encode()).hexdigest(),
        "x-nector-webhook-secret-algo": "sha256",
        "x-nector-timestamp": str(int(at.timestamp())),
        "x-nector-delivery-id": str(parcel().delivery_id),
        "x-nector-topic": "shop_walletreward_create",
        "x-source": "unix",
    }
    end = await http.send(request)
    assert isinstance(end, Answer)
    assert carrier.read(end) == Delivered()


async def test_a_receiver_with_another_secret_refuses(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    carrier = connect("webhook", secret=OLD_SECRET)

    result = carrier.read_check(await http.send(carrier.check(datetime.now(UTC))))
    assert not result.ok
    assert "refused the signature" in result.sentence

    end = await http.send(rendered(carrier))
    assert isinstance(end, Answer)
    assert isinstance(carrier.read(end), Paused)
    assert look_alikes.memory.counts["webhook"]["events"] == 0


async def test_an_old_signature_is_refused(connect: Callable[..., Carrier], http: Http) -> None:
    end = await http.send(rendered(connect("webhook"), attempted_at=datetime.now(UTC) - timedelta(minutes=6)))
    assert isinstance(end, Answer)
    assert end.status == 401


async def test_the_same_delivery_twice_is_seen_as_one(
    connect: Callable[..., Carrier], http: Http, look_alikes: sandbox.Sandbox
) -> None:
    request = rendered(connect("webhook"))
    for _ in range(2):
        await http.send(request)
    counts = look_alikes.memory.counts["webhook"]
    assert (counts["calls"], counts["events"], counts["duplicates"]) == (2, 1, 1)


def test_a_secret_is_made_where_none_is_given() -> None:
    _, secrets = checked_settings(MANIFEST, {"url": "https://shop.example/hook"}, {}, {})
    _, others = checked_settings(MANIFEST, {"url": "https://shop.example/hook"}, {}, {})
    assert secrets["secret"].startswith("whsec_")
    assert secrets != others
    Webhook(secrets["secret"])


@pytest.mark.parametrize(
    ("secret", "style", "fits"),
    [
        (SECRET, "standard", True),
        ("whsec_" + base64.b64encode(b"k" * 23).decode(), "standard", False),
        ("whsec_" + base64.b64encode(b"k" * 65).decode(), "standard", False),
        ("whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", "standard", False),
        ("whsec_" + "A" * 33, "standard", False),
        ("an-older-secret-of-theirs", "standard", False),
        ("an-older-secret-of-theirs", "nector", True),
        ("short", "nector", False),
        ("with spaces inside it", "nector", False),
        ("with\nline\nbreaks-in-it", "nector", False),
    ],
)
def test_which_secrets_fit(secret: str, style: str, fits: bool) -> None:
    given = {"url": "https://shop.example/hook", "secret": secret, "style": style}
    if fits:
        CONNECTORS["webhook"].carrier(*checked_settings(MANIFEST, given, {}, {})).render(parcel())
    else:
        with pytest.raises(Invalid) as refused:
            checked_settings(MANIFEST, given, {}, {})
        assert set(refused.value.fields) == {"secret"}
