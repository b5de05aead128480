"""What the carriers of messages share: nothing that may have arrived is sent again."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import msgspec

from regulars import limits
from regulars.channels.model import Channel, Content, decode
from regulars.delivery.carrier import (
    CheckResult,
    Delivered,
    GaveUp,
    Outcome,
    Parcel,
    Paused,
    RetryAfter,
    SourceKind,
    Uncertain,
    asked_wait_s,
    read_no_answer,
)
from regulars.delivery.rate import Window
from regulars.kit import fields
from regulars.kit.http import Answer, NoAnswer, Request

T = TypeVar("T")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
MEND = "Correct its settings, then Initialize."


class Manifest(fields.Manifest, frozen=True, kw_only=True):
    """`reports`: which of the addresses of this server the provider is given to report at."""

    tool: str
    channel: Channel
    reports: str


def read_as(type_: type[T], body: bytes) -> T:
    """What a provider answered, as far as it can be read."""
    try:
        return msgspec.json.decode(body, type=type_, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return type_()


class MessageCarrier:
    """`reports_at` is where the provider reports what became of a message, '' for nowhere; the id of one follows it."""

    manifest: ClassVar[Manifest]
    source: SourceKind = "message"
    at_once = limits.LANE_CALLS_IN_FLIGHT_MAX // 4
    windows: Sequence[Window] = ()
    profile_windows: Sequence[Window] = ()
    keeps_profiles = in_order = False
    together = None

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str], reports_at: str) -> None:
        self.settings, self.secrets, self.reports_at = settings, secrets, reports_at

    def compose(self, content: Content, parcel: Parcel) -> Request | GaveUp:
        """Raises ValueError, with a sentence, for what can't be sent so."""
        raise NotImplementedError

    def check(self, at: datetime) -> Request:
        raise NotImplementedError

    def read(self, answer: Answer) -> Outcome:
        raise NotImplementedError

    def trial(self, to: str) -> Content:
        """What a test says."""
        raise NotImplementedError

    def render(self, parcel: Parcel) -> Request | GaveUp:
        return self.compose(decode.decode(parcel.body), parcel)

    def unanswered(self, parcel: Parcel, end: NoAnswer) -> Outcome:
        label = self.manifest.label
        if end.unclear:
            return Uncertain(f"{label}: {end.detail} It may have arrived, and is not sent again unless you ask for it.")
        return read_no_answer(label, parcel, end, retry_unclear=False)

    def read_check(self, end: Answer | NoAnswer) -> CheckResult:
        label = self.manifest.label
        if isinstance(end, NoAnswer):
            return CheckResult(False, f"{label} could not be reached: {end.detail} {MEND}")
        outcome = self.read(end)
        if isinstance(outcome, Delivered):
            return CheckResult(True, f"{label} takes messages from here.")
        return CheckResult(False, outcome.reason)

    def judged(self, answer: Answer, code: int, words: str, of_code: Mapping[int, str]) -> Outcome:
        """By the provider's own code, else by the status. A broken answer may stand for a message that went out."""
        by_code, said = f" ({code})" if code else "", words.rstrip(".") or "no words"
        reason = f"{self.manifest.label} answered {answer.status}{by_code}: {said}."
        if 200 <= answer.status < 300:
            return Delivered()
        means = of_code.get(code, "")
        if means == "paused" or (not means and answer.status in (401, 403)):
            return Paused(f"{reason} {MEND}")
        if means == "later" or answer.status in (429, 503):
            return RetryAfter(asked_wait_s(answer.headers), reason)
        if means != "gave_up" and means != "bounced" and answer.status >= 500:
            return Uncertain(f"{reason} It may have been sent, and is not sent again unless you ask for it.")
        return GaveUp(reason, bounced=means == "bounced")
