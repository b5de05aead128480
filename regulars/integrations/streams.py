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
from regulars.kit.fields import Field, Option, rate_field
from regulars.kit.http import Answer, NoAnswer, Request
from regulars.kit.streams import Servers, publication
from regulars.kit.webhooks import payload

_TRIED_TOPIC = "walletreward_create"
_SERVER = r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\]):[0-9]{1,5}"
_PART = r"(?:[A-Za-z0-9_-]|\{topic\})+"
_SECURITY = Field(
    name="security",
    label="Connection",
    kind="select",
    help="Without TLS only servers on this machine are spoken to.",
    default="tls",
    options=(Option("tls", "TLS"), Option("none", "Not encrypted, to this machine alone")),
)


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


def _fields(kind: str, example: str, subject: Field, *more: Field) -> tuple[Field, ...]:
    return (
        Field(
            name="servers",
            label="Servers",
            kind="text",
            help="One, or several of one cluster with commas between them.",
            pattern=rf"{_SERVER}(?:\s*,\s*{_SERVER}){{0,9}}",
            expected=f"up to ten servers with their ports, such as {example}",
        ),
        subject,
        *more,
        Field(name="user", label="User", kind="text", required=False, default="", pattern=r"[\x21-\x7e]{0,200}"),
        Field(
            name="password",
            label="Password or token" if kind == "nats" else "Password",
            kind="secret",
            help="Without a user it is taken for a token." if kind == "nats" else "",
            required=False,
            sent_to=lambda settings: str(settings["servers"]),
        ),
        _SECURITY,
        msgspec.structs.replace(ORDER, default="customer"),
        rate_field(600_000, "Lower it if your cluster can't keep up."),
    )


NATS = Manifest(
    tool="nats",
    label="NATS",
    category="developers",
    summary="Each event is a message in a stream of JetStream.",
    help_text=(
        "Make a stream that takes the subject, and a user who may publish to it and subscribe to _INBOX.>. Messages "
        "carry Nats-Msg-Id, so that the stream keeps one that comes twice within its window once."
    ),
    help_url="https://docs.nats.io/nats-concepts/jetstream",
    deduplicates=True,
    fields=_fields(
        "nats",
        "nats.shop.example:4222",
        Field(
            name="subject",
            label="Subject",
            kind="text",
            help="{topic} stands for the event's topic, such as walletreward_create.",
            default="regulars.{topic}",
            pattern=rf"(?=.{{1,200}}$){_PART}(?:\.{_PART})*",
            expected="a subject such as regulars.{topic}",
        ),
    ),
    also=_fits,
)

KAFKA = Manifest(
    tool="kafka",
    label="Kafka",
    category="developers",
    summary="Each event is a message in a topic, those of one customer in their order.",
    help_text=(
        "Make the topic, and a user who may write to it. A message's key is the customer's id, so all that happens to "
        "a customer is in one partition."
    ),
    help_url="https://kafka.apache.org/documentation/",
    deduplicates=True,
    fields=_fields(
        "kafka",
        "kafka.shop.example:9093",
        Field(
            name="topic",
            label="Topic",
            kind="text",
            help="{topic} stands for the event's topic, such as walletreward_create.",
            default="regulars",
            pattern=r"(?=.{1,200}$)(?:[A-Za-z0-9._-]|\{topic\})+",
            expected="a topic such as regulars, or regulars.{topic}",
        ),
        Field(
            name="mechanism",
            label="Login",
            kind="select",
            default="SCRAM-SHA-512",
            options=(
                Option("SCRAM-SHA-512", "SCRAM-SHA-512"),
                Option("SCRAM-SHA-256", "SCRAM-SHA-256"),
                Option("PLAIN", "PLAIN"),
                Option("none", "None"),
            ),
        ),
    ),
    also=_fits,
)


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
