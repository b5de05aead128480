"""One try: render, send, read what came of it; and what it means for the delivery."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from regulars import limits
from regulars.delivery.carrier import (
    PAUSE_STATUSES,
    Carrier,
    Delivered,
    GaveUp,
    Outcome,
    Parcel,
    Paused,
    RetryAfter,
    Uncertain,
    asked_wait_s,
)
from regulars.delivery.model import OutcomeName, State
from regulars.kit.http import Answer, NoAnswer, Request, Sender

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode
_DOTS = "••••••"


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """A try that was made. `request` is None when there was nothing that could be sent."""

    parcel: Parcel
    request: Request | None
    end: Answer | NoAnswer | None
    outcome: Outcome


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What an attempt means for its delivery."""

    state: State
    outcome: OutcomeName
    reason: str
    next_at: datetime | None


async def called(sender: Sender, request: Request) -> tuple[Request, Answer | NoAnswer]:
    """The call that was made in the end, and how it ended."""
    end = await sender.send(request)
    if request.otherwise is not None and isinstance(end, Answer) and end.status in PAUSE_STATUSES:
        return request.otherwise, await sender.send(request.otherwise)
    return request, end


async def attempt(carrier: Carrier, sender: Sender, parcel: Parcel) -> Attempt:
    """Send it once. Belongs outside any transaction; ends within CALL_TIMEOUT_S, and never raises.

    A carrier that raises has a bug, or an event before it that this version can't read. It costs this delivery only:
    the others of its lane go on. As long as nothing was sent it is tried again, as when a tool is away; after that it
    can be replayed once the bug is mended.
    """
    request = _rendered(carrier.render, parcel)
    if isinstance(request, Attempt):
        return request
    end: Answer | NoAnswer | None = None
    outcome: Outcome
    try:
        request, end = await called(sender, request)
        if request.then is not None and isinstance(end, Answer) and isinstance(carrier.read(end), Delivered):
            request = request.then
            end = await sender.send(request)
        outcome = carrier.read(end) if isinstance(end, Answer) else carrier.unanswered(parcel, end)
        if request.note and isinstance(outcome, Delivered):
            outcome = Delivered(request.note)
    except Exception as bug:  # noqa: BLE001 - the outermost frame of one delivery; see the docstring
        unread = Uncertain if carrier.source == "message" else GaveUp
        outcome = unread(f"{_fault(parcel, bug)} read.")
    return Attempt(parcel, request, end, outcome)


async def attempt_together(carrier: Carrier, sender: Sender, parcels: Sequence[Parcel]) -> list[Attempt]:
    """Send these with one call, and else as `attempt`. Each attempt holds its own part of what was sent."""
    assert carrier.together is not None
    made = [_rendered(carrier.together.part, parcel) for parcel in parcels]
    parts = [one for one in made if isinstance(one, Request)]
    if not parts:
        return [one for one in made if isinstance(one, Attempt)]
    end: Answer | NoAnswer | None = None
    outcomes: Sequence[Outcome]
    try:
        end = await sender.send(carrier.together.joined(parts))
        if isinstance(end, Answer):
            outcomes = [carrier.read(end)] * len(parcels)
        else:
            outcomes = [carrier.unanswered(parcel, end) for parcel in parcels]
    except Exception as bug:  # noqa: BLE001 - as in `attempt`
        outcomes = [GaveUp(f"{_fault(parcels[0], bug)} read.")] * len(parcels)
    return [
        one if isinstance(one, Attempt) else Attempt(parcel, one, end, _of_many(outcome, one.note, len(parts)))
        for one, parcel, outcome in zip(made, parcels, outcomes, strict=True)
    ]


def _of_many(outcome: Outcome, note: str, many: int) -> Outcome:
    """A refusal of many is none of each: one of them may be the reason."""
    words = f"It was one of {many:,} in one call"
    if isinstance(outcome, Delivered):
        return Delivered(f"{note} {words}.".strip())
    if isinstance(outcome, GaveUp):
        return RetryAfter(None, f"{outcome.reason} {words}, and is sent alone.", alone=True)
    return outcome


def _rendered(render: Callable[[Parcel], Request | GaveUp], parcel: Parcel) -> Request | Attempt:
    """What is to be sent; or the attempt, where nothing can be."""
    if not parcel.body:
        return Attempt(parcel, None, None, RetryAfter(None, "The event that this delivery is of can't be found."))
    try:
        rendered = render(parcel)
    except Exception as bug:  # noqa: BLE001 - as in `attempt`
        return Attempt(parcel, None, None, RetryAfter(None, f"{_fault(parcel, bug)} sent."))
    return Attempt(parcel, None, None, rendered) if isinstance(rendered, GaveUp) else rendered


def _fault(parcel: Parcel, bug: Exception) -> str:
    _log.exception("attempt_bug", delivery_id=str(parcel.delivery_id), topic=parcel.topic)
    return f"A fault inside Regulars ({type(bug).__name__}) kept this delivery from being"


_DELIVERED = Verdict("delivered", "delivered", "", None)


def judge(outcome: Outcome, parcel: Parcel, tries_before: int, now: datetime, random: float) -> Verdict:
    """Pure. `tries_before` counts the tries since it was queued or replayed last; `random` is in [0, 1).

    A test is tried once: the person who sent it sees the answer and can send another.
    """
    if isinstance(outcome, Delivered):
        return Verdict("delivered", "delivered", _text(outcome.reason), None) if outcome.reason else _DELIVERED
    reason = _text(outcome.reason)
    if isinstance(outcome, GaveUp):
        return Verdict("skipped" if outcome.needless else "failed", "gave_up", reason, None)
    if isinstance(outcome, Uncertain):
        return Verdict("uncertain", "uncertain", reason, None)
    if isinstance(outcome, Paused):
        return Verdict("failed" if parcel.test else "queued", "paused", reason, None)
    tries = tries_before + 1
    if parcel.test:
        return Verdict(
            "failed", "gave_up", f"{reason} A test is not tried again."[-limits.REASON_CHARS_STORED_MAX :], None
        )
    if tries > limits.RETRIES_MAX:
        return Verdict("failed", "gave_up", f"{reason} Given up after {tries} tries.", None)
    wait_s = 0.0 if outcome.alone else backoff_s(tries, outcome.wait_s, random)
    return Verdict("queued", "retry", reason, now + timedelta(seconds=wait_s))


def backoff_s(tries: int, asked_wait_s: float | None, random: float) -> float:
    """Seconds until the next try, after `tries` that did not succeed (1, 2, ...).

    Exponential, plus up to BACKOFF_JITTER_S so that deliveries that failed together do not come back together; and
    never sooner than the tool asked for, in a header or in its body. `random` is in [0, 1).
    """
    exponential_s = min(limits.BACKOFF_FIRST_S * limits.BACKOFF_FACTOR ** (tries - 1), limits.BACKOFF_MAX_S)
    asked_s = min(asked_wait_s or 0.0, limits.RETRY_AFTER_MAX_S)
    # The jitter is added to either wait: a tool that asked everybody for a minute would else meet everybody after it.
    return max(exponential_s, asked_s) + limits.BACKOFF_JITTER_S * random


def silence_until(made: Attempt, now: datetime) -> datetime | None:
    """A 429 that names a wait, and a call that was the last of the tool's window, speak of the whole tool, not of one
    delivery: its lane rests, instead of using up the tries of everything behind. At most LANE_SILENCE_MAX_S; what was
    refused itself waits as long as was asked."""
    if not isinstance(made.end, Answer):
        return None
    wait_s: float | None = None
    if made.end.status == 429 and isinstance(made.outcome, RetryAfter):
        wait_s = made.outcome.wait_s or 0.0
    elif made.end.headers.get("ratelimit-remaining") == "0":
        wait_s = asked_wait_s(made.end.headers)
    return None if wait_s is None else now + timedelta(seconds=min(wait_s, limits.LANE_SILENCE_MAX_S))


Shape = tuple[State, OutcomeName, str, datetime | None, str, str, int | None, str, str]
"""What many attempts of a batch have in common: state, outcome, reason, next_at, method, url, status, answer_headers,
answer_body."""

Row = tuple[UUID, datetime, int, str, str]
"""What each attempt has of its own: delivery, started_at, duration_ms, request_headers, request_body."""


def as_row(made: Attempt, verdict: Verdict) -> tuple[Shape, Row]:
    """The attempt as it is stored, its text made fit for PostgreSQL and cut."""
    request, end, parcel = made.request, made.end, made.parcel
    if request is None:
        method = url = request_headers = request_body = ""
    else:
        method, url = request.method, _fit(request.url)
        request_headers = _encode(_without_secrets(request)).decode()
        request_body = _text_of(request.body)
    status, answer_headers, answer_body, duration_ms = None, "", "", 0
    if end is not None:
        duration_ms = end.duration_ms
        if isinstance(end, Answer):
            status = end.status
            answer_headers = _headers_text(end.headers)
            answer_body = _text_of(end.body[: limits.ANSWER_BYTES_STORED_MAX])
    said = (verdict.state, verdict.outcome, verdict.reason, verdict.next_at)
    own = (parcel.delivery_id, parcel.attempted_at, duration_ms, request_headers, request_body)
    return (*said, method, url, status, answer_headers, answer_body), own


def _without_secrets(request: Request) -> dict[str, str]:
    secret = request.secret_headers
    if not secret:
        return request.headers
    return {name: _DOTS if name in secret else value for name, value in request.headers.items()}


def _headers_text(headers: dict[str, str]) -> str:
    encoded = _encode(headers)
    if len(encoded) > limits.HEADER_CHARS_STORED_MAX * 4:
        first = list(headers.items())[: limits.HEADERS_STORED_MAX]
        encoded = _encode({name[:100]: value[: limits.HEADER_CHARS_STORED_MAX] for name, value in first})
    return encoded.decode()


def _text_of(raw: bytes) -> str:
    """PostgreSQL's text holds neither NUL nor broken UTF-8; an answer may hold both."""
    text = raw.decode("utf-8", "replace")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _text(reason: str) -> str:
    """A reason may quote the tool, so it may hold anything too (half a surrogate pair out of a JSON escape)."""
    return _fit(reason[: limits.REASON_CHARS_STORED_MAX])


def _fit(text: str) -> str:
    return text if text.isascii() and "\0" not in text else _text_of(text.encode("utf-8", "replace"))
