"""Look-alikes of Twilio and of WhatsApp's Cloud API: they refuse what the real ones refuse, by the same codes.

Twilio's own numbers for trying things out do here what they do there: +15005550001 is no number, +15005550004 wrote
STOP. At WhatsApp a number that ends with 0004 has no WhatsApp."""

import re
from base64 import b64decode
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from regulars.sandbox.memory import Call, Memory, Message
from regulars.sandbox.reply import Reply
from regulars.sandbox.settings import Settings

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_IS_NONE = {"+15005550001": 21211, "+15005550004": 21610, "+15005550009": 21614}


class Twilio:
    """Any account whose auth token begins with `sandbox` is known."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self._memory, self._ids = memory, count(1)

    def answer(self, call: Call) -> Reply:
        login = b64decode(call.headers.get("authorization", "").removeprefix("Basic ") or b"").decode()
        account, _, token = login.partition(":")
        if not token.startswith("sandbox"):
            return self._refuse(401, 20003, "Authenticate")
        if call.path == f"/2010-04-01/Accounts/{account}.json":
            return Reply.json(200, {"sid": account, "status": "active"})
        if call.method != "POST" or call.path != f"/2010-04-01/Accounts/{account}/Messages.json":
            return self._refuse(404, 20404, f"{call.path} was not found")
        said = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        to, sender = said.get("To", ""), said.get("From") or said.get("MessagingServiceSid", "")
        body = said.get("Body") or (
            said.get("ContentSid", "") and f"{said['ContentSid']} {said.get('ContentVariables')}"
        )
        if not sender or not body or len(body) > 1_600:
            return self._refuse(
                400, 21602 if not body else 21603 if not sender else 21617, "Message body or From is wrong"
            )
        if code := 21211 if _E164.fullmatch(to) is None else _IS_NONE.get(to):
            return self._refuse(400, code, f"The 'To' number {to} can't be sent to")
        sid = f"SM{next(self._ids):032x}"
        self._memory.accept("twilio", sid)
        self._memory.messages.append(Message(datetime.now(UTC), "sms", sender, to, body))
        return Reply.json(201, {"sid": sid, "status": "queued"}, "taken")

    def fault(self, status: int, retry_after_s: int) -> Reply:
        return self._refuse(status, 20429 if status == 429 else 20500, "The sandbox was told to answer this")

    def _refuse(self, status: int, code: int, message: str) -> Reply:
        return Reply.json(status, {"code": code, "message": message, "status": status}, message)


class WhatsApp:
    """Any access token that begins with `sandbox` is known."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self._memory, self._ids = memory, count(1)

    def answer(self, call: Call) -> Reply:
        if not call.headers.get("authorization", "").startswith("Bearer sandbox"):
            return self._refuse(401, 190, "Invalid OAuth access token.")
        sender, _, act = call.path.partition("?")[0].strip("/").partition("/")
        if call.method == "GET" and sender and not act:
            return Reply.json(200, {"id": sender, "verified_name": "Sandbox"})
        try:
            said: dict[str, Any] = msgspec.json.decode(call.body, type=dict[str, Any])
            to, kind = f"+{said['to']}", said["type"]
            text = said["text"]["body"] if kind == "text" else _filled(said["template"])
        except (msgspec.MsgspecError, LookupError, TypeError, AttributeError):
            return self._refuse(400, 100, "Invalid parameter")
        if act != "messages" or said.get("messaging_product") != "whatsapp" or _E164.fullmatch(to) is None:
            return self._refuse(400, 100, "Invalid parameter")
        if to.endswith("0004"):
            return self._refuse(400, 131026, "Message undeliverable")
        id = f"wamid.{next(self._ids):020}"
        self._memory.accept("whatsapp", id)
        self._memory.messages.append(Message(datetime.now(UTC), "whatsapp", sender, to, text))
        return Reply.json(200, {"messaging_product": "whatsapp", "messages": [{"id": id}]}, "taken")

    def fault(self, status: int, retry_after_s: int) -> Reply:
        return self._refuse(status, 130429 if status == 429 else 131016, "The sandbox was told to answer this")

    def _refuse(self, status: int, code: int, message: str) -> Reply:
        return Reply.json(status, {"error": {"code": code, "message": message}}, message)


def _filled(template: dict[str, Any]) -> str:
    """Which words it has is Meta's to know: its name, and what fills its slots."""
    slots = [part["text"] for of in template.get("components", ()) for part in of["parameters"]]
    return f"{template['name']} ({template['language']['code']}): {', '.join(slots) or 'no slots'}"
