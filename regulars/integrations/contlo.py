"""Contlo: e-mail, SMS and WhatsApp marketing. Events start its automations, profile properties build its segments.

What its documents leave to find out: whether an `event_id` that comes twice counts once. So an event whose end is
unclear is sent again only if the shop chooses so (`retry_unclear`).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from regulars import limits
from regulars.delivery.carrier import Parcel
from regulars.integrations import tool
from regulars.integrations.manifest import Connector, Manifest
from regulars.kit.fields import Field, host_field, rate_field
from regulars.kit.http import Answer, Request

MANIFEST = Manifest(
    tool="contlo",
    label="Contlo",
    category="e-mail and SMS",
    summary="Each event arrives at the customer's profile, ready to start an automation or to build a segment.",
    help_text=(
        "In Contlo open Store settings, then API keys. Copy the private key and paste it here. Then Initialize."
    ),
    help_url="https://marketing.contlo.com",
    deduplicates=False,
    fields=(
        tool.selector_field("Contlo", "email", "phone"),
        Field(
            name="api_key",
            label="API key",
            kind="secret",
            help="From Contlo: Store settings, API keys.",
            expected="the API key as Contlo shows it, without spaces",
        ),
        tool.any_prefix_field(),
        tool.retry_unclear_field("Contlo"),
        rate_field(600, "Contlo names no rate. Lower it if deliveries are answered 429."),
        host_field("Contlo", "https://api.contlo.com"),
    ),
)


_IDENTIFIERS = {"email": "email", "phone": "phone_number"}
# What it says to a call that names nobody, once it has taken the key.
_WHO_IS_MISSING = re.compile(r"email|phone|external_id", re.IGNORECASE)
_KEY_IS_WRONG = re.compile(r"key|auth|token", re.IGNORECASE)


class _Answer(msgspec.Struct):
    success: bool | None = None
    error: Any = None
    message: Any = None


class ContloCarrier(tool.ToolCarrier):
    """`POST /v2/track`. It says in the body, not by the status, whether it took one."""

    manifest = MANIFEST

    def calls(self, settings: Mapping[str, Any], key: str) -> tuple[str, dict[str, str], frozenset[str]]:
        return f"{self.host}/v2/track", {"X-API-KEY": key}, frozenset({"X-API-KEY"})

    def event(self, parcel: Parcel, body: dict[str, Any], who: str) -> dict[str, Any]:
        return {
            "event": parcel.event_name.replace(" ", "_"),
            _IDENTIFIERS[self.selector]: who,
            "external_id": body.get("user_customer_id") or "",
            "event_id": str(parcel.delivery_id),
            "device_event_time": int(parcel.occurred_at.timestamp() * 1_000),
            "properties": tool.properties_of(parcel, body, limits.CONTLO_PROPERTIES_MAX),
            "profile_properties": self.on_profile(parcel),
        }

    def said(self, answer: Answer) -> tool.Said:
        read = tool.read_as(_Answer, answer.body)
        words = tool.words_of(*(_text(part) for part in (read.error, read.message)))
        failed = read.success is False
        gone = "this version of its API has been retired. Update Regulars, then Initialize."
        return tool.Said(words, None, self.refused(answer.status, gone), failed)

    def check(self, at: datetime) -> Request:
        """Contlo has nothing that could be read. A profile that names nobody makes it look at the key and then refuse
        the call, so nothing changes there."""
        return self.ask("POST", f"{self.host}/v2/identify", {})

    def checked(self, answer: Answer, said: tool.Said) -> str:
        if said.failed and _WHO_IS_MISSING.search(said.words):
            return ""
        if said.failed and _KEY_IS_WRONG.search(said.words):
            return f"Contlo refused the API key: {said.words.rstrip('.')}. {tool.KEY_HELP}"
        return super().checked(answer, said)


def _text(part: object) -> str:
    return part if isinstance(part, str) else "" if part is None else tool.encode(part).decode()


CONNECTOR = Connector(manifest=MANIFEST, carrier=ContloCarrier)
