"""What the OpenAPI documents tell beside the operations: codes, calling twice, rates, and signed webhooks."""

from typing import Any

from regulars import events, limits
from regulars.api import codes
from regulars.api.failures import Style
from regulars.delivery.carrier import PAUSE_STATUSES, RETRY_STATUSES

_WAITS = ", ".join(
    f"{limits.BACKOFF_FIRST_S * limits.BACKOFF_FACTOR**tries:,.0f} s" for tries in range(limits.RETRIES_MAX)
)
_RETRIED = ", ".join(map(str, sorted(RETRY_STATUSES)))
_PAUSING = ", ".join(map(str, sorted(PAUSE_STATUSES)))


def sections(style: Style) -> str:
    """What follows an API's own description."""
    told = codes.TEMPLATES.get_template("about.md")
    values = {"waits": _WAITS, "retried": _RETRIED, "pausing": _PAUSING, "table": codes.table}
    return told.render(values, style=style, limits=limits)


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
