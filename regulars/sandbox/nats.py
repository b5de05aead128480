"""A look-alike of a NATS server with JetStream, on a port of its own: one stream, which takes every subject.

It knows whose messages they are by the user, the name of a shop, whose password begins with `sandbox`; and so does a
token, of no shop.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

import msgspec

from regulars import limits
from regulars.sandbox.faults import Fault, Faults
from regulars.sandbox.memory import Call, Memory

_INFO = {
    "server_id": "SANDBOX",
    "version": "2.12.0",
    "proto": 1,
    "headers": True,
    "max_payload": 1_048_576,
    "jetstream": True,
    "auth_required": True,
}
_OTHER_STREAM = {"code": 400, "err_code": 10060, "description": "expected stream does not match"}


class Told(msgspec.Struct):
    type: str
    timestamp: str
    data: dict[str, Any]


class NatsServer(asyncio.Protocol):
    """One connection. `shop_of` finds whose messages they are by the user's name."""

    def __init__(self, shop_of: Callable[[str], tuple[Memory, Faults]]) -> None:
        self._shop_of, self._heard, self._known = shop_of, b"", False
        self._inboxes: dict[str, str] = {}
        self._sequence = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"INFO " + msgspec.json.encode(_INFO) + b"\r\n")

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while b"\r\n" in self._heard and not self.transport.is_closing():
            line, _, rest = self._heard.partition(b"\r\n")
            verb, *words = line.decode("utf-8", "replace").split(" ")
            size = int(words[-1]) if verb in ("PUB", "HPUB") else 0
            if size and len(rest) < size + 2:
                return
            self._heard = rest[size + 2 :] if verb in ("PUB", "HPUB") else rest
            self._obey(verb, words, rest[:size])

    def _obey(self, verb: str, words: list[str], payload: bytes) -> None:
        if verb == "CONNECT":
            self._log_in(msgspec.json.decode(" ".join(words)))
        elif not self._known:
            self.transport.write(b"-ERR 'Authorization Violation'\r\n")
            self.transport.close()
        elif verb == "PING":
            self.transport.write(b"PONG\r\n")
        elif verb == "SUB":
            self._inboxes[words[0].rstrip("*")] = words[-1]
        elif verb in ("PUB", "HPUB") and len(words) == (3 if verb == "PUB" else 4):
            head = int(words[2]) if verb == "HPUB" else 0
            lines = payload[:head].decode("utf-8", "replace").split("\r\n")[1:]
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
            }
            self._publish(words[1], Call("PUB", words[0], headers, payload[head:]))

    def _log_in(self, told: dict[str, Any]) -> None:
        self._known = str(told.get("pass") or told.get("auth_token") or "").startswith("sandbox")
        self._memory, self._faults = self._shop_of(str(told.get("user") or ""))

    def _publish(self, reply_to: str, call: Call) -> None:
        fault = self._faults.next_for("nats")
        status = (
            int(fault.fault[:3])
            if fault and fault.fault[0].isdigit()
            else 302
            if fault and fault.fault == "redirect"
            else 200
        )
        said: dict[str, Any] = {"error": {"code": status, "err_code": 10_000, "description": f"{status} on demand"}}
        if status == 200 or (fault and fault.fault == "500_after"):
            taken = self._take(call)
            said, status = (taken, 400 if "error" in taken else 200) if status == 200 else (said, status)
        answered = fault is None or status != 200 or fault.fault in ("slow", "nul", "huge")
        words = said["error"]["description"] if "error" in said else f"message {said['seq']} for {call.path}"
        self._memory.note("nats", call, status if answered else None, words, fault.fault if fault else None)
        self._answer(reply_to, said, fault)

    def _take(self, call: Call) -> dict[str, Any]:
        if call.headers.get("nats-expected-stream", "REGULARS") != "REGULARS":
            return {"error": _OTHER_STREAM}
        try:
            msgspec.json.decode(call.body, type=Told)
        except msgspec.MsgspecError as wrong:
            return {"error": {"code": 400, "err_code": 10_000, "description": str(wrong)}}
        new = self._memory.accept("nats", call.headers.get("nats-msg-id", ""))
        self._sequence += new
        return {"stream": "REGULARS", "seq": self._sequence} | ({} if new else {"duplicate": True})

    def _answer(self, reply_to: str, said: dict[str, Any], fault: Fault | None) -> None:
        inbox = next((sid for begin, sid in self._inboxes.items() if reply_to.startswith(begin)), None)
        if fault and fault.fault in ("huge", "nul"):
            said = said | {"stream": "\0NUL" if fault.fault == "nul" else "a" * limits.SANDBOX_HUGE_BYTES}
        body = msgspec.json.encode(said)
        wire = f"MSG {reply_to} {inbox} {len(body)}\r\n".encode() + body + b"\r\n"
        match fault.fault if fault else "":
            case "hang":
                return
            case "reset":
                linger = struct.pack("ii", 1, 0)
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.transport.abort()
            case "close":
                self.transport.close()
            case "garbage":
                self.transport.write(b"\x00\xff this is not NATS \x00\r\n")
            case "truncated":
                self.transport.write(wire[:-20])
                self.transport.close()
            case "slow" if fault:
                asyncio.get_running_loop().call_later(fault.seconds, self.transport.write, wire)
            case _:
                self.transport.write(wire)
