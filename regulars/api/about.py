"""What the OpenAPI documents tell beside the operations: codes, calling twice, rates, and signed webhooks."""

from __future__ import annotations

from typing import Any

from regulars import events, limits
from regulars.api.codes import ATTEMPTS, FIRINGS, REFUSALS, RULES, table
from regulars.api.failures import Style
from regulars.delivery.carrier import PAUSE_STATUSES, RETRY_STATUSES

_WAITS = ", ".join(
    f"{limits.BACKOFF_FIRST_S * limits.BACKOFF_FACTOR**tries:,.0f} s" for tries in range(limits.RETRIES_MAX)
)
_RETRIED = ", ".join(map(str, sorted(RETRY_STATUSES)))
_PAUSING = ", ".join(map(str, sorted(PAUSE_STATUSES)))

_TWICE = f"""## Ask twice, happen once

A call that writes and carries an `Idempotency-Key` (1 to {limits.IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters)
happens once. The same request with the same key is answered as it was first, with `Idempotency-Hit: true`; another
request with that key is refused with `idempotency_key_reused`. Keys are kept for ever. After a timeout, a broken
connection or a 5xx send the
same request again, with the same key, until it is answered. Name a key after the fact, not after the try:
`welcome-7029064106277`. What was refused and stored nothing is not remembered: mend it, and use the key again.

## Rates

A key may make {limits.CALLS_PER_MINUTE_PER_KEY:,} calls a minute, or as many as the shop's setting `calls_per_minute`
says. Over that it is answered 429 with `Retry-After` in seconds,
and nothing is done. A body has at most {limits.BODY_BYTES_MAX:,} bytes."""

_RETRIES = f"""## Deliveries, retries

An event goes to a tool by each rule that lets it through, as a delivery with one id. What your receiver
answers decides:

- 200 to 299: delivered.
- {_RETRIED}, no answer within {limits.CALL_TIMEOUT_S:.0f} s, a broken connection: tried again up to
  {limits.RETRIES_MAX} times, after {_WAITS}, each with up to {limits.BACKOFF_JITTER_S:.0f} s
  more, and never sooner than `Retry-After` says (at most a day).
- {_PAUSING}: the integration pauses, its deliveries wait, and the dashboard says why; Initialize goes on.
- A redirect or any other status: given up. It can be replayed.

An event can come twice, and after one that happened later: know it by the delivery's id, and go by the times it says.

### What an attempt came to

{table("outcome", ATTEMPTS)}

### What a rule made of an event

{table("what", RULES)}"""

_WEBHOOKS = f"""## Webhooks

A webhook is sent events as `POST`, signed as [Standard Webhooks](https://www.standardwebhooks.com) says; each event is
listed under *Webhooks*. The secret is shown once, when the integration is added or its secret rotated:
`whsec_` and base64.

To verify a call, over the body's bytes as they came, before they are parsed:

1. Read `webhook-id`, `webhook-timestamp` and `webhook-signature`. Refuse a timestamp that is more than 5 minutes off.
2. Take the base64 behind `whsec_` as the key, and make HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`.
3. The base64 of that, with `v1,` before it, is one of the signatures in `webhook-signature`, which a blank parts: for
   {limits.SECRET_ROTATION_S // 3600} hours after a rotation there are two. Compare in constant
   time; answer 401 if none fits.
4. Keep `webhook-id` with what you do, in one transaction, and answer 2xx to one that you have seen: it is the same at
   every try, and when the delivery is replayed.

A webhook whose setting `style` is `nector` is for receivers of the older system: the body is the event's alone
(`data`), and the headers are `x-nector-webhook-hmac` (hexadecimal HMAC-SHA256 over the body, by the secret's text),
`x-nector-webhook-secret` (hexadecimal SHA-256 of the secret), `x-nector-timestamp` (seconds),
`x-nector-delivery-id` and `x-nector-topic`. A signature over the body alone does not grow old:
know deliveries by their id."""


def sections(style: Style) -> str:
    """What follows an API's own description."""
    firings = f"### Why a trigger gave nothing\n\n{table('reason', FIRINGS)}"
    if style == "envelope":
        note = "What is 404 or 409 in this list is 422 in this API, but for an unknown address."
        told = "A firing that gave nothing is answered 422, with the firing's own reason as the code."
        return "\n\n".join((_TWICE, f"## Codes\n\n{note}\n\n{table('code', REFUSALS)}", f"{firings}\n\n{told}"))
    return "\n\n".join((_TWICE, f"## Codes\n\n{table('code', REFUSALS)}", firings, _RETRIES, _WEBHOOKS))


def webhooks() -> dict[str, Any]:
    """The events as OpenAPI's webhooks; their bodies are the AsyncAPI document's schemas."""
    return {topic: {"post": _webhook(topic)} for topic in events.TOPICS}


def _webhook(name: str) -> dict[str, Any]:
    topic = events.TOPICS[name]
    body = {"$ref": f"#/components/schemas/{topic.type.__name__}"}
    told = {
        "type": {"type": "string", "description": "The event's name, with the rule's prefix.", "examples": [name]},
        "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
        "data": body,
    }
    sample = {"type": name, "timestamp": "2026-03-14T09:26:53.589Z", "data": events.examples(topic.type)[0]}
    schema = {"type": "object", "properties": told, "required": list(told)}
    headers = {
        "webhook-id": "The delivery's id, the same at every try.",
        "webhook-timestamp": "When this try was made, in seconds since 1970.",
        "webhook-signature": "`v1,` and a signature in base64; after a rotation two, with a blank between them.",
    }
    answers = {
        "2XX": "Delivered.",
        "429": "Tried again, not sooner than `Retry-After` says; so are 408, 425 and the 5xx that pass.",
        "401": f"The integration pauses; so it does at {_PAUSING}.",
        "default": "Given up; it can be replayed.",
    }
    return {
        "operationId": f"webhook.{name}",
        "tags": ["Webhooks"],
        "summary": topic.label,
        "description": topic.description + ("" if topic.emitted else " Not sent by this version yet."),
        "security": [],
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": words, "schema": {"type": "string"}}
            for header, words in headers.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": sample}}},
        "responses": {status: {"description": words} for status, words in answers.items()},
    }
