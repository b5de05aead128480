"""Webhooks: each event posted to an address of the shop's own, signed so that the receiver knows who sent it.

The receiver takes calls with one `webhook-id` for one, so an unclear end is always tried again.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from regulars import limits
from regulars.delivery import carrier
from regulars.integrations.manifest import ORDER, Connector, Manifest, in_order
from regulars.kit.fields import form_of, rate_field
from regulars.kit.http import Answer, NoAnswer, Request
from regulars.kit.webhooks import (
    SECRET_BYTES_MAX,
    SECRET_BYTES_MIN,
    is_secret,
    key_bytes,
    new_secret,
    payload,
    signature,
)


def _secret_fits_style(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """Receivers of the older style may have any secret; Standard Webhooks says what one is."""
    if settings["style"] != "standard" or is_secret(secrets["secret"]):
        return {}
    return {"secret": f"expected whsec_ followed by {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes in base64"}


_MORE = (ORDER, rate_field(60_000, "Lower it if your receiver can't keep up."))
# It only signs, so nobody learns it; but older receivers are sent its hash, and take that for a proof.
_SIGNS = {
    "generate": new_secret,
    "sent_to": lambda settings: "" if settings["style"] == "standard" else str(settings["url"]),
}
MANIFEST = Manifest(
    tool="webhook",
    category="developers",
    deduplicates=True,
    also=_secret_fits_style,
    **form_of(__file__, "webhook", *_MORE, secret=_SIGNS),
)


_MAKER = "Your receiver"
_MEND = "Mend the receiver, then Initialize."
_JSON = {"Content-Type": "application/json"}
_PROVES_US = frozenset({"x-nector-webhook-secret"})
"""The same in each call, to receivers who look at nothing else."""


class WebhookCarrier:
    """`secrets` holds `secret` and, for a day after it was rotated, `secret_previous`; then each call carries both
    signatures, so that the receiver can change over whenever it likes."""

    source: carrier.SourceKind = "event"
    at_once = limits.LANE_CALLS_IN_FLIGHT_MAX
    windows = profile_windows = MANIFEST.windows
    keeps_profiles = False
    together = None

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self._url = str(settings["url"])
        self._standard = settings["style"] == "standard"
        self.in_order = in_order(settings)
        read_key = key_bytes if self._standard else str.encode
        self._key = read_key(secrets["secret"])
        self._previous_key, self._previous_until_s = b"", 0.0
        previous = secrets.get("secret_previous")
        # It may be of the other style, where that was changed since.
        if previous is not None and (is_secret(previous) or not self._standard):
            self._previous_key = read_key(previous)
            self._previous_until_s = datetime.fromisoformat(settings["secret_previous_until"]).timestamp()

    def render(self, parcel: carrier.Parcel) -> Request | carrier.GaveUp:
        """The event's body goes out as the text it is, so every attempt has the same bytes; only the time of the
        attempt, and with it the signature, differ."""
        body = parcel.mapped or parcel.body
        said = payload(parcel.event_name, parcel.occurred_at, body) if self._standard else body.encode()
        named = parcel.delivery_id, parcel.event_name, parcel.attempted_at
        return self._request(*named, said, parcel.traceparent)

    def read(self, answer: Answer) -> carrier.Outcome:
        if 200 <= answer.status < 300:
            return carrier.Delivered()
        outcome = carrier.read_status(_MAKER, answer, _words(answer))
        return carrier.Paused(f"{outcome.reason} {_MEND}") if isinstance(outcome, carrier.Paused) else outcome

    def unanswered(self, parcel: carrier.Parcel, end: NoAnswer) -> carrier.Outcome:
        return carrier.read_no_answer(_MAKER, parcel, end, retry_unclear=True)

    def check(self, at: datetime) -> Request:
        """A signed call of the type `ping`, which stands for no event. Its id is made of the time, for there is no
        delivery."""
        return self._request(UUID(int=int(at.timestamp() * 1_000_000)), "ping", at, payload("ping", at, "{}"))

    def read_check(self, end: Answer | NoAnswer) -> carrier.CheckResult:
        if isinstance(end, NoAnswer):
            return carrier.CheckResult(
                False, f"The receiver could not be reached: {end.detail} Check the address, then Initialize."
            )
        if 200 <= end.status < 300:
            return carrier.CheckResult(
                True, f"The receiver took a signed test call with {end.status}. Events can be sent."
            )
        if end.status in (401, 403):
            sentence = (
                f"The receiver answered {end.status}: it refused the signature. Give it this webhook's secret, then "
                "Initialize."
            )
            return carrier.CheckResult(False, sentence)
        outcome = carrier.read_status("The receiver", end, _words(end))
        return carrier.CheckResult(False, f"{outcome.reason} {_MEND}")

    def _request(
        self, delivery_id: UUID, topic: str, at: datetime, body: bytes, traceparent: str | None = None
    ) -> Request:
        """Of the older style, a call that is refused is made once more with the previous secret."""
        at_s, otherwise, id = at.timestamp(), None, str(delivery_id)
        common = {**_JSON, "traceparent": traceparent} if traceparent else _JSON
        keys = [self._key, self._previous_key] if at_s < self._previous_until_s else [self._key]
        stamp = str(int(at_s))
        if self._standard:
            signed = " ".join([f"v1,{signature(key, id, stamp, body)}" for key in keys])
            headers = {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signed}
            return Request("POST", self._url, {**common, **headers}, body)
        for key in reversed(keys):
            headers = {
                "x-nector-webhook-hmac": hmac.digest(key, body, "sha256").hex(),
                "x-nector-webhook-hmac-algo": "sha256",
                # Receivers exist that check this one alone.
                "x-nector-webhook-secret": sha256(key).hexdigest(),
                "x-nector-webhook-secret-algo": "sha256",
                "x-nector-timestamp": stamp,
                "x-nector-delivery-id": id,
                "x-nector-topic": topic,
                "x-source": "unix",
            }
            otherwise = Request(
                "POST", self._url, {**common, **headers}, body, secret_headers=_PROVES_US, otherwise=otherwise
            )
        assert otherwise is not None
        return otherwise


def _words(answer: Answer) -> str:
    """The beginning of what the receiver wrote, on one line, where it wrote text."""
    text = answer.body[: limits.TOOL_WORDS_CHARS_MAX].decode("utf-8", "replace")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


CONNECTOR = Connector(manifest=MANIFEST, carrier=WebhookCarrier)
