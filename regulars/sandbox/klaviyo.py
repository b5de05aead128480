"""A look-alike of Klaviyo's API: it refuses what the real one refuses, in the same form (JSON:API)."""

import re
from datetime import datetime
from typing import Any

import msgspec

from regulars.sandbox.memory import Call, Memory
from regulars.sandbox.rate import Windows
from regulars.sandbox.reply import Reply
from regulars.sandbox.settings import Settings

_MEDIA_TYPE = "application/vnd.api+json"
_REVISIONS = ("2026-07-15",)
_KEY_START = "pk_sandbox"
_PROPERTIES_MAX = 400
_METRIC_CHARS_MAX = 127
_PROFILE_RATES = ((75, 1.0), (700, 60.0))
_IDENTIFIERS = ("email", "phone_number", "external_id")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_decode = msgspec.json.Decoder(dict[str, Any]).decode

_Wrong = tuple[str, str]
"""Where (a JSON pointer) and what."""


class Klaviyo:
    """Any key that starts with `pk_sandbox` is known; one that ends with `-readonly` may not write. `profiles` are kept
    by whatever they are identified by."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self.profiles: dict[str, dict[str, Any]] = {}
        self._memory = memory
        self._settings = settings
        self._events, self._imports = Windows(), Windows()

    def answer(self, call: Call) -> Reply:
        path = call.path.partition("?")[0].rstrip("/")
        refused = self._refuse_head(call)
        if refused is not None:
            return refused
        match call.method, path:
            case "GET", "/api/accounts":
                account = {"type": "account", "id": "SANDBX", "attributes": {"test_account": True}}
                return Reply(200, msgspec.json.encode({"data": [account]}), _MEDIA_TYPE)
            case "POST", "/api/events":
                rates = (self._settings.klaviyo_rate_per_s, 1.0), (self._settings.klaviyo_rate_per_minute, 60.0)
                return self._within(self._events, rates) or self._event(call)
            case "POST", "/api/profile-import":
                return self._within(self._imports, _PROFILE_RATES) or self._profile(call)
        return _problem(404, "not_found", "Not found.", f"There is no {call.method} {path}.")

    def fault(self, status: int, retry_after_s: int) -> Reply:
        if status == 429:
            return _too_many(retry_after_s)
        return _problem(status, "sandbox", "Sandbox fault.", f"The sandbox was told to answer {status}.")

    def _refuse_head(self, call: Call) -> Reply | None:
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        if scheme != "Klaviyo-API-Key" or not key.startswith(_KEY_START):
            return _problem(401, "not_authenticated", "Authentication credentials were not provided or are not known.")
        if key.endswith("-readonly") and call.method != "GET":
            return _problem(403, "permission_denied", "You do not have permission to perform this action.")
        revision = call.headers.get("revision")
        if revision is None:
            return _problem(400, "invalid", "The revision header is required.")
        if revision not in _REVISIONS:
            return _problem(410, "gone", "Revision retired.", f"Revision {revision} is not served.")
        if call.method == "POST" and call.headers.get("content-type", "").partition(";")[0] != _MEDIA_TYPE:
            return _problem(415, "unsupported_media_type", f"The content type must be {_MEDIA_TYPE}.")
        return None

    def _within(self, windows: Windows, rates: tuple[tuple[int, float], ...]) -> Reply | None:
        wait_s = windows.wait_s(*rates)
        return _too_many(wait_s) if wait_s else None

    def _event(self, call: Call) -> Reply:
        read = _attributes(call.body, "event")
        wrong = read if isinstance(read, tuple) else _wrong_event(read)
        if isinstance(read, tuple) or wrong is not None:
            return _invalid(wrong)
        who = self._upsert(read["profile"]["data"]["attributes"])
        name = read["metric"]["data"]["attributes"]["name"]
        # Without an id of its own, an event is known by whose it is, its metric and its second.
        second = str(read.get("time", ""))[:19]
        new = self._memory.accept("klaviyo", f"{who} {name} {read.get('unique_id') or second}")
        rate = self._settings.klaviyo_rate_per_minute, self._events.left, self._events.reset_s
        left = "ratelimit-limit: {}\r\nratelimit-remaining: {}\r\nratelimit-reset: {}\r\n".format(*rate)
        words = f"{name} for {who}" + ("" if new else "; taken before, this is a duplicate")
        return Reply(202, b"", _MEDIA_TYPE, left, words)

    def _profile(self, call: Call) -> Reply:
        read = _attributes(call.body, "profile")
        wrong = read if isinstance(read, tuple) else _wrong_profile(read, "/data/attributes")
        if isinstance(read, tuple) or wrong is not None:
            return _invalid(wrong)
        who = self._upsert(read)
        body = {"data": {"type": "profile", "id": f"01SANDBOX{len(self.profiles)}", "attributes": self.profiles[who]}}
        return Reply(200, msgspec.json.encode(body), _MEDIA_TYPE, words=f"profile of {who}")

    def _upsert(self, attributes: dict[str, Any]) -> str:
        who = str(next(attributes[name] for name in _IDENTIFIERS if attributes.get(name)))
        known = self.profiles.setdefault(who, {"properties": {}})
        properties = known["properties"] | attributes.get("properties", {})
        known |= attributes | {"properties": properties}
        return who


def _attributes(body: bytes, kind: str) -> dict[str, Any] | _Wrong:
    try:
        data = _decode(body)["data"]
        if data["type"] != kind:
            return "/data/type", f"Must be '{kind}'."
        attributes: dict[str, Any] = data["attributes"]
        attributes.keys()
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError):
        return "/data", "Must be a JSON:API object with a type and attributes."
    return attributes


def _wrong_event(attributes: dict[str, Any]) -> _Wrong | None:
    at = "/data/attributes"
    try:
        name = attributes["metric"]["data"]["attributes"]["name"]
        profile = attributes["profile"]["data"]["attributes"]
        kinds = attributes["metric"]["data"]["type"], attributes["profile"]["data"]["type"]
    except (KeyError, TypeError):
        return at, "'metric' and 'profile' are required."
    if kinds != ("metric", "profile"):
        return at, "Resources must be of the types 'metric' and 'profile'."
    if not isinstance(name, str) or not 0 < len(name) <= _METRIC_CHARS_MAX:
        return f"{at}/metric/data/attributes/name", "Must have less than 128 characters."
    properties = attributes.get("properties")
    if not isinstance(properties, dict) or len(properties) > _PROPERTIES_MAX:
        return f"{at}/properties", f"Must be an object of at most {_PROPERTIES_MAX} properties."
    if "time" in attributes and not _is_time(attributes["time"]):
        return f"{at}/time", "Must be a date and time in ISO 8601."
    value, currency = attributes.get("value"), attributes.get("value_currency")
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        return f"{at}/value", "Must be a number."
    if currency is not None and not re.fullmatch(r"[A-Z]{3}", str(currency)):
        return f"{at}/value_currency", "Must be a currency of ISO 4217."
    return _wrong_profile(profile, f"{at}/profile/data/attributes")


def _wrong_profile(profile: dict[str, Any], at: str) -> _Wrong | None:
    if not any(profile.get(name) for name in _IDENTIFIERS):
        return at, "One of email, phone_number and external_id is required."
    if profile.get("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(profile["email"])):
        return f"{at}/email", "Invalid email address."
    if profile.get("phone_number") and not _E164.fullmatch(str(profile["phone_number"])):
        return f"{at}/phone_number", "Invalid phone number format (Example of a valid format: +12345678901)."
    if not isinstance(profile.get("properties", {}), dict):
        return f"{at}/properties", "Must be an object."
    return None


def _is_time(value: object) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _problem(status: int, code: str, title: str, detail: str = "", pointer: str = "", headers: str = "") -> Reply:
    error = {
        "id": "00000000-0000-0000-0000-000000000001",
        "status": status,
        "code": code,
        "title": title,
        "detail": detail or title,
        "source": {"pointer": pointer or "/data"},
    }
    return Reply(status, msgspec.json.encode({"errors": [error]}), _MEDIA_TYPE, headers, detail or title)


def _invalid(wrong: _Wrong | None) -> Reply:
    pointer, detail = wrong or ("", "")
    return _problem(400, "invalid", "Invalid input.", detail, pointer)


def _too_many(retry_after_s: int) -> Reply:
    detail = f"Request was throttled. Expected available in {retry_after_s} seconds."
    return _problem(429, "throttled", "Request was throttled.", detail, headers=f"retry-after: {retry_after_s}\r\n")
