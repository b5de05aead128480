"""The protocol that everything which carries a delivery outside implements: an integration, a sender of messages.

A carrier is made for one configured tool (its settings and decrypted secrets) and holds nothing that changes. It never
calls out itself: it renders a request or a mail, and reads what came of it. So the queue, the retries, the rate and the
history are written once, and a carrier can be tested without a network.

    parcel --render--> Request --kit.http--> Answer   --read-------> Outcome
              |        Envelope -kit.mail-'
              |                    |
              `--> GaveUp          `-------> NoAnswer --unanswered-> Outcome

An Outcome is a value, never an exception: whatever the outside world does is expected.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from regulars import limits
from regulars.delivery.rate import Window
from regulars.kit.http import Answer, NoAnswer, Request

SourceKind = Literal["event", "message", "profile"]

# The shared tables of what a status means where the tool's own documents say nothing else.
RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
PAUSE_STATUSES = frozenset({401, 403, 410})


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """One delivery at the moment of one attempt. All but the number and the time of the attempt, and the
    profile, are the same at every attempt.

    `body` is the event's body as it was written when the fact was made: a flat JSON object, never parsed and written
    again on its way, so that every attempt carries the same bytes. Of a message it is the content, as it was prepared
    for this attempt.

    `profile` is what is true of the customer at this attempt, under the names that an event has for it; None for a
    carrier that keeps no profiles, and where nobody knows the customer. The body says what was true when it happened.
    A `source` of `profile`: it is all that is to be told, and the event is only why. `mapped` is what the rule made of
    the body, and told in place of it; whom it is about, the body says. `traceparent` names the request that made the
    event, where that was traced; to a carrier, this attempt.
    """

    delivery_id: UUID
    event_id: UUID
    event_name: str
    topic: str
    occurred_at: datetime
    body: str
    test: bool
    attempt_number: int
    attempted_at: datetime
    profile: Mapping[str, Any] | None = None
    source: SourceKind = "event"
    mapped: str | None = None
    traceparent: str | None = None


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """The tool has it."""

    reason: str = ""


class RetryAfter(msgspec.Struct, frozen=True, gc=False):
    """Not now. `wait_s` is what the tool asked for (at least that long), None where it asked for nothing. `alone`: it
    was refused together with others, and is sent by itself at once, to have an answer of its own."""

    wait_s: float | None
    reason: str
    alone: bool = False


class GaveUp(msgspec.Struct, frozen=True, gc=False):
    """This delivery can't succeed as it is; the next one may. It can be replayed. `bounced`: nobody has the address.
    `needless`: there was nobody to be told of, so it is skipped, and no failure."""

    reason: str
    bounced: bool = False
    needless: bool = False


class Uncertain(msgspec.Struct, frozen=True, gc=False):
    """It may have arrived, and must not arrive twice: it is sent again only if a person asks for this one."""

    reason: str


class Paused(msgspec.Struct, frozen=True, gc=False):
    """No delivery of this integration can succeed until a person mends it: pause it and tell the shop.

    The delivery itself is not lost: it stays queued and goes out once the integration is initialized again.
    """

    reason: str


Outcome = Delivered | RetryAfter | GaveUp | Paused | Uncertain


class CheckResult(msgspec.Struct, frozen=True, gc=False):
    """What Initialize found, in one sentence for the shop."""

    ok: bool
    sentence: str


class Together(msgspec.Struct, frozen=True):
    """How one call carries many, `most` at once, where it pays: where at least `least` are ready. What is tried again
    goes alone. `windows` are the tool's rates for such calls, which keep to all the others too. `part` is what is said
    of one, which holds nothing of a profile, since the tool works on it at its leisure; `joined` is the call."""

    most: int
    least: int
    windows: tuple[Window, ...]
    part: Callable[[Parcel], Request | GaveUp]
    joined: Callable[[Sequence[Request]], Request]


class Carrier(Protocol):
    """One configured tool. Its acts are pure; `render` is called once an attempt and must be cheap.

    `source` is what it carries. Messages are taken in hand, which is written down, before they are sent, and none that
    may have gone out is sent again unasked. `at_once`: so many calls may be out. `windows` are the tool's rates beside
    the one a minute that a shop may set; calls about profiles keep to `profile_windows` too. `keeps_profiles`: what a
    customer has now is kept at the tool, so it is read before each attempt, and the calls about one customer are made
    one by one. `in_order`: also where one of them has to be tried again.
    """

    @property
    def source(self) -> SourceKind: ...

    @property
    def at_once(self) -> int: ...

    @property
    def windows(self) -> Sequence[Window]: ...

    @property
    def profile_windows(self) -> Sequence[Window]: ...

    @property
    def keeps_profiles(self) -> bool: ...

    @property
    def in_order(self) -> bool: ...

    @property
    def together(self) -> Together | None: ...

    def render(self, parcel: Parcel) -> Request | GaveUp:
        """GaveUp when there is nothing that could be sent: no e-mail address where the tool knows people by e-mail."""
        ...

    def read(self, answer: Answer) -> Outcome: ...

    def unanswered(self, parcel: Parcel, end: NoAnswer) -> Outcome: ...

    def check(self, at: datetime) -> Request:
        """The request that Initialize sends; it must change nothing at the tool that a customer could notice."""
        ...

    def read_check(self, end: Answer | NoAnswer) -> CheckResult: ...


def read_status(label: str, answer: Answer, said: str = "") -> Outcome:
    """The default reading of a status. `label` names the tool in the reason, `said` is the tool's own explanation."""
    status = answer.status
    if 200 <= status < 300:
        return Delivered()
    reason = f"{label} answered {status}: {said}" if said else f"{label} answered {status}."
    if status in RETRY_STATUSES:
        return RetryAfter(asked_wait_s(answer.headers), reason)
    if status in PAUSE_STATUSES:
        return Paused(reason)
    if 300 <= status < 400:
        return GaveUp(f"{label} answered {status}, a redirect to another address. Redirects are not followed.")
    return GaveUp(reason)


def read_no_answer(label: str, parcel: Parcel, end: NoAnswer, *, retry_unclear: bool) -> Outcome:
    """The default reading of no answer.

    `retry_unclear`: whether a call that may have been received is sent again. A name that is still unknown at the last
    try has been unknown for all the waits together (half an hour and more), so the integration pauses.
    """
    reason = f"{label}: {end.detail}"
    if end.kind == "refused_address":
        return Paused(reason)
    if end.kind == "dns" and parcel.attempt_number > limits.RETRIES_MAX:
        return Paused(f"{reason} Correct the address, then Initialize.")
    if end.unclear and not retry_unclear:
        return GaveUp(f"{reason} It may have been received, and is not sent again because it could count twice.")
    return RetryAfter(None, reason)


def asked_wait_s(headers: dict[str, str]) -> float | None:
    """The wait in a Retry-After header: seconds, or a date (taken against the answer's own Date header, so that neither
    side's clock needs to be right); else, where RateLimit-Remaining says that nothing is left of the tool's window,
    the RateLimit-Reset. None where there is neither, or it can't be read."""
    text = headers.get("retry-after", "").strip()
    if not text and headers.get("ratelimit-remaining") == "0":
        text = headers.get("ratelimit-reset", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), limits.RETRY_AFTER_MAX_S)
    try:
        until, said_at = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    wait_s = (_aware(until) - _aware(said_at)).total_seconds()
    return min(max(wait_s, 0.0), limits.RETRY_AFTER_MAX_S)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
