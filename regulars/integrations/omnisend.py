"""Omnisend: e-mail and SMS marketing. Events start its automations and build its segments.

What its documents leave to find out: `eventID` does not deduplicate events that start automations, so an event whose
end is unclear can start one twice if it is sent again. That is the shop's choice (`retry_unclear`).
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
from regulars.kit import wire_time
from regulars.kit.fields import Field, Option, host_field, rate_field
from regulars.kit.http import Answer, Request

MANIFEST = Manifest(
    tool="omnisend",
    label="Omnisend",
    category="e-mail and SMS",
    summary="Each event arrives at the customer's contact, ready to start an automation or to build a segment.",
    help_text=(
        "In Omnisend open Store settings, then API keys, and choose Create API key. Select all permissions, copy the "
        "key and paste it here. Then Initialize."
    ),
    help_url="https://app.omnisend.com/integrations/api-keys",
    deduplicates=False,
    fields=(
        tool.selector_field("Omnisend", "email", "phone", "id"),
        Field(
            name="api_key",
            label="API key",
            kind="secret",
            help="From Omnisend: Store settings, API keys, with all permissions.",
            expected="the API key as Omnisend shows it, without spaces",
        ),
        Field(
            name="api_version",
            label="API version",
            kind="select",
            help="Keep the current one unless your Omnisend account was told otherwise.",
            default="2026-03-15",
            options=(Option("2026-03-15", "2026-03-15 (current)"), Option("v5", "v5 (older)")),
        ),
        tool.retry_unclear_field("Omnisend"),
        rate_field(400, "Omnisend takes 400 calls a minute from a brand, all its tools together."),
        tool.prefix_field("", r"[A-Za-z0-9_]{0,40}", "at most 40 Latin letters, digits and underscores"),
        host_field("Omnisend", "https://api.omnisend.com"),
    ),
)


_VERSION = "2026-03-15"
# Kept on the contact, where segments can use them; under their wire names, as shops already know them.
_ON_CONTACT = (
    "user_available_balance",
    "user_tier",
    "user_referral_code",
    "user_referral_link",
    "user_customer_id",
    "user_transaction_amount",
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,128}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")


class _FieldError(msgspec.Struct):
    field: str = ""
    message: str = ""


class _Problem(msgspec.Struct):
    """RFC 9457, with Omnisend's `errors` and `retryAfter` (seconds)."""

    title: str = ""
    detail: str = ""
    errors: list[_FieldError] | None = None
    retry_after: float | None = msgspec.field(default=None, name="retryAfter")


class OmnisendCarrier(tool.ToolCarrier):
    """`POST /api/events` (version 2026-03-15), or the older `POST /v5/events`."""

    manifest = MANIFEST

    def calls(self, settings: Mapping[str, Any], key: str) -> tuple[str, dict[str, str], frozenset[str]]:
        if settings["api_version"] == "v5":
            self._api = f"{self.host}/v5"
            return f"{self._api}/events", {"X-API-KEY": key}, frozenset({"X-API-KEY"})
        self._api = f"{self.host}/api"
        headers = {"Authorization": f"Omnisend-API-Key {key}", "Omnisend-Version": _VERSION}
        return f"{self._api}/events", headers, frozenset({"Authorization"})

    def event(self, parcel: Parcel, body: dict[str, Any], who: str) -> dict[str, Any]:
        contact: dict[str, Any] = {self.selector: who, **tool.names_of(parcel, "firstName", "lastName")}
        if parcel.profile is not None:
            contact["customProperties"] = {self.prefix + name: parcel.profile[name] for name in _ON_CONTACT}
        return {
            "eventName": parcel.event_name,
            "origin": "api",
            "eventVersion": "",
            "eventID": str(parcel.delivery_id),
            "eventTime": wire_time(parcel.occurred_at),
            "contact": contact,
            "properties": tool.properties_of(parcel, body, limits.OMNISEND_PROPERTIES_MAX, _named),
        }

    def said(self, answer: Answer) -> tool.Said:
        problem = tool.read_as(_Problem, answer.body)
        fields = [f"{error.field}: {error.message}" for error in problem.errors or []]
        gone = "this version of its API has been retired. Choose another API version, then Initialize."
        return tool.Said(
            tool.words_of(problem.detail or problem.title, *fields),
            problem.retry_after,
            self.refused(answer.status, gone),
        )

    def check(self, at: datetime) -> Request:
        """Reads the brand: it needs a key that is known and an API version that exists, and changes nothing."""
        return self.ask("GET", f"{self._api}/brands/current")


def _named(name: str) -> str:
    """Latin letters, digits and underscores."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    return _NOT_IN_A_NAME.sub("_", name)[: limits.OMNISEND_PROPERTY_NAME_CHARS_MAX]


CONNECTOR = Connector(manifest=MANIFEST, carrier=OmnisendCarrier)
