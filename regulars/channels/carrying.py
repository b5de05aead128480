"""What the carriers of messages share: nothing that may have arrived is sent again."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from regulars import limits
from regulars.channels.model import Channel, Content, decode
from regulars.delivery.carrier import (
    CheckResult,
    Delivered,
    GaveUp,
    Outcome,
    Parcel,
    SourceKind,
    Uncertain,
    read_no_answer,
)
from regulars.delivery.rate import Window
from regulars.kit import fields
from regulars.kit.http import Answer, NoAnswer, Request

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
MEND = "Correct its settings, then Initialize."


class Manifest(fields.Manifest, frozen=True, kw_only=True):
    tool: str
    channel: Channel


class MessageCarrier:
    """Made of checked settings and decrypted secrets."""

    manifest: ClassVar[Manifest]
    source: SourceKind = "message"
    at_once = limits.LANE_CALLS_IN_FLIGHT_MAX // 4
    windows: Sequence[Window] = ()
    keeps_profiles = False

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self.settings, self.secrets = settings, secrets

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
