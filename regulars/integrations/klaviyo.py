"""Klaviyo: e-mail and SMS marketing. Events (Klaviyo: metrics) start its flows, profiles build its segments.

Events carry a `unique_id`, which is the delivery's, so one that comes twice counts once and an unclear end is always
tried again. Without it Klaviyo would keep only one event of a profile, metric and second.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from regulars import limits
from regulars.delivery.carrier import Parcel
from regulars.delivery.rate import Window
from regulars.integrations import tool
from regulars.integrations.manifest import Connector, Manifest
from regulars.kit import wire_time
from regulars.kit.fields import Field, host_field, rate_field
from regulars.kit.http import Answer, Request

MANIFEST = Manifest(
    tool="klaviyo",
    label="Klaviyo",
    category="e-mail and SMS",
    summary="Each event arrives at the customer's profile, ready to start a flow or to build a segment.",
    help_text=(
        "In Klaviyo open Settings, then API keys, and choose Create private API key with full access, or a custom key "
        "that may read accounts and write events and profiles. Copy the key and paste it here. Then Initialize."
    ),
    help_url="https://www.klaviyo.com/settings/account/api-keys",
    deduplicates=True,
    fields=(
        tool.selector_field("Klaviyo", "email", "phone", "id"),
        Field(
            name="api_key",
            label="Private API key",
            kind="secret",
            help="From Klaviyo: Settings, API keys. It begins with pk_.",
            pattern=r"pk_[\x21-\x7e]{1,200}",
            expected="the private API key as Klaviyo shows it; it begins with pk_",
        ),
        tool.any_prefix_field(),
        rate_field(3_500, "Klaviyo takes 3,500 calls a minute for an account, and never more than 350 a second."),
        host_field("Klaviyo", "https://a.klaviyo.com"),
    ),
    windows=(Window(350, 1.0),),
)


_REVISION = "2026-07-15"
_IDENTIFIERS = {"email": "email", "phone": "phone_number", "id": "external_id"}


class _Source(msgspec.Struct):
    pointer: str = ""
    parameter: str = ""


class _Error(msgspec.Struct):
    title: str = ""
    detail: str = ""
    source: _Source | None = None


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


class KlaviyoCarrier(tool.ToolCarrier):
    """`POST /api/events`, JSON:API, in the revision that this was written for."""

    manifest = MANIFEST
    media_type = "application/vnd.api+json"

    def calls(self, settings: Mapping[str, Any], key: str) -> tuple[str, dict[str, str], frozenset[str]]:
        headers = {"Authorization": f"Klaviyo-API-Key {key}", "revision": _REVISION, "accept": self.media_type}
        return f"{self.host}/api/events", headers, frozenset({"Authorization"})

    def event(self, parcel: Parcel, body: dict[str, Any], who: str) -> dict[str, Any]:
        profile: dict[str, Any] = {_IDENTIFIERS[self.selector]: who}
        profile |= tool.names_of(parcel, "first_name", "last_name") | {"properties": self.on_profile(parcel)}
        attributes: dict[str, Any] = {
            "unique_id": str(parcel.delivery_id),
            "time": wire_time(parcel.occurred_at),
            "metric": {
                "data": {"type": "metric", "attributes": {"name": parcel.event_name[: limits.KLAVIYO_METRIC_CHARS_MAX]}}
            },
            "properties": tool.properties_of(parcel, body, limits.KLAVIYO_PROPERTIES_MAX, flat=False),
            "profile": {"data": {"type": "profile", "attributes": profile}},
        }
        # What an event is worth, in money: only an order's is.
        amount, currency = body.get("fiat_amount"), body.get("currency_code")
        if isinstance(amount, (int, float)) and currency:
            attributes |= {"value": amount, "value_currency": str(currency).upper()}
        return {"data": {"type": "event", "attributes": attributes}}

    def said(self, answer: Answer) -> tool.Said:
        errors = tool.read_as(_Errors, answer.body).errors
        gone = f"revision {_REVISION} of its API has been retired. Update Regulars, then Initialize."
        return tool.Said(tool.words_of(*map(_words, errors)), None, self.refused(answer.status, gone))

    def check(self, at: datetime) -> Request:
        """Reads the account: it needs a key that is known and a revision that is served, and changes nothing."""
        return self.ask("GET", f"{self.host}/api/accounts")


def _words(error: _Error) -> str:
    where = (error.source.pointer or error.source.parameter) if error.source else ""
    said = error.detail or error.title
    return f"{said} ({where})" if said and where else said


CONNECTOR = Connector(manifest=MANIFEST, carrier=KlaviyoCarrier)
