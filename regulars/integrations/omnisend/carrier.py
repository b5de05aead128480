"""Events to Omnisend: `POST /api/events` (version 2026-03-15), or the older `POST /v5/events`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from regulars import limits
from regulars.delivery.carrier import (
    CheckResult,
    GaveUp,
    Outcome,
    Parcel,
    Paused,
    RetryAfter,
    read_no_answer,
    read_status,
)
from regulars.integrations.omnisend.manifest import MANIFEST
from regulars.kit.clock import wire_time
from regulars.kit.http import Answer, NoAnswer, Request

_VERSION = "2026-03-15"
# Primary selector: (the event's property, the contact's, how a person calls it)
_SELECTORS = {
    "email": ("user_email", "email", "no e-mail address", "E-mail"),
    "phone": ("user_mobile", "phone", "no mobile number", "Mobile number"),
    "id": ("user_customer_id", "id", "no customer id", "Customer id"),
}
# Kept on the contact, where segments can use them; under their wire names, as shops already know them.
_ON_CONTACT = (
    "user_available_balance",
    "user_tier",
    "user_referral_code",
    "user_referral_link",
    "user_customer_id",
    "user_transaction_amount",
)
_NAME_CHARS_MAX = 50
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,128}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_KEY_HELP = "Paste a new key, then Initialize."


class _FieldError(msgspec.Struct):
    field: str = ""
    message: str = ""


class _Problem(msgspec.Struct):
    """RFC 9457, with Omnisend's `errors` and `retryAfter` (seconds)."""

    title: str = ""
    detail: str = ""
    errors: list[_FieldError] | None = None
    retry_after: float | None = msgspec.field(default=None, name="retryAfter")


_problem_decoder = msgspec.json.Decoder(_Problem, strict=False)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class OmnisendCarrier:
    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        host, key = str(settings["host"]).rstrip("/"), secrets["api_key"]
        self._selector = _SELECTORS[settings["primary_selector"]]
        self._retry_unclear = settings["retry_unclear"] == "yes"
        if settings["api_version"] == "v5":
            self._events_url, self._brand_url = f"{host}/v5/events", f"{host}/v5/brands/current"
            self._headers = {"X-API-KEY": key}
            self._secret_headers = frozenset({"X-API-KEY"})
        else:
            self._events_url, self._brand_url = f"{host}/api/events", f"{host}/api/brands/current"
            self._headers = {"Authorization": f"Omnisend-API-Key {key}", "Omnisend-Version": _VERSION}
            self._secret_headers = frozenset({"Authorization"})
        self._post_headers = {"Content-Type": "application/json", **self._headers}

    def render(self, parcel: Parcel) -> Request | GaveUp:
        body = _decode(parcel.body)
        in_event, in_contact, lacking, label = self._selector
        who = body.get(in_event)
        if not who:
            return GaveUp(
                f"This customer has {lacking}, and {label} is this integration's primary selector. Nothing was sent."
            )
        contact: dict[str, Any] = {in_contact: who}
        first_name, _, last_name = str(body.get("user_name") or "").strip().partition(" ")
        if first_name:
            contact["firstName"] = first_name[:_NAME_CHARS_MAX]
        if last_name.strip():
            contact["lastName"] = last_name.strip()[:_NAME_CHARS_MAX]
        contact["customProperties"] = {name: body[name] for name in _ON_CONTACT if _has_value(body.get(name))}
        properties = properties_of(body)
        if parcel.test:
            properties = {"test": True, **properties}
        event = {
            "eventName": parcel.event_name,
            "origin": "api",
            "eventVersion": "",
            "eventID": str(parcel.delivery_id),
            "eventTime": wire_time(parcel.occurred_at),
            "contact": contact,
            "properties": properties,
        }
        return Request("POST", self._events_url, self._post_headers, _encode(event), self._secret_headers)

    def read(self, answer: Answer) -> Outcome:
        if 200 <= answer.status < 300:
            return read_status(MANIFEST.label, answer)
        problem = _problem(answer.body)
        refused = self._refused(answer.status, problem)
        if refused is not None:
            return Paused(refused)
        outcome = read_status(MANIFEST.label, answer, _words(problem))
        if isinstance(outcome, RetryAfter) and problem.retry_after is not None and problem.retry_after > 0:
            asked_s = min(problem.retry_after, limits.RETRY_AFTER_MAX_S)
            return RetryAfter(max(asked_s, outcome.wait_s or 0.0), outcome.reason)
        return outcome

    def unanswered(self, parcel: Parcel, end: NoAnswer) -> Outcome:
        return read_no_answer(MANIFEST.label, parcel, end, retry_unclear=self._retry_unclear)

    def check(self, at: datetime) -> Request:
        """Reads the brand: it needs a key that is known and an API version that exists, and changes nothing."""
        return Request("GET", self._brand_url, self._headers, b"", self._secret_headers)

    def read_check(self, end: Answer | NoAnswer) -> CheckResult:
        if isinstance(end, NoAnswer):
            return CheckResult(
                False, f"Omnisend could not be reached: {end.detail} Check the address, then Initialize."
            )
        if 200 <= end.status < 300:
            return CheckResult(True, "Omnisend knows this key. Events can be sent.")
        problem = _problem(end.body)
        refused = self._refused(end.status, problem)
        if refused is not None:
            return CheckResult(False, refused)
        if end.status == 404:
            return CheckResult(False, "Omnisend answered 404: there is no Omnisend API at this address.")
        words = _words(problem)
        said = f"Omnisend answered {end.status}: {words}" if words else f"Omnisend answered {end.status}."
        return CheckResult(False, f"{said} Try again in a few minutes.")

    def _refused(self, status: int, problem: _Problem) -> str | None:
        """The statuses that a person must mend, in words."""
        if status == 401:
            return f"Omnisend answered 401: the API key was refused. {_KEY_HELP}"
        if status == 403:
            return (
                "Omnisend answered 403: the API key lacks a permission. Paste a key that has all permissions, then "
                "Initialize."
            )
        if status == 410:
            return (
                "Omnisend answered 410: this version of its API has been retired. Choose another API version, then "
                "Initialize."
            )
        return None


def properties_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The event's properties as Omnisend takes them.

    A property's type is fixed by the first event that carries it, and an event has '' where it has no value: such a
    property is left out, so that a number's first appearance is never a text. Names keep Latin letters, digits and
    underscores; of two that become equal the first stays.
    """
    properties: dict[str, Any] = {}
    for name, value in body.items():
        if not _has_value(value):
            continue
        if _PLAIN_NAME.fullmatch(name) is None:
            name = _NOT_IN_A_NAME.sub("_", name)[: limits.OMNISEND_PROPERTY_NAME_CHARS_MAX]
            if not name or name in properties:
                continue
        properties[name] = _encode(value).decode() if isinstance(value, dict) else value
        # One place is kept for the mark of a test.
        if len(properties) == limits.OMNISEND_PROPERTIES_MAX - 1:
            break
    return properties


def _has_value(value: object) -> bool:
    return value is not None and value != "" and value != [] and value != {}


def _problem(body: bytes) -> _Problem:
    try:
        return _problem_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Problem()


def _words(problem: _Problem) -> str:
    parts = [problem.detail or problem.title]
    parts += [f"{error.field}: {error.message}" for error in problem.errors or []]
    return "; ".join(part for part in parts if part)[: limits.TOOL_WORDS_CHARS_MAX]
