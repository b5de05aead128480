"""A look-alike of Omnisend's API: it refuses what the real one refuses, in the same form (RFC 9457)."""

import re
from typing import Any
from uuid import UUID, uuid4

import msgspec

from regulars.sandbox.memory import Call, Memory
from regulars.sandbox.rate import Windows
from regulars.sandbox.reply import Reply
from regulars.sandbox.settings import Settings

_VERSIONS = ("2026-03-15",)
_KEY_START = "sandbox-"
_NAME = re.compile(r"[A-Za-z0-9_]{1,128}")
_PROPERTIES_MAX = 100
_NAME_CHARS_MAX = 50
_PHONE_CHARS_MAX = 15
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Omnisend:
    """Any key that starts with `sandbox-` is known; one that ends with `-readonly` may not send events."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self.contacts: dict[str, dict[str, Any]] = {}
        self._memory = memory
        self._settings = settings
        self._windows = Windows()
        # The type of a property is fixed by the first event that carries it.
        self._types: dict[tuple[str, str], str] = {}

    def answer(self, call: Call) -> Reply:
        path = call.path.partition("?")[0]
        older = path.startswith("/v5/")
        refused = self._refuse_key(call, older) or self._refuse_rate()
        if refused is not None:
            return refused
        route = (call.method, path.removeprefix("/v5" if older else "/api"))
        if route == ("GET", "/brands/current"):
            return Reply.json(
                200, {"brandID": "65f1a0sandbox", "name": "Sandbox", "platform": "custom", "currency": "USD"}
            )
        if route == ("POST", "/events"):
            return self._event(call)
        if route == ("POST", "/contacts") and not older:
            return self._contact(call)
        return problem(404, "not-found", "Not found", f"There is no {call.method} {path}.")

    def fault(self, status: int, retry_after_s: int) -> Reply:
        if status == 429:
            return _too_many(retry_after_s)
        titles = {401: "Unauthorized", 403: "Forbidden", 410: "API version has been retired"}
        return problem(
            status, "sandbox", titles.get(status, "Sandbox fault"), f"The sandbox was told to answer {status}."
        )

    def _refuse_key(self, call: Call, older: bool) -> Reply | None:
        if older:
            key = call.headers.get("x-api-key", "")
        else:
            scheme, _, key = call.headers.get("authorization", "").partition(" ")
            key = key if scheme == "Omnisend-API-Key" else ""
        if not key.startswith(_KEY_START):
            return problem(401, "unauthorized", "Unauthorized", "The API key is missing or not known.")
        if key.endswith("-readonly") and call.method != "GET":
            return problem(403, "forbidden", "Forbidden", "The API key lacks the permission events.write.")
        if older:
            return None
        version = call.headers.get("omnisend-version")
        if version is None:
            return _invalid("Omnisend-Version", "Required header is missing")
        if version not in _VERSIONS:
            return problem(410, "gone", "API version has been retired", f"Version {version} is not served.")
        return None

    def _refuse_rate(self) -> Reply | None:
        """Over all keys: they belong to one brand."""
        wait_s = self._windows.wait_s((self._settings.omnisend_rate_per_minute, 60.0))
        return _too_many(wait_s) if wait_s else None

    def _event(self, call: Call) -> Reply:
        try:
            event = _decode(call.body)
        except msgspec.MsgspecError as error:
            return _invalid("body", f"Must be a JSON object: {error}")
        wrong = _wrong_event(event) or self._wrong_types(event)
        if wrong is not None:
            return _invalid(*wrong)
        self._upsert(event["contact"])
        # The real one takes an id that comes again for a new event; here it is counted, to be seen.
        self._memory.accept("omnisend", str(event.get("eventID") or uuid4()))
        return Reply(202, b"", words=f"{event['eventName']} for {_who(event['contact'])}")

    def _wrong_types(self, event: dict[str, Any]) -> tuple[str, str] | None:
        seen: dict[tuple[str, str], str] = {}
        for name, value in event.get("properties", {}).items():
            if value is None:
                continue
            kind = _kind(value)
            known = self._types.get((event["eventName"], name), kind)
            if known != kind:
                return f"properties.{name}", f"Must be a {known}, as in the first event that had it; got a {kind}"
            seen[event["eventName"], name] = kind
        self._types.update(seen)
        return None

    def _contact(self, call: Call) -> Reply:
        try:
            contact = _decode(call.body)
            identifiers = contact["identifiers"]
            emails = [one["id"] for one in identifiers if one["type"] == "email"]
        except (msgspec.MsgspecError, KeyError, TypeError):
            return _invalid("identifiers", "Must be a list of {type, id, channels}")
        if not emails:
            return _invalid("identifiers", "Must hold an identifier of the type email")
        return Reply.json(200, {"contactID": self._upsert({"email": emails[0], **contact}), "email": emails[0]})

    def _upsert(self, contact: dict[str, Any]) -> str:
        who = _who(contact)
        self.contacts.setdefault(who, {}).update(contact)
        return who


def _wrong_event(event: dict[str, Any]) -> tuple[str, str] | None:
    """(field, message) of the first thing that is wrong."""
    name, contact = event.get("eventName"), event.get("contact")
    if not isinstance(name, str) or not name:
        return "eventName", "Required"
    if event.get("eventVersion", "") != "":
        return "eventVersion", "Must be empty for custom events"
    if "eventID" in event and not _is_uuid(event["eventID"]):
        return "eventID", "Must be a UUID"
    if not isinstance(contact, dict):
        return "contact", "Required"
    identifiers = [key for key in ("email", "phone", "id") if contact.get(key)]
    if len(identifiers) != 1:
        return "contact", "Must hold exactly one of email, phone, id"
    if "email" in contact and "@" not in str(contact["email"]):
        return "contact.email", "Must be a valid email address"
    for key, chars_max in (("firstName", _NAME_CHARS_MAX), ("lastName", _NAME_CHARS_MAX), ("phone", _PHONE_CHARS_MAX)):
        if len(str(contact.get(key, ""))) > chars_max:
            return f"contact.{key}", f"Must have at most {chars_max} characters"
    return _wrong_properties(event.get("properties", {}))


def _wrong_properties(properties: object) -> tuple[str, str] | None:
    if not isinstance(properties, dict):
        return "properties", "Must be an object"
    if len(properties) > _PROPERTIES_MAX:
        return "properties", f"Must have at most {_PROPERTIES_MAX} properties"
    for key in properties:
        if _NAME.fullmatch(key) is None:
            return f"properties.{key}", "Must consist of at most 128 latin letters, digits and underscores"
    return None


def problem(status: int, kind: str, title: str, detail: str, **more: object) -> Reply:
    body = {
        "type": f"https://problems.omnisend.com/{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "urn:omnisend:request:00000000-0000-0000-0000-000000000001",
        **more,
    }
    return Reply(status, msgspec.json.encode(body), "application/problem+json", words=detail)


def _invalid(field: str, message: str) -> Reply:
    errors = [{"field": field, "code": "invalid", "message": message}]
    return problem(400, "validation", "Validation failed", f"{field} is not valid", errors=errors)


def _too_many(retry_after_s: int) -> Reply:
    return problem(429, "rate-limit-exceeded", "Rate limit exceeded", "Too many requests", retryAfter=retry_after_s)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, list):
        return "list"
    return "object" if isinstance(value, dict) else "text"


def _is_uuid(value: object) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True


def _who(contact: dict[str, Any]) -> str:
    return str(contact.get("email") or contact.get("phone") or contact.get("id"))
