"""A look-alike of Contlo's API: what it refuses, it refuses in the body, with a status of 200."""

from typing import Any

import msgspec

from regulars.sandbox.memory import Call, Memory
from regulars.sandbox.reply import Reply
from regulars.sandbox.settings import Settings

_KEY_START = "sandbox-"
_YEAR_2000_MS, _YEAR_2100_MS = 946_684_800_000, 4_102_444_800_000
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Contlo:
    """Any key that starts with `sandbox-` is known; one that ends with `-readonly` may not write. `profiles` are
    kept by whatever they are identified by."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self.profiles: dict[str, dict[str, Any]] = {}
        self._memory = memory

    def answer(self, call: Call) -> Reply:
        key = call.headers.get("x-api-key", "")
        if not key.startswith(_KEY_START):
            return _said(401, "Invalid API key")
        if key.endswith("-readonly"):
            return _said(403, "The API key may not write")
        path = call.path.partition("?")[0]
        if call.method != "POST" or path not in ("/v2/track", "/v2/identify"):
            return _said(404, f"There is no {call.method} {path}")
        if call.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _said(415, "The content type must be application/json")
        try:
            sent = _decode(call.body)
        except msgspec.MsgspecError:
            return _said(200, "The body is not a JSON object")
        wrong = _wrong_profile(sent) or (_wrong_event(sent) if path == "/v2/track" else "")
        if wrong:
            return _said(200, wrong)
        who = str(sent.get("email") or sent["phone_number"])
        self.profiles.setdefault(who, {}).update(sent.get("profile_properties", {}))
        words = f"profile of {who}"
        if path == "/v2/track":
            new = self._memory.accept("contlo", str(sent["event_id"])) if "event_id" in sent else True
            words = f"{sent['event']} for {who}" + ("" if new else "; taken before, this is a duplicate")
        body = {"success": True, "status": "success", "error": None, "external_id": sent.get("external_id")}
        return Reply.json(200, body, words)

    def fault(self, status: int, retry_after_s: int) -> Reply:
        reply = _said(status, f"The sandbox was told to answer {status}")
        return msgspec.structs.replace(reply, headers=f"retry-after: {retry_after_s}\r\n") if status == 429 else reply


def _wrong_profile(sent: dict[str, Any]) -> str:
    email, phone = sent.get("email"), sent.get("phone_number")
    if not email and not phone:
        return "email or phone_number is required"
    if email and "@" not in str(email):
        return "email is not valid"
    if phone and not str(phone).removeprefix("+").isdigit():
        return "phone_number is not valid"
    if not isinstance(sent.get("profile_properties", {}), dict):
        return "profile_properties must be an object"
    return ""


def _wrong_event(sent: dict[str, Any]) -> str:
    name, at = sent.get("event"), sent.get("device_event_time")
    if not isinstance(name, str) or not name:
        return "event is required"
    if " " in name:
        return "event must not contain spaces"
    if at is not None and not (isinstance(at, int) and _YEAR_2000_MS < at < _YEAR_2100_MS):
        return "device_event_time must be in milliseconds"
    properties = sent.get("properties", {})
    if not isinstance(properties, dict) or any(isinstance(value, dict) for value in properties.values()):
        return "properties must be a flat object"
    return ""


def _said(status: int, error: str) -> Reply:
    body = {"success": False, "status": "error", "error": error, "external_id": None}
    return Reply.json(status, body, error)
