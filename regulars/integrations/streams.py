"""NATS and Kafka: each event is a message in a stream, with what a webhook would say as its body.

Whoever reads the stream takes two messages with one `webhook-id` for one, so an unclear end is always tried again.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from regulars import limits
from regulars.delivery import carrier
from regulars.integrations.manifest import ORDER, Connector, Manifest, in_order
from regulars.kit import addresses
from regulars.kit.fields import form_of, rate_field
from regulars.kit.http import Answer, NoAnswer, Request
from regulars.kit.streams import Servers, publication
from regulars.kit.webhooks import payload

_TRIED_TOPIC = "walletreward_create"
_SERVER = r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\]):[0-9]{1,5}"


class _Customer(msgspec.Struct, gc=False):
    user_customer_id: str = ""


_whose = msgspec.json.Decoder(_Customer).decode


def _fits(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    wrong, each = {}, [one.strip().rpartition(":") for one in str(settings["servers"]).split(",")]
    if any(int(port) != 443 and not 1024 <= int(port) <= 65_535 for _, _, port in each):
        wrong["servers"] = "expected a port from 1024 to 65535, or 443"
    elif settings["security"] == "none" and not all(addresses.is_this_machine(host) for host, _, _ in each):
        wrong["security"] = "expected TLS: what is sent holds secrets and customers, and these are other machines"
    if settings.get("mechanism", "none") != "none":
        needed = {"user": settings.get("user"), "password": secrets.get("password")}
        wrong |= {name: "expected it, since these servers ask for it" for name, value in needed.items() if not value}
    return wrong


def _manifest(tool: str) -> Manifest:
    form = form_of(
        __file__,
        tool,
        msgspec.structs.replace(ORDER, default="customer"),
        rate_field(600_000, "Lower it if your cluster can't keep up."),
        servers={"pattern": rf"{_SERVER}(?:\s*,\s*{_SERVER}){{0,9}}"},
        password={"sent_to": lambda settings: str(settings["servers"])},
    )
    return Manifest(tool=tool, category="developers", deduplicates=True, also=_fits, **form)


NATS, KAFKA = _manifest("nats"), _manifest("kafka")


class StreamCarrier:
    source: carrier.SourceKind = "event"
    at_once = 4 * limits.LANE_CALLS_IN_FLIGHT_MAX
    windows = profile_windows = NATS.windows
    keeps_profiles = False
    together = None

    def __init__(self, kind: Literal["nats", "kafka"], settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        mechanism = str(settings.get("mechanism", "none"))
        user, password, secure = str(settings["user"]), secrets.get("password", ""), settings["security"] == "tls"
        at = re.sub(r"\s", "", str(settings["servers"]))
        self._servers = Servers(kind, at, secure, user, password, "" if mechanism == "none" else mechanism)
        self._label = (NATS if kind == "nats" else KAFKA).label
        self._subject = str(settings["subject" if kind == "nats" else "topic"])
        self.in_order = in_order(settings)

    def render(self, parcel: carrier.Parcel) -> Request | carrier.GaveUp:
        body = payload(parcel.event_name, parcel.occurred_at, parcel.mapped or parcel.body)
        headers = {"webhook-id": str(parcel.delivery_id), "content-type": "application/json"}
        headers |= {"traceparent": parcel.traceparent} if parcel.traceparent else {}
        key = b""
        if self._servers.kind == "nats":
            headers["Nats-Msg-Id"] = headers["webhook-id"]
        else:
            key = _whose(parcel.body).user_customer_id.encode()
        return publication(self._servers, self._subject.replace("{topic}", parcel.topic), headers, body, key=key)

    def read(self, answer: Answer) -> carrier.Outcome:
        if 200 <= answer.status < 300:
            return carrier.Delivered()
        outcome = carrier.read_status(self._label, answer, _words(answer))
        mend = "Mend it there or here, then Initialize."
        return carrier.Paused(f"{outcome.reason} {mend}") if isinstance(outcome, carrier.Paused) else outcome

    def unanswered(self, parcel: carrier.Parcel, end: NoAnswer) -> carrier.Outcome:
        return carrier.read_no_answer(self._label, parcel, end, retry_unclear=True)

    def check(self, at: datetime) -> Request:
        return publication(self._servers, self._subject.replace("{topic}", _TRIED_TOPIC), {}, b"", trial=True)

    def read_check(self, end: Answer | NoAnswer) -> carrier.CheckResult:
        if isinstance(end, NoAnswer):
            sentence = f"{self._label} could not be reached: {end.detail} Check the servers, then Initialize."
            return carrier.CheckResult(False, sentence)
        if 200 <= end.status < 300:
            return carrier.CheckResult(True, f"{self._label} takes messages for {self._subject}. Events can be sent.")
        return carrier.CheckResult(False, f"{self._label} answered {end.status}: {_words(end) or 'nothing more.'}")


def _words(answer: Answer) -> str:
    text = answer.body[: limits.TOOL_WORDS_CHARS_MAX].decode("utf-8", "replace")
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return words and f"{words.rstrip('.')}."


CONNECTORS = {
    "nats": Connector(NATS, lambda settings, secrets: StreamCarrier("nats", settings, secrets)),
    "kafka": Connector(KAFKA, lambda settings, secrets: StreamCarrier("kafka", settings, secrets)),
}
