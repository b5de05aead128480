"""Attempts, each with a span of its own in the trace of the request that made its event, where that was traced."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import msgspec

from regulars.delivery import attempts
from regulars.delivery.attempts import Attempt
from regulars.delivery.carrier import Carrier, Delivered, Parcel
from regulars.kit import tracing
from regulars.kit.http import Answer, NoAnswer, Sender


async def attempt_traced(carrier: Carrier, sender: Sender, parcels: Sequence[Parcel], tool: str) -> list[Attempt]:
    """Of several, with one call."""
    if not tracing.on():
        return await _attempt(carrier, sender, parcels)
    with ExitStack() as stack:
        spans = [stack.enter_context(tracing.span(f"deliver {tool}", "CLIENT", one.traceparent)) for one in parcels]
        named = zip(parcels, spans, strict=True)
        traced = [msgspec.structs.replace(one, traceparent=span.traceparent) for one, span in named]
        made = await _attempt(carrier, sender, traced)
        for span, one in zip(spans, made, strict=True):
            span.tell(*_told(one, tool, len(parcels)))
    return made


async def _attempt(carrier: Carrier, sender: Sender, parcels: Sequence[Parcel]) -> list[Attempt]:
    if len(parcels) > 1:
        return await attempts.attempt_together(carrier, sender, parcels)
    return [await attempts.attempt(carrier, sender, parcels[0])]


def _told(made: Attempt, tool: str, many: int) -> tuple[dict[str, str | int], str]:
    """What a span says of it, and what kind of failure it was."""
    parcel, request, end, outcome = made.parcel, made.request, made.end, type(made.outcome).__name__
    told: dict[str, str | int] = {
        "regulars.tool": tool,
        "regulars.topic": parcel.topic,
        "regulars.delivery_id": str(parcel.delivery_id),
        "regulars.attempt": parcel.attempt_number,
        "regulars.outcome": outcome,
        "messaging.batch.message_count": many,
    }
    if request is not None:
        told["http.request.method"] = request.method
        with suppress(ValueError):
            told["server.address"] = urlsplit(request.url).hostname or ""
    if isinstance(end, Answer):
        told["http.response.status_code"] = end.status
    if isinstance(made.outcome, Delivered):
        return told, ""
    return told, end.kind if isinstance(end, NoAnswer) else outcome
